#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns_keepalive: a creation goes out on a connection that was left for no
# longer than the service surely keeps it, and on a new one otherwise.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $refuse = 'jobruns_retry_unknown refuse;';
my $nginx = $t->run(workers => 1,
    http => 'upstream kept { server %%SERVICE%%; keepalive 8; }
        upstream other { server %%SERVICE%%; keepalive 8; }
        jobruns_redis_timeout 20s; jobruns_redis_connect_timeout 20s;',
    servers => jobruns_server(2, "$refuse jobruns_keepalive 1m;", 'kept')
        . jobruns_server(3, "$refuse jobruns_keepalive 50ms;", 'other')
        . jobruns_server(4, $refuse, 'kept'));

my $service = $t->service;
my $redis = $t->redis;
my ($long, $short, $never) = map { '127.0.0.1:' . $t->port($_) } 2 .. 4;

# How many requests its connection had carried, when the last one came.

sub carried { return $service->last_request->{request_of_connection} }

is($t->create_run(token => 'a1', to => $long)->status, 201,
    'the first creation is created');
is(carried(), 1, 'the first creation makes a connection');
is($t->create_run(token => 'a2', to => $long)->status, 201,
    'the second creation is created');
is(carried(), 2, 'a creation uses the connection that another one left');
is($t->get('/other', to => $long)->status, 404, 'a GET is sent');
is(carried(), 3, 'a GET uses the connection that a creation left');
is($t->create_run(token => 'a3', to => $long)->status, 201,
    'a creation behind a GET is created');
is(carried(), 4, 'a creation uses the connection that a GET left');

# what the limit of the location says is of that location's creations

is($t->create_run(token => 'n1', to => $never)->status, 201,
    'a creation of a location without jobruns_keepalive is created');
is(carried(), 1, 'it makes a connection, whatever the upstream keeps');
is($t->get('/other', to => $never)->status, 404,
    'a GET of a location without jobruns_keepalive is sent');
is(carried(), 2, 'it uses a connection again');
is($t->create_run(token => 'a4', to => $long)->status, 201,
    'a creation behind those is created');
is(carried(), 1, 'a connection is not used that nobody knows the age of');

# idle for longer than is allowed: at least 50 ms pass

is($t->get('/other', to => $short)->status, 404, 'a GET opens a connection');
is(carried(), 1, 'it is the first of its connection');
select undef, undef, undef, 0.06;
is($t->create_run(token => 'b1', to => $short)->status, 201,
    'a creation is created when the connection has idled for too long');
is(carried(), 1, 'it makes a connection');
select undef, undef, undef, 0.06;
is($t->get('/other', to => $short)->status, 404,
    'a GET is sent when the connection has idled for too long');
is(carried(), 2, 'it uses the connection, however long that has idled');

# A service that was started anew, while a worker stands still, has closed the
# connection that is kept; the worker reads Redis' reply before it sees that.

sub closed_by_service {
    my ($port) = $service->address =~ /:(\d+)$/;
    my $service_port = sprintf ':%04X', $port;

    open my $fh, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my $close_wait = '08';      # the state's number in the kernel
    return scalar grep { $_->[2] =~ /$service_port$/ && $_->[3] eq $close_wait }
        map { [split] } <$fh>;
}

sub claimed {
    return grep { ($redis->field($_, 's') // '') eq 'c' }
        $redis->keys('*:v1:token:*');
}

is($t->create_run(token => 'c1', to => $long)->status, 201,
    'a creation before the service ends is created');
my ($worker) = $nginx->workers;
$redis->pause;
my $run = $t->start_run(token => 'c2', to => $long);
$t->get('/jobs', to => $nginx);         # Redis was asked
kill STOP => $worker;
$redis->resume;
wait_for { claimed() } 'the claim';
$service->kill;
wait_for { closed_by_service() } 'a connection that the service has closed';
$service->start;
kill CONT => $worker;
is($run->response->status, 201,
    'a creation does not go out on a connection that is closed');
is($service->created('c2'), 1, 'it is created once');

# A connection that the service resets when it is used again is lost, and the
# answer says so: that is what the directive asserts of the service.

$service->plan({ end_reuse => 'reset', times => 0 });
is($t->create_run(token => 'd1', to => $long)->status, 503,
    'a creation on a connection that is reset as it is used gets 503');
is(($t->audit)[-1]{data}{additionalDetails}{outcome}, 'unknown',
    'its outcome is recorded as unknown');
is($t->create_run(token => 'd1', to => $long)->status, 409,
    'its retry gets 409, since nobody knows');
is($t->create_run(token => 'd2', to => $long)->status, 201,
    'another creation makes a connection');

done_testing();
