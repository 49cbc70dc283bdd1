#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Nothing that may be createJobRun is sent except as the attempt that was
# admitted: whatever a configuration makes of a request, `nginx -t` refuses
# it, or the guard of the exit stops what would be sent.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $plain = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';
my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';

# what nginx -t refuses, in a location where jobruns is on and in one without

my @refused = (
    ['fastcgi_pass 127.0.0.1:9;', qr/fastcgi_pass/],
    ['fastcgi_pass $arg_to;', qr/fastcgi_pass/],
    ['grpc_pass grpc://127.0.0.1:9;', qr/grpc_pass/],
    ['scgi_pass 127.0.0.1:9;', qr/scgi_pass/],
    ['uwsgi_pass 127.0.0.1:9;', qr/uwsgi_pass/],
    ['proxy_pass http://$host; proxy_method POST;', qr/proxy_method/],
    ['set $a service; proxy_pass http://$a; proxy_set_body x;',
        qr/proxy_set_body/],
    ['proxy_pass http://service; proxy_method POST;', qr/proxy_method/],
    ['proxy_pass http://service; proxy_set_body x;', qr/proxy_set_body/],
    ['proxy_pass http://service; mirror /m;', qr/mirror/],
    ['proxy_pass http://service; post_action /p;', qr/post_action/],
    ["proxy_pass http://service; proxy_set_header opc-retry-token '';",
        qr/opc-retry-token/],
    ['proxy_pass http://service; proxy_set_header X-HTTP-Method POST;',
        qr/method override/],
    ['proxy_pass http://service; if ($arg_a) { scgi_pass 127.0.0.1:9; }',
        qr/scgi_pass/],
    ['location /x/y { fastcgi_pass 127.0.0.1:9; }', qr/fastcgi_pass/],
);

# proxy_http_version 2 is in NGINX from 1.29.4

