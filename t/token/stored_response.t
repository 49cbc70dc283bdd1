#!/usr/bin/perl

# Keeping the answer: when Redis is away at that moment, for how long it is
# tried, what memory it may take, and what a graceful end waits for; taking
# back what was admitted without our hearing of it.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, http => <<'END', servers => <<'END');
    jobruns_redis_timeout 1s;
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
    jobruns_hold_memory 200k;
    jobruns_quota quota key=tenant limit=1000 window=month;
    jobruns_concurrency slots key=tenant limit=10;
END
    server {
        listen 127.0.0.1:%%PORT_2%%;
        jobruns on;
        jobruns_redis_failure allow;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_3%%;
        jobruns on;
        jobruns_retry_lease 60s;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
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
        ->{$redis->command('HGET', $key, 's') // ''} // 'absent';
}

sub count {
    my ($kind) = @_;
    my ($key) = $redis->keys("*$tenancy*:v1:$kind:*") or return 0;
    return $kind eq 'slots' ? $redis->command('ZCARD', $key)
        : (split / /, $redis->command('GET', $key))[1];
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
    is($again->header('opc-retry-replayed'), 'true', "$what: replayed");
    ok($again->body eq $first->body, "$what: the same");
    is($service->asked, 1, "$what: the service was asked once");
}

###############################################################################
# Redis is away when the answer comes

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
        is($r->status, 201, "$what: the client has its answer");
        my $details = details($id);
        is($details->{outcome}, 'created', "$what: told in audit");
        is($details->{kept}, JSON::PP::false(), "$what: not kept");

        $redis->start;
        wait_for { state() eq 'done' } "$what: the keep to be made good";
        replayed($what, $r);
        is(count('slots'), 0, "$what: its slot is free");
        is(count('quota'), 1, "$what: paid once");
    }
}

# The reply is lost, and settling again changes nothing.

fresh();
my $c = hold();
$redis->pause;
$service->release('gate');
my $r = $c->response;
is($r->status, 201, 'Redis stalls: the client has its answer');
$redis->resume;
wait_for { state() eq 'done' } 'the keep';
replayed('Redis stalls', $r);
is(count('quota'), 1, 'Redis stalls: paid once');

# What is no creation is settled later, too.

for ([404, 'absent', 0], [500, 'unknown', 1]) {
    my ($status, $state, $quota) = @$_;
    fresh();

    $c = hold(stub => { status => $status });
    $redis->pause;
    $service->release('gate');
    is($c->response->status, $status, "$status: the client has its answer");
    $redis->resume;
    wait_for { state() eq $state } "$status: its token to be $state";
    is(count('slots'), 0, "$status: its slot is free");
    is(count('quota'), $quota, "$status: its quota");
}

# Another attempt has taken over, and made nothing: the creation is kept.

fresh();
$c = hold(gate => 'first');
($key) = $redis->keys("*$tenancy*:v1:token:*");
$redis->command('HSET', $key, l => 1);
my $second = hold(gate => 'second', stub => { status => 500 });
$service->release('first');
$r = $c->response;
is($r->status, 201, 'fenced: the first to create');
is(state(), 'done', 'fenced: is kept at once');
$service->release('second');
is($second->response->body, $r->body, 'fenced: the other one gets it');
is($t->create_run(mine())->header('opc-retry-replayed'), 'true',
    'fenced: and so does a retry');

# The same, with an answer that is too large: its place is told.

for my $status (404, 500) {
    fresh();
    $c = hold(gate => 'first', stub => { status => $status,
        header => 'Location: http://service/elsewhere' });
    ($key) = $redis->keys("*$tenancy*:v1:token:*");
    $redis->command('HSET', $key, l => 1);
    $r = $t->create_run(mine(), request_id => 'made-it',
        stub => { bytes => 150_000 });
    is(length $r->body, 150_000, "unkept, $status: another creates");
    $service->release('first');
    my $told = $c->response;
    is($told->status . ' ' . $told->code, '409 Conflict',
        "unkept, $status: the other is told");
    is_deeply([$told->header_all('location')], [$r->header('location')],
        "unkept, $status: where");
    like($told->json->{message}, qr/made-it/, "unkept, $status: by whom");
    is(state(), 'done', "unkept, $status: the token stays done");
}

# Two attempts whose answers name no run raise no alert of two runs (the end
# of this file looks).

