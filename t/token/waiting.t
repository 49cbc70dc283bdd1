#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Duplicates of a request that still runs wait for its end, wherever it runs,
# and cost nothing once their client is gone; leases end, and workers die.

use lib 't/lib';
use JobRuns;

use JSON::PP ();
use Time::HiRes qw(time);

my $t = JobRuns->new;

sub server {
    my ($port, $more) = @_;
    return <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port%%;
        jobruns on;
        add_header X-Worker \$pid always;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
            $more
        }
    }
END
}

my %config = (
    server => 'jobruns_retry_wait 20s; add_header X-Worker $pid always;',
    servers => server(2, 'jobruns_retry_wait 300ms;')
        . server(3, 'jobruns_retry_lease 3s; jobruns_retry_wait 20s;')
        . server(4, 'jobruns_retry_wait 0;'),
);
my $nginx = $t->run(%config, workers => 1);
my $second = $t->run(%config, workers => 2, name => 'second');
my $service = $t->service;
my $redis = $t->redis;

sub at_port { return '127.0.0.1:' . $t->port($_[0]) }

sub fresh {
    $redis->command('FLUSHALL');
    $redis->command('CONFIG', 'RESETSTAT');
    $service->reset;
}

# How often Redis ran a script since fresh().

sub token_state {
    my ($key) = $redis->keys('*:v1:token:*') or return '';
    return $redis->field($key, 's');
}

# The first of a token, held in the service.

