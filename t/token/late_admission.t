#!/usr/bin/perl

# An attempt that is held up between its admission and its forwarding: it
# renews its claim before it forwards, and does not forward what another has
# taken over meanwhile.

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
    return $redis->command('HGET', $key, $name) // '';
}

sub now {
    my $time = $redis->command('TIME');
    return $time->[0] * 1000 + $time->[1] / 1000;
}

# Both gateways have a connection to Redis, which has all scripts: then a
# creation is two calls, and a renewal one more.  A script that Redis was not
# told of yet counts twice, so it is told of all first.

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
is($t->create_run(token => 'tok')->status, 201, 'not held up: created');
is($redis->script_calls, 2, 'by two calls');

###############################################################################
# Redis is slow to answer

fresh();
$redis->pause;
my $c = $t->start_run(token => 'tok');
$t->get('/x');                          # it has been asked
is($c->try_response(1.8), undef, 'held up for more than half a lease');
$redis->resume;
is($c->response->status, 201, 'Redis stopped: created');
is($redis->script_calls, 3, 'renewed once before it was forwarded');
is($service->asked, 1, 'forwarded once');
is(field('s'), 'd', 'and kept');

fresh();
$redis->pause;
$c = $t->start_run(token => 'tok');
$t->get('/x');
is($c->try_response(0.1), undef, 'held up for less');
$redis->resume;
is($c->response->status, 201, 'created');
is($redis->script_calls, 2, 'without a renewal');

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
is($c->response->status, 201, 'stopped for half a lease: created');
is($redis->script_calls, 3, 'renewed before it was forwarded');
is($service->asked, 1, 'once');

$c = stopped();
a_lease();
kill CONT => $worker;
is($c->response->status, 201, 'stopped for a lease, nobody came: created');
is($service->asked, 1, 'once');
is(field('s'), 'd', 'and kept');

# Another has taken over, and has its answer.

$c = stopped();
a_lease();
my $r = $t->create_run(token => 'tok', to => $other, request_id => 'taker');
is($r->status, 201, 'another takes over');
kill CONT => $worker;
my $late = $c->response;
is($late->status, 201, 'the late one gets an answer');
is($late->body, $r->body, 'that of the other');
is($late->header('opc-retry-replayed'), 'true', 'as a replay');
is($late->header('opc-original-request-id'), 'taker', 'naming it');
is($service->asked, 1, 'the service heard one');
$t->wait_log(qr/held up for more than half the lease, and the claim is lost/);
my $record = $t->wait_audit(sub { ($_->{data}{request}{id} // '') eq 'late'
    && ($_->{data}{additionalDetails}{outcome} // '') eq 'replayed' });
ok($record, 'told in audit');
is($record->{eventType} =~ /\.(begin|end)$/ ? $1 : 'one', 'one',
    'by one record, since nothing was forwarded');

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
is($c->try_response(0), undef, 'it waits');
$service->release('gate');
$r = $taker->response;
is($r->status, 201, 'the other creates');
$late = $c->response;
is($late->body, $r->body, 'the late one gets that');
is($service->asked, 1, 'the service heard one');

# Another has taken over, and its outcome is unknown.

$c = stopped();
a_lease();
$service->plan({ times => 1, status => 500, create => 1,
    match => { method => 'POST' } });
is($t->create_run(token => 'tok', to => $other)->status, 500,
    'another ends in the unknown');
kill CONT => $worker;
is($c->response->status, 201, 'the late one claims it again, and creates');
is($service->asked, 2, 'the service heard two');
is($service->created('tok'), 1, 'and made one');

# No renewal can be had: nothing is forwarded.

$c = stopped();
half_a_lease();
$redis->kill;
kill CONT => $worker;
$r = $c->response;
is($r->status . ' ' . $r->code, '503 ServiceUnavailable',
    'without Redis the late one is not forwarded');
is($service->asked, 0, 'the service heard none');
$redis->start;
wait_for { field('s') eq '' } 'its claim to be taken back';

done_testing;
