#!/usr/bin/perl

# opc-request-id in its three modes: what the client sends, what the service
# gets, and what the response says.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $answer;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# one worker: what one connection sent is read before another is answered
$t->run(
    workers => 1,
    server => "
        location /20260401/ { $proxy jobruns_request_id lenient; }
        location /20260402/ { $proxy jobruns_request_id replace; }
    ",
);

my $service = $t->service;

# what the service gets: an id of the gateway's is 32 hex digits ("made");
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
                is($answer->status, 400, "$name: refused");
                is($answer->code, 'InvalidParameter', '... with its code');
                like($answer->json->{message}, qr/opc-request-id/, '... named');
                like($answered, $made, '... under an id of ours');
                is(scalar $service->new_requests, 0, '... not forwarded');
                next;
            }

            is($answer->status, 201, "$name: taken");
            my $received = $service->received('opc-request-id');
            $forwarded eq 'made' ? like($received, $made, '... made')
                : is($received, $forwarded, '... forwarded');
            like($answered, qr{^\Q$received\E/\w+/\w+$},
                "... the service's own on the answer");
        }
    }
}

$answer = $t->create_run(request_id => 'mine',
    stub => { omit => 'opc-request-id' });
is($answer->header('opc-request-id'), 'mine',
    'the id is on an answer that has none');
$answer = $t->create_run(extra => [['opc-request-id', 'twice']]);
is($answer->status, 400, 'a repeated id');

# what the client signed is refused, not replaced

for my $mode (qw(replace strict)) {
    $service->new_requests;
    $answer = $t->create_run(request_id => 'a b', version => $version{$mode},
        authorization => 'Signature version="1",keyId="a/b/c",algorithm="rsa-'
            . 'sha256",headers="date OPC-Request-Id host",signature="c2ln"');
    is($answer->status . ' ' . $answer->code, '400 InvalidParameter',
        "$mode: a signed id is refused");
    is(scalar $service->new_requests, 0, '... not forwarded');
}

# one that is signed as absent is not added; the answer has ours

for my $mode (qw(strict lenient replace)) {
    for my $signed (0, 1) {
        $service->new_requests;
        $answer = $t->create_run(request_id => undef,
            version => $version{$mode}, stub => { omit => 'opc-request-id' },
            authorization => 'Signature version="1",keyId="a/b/c",'
                . 'algorithm="rsa-sha256",headers="date '
                . ($signed ? 'opc-request-id ' : '')
                . 'host",signature="c2ln"');
        is($answer->status, 201, "$mode, signed $signed, absent: created");
        like($answer->header('opc-request-id'), $made,
            '... answered with ours');
        my $received = $service->received('opc-request-id');
        $signed ? is($received, '', '... not added')
            : is($received, $answer->header('opc-request-id'), '... added');
    }
}

# blanks around an id are no part of it

for my $mode (qw(strict lenient replace)) {
    $service->new_requests;
    $answer = $t->create_run(request_id => " \ta-1\t ",
        version => $version{$mode}, stub => { omit => 'opc-request-id' });
    is($answer->status, 201, "$mode: blanks around an id");
    is($answer->header('opc-request-id'), 'a-1', '... trimmed');
    like($service->received('opc-request-id'), qr/^\s*a-1\s*$/,
        '... the client\'s own');
}

# two requests do not get the same

$service->new_requests;
$t->create_run(request_id => undef) for 1, 2;
my @made = map { $service->received('opc-request-id', $_) }
    $service->new_requests;
is(scalar @made, 2, 'two requests without an id');
isnt($made[0], $made[1], '... get different ones');

done_testing;