sub hold {
    my (%opt) = @_;
    my $c = $t->start_run(token => 'tok', request_id => 'first', %opt,
        stub => { wait_created => 'gate', %{$opt{stub} // {}} });
    $service->wait_at('gate');
    return $c;
}

# Until a duplicate has polled more than once: it waits.

sub wait_polling {
    my ($before) = @_;
    wait_for { $redis->script_calls >= $before + 3 } 'polls of a waiter';
}

###############################################################################
# Wait and replay

for my $h2 (0, 1) {
    for (['the same worker', undef], ['another gateway', $second]) {
        my ($where, $to) = @$_;
        my $what = ($h2 ? 'HTTP/2' : 'HTTP/1.1') . ", $where";
        fresh();

        my $first = hold(h2 => $h2);
        my $before = $redis->script_calls;
        my @waiters = map { $t->start_run(token => 'tok', h2 => $h2,
            to => $to, request_id => "waiter-$_") } 1 .. 3;
        wait_polling($before);
        is($_->try_response(0), undef, "$what: a duplicate waits") for @waiters;
        $service->release('gate');

        my $r = $first->response;
        is($r->status, 201, "$what: the first request is created");
        for (@waiters) {
            my $again = $_->response;
            is($again->status, 201, "$what: a duplicate gets 201");
            is($again->body, $r->body, "$what: a duplicate gets the same body");
            is($again->header('opc-original-request-id'), 'first',
                "$what: a duplicate gets the id of the first request");
        }
        is($service->counts->{requests}, 1,
            "$what: the service was asked once");
    }
}

# Many at once, over two gateways and three workers.

fresh();
my $first = hold();
my @many = map { $t->start_run(token => 'tok',
    to => $_ % 2 ? $nginx : $second) } 1 .. 60;
wait_polling($redis->script_calls + 100);
$service->release('gate');
my @answers = map { $_->response } @many;
is(scalar(grep { $_->status == 201
    && $_->header('opc-retry-replayed') } @answers), 60,
    'sixty duplicates are replayed');
my %workers = map { $_->header('x-worker') => 1 } @answers;
ok(keys %workers >= 2, 'sixty duplicates waited in several workers');
my %bodies = map { $_->body => 1 } @answers, $first->response;
is(scalar keys %bodies, 1, 'sixty duplicates get the same body');
is($service->counts->{requests}, 1,
    'the service was asked once for sixty duplicates');

###############################################################################
# The wait ends before the first does

for ([2, '300ms'], [4, 'no wait at all']) {
    my ($port, $what) = @$_;
    fresh();

    $first = hold(to => at_port($port));
    my $start = time;
    my $r = $t->create_run(token => 'tok', to => at_port($port));
    my $took = time - $start;
    is($r->status . ' ' . $r->code, '409 IncorrectState',
        "$what: a duplicate gets 409 IncorrectState");
    is($r->header('retry-after'), 1, "$what: a duplicate gets Retry-After");
    ok($took >= ($port == 2 ? 0.29 : 0),
        "$what: a duplicate is not refused too soon");
    is($service->counts->{requests}, 1, "$what: a duplicate is not forwarded");
    is($t->wait_audit(sub { $_->{data}{request}{id}
        eq $r->header('opc-request-id') })
        ->{data}{additionalDetails}{outcome}, 'in_progress',
        "$what: the audit log has the outcome in_progress");
    $service->release('gate');
    is($first->response->status, 201, "$what: the first request is created");
}

# Polls grow apart: some twenty in five seconds, not thousands.

fresh();
$first = hold();
my $before = $redis->script_calls;
my $waiter = $t->start_run(token => 'tok');
is($waiter->try_response(1), undef, 'a duplicate waits for a second');
my $polls = $redis->script_calls - $before;
ok($polls >= 4 && $polls <= 40, 'a duplicate polls a few times in a second')
    or diag($polls);
is($t->create_run(token => 'tok', job_key => 'other', timeout => 5)->code,
    'InvalidatedRetryToken', 'a duplicate with another body does not wait');
$service->release('gate');
$_->response for $first, $waiter;

###############################################################################
# The first ends otherwise

fresh();
$service->plan({ times => 1, wait_created => 'gate', status => 404 });
$first = $t->start_run(token => 'tok');
$service->wait_at('gate');
$before = $redis->script_calls;
$waiter = $t->start_run(token => 'tok');
wait_polling($before);
$service->release('gate');
is($first->response->status, 404, 'the first request is rejected');
my $r = $waiter->response;
is($r->status, 201, 'the duplicate of a rejected request is forwarded');
is($r->header('opc-retry-replayed'), undef,
    'the duplicate of a rejected request is not replayed');
is($service->created, 1, 'the duplicate of a rejected request has one job run');

fresh();
$service->plan({ times => 1, wait_created => 'gate', create => 1,
    status => 500 });
$first = $t->start_run(token => 'tok');
$service->wait_at('gate');
$before = $redis->script_calls;
my @waiters = map { $t->start_run(token => 'tok') } 1 .. 5;
wait_polling($before);
$service->release('gate');
is($first->response->status, 500,
    'the first request ends with an unknown outcome');
@answers = map { $_->response } @waiters;
is(scalar(grep { $_->status == 201 } @answers), 5,
    'five duplicates of an unknown outcome get a job run');
is(scalar(grep { $_->header('opc-retry-replayed') } @answers), 4,
    'four duplicates of an unknown outcome wait for the fifth');
is($service->counts->{requests}, 2,
    'the service was asked twice after an unknown outcome');
is($service->created, 1, 'one job run is created after an unknown outcome');

###############################################################################
# A client that leaves while it waits

for my $h2 (0, 1) {
    for my $how (qw(close reset)) {
        my $what = ($h2 ? 'HTTP/2' : 'HTTP/1.1') . " $how";
        fresh();

        $first = hold();
        $before = $redis->script_calls;
        my $h2c = $h2 ? $t->h2 : undef;
        my $gone = $t->start_run(token => 'tok', request_id => "gone-$h2$how",
            on => $h2c);
        wait_polling($before);
        if ($h2 && $how eq 'close') { $h2c->close } else { $gone->$how }

        my $record = $t->wait_audit(sub { $_->{data}{request}{id}
            eq "gone-$h2$how" });
        is($record->{data}{additionalDetails}{outcome} // '', 'in_progress',
            "$what: the audit log has the outcome in_progress");

        # another polls again: the calls of a second are its own
        $before = $redis->script_calls;
        is($t->create_run(token => 'tok', to => at_port(4))->status, 409,
            "$what: the first request still runs");
        is($redis->script_calls - $before, 1,
            "$what: nothing polls for a client that is gone");
        $service->release('gate');
        is($first->response->status, 201,
            "$what: the first request is created");
        is($service->counts->{requests}, 1,
            "$what: the service was asked once");
    }
}

###############################################################################
# Leases

# Held for twice its lease, and no other attempt takes over.

fresh();
$first = hold(to => at_port(3));
my ($key) = $redis->keys('*:v1:token:*');
my $lease = $redis->field($key, 'l');
wait_for { $redis->field($key, 'l') > $lease + 5000 }
    'the lease to be renewed past its first end';
is($t->create_run(token => 'tok', to => at_port(2))->code, 'IncorrectState',
    'a slow request keeps its claim');
$service->release('gate');
is($first->response->status, 201, 'a slow request is created');
is($service->counts->{requests}, 1, 'a slow request is sent once');

# A renewal that finds another owner stops, and is reported.

fresh();
$first = hold(to => at_port(3), request_id => 'robbed');
($key) = $redis->keys('*:v1:token:*');
$redis->set_record($key, o => 'f' x 32);
$t->wait_log(qr/the lease of a forwarded attempt is lost/);
$lease = $redis->field($key, 'l');
$service->release('gate');
is($first->response->status, 201,
    'a client gets its response when the lease is lost');
is($t->wait_audit(sub { $_->{data}{request}{id} eq 'robbed'
    && $_->{eventType} =~ /end$/ })->{data}{additionalDetails}{leaseLost},
    JSON::PP::true(), 'the audit log reports the lost lease');
is(token_state(), 'd', 'the first 2xx is stored, whoever owns the token');

# Two attempts that both created: the first stored wins, and an alert names
# both.

$t->allow_log(qr/one retry token made two job runs/);
fresh();
$first = hold(stub => { tokens => 'ignore' });
($key) = $redis->keys('*:v1:token:*');
$redis->set_record($key, l => 1);          # as if its lease had ended
my $other = $t->create_run(token => 'tok', stub => { tokens => 'ignore' });
is($other->status, 201, 'a second attempt is created after the lease');
$service->release('gate');
$r = $first->response;
is($r->body, $other->body, 'the later client gets the stored response');
is($r->header('opc-retry-replayed'), 'true', 'the later client gets a replay');
is($service->created, 2, 'two job runs exist when the service ignores tokens');
my ($lost) = grep { $_ ne $other->json->{key} }
    map { $_->{key} } $service->creations;
my $kept = $other->json->{key};
$t->wait_log(qr/\[alert\].*two job runs: "$kept" is kept, "$lost" is not/);
is($t->create_run(token => 'tok')->body, $other->body,
    'the first stored response remains');

# The same, but the later is not a creation.

fresh();
$first = hold(stub => { status => 404, wait_created => 'gate' });
($key) = $redis->keys('*:v1:token:*');
$redis->set_record($key, l => 1);
$other = $t->create_run(token => 'tok');
is($other->status, 201, 'a second attempt is created before a late 404');
$service->release('gate');
$r = $first->response;
is($r->status, 201, 'a late 404 gives way to the job run that was created');
is($r->body, $other->body, 'a late 404 gives way to the stored response');
is(token_state(), 'd', 'a late 404 does not free the token');

# A token that was given to another request meanwhile.

$t->allow_log(qr/which another request owns by now/);
fresh();
$first = hold();
($key) = $redis->keys('*:v1:token:*');
$redis->command('DEL', $key);
$other = $t->create_run(token => 'tok', job_key => 'other');
is($other->status, 201, 'another request takes a token that is gone');
$service->release('gate');
is($first->response->status, 201, 'the first request gets its own response');
$t->wait_log(qr/\[alert\].*which another request owns by now/);
is($t->create_run(token => 'tok', job_key => 'other')->body, $other->body,
    'the first request does not replace the response of another');

# A key that is gone is made again by a creation.

fresh();
$first = hold();
$redis->command('FLUSHALL');
$service->release('gate');
$r = $first->response;
is($r->status, 201, 'a request is created while Redis loses its key');
is($t->create_run(token => 'tok')->header('opc-retry-replayed'), 'true',
    'a response is stored when Redis has lost its key');

###############################################################################
# A worker that dies

fresh();
my $start = time;
$first = hold(to => at_port(3));
$waiter = $t->start_run(token => 'tok', to => at_port(13));
$nginx->kill_worker;
ok($first->ended || !$first->response->complete,
    'the client of a killed worker is cut off');
$r = $waiter->response;
is($r->status, 201, 'a duplicate at another gateway takes over');
is($r->header('opc-retry-replayed'), undef,
    'a duplicate that takes over is a new attempt');
ok(time - $start >= 2.9, 'a duplicate takes over when the lease has ended');
is($service->counts->{requests}, 2,
    'the service was asked twice after a killed worker');
is($service->created('tok'), 1, 'one job run is created after a killed worker');
is($t->create_run(token => 'tok')->body, $r->body,
    'the response of the duplicate that took over is stored');

done_testing;
