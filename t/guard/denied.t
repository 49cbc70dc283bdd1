#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# NGINX refuses a creation before the module looks at it, and error_page leads
# to another page: the client never gets a success, the audit log records a
# refusal, and nothing is sent.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';

$t->allow_log(qr/access forbidden by rule|limiting requests/);

my %how = (
    403 => ['NotAllowed', 'deny all;'],
    401 => ['NotAuthenticated', 'auth_request /unknown;'],
    503 => ['ServiceUnavailable', 'limit_req zone=none;'],
);
my %pages = (
    'text' => '/text', 'text =' => '= /text', 'text =200' => '=200 /text',
    'file =' => '= /file', 'redirect =' => '= /moved',
    'proxied' => '/proxied', 'proxied =' => '= /proxied',
    'unset =' => '= /unset', 'named' => '@named',
);

my ($n, @cases) = (20260500);
my $locations = '';
for my $status (sort keys %how) {
    for my $page (sort keys %pages) {
        push @cases, ["$status, $page", ++$n, $status, $how{$status}[0]];
        $locations .= "location /$n/ { $proxy proxy_pass http://service;
            $how{$status}[1] error_page $status $pages{$page}; }\n";
    }
}

$t->write_file('file', 'a file');
my $more = "
    location = /unknown { jobruns off; add_header X-Any 1;
        proxy_pass http://asked/401; }
    location = /text { return 200 'a page'; }
    location = /file { root %%TESTDIR%%; }
    location = /moved { return 302 /elsewhere; }
    location = /proxied { $proxy proxy_pass http://service; }
    location \@named { $proxy proxy_pass http://service; }
";

$t->run(workers => 1,
    http => 'limit_req_zone $server_name zone=none:64k rate=1r/m;',
    server => "$proxy $more $locations location = /unset { return 200 'x'; }",
    servers => "upstream asked { server 127.0.0.1:%%PORT_3%%; }
    server {
        listen 127.0.0.1:%%PORT_3%%;
        location / { add_header WWW-Authenticate Any always; return 401; }
    }
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location /on/ { $proxy jobruns on; proxy_pass http://service; }
        location / { $proxy proxy_pass http://service; deny all;
            error_page 403 = /text; }
        location = /text { return 200 'a page'; }
    }
");

my $service = $t->service;

# takes the one request that limit_req lets through

my $first = (grep { $_->[2] == 503 } @cases)[0][1];
$t->create_run(version => $first);

sub denied {
    my ($name, $status, $code, %opt) = @_;

    my $before = $service->counts->{requests};
    my ($id, $token) = (random_id(20), random_id());
    my $answer = $t->create_run(token => $token, request_id => $id, %opt);

    is($answer->status, $status, "$name: the status is $status");
    is($answer->code, $code, "$name: the code is $code");
    is($answer->header('opc-request-id'), $id,
        "$name: the response has the id of the request");
    is($answer->header('location'), undef,
        "$name: the response has no Location");
    is($service->counts->{requests}, $before, "$name: no service was asked");

    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id });
    is($record->{data}{additionalDetails}{outcome}, 'denied',
        "$name: the audit log has the outcome denied");
    is($record->{data}{response}{status}, $status,
        "$name: the audit log has the status");
}

denied($_->[0], $_->[2], $_->[3], version => $_->[1]) for @cases;
denied('a location without jobruns', 403, 'NotAllowed',
    to => '127.0.0.1:' . $t->port(2));

# pages for other requests stay as configured

my ($text) = grep { $_->[0] eq '403, text =' } @cases;
my $answer = $t->request(path => "/$text->[1]/x", method => 'GET');
is($answer->status, 200,
    'a page for another request has the status it is configured with');
is($answer->body, 'a page',
    'a page for another request has the body it is configured with');
is($t->request(path => '/text', method => 'GET')->body, 'a page',
    'the page itself can be asked for');
is($t->create_run->status, 201,
    'a creation that NGINX does not refuse is created');

done_testing;
