#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns_auth dry_run forwards and says what it would have refused; all
# verifies the other requests of a location, too; who is verified is the tenant
# that limits count.

use lib 't/lib';
use JobRuns;
use JobRuns::Signer;

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;
my $ann = JobRuns::Signer->new($dir, 'ann', tenancy => 'ocid1.tenancy.oc1..a');
my $bob = JobRuns::Signer->new($dir, 'bob', tenancy => 'ocid1.tenancy.oc1..b');
my $eve = JobRuns::Signer->new($dir, 'eve', tenancy => 'ocid1.tenancy.oc1..a');

JobRuns::Signer::key_file("$dir/keys.json", $ann->entry, $bob->entry);

$t->run(http => '
    jobruns_zone test 1m;
    jobruns_auth_keys %%TESTDIR%%/keys.json;
    log_format auth "$jobruns_request_id $jobruns_outcome $jobruns_auth'
        . ' $jobruns_tenant $jobruns_verified_tenancy";
', server => 'jobruns_auth dry_run; access_log %%TESTDIR%%/auth.log auth;
    location = /jobruns_status { jobruns_status; }
', servers => jobruns_server(2, '
    jobruns_auth all;
    error_page 404 /errors/404.html;
    error_page 405 = /other;
    location = /jobruns_status { jobruns_status; }
    location /open/ { jobruns off; proxy_pass http://service; }
    location = /gone { jobruns_auth on; return 404; }
    location /errors/ { alias %%TESTDIR%%/; }
') . jobruns_server(3, '
    jobruns_auth on;
    jobruns_quota daily key=tenant limit=2 window=day;
') . jobruns_server(4, '
    jobruns_auth on;
    jobruns_tenant $jobruns_verified_tenancy;
    jobruns_principal $jobruns_verified_principal;
    access_log %%TESTDIR%%/auth.log auth;
') . jobruns_server(5, 'jobruns_auth off;') . jobruns_server(6, '
    jobruns_auth all;
    recursive_error_pages on;
    location /denied/ { deny all; error_page 403 @service; }
    location /gone/ { error_page 404 =200 @service; return 404; }
    location /moved/ { error_page 404 = @service; return 404; }
    location /known/ { jobruns_auth on; error_page 404 @service; return 404; }
    location /narrow/ { try_files /nothing @narrow; }
    location @narrow {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        jobruns_auth_tenants ocid1.tenancy.oc1..b;
        proxy_pass http://service;
    }
    location @service {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
    }
'));

$t->write_file('404.html', "not here\n");

my $service = $t->service;

sub at { return '127.0.0.1:' . $t->port($_[0]) }

sub send_to {
    my ($port, $request) = @_;
    return $t->client(at($port))->request($request)->response;
}

sub log_of {
    my ($id) = @_;
    return wait_for { $t->read_file('auth.log') =~ /^$id (.*)$/m && $1 }
        "log line of $id";
}

sub metric {
    my ($name) = @_;
    return $t->get('/jobruns_status?format=prometheus')->body
        =~ /^\Q$name\E (\d+)$/m ? $1 : undef;
}

###############################################################################
# dry_run

my $answer = send_to(0, $t->run_request(request_id => 'dry-1'));
is($answer->status, 201, 'dry run: what would be refused is forwarded');
like(log_of('dry-1'), qr/^created skew:\+\d+ ocid1\.tenancy\.oc1\.\.test -$/,
    'dry run: $jobruns_auth has the reason, and nobody is verified');
my $begin = $t->wait_audit(sub { $_->{data}{request}{id} eq 'dry-1'
    && $_->{eventType} =~ /begin$/ });
is($begin->{data}{additionalDetails}{authenticated}, JSON::PP::false(),
    'dry run: the record says that nobody is authenticated');
like($begin->{data}{additionalDetails}{authenticationFailure},
    qr/^skew:\+\d+$/, 'dry run: the record has the reason');
is(metric('jobruns_unauthenticated_dry_run_total{reason="skew"}'), 1,
    'dry run: it is counted apart');
is(metric('jobruns_unauthenticated_total{reason="skew"}'), 0,
    'dry run: it is not counted as refused');

my $signed = $ann->sign($t->run_request(request_id => 'dry-2'));
is(send_to(0, $signed)->status, 201, 'dry run: a signed request is forwarded');
like(log_of('dry-2'), qr/^created key (\S+) \1$/,
    'dry run: a signed request is verified');

$signed = $ann->sign($t->run_request(request_id => 'dry-3'));
$signed->{body} =~ s/54368733/64368733/;
is(send_to(0, $signed)->status, 201, 'dry run: another body is forwarded');
like(log_of('dry-3'), qr/^created digest /,
    'dry run: another body is not what was signed');
my $large = '{"jobKey":"k","x":"' . 'y' x 100_000 . '"}';
$signed = $ann->sign($t->run_request(request_id => 'dry-4', body => $large));
$signed->{body} =~ s/yy"/yz"/;
is(send_to(0, $signed)->status, 201,
    'dry run: another large body is forwarded');
like(log_of('dry-4'), qr/^created digest /,
    'dry run: another large body is not what was signed');
is($t->create_run(h2 => 1, request_id => 'dry-5')->status, 201,
    'dry run: HTTP/2 is forwarded');

###############################################################################
# all

my $path = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/r1';
my @get = qw(date (request-target) host);

sub get {
    my (%opt) = @_;
    return { method => 'GET', path => $path, headers => [['Host', 'localhost'],
        ['opc-request-id', 'id' . random_id(20)]], %opt };
}

my $before = $service->requests;

$answer = send_to(2, get());
is($answer->status, 401, 'all: an unsigned GET gets 401');
is_deeply($answer->json, { code => 'NotAuthenticated', message =>
    'The required information to complete authentication was not provided or '
    . 'was incorrect.' }, 'all: its body is the JSON of a 401');
is($answer->header('www-authenticate'), 'Signature', 'all: it has the scheme');
ok($answer->header('opc-request-id'), 'all: it has a request id');
is(send_to(2, $eve->sign(get(), names => \@get))->status, 401,
    'all: a GET by an unknown key gets 401');
is(scalar $service->requests, $before, 'all: no service was asked');

send_to(2, $ann->sign(get(), names => \@get));
is($service->last_request->{target}, $path, 'all: a signed GET is forwarded');
send_to(2, $ann->sign(get(method => 'HEAD'), names => \@get));
is($service->last_request->{method}, 'HEAD', 'all: a signed HEAD is forwarded');
is(send_to(2, $ann->sign(get(), names => ['host', 'date']))->status, 401,
    'all: the target of a GET has to be signed');
send_to(2, $ann->sign(get(method => 'DELETE'), names => \@get));
is($service->last_request->{method}, 'DELETE',
    'all: a signed DELETE is forwarded');
send_to(2, $ann->sign(get(method => 'PUT', body => 'x'),
    names => [@get, 'content-length']));
is($service->last_request->{method}, 'PUT',
    'all: a PUT whose Content-Length is signed is forwarded');
is(send_to(2, $ann->sign(get(method => 'PUT', body => 'x', chunked => 1),
    names => [@get, 'content-length']))->status, 401,
    'all: a PUT whose Content-Length is signed and not sent gets 401');

is(send_to(2, $t->run_request)->status, 401,
    'all: an unsigned creation gets 401');
is(send_to(2, $ann->sign($t->run_request))->status, 201,
    'all: a signed creation creates a job run');

is(send_to(2, get(path => '/jobruns_status'))->status, 200,
    'all: the page of the gateway itself asks for no signature');
isnt(send_to(2, get(path => '/open/x'))->status, 401,
    'all: where jobruns is off nothing is verified');
is(send_to(2, get(path => '/gone'))->body, "not here\n",
    'all: the page of an error asks for no signature');
is(send_to(2, get(path => '/errors/404.html'))->status, 401,
    'all: the same page asked for by a client does');

# an error that leads to the service passes on the client's own request

for my $from (qw(denied gone moved known)) {
    for my $method (qw(GET PUT DELETE)) {
        my $to = get(method => $method, path => "/$from/x");

        $before = $service->requests;
        is(send_to(6, $to)->status, 401,
            "all: an unsigned $method that an error leads from /$from/ to the "
            . 'service gets 401');
        is(scalar $service->requests, $before,
            "all: the service does not see the $method to /$from/");
        send_to(6, $ann->sign($to, names => \@get));
        is(scalar $service->requests, $before + 1,
            "all: the service sees a signed $method to /$from/");
    }
}

# who is let in is asked anew where others are

$before = $service->requests;
is(send_to(6, $ann->sign(get(path => '/narrow/x'), names => \@get))->status,
    401, 'all: a tenant that only the first location lets in gets 401');
is(scalar $service->requests, $before, 'all: no service sees its request');
send_to(6, $bob->sign(get(path => '/narrow/x'), names => \@get));
is(scalar $service->requests, $before + 1,
    'all: a tenant that both locations let in is forwarded');

is_deeply([grep { $_ ne 'POST' } map { $_->{data}{request}{action} // 'POST' }
    $t->audit], [], 'all: only attempts to create have records');

###############################################################################
# Who is verified is who counts

is(send_to(3, $ann->sign($t->run_request))->status, 201, 'quota: first of a');
is(send_to(3, $eve->sign($t->run_request, key_id => $ann->{key_id}))->status,
    401, 'quota: a forged request is refused') for 1 .. 3;
is(send_to(3, $ann->sign($t->run_request))->status, 201,
    'quota: forged requests have used nothing of the quota');
is(send_to(3, $ann->sign($t->run_request))->status, 429,
    'quota: the verified tenancy is counted');
is(send_to(3, $bob->sign($t->run_request))->status, 201,
    'quota: another tenancy has its own');
is(send_to(3, $ann->sign($t->run_request, date => time - 1000))->status, 401,
    'quota: who is not authenticated is not told of it');

$signed = $bob->sign($t->run_request(request_id => 'configured'));
is(send_to(4, $signed)->status, 201, 'a tenant by the verified variables');
like(log_of('configured'), qr/^created key ocid1\.tenancy\.oc1\.\.b /,
    'the tenant is the verified tenancy');
is($t->h2('127.0.0.1:' . $t->port(1)) ? 1 : 0, 1, 'HTTP/2 is there');
is(send_to(4, $bob->sign($t->run_request(request_id => 'chunked',
    chunked => 9)))->status, 201,
    'the verified variables are there behind the body');
like(log_of('chunked'), qr/^created key ocid1\.tenancy\.oc1\.\.b /,
    'the tenant of a chunked request is the verified tenancy');

is(send_to(5, $t->run_request)->status, 201, 'off: nothing is verified');
is(scalar grep({ $_->{data}{additionalDetails}{authenticated} }
    grep { ($_->{data}{request}{id} // '') =~ /^dry-[134]$/ } $t->audit), 0,
    'no record claims what is not so');

done_testing;
