#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A rate and a concurrency, both with delay=: who has waited for a slot then
# waits for a turn, and holds up nobody in the line that it has left.

use lib 't/lib';
use JobRuns;

use Time::HiRes 'time';

my $t = JobRuns->new;

$t->run(workers => 1, server => 'location = /status { jobruns_status; }
    jobruns_limit turns key=workspace rate=15r/m delay=50s;
    jobruns_concurrency line key=workspace limit=1 delay=50s;',
    http => 'jobruns_zone status 1m; jobruns_redis_timeout 20s;
        jobruns_redis_connect_timeout 20s;');

my $service = $t->service;

my $began = time;
my $first = $t->start_run(token => random_id, stub => { wait_read => 'gate' });
$service->wait_at('gate');

my @tokens = (random_id, random_id);
my @waiting;
for (@tokens) {
    push @waiting, $t->start_run(token => $_);
    $t->wait_delayed(scalar @waiting);
}

$service->release('gate');
is($first->response->status, 201, 'who has the slot is created');

my @answers = map { $_->response(40) } @waiting;
is($answers[0]->status, 201, 'one that waited for a slot and for a turn is '
    . 'created');
is($answers[1]->status, 201, 'so is the one behind it in the line');

my %went = map { ($_->{token} // '') => $_->{time} - $began }
    $service->requests;
cmp_ok($went{$tokens[0]}, '>=', 3.9, 'the first of them goes at its turn');
cmp_ok($went{$tokens[1]}, '>=', 7.9, 'and so does the second');

is(scalar($t->redis->keys('*:v1:slots:*')), 0, 'no slot is left over');
is($service->created($_), 1, 'one job run is created of each') for @tokens;

done_testing;
