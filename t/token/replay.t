#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A retry gets the first response, byte by byte, and the service is not asked
# again; the tests also say what the same request is, and in whose scope a
# token counts.

use lib 't/lib';
use JobRuns;


my $t = JobRuns->new;
my $nginx = $t->run(
    server => 'jobruns_retry_wait 2s;',
    servers => jobruns_server(2, 'jobruns_retry_unknown refuse;')
        . jobruns_server(3, 'jobruns_retry_ttl 1m;')
        . jobruns_server(4, 'jobruns_response_max_size 4k;'));
my $service = $t->service;
my $redis = $t->redis;

sub at_port { return '127.0.0.1:' . $t->port($_[0]) }
sub fresh { $redis->command('FLUSHALL'); $service->reset }

# The only token's key in Redis and its record.

sub key {
    my @keys = $redis->keys('*:v1:token:*');
    is(scalar @keys, 1, 'Redis has one token') if @keys != 1;
    return $keys[0];
}

sub record { return $redis->record(key()) }

###############################################################################
# What a replay looks like

for my $h2 (0, 1) {
    my $http = $h2 ? 'HTTP/2' : 'HTTP/1.1';
    fresh();

    my $first = $t->create_run(token => 'tok', request_id => 'first',
        h2 => $h2, stub => { header => ['X-Service: 1', 'Set-Cookie: a=b',
            'Cache-Control: no-store', 'opc-next-page: 2', 'Age: 7',
            'opc-retry-replayed: true', 'opc-original-request-id: x'] });
    is($first->status, 201, "$http: a job run is created");
    is($first->header('x-service'), 1,
        "$http: the first response has the headers of the service");
    is($first->header($_), undef, "$http: a $_ of the service is not passed on")
        for qw(opc-retry-replayed opc-original-request-id);

    my $again = $t->create_run(token => 'tok', request_id => 'again',
        h2 => $h2);
    is($again->status, 201, "$http: the retry gets 201");
    ok($again->body eq $first->body, "$http: the retry gets the same bytes");
    is($again->header('content-length'), length $first->body,
        "$http: the retry gets their length");
    is_deeply([$again->header_all($_)], [$first->header_all($_)],
        "$http: the retry gets the same $_")
        for qw(content-type content-location etag
            location opc-work-request-id);
    is_deeply([$again->header_all('opc-request-id')], ['again'],
        "$http: the retry gets its own opc-request-id");
    is_deeply([$again->header_all('opc-original-request-id')], ['first'],
        "$http: the retry gets the first opc-request-id as the original one");
    is_deeply([$again->header_all('opc-retry-replayed')], ['true'],
        "$http: the retry gets opc-retry-replayed");
    is_deeply(
        [grep { !/^(?:server|date|connection|content-length)$/ }
            sort map { lc $_->[0] } @{$again->headers}],
        [qw(content-location content-type etag location
            opc-original-request-id opc-request-id opc-retry-replayed
            opc-work-request-id)],
        "$http: the retry gets no other header");
    is($service->counts->{requests}, 1, "$http: the service was asked once");
}

# Responses of other statuses and shapes: [name, steering].

