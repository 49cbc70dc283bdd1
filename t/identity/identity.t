#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The keyId and variables say who is counted and whose a retry token is, in
# every form; a header that names nobody is logged.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);
use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64url);

my $t = JobRuns->new;

my $pass = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

my $verifier = <<'END';
    server {
        listen 127.0.0.1:%%PORT_5%%;
        add_header X-Tenant "verified-$http_x_user" always;
        location / { return 204; }
    }
END

$t->run(workers => 1, servers => $verifier,
    http => <<'END', server => <<"END2");
    map $http_x_team $team {
        default  "";
        red      team-red;
    }
    log_format who '$jobruns_tenant $jobruns_tenancy $jobruns_principal';
END
    access_log %%TESTDIR%%/who.log who;
    large_client_header_buffers 4 16k;
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    jobruns_quota all key=tenant limit=1000 window=month;

    location /20260401/ {
        $pass
        jobruns_tenant    \$team;
        jobruns_principal \$http_x_user;
    }
    location /20260402/ {
        $pass
        jobruns_tenant    "CN=\$http_x_team,O=\$server_port";
    }
    location /20260403/ {
        $pass
        jobruns_tenant    \$jobruns_tenancy;
    }
    location /20260404/ {
        $pass
        jobruns_tenant    everybody;
    }

    # as docs/howto/choose-a-verifier.md shows
    location /20260405/ {
        $pass
        auth_request      /_verify;
        auth_request_set  \$verified  \$upstream_http_x_tenant;
        jobruns_tenant    \$verified;
    }
    location = /_verify {
        internal;
        jobruns                  off;
        proxy_pass               http://127.0.0.1:%%PORT_5%%;
        proxy_pass_request_body  off;
        proxy_set_header         Content-Length "";
    }
END2

my $redis = $t->redis;
my $platform = 'ocid1.aidataplatform.oc1.iad.test';

sub signature {
    my ($key) = @_;
    return qq{Signature version="1",headers="date host",keyId="$key",}
        . 'algorithm="rsa-sha256",signature="c2ln"';
}

sub session_token {
    my ($claims, $salt) = @_;
    my $text = ref $claims ? encode_json($claims) : $claims;
    return join '.', 'ST$eyJhbGciOiJSUzI1NiJ9', encode_base64url($text),
        $salt // 'c2ln';
}

# posts, and says who was counted, and whose the token is

sub who {
    my (%opt) = @_;

    $redis->command('FLUSHDB');
    my $answer = $t->create_run(token => 'x', %opt);
    is($answer->status, 201, 'a creation passes, whoever is counted');
    my ($key) = grep { /:v1:counters$/ } $redis->keys;
    return $key =~ /^jobruns:\{(.*)\}:/ ? $1 : undef;
}

sub principal {
    my (@attempts) = $t->attempts;
    return $attempts[-1]{data}{identity}{principalId};
}

###############################################################################
# The forms of a keyId

my $tenancy = 'ocid1.tenancy.oc1..aaaa';

for (
    ['an API key', "$tenancy/ocid1.user.oc1..u/20:3b:97", $tenancy,
        'ocid1.user.oc1..u'],
    ['an identity of old', 'ocidv1:tenancy:oc1:phx:1:a/ocidv1:user:b/f',
        'ocidv1:tenancy:oc1:phx:1:a', 'ocidv1:user:b'],
    ['a resource, v2.1.1', "resource/v2.1.1/$tenancy/ocid1.instance.oc1..i",
        $tenancy, 'ocid1.instance.oc1..i'],
    ['a resource, v2.1.2', "resource/v2.1.2/$tenancy/ocid1.instance.oc1..i",
        $tenancy, 'ocid1.instance.oc1..i'],
    ['an instance principal', session_token({ tenant => $tenancy,
        'opc-tenant' => 'other', sub => 'ocid1.instance.oc1..i' }),
        $tenancy, 'ocid1.instance.oc1..i'],
    ['a resource principal', session_token({ tenant => 'other',
        res_tenant => $tenancy, sub => 'ocid1.fn.oc1..f' }),
        $tenancy, 'ocid1.fn.oc1..f'],
    ['a tenancy with other characters', 'a b/u/f', '~' . sha256_hex('a b'),
        'u'],
    ['a tenancy of 255', 'x' x 255 . '/u/f', 'x' x 255, 'u'],
) {
    my ($name, $key, $tenant, $principal) = @$_;
    is(who(authorization => signature($key)), $tenant,
        "$name: the tenant is counted");
    is(principal(), $principal, "$name: the principal owns the token");
    unlike($t->read_file('audit.log'), qr/\Q${\substr $key, 3, 40}\E/,
        "$name: the audit log has no session token") if $key =~ /^ST/;
}

is(who(authorization => qq{signature signature="a", headers="host date" ,}
    . qq{ algorithm="rsa-sha256",  keyid="$tenancy/u/f"}), $tenancy,
    'parameters of Authorization come in any order, with blanks');

###############################################################################
# These headers name nobody: the platform is counted, and the log says why

