#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The service and a post_action can lead a request on after it was sent: by
# X-Accel-Redirect, and in a location where jobruns is off.  The response to a
# creation is the one of the service, and nothing makes another creation of
# it.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $create = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

$t->allow_log(qr/jobruns: .*stopped on its way out/);
$t->allow_log(qr/jobruns: .*post_action/);

$t->run(workers => 1,
    http => 'upstream refusing { server 127.0.0.1:%%PORT_90%%; }
        upstream after { server %%SERVICE_after%%; }
        log_format post "$status $jobruns_outcome";',
    server => "
    $proxy
    location = /page { return 200 'a page'; }
    location \@page { return 200 'a page'; }
    location \@again { $proxy proxy_pass http://service; }
    location /20260502/ { jobruns dry_run; proxy_pass http://service; }
", servers => "
    server {
        listen 127.0.0.1:%%PORT_2%%;
        access_log %%TESTDIR%%/post.log post;

        location /20260430/ { $proxy jobruns on; proxy_pass http://service; }
        location /20260501/ { $proxy jobruns on; proxy_pass http://refusing;
            error_page 502 503 = \@obeys; }
        location \@obeys { proxy_ignore_client_abort on;
            proxy_set_header Host \$http_host; proxy_pass http://service; }
        location /files/ { proxy_pass http://service; }
        location = /page { return 200 'a page'; }
        location \@again { rewrite ^ $create break;
            proxy_pass http://service; }

        location /20260502/ { jobruns off; proxy_pass http://service;
            post_action \@unset; }
        location /20260503/ { jobruns off; proxy_pass http://service;
            post_action /unset; }
        location /20260504/ { jobruns off; proxy_pass http://service;
            post_action \@on; }
        location /20260505/ { jobruns off; proxy_pass http://service;
            post_action /on; }
        location /20260506/ { $proxy jobruns on; proxy_pass http://refusing;
            error_page 502 503 = \@unset_off; }
        location /20260507/ { $proxy jobruns on; proxy_pass http://refusing;
            error_page 502 503 = \@off_off; }
        location /20260508/ { $proxy jobruns on; proxy_pass http://refusing;
            error_page 502 503 = \@on_off; }
        location /20260509/ { $proxy jobruns on; proxy_pass http://refusing;
            error_page 502 503 = \@fast_off; }
        location /free/ { jobruns off; proxy_pass http://service;
            post_action \@unset; }
        location /off/ { jobruns off; proxy_pass http://service;
            post_action \@off; }

        location \@unset_off { jobruns off; $proxy proxy_pass http://service;
            post_action /unset; }
        location \@off_off { jobruns off; $proxy proxy_pass http://service;
            post_action \@off; }
        location \@on_off { jobruns off; $proxy proxy_pass http://service;
            post_action \@on; }
        location \@fast_off { jobruns off; $proxy proxy_pass http://service;
            post_action \@fast; }

        location \@unset { $proxy proxy_pass http://after; }
        location = /unset { $proxy proxy_pass http://after; }
        location \@on { $proxy jobruns on; proxy_pass http://after; }
        location = /on { $proxy jobruns on; proxy_pass http://after; }
        location \@off { jobruns off; proxy_pass http://after; }
        location \@fast { jobruns off; fastcgi_pass after; }
    }
");

my $other = '127.0.0.1:' . $t->port(2);
my ($service, $after) = ($t->service, $t->service('after'));

sub counts { return $service->counts->{$_[0] // 'requests'} }

sub outcome {
    my ($id) = @_;

    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id
            && $_->{data}{additionalDetails}{outcome} });
    return $record->{data}{additionalDetails}{outcome};
}

###############################################################################
# X-Accel-Redirect in the response to a creation is not obeyed

for my $version (20260430, 20260502) {
    for my $to ('/page', '@page', '@again', $create, '/none') {
        my $before = counts();
        my ($token, $id) = (random_id, random_id(20));
        my $answer = $t->create_run(token => $token, request_id => $id,
            version => $version,
            stub => { header => "X-Accel-Redirect: $to" });

        is($answer->status, 201,
            "$version, X-Accel-Redirect: $to: the status is 201");
        ok($answer->json->{key},
            "$version, X-Accel-Redirect: $to: the response is the one of the "
            . "service");
        is(outcome($id), 'created',
            "$version, X-Accel-Redirect: $to: the audit log has the outcome "
            . "created");

        my $again = $t->create_run(token => $token, version => $version);
        is($again->header('opc-retry-replayed'), 'true',
            "$version, X-Accel-Redirect: $to: a retry is replayed");
        is($again->body, $answer->body,
            "$version, X-Accel-Redirect: $to: the replay has the same body");
        is(counts(), $before + 1,
            "$version, X-Accel-Redirect: $to: the creation was sent once");
    }
}

# a creation that error_page leads to where it would be obeyed does not leave

my ($before, $token, $id) = (counts(), random_id, random_id(20));
my $answer = $t->create_run(to => $other, version => 20260501, token => $token,
    request_id => $id, stub => { header => 'X-Accel-Redirect: /page' });
is($answer->status, 500,
    'a creation led to a location that obeys X-Accel-Redirect: 500');
is(counts(), $before,
    'a creation led to a location that obeys X-Accel-Redirect was not sent');
is(outcome($id), 'unsent',
    'a creation led to a location that obeys X-Accel-Redirect is audited as '
    . 'unsent');
like($t->nginx->error_log, qr/location that it leaves by obeys X-Accel-/,
    'error.log names X-Accel-Redirect as the reason why a creation was '
    . 'stopped');
is($t->create_run(to => $other, token => $token)->status, 201,
    'a creation led to a location that obeys X-Accel-Redirect has a free '
    . 'token');

# another request is led on as ever, and no creation is made of it

sub led {
    my ($name, $method, $to, $status, $body, $requests) = @_;

    my ($before, $created) = (counts(), counts('creations'));
    my $answer = $t->request(to => $other, path => '/files/x',
        method => $method, headers => [['Host', 'localhost'],
            ['X-Stub-Status', 200], ['X-Stub-Header', "X-Accel-Redirect: $to"],
            ['Content-Type', 'application/json']],
        $method eq 'POST' ? (body => '{}') : ());

    is($answer->status, $status,
        "$method, X-Accel-Redirect: $to: the status is $status");
    is($answer->body, $body,
        "$method, X-Accel-Redirect: $to: the body is the page")
        if defined $body;
    is(counts(), $before + $requests,
        "$method, X-Accel-Redirect: $to: requests sent: $requests");
    is(counts('creations'), $created,
        "$method, X-Accel-Redirect: $to: nothing is created");
}

led('a page', GET => '/page', 200, 'a page', 1);
led('a page', POST => '/page', 200, 'a page', 1);
led('a GET of a creation', GET => $create, 200, undef, 2);
led('a GET of a creation', POST => $create, 200, undef, 2);
led('a creation', POST => '@again', 404, undef, 1);

###############################################################################
# post_action after a response: nothing is created by it

sub acted {
    my ($name, $path, $outcome) = @_;

    my ($before, $copies) = (counts('creations'), $after->counts->{requests});
    my ($id, $seen) = (random_id(20), length $t->read_file('post.log'));

    my $client = $t->client($other);
    my $answer = $t->create_run(on => $client, version => $path,
        request_id => $id);
    is($answer->status, 201, "$name: a job run is created");
    ok($answer->json->{key}, "$name: the response is the one of the service");
    $client->close;
    wait_for { length $t->read_file('post.log') > $seen } 'its access_log';

    is(counts('creations'), $before + 1, "$name: one job run is created");
    is($after->counts->{requests}, $copies, "$name: post_action sent no copy");
    is(outcome($id), $outcome, "$name: the audit log has the outcome $outcome")
        if $outcome;
    is((split /\n/, substr $t->read_file('post.log'), $seen)[0],
        '201 ' . ($outcome // '-'),
            "$name: the access log has status and outcome");
}

acted('post_action where jobruns is off, to an unset name', 20260502);
acted('post_action where jobruns is off, to an unset URI', 20260503);
acted('post_action where jobruns is off, to a name where it is on', 20260504);
acted('post_action where jobruns is off, to a URI where it is on', 20260505);
acted('post_action of an attempt, to an unset URI', 20260506, 'created');
acted('post_action of an attempt, to a name where jobruns is off',
    20260507, 'created');
acted('post_action of an attempt, to a name where jobruns is on',
    20260508, 'created');
acted('post_action of an attempt, to fastcgi_pass', 20260509, 'created');

# of another request it does what it always did

for my $path ('/free/x', '/off/x') {
    my $copies = $after->counts->{requests};
    is($t->request(to => $other, path => $path, method => 'POST',
        body => 'x')->status, 404,
        "another request with post_action gets its response: $path");
    wait_for { $after->counts->{requests} > $copies } 'its post_action';
}

done_testing;
