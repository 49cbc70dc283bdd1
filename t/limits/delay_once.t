#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A creation waits for limits no longer than their delay, however often it
# waits: what it has waited before counts, also when it was behind its own
# token in between.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');

plan(skip_all => 'needs ' . JobRuns::Clock::library())
    unless -f JobRuns::Clock::library();

$clock->run(sub { $t->run(workers => 1, server => '
    jobruns_retry_wait 50s; jobruns_retry_lease 60s; proxy_read_timeout 60s;
    jobruns_concurrency line key=workspace limit=1 delay=30s;
    location = /status { jobruns_status; }',
    http => 'jobruns_zone status 1m; jobruns_redis_timeout 20s;
        jobruns_redis_connect_timeout 20s;') });

my $service = $t->service;

my $token = random_id;
my $holds = $t->start_run(token => random_id, stub => { wait_read => 'one' });
$service->wait_at('one');

my $first = $t->start_run(token => $token,
    stub => { wait_read => 'two', status => 404 });
$t->wait_delayed(1);
my $retry = $t->start_run(token => $token, request_id => 'the-retry');
$t->wait_delayed(2);
my $other = $t->start_run(token => random_id, stub => { wait_read => 'three' });
$t->wait_delayed(3);

$clock->passed(16);
$service->release('one');
is($holds->response->status, 201, 'who has the slot is created');
$service->wait_at('two');
$t->wait_delayed(1);
ok(1, 'a retry waits for the attempt of its token that has a slot now');

$service->release('two');
is($first->response->status, 404, 'the service refuses this attempt');
$service->wait_at('three');
$t->wait_delayed(1);
ok(1, 'its retry waits in the line again, behind another one');

# 16 and 15 seconds
$clock->passed(31);
my $answer = $retry->response;
is($answer->status, 429, 'the retry gets 429 when its delay is over');

$service->release('three');
is($other->response->status, 201, 'the other one is created');

my $record = $t->wait_audit(sub { $_->{data}{request}{id} eq 'the-retry' });
my $waited = $record->{data}{additionalDetails}{durationsMs}{waited};
cmp_ok($waited, '>=', 30000, 'it has waited for as long as the delay');
cmp_ok($waited, '<', 40000, 'its second wait was what the first one had left');

done_testing;
