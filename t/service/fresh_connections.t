#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A creation is sent on a connection that was not used before, whatever the
# upstream keeps open: one that the service has closed meanwhile would make
# its outcome unknown.  Other requests use connections again.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->run(workers => 1,
    http => 'upstream kept { server %%SERVICE%%; keepalive 8; }
        upstream usual { server %%SERVICE%%; }',
    servers => jobruns_server(2, 'jobruns_retry_unknown refuse;', 'kept')
        . jobruns_server(3, 'jobruns_retry_unknown refuse;', 'usual'));

my $to = "127.0.0.1:" . $t->port(2);

for (1 .. 3) {
    is($t->get("/other", to => $to)->status, 404,
        'a GET is sent by an upstream with keepalive')
        for 1 .. 2;
    is($t->create_run(token => "t$_", to => $to)->status, 201,
        'a creation is sent by an upstream with keepalive');
}

my @posts = grep { $_->{method} eq 'POST' } $t->service->requests;
my @gets = grep { $_->{method} eq 'GET' } $t->service->requests;

is(scalar @posts, 3, 'the service was asked for three creations');
is_deeply([map { $_->{request_of_connection} } @posts], [1, 1, 1],
    'each creation is the first request of its connection with keepalive');
ok((grep { $_->{request_of_connection} > 1 } @gets) >= 5,
    'GETs use connections again, also those of creations');

# an upstream without "keepalive" keeps connections by default since 1.29.7

my $service = $t->service;
$service->reset;
$to = "127.0.0.1:" . $t->port(3);

for (1 .. 6) {
    is($t->get("/other", to => $to)->status, 404,
        'a GET is sent by an upstream with connections kept by default')
        for 1 .. 2;
    is($t->create_run(token => "d$_", to => $to)->status, 201,
        'a creation is sent by an upstream with connections kept by default');
}

@posts = grep { $_->{method} eq 'POST' } $service->requests;
@gets = grep { $_->{method} eq 'GET' } $service->requests;
is_deeply([map { $_->{request_of_connection} } @posts], [(1) x 6],
    'each creation is the first request of its connection by default');
ok(JobRuns::Nginx::version() < 1_029_007
    || (grep { $_->{request_of_connection} > 1 } @gets) >= 11,
    'GETs use connections again where they are kept by default');

# The service resets a connection that is used again, before it reads from it:
# GETs are sent again, and creations are not met by it.  So no token, which
# "refuse" would hold in 409 for good, is unknown of a run that was not made.

for ([2, 'with "keepalive"'], [3, 'by default']) {
    my ($port, $kept) = @$_;
    $to = '127.0.0.1:' . $t->port($port);
    $service->reset;
    $service->plan({ end_reuse => 'reset', times => 0 });

    for (1 .. 6) {
        my %run = (token => "$port-$_", to => $to);

        is($t->get('/other', to => $to)->status, 404,
            "kept $kept: a GET gets its response");
        is($t->create_run(%run)->status, 201,
            "kept $kept: a creation is created");
        is($t->create_run(%run)->header('opc-retry-replayed'), 'true',
            "kept $kept: the retry of a creation is replayed");
        is($service->created("$port-$_"), 1,
            "kept $kept: one job run is created");
    }

    my @reset = grep { ($_->{done}[0] // '') eq 'reset at reuse' }
        $service->requests;
    ok(@reset >= 5, "kept $kept: the service has reset connections")
        if $port == 2 || JobRuns::Nginx::version() >= 1_029_007;
    is(scalar(grep { ($_->{data}{additionalDetails}{outcome} // '')
        eq 'unknown' } $t->audit), 0,
        "kept $kept: no outcome is unknown");
}

done_testing();
