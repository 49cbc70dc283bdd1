#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What is installed and what runs differ after the module's file was replaced:
# the page, the JSON, a metric and error.log report it, also after a reload,
# until NGINX is started again.

use lib 't/lib';
use JobRuns;

use File::Copy qw(copy);

my $t = JobRuns->new;
my $module = $ENV{TEST_NGINX_MODULE} // '';

# in an NGINX with the module inside there is no file to replace
my $own = $t->testdir . '/module.so';

if (length $module) {
    copy($module, $own) or die "$own: $!\n";
    $ENV{TEST_NGINX_MODULE} = $own;
}

my $nginx = $t->run(
    http => 'jobruns_zone jobruns 1m;',
    server => 'location = /status { jobruns_status; }',
);

sub json { return $t->get('/status?format=json')->json }

sub metric {
    my ($value) = $t->get('/status')->body =~ /^jobruns_module_changed (\d+)$/m;
    return $value;
}

ok(!json()->{moduleChanged}, 'the module that runs is the one of its file');
is(json()->{state}{level}, 'good',
    'the page has nothing to report before the file is replaced');
is(metric(), 0, 'the metric is 0 before the file is replaced');

if (length $module) {
    # by rename, as dpkg and `make install` do
    copy($module, "$own.new") or die "$own.new: $!\n";
    rename "$own.new", $own or die "$own: $!\n";

    ok(json()->{moduleChanged},
        'the JSON form reports that the file was replaced');
    is(json()->{state}{level}, 'warn',
        'the page warns that the file was replaced');
    like(json()->{troubles}[0]{remedy}, qr/Restart NGINX/,
        'the page says what to do when the file was replaced');
    is(metric(), 1, 'the metric reports that the file was replaced');

    $nginx->reload;

    ok(json()->{moduleChanged}, 'a reload still runs what was loaded');
    like($nginx->error_log, qr/\[warn\] .*jobruns: "\Q$own\E" has changed/,
        'error.log names the file that has changed');
    is($t->create_run->status, 201, 'a creation after the reload is created');

    unlink $own or die "$own: $!\n";
    is(metric(), 1, 'the metric reports a file that was removed');

    copy($module, $own) or die "$own: $!\n";
    $nginx->quit;
    $nginx->start;

    is(metric(), 0, 'a new start runs what is installed');
}

done_testing;
