#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Retries that wait for one claim poll as one: a poll for all of them, a
# verdict for all of them, and none where the claim is settled by their own
# worker.  What belongs to one attempt stays separate.

use lib 't/lib';
use JobRuns;

use Time::HiRes qw(time);

my $t = JobRuns->new;

my $nginx = $t->run(workers => 1, http => <<'END',
    jobruns_zone jobruns 1m;
    jobruns_retry_wait 50s;
    http2_max_concurrent_streams 1000;
    keepalive_requests 5000;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END
    servers => jobruns_server(3, 'jobruns_retry_unknown refuse;')
        . jobruns_server(4,
            'jobruns_quota month key=tenant limit=1 window=month;')
        . jobruns_server(5, 'jobruns_retry_wait 400ms;')
        . jobruns_server(6,
            'jobruns_limit rate key=tenant rate=1r/h burst=1;'));
my $service = $t->service;
my $redis = $t->redis;

sub at_port { return '127.0.0.1:' . $t->port($_[0]) }

sub metric {
    my ($name) = @_;
    my $text = $t->get('/status', to => at_port(2))->body;
    my $n = 0;
    $n += $1 while $text =~ /^\Q$name\E(?:\{[^}]*\})? (\S+)$/mg;
    return $n;
}

sub waiting {
    my ($n) = @_;
    wait_for { metric('jobruns_waiting_requests') == $n } "$n to wait";
}

sub now_ms {
    my ($seconds, $us) = @{$redis->command('TIME')};
    return $seconds * 1000 + int($us / 1000);
}

# A token that is done, as though another gateway still were at it; returns
# its key and what it was when it was done.

sub claimed {
    my (%opt) = @_;

    my %before = map { $_ => 1 } $redis->keys('*:v1:token:*');
    $opt{token} = random_id();
    is($t->create_run(%opt)->status, 201, 'a token to be claimed is created');
    my ($key) = grep { !$before{$_} } $redis->keys('*:v1:token:*');
    my %record = %{$redis->record($key)};

    $redis->set_record($key, s => 'c', o => '0' x 32,
        l => now_ms() + 60_000, t => 60_000, i => 'elsewhere');

    return ($opt{token}, $key, \%record);
}

# Its owner has ended: the record is as it was.

sub done {
    my ($key, $record) = @_;
    $redis->set_record($key, %$record);
}

# So many retries, all waiting: many are streams of one HTTP/2 connection.

sub waiters {
    my ($n, %opt) = @_;
    my $before = metric('jobruns_waiting_requests');
    my @waiters = $n > 20 ? $t->start_h2(map { { %opt } } 1 .. $n)
        : map { $t->start_run(%opt) } 1 .. $n;
    waiting($before + $n);
    return @waiters;
}

# What a client sees, without what differs for each response.

sub seen {
    my ($r) = @_;
    return join "\n", $r->status, (sort map { lc($_->[0]) . ": $_->[1]" }
        grep { $_->[0] !~ /^(?:date|opc-request-id|connection|server
            |content-length|transfer-encoding)$/xi } @{$r->headers}),
        $r->body;
}

# Counts the values of a member in the records of these responses.