my @nobody = (
    ['no Authorization', undef],
    ['another scheme', 'Bearer abc'],
    ['two segments', signature('a/b')],
    ['two keyIds', signature('a/b/c') . ',keyId="d/e/f"'],
    ['a resource without tenancy', signature('resource/v2.1/ocid1.x')],
    ['a tenancy of 256', signature('x' x 256 . '/u/f')],
    ['an invalid token', signature('ST$abc')],
    ['a token of other bytes', signature('ST$a.!!!.c')],
    ['a token of broken JSON', signature(session_token('{"tenant":'))],
    ['a token without a tenancy', signature(session_token({ sub => 's' }))],
    ['a token of deep JSON', signature(session_token('[' x 4000))],
    ['a token beyond bounds', signature(session_token({ tenant => 't',
        pad => 'x' x 9000 }))],
);
for (@nobody) {
    my ($name, $value) = @$_;
    my $before = length $t->nginx->error_log;

    is(who(headers => { Authorization => $value }), $platform,
        "$name: the platform is counted");
    next unless defined $value;
    my $log = substr $t->nginx->error_log, $before;
    like($log, qr/session token \(ST\$\) in the keyId .* cannot be read/,
        "$name: error.log says that the session token cannot be read")
        if $value =~ /ST\$/;
    like($log, qr/no keyId that names a tenancy/,
        "$name: error.log says that no keyId names a tenancy")
        if $value !~ /ST\$/;
}

###############################################################################
# Whose a retry token is

sub twice {
    my ($one, $other) = @_;

    $redis->command('FLUSHDB');
    my @answers = map { $t->create_run(token => 'same', %$_) } $one, $other;
    is($answers[0]->status, 201, 'the first of two callers creates a job run');
    return $answers[1]->header('opc-retry-replayed') // 'false';
}

sub by { return { authorization => signature($_[0]) } }

is(twice(by("$tenancy/u/f1"), by("$tenancy/u/f2")), 'true',
    'another key of the same user is the same principal');
is(twice(by(session_token({ tenant => 't', sub => 's', exp => 1 }, 'YQ')),
    by(session_token({ tenant => 't', sub => 's', exp => 2 }, 'Yg'))), 'true',
    'a renewed session token is the same principal');
is(twice(by("$tenancy/u1/f"), by("$tenancy/u2/f")), 'false',
    'another user has tokens of its own');
is(twice(by('t1/u/f'), by('t2/u/f')), 'false',
    'another tenancy has tokens of its own');
is(twice(by('a b/u/f'), by(sha256_hex('a b') . '/u/f')), 'false',
    'a tenancy named like the digest of another is not that tenancy');
is(twice(by('a b/u/f'), by('~' . sha256_hex('a b') . '/u/f')), 'false',
    'a tenancy named like the key of another is not that tenancy');

my @named = map { { version => '20260401', headers => { 'X-User' => $_,
    'X-Team' => 'red' } } } qw(ann ann bob);
is(twice(@named[0, 1]), 'true',
    'the same value of jobruns_principal is the same principal');
is(twice(@named[1, 2]), 'false',
    'another value of jobruns_principal is another principal');

# callers without a principal are told apart by the seal of their credentials

sub stranger {
    my ($one, $other) = @_;

    $redis->command('FLUSHDB');
    my @answers = map { $t->create_run(token => 'same',
        headers => { Authorization => $_ }) } $one, $other;
    is($answers[0]->status, 201,
        'the first of two callers without a principal creates a job run');
    return $answers[1];
}

for (
    ['Basic', 'Basic YTpi', 'Basic YTpj'],
    ['Bearer', 'Bearer abc', 'Bearer abd'],
    ['a keyId without tenancy', signature('a/b'), signature('a/c')],
) {
    my ($name, $one, $other) = @$_;
    is(stranger($one, $one)->header('opc-retry-replayed'), 'true',
        "$name: the same caller's retry is replayed");
    my $refused = stranger($one, $other);
    is($refused->status . ' ' . $refused->code, '409 InvalidatedRetryToken',
        "$name: another caller is refused");
    like($refused->body, qr/jobruns_principal/,
        "$name: the refusal of another caller names the remedy");
}

###############################################################################
# jobruns_tenant

is(who(version => '20260401',
    headers => { 'X-Team' => 'red', 'X-User' => 'ann' }), 'team-red',
    'a tenant of a map is counted');
is($t->create_run(version => '20260401', tenancy => $tenancy)->status, 401,
    'an empty tenant of a map is refused');
is(who(version => '20260402', headers => { 'X-Team' => "Red \xc3\xa4" }),
    '~' . sha256_hex("CN=Red \xc3\xa4,O=" . $t->port(0)),
    'a tenant of a text with variables is counted');
is(who(version => '20260403', tenancy => $tenancy), $tenancy,
    'a tenant of $jobruns_tenancy is counted');
is($t->create_run(version => '20260403',
    headers => { Authorization => undef })->status, 401,
    'a tenant of $jobruns_tenancy without a tenancy is refused');
is(who(version => '20260404'), 'everybody', 'a constant tenant is counted');
is(who(version => '20260405', headers => { 'X-User' => 'ann' }),
    'verified-ann', 'a tenant that auth_request has verified is counted');

like($t->read_file('who.log'), qr/^team-red ocid1.tenancy.oc1..test ann$/m,
    'the access log has tenant, tenancy and principal');
like($t->read_file('who.log'), qr/^\Q$platform\E - -$/m,
    'the access log has the platform where nobody is named');

done_testing;
