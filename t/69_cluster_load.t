#!/usr/bin/perl

# A cluster of six under load: hash slots move, a master is killed, another
# one stops answering.  What failed is retried with its token, as SDKs do;
# the service honours tokens, since a failover may lose a claim.  In the end
# every token has made one run, and no request took longer than its timeouts
# together.

use lib 't/lib';
use JobRuns;
use RedisCluster;
use Time::HiRes qw(time);

my $t = JobRuns->new;
my $cluster = RedisCluster->start($t, timeout => 1000);
my @tenants = map { "ocid1.tenancy.oc1..load$_" } 1 .. 12;

my $nginx = $t->run(
    redis => 'jobruns_redis ' . $cluster->address . ';',
    http => 'jobruns_redis_timeout 500ms; jobruns_redis_connect_timeout 200ms;'
        . 'jobruns_retry_lease 3s; jobruns_retry_wait 1s;',
    server => 'jobruns_limit rate key=tenant rate=1000r/s burst=1000;'
        . 'jobruns_concurrency slots key=tenant limit=1000;');

# Asking twice for the claim, waiting behind another attempt, asking the
# service and keeping its answer; and the machine may be busy.
my $longest = 2 * 0.5 + 1 + 0.5 + 0.5 + 2;

my (%open, %failed, @tokens);
my $slowest = 0;

# one more request of each tenant, and again for what has failed
sub requests {
    my (@of) = @_;

    my @new = map { my $n = @tokens; push @tokens, "load-$n"; ["load-$n", $_] }
        @of;
    my @again = values %open;
    %open = ();
    return map {
        my ($token, $tenant) = @$_;
        { token => $token, tenant => $tenant, at => time,
            client => $t->start_run(token => $token, tenancy => $tenant) }
    } @new, @again;
}

# answers: how many were no success
sub answers {
    my ($failures) = (0);

    for my $r (@_) {
        my $answer = $r->{client}->response;
        my $took = time - $r->{at};
        $slowest = $took if $took > $slowest;
        $r->{client}->close;
        next if $answer->status == 201;
        $failures++;
        $failed{$answer->status . ' ' . ($answer->code // '')}++;
        $open{$r->{token}} = [$r->{token}, $r->{tenant}];
    }

    return $failures;
}

sub summary {
    my ($what, $since) = @_;

    my @failed = map { "$failed{$_} x $_" } sort keys %failed;
    diag(sprintf '%s: %d requests, failed: %s; slowest %.2f s%s', $what,
        $t->service->counts->{requests}, @failed ? "@failed" : 'none',
        $slowest, defined $since ? sprintf('; recovered in %.2f s', $since)
            : '');
    cmp_ok($slowest, '<', $longest, "$what: none took longer than that");
    %failed = ();
    $slowest = 0;
}

# until all that was asked has succeeded; seconds since then
sub recovered {
    my ($since) = @_;

    wait_for { !answers(requests(@tenants)) } 'all to succeed', 60;
    return time - $since;
}

sub owner { return $cluster->master($cluster->slot("{$_[0]}")) }

answers(requests(@tenants)) for 1 .. 3;
summary('quiet');

###############################################################################
# Slots move; each step of it with requests under way

my %before = map { $_ => $cluster->errors($_) } qw(ASK MOVED TRYAGAIN);

for my $tenant (@tenants[0 .. 5]) {
    my $slot = $cluster->slot("{$tenant}");
    my $from = owner($tenant);
    my $to = $cluster->other($from);

    my @r = requests(@tenants, $tenant);
    $cluster->open_slot($slot, $from, $to);
    push @r, requests($tenant, $tenant);
    while ($cluster->move_keys($slot, $from, $to, 4)) {
        push @r, requests($tenant);
    }
    $cluster->close_slot($slot, $from, $to);
    push @r, requests($tenant);
    is(answers(@r), 0, 'no request failed while a slot moved');
}
diag(join ', ', map { "$_ " . ($cluster->errors($_) - $before{$_}) }
    sort keys %before);
ok($cluster->errors($_) > $before{$_}, "$_ was among the answers")
    for sort keys %before;
summary('moving slots');

###############################################################################
# A master is killed, another is stopped

for my $how (qw(kill pause)) {
    $cluster->wait_well;

    my $dead = owner($tenants[0]);
    my @r = requests(@tenants, @tenants);
    my $then = time;
    $dead->$how;
    push @r, requests(@tenants);
    my $failures = answers(@r);
    my $took = recovered($then);

    isnt(owner($tenants[0]), $dead, "$how: a replica has taken over")
        if $how eq 'kill';
    cmp_ok($took, '<', 15, "$how: recovered");
    summary("a master, $how", $took);

    $how eq 'kill' ? $dead->start : $dead->resume;
}
$cluster->wait_well;
recovered(time);

###############################################################################

my $made = $t->service->ledger->{by_token};
is(scalar(grep { ($made->{$_}{creations} // 0) != 1 } @tokens), 0,
    'each of ' . @tokens . ' tokens made one run');

done_testing;
