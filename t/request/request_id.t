#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# opc-request-id has three modes, which decide what the service and the client
# get for the id that the client sends.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $answer;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# one worker: what one connection sent is read before another gets a response
$t->run(
    workers => 1,
    server => "
        location /20260401/ { $proxy jobruns_request_id lenient; }
        location /20260402/ { $proxy jobruns_request_id replace; }
    ",
);

my $service = $t->service;

# what the service gets: an id of the gateway is 32 hex digits ("made");
# undef: nothing, the request is refused

my $made = qr/^[0-9A-F]{32}$/;
my %ids = (
    strict => [
        [undef, 'made'], ['a'], ['A-Z_09'], ['x' x 256], ['x' x 257, undef],
        ['', undef], ['a/b', undef], ['a b', undef], ['a.b', undef],
        ["\xc3\xa9", undef], ['a,b', undef],
    ],
    lenient => [
        [undef, 'made'], ['a'], ['a/b'], ['a/b/c-1_2'], ['/a', undef],
        ['a/', undef], ['a//b', undef], ['a b', undef], ['x' x 256],
        ['x' x 257, undef],
    ],
    replace => [
        [undef, 'made'], ['a'], ['a/b', 'made'], ['a b', 'made'],
        ['x' x 257, 'made'], ['', 'made'], ["\xc3\xa9", 'made'],
    ],
);
my %version = (strict => 20260430, lenient => 20260401, replace => 20260402);

for my $mode (sort keys %ids) {
    for my $row (@{$ids{$mode}}) {
        my ($id, $forwarded) = @$row;
        $forwarded = $id if @$row == 1;
        my $name = "$mode: " . (defined $id ? '"' . substr($id, 0, 20)
            . '" ' . length $id : 'absent');

        for my $h2 (0, 1) {
            $service->new_requests;
            my $answer = $t->create_run(request_id => $id, h2 => $h2,
                version => $version{$mode});
            my $answered = join '|', $answer->header_all('opc-request-id');

            if (!defined $forwarded) {
                is($answer->status, 400, "$name: the request is refused");
                is($answer->code, 'InvalidParameter',
                    "$name: the code is InvalidParameter");
                like($answer->json->{message}, qr/opc-request-id/,
                    "$name: the message names opc-request-id");
                like($answered, $made,
                    "$name: the response has an id of the gateway");
                is(scalar $service->new_requests, 0,
                    "$name: the request is not forwarded");
                next;
            }

            is($answer->status, 201, "$name: the request is accepted");
            my $received = $service->received('opc-request-id');
            $forwarded eq 'made' ? like($received, $made,
                "$name: the service gets an id of the gateway")
                : is($received, $forwarded,
                "$name: the service gets the id of the client");
            like($answered, qr{^\Q$received\E/\w+/\w+$},
                "$name: the response has the id of the service");
        }
    }
}

$answer = $t->create_run(request_id => 'mine',
    stub => { omit => 'opc-request-id' });
is($answer->header('opc-request-id'), 'mine',
    'the id is on a response that the service sent without one');
$answer = $t->create_run(extra => [['opc-request-id', 'twice']]);
is($answer->status, 400, 'a repeated id is refused');

# what the client signed is refused, not replaced

for my $mode (qw(replace strict)) {
    $service->new_requests;
    $answer = $t->create_run(request_id => 'a b', version => $version{$mode},
        authorization => 'Signature version="1",keyId="a/b/c",algorithm="rsa-'
            . 'sha256",headers="date OPC-Request-Id host",signature="c2ln"');
    is($answer->status . ' ' . $answer->code, '400 InvalidParameter',
        "$mode: a signed id is refused");
    is(scalar $service->new_requests, 0,
        "$mode: a request with a signed id is not forwarded");
}

# an id that is signed as absent is not added; the response has one of the
# gateway

for my $mode (qw(strict lenient replace)) {
    for my $signed (0, 1) {
        $service->new_requests;
        $answer = $t->create_run(request_id => undef,
            version => $version{$mode}, stub => { omit => 'opc-request-id' },
            authorization => 'Signature version="1",keyId="a/b/c",'
                . 'algorithm="rsa-sha256",headers="date '
                . ($signed ? 'opc-request-id ' : '')
                . 'host",signature="c2ln"');
        is($answer->status, 201,
            "$mode, signed $signed, absent: the job run is created");
        like($answer->header('opc-request-id'), $made,
            "$mode, signed $signed, absent: the response has an id of the "
            . "gateway");
        my $received = $service->received('opc-request-id');
        $signed ? is($received, '',
            "$mode, signed $signed, absent: the service gets no id")
            : is($received, $answer->header('opc-request-id'),
            "$mode, signed $signed, absent: the service gets the same id");
    }
}

# blanks around an id are not part of it

for my $mode (qw(strict lenient replace)) {
    $service->new_requests;
    $answer = $t->create_run(request_id => " \ta-1\t ",
        version => $version{$mode}, stub => { omit => 'opc-request-id' });
    is($answer->status, 201, "$mode: an id with blanks around it is accepted");
    is($answer->header('opc-request-id'), 'a-1',
        "$mode: the blanks around an id are trimmed");
    like($service->received('opc-request-id'), qr/^\s*a-1\s*$/,
        "$mode: the service gets the id of the client");
}

# two requests do not get the same id

$service->new_requests;
$t->create_run(request_id => undef) for 1, 2;
my @made = map { $service->received('opc-request-id', $_) }
    $service->new_requests;
is(scalar @made, 2, 'two requests without an id reach the service');
isnt($made[0], $made[1], 'two requests without an id get different ones');

done_testing;