my $http2 = JobRuns::Nginx::version() >= 1_029_004;
push @refused, ['proxy_pass http://service; proxy_http_version 2;',
    qr/proxy_http_version 2/], ['proxy_http_version 2;
        proxy_pass http://service/20260430/;', qr/proxy_http_version 2/]
    if $http2;

sub server {
    my ($level, $location) = @_;

    return <<"END";
%%TEST_GLOBALS%%
events {}
http {
    %%TEST_GLOBALS_HTTP%%
    jobruns_redis %%REDIS%%;
    jobruns_audit off;
    upstream service { server %%SERVICE%%; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $level
        $location
    }
}
END
}

for (@refused) {
    my ($lines, $named) = @$_;

    for my $level ("$proxy jobruns on;", "location /on { $proxy jobruns on;
        proxy_pass http://service; } $proxy")
    {
        my ($ok, $output) = $t->check_config(config => server($level,
            "location /x { $lines }"));
        ok(!$ok, "nginx -t refuses: $lines");
        like($output, qr/\[emerg\].*$named.*: .*add ".*begins in \S+:\d+/,
            "nginx -t reports place and remedy: $lines") or diag($output);
        my ($off) = $t->check_config(config => server($level,
            "location /x { jobruns off; $lines }"));
        ok($off || $lines =~ /location/,
            "nginx -t accepts where jobruns is off: $lines");
    }
}

for (qw(Host Connection Accept-Encoding)) {
    my %set = (Host => '$http_host', Connection => '""',
        'Accept-Encoding' => '$jobruns_accept_encoding');
    delete $set{$_};
    my ($ok, $output) = $t->check_config(config => server(
        "$proxy jobruns on;", 'location / { proxy_pass http://service; '
            . join(' ', map { "proxy_set_header $_ $set{$_};" } keys %set)
            . '}'));
    ok(!$ok, "nginx -t refuses: own proxy_set_header without $_");
    like($output, qr/proxy_set_header without $_/,
        "nginx -t reports the header that is missing: $_");
}

###############################################################################
# What is stopped on its way out

$t->allow_log(qr/jobruns: .*stopped on its way out/);

$t->run(
    http => 'upstream hashed { hash $uri; server %%SERVICE%%; }
        upstream least { least_conn; zone z 64k; server %%SERVICE%%; }
        upstream rand { random; zone y 64k; server %%SERVICE%%;
            keepalive 2; }',
    server => "
    $proxy
    location /api/ { proxy_pass http://service/; }
    location /part { proxy_pass
        http://service/20260430/aiDataPlatforms/ocid1.x/workspaces/; }
    location /broken/ {
        rewrite ^/broken(/.*)\$ \$1 break; proxy_pass http://service; }
    location /ctx/ { proxy_pass http://%%SERVICE%%/; }
    location /hash/ { proxy_pass http://hashed/; }
    location /least/ { proxy_pass http://least/; }
    location /rand/ { proxy_pass http://rand/; }
    location /paged/ { proxy_pass http://service/; error_page 500 404 = \@x;
        error_page 500 = \@x; }
    location \@x { proxy_pass http://service; }
    location /put { proxy_pass http://service; }
    location /20260501/ { proxy_pass http://service/; }
    location /20260502/ { proxy_pass http://service/20260502/; }
    location /20260503/ { proxy_pass http://service;
        proxy_set_header Connection ''; proxy_set_header Accept-Encoding x;
        proxy_set_header Host other; }
    location /20260504/ { proxy_pass http://service; $proxy
        proxy_set_header Authorization ''; }
    location /20260505/ { proxy_pass http://service; $proxy
        proxy_set_header opc-retry-token \$arg_none; }
    location /20260506/ { proxy_pass http://service/20260507/;
        error_page 500 = \@x; }
    location /20260508/ { proxy_pass http://service; $proxy
        proxy_set_header Content-Length 1; }
", servers => "
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location /on/ { $proxy jobruns on; proxy_pass http://service; }
        location /api/ { proxy_pass http://service/; }
        location / { $proxy proxy_pass http://service; deny all; }
    }
");

my $audited = 0;

sub stopped {
    my ($name, $status, %opt) = @_;

    my $before = $t->service->counts->{requests};
    my $token = random_id;
    my $id = 'guard-' . ++$audited;
    my $answer = $t->create_run(token => $token, request_id => $id, %opt);

    is($answer->status, $status, "$name: the status is $status");
    is($answer->code, $status == 404 ? 'NotAuthorizedOrNotFound'
        : 'InternalServerError', "$name: the code fits the status");
    is($answer->header('opc-request-id'), $id,
        "$name: the response has the id of the request");
    is($t->service->counts->{requests}, $before, "$name: no service was asked");
    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id });
    is($record->{data}{response}{status} // 500, $status,
        "$name: the audit log has the status");

    return $token;
}

stopped("proxy_pass with a URI: $_", 404, path => "/$_$plain")
    for qw(api ctx broken hash least rand paged);
stopped('a URI of proxy_pass that completes the path', 404,
    path => '/partw/jobRuns');
stopped('an override of the method', 404, path => "/api$plain",
    method => 'PUT', extra => [['X-HTTP-Method-Override', 'POST']]);
stopped('a location without jobruns', 404,
    path => "/api$plain", to => '127.0.0.1:' . $t->port(2));

my %paths = map { $_ => $plain =~ s/20260430/$_/r } 20260501 .. 20260508;

$t->allow_log(qr/limiting/);
my @attempts = (
    ['a target that proxy_pass changes', 20260501],
    ['a Host that proxy_set_header changes', 20260503],
    ['an Authorization that is lost', 20260504],
    ['a token that is lost', 20260505],
    ['a target that error_page and proxy_pass change', 20260506],
    ['a Content-Length that is wrong', 20260508],
);

for (@attempts) {
    my ($name, $version) = @$_;

    my $token = stopped($name, 500, version => $version);
    my $again = $t->create_run(token => $token);
    is($again->status, 201, "$name: the token is free");
}

is($t->create_run(version => '20260502')->status, 201,
    'a URI of proxy_pass that changes nothing lets a creation pass');
like($t->nginx->error_log,
    qr/nobody admitted, was stopped .* "[^"]+": its target.*proxy_pass/,
    'error.log names the location that stopped a creation');

# ordinary requests pass

my $to = $t->service->counts->{requests};
is($t->request(path => '/api/x%20y?a=%0a', method => 'GET')->status, 404,
    'a GET passes');
is($t->request(path => '/api/other', method => 'POST', body => 'x')->status,
    404, 'another POST passes');
is($t->request(path => "/api$plain", method => 'GET')->status, 200,
    'a GET of the path of createJobRun passes');
is($t->service->counts->{requests}, $to + 3,
    'the requests that pass all reach the service');
is($t->create_run->status, 201, 'a plain creation passes');

# what NGINX refuses where jobruns is not set is recorded

my $answer = $t->create_run(to => '127.0.0.1:' . $t->port(2),
    request_id => 'denied');
is($answer->status, 403, 'NGINX denies a creation where jobruns is not set');
my $record = $t->wait_audit(sub {
    ($_->{data}{request}{id} // '') eq 'denied' });
is($record->{data}{response}{status}, 403,
    'the audit log has the status of a creation that was denied');
is($record->{data}{additionalDetails}{outcome}, 'denied',
    'the audit log has the outcome of a creation that was denied');

done_testing;
