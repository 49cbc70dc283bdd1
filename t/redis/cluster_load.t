#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A cluster of six is under load: hash slots move, a master is killed, another
# one stops replying.  What failed is retried with its token, as SDKs do; the
# service honours tokens, since a failover may lose a claim.  In the end every
# token has one job run, and no request took longer than its timeouts
# together.

use lib 't/lib';

use Time::HiRes qw(time);

use JobRuns;
use Outage;
use RedisCluster;

my $t = JobRuns->new;
my $cluster = RedisCluster->start($t, timeout => 1000);
my @tenants = map { "ocid1.tenancy.oc1..load$_" } 1 .. 12;

$t->run(redis => 'jobruns_redis ' . $cluster->address . ';',
    http => Outage::TIMEOUTS,
    server => 'jobruns_limit rate key=tenant rate=1000r/s burst=1000;'
        . 'jobruns_concurrency slots key=tenant limit=1000;');
my $outage = Outage->new($t, tenants => \@tenants);

sub owner { return $cluster->master($cluster->slot("{$_[0]}")) }

is($outage->round, 0, 'no request fails before the load') for 1 .. 3;
$outage->tell('quiet');

###############################################################################
# Slots move; each step of it with requests under way

my %before = map { $_ => $cluster->errors($_) } qw(ASK MOVED TRYAGAIN);

for my $tenant (@tenants[0 .. 5]) {
    my $slot = $cluster->slot("{$tenant}");
    my $from = owner($tenant);
    my $to = $cluster->other($from);

    my @r = $outage->begin(@tenants, $tenant);
    $cluster->open_slot($slot, $from, $to);
    push @r, $outage->begin($tenant, $tenant);
    while ($cluster->move_keys($slot, $from, $to, 4)) {
        push @r, $outage->begin($tenant);
    }
    $cluster->close_slot($slot, $from, $to);
    push @r, $outage->begin($tenant);
    is($outage->answers(@r), 0, 'no request fails while a slot moves');
}
diag(join ', ', map { "$_ " . ($cluster->errors($_) - $before{$_}) }
    sort keys %before);
ok($cluster->errors($_) > $before{$_}, "$_ is among the replies of the nodes")
    for sort keys %before;
$outage->tell('moving slots');

###############################################################################
# A master is killed, another is stopped

for my $how (qw(kill pause)) {
    $cluster->wait_well;

    my $dead = owner($tenants[0]);
    my @r = $outage->begin(@tenants, @tenants);
    my $then = time;
    $dead->$how;
    push @r, $outage->begin;
    $outage->answers(@r);
    my $took = $outage->well($then);

    isnt(owner($tenants[0]), $dead, "$how: a replica has taken over")
        if $how eq 'kill';
    cmp_ok($took, '<', 15, "$how: the gateway has recovered");
    $outage->tell("a master, $how", $took);

    $how eq 'kill' ? $dead->start : $dead->resume;
}
$cluster->wait_well;
$outage->well(time);

###############################################################################

is(join(' ', $outage->wrong), '',
    'each of ' . @{$outage->{tokens}} . ' tokens made one run');

done_testing;
