#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The clock of Redis goes back by half an hour: a lease that ends further
# ahead than it is long is set to end one such length from now.  Until then it
# runs, and no other attempt takes over.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;

use constant LEASE => 3000;

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');
my $redis = $clock->run(sub { $t->redis });
my %config = (workers => 1, http => <<'END');
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
    jobruns_concurrency slots key=tenant limit=10;
END
my $nginx = $t->run(%config);
my $other = $t->run(%config, name => 'other');
my $service = $t->service;

sub now {
    my ($seconds, $us) = @{$redis->command('TIME')};
    return $seconds * 1000 + int($us / 1000);
}

sub field {
    my ($name) = @_;
    my ($key) = $redis->keys('*:v1:token:*');
    return $redis->field($key, $name);
}

# An attempt under way, and then the clock goes back.

sub under_way {
    my ($token) = @_;

    $clock->wrong_by(0);
    $redis->command('FLUSHALL');
    $service->reset;
    return $t->start_run(token => $token, stub => { wait_created => $token });
}

sub goes_back {
    my $before = now();
    $clock->wrong_by(-1800);
    wait_for { now() < $before - 1_000_000 } 'the clock to go back';
    return now();
}

subtest 'the owner is alive' => sub {
    my $first = under_way('alive');
    $service->wait_at('alive');
    my $back = goes_back();
    my $retry = $t->start_run(token => 'alive', to => $other);

    wait_for { now() > $back + LEASE + 500 } 'a lease to pass by this clock';
    is($service->asked, 1, 'no other attempt takes over from a living owner');
    cmp_ok(field('l'), '<=', now() + LEASE,
        'the lease of a living owner has its own length');

    $service->release('alive');
    is($first->response->status, 201,
        'the attempt of a living owner is created');
    is($retry->response->header('opc-retry-replayed'), 'true',
        'the retry gets the response of a living owner');
    is($service->created('alive'), 1,
        'one job run is created by a living owner');
};

subtest 'the owner is dead' => sub {
    $t->allow_log(qr/exited on signal 9/);

    my $first = under_way('dead');
    $service->wait_at('dead');
    kill KILL => $nginx->workers;
    $t->wait_log(qr/exited on signal 9/);
    my $back = goes_back();
    cmp_ok(field('l'), '>', $back + 1_000_000,
        'the lease of a dead owner ends far ahead');

    my $retry = $t->start_run(token => 'dead', to => $other);
    wait_for { field('l') <= now() + LEASE } 'the lease to be shortened';
    my $end = field('l');
    cmp_ok($end, '>=', $back + LEASE,
        'the lease of a dead owner is shortened to its own length');
    is($service->asked, 1, 'no other attempt takes over before the lease ends');

    wait_for { $service->asked == 2 } 'the retry to take over';
    cmp_ok(now(), '>=', $end, 'a retry takes over after the shortened lease');
    $service->release('dead');
    is($retry->response->status, 201, 'the retry that takes over is created');
};

done_testing;
