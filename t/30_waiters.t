#!/usr/bin/perl

# How many retries may wait in a worker behind the attempt they repeat: 1,024;
# one more is told so at once, and places are given back.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, http => <<'END');
    jobruns_zone jobruns 1m;
    jobruns_retry_wait 60s;
    http2_max_concurrent_streams 2000;
    keepalive_requests 5000;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END
my $service = $t->service;
my $redis = $t->redis;

# until so many wait

sub waiting {
    my ($n) = @_;

    wait_for {
        my $text = $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body;
        $text =~ /^jobruns_waiting_requests $n$/m;
    } "$n to wait";
}

# The first of a token, held in the service.

sub hold {
    my ($token) = @_;
    my $c = $t->start_run(token => $token, stub => { wait_created => $token });
    $service->wait_at($token);
    return $c;
}

my $first = hold('tok');
my @waiters = $t->start_h2(map { { token => 'tok' } } 1 .. 1024);

waiting(1024);
my $told = $t->create_run(token => 'tok');
is($told->status, 409, 'one too many does not wait');
is($told->code, 'IncorrectState', 'one too many is told so');
is($told->header('retry-after'), 1, 'and when to come back');
is(scalar(grep { defined $_->try_response(0) } @waiters), 0,
    'none of the 1,024 is answered before its time');

# Another token's retries are no better off in this worker, but new tokens are.

is($t->create_run->status, 201, 'what need not wait goes on');

# Those that leave make room.

$_->reset for splice @waiters, 0, 24;
waiting(1000);
my @later = $t->start_h2(map { { token => 'tok' } } 1 .. 24);
waiting(1024);
is(scalar(grep { defined $_->try_response(0) } @later), 0,
    'in the place of those that left others wait');

$service->release('tok');
is($first->response->status, 201, 'the first has its answer');
my @answers = map { $_->response } @waiters, @later;
is(scalar(grep { $_->status == 201
    && ($_->header('opc-retry-replayed') // '') eq 'true' } @answers),
    scalar @answers, 'and all that waited');
is(scalar @answers, 1024, '1,024 of them');
is($service->created('tok'), 1, 'of one job run');

# All places are free again.

$first = hold('again');
my @again = $t->start_h2(map { { token => 'again' } } 1 .. 1024);
waiting(1024);
is(scalar(grep { defined $_->try_response(0) } @again), 0,
    'as many may wait again');
$service->release('again');
is($first->response->status, 201, 'another first');
is(scalar(grep { $_->response->status == 201 } @again), 1024, 'and all');
is($service->asked, 3, 'the service heard of each token once');

done_testing;
