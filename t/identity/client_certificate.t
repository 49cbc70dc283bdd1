#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A client certificate names the tenant: jobruns_tenant is $ssl_client_s_dn.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);

plan(skip_all => 'this NGINX has no TLS')
    if JobRuns::Nginx::build() !~ /TLS SNI/;
plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;

# a subject is whatever somebody had signed
my %subject = (gateway => '/CN=gateway', red => '/O=Red Team/CN=caller',
    blue => '/O={Blue}: *?/CN=caller');

for my $name (sort keys %subject) {
    my $said = `cd \Q$dir\E && openssl req -x509 -nodes -days 2 -newkey ec \\
        -pkeyopt ec_paramgen_curve:prime256v1 -subj \Q$subject{$name}\E \\
        -keyout $name.key -out $name.crt 2>&1`;
    BAIL_OUT("openssl: $said") if $?;
}
$t->write_file('callers.crt', join '', map { $t->read_file("$_.crt") }
    qw(red blue));

$t->run(workers => 1, servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_5%% ssl;
        ssl_certificate         %%TESTDIR%%/gateway.crt;
        ssl_certificate_key     %%TESTDIR%%/gateway.key;
        ssl_client_certificate  %%TESTDIR%%/callers.crt;
        ssl_verify_client       on;

        jobruns_redis_timeout 20s;          # a busy machine is not the matter
        jobruns_redis_connect_timeout 20s;

        jobruns         on;
        jobruns_tenant  "$ssl_client_s_dn";
        jobruns_quota   daily key=tenant limit=1 window=month;

        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END

sub post {
    my ($name) = @_;

    my $request = $t->run_request(token => undef, request_id => undef);
    return `cd \Q$dir\E && curl -sk -o answer -w '%{http_code}' \\
        --cert $name.crt --key $name.key -d \Q$request->{body}\E \\
        -H 'Content-Type: application/json' \\
        https://127.0.0.1:@{[$t->port(5)]}\Q$request->{path}\E`;
}

is(post('red'), 201, 'a caller with a certificate creates a job run');
is(post('red'), 429, 'a caller with a certificate has a limit');
is(post('blue'), 201, 'another caller with a certificate creates a job run');
is(post('blue'), 429,
    'another caller with a certificate has a limit of its own');

# as NGINX writes them, RFC 2253
is(join(' ', sort grep { /:counters/ } $t->redis->keys),
    join(' ', sort
        map { 'jobruns:{~' . sha256_hex($_) . '}:v1:counters' }
        'CN=caller,O=Red Team', 'CN=caller,O={Blue}: *?'),
    'subjects are hashed in keys, since they are not plain names');

done_testing;
