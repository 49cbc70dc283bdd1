#!/usr/bin/perl

# What is not a creation passes untouched, but has an id.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $answer;

# one worker: what one connection sent is read before another is answered
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

        is("$got->{method} $got->{target}", "$method $target", $name);
        is($service->body($got), $body, '... its body') if length $body // '';
        my $received = $service->received('opc-request-id', $got);
        defined $id ? is($received, $id, '... its id')
            : like($received, $made, '... an id');
        is($service->received('opc-retry-token', $got), 'x' x 100,
            '... a header');
        ok(length $answer->header('opc-request-id'), '... id on the answer');
        is($answer->header('ratelimit'), undef, '... no limit');
    }
}

done_testing;
