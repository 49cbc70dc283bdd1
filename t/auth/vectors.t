#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Requests as they went over the wire, signed by others: the project's own
# vectors, and those that Oracle's SDKs have signed, where their corpus is
# there.  All of them are of one second, so NGINX has a clock of then.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;
use JobRuns::Signer;

use File::Basename qw(basename);
use POSIX ();

plan(skip_all => 'needs the library of clocks')
    unless -f JobRuns::Clock::library();

my $t = JobRuns->new;
my $own = $t->root . '/tests/vectors/signatures';
my $sdks = $t->root . '/../shared/suites/oci_signatures';
my $THEN = 1795750252;                  # 2026-11-27T03:30:52Z

my $clock = JobRuns::Clock->new($t->testdir . '/clock');
$clock->wrong_by($THEN - time);

# The keys of the SDKs' requests: in PEM, and as a JWKS for their issuer.

my ($more, $issuer) = ('', '');
if (-d $sdks) {
    my $pem = JobRuns::slurp("$sdks/user.pub.pem");
    my %ids;
    for my $path (glob "$sdks/{go,python,typescript}-*.http") {
        my ($id) = JobRuns::slurp($path) =~ /keyId="([^"]+)"/;
        $ids{$id} = 1 if $id !~ /^ST\$/;
    }
    JobRuns::Signer::key_file($t->testdir . '/sdks.json', map { {
        'key-id' => $_, 'key-value' => $pem, 'lifecycle-state' => 'ACTIVE',
    } } sort keys %ids);
    $more = $t->testdir . '/sdks.json';

    my ($jwt) = JobRuns::slurp("$sdks/typescript-session-token.http")
        =~ /keyId="ST\$([^"]+)"/;
    my ($header, $claims) = map {
        JSON::PP::decode_json(MIME::Base64::decode_base64(tr{-_}{+/}r))
    } (split /\./, $jwt)[0, 1];
    my ($n) = `openssl rsa -pubin -in '$sdks/issuer.pub.pem' -noout -modulus`
        =~ /Modulus=([0-9A-F]+)/;
    JobRuns::Signer::write_whole($t->testdir . '/sdks.jwks',
        JSON::PP::encode_json({ keys => [{ kty => 'RSA', e => 'AQAB',
            n => JobRuns::Signer::base64url(pack 'H*', $n),
            kid => $header->{kid} }] }));
    $issuer = "jobruns_auth_issuer '$claims->{iss}'"
        . ' jwks=%%TESTDIR%%/sdks.jwks;';
}

my ($iss) = do {
    my ($jwt) = JobRuns::slurp("$own/token-jwk-object.http")
        =~ /keyId="ST\$([^"]+)"/;
    JSON::PP::decode_json(MIME::Base64::decode_base64(
        (split /\./, $jwt)[1] =~ tr{-_}{+/}r))->{iss};
};

$clock->run(sub { $t->run(http => '
    log_format auth "$jobruns_request_id $jobruns_auth";
', server => "
    access_log %%TESTDIR%%/auth.log auth;
    server_name gateway.example.com;
    client_max_body_size 2m;
    large_client_header_buffers 4 16k;
    jobruns_auth all;
    jobruns_auth_keys %%ROOT%%/tests/vectors/signatures/keys.cli.json $more;
    jobruns_auth_issuer '$iss'
        jwks=%%ROOT%%/tests/vectors/signatures/issuer.jwks.json;
    $issuer
") });

# What is sent, and sent with the last byte of its signature another one.

sub answer_of {
    my ($raw) = @_;
    return $t->client->send($raw)->response;
}

# NGINX itself refuses blanks in a Content-Length, and the gateway a path with
# an escaped slash, before anybody is asked for
my %not = map { $_ => 1 } qw(blanks-around-values.http
    escapes-in-the-path.http);

for my $path (grep({ !$not{basename($_)} } glob "$own/*.http"), -d $sdks
        ? glob "$sdks/{go,python,typescript}-*.http" : ()) {
    my $name = ($path =~ /oci_signatures/ ? "SDKs' " : '') . basename($path);
    my $raw = JobRuns::slurp($path);

    # an SDK that keeps its connection says so; a body has its length, or
    # ends with the file
    my ($head, $body) = $raw =~ /^(.*?\r\n\r\n)(.*)$/s or die $path;
    $raw = "$head$body";
    if ($head !~ /^content-length:/mi && length $body) {
        # signed, and not sent: a chunk has it instead
        $head =~ s/\r\n\r\n$/\r\nTransfer-Encoding: chunked\r\n\r\n/;
        $raw = sprintf "%s%x\r\n%s\r\n0\r\n\r\n", $head, length $body, $body;
    }

    my $answer = answer_of($raw);
    # the service's id begins with the request's
    my $id = $answer->header('opc-request-id') =~ s{/.*}{}r;
    my $auth = wait_for {
        $t->read_file('auth.log') =~ /^\Q$id\E (.*)$/m && $1
    } "log line of $name";
    like($auth, qr/^(?:key|token)$/, "$name: it is verified");
    isnt($answer->status, 401, "$name: it does not get 401");

    (my $forged = $raw)
        =~ s{(signature=".{20})(.)}{$1 . ($2 eq 'A' ? 'B' : 'A')}e or die;
    is(answer_of($forged)->status, 401,
        "$name: it is not verified with another signature");

    (my $later = $raw) =~ s/^(x-date|date): ...*, \d\d/$1: Mon, 30/mi;
    is(answer_of($later)->status, 401,
        "$name: it is not verified with another date");
}

# to the second: 300 from the clock are right, 301 are not

my $raw = JobRuns::slurp("$own/api-key.http");
for (
    [300, 1], [-300, 1], [301, 0], [-301, 0],
) {
    my ($away, $right) = @$_;
    my $answer;

    # the clock moves while the test looks at it: until a second was met
    for (1 .. 20) {
        my $now = time;
        $clock->wrong_by($THEN - $now + $away);
        $t->request(path => '/') for 1 .. 2;    # NGINX's time is of a turn
        $answer = answer_of($raw);
        last if time == $now;
    }
    is($answer->status == 401 ? 0 : 1, $right, "$away s from the clock: "
        . ($right ? 'it is verified' : 'it is not'));
    like($answer->json->{message}, qr/^Date 'Fri, 27 Nov 2026 03:30:52 UTC' is/,
        "$away s from the clock: the message says so") if !$right;
}

done_testing;
