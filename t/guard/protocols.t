#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Two kinds of requests do not leave as plain HTTP/1: those to memcached_pass,
# which takes no POST, and connections that are upgraded.  No creation leaves
# by either, and other requests leave as they would without the module.

use lib 't/lib';
use JobRuns;

use IO::Select;
use IO::Socket::INET;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $create = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';
my $upgraded = 'proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    proxy_set_header Host $http_host;
    proxy_set_header Accept-Encoding $jobruns_accept_encoding;';

my %listen = map {
    $_ => IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
        LocalPort => $t->port($_), ReuseAddr => 1) // die "listen: $!"
} 50, 51;

$t->allow_log(qr/jobruns: .*stopped on its way out/);

$t->run(workers => 1,
    http => 'upstream stored { server 127.0.0.1:%%PORT_50%%; }
        upstream sockets { server 127.0.0.1:%%PORT_51%%; }
        upstream refusing { server 127.0.0.1:%%PORT_90%%; }',
    server => "
    $proxy
    set \$memcached_key \$uri;
    location /20260501/ { memcached_pass stored; }
    location /20260503/ { $proxy proxy_pass http://service;
        auth_request /stored; }
    location = /stored { memcached_pass stored; }
    location /20260504/ { $proxy proxy_pass http://refusing;
        error_page 502 503 = \@stored; }
    location /20260505/ { $proxy proxy_pass http://refusing;
        error_page 502 503 = /stored; }
    location \@stored { memcached_pass stored; }
    location /20260506/ { $upgraded proxy_pass http://sockets; }
    location /20260507/ { $upgraded proxy_pass http://service; }
", servers => "
    server {
        listen 127.0.0.1:%%PORT_2%%;
        set \$memcached_key \$uri;
        location /on/ { $proxy jobruns on; proxy_pass http://service; }
        location / { memcached_pass stored; }
        location /sockets/ { $upgraded proxy_http_version 1.1;
            proxy_pass http://sockets; }
    }
");

my $unset = '127.0.0.1:' . $t->port(2);

# the next connection to one of the servers, up to what the pattern matches

sub accepted {
    my ($n, $pattern) = @_;

    my $peer;
    wait_for { IO::Select->new($listen{$n})->can_read(0.1)
        && ($peer = $listen{$n}->accept) } "a connection to server $n";

    my $in = '';
    wait_for { !IO::Select->new($peer)->can_read(0.1)
        || sysread $peer, $in, 65536, length $in; $in =~ $pattern }
        "$pattern from NGINX";

    return ($peer, $in);
}

sub untouched {
    my ($n, $name) = @_;

    ok(!IO::Select->new($listen{$n})->can_read(0), $name);
}

my $stored = "VALUE /x 0 6\r\nstored\r\nEND\r\n";

###############################################################################
# memcached_pass: a GET gets a response, a creation is refused

sub get_stored {
    my ($name, $path, @to) = @_;

    my $client = $t->client(@to)->request({ path => $path,
        headers => [['Host', 'localhost']] });
    my ($peer, $in) = accepted(50, qr/\r\n/);
    is($in, "get $path\r\n", "$name: memcached is asked");
    syswrite $peer, $stored =~ s/\/x/$path/r;
    my $answer = $client->response;
    is($answer->status, 200, "$name: the status is 200");
    is($answer->body, 'stored', "$name: the body is what memcached has stored");
}

get_stored('a GET', '/20260501/x');
get_stored('a GET of the path', $create =~ s/20260430/20260501/r);
get_stored('a GET where jobruns is not set', '/x', $unset);

sub refused {
    my ($name, $status, $code, $outcome, %opt) = @_;

    my $before = $t->service->counts->{requests};
    my ($token, $id) = (random_id, random_id(20));
    my $answer = $t->create_run(token => $token, request_id => $id, %opt);

    is($answer->status, $status, "$name: the status is $status");
    is($answer->code, $code, "$name: the code is $code");
    is($answer->header('opc-request-id'), $id,
        "$name: the response has the id of the request");
    is($t->service->counts->{requests}, $before, "$name: no service was asked");
    untouched(50, "$name: memcached was not asked");

    my $record = $t->wait_audit(sub {
        ($_->{data}{request}{id} // '') eq $id
            && $_->{data}{additionalDetails}{outcome} });
    is($record->{data}{additionalDetails}{outcome}, $outcome,
        "$name: the audit log has the outcome $outcome");

    is($t->create_run(token => $token)->status, 201,
        "$name: the token is free");
}

refused('a creation', 503, 'ServiceUnavailable', 'unsent',
    version => 20260501);
refused('a creation that error_page leads to a name',
    503, 'ServiceUnavailable', 'unsent',
    version => 20260504);
refused('a creation that error_page leads to a URI',
    503, 'ServiceUnavailable', 'unsent',
    version => 20260505);
refused('a creation where jobruns is not set',
    404, 'NotAuthorizedOrNotFound', 'invalid',
    to => $unset);

# a subrequest to it is a GET: it allows the creation, or not

my $before = $t->service->counts->{creations};
my $run = $t->start_run(version => 20260503);
my ($peer, $in) = accepted(50, qr/\r\n/);
is($in, "get /stored\r\n", 'auth_request asks memcached');
syswrite $peer, $stored =~ s/\/x/\/stored/r;
is($run->response->status, 201, 'a creation that memcached allows is created');
is($t->service->counts->{creations}, $before + 1,
    'a creation that memcached allows is sent once');

###############################################################################
# An upgrade: a GET becomes a connection of its own, both ways

my @upgrade = (['Host', 'localhost'], ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', 13],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']);
my $switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
    . "Upgrade: websocket\r\n\r\n";

sub read_some {
    my ($from, $want) = @_;

    my $got = '';
    wait_for { !IO::Select->new($from)->can_read(0.1)
        || sysread $from, $got, 65536, length $got;
        length $got >= length $want } 'what the other side sends';

    return $got;
}

for (
    ['where jobruns is on', '/20260506/ws'],
    ['of the path of a creation', $create =~ s/20260430/20260506/r],
    ['where jobruns is not set', '/sockets/ws', $unset],
) {
    my ($name, $path, @to) = @$_;

    my $client = $t->client(@to)->request({ path => $path,
        headers => \@upgrade });
    my ($peer, $head) = accepted(51, qr/\r\n\r\n/);
    like($head, qr/\AGET \Q$path\E HTTP\/1\.1\r\n/,
        "an upgrade $name: the request is passed on");
    like($head, qr/^Upgrade: websocket\r$/m,
        "an upgrade $name: Upgrade is passed on");
    like($head, qr/^Connection: Upgrade\r$/m,
        "an upgrade $name: Connection is passed on");

    syswrite $peer, $switching;
    my $answer = $client->read_head;
    is($answer->status, 101, "an upgrade $name: the client gets the 101");

    # what looks like a request is none of NGINX's business any more

    my $frame = "\x81\x05hello POST $create HTTP/1.1\r\n\r\n";
    $client->send($frame);
    is(read_some($peer, $frame), $frame,
        "an upgrade $name: what the client sends is passed on");
    syswrite $peer, "\x81\x02ok";
    is(read_some($client->{socket}, "\x81\x02ok"), "\x81\x02ok",
        "an upgrade $name: what the service sends is passed on");
    $client->close;
    close $peer;
}

# a creation is not upgraded, whatever its client and the service say

my $id = random_id(20);
my $answer = $t->create_run(version => 20260507, request_id => $id,
    headers => { Connection => 'Upgrade', Upgrade => 'websocket' });
is($answer->status, 201, 'a creation with Upgrade is created');

$run = $t->start_run(version => 20260506, request_id => $id = random_id(20),
    headers => { Connection => 'Upgrade', Upgrade => 'websocket' });
($peer, $in) = accepted(51, qr/\r\n\r\n/);
syswrite $peer, $switching;
is($run->response->status, 503,
    'a 101 in response to a creation is not passed on');
close $peer;

my $record = $t->wait_audit(sub { ($_->{data}{request}{id} // '') eq $id
    && $_->{data}{additionalDetails}{outcome} });
is($record->{data}{additionalDetails}{outcome}, 'unknown',
    'a 101 in response to a creation leaves the outcome unknown');

done_testing;
