#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Callers have no principal that can be read: a token that one of them has
# used never gets its response to another, and each one's own retry, signed
# again or with a renewed token, is replayed.

use lib 't/lib';
use JobRuns;

use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64 encode_base64url);

my $t = JobRuns->new;

my $pass = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

my $elsewhere = <<'END';
    server {
        listen 127.0.0.1:%%PORT_5%%;
        jobruns_tenant     $http_x_team;
        jobruns_principal  $http_x_user;
        location /on/ {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
            jobruns on;
        }
        location /api/ {
            proxy_pass http://service/;
        }
    }
END

$t->run(workers => 1, servers => $elsewhere, http => '
        large_client_header_buffers 4 64k;
        jobruns_zone figures 1m;',
    server => <<"END");
    location = /status { jobruns_status; }

    location /20260401/ {
        $pass
        jobruns_tenant     \$http_x_team;
        jobruns_principal  \$http_x_user;
    }
    location /20260402/ {
        $pass
        jobruns_tenant     "team-\$http_x_team";
        jobruns_principal  "\${http_x_user}-of-\$http_x_team";
    }
    location /20260403/ {
        $pass
        jobruns_tenant     \$http_x_team;
    }
    location /20260404/ {
        jobruns_tenant     \$http_x_team;
        jobruns_principal  \$http_x_user;
        $pass
        location /20260404/dataLakes/ {
            $pass
        }
    }
    location /20260405/ {
        $pass
        jobruns            dry_run;
        jobruns_tenant     \$http_x_team;
        jobruns_principal  \$http_x_user;
    }
END

my $try = 0;
my $token = 'same';

# what a signer makes again at each try

sub parameters {
    $try++;
    return join ',', 'version="1"', 'headers="date (request-target) host"',
        'algorithm="rsa-sha256"',
        'signature="' . encode_base64("signature $try", '') . '"';
}

sub signed { return qq{Signature keyId="$_[0]",} . parameters() }

sub jwt {
    my (%claims) = @_;
    return join '.', 'eyJhbGciOiJSUzI1NiJ9',
        encode_base64url(encode_json({ %claims, jti => 'j' . ++$try })),
        encode_base64url("signature $try");
}

