#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Session tokens: an issuer's signature says who they are for and which key
# signs; no other algorithm, issuer, audience, key or time will do, and a token
# that was verified counts no longer than its issuer's key.

use lib 't/lib';
use JobRuns;
use JobRuns::Signer;

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;
my ($issuer, $other, $owner, $ann, $weak) = map {
    JobRuns::Signer->new($dir, @$_) } ['issuer'], ['other'], ['owner'],
    ['ann'], ['weak', bits => 1024];

sub issuer_has {
    JobRuns::Signer::write_whole("$dir/jwks.json",
        JSON::PP::encode_json({ keys => \@_ }));
}

my $good = $issuer->jwk(kid => 'issuer-1', use => 'sig', alg => 'RS256');
issuer_has($good, $other->jwk(kid => 'issuer-2'), $weak->jwk(kid => 'weak'),
    { kty => 'EC', kid => 'ec', crv => 'P-256', x => 'x', y => 'y' });
JobRuns::Signer::key_file("$dir/keys.json", $ann->entry);

$t->run(workers => 1, http => '
    large_client_header_buffers 4 16k;
    log_format auth "$jobruns_request_id $jobruns_outcome $jobruns_auth'
        . ' $jobruns_tenant $jobruns_principal";
', server => '
    access_log %%TESTDIR%%/auth.log auth;
    jobruns_auth on;
    jobruns_auth_issuer authService.example.com jwks=%%TESTDIR%%/jwks.json;
', servers => jobruns_server(2, '
    jobruns_auth on;
    jobruns_auth_keys %%TESTDIR%%/keys.json;
    jobruns_auth_issuer authService.example.com jwks=%%TESTDIR%%/jwks.json
        audience=here;
'));

my $n = 0;

# signed by the owner, with a token of the issuer

sub answer_with {
    my ($token, %opt) = @_;
    my $id = 'token-' . ++$n;
    my $request = $t->run_request(request_id => $id, %{$opt{request} // {}});
    my $answer = $t->client($opt{port} ? '127.0.0.1:' . $t->port($opt{port})
        : undef)->request(($opt{by} // $owner)->sign($request,
            key_id => $token))->response;

    return ($answer, $opt{port} ? undef : wait_for {
        $t->read_file('auth.log') =~ /^$id (.*)$/m && $1 } "log line of $id");
}

sub token_is {
    my ($name, $reason, $token, %opt) = @_;
    my ($answer, $line) = answer_with($token, %opt);

    is($answer->status, 401, "$name: the request gets 401");
    is($answer->json->{message}, 'Failed to verify the HTTP(S) Signature',
        "$name: the message tells no more");
    like($line, qr/^unauthenticated $reason /, "$name: the reason is there");
}

my $token = $issuer->token($owner);
my ($answer, $line) = answer_with($token, request => { token => 'x' });
is($answer->status, 201, 'a token of its issuer is verified');
is($line, 'created token ocid1.tenancy.oc1..test ocid1.user.oc1..owner',
    'tenancy and subject of the token are tenant and principal');
my ($record) = grep { $_->{eventType} =~ /begin$/ } $t->audit;
is($record->{data}{identity}{credentials}, 'ST$',
    'the record has no token');
unlike($t->read_file('audit.log') . $t->nginx->error_log,
    qr/\Q${\substr $token, 0, 60}\E/, 'neither audit nor error.log has it');

($answer) = answer_with($issuer->token($owner, claims => { exp => time + 999 }),
    request => { token => 'x' });
is($answer->header('opc-retry-replayed'), 'true',
    'a retry with a newer token of the same owner is replayed');
($answer) = answer_with($issuer->token($owner, claims => {
    res_tenant => 'ocid1.tenancy.oc1..res', jwk => $owner->jwk }));
is($answer->status, 201, 'a jwk may be an object');

# each thing that is wrong with one; a second time, from the cache, as well

for my $again ('', ' again') {
    token_is("algorithm none$again", 'token_algorithm', $issuer->token($owner,
        header => { alg => 'none' }, signature => ''));
    token_is("algorithm HS256$again", 'token_algorithm', $issuer->token($owner,
        header => { alg => 'HS256' }));
    token_is("unknown kid$again", 'token_key:unknown', $issuer->token($owner,
        header => { kid => 'nobody' }));
    token_is("weak issuer$again", 'token_key:weak', $weak->token($owner,
        header => { kid => 'weak' }));
    token_is("another key of the issuer$again", 'token_signature',
        $issuer->token($owner, header => { kid => 'issuer-2' }));
    token_is("unknown issuer$again", 'token_issuer', $issuer->token($owner,
        claims => { iss => 'me' }));
    token_is("expired$again", 'token_expired', $issuer->token($owner,
        claims => { exp => time - 61 }));
    token_is("early$again", 'token_early', $issuer->token($owner,
        claims => { nbf => time + 120 }));
    token_is("no expiry$again", 'token_malformed:exp', $issuer->token($owner,
        claims => { exp => undef }));
    token_is("no tenancy$again", 'token_malformed:tenant',
        $issuer->token($owner, claims => { tenant => undef }));
    token_is("no subject$again", 'token_malformed:sub', $issuer->token($owner,
        claims => { sub => undef }));
    token_is("weak key of the owner$again", 'token_jwk:weak',
        $issuer->token($owner, claims => { jwk => $weak->jwk }));
    token_is("private key$again", 'token_jwk:key', $issuer->token($owner,
        claims => { jwk => { %{$owner->jwk}, d => 'AQAB' } }));
    token_is("by its owner$again", 'token_signature', $owner->token($owner));
    token_is("a request that another signed$again", 'signature', $token,
        by => $ann);
}
token_is('too long', 'token_malformed:too long', 'ST$' . 'a' x 12289);
token_is('no parts', 'token_malformed:parts', 'ST$abc');
token_is('API keys where none are configured', 'key_unknown', $ann->{key_id},
    by => $ann);

# an audience, and API keys beside

($answer) = answer_with($token, port => 2);
is($answer->status, 401, 'a token for another audience gets 401');
($answer) = answer_with($issuer->token($owner, claims => {
    aud => ['there', 'here'] }), port => 2);
is($answer->status, 201, 'a token for this audience among others is verified');
($answer) = answer_with($ann->{key_id}, by => $ann, port => 2);
is($answer->status, 201, 'API keys are known beside tokens');

# the issuer's key is gone: no token of it counts any more, verified or not

($answer) = answer_with($token);
is($answer->status, 201, 'a token that was verified is verified again');
issuer_has($other->jwk(kid => 'issuer-2'));
wait_for { (answer_with($token))[0]->status == 401 }
    'the token of a key that is gone to be refused';
token_is('a key of the issuer that is gone', 'token_key:unknown', $token);
issuer_has($good);
wait_for { (answer_with($token))[0]->status == 201 } 'the key to be back';
pass('with the key the token is back');

done_testing;
