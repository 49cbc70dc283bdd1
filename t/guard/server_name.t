#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The name that a client sends in its TLS handshake is no host before NGINX has
# found that it is one, but $ssl_server_name has it all the same.  Passed on in
# a header, it does not make two requests of a GET.

use lib 't/lib';
use JobRuns;
use JobRuns::Tls;

use IPC::Open2 qw(open2);

plan(skip_all => 'this NGINX has no TLS')
    if JobRuns::Nginx::build() !~ /TLS SNI/;
plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;

JobRuns::Tls::self_signed($dir, 'gateway');

$t->run(servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_2%% ssl;
        ssl_certificate      %%TESTDIR%%/gateway.crt;
        ssl_certificate_key  %%TESTDIR%%/gateway.key;
        jobruns on;

        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_set_header  Host             $http_host;
            proxy_set_header  Connection       "";
            proxy_set_header  Accept-Encoding  $jobruns_accept_encoding;
            proxy_set_header  X-Name           $ssl_server_name;
            proxy_pass http://service;
        }
    }
END

my $service = $t->service;
my $path = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

# the response to a GET, with that name in the handshake

sub get_as {
    my ($name, $method) = @_;

    my $pid = open2(my $out, my $in, 'sh', '-c', 'exec openssl s_client -quiet'
        . ' -connect "$1" -servername "$2" 2>/dev/null', 'sh',
        '127.0.0.1:' . $t->port(2), $name);
    print {$in} "$method /x HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n";
    $in->flush;
    my $response = do { local $/; <$out> };
    close $in;
    waitpid $pid, 0;

    return $response // '';
}

for my $method (qw(GET HEAD)) {
    my $before = $service->requests;

    like(get_as('gateway.example', $method), qr{^HTTP/1\.1 404 },
        "$method: another name passes");
    is(scalar $service->requests, $before + 1, "$method: the service is asked");
    is($service->received('x-name'), 'gateway.example',
        "$method: the service gets the name");

    for (['CR LF', "\r\n"], ['LF', "\n"]) {
        my ($kind, $end) = @$_;
        my $asked = $service->requests;
        my $created = $service->created;

        like(get_as("x${end}Content-Length: 0$end${end}POST $path HTTP/1.1$end"
            . "Host: l${end}Content-Length: 2$end$end" . '{}', $method),
            qr{^HTTP/1\.1 404 }, "$method, $kind: a second request gets 404");
        is(scalar $service->requests, $asked,
            "$method, $kind: the service is not asked");
        is($service->created, $created, "$method, $kind: nothing is created");
    }
}

my @stopped = grep { $_->{data}{response}{status} == 404 } $t->audit;
is(scalar @stopped, 4, 'what is stopped has records');
$t->wait_log(qr/what is sent is more than the head of one request/);

done_testing;
