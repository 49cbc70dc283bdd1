#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns_auth on verifies who asks before anything else is looked at: what is
# signed by a known key passes, and each fault of a signature is 401 with
# Oracle's own message, without a call of Redis or of the service.

use lib 't/lib';
use JobRuns;
use JobRuns::Signer;

use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;

my %key = map { $_->[0] => JobRuns::Signer->new($dir, @$_) }
    ['ann'], ['bob'], ['small', bits => 1024], ['big', bits => 4096],
    ['gone'], ['past'], ['guest', tenancy => 'ocid1.tenancy.oc1..guest'];
my $ann = $key{ann};

JobRuns::Signer::key_file("$dir/keys.json", map({ $key{$_}->entry }
        qw(ann small big guest)),
    $key{gone}->entry('lifecycle-state' => 'INACTIVE'),
    $key{past}->entry('not-after' => '2026-01-01T00:00:00Z'));

$t->run(http => '
    log_format auth "$jobruns_request_id $jobruns_outcome $jobruns_auth'
        . ' $jobruns_verified_tenancy $jobruns_verified_principal";
', server => '
    access_log %%TESTDIR%%/auth.log auth;
    jobruns_auth on;
    jobruns_auth_keys %%TESTDIR%%/keys.json;
    jobruns_auth_tenants ocid1.tenancy.oc1..test;
    jobruns_limit per_tenant key=tenant rate=1000r/s burst=1000;
    client_body_buffer_size 16k;
    client_max_body_size 2m;
');

my $service = $t->service;
my $redis = $t->redis;
my $n = 0;

sub signed {
    my ($signer, $request, %sign) = @_;

    return $t->client->request($signer->sign($t->run_request(%$request),
        %sign))->response;
}

sub log_of {
    my ($id) = @_;
    return wait_for { $t->read_file('auth.log') =~ /^$id (.*)$/m && $1 }
        "log line of $id";
}

my $INCOMPLETE = 'The required information to complete authentication was not '
    . 'provided or was incorrect.';
my $UNVERIFIED = 'Failed to verify the HTTP(S) Signature';

# A request that is refused: with that reason, and as nobody's.

sub refused {
    my ($name, $reason, $message, $request, %sign) = @_;
    my $id = 'refused-' . ++$n;
    my $before = $service->asked;
    my $calls = $redis->script_calls;

    my $signer = delete $sign{by} // $ann;
    my $raw = delete $sign{raw};
    my $signed = $raw // $signer->sign($t->run_request(request_id => $id,
        %$request), %sign);
    $sign{change}->($signed) if $sign{change};
    $id = (map { $_->[1] } grep { $_->[0] eq 'opc-request-id' }
        @{$signed->{headers}})[0];
    my $answer = ($sign{h2} ? $t->h2 : $t->client)->request($signed)->response;

    is($answer->status, 401, "$name: the request gets 401");
    is($answer->json->{code}, 'NotAuthenticated',
        "$name: the code is NotAuthenticated");
    like($answer->json->{message}, ref $message ? $message : qr/^\Q$message\E$/,
        "$name: the message is Oracle's");
    is($answer->header('www-authenticate'), 'Signature',
        "$name: the response names the scheme");
    is($answer->header('opc-request-id'), $id,
        "$name: the request id is there");
    is($service->asked, $before, "$name: no service was asked");
    is($redis->script_calls, $calls, "$name: Redis was not asked");

    my $record = $t->wait_audit(sub { $_->{data}{request}{id} eq $id });
    my $details = $record->{data}{additionalDetails};
    is($details->{outcome}, 'unauthenticated',
        "$name: the record has the outcome");
    is($details->{authenticated}, JSON::PP::false(),
        "$name: the record says that nobody was authenticated");
    like($details->{authenticationFailure}, qr/^$reason$/,
        "$name: the record has the reason");
    ok($details->{received}{target}, "$name: the record has the target");
    like(log_of($id), qr/^unauthenticated $reason - -$/,
        "$name: \$jobruns_auth has the reason");
    return $answer;
}

# what is signed passes, and is whose it says

my $answer = signed($ann, { request_id => 'good', token => 'good' });
is($answer->status, 201, 'a signed request creates a job run');
is(log_of('good'), "created key ocid1.tenancy.oc1..test ocid1.user.oc1..ann",
    'variables have who is verified');

my $begin = $t->wait_audit(sub { $_->{data}{request}{id} eq 'good'
    && $_->{eventType} =~ /begin$/ });
is($begin->{data}{additionalDetails}{authenticated}, JSON::PP::true(),
    'the record says that its caller is authenticated');
is($begin->{data}{identity}{principalId}, 'ocid1.user.oc1..ann',
    'the record has the verified principal');
is($begin->{data}{identity}{tenantId}, 'ocid1.tenancy.oc1..test',
    'the record has the verified tenant');
