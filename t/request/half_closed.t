#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A client that ends its sending side waits for its response and gets it, and
# a send_timeout does not count for a response that is not sent yet.  The
# access log has the outcome of an attempt, whoever left.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
$t->run(workers => 1, http => <<'END', server => <<'END2');
    log_format outcome '$http_opc_request_id $jobruns_outcome';
    jobruns_zone jobruns 1m;
    jobruns_redis_timeout 5s;
    jobruns_redis_connect_timeout 5s;
END
    access_log %%TESTDIR%%/outcome.log outcome;
    jobruns_retry_wait 20s;
    send_timeout 100ms;
    location = /status { jobruns_status; }
    location /20260401/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        jobruns_retry_wait 1s;
    }
END2

my $service = $t->service;
my $redis = $t->redis;

sub fresh { $redis->command('FLUSHALL'); $service->reset }

sub logged {
    my ($id) = @_;
    return wait_for {
        $t->read_file('outcome.log') =~ /^\Q$id\E (\S+)\n/m && $1;
    } "$id in the access log";
}

$t->create_run;

# waiting for a running attempt
fresh();
my $first = $t->start_run(token => 'tok', stub => { wait_read => 'gate' });
$service->wait_at('gate');
my $waiter = $t->start_run(token => 'tok', request_id => 'waits');
my $gone = $t->start_run(token => 'tok', request_id => 'gone');
$waiter->half_close;
$t->get('/x');
is($waiter->try_response(0.3), undef,
    'a half-closed waiter has no response yet');
$gone->reset;
is(logged('gone'), 'in_progress', 'a waiter that is reset ends at once');
$service->release('gate');
is($first->response->status, 201, 'the running attempt is created');
is($waiter->response->header('opc-retry-replayed'), 'true',
    'a half-closed waiter gets the stored response');

# its place is held until its time to wait is over, and no longer, whether it
# still reads or is gone: the end of what it sends does not show that

sub waiting {
    my ($n) = @_;
    wait_for {
        $t->get('/status')->body =~ /^jobruns_waiting_requests $n$/m;
    } "$n to wait";
}

fresh();
my %brief = (token => 'brief', version => '20260401');
$first = $t->start_run(%brief, stub => { wait_read => 'gate' });
$service->wait_at('gate');
$waiter = $t->start_run(%brief);
my $closed = $t->start_run(%brief, request_id => 'closed');
waiting(2);
$waiter->half_close;
$closed->close;
is($waiter->response->code, 'IncorrectState',
    'a half-closed waiter gets 409 when its time is over');
is(logged('closed'), 'in_progress',
    'a closed waiter is logged when its time is over');
waiting(0);
$service->release('gate');
is($first->response->status, 201,
    'the attempt that others waited for is created');

# while it is settled, longer than send_timeout; two pipelined
fresh();
my $c = $t->client;
$c->request($t->run_request(token => 'one',
    stub => { wait_created => 'gate' }));
$c->request($t->run_request(token => 'two'));
$service->wait_at('gate');
$redis->pause;
$service->release('gate');
wait_for { grep { /^answered 201/ } @{($service->requests)[0]{done} // []} }
    'the answer to be sent';
$t->get('/x');
$c->half_close;
is($c->try_response(0.5), undef,
    'a half-closed client has no response while its attempt is settled');
$redis->resume;
is($c->response->status, 201,
    'a half-closed client gets its response after settling');
is($c->response->status, 201,
    'a half-closed client gets the response to a pipelined request');
is($service->created('one'), 1,
    'one job run is created for a half-closed client');

# while admitted
fresh();
$redis->pause;
$c = $t->start_run(token => 'tok');
$t->get('/x');
$c->half_close;
$t->get('/x');
$redis->resume;
is($c->response->status, 201,
    'a client half closed during admission gets its response');

# what the access log has of clients that left
fresh();
my ($head, $body) = JobRuns::Client::format_request(
    $t->run_request(request_id => 'reading'));
$c = $t->client->send($head . substr $body, 0, 5);
$t->get('/x');
$c->close;
like(logged('reading'), qr/^(?:unsent|invalid)$/,
    'the access log has a client that left while its body was read');

$c = $t->start_run(request_id => 'forwarded',
    stub => { wait_created => 'gate' });
$service->wait_at('gate');
$c->reset;
$service->release('gate');
is(logged('forwarded'), 'created',
    'the access log has a client that left while it was forwarded');

my $h2 = $t->h2;
$redis->pause;
$c = $t->start_run(on => $h2, request_id => 'admitting');
$t->get('/x');
$c->reset;
$t->get('/x');
$redis->resume;
is(logged('admitting'), 'unsent',
    'the access log has a client that left while it was admitted');

done_testing;
