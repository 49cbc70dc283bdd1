#!/usr/bin/perl

# Records leave at the end of a turn of the event loop, all of a turn in one
# write(): what goes out before that, and what does not.

use lib 't/lib';
use JobRuns;

use JobRuns::Disk;

plan(skip_all => JobRuns::Disk::library() . ' is not built (make e2e)')
    if !-e JobRuns::Disk::library();

my $t = JobRuns->new;
my $disk = JobRuns::Disk->new($t->testdir . '/disk');

# NGINX, and nobody else, has it.

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
    is($client->try_response(0.2), undef, "no $status before its record");
    $disk->let;
    is($client->response->status, $status, '... but behind it');
}

my $client = held(token => 'tok', stub => { wait_read => 'gate' });
is($service->asked, 0, 'nothing goes to the service before .begin');
$disk->let;
$service->wait_at('gate');

my $had = $disk->writes;
$disk->hold_writes;
$service->release('gate');
wait_for { $disk->writes == $had + 1 } 'the write of .end';
is($client->try_response(0.2), undef, 'no answer before .end');
$disk->let;
is($client->response->status, 201, '... but behind it');

$client = held(token => 'tok');
is($client->try_response(0.2), undef, 'no replay before its record');
$disk->let;
my $replay = $client->response;
is($replay->header('opc-retry-replayed'), 'true', '... but behind it');

# --------------------------------------------------------------- one for many

# Redis answers six admissions, and later six settlements, at a time.

my $n = 6;

sub records { return scalar(my @records = $t->audit) }

# How many writes it takes until there are so many records.

sub writes_for {
    my ($number) = @_;

    $had = $disk->writes;
    $redis->resume;
    wait_for { records() == $number } "$number records";

    return $disk->writes - $had;
}

my $records = records();

$redis->pause;
my @clients = map { $t->start_run(stub => { wait_read => 'all' }) } 1 .. $n;
$t->get('/x');                          # all have been asked
is(writes_for($records + $n), 1, "$n .begin in one write");
$service->wait_at('all', $n);

$redis->pause;
$service->release('all');
wait_for { $service->created == $service->asked } 'the service to answer';
$t->get('/x');
is(writes_for($records + 2 * $n), 1, "$n .end in one write");
is($_->response->status, 201, 'created') for @clients;

done_testing;
