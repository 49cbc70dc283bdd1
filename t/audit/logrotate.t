#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Debian's logrotate rotates the audit file beside nginx's own files: it
# accepts both, each keeps to its own rules, and no creation is without its
# record.

use lib 't/lib';
use JobRuns;

my ($logrotate) = grep { -x } '/usr/sbin/logrotate', '/usr/bin/logrotate';
plan(skip_all => 'no logrotate') if !$logrotate;
plan(skip_all => 'needs root') if $> != 0;
my ($user, $uid) = (getpwnam 'www-data')[0, 2];
plan(skip_all => 'no www-data') if !defined $uid;

my $t = JobRuns->new;
my $dir = $t->testdir;
my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';

# the folders of a package
chmod 0755, $dir;
system($t->root . '/util/install-folder', "$dir/jobruns") == 0 or die;
is(sprintf('%o', (stat "$dir/jobruns")[2] & 07777), '2751',
    'workers can search the audit folder');
is((stat _)[4], 0, 'the audit folder belongs to root');
mkdir "$dir/nginx" or die;
chmod 0755, "$dir/nginx";

my $log = "$dir/jobruns/audit.log";
my $nginx = $t->new_nginx('nginx');
(my $globals = $nginx->globals) =~ s/user root root;/user $user;/;
my $config = $t->default_config(workers => 2, audit => "jobruns_audit $log;");
$config =~ s/%%TEST_GLOBALS%%/$globals/;
chmod 0777, $t->redis->path;
$nginx = $t->run(config => $config);
is(sprintf('%o', (stat $log)[2] & 07777), '640',
    'a new audit file has mode 0640');

# Debian's, where it is installed

sub slurp { local (@ARGV, $/) = @_; return scalar <> }

my $theirs = -f '/etc/logrotate.d/nginx' ? slurp('/etc/logrotate.d/nginx')
    : "/var/log/nginx/*.log {\n\tdaily\n\trotate 14\n\tcompress\n"
        . "\tcreate 0640 www-data adm\n}\n";
my $ours = slurp($t->root . '/conf/jobruns.logrotate');
my $pid = $nginx->file('pid');
$ours =~ s{/var/log/jobruns}{$dir/jobruns}g;
$ours =~ s{/run/nginx\.pid}{$pid}g;
$theirs =~ s{/var/log/nginx}{$dir/nginx}g;
$theirs =~ s{invoke-rc\.d nginx rotate}{kill -USR1 \$(cat $pid)};
$t->write_file('logrotate.conf', "$theirs\n$ours");
chmod 0644, "$dir/logrotate.conf";
$t->write_file('nginx/access.log', "x\n");

sub rotate {
    my $command = "$logrotate -f -v -s $dir/logrotate.state"
        . " $dir/logrotate.conf";
    my $said = `$command 2>&1`;
    is($?, 0, 'logrotate accepts the rules of both packages') or diag($said);
    unlike($said, qr/^error/m, 'logrotate reports no error');
}

my $n = 0;
sub create {
    my ($count) = @_;
    is($t->create_run(request_id => 'run-' . ++$n)->status, 201,
        'a creation around a rotation is created')
        for 1 .. $count;
}

create(2);
my $inode = (stat $log)[1];
rotate();
wait_for { (stat $log)[1] != $inode && $nginx->error_log =~ /reopening logs/ }
    'a new file';
create(2);
is(sprintf('%o', (stat $log)[2] & 07777), '640',
    'the audit file after a rotation has mode 0640');
my @rotated = glob "$log-*";
is(scalar @rotated, 1, 'one audit file was rotated');

# without USR1 the file in its place is opened all the same

rename $log, "$log-20260101" or die;
$t->write_file('jobruns/audit.log', '');
chown $uid, -1, $log;
chmod 0640, $log;
create(2);
wait_for { create(1); -s $log } 'records in the new file';

my @files = (glob("$log-*"), $log);
my %records;
for (map { slurp($_) } @files) {
    $records{$_}++ for /"request":\{"id":"(run-\d+)"/g;
}
is(scalar(grep { ($records{"run-$_"} // 0) != 2 } 1 .. $n), 0,
    'each creation has both its records on disk');
system($tool, 'verify', '--quiet', @files);
is($? >> 8, 0, 'verify: the chains are whole over all files');
is(scalar(grep { /audit/ } map { s{.*/}{}r } glob "$dir/nginx/*"), 0,
    "nginx's folder has no audit file");

done_testing;
