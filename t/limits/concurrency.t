#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Concurrency: an attempt holds its slot for as long as it is forwarded, and a
# dead worker's slot is free when its lease ends.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->run(workers => 1, server => <<'END');
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    jobruns_retry_lease 3s;
    jobruns_concurrency at_once key=workspace limit=2;
END

my $redis = $t->redis;
my $service = $t->service;
my $workspace = 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f';
my $key = "jobruns:{ocid1.tenancy.oc1..test}:v1:slots:at_once:$workspace";

sub post { return $t->create_run(token => undef, @_) }

# one that the service holds, and its owner

sub held {
    my ($gate, %opt) = @_;
    my %before = map { $_ => 1 } owners();
    my $client = $t->start_run(token => undef, stub => { wait_read => $gate },
        %opt);
    $service->wait_at($gate);
    return ($client, grep { !$before{$_} } owners());
}

sub owners { return @{$redis->command('ZRANGE', $key, 0, -1)} }

sub now_ms {
    my ($s, $us) = @{$redis->command('TIME')};
    return $s * 1000 + int($us / 1000);
}

###############################################################################
# Held while forwarded, with and without a token

my ($first) = held('first', token => random_id);
my ($second, $owner) = held('second');
is(scalar owners(), 2, 'two attempts that are forwarded hold two slots');

my $answer = post();
is($answer->status, 429, 'a third attempt is refused with 429');
is($answer->code, 'TooManyRequests',
    'the code of a refusal by concurrency is TooManyRequests');
is($answer->header('retry-after'), 1,
    'the refusal by concurrency has Retry-After');
is($answer->json->{message}, 'Limit at_once: 2 job runs are being created at '
    . 'this moment, which is the most allowed; retry after 1 s.',
    'the message of a refusal by concurrency names the limit');
like($answer->header('ratelimit'), qr/^"at_once";r=0;pk=:[\w+\/]{12}:$/,
    'RateLimit of a refusal by concurrency says that nothing remains');
is(post(workspace => 'another')->status, 201,
    'another workspace has slots of its own');
is(post(tenancy => 'ocid1.tenancy.oc1..other')->status, 201,
    'another tenant has slots of its own');

# longer than a lease: renewed, although one has no token
my $end = $redis->command('ZSCORE', $key, $owner);
wait_for { now_ms() > $end } 'the lease to be over, were it not renewed';
is(scalar owners(), 2, 'slots of slow attempts are renewed');
is(post()->status, 429, 'slots that are renewed still refuse another attempt');

$service->release('first');
is($first->response->status, 201, 'an attempt that held a slot is created');
is(scalar owners(), 1, 'the slot of an attempt that has ended is free');
is(post()->status, 201, 'another attempt gets the slot that is free');
$service->release('second');
is($second->response->status, 201,
    'the other attempt that held a slot is created');
is($redis->command('EXISTS', $key), 0,
    'no slot is left after all attempts have ended');

###############################################################################
# A worker is killed: nobody gives back its slots

my @lost = map { (held("lost$_"))[0] } 1, 2;
my @scores = map { $redis->command('ZSCORE', $key, $_) } owners();
my ($free) = sort { $a <=> $b } @scores;

$t->nginx->kill_worker;

my $refused = 0;
my $passed = wait_for {
    my $before = now_ms();
    my $answer = post();
    $refused++ if $answer->status == 429;
    $answer->status == 201 && [$before, now_ms()];
} 'the lease of a dead worker to end';

ok($refused, 'slots of a dead worker still refuse');
cmp_ok($passed->[1], '>=', $free,
    'slots of a dead worker are held until their lease ends');
cmp_ok($redis->command('PEXPIRETIME', $key), '<=', now_ms() + 63_000,
    'the key of slots of a dead worker expires');

wait_for { !$redis->command('ZCOUNT', $key, now_ms(), '+inf') }
    'all leases to end';
$redis->command('DEL', $key);

###############################################################################
# A limit that is lifted and set again while attempts are forwarded

my $overrides = 'jobruns:{ocid1.tenancy.oc1..test}:limits';

$redis->command('HSET', $overrides, 'at_once.limit', 'none');
my @lifted = map { (held("lifted$_"))[0] } 1 .. 3;
is(scalar owners(), 3, 'attempts take slots of a limit that is lifted');
$redis->command('DEL', $overrides);
is(post()->status, 429,
    'slots taken while the limit was lifted count afterwards');
$service->release("lifted$_") for 1 .. 3;
is($_->response->status, 201,
    'an attempt that began while the limit was lifted is created')
    for @lifted;
is($redis->command('EXISTS', $key), 0,
    'no slot is left of a limit that was lifted');

$t->allow_log(qr/worker process \d+ exited on signal 9/);

done_testing;
