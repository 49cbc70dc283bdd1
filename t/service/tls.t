#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The service speaks TLS: each creation is sent on a connection of its own,
# whatever was kept open, or with jobruns_keepalive on one that is kept; it
# causes no line of TLS in error.log, and no response is lost.

use lib 't/lib';
use JobRuns;
use JobRuns::Tls;

my $t = JobRuns->new;

JobRuns::Tls::needed();
JobRuns::Tls::self_signed($t->testdir, 'service', 'DNS:service');

# NGINX itself ends the TLS in front of the stub

$t->run(workers => 1, http => <<'END', servers => <<'END2');
    log_format tls '$request_method $connection_requests $status';
    upstream kept { server 127.0.0.1:%%PORT_5%%; keepalive 8; }
END
    server {
        listen 127.0.0.1:%%PORT_5%% ssl;
        ssl_certificate      %%TESTDIR%%/service.crt;
        ssl_certificate_key  %%TESTDIR%%/service.key;
        access_log  %%TESTDIR%%/tls.log tls;
        client_max_body_size 16m;
        location / {
            proxy_pass http://%%SERVICE%%;
            proxy_set_header Host $http_host;
        }
    }
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate %%TESTDIR%%/service.crt;
    proxy_ssl_name service;
    jobruns_retry_unknown refuse;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        listen 127.0.0.1:%%PORT_3%% %%HTTP2_LISTEN%%;
        %%HTTP2_ON%%
        jobruns on;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass https://kept;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_4%%;
        jobruns on;
        jobruns_keepalive 1m;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass https://kept;
        }
    }
END2

my $n = 0;

for my $h2 (0, 1) {
    my $to = '127.0.0.1:' . $t->port(2 + $h2);
    for my $bytes (0, 300_000, 3_000_000) {
        my $name = ($h2 ? 'HTTP/2' : 'HTTP/1.1') . ", $bytes bytes";
        is($t->get('/x', to => '127.0.0.1:' . $t->port(2))->status, 404,
            "$name: a GET gets its response") for 1, 2;
        my $r = $t->create_run(token => 't' . ++$n, to => $to, h2 => $h2,
            stub => { $bytes ? (bytes => $bytes) : () });
        is($r->status, 201, "$name: the creation is created");
        ok($r->complete, "$name: the response is whole");
        my $again = $t->create_run(token => "t$n", to => $to, h2 => $h2);
        is($again->status, $bytes > 1_000_000 ? 409 : 201,
            "$name: a retry has the status of a stored or lost body");
        is($again->body, $r->body, "$name: a retry gets the same body")
            if $bytes < 1_000_000;
        is($t->service->created("t$n"), 1, "$name: one job run is created");
    }
}

my @lines;
wait_for {
    @lines = split /\n/, $t->read_file('tls.log');
    @lines == 3 * $n;
} 'all requests in the log';

is_deeply([map { (split)[1] } grep { /^POST/ } @lines], [(1) x $n],
    'each creation is the first request of its connection');
ok((grep { /^GET (\d+)/ && $1 > 1 } @lines) >= 2 * $n - 1,
    'GETs use connections again');
# jobruns_keepalive: the first one makes a connection, since nobody knows when
# that was left which the others use

is($t->create_run(token => "k$_", to => '127.0.0.1:' . $t->port(4))->status,
    201, 'a creation is created where connections are kept') for 1 .. 3;

wait_for {
    @lines = split /\n/, $t->read_file('tls.log');
    @lines == 3 * $n + 3;
} 'these creations in the log';

is_deeply([map { (split)[1] } @lines[-3 .. -1]], [1, 2, 3],
    'creations use a connection again where connections are kept');

unlike($t->nginx->error_log, qr/SSL_|\[crit\]|\[error\]/,
    'error.log has no line of TLS');

done_testing;
