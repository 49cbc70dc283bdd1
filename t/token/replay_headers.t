#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A response with a control character in a header of those that are stored is
# passed on as it came, and stored and replayed without that header.

use lib 't/lib';
use JobRuns;

use MIME::Base64 qw(encode_base64);

my $t = JobRuns->new;
$t->run(workers => 1);

my $json = '{"key":"one"}';

my %all = (
    'content-location' => 'https://service/jobRuns/one',
    etag => '"tag"',
    location => 'https://service/jobRuns/one',
    'opc-work-request-id' => 'work',
    'opc-request-id' => 'service-id',
);

for my $bad (sort keys %all) {
    my %headers = (%all, $bad => "$all{$bad}\x01");
    my $raw = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
        . 'Content-Length: ' . length($json) . "\r\n\r\n$json";
    my $token = random_id();

    my $first = $t->create_run(token => $token,
        stub => { raw_base64 => encode_base64($raw, '') });
    is($first->status, 201, "$bad: the response is passed on");

    my $again = $t->create_run(token => $token);
    is($again->status, 201, "$bad: the retry gets 201");
    is($again->header('opc-retry-replayed'), 'true',
        "$bad: the retry is replayed");
    is($again->body, $json, "$bad: the retry gets the same body");
    is($again->header($_), $_ eq $bad ? undef : $all{$_},
        "$bad: the retry gets $_ only without a control character")
        for grep { $_ ne 'opc-request-id' } sort keys %all;
}

$t->wait_log(qr/header "content-location" of the service contains a control /);

$t->allow_log(qr/contains a control character/);

done_testing;
