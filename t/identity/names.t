#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A claim of a session token may hold any character as an escape.  Where an
# operator passes names on in a header, what is in one never makes a second
# header of it, nor a second request.

use lib 't/lib';
use JobRuns;
use JobRuns::Signer;

use JSON::PP qw(encode_json);

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;
my $ann = JobRuns::Signer->new($dir, 'ann');
my $issuer = JobRuns::Signer->new($dir, 'issuer');

JobRuns::Signer::write_whole("$dir/jwks.json",
    encode_json({ keys => [$issuer->jwk(kid => 'issuer-1')] }));

my $names = 'proxy_set_header X-Tenancy $jobruns_tenancy;
    proxy_set_header X-Tenant $jobruns_tenant;
    proxy_set_header X-Principal $jobruns_principal;
    proxy_set_header X-Verified
        "$jobruns_verified_tenancy $jobruns_verified_principal";';

$t->run(location => $names, servers => jobruns_server(2, "
    jobruns_auth on;
    jobruns_auth_issuer authService.example.com jwks=%%TESTDIR%%/jwks.json;
    location /20260430/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        $names
    }
"));

my $service = $t->service;
my $verified = '127.0.0.1:' . $t->port(2);
my $path = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

my $evil = "x\r\nx-evil: 1";
my $second = "x\r\nContent-Length: 0\r\n\r\nPOST $path HTTP/1.1\r\n"
    . "Host: localhost\r\nContent-Length: 2\r\n\r\n{}";

sub names_a { return scalar grep { $_->[0] =~ /^x-evil$/i }
    @{$_[0]{headers}} }

# as an escape in JSON, in base64: nothing of it is in the header as it came

for my $claim (qw(sub tenant res_tenant opc-tenant)) {
    for (['a line end', $evil], ['a bare LF', "x\nx-evil: 1"],
        ['a whole request', $second])
    {
        my ($what, $value) = @$_;
        my $token = $issuer->token($ann, claims => { $claim eq 'opc-tenant'
            ? (tenant => undef) : (), $claim => $value });
        my $authorization = qq{Signature keyId="$token",headers="date",}
            . 'algorithm="rsa-sha256",signature="eA=="';
        my $before = $service->asked;

        my $answer = $t->create_run(authorization => $authorization,
            token => random_id);
        is($answer->status, 201,
            "$claim with $what: a creation is made, by who cannot be read");
        is($service->asked, $before + 1,
            "$claim with $what: the service gets one request");
        is(names_a($service->last_request), 0,
            "$claim with $what: its header is one header");

        $before = $service->requests;
        my $created = $service->created;
        $t->client->request({ method => 'GET', path => '/x', headers =>
            [['Host', 'localhost'], ['Authorization', $authorization]] })
            ->response;
        is(scalar $service->requests, $before + 1,
            "$claim with $what: a GET is one request to the service");
        is(names_a($service->last_request), 0,
            "$claim with $what: its header is one header in a GET");
        is($service->created, $created,
            "$claim with $what: a GET creates nothing");

        $answer = $t->client($verified)->request($issuer->sign(
            $t->run_request(path => $path), key_id => $token))->response;
        is($answer->status, 401,
            "$claim with $what: nobody is authenticated by such a name");
    }
}

my $token = $issuer->token($ann);
is($t->client($verified)->request($ann->sign($t->run_request(path => $path),
    key_id => $token))->response->status, 201, 'other tokens are verified');

done_testing;
