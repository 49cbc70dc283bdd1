#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Records are written at the end of a turn of the event loop, all of a turn in
# one write(): no response and no request is sent before its record.

use lib 't/lib';
use JobRuns;
use Batches qw(in_one_turn answer_in_one_turn);

use JobRuns::Disk;

plan(skip_all => JobRuns::Disk::library() . ' is not built (make e2e)')
    if !-e JobRuns::Disk::library();

my $t = JobRuns->new;
my $disk = JobRuns::Disk->new($t->testdir . '/disk');

# NGINX has the preloaded library, and no other process.

my $redis = $t->redis;
my $service = $t->service;

$disk->run(sub { $t->run(workers => 1, server => 'jobruns_retry_wait 0;') });

# Starts a request, and returns it when the write() of its record is held.

sub held {
    my (%opt) = @_;

    my $had = $disk->writes;
    $disk->hold_writes;
    my $client = $t->start_run(%opt);
    wait_for { $disk->writes == $had + 1 } 'the write of a record';

    return $client;
}

# ------------------------------------------------------------ before the record

for ([400, body => '{'], [415, headers => { 'Content-Type' => 'text/plain' }],
    [400, token => 'x' x 65])
{
    my ($status, %opt) = @$_;
    my $client = held(%opt);
    is($client->try_response(0.2), undef,
        "a $status is not sent before its record");
    $disk->let;
    is($client->response->status, $status,
        "a $status is sent after its record");
}

my $client = held(token => 'tok', stub => { wait_read => 'gate' });
is($service->asked, 0, 'nothing is sent to the service before .begin');
$disk->let;
$service->wait_at('gate');

my $had = $disk->writes;
$disk->hold_writes;
$service->release('gate');
wait_for { $disk->writes == $had + 1 } 'the write of .end';
is($client->try_response(0.2), undef, 'a response is not sent before .end');
$disk->let;
is($client->response->status, 201, 'a response is sent after .end');

$client = held(token => 'tok');
is($client->try_response(0.2), undef, 'a replay is not sent before its record');
$disk->let;
my $replay = $client->response;
is($replay->header('opc-retry-replayed'), 'true',
    'a replay is sent after its record');

# --------------------------------------------------------------- one for many

# Redis answers six admissions, and later six settlements, at a time: they are
# one call each.

my $n = 6;

sub records { return scalar(my @records = $t->audit) }

# How many writes it takes until there are so many records.

sub writes_for {
    my ($number, $act) = @_;

    $had = $disk->writes;
    $act->();
    wait_for { records() == $number } "$number records";

    return $disk->writes - $had;
}

my $records = records();
my @clients;

is(writes_for($records + $n, sub {
    @clients = in_one_turn($t, ({ stub => Batches::held() }) x $n);
}), 1, "$n records of .begin are in one write");
is(writes_for($records + 2 * $n, sub { answer_in_one_turn($t, $n) }), 1,
    "$n records of .end are in one write");
is($_->response->status, 201, 'a creation of one turn with others is created')
    for @clients;

done_testing;