sub post {
    my ($authorization, %opt) = @_;

    return $t->create_run(token => $token, %opt, headers => {
        Authorization => $authorization,
        Date => 'Fri, 27 Nov 2026 03:30:' . (10 + $try % 50) . ' GMT',
        %{$opt{headers} // {}},
    });
}

my $long = 'x' x 14_000;
my $many = join ',', map { qq{keyId="k$_"} } 1 .. 20;
my %opaque = map { $_ => encode_base64url("opaque $_") } qw(ann bob);

# a header of each caller, made again for each call

my @unread = (
    ['Basic', sub { 'Basic ' . encode_base64("$_[0]:secret", '') }],
    ['Bearer, opaque', sub { "Bearer $opaque{$_[0]}" }],
    ['Bearer, renewed', sub { 'Bearer ' . jwt(iss => 'i', sub => $_[0]) }],
    ['Bearer of more than 16 KB, renewed',
        sub { 'Bearer ' . jwt(iss => 'i', sub => $_[0], pad => $long) }],
    ['an opaque session token', sub { signed('ST$' . $opaque{$_[0]}) }],
    ['a session token of more than 16 KB, renewed',
        sub { signed('ST$' . jwt(tenant => 't', iss => 'i', sub => $_[0],
            pad => $long)) }],
    ['a backslash in another parameter',
        sub { signed("t/$_[0]/f") . ',x="a\\"b"' }],
    ['a backslash, and a renewed session token',
        sub { signed('ST$' . jwt(tenant => 't', iss => 'i', sub => $_[0]))
            . ',x="a\\"b"' }],
    ['a keyId without tenancy', sub { signed($_[0]) }],
    ['a keyId of two segments', sub { signed("a/$_[0]") }],
    ['a keyId of four segments', sub { signed("t/idp/$_[0]/f") }],
    ['two keyIds', sub { signed("t/x/f") . qq{,keyId="t/$_[0]/f"} }],
    ['twenty-one keyIds', sub { "Signature $many,"
        . qq{keyId="$_[0]",} . parameters() }],
    ['a Signature without a keyId', sub { qq{Signature name="$_[0]",}
        . parameters() }],
    ['Digest', sub { qq{Digest username="$_[0]",realm="r",nonce="n$try",}
        . sprintf 'nc=%08d,cnonce="c%d",response="r%d"', ++$try, $try,
            $try }],
);

# without a subject a token is its text, which is the same until it is renewed
my %fixed = map { $_ => jwt(tenant => 't', iss => 'i', name => $_) }
    qw(ann bob);
push @unread, ['a session token without a subject',
    sub { signed("ST\$$fixed{$_[0]}") }];

for (@unread) {
    my ($name, $by) = @$_;

    $token = $name;
    my $made = post($by->('ann'));
    is($made->status, 201, "$name: a job run is created") or next;

    my $retry = post($by->('ann'));
    is($retry->status, 201, "$name: the same caller's retry gets 201");
    is($retry->body, $made->body,
        "$name: the same caller's retry gets the same job run");
    is($retry->header('opc-retry-replayed'), 'true',
        "$name: the same caller's retry is replayed");

    my $other = post($by->('bob'));
    is($other->status, 409, "$name: another caller is refused with 409");
    is($other->code, 'InvalidatedRetryToken',
        "$name: another caller gets InvalidatedRetryToken");
    like($other->json->{message}, qr/jobruns_principal/,
        "$name: the message names the remedy");
    is($other->header('opc-retry-replayed'), undef,
        "$name: the response is not replayed to another caller");
    is($t->service->created($name), 1, "$name: one job run is created");
}

# while the first is still forwarded, too

my $first = $t->start_run(token => 'held', stub => { wait_read => 'gate' },
    headers => { Authorization => 'Basic YW5uOng=' });
$t->service->wait_at('gate');
my $other = $t->create_run(token => 'held',
    headers => { Authorization => 'Basic Ym9iOng=' });
is($other->status . ' ' . $other->code, '409 InvalidatedRetryToken',
    'another caller does not wait for the attempt of the first one');
$t->service->release('gate');
is($first->response->status, 201, 'the attempt of the first caller is created');

# to a caller with a principal the message does not name it

my @named = map { post(signed('t/u/f'), job_key => $_) } qw(a b);
is($named[1]->code, 'InvalidatedRetryToken',
    'another body with the same token gets InvalidatedRetryToken');
unlike($named[1]->json->{message}, qr/jobruns_principal/,
    'a caller with a principal does not get the remedy for others');

###############################################################################
# A configured tenant or principal that is empty: the request is refused, and
# the header does not take its place

my %whole = (headers => { 'X-Team' => 'red', 'X-User' => 'ann' });
my $before = $t->service->counts->{requests};
my $keys = $t->redis->keys;

for (
    ['no tenant', '20260401', { 'X-User' => 'ann' }],
    ['no principal', '20260401', { 'X-Team' => 'red' }],
    ['neither', '20260401', {}],
    ['no tenant in a text', '20260402', { 'X-User' => 'ann' }],
    ['neither in a text', '20260402', {}],
    ['no tenant, alone', '20260403', {}],
    ['a dry run', '20260405', {}],
) {
    my ($name, $version, $headers) = @$_;

    my $id = random_id;
    my $answer = $t->create_run(token => 'none', version => $version,
        request_id => $id, authorization => signed('t/u/f'),
        headers => $headers);
    is($answer->status . ' ' . $answer->code, '401 NotAuthenticated',
        "$name: the request is refused");
    my $record = $t->wait_audit(sub { $_->{data}{request}{id} eq $id });
    is($record->{data}{additionalDetails}{outcome}, 'unauthenticated',
        "$name: the audit log has the outcome unauthenticated");
    is($record->{data}{identity}{$_}, undef, "$name: the audit log has no $_")
        for qw(tenantId principalId);
}
is($t->service->counts->{requests}, $before,
    'no request without tenant or principal is forwarded');
is($t->redis->keys, $keys,
    'no request without tenant or principal leaves a key');
like($t->get('/status?format=prometheus')->body,
    qr/^jobruns_attempts_total\{[^}]*outcome="unauthenticated"[^}]*\} 7$/m,
    'metrics count all requests without tenant or principal');
like($t->nginx->error_log, qr/"jobruns_principal" is empty .* answered 401/,
    'error.log says which directive is empty');

is($t->create_run(version => $_, %whole)->status, 201,
    'a request with tenant and principal passes')
    for qw(20260401 20260402 20260403 20260405);

# a location that inherits both, and what is refused for another reason

is($t->create_run(version => '20260404', family => 'dataLakes')->status, 401,
    'a nested location inherits jobruns_tenant and jobruns_principal');

my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.test/'
    . 'workspaces/w/jobRuns';

for (
    ['a location without jobruns', $path],
    ['a request that is stopped on its way out', "/api$path"],
) {
    my ($name, $to) = @$_;

    my $client = $t->client('127.0.0.1:' . $t->port(5));
    my $answer = $t->create_run(path => $to, on => $client);
    $client->close;
    is($answer->status . ' ' . $answer->code, '404 NotAuthorizedOrNotFound',
        "$name: the request is refused");
    my $id = $answer->header('opc-request-id');
    ok($t->wait_audit(sub { $_->{data}{request}{id} eq $id }),
        "$name: the audit log has its record");
}
$t->allow_log(qr/its target is not the one that the client sent/);

done_testing;
