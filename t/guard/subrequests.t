#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A subrequest is not an attempt: none of auth_request, mirror, SSI and
# addition sends what may be createJobRun, into whatever location, with or
# without variables in proxy_pass.  The main request may itself be a creation.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $create = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

$t->allow_log(qr/jobruns: .*stopped on its way out/);
$t->allow_log(qr/auth request unexpected status/);

my $to = $t->service('copies')->address;

# the locations that a subrequest is led to, each as a name, as a variable that
# holds a name, and as one that holds an address; with what makes a POST of it

my %names = (name => 'copies', named => '$copies', address => '$address');
my %posts = (
    method => 'proxy_method POST;',
    override => "proxy_set_header X-HTTP-Method-Override POST;",
);

my $empty = "proxy_pass_request_body off; proxy_set_header Content-Length '';";

my ($copies, @cases) = ('');
for my $name (sort keys %names) {
    for my $post (sort keys %posts) {
        push @cases, "$name-$post";
        $copies .= "location = /copy-$name-$post { jobruns off;
            proxy_pass http://$names{$name}$create; $empty $posts{$post} }\n";
    }
}
my $fastcgi = "location = /copy-fastcgi { jobruns off;
    include /etc/nginx/fastcgi_params; fastcgi_pass \$address; }";

my $n = 20260500;
my ($locations, %version) = ('');
for my $case (@cases) {
    $version{$case} = ++$n;
    $locations .= "location /$n/ { $proxy proxy_pass http://service;
        auth_request /copy-$case; }\n";
}

my $ssi = 20260600;
$t->run(workers => 1,
    http => "upstream copies { server $to; }
        map \$uri \$copies { default copies; }
        map \$uri \$address { default $to; }",
    server => "
    $proxy
    $copies
    $fastcgi
    $locations
    location = /allow { jobruns off; $empty
        proxy_method POST;
        proxy_pass http://\$copies/_stub/release/none; }
    location = /check { jobruns off; $empty
        proxy_pass http://\$address/_stub/waiting; }
    location = /page { jobruns off; return 204; }
    location /$ssi/ { $proxy proxy_pass http://service; auth_request /allow; }
    location /20260601/ { $proxy proxy_pass http://service;
        auth_request /check; }
    location /20260602/ { $proxy proxy_pass http://refusing;
        error_page 502 503 = \@mirrored; }
    location \@mirrored { jobruns off; proxy_pass http://service;
        mirror /m; }
    location \@fast { jobruns off; proxy_pass http://service;
        mirror /copy-fastcgi; }
    location /20260603/ { $proxy proxy_pass http://refusing;
        error_page 502 503 = \@fast; }
    location = /m { jobruns off; proxy_pass http://\$address\$request_uri; }
    location /free/ { jobruns off; proxy_pass http://service; mirror /m; }
    location /20260604/ { $proxy proxy_pass http://service; ssi on;
        ssi_types application/json; }
    location /20260605/ { $proxy proxy_pass http://service;
        add_after_body /copy-address-method;
        addition_types application/json; }
", servers => 'upstream refusing { server 127.0.0.1:%%PORT_90%%; }');

my $other = $t->service('copies');
my $service = $t->service;

for my $case (@cases) {
    my $before = $other->counts->{requests};
    my $answer = $t->create_run(version => $version{$case});
    is($answer->status, 500,
        "auth_request, $case: the creation fails as if auth_request had "
        . "failed");
    is($answer->code, 'InternalServerError',
        "auth_request, $case: the code is InternalServerError");
    is($other->counts->{requests}, $before,
        "auth_request, $case: the subrequest was not sent");
}

like($t->nginx->error_log, qr/\[error\].*jobruns:\ a\ request\ that\ may\ be
    \ createJobRun\ was\ stopped\ on\ its\ way\ out\ of\ location
    \ "\/copy-[^"]+":\ it\ is\ a\ subrequest.*client:\ 127\.0\.0\.1,\ server:.*
    request:\ "POST\ .*subrequest:\ "\/copy-/x,
    'error.log names the location and the subrequest that was stopped');

# what cannot be a creation passes

is($t->create_run(version => $ssi)->status, 201,
    'auth_request by another POST allows the creation');
is($t->create_run(version => 20260601)->status, 201,
    'auth_request by a GET allows the creation');

# a copy, which mirror sends as a POST

for my $version (20260602, 20260603) {
    my $before = $other->counts->{requests};
    is($t->create_run(version => $version)->status, 201,
        "$version: the attempt itself is created");
    is($other->counts->{requests}, $before,
        "$version: the mirror sends no copy of the attempt");
}

# what is included in a response, or added to it

my %stub = (20260604 => { body =>
    '{"key":"k"}<!--#include virtual="/copy-named-method" -->' });

for my $version (20260604, 20260605) {
    my $before = $other->counts->{requests};
    my $answer = $t->create_run(version => $version,
        stub => $stub{$version} // {});
    is($answer->status, 201,
        "$version: a response that includes another page is passed on");
    is($other->counts->{requests}, $before,
        "$version: the page that a response includes is not fetched");
}

# where jobruns is off for the request itself, its copies are as well

my $before = $other->counts->{requests};
is($t->request(path => '/free/x', method => 'POST', body => 'x')->status, 404,
    'another request where jobruns is off passes');
is($t->create_run(path => "/free$create")->status, 404,
    'a creation where jobruns is off passes');
wait_for { $other->counts->{requests} >= $before + 2 } 'their copies';

done_testing;