fresh();
$c = hold(gate => 'first', stub => { status => 204,
    omit => 'location,content-location' });
($key) = $redis->keys("*$tenancy*:v1:token:*");
$redis->command('HSET', $key, l => 1);
$t->create_run(mine());
$service->release('first');
is($c->response->status, 201, 'an answer without a run: the kept one');

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
    is($waiter->try_response(0.7), undef, "$what: also without Redis");
    is($service->asked, 1, "$what: not forwarded");
    $redis->start;
    $service->release('gate');
    $r = $c->response;
    is($r->status, 201, "$what: the first has its answer");
    is($waiter->response->body, $r->body, "$what: and the retry that");
    is($service->asked, 1, "$what: of one request");
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
        "memory: answer $_ goes to its client");
}
$t->wait_log(qr/jobruns_hold_memory \d+ is full.*, an answer is not kept/);
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
ok($replayed >= 3 && $replayed <= 5, 'memory: some are kept, not all')
    or diag("@states");
is(scalar(grep { !/^(?:replayed|Conflict|201)$/ } @states), 0,
    'memory: the others are told of') or diag("@states");
is($service->counts->{creations}, 6, 'memory: one run each');

# It is given back: a later one is kept.

fresh();
$r = $t->create_run(mine(), stub => { bytes => 40_000 });
is(length $r->body, 40_000, 'memory: free again');
replayed('memory, later', $r);

###############################################################################
# Redis was away when it was admitted, and that was allowed

fresh();
$c = undef;
$redis->stop;
my $id = random_id;
$r = $t->create_run(mine(), request_id => $id,
    to => '127.0.0.1:' . $t->port(2));
is($r->status, 201, 'allowed: created');
is(details($id)->{unprotected}, JSON::PP::true(), 'allowed: told in audit');
$redis->start;
wait_for { state() eq 'done' } 'what was allowed to be kept';
replayed('allowed', $r);

###############################################################################
# Admitted, and nobody heard of it

for my $retries (0, 1) {
    my $what = "lost admission $retries";
    fresh();

    $redis->pause;
    $id = random_id;
    $r = $t->create_run(mine(), request_id => $id);
    is($r->status . ' ' . $r->code, '503 ServiceUnavailable',
        "$what: nothing is forwarded");
    is($r->header('retry-after'), 1, "$what: it may be retried");
    $redis->resume;

    if ($retries) {
        # whatever Redis makes of the first, its retry is not held up by it
        my $again = wait_for {
            my $answer = $t->create_run(mine());
            $answer->status != 503 && $answer;
        } "$what: an answer";
        is($again->status, 201, "$what: the retry creates");
        is(count('quota'), 1, "$what: which is paid once");
    } else {
        wait_for { state() eq 'absent' && count('quota') == 0
            && count('slots') == 0 } "$what: it is taken back";
    }

    is($service->asked, $retries, "$what: as the service heard");
}

# One that reaches Redis behind the settlement that takes it back: written here
# as admit.lua would have, when Redis has answered that there is nothing.

fresh();
$t->create_run(mine());
($key) = $redis->keys("*$tenancy*:v1:token:*");
my %late = @{$redis->command('HGETALL', $key)};
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
is(state(), 'absent', 'late: it was not carried out');
$redis->command('HSET', $key, v => 1, s => 'c', o => $owner, f => $late{f},
    r => $id, i => $id, w => '', k => '-', x => $late{x},
    l => $redis->command('TIME')->[0] * 1000 + 60_000);
kill CONT => $nginx->workers;
wait_for { state() eq 'absent' } 'the late admission to be taken back';
is($t->create_run(mine())->status, 201, 'late: it holds up nobody');

###############################################################################
# A graceful end waits for keeps; last, since it ends this NGINX

fresh();
$c = hold();
$redis->stop;
$service->release('gate');
$r = $c->response;
is($r->status, 201, 'a quit: the client has its answer');
$c->close;
my ($worker) = $nginx->workers;
kill QUIT => $nginx->pid;
wait_for { $nginx->all_workers == 1 && $nginx->workers == 0 }
    'the worker to begin its end';
$redis->start;
wait_for { state() eq 'done' } 'the keep of the ending worker';
wait_for { !kill 0 => $worker } 'the worker to end';
is($nginx->quit, 0, 'a quit: it ends well');

$nginx->start;
replayed('a quit', $r);

done_testing;
