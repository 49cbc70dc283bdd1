#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# error_page leads an admitted attempt to a location that sends HTTP/2 to the
# service (NGINX 1.29.4 and later): the guard cannot check it, so nothing of
# it is sent.  Requests that are not creations are sent.

use lib 't/lib';
use JobRuns;

plan(skip_all => 'NGINX before 1.29.4 has no "proxy_http_version 2"')
    if JobRuns::Nginx::version() < 1_029_004;

my $t = JobRuns->new;

$t->allow_log(qr/jobruns: .*stopped on its way out/);

$t->run(workers => 1,
    http => 'upstream refusing { server 127.0.0.1:%%PORT_90%%; }',
    server => '
    include %%ROOT%%/conf/jobruns_proxy.conf;
    location /20260501/ { proxy_pass http://refusing;
        error_page 502 = @http2; }
    location @http2 { jobruns off; proxy_http_version 2;
        proxy_pass http://service; }
    location /20260502/ { proxy_pass http://refusing;
        error_page 502 = @rewritten; }
    location @rewritten { jobruns off; proxy_http_version 2;
        rewrite ^ /part break; proxy_pass http://service; }
    location /get2/ { jobruns off; proxy_http_version 2;
        proxy_pass http://service/; }');

# a target that rewrite has changed is another request, before the guard

for (
    [20260501, 500, 'InternalServerError', qr/not sent as HTTP\/1/],
    [20260502, 503, 'ServiceUnavailable', qr/made another request of a creat/],
) {
    my ($version, $status, $code, $log) = @$_;
    my $token = random_id;
    my $id = "http2-$version";
    my $r = $t->create_run(token => $token, version => $version,
        request_id => $id);

    is($r->status, $status, "$version: the status is $status");
    is($r->code, $code, "$version: the code is $code");
    ok($t->wait_log($log), "$version: error.log says why");
    is($t->service->counts->{requests}, 0, "$version: no service was asked");
    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id
            && $_->{data}{additionalDetails}{outcome} });
    is($record->{data}{additionalDetails}{outcome}, 'unsent',
        "$version: the audit log has the outcome unsent");
    is($t->create_run(token => $token)->status, 201,
        "$version: the token is free");
    $t->service->reset;
}

is($t->get('/get2/x')->status, 502,
    'a GET is sent as HTTP/2, which the stub does not speak');
ok($t->wait_log(qr/GET \/get2\/x.*upstream/),
    'error.log reports the GET that was sent to the service');

done_testing;
