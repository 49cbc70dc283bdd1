#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The gateway stores a response: Redis may be away at that moment, retries
# take time and memory, and a graceful end waits for them; an admission whose
# reply was lost is taken back.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1,
    servers => jobruns_server(2, 'jobruns_redis_failure allow;')
        . jobruns_server(3, 'jobruns_retry_lease 60s;'),
    http => <<'END');
    jobruns_redis_timeout 1s;
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
    jobruns_hold_memory 200k;
    jobruns_quota quota key=tenant limit=1000 window=month;
    jobruns_concurrency slots key=tenant limit=10;
END
my $redis = $t->redis;
my $service = $t->service;
my ($token, $tenancy, $key);

# A token and a tenant for each: an earlier one may still have something to
# tell Redis.

sub mine { return (token => $token, tenancy => $tenancy) }

sub fresh {
    wait_for { $t->create_run->status == 201 } 'the way to Redis to be open';
    $redis->command('FLUSHALL');
    $service->reset;
    $token = random_id;
    $tenancy = 'ocid1.tenancy.oc1..' . random_id;
}

sub state {
    my ($key) = $redis->keys("*$tenancy*:v1:token:*") or return 'absent';
    return { c => 'claimed', d => 'done', u => 'unknown' }
        ->{$redis->field($key, 's') // ''} // 'absent';
}

sub count {
    my ($kind) = @_;
    my $counters = $redis->counters("*$tenancy*:v1:counters*");
    my ($name) = grep { /^$kind:/ } keys %$counters;
    return $counters->{$name}[2] if defined $name;
    my ($key) = $redis->keys("*$tenancy*:v1:$kind:*") or return 0;
    return $redis->command('ZCARD', $key);
}

# An attempt that the service holds.

sub hold {
    my (%opt) = @_;
    my $gate = delete $opt{gate} // 'gate';
    my $c = $t->start_run(mine(), %opt,
        stub => { wait_created => $gate, %{$opt{stub} // {}} });
    $service->wait_at($gate);
    return $c;
}

sub details {
    my ($id) = @_;
    $t->wait_audit(sub { ($_->{data}{request}{id} // '') eq $id
        && $_->{eventType} =~ /end$/ });
    my ($attempt) = grep { $_->{data}{request}{id} eq $id } $t->attempts;
    return $attempt->{data}{additionalDetails};
}

# The retry of what is done.

sub replayed {
    my ($what, $first) = @_;
    my $again = wait_for {
        my $r = $t->create_run(mine());
        $r->status != 503 && $r;
    } "$what: an answer";
    is($again->header('opc-retry-replayed'), 'true',
        "$what: the retry is replayed");
    ok($again->body eq $first->body, "$what: the retry gets the same body");
    is($service->asked, 1, "$what: the service was asked once");
}

###############################################################################
# Redis is away when the response comes

for my $h2 (0, 1) {
    for my $kill (0, 1) {
        my $what = join ' ', $h2 ? 'HTTP/2,' : 'HTTP/1.1,', 'Redis',
            $kill ? 'killed' : 'stopped';
        fresh();

        my $id = random_id;
        my $c = hold(request_id => $id, h2 => $h2);
        $kill ? $redis->kill : $redis->stop;
        $service->release('gate');
        my $r = $c->response;
        is($r->status, 201, "$what: the client gets its response");
        my $details = details($id);
        is($details->{outcome}, 'created',
            "$what: the audit log has the outcome created");
        is($details->{kept}, JSON::PP::false(),
            "$what: the audit log says that the response is not stored");

        $redis->start;
        wait_for { state() eq 'done' } "$what: the keep to be made good";
        replayed($what, $r);
        is(count('slots'), 0, "$what: the slot is free");
        is(count('quota'), 1, "$what: the quota is used once");
    }
}

# The reply is lost, and settling again changes nothing.

fresh();
my $c = hold();
$redis->pause;
$service->release('gate');
my $r = $c->response;
is($r->status, 201, 'Redis stalls: the client gets its response');
$redis->resume;
wait_for { state() eq 'done' } 'the keep';
replayed('Redis stalls', $r);
is(count('quota'), 1, 'Redis stalls: the quota is used once');

# What is not a creation is settled later, too.

for ([404, 'absent', 0], [500, 'unknown', 1]) {
    my ($status, $state, $quota) = @$_;
    fresh();

    $c = hold(stub => { status => $status });
    $redis->pause;
    $service->release('gate');
    is($c->response->status, $status, "$status: the client gets its response");
    $redis->resume;
    wait_for { state() eq $state } "$status: its token to be $state";
    is(count('slots'), 0, "$status: the slot is free");
    is(count('quota'), $quota,
        "$status: the quota is used as the outcome says");
}

# Another attempt has taken over, and made nothing: the creation is stored.

fresh();
$c = hold(gate => 'first');
($key) = $redis->keys("*$tenancy*:v1:token:*");
$redis->set_record($key, l => 1);
my $second = hold(gate => 'second', stub => { status => 500 });
$service->release('first');
$r = $c->response;
is($r->status, 201, 'fenced: the first attempt is created');
is(state(), 'done', 'fenced: the first response is stored at once');
$service->release('second');
is($second->response->body, $r->body,
    'fenced: the other attempt gets the stored response');
is($t->create_run(mine())->header('opc-retry-replayed'), 'true',
    'fenced: a retry gets the stored response');

# The same, with a response that is too large: its place is reported.

for my $status (404, 500) {
    fresh();
    $c = hold(gate => 'first', stub => { status => $status,
        header => 'Location: http://service/elsewhere' });
    ($key) = $redis->keys("*$tenancy*:v1:token:*");
    $redis->set_record($key, l => 1);
    $r = $t->create_run(mine(), request_id => 'made-it',
        stub => { bytes => 150_000 });
    is(length $r->body, 150_000,
        "too large to be stored, $status: another attempt is created");
    $service->release('first');
    my $told = $c->response;
    is($told->status . ' ' . $told->code, '409 Conflict',
        "too large to be stored, $status: the first attempt gets 409");
    is_deeply([$told->header_all('location')], [$r->header('location')],
        "too large to be stored, $status: the 409 has the location");
    like($told->json->{message}, qr/made-it/,
        "too large to be stored, $status: the 409 names the request");
    is(state(), 'done',
        "too large to be stored, $status: the token stays done");
}

# Two attempts whose responses name no run raise no alert of two runs (the end
# of this file looks).

fresh();
$c = hold(gate => 'first', stub => { status => 204,
    omit => 'location,content-location' });
($key) = $redis->keys("*$tenancy*:v1:token:*");
$redis->set_record($key, l => 1);
$t->create_run(mine());
$service->release('first');
is($c->response->status, 201,
    'a response that names no run gives way to the stored one');

###############################################################################
# Redis goes away while a retry waits: that waits on, and is not forwarded

for ([0, 'deny'], [2, 'allow']) {
    my ($port, $policy) = @$_;
    my $what = "waiting, $policy";
    fresh();

    $c = hold();
    my $before = $redis->script_calls;
    my $waiter = $t->start_run(mine(), to => '127.0.0.1:' . $t->port($port));
    wait_for { $redis->script_calls > $before + 2 } "$what: polls";
    $redis->stop;
    is($waiter->try_response(0.7), undef,
        "$what: the retry waits without Redis");
    is($service->asked, 1, "$what: the retry is not forwarded");
    $redis->start;
    $service->release('gate');
    $r = $c->response;
    is($r->status, 201, "$what: the first attempt is created");
    is($waiter->response->body, $r->body,
        "$what: the retry gets the response of the first");
    is($service->asked, 1, "$what: the service was asked once");
}

###############################################################################
# Memory

fresh();
my @tokens = map { random_id } 1 .. 6;
my @held = map {
    $token = $_;
    hold(gate => $_, stub => { bytes => 20_000 });
} @tokens;
$redis->stop;
for (0 .. 5) {
    $service->release($tokens[$_]);
    my $answer = $held[$_]->response;
    is($answer->status . ' ' . length $answer->body, '201 20000',
        "memory: client $_ gets its response");
}
$t->wait_log(qr/jobruns_hold_memory \d+ is full.*, a response is not stored/);
$redis->start;
my @states = map {
    $token = $_;
    wait_for {
        my $answer = $t->create_run(mine(), timeout => 10);
        $answer->status != 503 && ($answer->header('opc-retry-replayed')
            ? 'replayed' : $answer->code // $answer->status);
    } 'a retry';
} @tokens;
my $replayed = grep { $_ eq 'replayed' } @states;
ok($replayed >= 3 && $replayed <= 5,
    'memory: some responses are stored, not all')
    or diag("@states");
is(scalar(grep { !/^(?:replayed|Conflict|201)$/ } @states), 0,
    'memory: the other retries get 409 or the job run') or diag("@states");
is($service->counts->{creations}, 6, 'memory: each token has one job run');

# The memory is given back: a later response is stored.

fresh();
$r = $t->create_run(mine(), stub => { bytes => 40_000 });
is(length $r->body, 40_000,
    'memory: a response gets through when memory is free again');
replayed('memory, later', $r);

###############################################################################
# Redis was away when it was admitted, and that was allowed

fresh();
$c = undef;
$redis->stop;
my $id = random_id;
$r = $t->create_run(mine(), request_id => $id,
    to => '127.0.0.1:' . $t->port(2));
is($r->status, 201, 'allowed: a job run is created without Redis');
is(details($id)->{unprotected}, JSON::PP::true(),
    'allowed: the audit log says that it was unprotected');
$redis->start;
wait_for { state() eq 'done' } 'what was allowed to be kept';
replayed('allowed', $r);

###############################################################################
# Admitted, and the reply is lost

for my $retries (0, 1) {
    my $what = "lost admission $retries";
    fresh();

    $redis->pause;
    $id = random_id;
    $r = $t->create_run(mine(), request_id => $id);
    is($r->status . ' ' . $r->code, '503 ServiceUnavailable',
        "$what: nothing is forwarded");
    is($r->header('retry-after'), 1, "$what: the response has Retry-After");
    $redis->resume;

    if ($retries) {
        # whatever Redis makes of the first, its retry is not held up by it
        my $again = wait_for {
            my $answer = $t->create_run(mine());
            $answer->status != 503 && $answer;
        } "$what: an answer";
        is($again->status, 201, "$what: the retry is created");
        is(count('quota'), 1, "$what: the quota is used once");
    } else {
        wait_for { state() eq 'absent' && count('quota') == 0
            && count('slots') == 0 } "$what: it is taken back";
    }

    is($service->asked, $retries, "$what: requests sent: $retries");
}

# One that reaches Redis after the settlement that takes it back: written here
# as admit.lua would have, when Redis has replied that there is nothing.

fresh();
$t->create_run(mine());
($key) = $redis->keys("*$tenancy*:v1:token:*");
my %late = %{$redis->record($key)};
$redis->command('DEL', $key);
$redis->command('CONFIG', 'RESETSTAT');
$redis->pause;
$id = random_id;
$c = $t->start_run(mine(), request_id => $id,
    to => '127.0.0.1:' . $t->port(3));
$t->get('/x');
kill KILL => $redis->pid;               # with what it was sent, unread
$redis->kill;
is($c->response->status, 503, 'late: nothing is forwarded');
my $owner = $t->wait_audit(sub {
    ($_->{data}{request}{id} // '') eq $id })
    ->{data}{additionalDetails}{attemptId};
# the claim is there before the settlement comes
kill STOP => $nginx->workers;
$redis->start;
is(state(), 'absent', 'late: the admission was not carried out');
$redis->set_record($key, s => 'c', o => $owner, f => $late{f}, r => $id,
    i => $id, w => '', k => '-', x => $late{x},
    l => $redis->command('TIME')->[0] * 1000 + 60_000);
kill CONT => $nginx->workers;
wait_for { state() eq 'absent' } 'the late admission to be taken back';
is($t->create_run(mine())->status, 201,
    'late: the admission that is taken back blocks no retry');

###############################################################################
# A graceful end waits for responses to be stored; last, since it ends this
# NGINX

fresh();
$c = hold();
$redis->stop;
$service->release('gate');
$r = $c->response;
is($r->status, 201, 'a quit: the client gets its response');
$c->close;
my ($worker) = $nginx->workers;
kill QUIT => $nginx->pid;
wait_for { $nginx->all_workers == 1 && $nginx->workers == 0 }
    'the worker to begin its end';
$redis->start;
wait_for { state() eq 'done' } 'the keep of the ending worker';
wait_for { !kill 0 => $worker } 'the worker to end';
is($nginx->quit, 0, 'a quit: NGINX exits with 0');

$nginx->start;
replayed('a quit', $r);

done_testing;