is($begin->{data}{identity}{credentials}, $ann->{key_id},
    'the record has the keyId');
is($begin->{data}{identity}{authType}, 'key', 'the record has the kind');

is(signed($ann, { token => 'good' })->header('opc-retry-replayed'), 'true',
    'a signed retry is replayed');

is(signed($key{big}, {})->status, 201, 'a key of 4096 bits is fine');

# a forged signature with a victim's keyId does not get the victim's 201

refused('forged', 'signature', $UNVERIFIED, { token => 'good' },
    by => $key{bob}, key_id => $ann->{key_id});
unlike($t->read_file('audit.log'), qr/signature=/,
    'no signature is in the audit');

# who is nobody

my $request = $t->run_request(request_id => 'unsigned', authorization => undef);
$request->{headers} = [grep { $_->[0] ne 'Authorization' }
    @{$request->{headers}}];
refused('unsigned', 'missing', $INCOMPLETE, {}, raw => $request);
refused('another scheme', 'malformed:scheme', $INCOMPLETE, {},
    raw => $t->run_request(request_id => 'basic',
        authorization => 'Basic YTpi'));

# parameters

for (
    ['algorithm', [algorithm => 'hmac-sha256']],
    ['version', [version => 2]],
    ['keyId', [key_id => '']],
    ['keyId', [params => qq{keyId="a",keyId="$ann->{key_id}",}
        . 'algorithm="rsa-sha256"']],
    ['created', [params => qq{keyId="$ann->{key_id}",algorithm="rsa-sha256",}
        . 'created=1']],
    ['expires', [params => qq{keyId="$ann->{key_id}",algorithm="rsa-sha256",}
        . 'expires=9999999999']],
    ['headers', [names => [@JobRuns::Signer::POST, '(created)']]],
    ['header named twice', [names => [@JobRuns::Signer::POST, 'Host']]],
    ['signature', [signature => 'not base64']],
    ['too many headers',
        [names => [@JobRuns::Signer::POST, map { "x-$_" } 1 .. 30]]],
) {
    my ($what, $sign) = @$_;
    refused("bad $what (@$sign[0])", "malformed:$what", $INCOMPLETE, {},
        @$sign);
}

# what has to be signed

for my $name (@JobRuns::Signer::POST) {
    refused("$name unsigned", "header_not_signed:\Q$name\E", $INCOMPLETE, {},
        names => [grep { $_ ne $name } @JobRuns::Signer::POST]);
}
refused('x-date unsigned', 'header_not_signed:x-date', $INCOMPLETE,
    { extra => [['x-date', JobRuns::Signer::imf(time)]] });
refused('a signed header that was not sent', 'header_missing:x-more',
    $INCOMPLETE, {}, names => [@JobRuns::Signer::POST, 'x-more']);

for my $name (qw(Host Date Content-Type x-content-sha256)) {
    # NGINX itself refuses a second Host
    next if $name eq 'Host';
    refused("two $name", 'malformed:' . lc $name, $INCOMPLETE, {},
        change => sub {
            my ($header) = grep { lc $_->[0] eq lc $name } @{$_[0]{headers}};
            push @{$_[0]{headers}}, [@$header];
        });
}

# names in upper case, more headers, repeated ones, escapes: all as signed

is(signed($ann, { headers => { 'opc-obo-token' => 'x', accept => '' },
    extra => [['x-a', ' 1'], ['X-A', "2\t"]] },
    names => [map({ uc } @JobRuns::Signer::POST), 'opc-obo-token', 'X-A',
        'accept'])->status, 201,
    'names in any case, repeated and empty headers are as they were signed');
is(signed($ann, { workspace => 'a%20b%c3%a9' })->status, 201,
    'the target is signed as it stands');
is(signed($ann, { path => 'http://localhost/20260430/aiDataPlatforms/'
    . 'ocid1.x/workspaces/w/jobRuns' })->status, 201,
    'of an absolute target the path is signed');
is(signed($ann, {}, date_in => 'x-date', names => [map { $_ eq 'date'
    ? 'x-date' : $_ } @JobRuns::Signer::POST])->status, 201,
    'x-date stands for date');

# the clock, to the second: what is further away cannot pass, and what is
# nearer by the time that the test itself takes does

my $utc = qr/\w{3}, \d\d \w{3} \d{4} [\d:]{8} UTC/;
my $skewed = qr/^Date '$utc' is not within allowed clock skew\. (?#
    )Current '$utc', valid datetime range: \['$utc', '$utc'\]$/;
