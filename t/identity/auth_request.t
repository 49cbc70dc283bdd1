#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The recipe for auth_request of docs/howto/choose-a-verifier.md is run word for
# word, with a verifier that checks OCI signatures: a POST that is signed
# passes, and the caller that was verified is the tenant and the principal.
# Requests that Oracle's SDKs signed are sent as well, where their corpus is
# there.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_base64);
use IO::Socket::INET ();
use JobRuns::Guardian ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;
my $suite = $t->root . '/../shared/suites/oci_signatures';

for my $name (qw(ann bob)) {
    system("openssl genrsa -out $dir/$name.key 2048 2>$dir/openssl.log"
        . " && openssl rsa -in $dir/$name.key -pubout -out $dir/$name.pub"
        . " 2>>$dir/openssl.log") == 0 or BAIL_OUT('openssl');
}

# who has which key; SDKs' requests are of these

my %keys = (
    map({ ("red/$_/f" => ['red', $_, "$dir/$_.pub"]) } qw(ann bob)),
    'red/nobody/f' => ['red', '', "$dir/ann.pub"],
    'ocid1.tenancy.oc1..aaaatenancy/ocid1.user.oc1..aaaauser/'
        . '4b:cc:0e:f2:a9:d5:86:a2:65:a0:4b:8b:98:e2:10:ee'
        => ['sdk', 'sdk-user', "$suite/user.pub.pem"],
);

###############################################################################
# The verifier: an HTTP server that knows a request by its headers alone

