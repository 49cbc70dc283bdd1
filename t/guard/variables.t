#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# proxy_pass has variables: a value that names an upstream block is guarded
# and creates job runs; a value that turns out to be an address sends no
# createJobRun, but all other requests.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $create = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

$t->allow_log(qr/jobruns: .*stopped on its way out/);
$t->allow_log(qr/invalid local address/);

my $service = $t->service->address;
my ($port) = $service =~ /:(\d+)$/;

$t->run(
    http => 'upstream ported { server %%SERVICE%%; }
        map $http_x_to $to { default $http_x_to; "" service; }',
    server => "
    $proxy
    proxy_set_header X-To '';
    location /20260501/ { set \$backend service; proxy_pass http://\$backend; }
    location /20260502/ { proxy_pass http://\$to; }
    location /20260503/ { proxy_pass http://\$to\$request_uri; }
    location /20260504/ { proxy_pass http://\$to/x\$request_uri; }
    location /20260505/ { proxy_pass http://\$to; proxy_bind 127.0.0.1; }
    location /20260506/ { proxy_pass http://\$to; proxy_bind \$arg_bind; }
    location /20260507/ { proxy_pass http://\$to;
        if (\$http_x_if) { set \$y 1; } }
    location /20260508/ { proxy_pass http://\$to; limit_except GET {
        allow all; } }
    location /20260509/ { proxy_pass http://service/x/;
        error_page 500 502 503 504 = \@address; }
    location /20260510/ { proxy_pass http://refusing;
        error_page 502 503 = \@address; }
    location /20260511/ { proxy_pass http://refusing;
        error_page 502 503 = \@off; }
    location \@address { proxy_pass http://\$to; }
    location \@off { jobruns off; proxy_pass http://\$to; }
    location /free/ { jobruns off; proxy_pass http://\$to; }
    location /outer/ {
        proxy_pass http://\$to\$arg_path;
        location /outer/inner/ { proxy_pass http://\$to\$arg_path; }
    }
", servers => "
    upstream refusing { server 127.0.0.1:%%PORT_90%%; }
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location /on/ { $proxy jobruns on; proxy_pass http://service; }
        location / { $proxy proxy_set_header X-To '';
            proxy_pass http://\$to\$arg_path; }
    }
");

sub asked { return $t->service->counts->{requests} }

sub passes {
    my ($name, %opt) = @_;

    my $before = asked();
    my $token = random_id;
    is($t->create_run(token => $token, %opt)->status, 201,
        "$name: a job run is created");
    my $again = $t->create_run(token => $token, %opt);
    is($again->header('opc-retry-replayed'), 'true',
        "$name: a retry is replayed");
    is($again->header('opc-request-id') ? asked() : 0, $before + 1,
        "$name: the creation was sent once");
}

sub stopped {
    my ($name, $status, %opt) = @_;

    my $before = asked();
    my $token = random_id;
    my $id = random_id(20);
    my $answer = $t->create_run(token => $token, request_id => $id, %opt);

    is($answer->status, $status, "$name: the status is $status");
    is(asked(), $before, "$name: no service was asked");

    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id
            && $_->{data}{additionalDetails}{outcome} });
    is($record->{data}{additionalDetails}{outcome},
        $status == 404 ? 'invalid' : 'unsent',
        "$name: the audit log has the outcome");

    is($t->create_run(token => $token)->status, 201, "$name: the token is free")
        if $status != 404;
}

# error.log; lines of a kind are folded, so this comes first

stopped('an address', 500, version => '20260502',
    headers => { 'X-To' => $service });

like($t->nginx->error_log, qr/\[error\].*jobruns:\ a\ creation\ was\ stopped
    \ on\ its\ way\ out\ of\ location\ "\/20260502\/":\ its\ proxy_pass
    \ has\ a\ variable\ that\ holds\ an\ address,.*\ have\ it\ hold\ the
    \ name\ of\ an\ upstream\ block,\ request\ id:\ "[^"]+",
    \ tenant:\ "[^"]+",\ client:\ 127\.0\.0\.1,\ server:\ localhost,
    \ request:\ "POST\ \/20260502\/[^"]+",\ host:\ "localhost"/x,
    'error.log says which creation was stopped, why, and what to do');

# the name of an upstream block

passes('a variable that is set', version => '20260501');
passes("a map in $_", version => $_)
    for 20260502, 20260503, 20260505 .. 20260508;
passes('the name of another upstream block', version => '20260502',
    headers => { 'X-To' => 'ported' });
passes('a name in upper case', version => '20260502',
    headers => { 'X-To' => 'PORTED' });
passes('a name in an if', version => '20260507', headers => { 'X-If' => 1 });
passes('a name after error_page', version => '20260510');

stopped('a name, and a target that is changed', 500, version => '20260504');
stopped('a name, and a target that is completed', 404,
    path => "/outer/?path=$create");
stopped('a name, and a target that is completed in a nested location', 404,
    path => "/outer/inner/?path=$create");
stopped('a name, and a target that is completed without jobruns',
    404, path => "/?path=$create",
    to => '127.0.0.1:' . $t->port(2));

# an address, in all ways to write one

my @addresses = ($service, "localhost:$port", "127.1:$port",
    "[::ffff:127.0.0.1]:$port", "service:$port", 'no-such-upstream',
    'no-such-upstream:8080', "unix:/tmp/none.sock:");

for my $to (@addresses) {
    stopped("the address $to",
        500, version => '20260502', headers => { 'X-To' => $to });
}
stopped("an address in $_", 500, version => $_,
    headers => { 'X-To' => $service })
    for 20260503, 20260504 .. 20260508, 20260510, 20260511;
stopped('an address in an if', 500, version => 20260507,
    headers => { 'X-To' => $service, 'X-If' => 1 });
stopped('an address, and a target that is completed', 404,
    path => "/outer/?path=$create", headers => { 'X-To' => $service });
stopped('an address, and a target that is completed in a nested location', 404,
    path => "/outer/inner/?path=$create", headers => { 'X-To' => $service });
stopped('an address, and a target that is completed without jobruns',
    404, path => "/?path=$create",
    to => '127.0.0.1:' . $t->port(2), headers => { 'X-To' => $service });

# an address is allowed where nothing is created by it

sub other {
    my ($name, $method, $path) = @_;

    my $before = asked();
    is($t->request(path => $path, method => $method, headers => [
        ['Host', 'localhost'], ['X-To', $service], ['Content-Length', 1]],
        body => 'x')->status, 404, "$name: the service's status is passed on");
    is(asked(), $before + 1, "$name: the service was asked");
}

other('a GET by an address', GET => '/20260502/x');
other('another POST', POST => '/20260502/x');
other('another POST, with proxy_bind', POST => '/20260505/x');
other('another POST, with proxy_bind of a variable',
    POST => '/20260506/x?bind=127.0.0.1');
other('another POST, with proxy_bind of a variable that holds no address',
    POST => '/20260506/x?bind=127.0.0.9x');
other('a path of createJobRun where jobruns is off', POST => "/free$create");

done_testing;