my %zone = (ahead => 1, behind => -1);
for my $way (qw(ahead behind)) {
    my $sign = $zone{$way} > 0 ? '\+' : '-';
    refused("a date too far $way", "skew:${sign}3\\d\\d",
        $skewed, {}, date => time + $zone{$way} * 330);
    is(signed($ann, {}, date => time + $zone{$way} * 270)->status, 201,
        "a date that is near enough $way passes");
}
my $weekday = JobRuns::Signer::imf(time);
substr $weekday, 0, 3, substr($weekday, 0, 3) eq 'Mon' ? 'Tue' : 'Mon';
is(signed($ann, {}, date => $weekday)->status, 201,
    'the day of the week is not compared');
refused('no date', 'malformed:date', $INCOMPLETE, {}, date => 'yesterday');

# keys

refused('unknown key', 'key_unknown', $UNVERIFIED, {}, by => $key{bob});
refused('inactive key', 'key_inactive', $UNVERIFIED, {}, by => $key{gone});
refused('expired key', 'key_expired', $UNVERIFIED, {}, by => $key{past});
refused('short key', 'key_weak', $UNVERIFIED, {}, by => $key{small});
refused('tenancy that is not let in', 'tenant', $UNVERIFIED, {},
    by => $key{guest});
refused('session token without an issuer', 'token_issuer', $UNVERIFIED, {},
    key_id => 'ST$a.b.c');

# what was changed on the way

for (
    ['path', sub { $_[0]{path} =~ s/jobRuns/jobRuns?x=1/ }],
    ['Host', sub { $_->[0] eq 'Host' and $_->[1] = 'other'
        for @{$_[0]{headers}} }],
    ['Content-Type', sub { $_->[0] eq 'Content-Type'
        and $_->[1] .= '; charset=utf-8' for @{$_[0]{headers}} }],
) {
    my ($name, $change) = @$_;
    refused("another $name", 'signature', $UNVERIFIED, {}, change => $change);
}

# the body: small, in a file, large, empty

for my $size (40, 20_000, 600_000) {
    my $body = '{"jobKey":"k","x":"' . 'y' x ($size - 21) . '"}';

    is(signed($ann, { body => $body })->status, 201,
        "a body of $size bytes that is signed passes");
    refused("another body of $size bytes", 'digest', $UNVERIFIED,
        { body => $body }, change => sub { $_[0]{body} =~ s/y"/z"/ });

    # before it is parsed
    refused("another body of $size bytes that is no JSON", 'digest',
        $UNVERIFIED, { body => $body },
        change => sub { $_[0]{body} =~ s/^./!/ });
}
is(signed($ann, { body => '' })->json->{code}, 'CannotParseRequest',
    'an empty body that is signed is refused for what it is');
refused('a body that was cut', 'signature', $UNVERIFIED,
    { body => '{"jobKey":"k"} ' }, change => sub { chop $_[0]{body} });

# before the other headers, and before the body: no 100 Continue

refused('unauthenticated before a bad token', 'key_unknown', $UNVERIFIED,
    { token => 'x' x 65 }, by => $key{bob});
my $client = $t->client->request($key{bob}->sign($t->run_request(
    expect => 1)));
is($client->response->status, 401,
    'a body that nobody signed is not asked for');
is(scalar @{$client->{interim} // []}, 0, 'no 100 Continue was sent');

# a signature over a Content-Length that was not sent: of the body as it is

my $body = '{"jobKey":"k","chunked":"' . 'c' x 3000 . '"}';

is(signed($ann, { body => $body, chunked => 700 })->status, 201,
    'a chunked body is as long as was signed');
refused('a chunked body of another length', 'signature', $UNVERIFIED,
    { body => $body, chunked => 700 }, length => 10);
refused('a chunked body that is another', 'digest', $UNVERIFIED,
    { body => $body, chunked => 700 },
    change => sub { $_[0]{body} =~ s/c"/d"/ });
my $h2 = $ann->sign($t->run_request(token => 'h2', request_id => 'h2'));
is($t->h2->request($h2)->response->status, 201,
    'a signature over HTTP/2 without Content-Length is verified');
is(log_of('h2'), "created key ocid1.tenancy.oc1..test ocid1.user.oc1..ann",
    'who is verified behind the body is known as well');
is(signed($ann, { token => 'h2' })->header('opc-retry-replayed'), 'true',
    'its retry over HTTP/1.1 finds its response');
refused('HTTP/2 with another path', 'signature', $UNVERIFIED, {}, h2 => 1,
    change => sub { $_[0]{path} =~ s/jobRuns/jobRuns?x=1/ });

# of others only the request id is looked at

$t->get('/20260430/aiDataPlatforms/x');
is($service->last_request->{target}, '/20260430/aiDataPlatforms/x',
    'other requests pass untouched');

like($t->nginx->error_log, qr/\[warn\].* a request is not authenticated \(/,
    'error.log says why');
unlike($t->nginx->error_log, qr/signature="/, 'error.log has no signature');

done_testing;
