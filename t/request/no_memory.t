#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Memory runs out at one moment: requests of each kind are sent, with the
# first allocation of the worker failing, then the second, and so on until
# none is left to fail.  Each gets the response it deserves or an error, or
# its connection is closed; no job run is made twice or without a record; and
# the next request is served.
#
# HTTP/1.1 only: where NGINX 1.22 has no memory for the request line of HTTP/2
# it crashes itself, when it logs that (ngx_http_v2_construct_request_line()),
# and where it has none for a frame a stream may stay without an end.
#
# The service here makes a job run of every request: what holds, the gateway
# has done.

use lib 't/lib';

use MIME::Base64 qw(encode_base64);

use JobRuns;
use JobRuns::Memory;

plan(skip_all => JobRuns::Memory::library() . ' is not built (make e2e)')
    if !-e JobRuns::Memory::library();

# more allocations than any request makes
my $most = 5000;

my $t = JobRuns->new;
my $memory = JobRuns::Memory->new($t->testdir . '/memory');

# NGINX lacks memory, and no other process.

my $redis = $t->redis;
my $service = $t->service('forgetful', ignore_tokens => 1);

my $text = $t->default_config(workers => 1, http => <<'END', server => <<'END');
    jobruns_zone jobruns 1m;
    jobruns_redis_timeout 5s;
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
END
    jobruns_limit rate key=tenant rate=1000000r/s burst=1000;
    jobruns_quota quota key=tenant limit=1000000 window=month;
    jobruns_concurrency slots key=tenant limit=1000;
    jobruns_limit few key=$http_x_few rate=1r/h burst=0;

    location = /status {
        jobruns_status;
    }
END
$text =~ s/%%SERVICE%%/%%SERVICE_forgetful%%/;
my $nginx = $memory->run(sub { $t->run(config => $text) });
my ($worker) = $nginx->workers;

$t->allow_log(qr/malloc\(.*failed|posix_memalign\(.*failed|no memory to/);

my (@tokens, @strange);

# a token that is new, and the id of its first request
sub fresh {
    push @tokens, 'token-' . @tokens;
    return (token => $tokens[-1], request_id => $tokens[-1]);
}

# The first of a request's headers that has this name.

sub header {
    my ($request, $name) = @_;
    return (map { $_->[1] } grep { lc $_->[0] eq $name }
        @{$request->{headers}})[0];
}

# Whether the service read what the client sent to the gateway, and nothing
# else.

sub whole {
    my ($request) = @_;
    my $digest = encode_base64(pack('H*', $request->{body_sha256}), '');

    return $request->{method} eq 'POST' && (!$request->{body_complete}
        || $digest eq header($request, 'x-content-sha256'));
}

# "Retry-After" and the like are the matter of other files: here one of these
# responses has to come, or none.

sub answered {
    my ($client) = @_;

    my $answer = eval { $client->response };
    return 'none' if !$answer && $@ =~ /within/;
    return 'closed' if !$answer || !$answer->complete;
    return $answer->status;
}

# each_fails(NAME, [STATUS...], BEGIN): BEGIN begins one request, which
# allocates as the others of its kind do, and returns its client.

sub each_fails {
    my ($name, $may, $begin) = @_;

    my (%seen, %strange);
    my $n = 0;
    my $failed = 1;

    while ($failed && $n < $most) {
        $memory->fail(++$n);
        my $client = $begin->();
        my $told = answered($client);
        $client->close;
        $failed = $memory->failed;
        $memory->enough;

        $seen{$told}++;
        $strange{"$told by the allocation $n"}++
            if !grep { $told eq $_ } @$may, 500, 503, 'closed';
    }

    note "$name: $n allocations, ",
        join ', ', map { "$seen{$_} x $_" } sort keys %seen;
    is(join('; ', sort keys %strange), '',
        "$name: each response is one of the expected");
    ok(!$failed, "$name: each allocation failed once");
    cmp_ok($seen{$may->[0]} // 0, '>', 0,
        "$name: the request succeeds when all allocations do");
    is(join(' ', $nginx->workers), $worker, "$name: the worker lives");
    is($t->create_run(fresh())->status, 201,
        "$name: the next creation is served");
}

###############################################################################

is($t->create_run(fresh())->status, 201, 'a creation whose response is stored');
my $kept = $tokens[-1];

each_fails('a creation', [201], sub { $t->start_run(fresh()) });
each_fails('a creation with a body in a file', [201], sub {
    $t->start_run(fresh(), json => { jobKey => 'x', parameters =>
        [map { { name => "n$_", value => 'v' x 1000 } } 1 .. 200] });
});
each_fails('a creation with a response in pieces', [201], sub {
    $t->start_run(fresh(), stub => { bytes => 100_000 });
});
each_fails('a replay', [201],
    sub { $t->start_run(token => $kept) });
is($t->create_run(fresh(), headers => { 'x-few' => 'few' })->status, 201,
    'the only creation within a limit is created');
each_fails('a refusal by a limit', [429],
    sub { $t->start_run(fresh(), headers => { 'x-few' => 'few' }) });
each_fails('an invalid body',
    [400], sub { $t->start_run(body => '{"jobKey": 1}') });
each_fails('another body with the token', [409],
    sub { $t->start_run(token => $kept, job_key => 'other') });
each_fails('an error of the service', [503], sub {
    $t->start_run(fresh(), stub => { status => 503 });
});
each_fails("the status as $_", [200], do {
    my $form = $_;
    sub { $t->client->request({ path => "/status?format=$form",
        headers => [[Host => 'localhost']] }) };
}) for qw(prometheus json html);

###############################################################################
# What has become of all requests

my @asked = $service->requests;
is((grep { !whole($_) } @asked), 0, 'the service got all bodies whole');

my %asked;
$asked{header($_, 'opc-request-id')}++ for @asked;
is(join(' ', grep { $asked{$_} > 1 } sort keys %asked), '',
    'no attempt reached the service twice');

my %begun = map { $_->{data}{request}{id} => 1 }
    grep { $_->{eventType} =~ /begin$/ } $t->audit;
is(join(' ', grep { !$begun{$_} } sort keys %asked), '',
    'no attempt reached the service without a record');

my $again = $t->create_run(token => $kept);
is($again->header('opc-retry-replayed'), 'true',
    'the stored response is still replayed');
is($service->created($kept), 1, 'the stored response has one job run');

# what was delayed by want of memory ends with its lease
wait_for {
    my $now = $redis->command('TIME')->[0] * 1000;
    !grep { $redis->command('ZCOUNT', $_, $now, '+inf') }
        $redis->keys('*:v1:slots:*');
} 'slots to be free';

# an attempt made while there was no memory to store its response gets 409
for my $token (@tokens) {
    my $r = $t->create_run(token => $token);
    my $known = $r->status == 409 && $service->created($token) == 1;
    push @strange, "$token: " . $r->status if $r->status != 201 && !$known;
}
is(join(', ', @strange), '', 'each token has its job run in the end');

done_testing;