sub verify {
    my (%h) = @_;

    my ($list) = ($h{authorization} // '') =~ /headers="([^"]*)"/ or return;
    my ($key) = $h{authorization} =~ /keyId="([^"]*)"/ or return;
    my ($signature) = $h{authorization} =~ /signature="([^"]*)"/ or return;

    my $who = $key =~ /^ST\$/ ? ['sdk', 'session', "$suite/session.pub.pem"]
        : $keys{$key} or return;
    my $n = () = "$list " =~ /(?:\(request-target\)|host|content-length) /gi;
    return if $n < 3;

    my %from = (
        '(request-target)' => lc($h{'x-original-method'} // '') . ' '
            . ($h{'x-original-uri'} // ''),
        host => $h{'x-original-host'},
        'content-length' => $h{'x-original-content-length'},
    );
    my $text = join "\n", map { my $name = lc;
        "$name: " . ($from{$name} // $h{$name} // '') } split / /, $list;

    my $base = "$dir/verify.$$";
    for (['text', $text], ['sig', decode_base64($signature)]) {
        open my $fh, '>:raw', "$base.$_->[0]" or die "$base: $!\n";
        print $fh $_->[1];
        close $fh;
    }
    return system("openssl dgst -sha256 -verify $who->[2] -signature"
        . " $base.sig $base.text >$base.out 2>&1") == 0 ? $who : undef;
}

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
    or die "listen: $!\n";
my $verifier = $listen->sockport;
my $pid = fork // die "fork: $!\n";
if (!$pid) {
    setpgrp 0, 0;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT CHLD);
    while (my $client = $listen->accept) {
        my %h;
        my $line = <$client>;
        while (defined($line = <$client>) && $line =~ /^([^:]+):\s*(.*?)\r/) {
            $h{lc $1} = $2;
        }
        my $who = verify(%h);
        my $length = $h{'content-length'} // 'none';
        print $client $who
            ? "HTTP/1.1 204 OK\r\nX-Tenant: $who->[0]\r\n"
                . "X-Principal: $who->[1]\r\nX-Length: $length\r\n"
            : "HTTP/1.1 401 No\r\nContent-Length: 0\r\n",
            "Connection: close\r\n\r\n";
        close $client;
    }
    POSIX::_exit(0);
}
setpgrp $pid, $pid;
JobRuns::Guardian::inform(group => $pid);
close $listen;

###############################################################################
# The recipe as the document has it

my $text = do {
    my $page = $t->root . '/docs/howto/choose-a-verifier.md';
    open my $fh, '<', $page or die "$page: $!\n";
    local $/;
    <$fh>;
};
my ($recipe) = $text =~
    /\n((?:    .*\n|\n)*? +auth_request .*\n(?:    .*\n|\n)*)/
    or BAIL_OUT('the page has no recipe');

$t->run(config => <<"END");
%%TEST_GLOBALS%%
worker_processes 1;
events { worker_connections 256; }
http {
    %%TEST_GLOBALS_HTTP%%
    jobruns_redis %%REDIS%%;
    jobruns_redis_timeout 20s;
    jobruns_redis_connect_timeout 20s;
    jobruns_audit %%TESTDIR%%/audit.log;
    jobruns_audit_refusals all;
    large_client_header_buffers 4 16k;

    upstream service { server %%SERVICE%%; }
    upstream verifier { server 127.0.0.1:$verifier; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        include %%ROOT%%/conf/jobruns_proxy.conf;
        jobruns on;
$recipe
    }
}
END

unlike($t->nginx->error_log, qr/\[warn\]/,
    'nginx -t does not warn of the recipe');

my $host = '127.0.0.1:' . $t->port(0);
my $uri = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.test/'
    . 'workspaces/a%20b/jobRuns?x=%7e';
my $body = '{"jobKey":"nightly"}';
my $try = 10;

sub signed {
    my ($key, %opt) = @_;

    my $date = 'Fri, 27 Nov 2026 03:30:' . ++$try . ' GMT';
    my @lines = (['date', $date], ['(request-target)', "post $uri"],
        ['host', $host], ['content-length', length $body],
        ['content-type', 'application/json'],
        ['x-content-sha256', sha256_base64($body) . '=']);
    my $base = "$dir/sign";
    open my $fh, '>:raw', $base or die "$base: $!\n";
    print $fh join "\n", map { "$_->[0]: $_->[1]" } @lines;
    close $fh;
    my $by = $opt{by} // ($key =~ m{/(ann|bob)/})[0] // 'ann';
    my $signature = encode_base64(
        scalar `openssl dgst -sha256 -sign $dir/$by.key $base`, '');

    return $t->create_run(token => $opt{token} // 'same', path => $uri,
        body => $body, headers => {
            Host => $host, Date => $date, 'X-Content-Sha256' => $lines[5][1],
            Authorization => qq{Signature version="1",keyId="$key",headers="}
                . join(' ', map { $_->[0] } @lines)
                . qq{",algorithm="rsa-sha256",signature="$signature"},
            %{$opt{headers} // {}} });
}

my $made = signed('red/ann/f');
is($made->status, 201, 'a signed POST passes') or diag($made->body);
my ($record) = reverse $t->attempts;
is($record->{data}{identity}{tenantId}, 'red',
    'the tenant of a signed POST is the one that was verified');
is($record->{data}{identity}{principalId}, 'ann',
    'the principal of a signed POST is the one that was verified');

my $retry = signed('red/ann/f');
is($retry->body, $made->body,
    'a retry that is signed again gets the same job run');
is($retry->header('opc-retry-replayed'), 'true',
    'a retry that is signed again is replayed');

is(signed('red/bob/f')->header('opc-retry-replayed'), undef,
    'another principal has tokens of its own');

for (
    ['a request signed by another is refused', 'red/ann/f', by => 'bob'],
    ['an unknown key is refused', 'red/eve/f'],
    ['a host that was not signed is refused', 'red/ann/f',
        headers => { Host => 'other' }],
    ['headers of the verifier sent by the client are refused',
        'red/eve/f', headers => {
        'X-Tenant' => 'red', 'X-Principal' => 'ann',
        'X-Original-Host' => $host, 'X-Original-Method' => 'POST' }],
    ['a verified caller without a principal is refused', 'red/nobody/f'],
) {
    my ($name, $key, %opt) = @$_;
    my $answer = signed($key, %opt);
    is($answer->status . ' ' . $answer->code, '401 NotAuthenticated', $name);
}

###############################################################################
# What Oracle's SDKs signed

SKIP: {
    skip "no corpus in $suite", 1 if !-d $suite;

    my @names = qw(go-api-key python-api-key python-space-in-path
        typescript-api-key typescript-obo typescript-query
        typescript-session-token);
    for my $name (@names) {
        open my $fh, '<:raw', "$suite/$name.http" or die "$name: $!\n";
        my $request = do { local $/; <$fh> };

        my $client = $t->client;
        $client->send($request);
        my $answer = $client->response;
        $client->close;
        is($answer->status, 201, "$name: the request passes")
            or diag($answer->body);
        my ($last) = reverse $t->attempts;
        is($last->{data}{identity}{tenantId}, 'sdk',
            "$name: the tenant is the one that was verified");

        $request =~ s{(/jobRuns)}{$1/};
        $request =~ s{/jobRuns/}{/jobRuns?};
        $client = $t->client;
        $client->send($request);
        is($client->response->status, 401,
            "$name: the request with another target is refused");
        $client->close;
    }
}

kill KILL => $pid;
waitpid $pid, 0;

done_testing;
