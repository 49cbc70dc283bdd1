#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A client leaves at each state of its request: what was forwarded is finished
# and stored, what was not is not forwarded, and its retry gets one job run.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, http => <<'END', server =>
    jobruns_redis_timeout 5s;
    jobruns_redis_connect_timeout 5s;
    jobruns_concurrency slots key=tenant limit=10;
END
    'jobruns_retry_wait 20s;');
my $service = $t->service;
my $redis = $t->redis;

sub fresh {
    $redis->command('FLUSHALL');
    $service->reset;
}

sub slots {
    my ($key) = $redis->keys('*:v1:slots:*') or return 0;
    return $redis->command('ZCARD', $key);
}

sub token {
    my ($key) = $redis->keys('*:v1:token:*') or return 'absent';
    return { c => 'claimed', d => 'done', u => 'unknown' }
        ->{$redis->field($key, 's')};
}

# The last record of a request.

sub ended {
    my ($id) = @_;

    my $line = wait_for {
        $t->read_file('audit.log')
            =~ /^(?!.*Run\.begin")(.*"id":"\Q$id\E".*)\n/m && $1;
    } "the end of $id";
    return JSON::PP->new->utf8->decode($line)->{data}{additionalDetails};
}

# Ways to leave: [name, HTTP/2?, how]

my @ways = (
    ['HTTP/1.1, closed', 0, sub { $_[0]->close }],
    ['HTTP/1.1, reset', 0, sub { $_[0]->reset }],
    ['HTTP/2, stream reset', 1, sub {
        my ($stream, $h2) = @_;
        $stream->reset;
        # the response comes after it, so it has been seen
        $h2->request({ path => '/seen',
            headers => [['Host', 'localhost']] })->response
            unless $redis->{paused};
    }],
    ['HTTP/2, connection closed', 1, sub { $_[1]->close }],
    ['HTTP/2, connection reset', 1, sub { $_[1]->reset }],
);

sub start {
    my ($h2, $id, %opt) = @_;
    return $t->start_run(token => 'tok', request_id => $id, %opt,
        on => $h2);
}

my $number = 0;

for (@ways) {
    my ($way, $is_h2, $leave) = @$_;
    my ($h2, $id, $c, $r);
    my $next = sub {
        fresh();
        $h2 = $is_h2 ? $t->h2 : undef;
        $id = 'leaver-' . ++$number;
    };

    # before admission: half of a body
    $next->();
    my $request = $t->run_request(token => 'tok', request_id => $id);
    my $body = $request->{body};
    if ($h2) {
        push @{$request->{headers}}, ['Content-Length', length $body];
        delete $request->{body};
        $c = $h2->request($request, end => 0);
        $c->data(substr $body, 0, 10);
    } else {
        my ($head) = JobRuns::Client::format_request($request);
        $c = $t->client->send($head . substr $body, 0, 10);
    }
    wait_for { $t->get('/x')->status == 404 } 'NGINX to have read it';
    $leave->($c, $h2);
    ended($id);
    is($service->created, 0, "$way, reading: nothing is forwarded");
    is(scalar(my @keys = $redis->keys('*:v1:*')), 0,
        "$way, reading: no key is claimed");

    # during admission: Redis does not respond
    $next->();
    $redis->pause;
    $redis->{paused} = 1;
    $c = start($h2, $id);
    # a request after it on the other connections of the one worker
    $t->get('/x');
    $leave->($c, $h2);
    $t->get('/x');
    $redis->{paused} = 0;
    $redis->resume;
    my $details = ended($id);
    like($details->{outcome}, qr/^(?:created|unsent)$/,
        "$way, admission: the attempt ends");
    is($service->created, $details->{outcome} eq 'created' ? 1 : 0,
        "$way, admission: the service was asked as the audit log says");
    $r = $t->create_run(token => 'tok');
    is($r->status, 201, "$way, admission: the retry gets 201");
    is($service->created, 1, "$way, admission: one job run is created");
    is(slots(), 0, "$way, admission: no slot is left");

    # forwarded, at several points of the service
    for my $point (qw(head read created answer)) {
        $next->();
        $c = start($h2, $id, stub => { "wait_$point" => 'gate' });
        $service->wait_at('gate');
        $leave->($c, $h2);
        is($t->create_run(token => 'tok', job_key => 'x')->code,
            'InvalidatedRetryToken', "$way, $point: the token is claimed");
        $service->release('gate');
        $details = ended($id);
        is($details->{outcome}, 'created',
            "$way, $point: the audit log has the outcome created");
        is($details->{tokenAfter}, 'done',
            "$way, $point: the audit log has the token as done");
        is($details->{kept}, JSON::PP::true(),
            "$way, $point: the audit log says that the response is stored");
        $r = $t->create_run(token => 'tok');
        is($r->status, 201, "$way, $point: the retry gets 201");
        is($r->header('opc-retry-replayed'), 'true',
            "$way, $point: the retry is replayed");
        is($r->header('content-length'), length $r->body,
            "$way, $point: the retry gets the whole body");
        is($service->asked, 1, "$way, $point: the service was asked once");
        is(slots(), 0, "$way, $point: no slot is left");
    }

    # a large response, and one without buffers to speak of
    $next->();
    $c = start($h2, $id, stub => { wait_answer => 'gate',
        bytes => 500_000 });
    $service->wait_at('gate');
    $leave->($c, $h2);
    $service->release('gate');
    is(ended($id)->{outcome}, 'created',
        "$way, large: the audit log has the outcome created");
    $r = $t->create_run(token => 'tok');
    is(length $r->body, 500_000, "$way, large: the retry gets the whole body");
    is($service->asked, 1, "$way, large: the service was asked once");

    # too large to be stored
    $next->();
    $c = start($h2, $id, stub => { wait_answer => 'gate',
        bytes => 2_000_000 });
    $service->wait_at('gate');
    $leave->($c, $h2);
    $service->release('gate');
    is(ended($id)->{outcome}, 'created',
        "$way, too large: the audit log has the outcome created");
    wait_for { ($t->create_run(token => 'tok')->code // '') eq 'Conflict' }
        'a retry to be told';
    is($service->asked, 1, "$way, too large: the service was asked once");

    # held: Redis does not respond when the response is to be stored
    $next->();
    $c = start($h2, $id, stub => { wait_created => 'gate' });
    $service->wait_at('gate');
    $redis->pause;
    $redis->{paused} = 1;
    $service->release('gate');
    wait_for { grep { /^answered 201/ }
        @{($service->requests)[0]{done} // []} } 'the answer to be sent';
    $t->get('/x');
    $leave->($c, $h2);
    $t->get('/x');
    $redis->{paused} = 0;
    $redis->resume;
    $details = ended($id);
    is($details->{outcome}, 'created',
        "$way, held: the audit log has the outcome created");
    is($details->{tokenAfter}, 'done',
        "$way, held: the audit log has the token as done");
    $r = $t->create_run(token => 'tok');
    is($r->header('opc-retry-replayed'), 'true',
        "$way, held: the retry is replayed");
    is($service->asked, 1, "$way, held: the service was asked once");

    # forwarded and refused, broken, or silent
    for ([{ status => 404 }, 'rejected_upstream', 'absent'],
        [{ status => 500, kind => 'html' }, 'unknown', 'unknown'],
        [{ end_created => 'reset' }, 'unknown', 'unknown'])
    {
        my ($steering, $outcome, $token) = @$_;
        my $what = join ' ', $way, %$steering;
        $next->();
        $c = start($h2, $id, stub => { wait_read => 'gate', %$steering });
        $service->wait_at('gate');
        $leave->($c, $h2);
        $service->release('gate');
        $details = ended($id);
        is($details->{outcome}, $outcome,
            "$what: the audit log has the outcome $outcome");
        # written by the log phase where NGINX gives up at once
        like($details->{tokenAfter}, qr/^(?:$token|claimed)$/,
            "$what: the audit log has the token as $token or claimed");
        wait_for { token() eq $token } "$what: its token";
        is($t->create_run(token => 'tok')->status, 201,
            "$what: the retry gets 201");
        is($service->created, 1, "$what: one job run is created");
        is(slots(), 0, "$what: no slot is left");
    }

    # while a retry waits for the one whose client left
    $next->();
    $c = start($h2, $id, stub => { wait_created => 'gate' });
    $service->wait_at('gate');
    my $waiter = $t->start_run(token => 'tok');
    $leave->($c, $h2);
    $service->release('gate');
    is($waiter->response->header('opc-retry-replayed'), 'true',
        "$way: a waiting retry gets the stored response");
    is($service->counts->{creations}, 1,
        "$way: one job run is created for the waiting retry");
}

# A client that only ends its sending side still reads the response.

fresh();
my $c = $t->start_run(token => 'tok', stub => { wait_created => 'gate' });
$service->wait_at('gate');
$c->half_close;
$service->release('gate');
is($c->response->status, 201,
    'a client that has half closed gets its response');

# Each forwarded attempt has one .begin and one .end, whoever left.

my (%begin, %end);
for ($t->audit) {
    my $attempt = $_->{data}{additionalDetails}{attemptId};
    $begin{$attempt}++ if $_->{eventType} =~ /begin$/;
    $end{$attempt}++ if $_->{eventType} =~ /end$/;
}
ok(keys %begin > 50, 'many attempts were forwarded');
is_deeply(\%end, \%begin, 'each forwarded attempt has its .end');
is(scalar(grep { $_ != 1 } values %begin), 0,
    'no forwarded attempt has two records of .begin');

done_testing;