for (
    ['200', { status => 200 }],
    ['202 with a type of its own',
        { status => 202, content_type => 'application/json; charset=utf-8' }],
    ['204', { status => 204 }],
    ['201 without a body', { kind => 'empty' }],
    ['201 in chunks', { framing => 'chunked', chunk => 7 }],
    ['201 until the end of the connection', { framing => 'close' }],
    ['201 encoded', { gzip => 1 }],
    ['201 with a large body', { bytes => 300_000 }],
    ['201 with other bytes',
        { body_base64 => 'AAECf4D//g0KDQow', content_type => 'a/b' }],
) {
    my ($name, $steering) = @$_;
    fresh();

    my @answers = map {
        my %opt = (token => 'tok', h2 => $_);
        $opt{stub} = $steering unless $_;
        ($t->create_run(%opt, stub => $steering), $t->create_run(%opt));
    } 0, 1;
    is(scalar(grep { $_->status == $answers[0]->status } @answers), 4,
        "$name: all responses have one status");
    is(scalar(grep { $_->body eq $answers[0]->body } @answers), 4,
        "$name: all responses have one body");
    is_deeply([map { $_->header('content-type') } @answers],
        [($answers[0]->header('content-type')) x 4],
        "$name: all responses have one type");
    is_deeply([map { $_->header('content-encoding') } @answers],
        [($answers[0]->header('content-encoding')) x 4],
        "$name: all responses have one encoding");
    is_deeply([map { $_->header('opc-retry-replayed') // 'no' } @answers],
        ['no', ('true') x 3], "$name: all retries are replayed");
    ok(!grep({ !$_->complete } @answers), "$name: all responses are whole");
    is($service->created('tok'), 1, "$name: one job run is created");
}

###############################################################################
# The same request, or another

my $body = '{"jobKey":"job","parameters":[{"name":"n","value":"\u00e9/x"}],'
    . '"queue":{"isEnabled":true}}';
my $rewritten = qq( {"queue" : {"isEnabled":true},\r\n "parameters":[{)
    . qq("value":"\xc3\xa9\\/x", "\\u006eame":"n"}],\t"jobKey":"\\u006aob"} );

my %base = (token => 'a token', body => $body, workspace => 'work-space',
    request_id => undef);

# [what, options, options of the first]
for (
    ['the same'],
    ['re-serialised', { body => $rewritten }],
    ['null for what is not there',
        { body => $body =~ s/^\{/{"schedule":null,"key":null,/r }],
    ['a null in a member that the schema knows', { body => $body =~
        s/^\{/{"repairHistory":[{"key":null}],/r }, { body => $body =~
        s/^\{/{"repairHistory":[{}],/r }],
    ['in chunks', { chunked => 5 }],
    ['over HTTP/2', { h2 => 1 }],
    ['If-None-Match: *', { headers => { 'If-None-Match' => '*' } }],
    ['If-Match', { headers => { 'If-Match' => '"none"' } }],
    ['Range', { headers => { 'Range' => 'bytes=0-3' } }],
    ['If-Modified-Since', { headers => {
        'If-Modified-Since' => 'Thu, 05 Jan 2034 21:31:40 GMT' } }],
    ['another Date', { headers => { Date => 'now' } }],
    ['blanks around the token', { token => "  a token\t" }],
    ['%-encoded workspace', { workspace => 'wor%6B-space' }],
    ['%-encoded platform',
        { platform => 'ocid1.aidataplatform.oc1.ia%64.test' }],
    ['should-update-recent in capitals',
        { headers => { 'should-update-recent' => 'TRUE' } },
        { headers => { 'should-update-recent' => 'true' } }],
    ['another fingerprint of the key', { authorization =>
        'Signature version="1",keyId="ocid1.tenancy.oc1..test/'
        . 'ocid1.user.oc1..test/aa:bb",signature="b3RoZXI="' }],
) {
    my ($what, $change, $first) = @$_;
    fresh();

    my $r = $t->create_run(%base, %{$first // {}});
    my $etag = $r->header('etag');
    $change->{headers}{'If-Match'} = "$etag" if $what eq 'If-Match';
    my $again = $t->create_run(%base, %{$change // {}});
    is($again->status, 201, "$what: the retry gets 201");
    ok($again->body eq $r->body && length $r->body,
        "$what: the retry gets the same body");
    is($again->header('opc-retry-replayed'), 'true',
        "$what: the retry is replayed");
    is($service->counts->{requests}, 1, "$what: the service was asked once");
}

for (
    ['another body', { body => $body =~ s/"n"/"m"/r }],
    ['another order of a list', { body => '{"jobKey":"j","parameters":['
        . '{"name":"b","value":"1"},{"name":"a","value":"1"}]}' },
        { body => '{"jobKey":"j","parameters":['
        . '{"name":"a","value":"1"},{"name":"b","value":"1"}]}' }],
    ['a null in a member that no schema knows', { body => $body =~
        s/^\{/{"a":{"b":null},/r }, { body => $body =~ s/^\{/{"a":{},/r }],
    ['another version', { version => '20240831' }],
    ['another family', { family => 'dataLakes' }],
    ['should-update-recent', { headers => {
        'should-update-recent' => 'true' } }],
) {
    my ($what, $change, $first) = @$_;
    fresh();

    $t->create_run(%base, %{$first // {}}, request_id => 'first');
    my $before = record();
    my $again = $t->create_run(%base, %$change);
    is($again->status, 409, "$what: the status is 409");
    is($again->code, 'InvalidatedRetryToken',
        "$what: the code is InvalidatedRetryToken");
    is($service->counts->{requests}, 1, "$what: the request is not forwarded");
    is_deeply(record(), $before, "$what: the token is unchanged");
    is($t->create_run(%base, %{$first // {}})
        ->header('opc-retry-replayed'), 'true',
        "$what: a retry of the first request is still replayed");
}

for (
    ['another tenant', { tenancy => 'ocid1.tenancy.oc1..other' }],
    ['another user', { user => 'ocid1.user.oc1..other' }],
    ['another platform', { platform => 'ocid1.aidataplatform.oc1.iad.other' }],
    ['another workspace', { workspace => 'other' }],
    ['a workspace in other letters', { workspace => 'Work-space' }],
    ['another token', { token => 'A token' }],
) {
    my ($what, $change) = @$_;
    fresh();

    my $first = $t->create_run(%base);
    my $other = $t->create_run(%base, %$change,
        body => '{"jobKey":"something else"}');
    is($other->status, 201, "$what: a job run is created");
    is($other->header('opc-retry-replayed'), undef,
        "$what: the response is not replayed");
    is(scalar(my @keys = $redis->keys('*:v1:token:*')), 2,
        "$what: the token has a record of its own");
    is($t->create_run(%base)->body, $first->body,
        "$what: a retry of the first request gets its response");
}

# Parts of the scope do not run into each other.

fresh();
$t->create_run(token => 'b', user => 'u', platform => 'ocid1.p',
    workspace => 'wa');
$t->create_run(token => 'ab', user => 'u', platform => 'ocid1.p',
    workspace => 'w');
is($service->created, 2, 'scope and token do not run into each other');

###############################################################################
# The token in clear

fresh();
my $secret = 'Secret!' . random_id(40);
$t->create_run(token => $secret);
$t->create_run(token => $secret);
$t->create_run(token => $secret, job_key => 'mismatch');
$t->create_run(token => $secret, body => '{');
$t->create_run(token => "$secret\x01");
$t->wait_audit(sub { ($_->{data}{additionalDetails}{outcome} // '')
    eq 'token_mismatch' });
is($service->created($secret), 1, 'the service gets the token in clear');
my $dump = join "\n", $redis->keys, map { $redis->command('DUMP', $_) }
    $redis->keys;
unlike($dump, qr/\Q$secret/, 'Redis does not have the token in clear');
unlike(join('', map { $t->read_file("redis/$_") }
    map { "appendonlydir/$_" } map { s{.*/}{}r }
        glob $t->testdir . '/redis/appendonlydir/*'),
    qr/\Q$secret/, 'the file of Redis does not have the token in clear');
unlike($t->read_file('audit.log'), qr/\Q$secret/,
    'the audit log does not have the token in clear');
unlike($nginx->error_log, qr/\Q$secret/,
    'error.log does not have the token in clear');
unlike($t->read_file('audit.log'), qr/c2ln|signature=/i,
    'the audit log has no signature');

###############################################################################
# What Redis returns is checked first

$t->allow_log(qr/\[alert\].*the value is not ours or damaged/);

# [what, what becomes of the stored response, whether its sum is right]
my @damages = (
    ['empty', sub { '' }],
    ['text', sub { '{"key":"forged"}' }],
    ['cut short', sub { substr $_[0], 0, -1 }],
    ['longer', sub { "$_[0] " }],
    ['a bit', sub { my $a = $_[0]; substr($a, -5, 1) ^= "\x01"; $a }],
    ['no response', sub { "{}" }, 1],
    ['a status of 500', sub { "500 0 2\n{}" }, 1],
    ['lengths that lie', sub { "201 0 9999999999\n{}" }, 1],
    ['lengths that wrap', sub { "201 99999999999999999999 2\n{}" }, 1],
    ['a header without end', sub { "201 10 2\nlocation: {}" }, 1],
    ['a header that ends its line', sub { "201 14 2\nlocation: a\rb\n{}" }, 1],
);

for (@damages) {
    my ($what, $damage, $sum) = @$_;
    my $seen = length $nginx->error_log;
    fresh();

    my $first = $t->create_run(token => 'tok', request_id => 'first');
    my $key = key();
    my $record = $redis->record($key);
    $redis->set_record($key, a => $damage->($record->{a}),
        $sum ? () : (sum => $record->{sum}));

    my $refused = $t->create_run(token => 'tok', to => at_port(2));
    is($refused->status . ' ' . $refused->code, '409 Conflict',
        "$what: the retry is refused where an unknown outcome is");
    like($refused->json->{message}, qr/first/,
        "$what: the refusal names the first request");

    my $again = $t->create_run(token => 'tok', request_id => 'again');
    is($again->status, 201, "$what: the retry is forwarded as unknown");
    is($again->header('opc-retry-replayed'), undef,
        "$what: the retry is not replayed");
    ok($again->body eq $first->body, "$what: the service knows the token");
    is($service->counts->{requests}, 2, "$what: the service was asked again");
    like(substr($nginx->error_log, $seen), qr/\[alert\].*\Q$key\E/,
        "$what: an alert names the key");
    is($t->create_run(token => 'tok')->header('opc-retry-replayed'), 'true',
        "$what: the next retry gets the new stored response");
    is($service->created, 1, "$what: one job run is created");
}

# A key of another type, or a text that the gateway did not write.

for (
    ['a string', sub { $redis->command('SET', $_[0], 'x') }],
    ['a list', sub { $redis->command('RPUSH', $_[0], 'x') }],
    ['a hash', sub { $redis->command('HSET', $_[0], s => 'd') }],
    ['an unknown state', sub { $redis->command('SETRANGE', $_[0], 1, 'x') }],
    ['another format', sub { $redis->command('SETRANGE', $_[0], 0, '2') }],
    ['an invalid lease', sub {
        $redis->set_record($_[0], s => 'c', l => 1 << 55) }],
) {
    my ($what, $make) = @$_;
    my $seen = length $nginx->error_log;
    fresh();

    $t->create_run(token => 'tok');
    my $key = key();
    $redis->command('DEL', $key) unless $what =~ /state|lease|format/;
    $make->($key);

    my $again = $t->create_run(token => 'tok');
    is($again->status, 201, "$what: the retry is forwarded as unknown");
    is($service->counts->{requests}, 2, "$what: the service was asked again");
    is($service->created, 1, "$what: one job run is created");
    like(substr($nginx->error_log, $seen), qr/\[alert\].*\Q$key\E/,
        "$what: an alert names the key");
    is($t->create_run(token => 'tok')->header('opc-retry-replayed'), 'true',
        "$what: the next retry gets the new stored response");
    my $ttl = $redis->command('PTTL', $key);
    ok($ttl > 3_600_000, "$what: the token expires") or diag($ttl);
}

###############################################################################
# How long a record lives

fresh();
$t->create_run(token => 'tok');
my $left = $redis->command('PTTL', key());
ok($left > 86_340_000 && $left <= 86_400_000, 'a token lives for 24 hours');

$redis->command('PEXPIRE', key(), 50_000);
$redis->set_record(key(), x =>
    $redis->command('TIME')->[0] * 1000 + 50_000);
$t->create_run(token => 'tok');
ok($redis->command('PTTL', key()) <= 50_000,
    'a replay does not extend the life of a token');

fresh();
$t->create_run(token => 'tok', to => at_port(3));
$left = $redis->command('PTTL', key());
ok($left > 590_000 && $left <= 600_000,
    'a token that is done lives for 10 minutes at least') or diag($left);

fresh();
$t->create_run(token => undef);
is(scalar(my @left = $redis->keys), 0,
    'no key is left by a creation without a token');
is($t->create_run(token => undef)->status, 201,
    'a creation without a token is created again');
is($service->created, 2, 'two creations without a token create two job runs');

###############################################################################
# A response that is too large to be stored

for my $h2 (0, 1) {
    fresh();

    my $first = $t->create_run(token => 'tok', request_id => 'first',
        to => at_port(4), stub => { bytes => 100_000 });
    is($first->status, 201, 'a response too large to be stored is passed on');
    is(length $first->body, 100_000,
        'a response too large to be stored is passed on whole');
    my $again = $t->create_run(token => 'tok', to => at_port(4));
    is($again->status . ' ' . $again->code, '409 Conflict',
        'the retry of a response too large to be stored gets 409');
    is($again->header('location'), $first->header('location'),
        'the 409 has the location of the job run');
    like($again->json->{message}, qr/first/, 'the 409 names the first request');
    is($service->counts->{requests}, 1,
        'the service was asked once for a response too large to be stored');
}

done_testing;
