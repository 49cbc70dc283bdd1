#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A createJobRun is passed on unchanged, and so is its response.

use lib 't/lib';
use JobRuns;

use Compress::Zlib qw(memGunzip);
use Digest::SHA qw(sha256_base64);
use JSON::PP qw(encode_json);

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# one worker: what one connection sent is read before another gets a response
$t->run(
    workers => 1,
    server => "
        location /20260403/ {
            $proxy jobruns_limit tight key=tenant rate=1r/h;
        }
        location /20260404/ { $proxy proxy_buffering off; }
        location /20260405/ { $proxy jobruns_response_max_size 64k; }
        location /20260406/ {
            $proxy jobruns_response_max_size 64k; proxy_buffering off;
        }
        location /20260407/ {
            $proxy gzip on; gzip_types application/json; gzip_min_length 1;
        }
        location /20260408/ {
            $proxy jobruns_quota day key=platform limit=1000 window=day;
            jobruns_concurrency now key=workspace limit=5;
            jobruns_quota all key=tenant limit=9 window=hour;
            jobruns_concurrency too key=workspace limit=6;
        }
    ",
);

my $service = $t->service;

# What NGINX has to change (conf/jobruns_proxy.conf), and what belongs to the
# client's connection or to how HTTP/2 frames a body.

my %own = map { $_ => 1 } qw(accept-encoding connection content-length
    transfer-encoding expect keep-alive te);

sub comparable {
    my ($headers) = @_;
    return join "\n", sort map { lc($_->[0]) . ": $_->[1]" }
        grep { !$own{lc $_->[0]} } @$headers;
}

###############################################################################
# The request

my $long = 'x' x 600_000;
my $head = '{"jobKey":"x","parameters":[{"name":"p","value":"';
my $odd = qq| \t{\r\n "jobKey" :\n"\\u0041\\ud83d\\uDE00 \\/ \xc3\xa9\x7f" , |
    . qq|"unknown":[1e2,-0.0 ,1.50,{},"\xf0\x9f\x98\x80"]}\n |;

