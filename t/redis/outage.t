#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# One Redis with appendfsync always is under load: it stops for five seconds,
# and it is killed and started again.  Each token has one job run, though the
# service makes one of every request.

use lib 't/lib';

use Time::HiRes qw(time);

use JobRuns;
use Outage;

my $t = JobRuns->new;
my $redis = $t->redis(args => ['--appendonly', 'yes', '--appendfsync',
    'always']);
$t->service('service', ignore_tokens => 1);

$t->run(http => Outage::TIMEOUTS,
    server => 'jobruns_limit rate key=tenant rate=100000r/s burst=10000;'
        . 'jobruns_concurrency slots key=tenant limit=1000;');
my $outage = Outage->new($t,
    tenants => [map { "ocid1.tenancy.oc1..outage$_" } 1 .. 12]);

is($outage->round, 0, 'no request fails before the outage') for 1 .. 3;
$outage->tell('quiet');

sub breaks {
    my ($what, $begin, $seconds, $end) = @_;

    my @under_way = $outage->begin;
    $begin->();
    my $broken = time;
    $outage->answers(@under_way);
    cmp_ok($outage->round, '>', 0, "$what: requests fail");
    $outage->round until time > $broken + $seconds;

    my $since = time;
    $end->();
    my $took = $outage->well($since);
    cmp_ok($took, '<', 30, "$what: the gateway has recovered");
    $outage->tell($what, $took);
}

breaks('stopped for 5 s', sub { $redis->pause }, 5, sub { $redis->resume });
breaks('killed, back after 2 s', sub { $redis->kill }, 2,
    sub { $redis->start });

is(join(' ', $outage->wrong), '',
    'each of ' . @{$outage->{tokens}} . ' tokens made one job run');

done_testing;
