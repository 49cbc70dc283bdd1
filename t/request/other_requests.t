#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Requests that are not creations pass unchanged, but get a request id.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $answer;

# one worker: what one connection sent is read before another gets a response
$t->run(workers => 1);

my $service = $t->service;
my $made = qr/^[0-9A-F]{32}$/;

my $path = $t->run_request->{path};
for (
    [GET => $path], [GET => "$path/one?limit=5"], [GET => '/a%2F%2e%2E/;a'],
    [HEAD => $path], [OPTIONS => $path], [PUT => "$path/one", '{}'],
    [DELETE => "$path/one"], [PATCH => "$path/one", 'x' x 100_000],
    [POST => "$path/one/actions/cancel", 'no json'],
    [POST => '/20260430/aiDataPlatforms', '{'],
    [POST => '/2026043/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns', '{'],
    [POST => '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobs', ''],
    [POST => '/', ''],
) {
    my ($method, $target, $body) = @$_;
    my @headers = (['Host', 'h'], ['opc-retry-token', 'x' x 100],
        ['Content-Type', 'text/x'], ['Expect', 'nothing']);

    for my $id (undef, 'good', 'bad id') {
        $answer = $t->request(method => $method, path => $target,
            body => $body, headers => [@headers,
                defined $id ? ['opc-request-id', $id] : ()],
            expect => 0);
        my $got = $service->last_request;
        my $name = "$method $target, id " . ($id // 'absent');

        is("$got->{method} $got->{target}", "$method $target",
            "$name: the service gets method and target");
        is($service->body($got), $body, "$name: the service gets the body")
            if length $body // '';
        my $received = $service->received('opc-request-id', $got);
        defined $id ? is($received, $id,
            "$name: the service gets the client's id")
            : like($received, $made,
            "$name: the service gets an id of the gateway");
        is($service->received('opc-retry-token', $got), 'x' x 100,
            "$name: the service gets opc-retry-token");
        ok(length $answer->header('opc-request-id'),
            "$name: the response has opc-request-id");
        is($answer->header('ratelimit'), undef,
            "$name: the response has no RateLimit");
    }
}

done_testing;