my %requests = (
    'a small body' => { body => '{"jobKey":"x"}' },
    '600 KB' => { body => qq|$head$long"}]}| },
    'a body of just the buffer' =>
        { body => $head . 'y' x (131072 - length($head) - 4) . '"}]}' },
    'spaces, escapes and letters' => { body => $odd },
    'a BOM-less body of 200 parameters' => { json => { jobKey => 'x',
        parameters => [map { { name => "p$_", value => "\x{e9}$_" } }
            1 .. 200] } },
    'an encoded workspace' => { workspace => 'a%2Db%20c%C3%A9%25+%3a' },
    'an encoded platform' =>
        { platform => '%6fcid1.aidataplatform%2Eoc1..%61' },
    'a key of odd letters' => { workspace => q{~a!b$c&d'e(f)g*h,i=j:k@l} },
    'a query' => { path => '/20260430/aiDataPlatforms/ocid1.x/workspaces/w'
        . '/jobRuns?a=%2F..%2F&b=//&c=%7E&d;e' },
    'an empty query' =>
        { path => '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns?' },
    'the older path' => { family => 'dataLakes' },
    'another version' => { version => '20990101' },
    'a host with a port' => { headers => { Host => 'API.example.com:8443' } },
    'x-date' => { headers => { Date => undef,
        'x-date' => 'Thu, 05 Jan 2034 21:31:40 GMT' } },
    'headers nobody knows' => { extra => [['X-Any', 'a, b'], ['X-Any', 'c'],
        ['Accept', 'application/json'], ['User-Agent', 'SDK/1.0 (a; b)'],
        ['opc-client-info', 'x'], ['Cookie', 'a=b; c=d'],
        ['X-Latin', "\xe9"], ['If-None-Match', '"x"'], ['Range', 'bytes=0-1'],
        ['should-update-recent', 'TRUE']] },
    'no token' => { token => undef },
    'a token of blanks and punctuation' => { mark => q{!"#$ %&'()*+,-./~} },
);

for my $name (sort keys %requests) {
    my %opt = %{$requests{$name}};

    for my $way ('HTTP/1.1', 'HTTP/1.1 in chunks', 'HTTP/1.1 with Expect',
        'HTTP/2')
    {
        my %way = $way =~ /chunks/ ? (chunked => 4999)
            : $way =~ /Expect/ ? (expect => 1) : ();
        my %all = (request_id => 'abc-1',
            token => random_id(20) . ($opt{mark} // ''), %opt, %way);
        $all{extra} = [@{$opt{extra} // []}, ['Expect', '100-continue']]
            if $way{expect};

        my $sent = $t->run_request(%all);
        my $answer = $t->create_run(%all, h2 => $way eq 'HTTP/2');
        is($answer->status, 201, "$name: $way: the job run is created");
        is(join(' ', map { $_->status } @{$answer->interim}), 100,
            "$name: $way: 100 Continue comes first") if $way{expect};

        my $got = $service->last_request;
        is("$got->{method} $got->{target}", "POST $sent->{path}",
            "$name: $way: the service gets method and path");
        is(comparable($got->{headers}), comparable($sent->{headers}),
            "$name: $way: the service gets the headers");
        is($service->received('content-length', $got), length $sent->{body},
            "$name: $way: the service gets the length");
        ok($service->body($got) eq $sent->{body},
            "$name: $way: the service gets the body, byte by byte");
    }
}
is($service->created, 4 * keys %requests, 'each request created one job run');

$service->reset;

# A name is written as the client wrote it.

$t->create_run(extra => [['X-MiXed', 1]]);
like(join(' ', map { $_->[0] } @{$service->last_request->{headers}}),
    qr/X-MiXed/,
    'header names keep their case');

# The body arrives in pieces, each read before the next is sent.

for my $size (200, 300_000) {
    my $request = $t->run_request(body => $head . 'z' x $size . '"}]}');
    my ($first, $body) = JobRuns::Client::format_request($request);
    my $client = $t->client;

    for my $piece (substr($first, 0, 30), substr($first, 30),
        unpack '(a' . int(length($body) / 3 + 1) . ')*', $body)
    {
        $client->send($piece);
        $t->get('/ping');
    }
    is($client->response->status, 201,
        "a body of $size bytes in pieces is created");
    my @posts = grep { $_->{method} eq 'POST' } $service->new_requests;
    ok($service->body($posts[-1])
        eq $body, "a body of $size bytes in pieces arrives whole");
}

# Headers are refused without 100 Continue, and without reading the body.

for (
    [{ token => 'x' x 65 }, 400], [{ request_id => 'a b' }, 400],
    [{ headers => { 'Content-Type' => 'text/plain' } }, 415],
    [{ extra => [['Content-Encoding', 'gzip']] }, 415],
    [{ path => '/20260430//aiDataPlatforms/ocid1.x/workspaces/w/jobRuns' },
        404],
    [{ platform => 'x' }, 400],
    [{ headers => { 'Content-Length' => 20_000_000 } }, 413],
) {
    my ($opt, $status) = @$_;
    my $answer = $t->create_run(%$opt, expect => 1,
        extra => [@{$opt->{extra} // []}, ['Expect', '100-continue']]);
    is($answer->status, $status,
        "$status is sent by headers alone (@{[keys %$opt]})");
    is(scalar @{$answer->interim}, 0,
        "$status by headers alone has no 100 Continue (@{[keys %$opt]})");
}

###############################################################################
# The response

sub answers {
    my ($name, $stub, $check, %opt) = @_;

    $service->reset;
    for my $h2 (0, 1) {
        my $token = random_id(20);
        my %request = (token => $token, stub => $stub, h2 => $h2, %opt);
        my $first = $t->create_run(%request);
        my $again = $t->create_run(%request);
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        subtest(($h2 ? 'HTTP/2' : 'HTTP/1.1') . ": $name"
            => sub { $check->($first, $again) });
        is($service->created($token), 1, "$name: one job run is created");
    }
}

# all headers of the service, but for its name and the connection

sub service_headers {
    my ($answer, @leave) = @_;
    my %leave = map { $_ => 1 } qw(server date connection), @leave;
    return join "\n", sort map { lc($_->[0]) . ": $_->[1]" }
        grep { !$leave{lc $_->[0]} } @{$answer->headers};
}

my $run = encode_json({ key => 'run-1', jobKey => 'x', name => 'r' });
my @said = (
    ['content-type', 'application/json;charset=utf-8'], ['x-any', 'a, b'],
    ['x-any', 'c'], ['etag', '"abc"'], ['location', '/20260430/x/run-1'],
    ['opc-work-request-id', 'ocid1.wr..x'], ['opc-request-id', 'mine/theirs/1'],
    ['cache-control', 'no-store'], ['set-cookie', 'a=b'],
    ['strict-transport-security', 'max-age=1'], ['opc-next-page', '~'],
    ['retry-after', '7'], ['vary', 'X-Any'],
);
my %raw = (raw => join("\r\n", 'HTTP/1.1 201 Created',
    (map { "$_->[0]: $_->[1]" } @said), 'content-length: ' . length $run,
    'connection: close', '', $run), create => 1);

$service->plan({ %raw, times => 2, match => { header => 'x-raw: 1' } });
for my $h2 (0, 1) {
    my $answer = $t->create_run(headers => { 'x-raw' => 1 }, h2 => $h2);
    is($answer->status, 201,
        'a response with many headers is passed on, HTTP/' . ($h2 ? 2 : 1));
    is($answer->body, $run,
        'the body of a response with many headers is passed on');
    is(service_headers($answer),
        join("\n", sort(map({ "$_->[0]: $_->[1]" } @said),
            'content-length: ' . length $run)),
            'all headers of a response are passed on, and no more');
}

answers('a job run' => {}, sub {
    my ($first, $again) = @_;

    my $created = (reverse $service->creations)[0];
    is($first->status, 201, 'the first request creates a job run');
    is($first->json->{key}, $created->{key},
        'the first response has the key of the job run');
    is($first->header('location'), $created->{location},
        'the first response has the location of the job run');
    is($first->header('opc-retry-replayed'), undef,
        'the first response is not a replay');
    is($first->header('opc-original-request-id'), undef,
        'the first response has no original request id');
    is($again->status, 201, 'the retry gets 201');
    is($again->body, $first->body, 'the retry gets the same body');
    is($again->header($_), $first->header($_), "the retry gets the same $_")
        for qw(content-type content-location etag location
            opc-work-request-id);
    is($again->header('opc-retry-replayed'), 'true', 'the retry is replayed');
    is($again->header('opc-original-request-id'),
        $service->received('opc-request-id'),
        'the replay names the first request');
    isnt($again->header('opc-request-id'), $first->header('opc-request-id'),
        'the replay has a request id of its own');
});

answers('no content' => { status => 204, kind => 'empty' }, sub {
    my ($first, $again) = @_;

    for ($first, $again) {
        is($_->status, 204, 'both responses have the status 204');
        is($_->body, '', 'neither response has a body');
    }
    is($again->header('opc-retry-replayed'), 'true', 'the retry is replayed');
});

answers("$_->[0] with " . length($_->[1]) . ' bytes' =>
    { status => $_->[0], body => $_->[1] }, sub {
    my ($first, $again) = @_;

    is($first->status, $_->[0],
        'the first response has the status of the service');
    is($first->body, $_->[1], 'the first response has the body of the service');
    is($again->status, $_->[0], 'the retry gets the same status');
    is($again->body, $_->[1], 'the retry gets the same body');
    is($again->header('content-length'), length $_->[1],
        'the retry gets the length of the body');
}) for [200, ''], [200, '{"key":"a"}'], [201, ''], [201, 'no json'],
    [202, '{}'], [299, '{"key":null}'];

for my $framing (qw(length chunked close)) {
    answers("300 KB, $_, $framing" =>
        { bytes => 300_000, framing => $framing, chunk => 7000 }, sub {
        my ($first, $again) = @_;

        is($first->status, 201, 'the first request creates a job run');
        ok($first->complete, 'the first response is complete');
        is(length $first->body, 300_000, 'the first response has all bytes');
        ok(eval { $first->json->{key} }, 'the first response is JSON');
        ok($again->body eq $first->body, 'the retry gets the same body');
    }, version => $_) for qw(20260430 20260404);

    # above jobruns_response_max_size
    answers("300 KB, too large to be stored, $_, $framing" =>
        { bytes => 300_000, framing => $framing, chunk => 7000 }, sub {
        my ($first, $again) = @_;

        is($first->status, 201, 'the first request creates a job run');
        ok($first->complete, 'the first response is complete');
        is(length $first->body, 300_000, 'the first response has all bytes');
        ok(eval { $first->json->{key} }, 'the first response is JSON');
        is($again->status, 409, 'the retry gets 409');
        is($again->code, 'Conflict', 'the retry gets the code Conflict');
        is($again->header('location'), $first->header('location'),
            'the retry gets the location of the job run');
    }, version => $_) for qw(20260405 20260406);
}

# The service's errors pass.

$service->reset;
for my $status (400, 401, 403, 404, 409, 412, 422, 429, 500, 502, 503, 504) {
    my $body = encode_json({ code => "Code$status", message => 'Said so.' });
    for my $h2 (0, 1) {
        my $answer = $t->create_run(h2 => $h2, stub => { status => $status,
            body => $body, header => ['Retry-After: 9', 'X-Any: a'] });
        is($answer->status, $status,
            "an error $status of the service is passed on");
        is($answer->body, $body,
            "an error $status of the service is passed on with its body");
        is($answer->header('x-any'), 'a',
            "an error $status of the service is passed on with its headers");
        is($answer->header('retry-after'), 9,
            "an error $status of the service is passed on with Retry-After");
    }
}

###############################################################################
# Codings

my $gzip_body = '{"key":"' . 'k' x 2000 . '"}';

answers('an answer in gzip' => { gzip => 1, body => $gzip_body }, sub {
    my ($first, $again) = @_;

    for ($first, $again) {
        is($_->header('content-encoding'), 'gzip',
            'the response has Content-Encoding');
        is(memGunzip($_->body), $gzip_body,
            'the response has the body in gzip');
    }
}, version => $_) for qw(20260430 20260407);

my $answer = $t->create_run(headers => { 'Accept-Encoding' => 'gzip, br' });
is($service->received('accept-encoding'), 'identity',
    'the service is asked for identity');

$t->create_run;
is($service->received('accept-encoding'), 'identity',
    'the service is asked for identity without Accept-Encoding');

$t->create_run(headers => { 'Accept-Encoding' => 'gzip, br' },
    authorization => 'Signature version="1",keyId="a/b/c",algorithm="rsa-'
        . 'sha256",headers="date Accept-Encoding host",signature="c2ln"');
is($service->received('accept-encoding'), 'gzip, br',
    'an Accept-Encoding that is signed is passed on');

$t->create_run(extra => [['Accept-Encoding', ''],
        ['X-Other', '1'], ['accept-encoding', 'gzip;q=0.5'],
        ['ACCEPT-ENCODING', 'br']],
    authorization => 'Signature version="1",keyId="a/b/c",algorithm="rsa-'
        . 'sha256",headers="date accept-encoding host",signature="c2ln"');
is($service->received('accept-encoding'), ', gzip;q=0.5, br',
    'one that is signed and comes in several lines is as it was signed');

$t->get('/20260430/aiDataPlatforms', headers => [['Host', 'localhost'],
    ['Accept-Encoding', 'gzip, br']]);
is($service->received('accept-encoding'), 'gzip, br',
    'the Accept-Encoding of a GET is passed on');

my $token = random_id;
for my $status ('created', 'replayed') {
    # gzip leaves 201 alone
    $answer = $t->create_run(version => '20260407', token => $token,
        headers => { 'Accept-Encoding' => 'gzip' }, stub => { status => 200,
        body => $gzip_body });
    is($answer->header('content-encoding'), 'gzip',
        "NGINX compresses a response: $status");
    is(memGunzip($answer->body), $gzip_body,
        "NGINX compresses the whole body: $status");
}
is($service->created($token), 1, 'a compressed response is created once');

###############################################################################
# Connections stay open

my %bad = (
    400 => { token => 'x' x 65 },
    404 => { path => $t->run_request->{path} . '/' },
    415 => { headers => { 'Content-Type' => 'text/plain' } },
);
$t->create_run(version => '20260403');            # the one an hour allows
$t->create_run(token => 'used', job_key => 'one');

my $client = $t->client;
my $h2 = $t->h2;
my $n = 0;
for (
    [{}, 201], [$bad{400}, 400], [{}, 201], [{ body => '{}' }, 400],
    [{ body => '{' }, 400], [{ body => '' }, 400],
    [{ token => 'used', job_key => 'other' }, 409],
    [{ token => 'used', job_key => 'one' }, 201],
    [{ version => '20260403' }, 429], [$bad{415}, 415], [$bad{404}, 404],
    [{ body => $head . 'x' x 200_000, chunked => 1000 }, 400],
    [{ %{$bad{415}}, body => 'x' x 300_000 }, 415],
    [{ %{$bad{400}}, body => 'x' x 300_000, chunked => 5000 }, 400],
    [{ stub => { status => 404 } }, 404], [{ stub => { status => 503 } }, 503],
    [{}, 201],
) {
    my ($opt, $status) = @$_;
    $n++;

    $answer = $t->create_run(%$opt, on => $client);
    is($answer->status, $status, "request $n of a connection gets $status");
    is($answer->header('connection'), 'keep-alive',
        "request $n of a connection leaves it open");
    ok(length $answer->header('opc-request-id'),
        "request $n of a connection has opc-request-id");

    $answer = $t->create_run(%$opt, on => $h2);
    is($answer->status, $status, "request $n of HTTP/2 gets $status");
    ok(length $answer->header('opc-request-id'),
        "request $n of HTTP/2 has opc-request-id");
}

# pipelined requests get their responses in order

$service->reset;
my @pipelined = ({ token => 'pipe-1' }, $bad{400}, { token => 'pipe-2' },
    { token => 'pipe-1' }, $bad{415}, { body => '[]' }, { token => 'pipe-3' });
$client = $t->client;
$client->send(join '', map { scalar JobRuns::Client::format_request(
    $t->run_request(%$_)) } @pipelined);
is(join(' ', map { $client->response->status } @pipelined),
    '201 400 201 201 415 400 201',
    'pipelined requests get their responses in order');
is(join(' ', map { $service->created("pipe-$_") } 1 .. 3), '1 1 1',
    'pipelined creations create one job run each');

# many at once on one HTTP/2 connection

my @tokens = map { "stream-$_" } 1 .. 20;
is(join(' ', map { $_->response->status }
    $t->start_h2(map { { token => $_ } } @tokens)), join(' ', (201) x 20),
    '20 streams get their responses');
is(join(' ', map { $service->created($_) } @tokens), join(' ', (1) x 20),
    '20 streams create one job run each');

# HTTP/1.0: no Host, no chunks

$answer = $t->create_run(http_version => '1.0', headers => { Host => undef },
    stub => { framing => 'chunked' });
is($answer->status, 201, 'a request over HTTP/1.0 creates a job run');
is($answer->header('transfer-encoding'), undef,
    'a response over HTTP/1.0 is not in chunks');
is(eval { $answer->json->{key} }, (reverse $service->creations)[0]{key},
    'a response over HTTP/1.0 has the job run');

###############################################################################
# RateLimit headers (draft-ietf-httpapi-ratelimit-headers)

# of the platform and the workspace by which they count: base64 of 9 bytes
my ($by_day, $by_now) = map { ';pk=:' . substr(sha256_base64($_), 0, 12) . ':' }
    'ocid1.aidataplatform.oc1.iad.test', 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f';

$answer = $t->create_run(version => '20260408');
is($answer->header('ratelimit-policy'), qq{"day";q=1000;w=86400$by_day, }
    . qq{"now";q=5;qu="concurrent-requests"$by_now, }
    . '"all";q=9;w=3600, '
    . qq{"too";q=6;qu="concurrent-requests"$by_now},
    'RateLimit-Policy has all limits');
like($answer->header('ratelimit'),
    qr/^"day";r=999;t=\d+\Q$by_day\E, "now";r=4\Q$by_now\E, /,
    'RateLimit has the first two limits');
like($answer->header('ratelimit'),
    qr/, "all";r=8;t=\d+, "too";r=5\Q$by_now\E$/,
    'RateLimit has the other limits');
is(scalar $answer->header_all('ratelimit'), 1, 'RateLimit is sent once');

$answer = $t->create_run(version => '20260403', tenancy => 'another');
is($answer->status, 201, 'a creation within a rate per hour is created');
like($answer->header('ratelimit-policy'), qr/^"tight";q=1;w=3600$/,
    'RateLimit-Policy has the rate and its window');
like($answer->header('ratelimit'), qr/^"tight";r=0;t=3[56]\d\d$/,
    'RateLimit has the rate and its time');
$answer = $t->create_run(version => '20260403', tenancy => 'another');
is($answer->status, 429, 'a creation beyond a rate is refused');
is($answer->code, 'TooManyRequests',
    'a refusal by a rate has the code TooManyRequests');
like($answer->json->{message}, qr/tight/,
    'a refusal by a rate names the limit');
like($answer->header('retry-after'), qr/^(?:3600|359\d)$/,
    'a refusal by a rate has Retry-After');
like($answer->header('ratelimit'), qr/^"tight";r=0;t=3[56]\d\d$/,
    'a refusal by a rate has RateLimit');

###############################################################################
# No memory to hold responses: they are passed on without being stored, once
# they are settled

$t->run(name => 'small', workers => 1, http => 'jobruns_hold_memory 32k;',
    redis => 'jobruns_redis %%REDIS%%; jobruns_redis_prefix small:;');

for my $h2 (0, 1) {
    for (['fits', 5000, 201], ['does not fit', 100_000, 409]) {
        my ($name, $bytes, $status) = @$_;
        my %request = (token => random_id, stub => { bytes => $bytes },
            h2 => $h2, to => $t->nginx('small'));
        my $first = $t->create_run(%request);
        is($first->status, 201,
            "a response that $name into the memory is passed on");
        is(length $first->body, $bytes,
            "a response that $name into the memory is whole");
        my $again = $t->create_run(%request);
        is($again->status, $status,
            "the retry of a response that $name into the memory gets $status");
        is($again->header('location'), $first->header('location'),
            "the retry of a response that $name into the memory has the "
            . "location");
        is($service->created($request{token}), 1,
            "the response that $name into the memory is created once");
    }
}
like($t->nginx('small')->error_log, qr/jobruns_hold_memory 32768 is full/,
    'error.log says that the memory is full');

done_testing;