sub audited {
    my ($member, @answers) = @_;

    my %ids = map { $_->header('opc-request-id') => 1 } @answers;
    return wait_for {
        my %said;
        $said{$_->{data}{additionalDetails}{$member} // ''}++
            for grep { $ids{$_->{data}{request}{id} // ''} } $t->audit;
        my $n = 0;
        $n += $_ for values %said;
        $n == @answers && join ' ', map { "$_ $said{$_}" } sort keys %said;
    } 'their records';
}

###############################################################################
# A poll for all

my ($token, $key, $record) = claimed();
my @waiters = waiters(200, token => $token);
my $calls = $redis->script_calls;
wait_for { $redis->script_calls >= $calls + 12 } 'gaps to have grown';
$calls = $redis->script_calls;
my $start = time;
wait_for { $redis->script_calls >= $calls + 8 } 'eight polls';
cmp_ok(time - $start, '>=', 0.8, 'two hundred retries poll as one');

my $other = $t->create_run(token => $token, job_key => 'another');
is($other->code, 'InvalidatedRetryToken',
    'a retry with another body does not join the others');

$calls = $redis->script_calls;
done($key, $record);
my @answers = map { $_->response } @waiters;
cmp_ok($redis->script_calls - $calls, '<=', 2,
    'one poll is enough for all retries');
my %seen;
$seen{seen($_)}++ for @answers;
is(scalar keys %seen, 1, 'all retries get the same response');
is($seen{seen($t->create_run(token => $token))}, 200,
    'all retries get the response that Redis has');
waiting(0);
is($service->created($token), 1,
    'one job run is created for two hundred retries');

###############################################################################
# A settlement of the same worker

my @asked;
for my $round (1 .. 5) {
    $token = random_id();
    my $first = $t->start_run(token => $token, request_id => "first-$round",
        stub => { wait_created => $token });
    $service->wait_at($token);
    @waiters = (waiters(30, token => $token),
        waiters(2, token => $token, to => at_port(6)));

    $redis->monitor;
    $service->release($token);
    my $r = $first->response;
    is($r->status, 201, "round $round: the first attempt is created");
    @answers = map { $_->response } @waiters;
    is(scalar(grep { $_->status == 201 && $_->body eq $r->body
        && $_->header('opc-original-request-id') eq "first-$round"
        && $_->header('opc-retry-replayed') eq 'true' } @answers), 32,
        "round $round: all retries are replayed, also in another location");

    # the settlement is the call with the response; admissions come after it
    my $settled = 0;
    my $admitted = 0;
    for (grep { /"evalsha"/i } $redis->monitored) {
        if (/created/) { $settled = 1 } elsif ($settled) { $admitted++ }
    }
    ok($settled, "round $round: the settlement was seen");
    push @asked, $admitted;
    is(seen($answers[0]), seen($t->create_run(token => $token)),
        "round $round: the retries get the response that Redis has");
}
ok((grep { $_ == 0 } @asked),
    'retries get a settlement of their worker without asking Redis')
    or diag("@asked");

# one that frees its token: one of the others is forwarded, the rest wait

$service->plan({ times => 1, wait_created => 'rejected', status => 404 });
$token = random_id();
my $first = $t->start_run(token => $token);
$service->wait_at('rejected');
@waiters = waiters(10, token => $token);
$service->release('rejected');
is($first->response->status, 404, 'the first attempt is rejected');
@answers = map { $_->response } @waiters;
is(scalar(grep { $_->status == 201 } @answers), 10,
    'the retries of a rejected attempt get a job run');
is(scalar(grep { $_->header('opc-retry-replayed') } @answers), 9,
    'one retry of a rejected attempt is created, the others are replayed');
is($service->created($token), 1,
    'one job run is created after a rejected attempt');

###############################################################################
# Those who poll leave

for my $how (qw(reset h2-reset)) {
    my $h2 = ($how eq 'h2-reset');

    ($token, $key, $record) = claimed();
    @waiters = map { waiters(1, token => $token, h2 => $h2,
        request_id => "$how-$_") } 1 .. 4;
    (shift @waiters)->reset;
    waiting(3);
    $calls = $redis->script_calls;
    wait_for { $redis->script_calls >= $calls + 2 } "$how: the next to ask";

    # its poll is under way

    $redis->pause;
    wait_for { metric('jobruns_redis_pending') } "$how: a poll under way";
    (shift @waiters)->reset;
    # the one worker has responded to these after it
    metric('jobruns_waiting_requests') for 1 .. 2;
    $redis->resume;
    waiting(2);

    done($key, $record);
    @answers = map { $_->response } @waiters;
    is(scalar(grep { $_->status == 201
        && $_->header('opc-retry-replayed') } @answers), 2,
        "$how: the retries that stay are replayed");
    for (1, 2) {
        my $id = "$how-$_";
        is($t->wait_audit(sub { ($_->{data}{request}{id} // '') eq $id })
            ->{data}{additionalDetails}{outcome}, 'in_progress',
            "$how: the audit log has $id as in_progress");
    }
}

# All leave, and nothing polls for them.

($token, $key, $record) = claimed();
@waiters = waiters(3, token => $token);
$_->reset for @waiters;
waiting(0);
$calls = $redis->script_calls;
is($t->create_run->status, 201,
    'other requests are created when all retries have left');
is($redis->script_calls - $calls, 2,
    'nothing polls for retries that have left');

###############################################################################
# What all retries get

my @for_all = (
    ['mismatch', undef, sub { $redis->set_record($key,
        f => '1:' . 'a' x 64) }, '409 InvalidatedRetryToken',
        'token_mismatch'],
    ['refused', at_port(3), sub { $redis->set_record($key, s => 'u') },
        '409 Conflict', 'token_unknown'],
    ['not stored', undef, sub { $redis->set_record($key, s => 'd',
        n => '/elsewhere/1', j => 'run') }, '409 Conflict', 'replayed'],
);
for (@for_all) {
    my ($what, $to, $change, $told, $outcome) = @$_;

    ($token, $key, $record) = claimed(to => $to);
    @waiters = waiters(12, token => $token, to => $to);
    $calls = $redis->script_calls;
    $change->();
    @answers = map { $_->response } @waiters;
    cmp_ok($redis->script_calls - $calls, '<=', 2,
        "$what: one retry polls for all");
    is(scalar(grep { $_->status . ' ' . $_->code eq $told } @answers), 12,
        "$what: all retries get the same verdict");
    my %texts = map { seen($_) => 1 } @answers;
    is(join("\n", keys %texts), seen($t->create_run(token => $token,
        to => $to)), "$what: all retries get what Redis has");
    is(audited('outcome', @answers), "$outcome 12",
        "$what: each retry has a record");
    is($service->created($token), 1, "$what: no other job run is created");
}

###############################################################################
# What each one does alone: limits, and being forwarded

($token, $key, $record) = claimed(to => at_port(4));
@waiters = waiters(12, token => $token, to => at_port(4));
$calls = $redis->script_calls;
$redis->command('DEL', $key);
@answers = map { $_->response } @waiters;
is(scalar(grep { $_->status == 429 } @answers), 12,
    'each retry is limited by itself');
cmp_ok($redis->script_calls - $calls, '>=', 12,
    'each limited retry asks Redis by itself');
is(audited('outcome', @answers), 'limited 12',
    'each limited retry has a record');
is($redis->command('EXISTS', $key), 0, 'no limited retry holds the token');

# a limit that lets one pass: the others wait for that one

my %rate = (to => at_port(6), tenancy => 'ocid1.tenancy.oc1..rate');
($token, $key, $record) = claimed(%rate);
@waiters = waiters(8, token => $token, %rate, stub => { wait_read => 'once' });
$redis->command('DEL', $key);
$service->wait_at('once');
waiting(7);
$service->release('once');
@answers = map { $_->response } @waiters;
is(scalar(grep { $_->status == 201 } @answers), 8,
    'a limit that lets one retry pass serves all');
is(scalar(grep { $_->header('opc-retry-replayed') } @answers), 7,
    'the other retries get the stored response');

###############################################################################
# The wait is over for each by itself

($token, $key, $record) = claimed(to => at_port(5));
my $r = $t->create_run(token => $token, to => at_port(5));
is($r->status . ' ' . $r->code, '409 IncorrectState',
    'a retry whose wait has ended gets 409');
is(audited('outcome', $r), 'in_progress 1',
    'a retry whose wait has ended has a record');
is(audited('originalRequestId', $r), 'elsewhere 1',
    'a retry whose wait has ended has the original request in its record');

# Redis goes away and comes back: they wait

@waiters = waiters(5, token => $token);
$redis->stop;
wait_for { metric('jobruns_redis_errors_total') } 'polls to fail';
is($_->try_response(0), undef,
    'a waiting retry has no response while Redis is away')
    for @waiters;
$r = $t->create_run(token => $token);
is($r->status, 503, 'a new retry gets 503 while Redis is away');
$redis->start;
done($key, $record);
is(scalar(grep { $_->response->status == 201 } @waiters), 5,
    'waiting retries are replayed when Redis is back');

# A worker that is reloaded goes on for those that wait.

($token, $key, $record) = claimed();
@waiters = waiters(5, token => $token);
$nginx->reload(draining => 1);
done($key, $record);
is(scalar(grep { $_->response->status == 201 } @waiters), 5,
    'all waiting retries are replayed after a reload');

done_testing;
