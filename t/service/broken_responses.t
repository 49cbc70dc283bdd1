#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A response of the service ends wrongly: the client gets a response that says
# the outcome is unknown, and nothing of it is stored or replayed.

use lib 't/lib';
use JobRuns;

use MIME::Base64 qw(encode_base64);

my $t = JobRuns->new;
$t->run(workers => 1, server => <<'END');
    location ~ /unbuffered/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        proxy_buffering off;
    }
END

my $json = '{"key":"one","name":"x","list":[1,{"a":"}\"]"}]}';
my $created = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n";
my $chunked = "${created}Transfer-Encoding: chunked\r\n\r\n";
my $whole = sprintf "%x\r\n%s\r\n0\r\n\r\n", length $json, $json;

my %broken = (
    'an invalid size' => "${chunked}zz\r\n$json\r\n0\r\n\r\n",
    'an invalid second size' => "${chunked}2\r\n{}\r\nxx\r\n",
    'no line end after a chunk' => "${chunked}2\r\n{}xx0\r\n\r\n",
    'a negative size' => "${chunked}-2\r\n{}\r\n0\r\n\r\n",
    'a size that is too large' => $chunked . 'f' x 40 . "\r\n{}\r\n",
    'no chunks at all' => "$chunked$json",
    'a shorter body' => sprintf("%sContent-Length: %d\r\n\r\n%s", $created,
        length($json) + 1, $json),
    'no body' => "${created}Content-Length: 20\r\n\r\n",
    'nothing, to the end of the connection' => "$created\r\n",
    (map { ("chunks cut at $_" => $chunked . substr $whole, 0, $_) }
        0, 1, 3, 4, 10, length($whole) - 6, length($whole) - 4),
    (map { ("JSON cut at $_" => "$created\r\n" . substr $json, 0, $_) }
        1, 2, 20, length($json) - 1),
);

my %good = (
    'chunks' => "$chunked$whole",
    'a trailer' => $chunked . ($whole =~ s/\r\n\z/X-T: 1\r\n\r\n/r),
    'a length' => sprintf("%sContent-Length: %d\r\n\r\n%s", $created,
        length $json, $json),
    'the end of the connection' => "$created\r\n$json\n",
);

sub answered {
    my ($token, $raw, $workspace) = @_;

    return $t->create_run(token => $token, workspace => $workspace,
        stub => { raw_base64 => encode_base64($raw, '') });
}

for my $workspace (qw(buffered unbuffered)) {
    for my $name (sort keys %broken) {
        my $token = random_id();
        my $r = answered($token, $broken{$name}, $workspace);

        is($r->status, 503, "$workspace, $name: the status is 503");
        like($r->code // '', qr/^ExternalServer/,
            "$workspace, $name: the code says that the service's response is "
            . "at fault");
        ok($r->complete, "$workspace, $name: the response is whole");

        $r = answered($token, $good{chunks}, $workspace);
        is($r->status, 201, "$workspace, $name: the retry is forwarded");
        ok(!$r->header('opc-retry-replayed'),
            "$workspace, $name: the retry is not replayed");
    }

    for my $name (sort keys %good) {
        my $token = random_id();
        my $r = answered($token, $good{$name}, $workspace);

        is($r->status, 201, "$workspace, $name: the job run is created");
        is($r->body =~ s/\n\z//r, $json,
            "$workspace, $name: the body is passed on as it came");

        $r = answered($token, $good{$name}, $workspace);
        is($r->header('opc-retry-replayed'), 'true',
            "$workspace, $name: the retry gets the stored response");
    }
}

is(scalar(grep { $_->{eventType} =~ /end$/
    && $_->{data}{additionalDetails}{outcome} eq 'unknown' } $t->audit),
    2 * keys %broken,
    'the audit log has all broken responses as unknown outcomes');

done_testing;
