#!/usr/bin/perl

# A creation that NGINX refuses before it is looked at, and error_page: the
# client never sees a success, the audit has a refusal, and nothing is sent.

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

    is($answer->status, $status, "$name: $status");
    is($answer->code, $code, '... with its code');
    is($answer->header('opc-request-id'), $id, '... and the id');
    is($answer->header('location'), undef, '... leads nowhere');
    is($service->counts->{requests}, $before, '... nothing was sent');

    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id });
    is($record->{data}{additionalDetails}{outcome}, 'denied', '... denied');
    is($record->{data}{response}{status}, $status, '... says the audit');
}

denied($_->[0], $_->[2], $_->[3], version => $_->[1]) for @cases;
denied('in a location without jobruns', 403, 'NotAllowed',
    to => '127.0.0.1:' . $t->port(2));

# pages for other requests stay

my ($text) = grep { $_->[0] eq '403, text =' } @cases;
my $answer = $t->request(path => "/$text->[1]/x", method => 'GET');
is($answer->status, 200, 'a page for another request keeps its status');
is($answer->body, 'a page', '... and what it says');
is($t->request(path => '/text', method => 'GET')->body, 'a page', 'a page');
is($t->create_run->status, 201, 'what nobody refuses is created');

done_testing;
