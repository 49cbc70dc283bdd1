#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# An attempt is held up between its admission and its forwarding: it renews
# its claim before it forwards, and does not forward what another has taken
# over meanwhile.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my %config = (workers => 1, http => <<'END');
    jobruns_redis_timeout 20s;
    jobruns_redis_connect_timeout 20s;
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
    jobruns_concurrency slots key=tenant limit=10;
END
my $nginx = $t->run(%config);
my $other = $t->run(%config, name => 'other');
my $redis = $t->redis;
my $service = $t->service;

sub fresh {
    $redis->command('FLUSHALL');
    $redis->command('CONFIG', 'RESETSTAT');
    $service->reset;
}

sub field {
    my ($name) = @_;
    my ($key) = $redis->keys('*:v1:token:*') or return '';
    return $redis->field($key, $name) // '';
}

sub now {
    my $time = $redis->command('TIME');
    return $time->[0] * 1000 + $time->[1] / 1000;
}

# Both gateways have a connection to Redis, which has all scripts: then a
# creation is two calls, and a renewal one more.  A script that Redis does not
# know yet counts twice, so it gets all of them first.

$t->create_run(to => $_) for $nginx, $other;
fresh();
my $first = $t->start_run(to => $nginx, token => 'warm',
    stub => { wait_created => 'gate' });
$service->wait_at('gate');
my $lease = field('l');
wait_for { field('l') > $lease } 'a renewal';
$service->release('gate');
$first->response;

fresh();
is($t->create_run(token => 'tok')->status, 201,
    'an attempt that is not held up is created');
is($redis->script_calls, 2,
    'an attempt that is not held up takes two calls of Redis');

###############################################################################
# Redis is slow to respond

fresh();
$redis->pause;
my $c = $t->start_run(token => 'tok');
$t->get('/x');                          # it has been asked
is($c->try_response(1.8), undef,
    'an attempt has no response while Redis is stopped');
$redis->resume;
is($c->response->status, 201,
    'an attempt held up for more than half a lease is created');
is($redis->script_calls, 3,
    'an attempt held up for more than half a lease renews it once');
is($service->asked, 1,
    'an attempt held up for more than half a lease is sent once');
is(field('s'), 'd', 'an attempt held up for more than half a lease is stored');

fresh();
$redis->pause;
$c = $t->start_run(token => 'tok');
$t->get('/x');
is($c->try_response(0.1), undef,
    'an attempt has no response while Redis is stopped for less');
$redis->resume;
is($c->response->status, 201,
    'an attempt held up for less than half a lease is created');
is($redis->script_calls, 2,
    'an attempt held up for less than half a lease does not renew it');

###############################################################################
# The worker is stopped when Redis has admitted it

# Stops the worker before it has the reply, and returns the client when Redis
# has the claim.

my ($worker) = $nginx->workers;

sub stopped {
    my (%opt) = @_;

    fresh();
    $redis->pause;
    my $client = $t->start_run(token => 'tok', request_id => 'late', %opt);
    $t->get('/x');
    kill STOP => $worker;
    $redis->resume;
    wait_for { field('s') eq 'c' } 'the claim';
    return $client;
}

sub half_a_lease {
    my $end = field('l');
    wait_for { now() > $end - 1400 } 'half a lease to pass';
}

sub a_lease {
    my $end = field('l');
    wait_for { now() > $end } 'a lease to pass';
}

$c = stopped();
half_a_lease();
kill CONT => $worker;
is($c->response->status, 201, 'an attempt stopped for half a lease is created');
is($redis->script_calls, 3,
    'an attempt stopped for half a lease renews it once');
is($service->asked, 1, 'an attempt stopped for half a lease is sent once');

$c = stopped();
a_lease();
kill CONT => $worker;
is($c->response->status, 201,
    'an attempt stopped for a lease is created when no other has come');
is($service->asked, 1, 'an attempt stopped for a lease is sent once');
is(field('s'), 'd', 'an attempt stopped for a lease is stored');

# Another has taken over, and has its response.

$c = stopped();
a_lease();
my $r = $t->create_run(token => 'tok', to => $other, request_id => 'taker');
is($r->status, 201, 'another attempt takes over when the lease has ended');
kill CONT => $worker;
my $late = $c->response;
is($late->status, 201, 'the late attempt gets a response');
is($late->body, $r->body, 'the late attempt gets the response of the other');
is($late->header('opc-retry-replayed'), 'true',
    'the late attempt gets a replay');
is($late->header('opc-original-request-id'), 'taker',
    'the replay to the late attempt names the other');
is($service->asked, 1,
    'the service was asked once when another has taken over');
$t->wait_log(qr/held up for more than half the lease, and the claim is lost/);
my $record = $t->wait_audit(sub { ($_->{data}{request}{id} // '') eq 'late'
    && ($_->{data}{additionalDetails}{outcome} // '') eq 'replayed' });
ok($record, 'the audit log has the late attempt as replayed');
is($record->{eventType} =~ /\.(begin|end)$/ ? $1 : 'one', 'one',
    'the late attempt has one record, since nothing was forwarded');

# Another has taken over, and is under way.

$c = stopped();
a_lease();
my $taker = $t->start_run(token => 'tok', to => $other,
    stub => { wait_created => 'gate' });
$service->wait_at('gate');
kill CONT => $worker;
my $before = $redis->script_calls;
wait_for { $redis->script_calls >= $before + 4 }
    'the late one to wait for the other';
is($c->try_response(0), undef, 'the late attempt waits for the one under way');
$service->release('gate');
$r = $taker->response;
is($r->status, 201, 'the attempt under way is created');
$late = $c->response;
is($late->body, $r->body,
    'the late attempt gets the response of the one under way');
is($service->asked, 1, 'the service was asked once with another under way');

# Another has taken over, and its outcome is unknown.

$c = stopped();
a_lease();
$service->plan({ times => 1, status => 500, create => 1,
    match => { method => 'POST' } });
is($t->create_run(token => 'tok', to => $other)->status, 500,
    'another attempt ends with an unknown outcome');
kill CONT => $worker;
is($c->response->status, 201,
    'the late attempt claims the token again and is created');
is($service->asked, 2, 'the service was asked twice after an unknown outcome');
is($service->created('tok'), 1,
    'one job run is created after an unknown outcome');

# No renewal can be had: nothing is forwarded.

$c = stopped();
half_a_lease();
$redis->kill;
kill CONT => $worker;
$r = $c->response;
is($r->status . ' ' . $r->code, '503 ServiceUnavailable',
    'the late attempt gets 503 without Redis');
is($service->asked, 0, 'the late attempt is not sent without Redis');
$redis->start;
wait_for { field('s') eq '' } 'its claim to be taken back';

done_testing;
