#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns_audit_sync decides what is on the disk before a request or a
# response is sent, and how many requests share a sync; the disk is slow,
# fails, or is not asked.

use lib 't/lib';
use JobRuns;

use JobRuns::Disk;
use Time::HiRes ();

plan(skip_all => JobRuns::Disk::library() . ' is not built (make e2e)')
    if !-e JobRuns::Disk::library();

my $t = JobRuns->new;
my $disk = JobRuns::Disk->new($t->testdir . '/disk');

# NGINX has the preloaded library, and no other process.

$t->redis;
$t->service;

sub run {
    my ($sync, %opt) = @_;

    return $disk->run(sub {
        $t->run(workers => 1, %opt, server =>
            "jobruns_audit_sync $sync; jobruns_retry_lease 3s;"
                . ($opt{server} // ''));
    });
}

sub records {
    my ($kind) = @_;
    return scalar grep { $_->{eventType} =~ /Run$kind$/ } $t->audit;
}

# ----------------------------------------------------------------------- always

my $nginx = run('always', server => <<'END');
    location /free {
        jobruns off;
        return 204;
    }
END
my $n = 20;

# The first one's sync is under way before the others come: they cannot share
# it, however fast they are.

$disk->hold;
my @clients = $t->start_run(stub => { wait_read => 'gate' });
wait_for { $disk->syncs == 1 } 'the sync of the first';
push @clients, map { $t->start_run(stub => { wait_read => 'gate' }) } 2 .. $n;
wait_for { records('.begin') == $n } 'all to be recorded';
is($t->get('/free')->status, 204,
    'the event loop goes on during the sync of .begin');
is($t->service->asked, 0,
    'nothing is sent to the service before .begin is on the disk');
is($disk->syncs, 1, 'one sync is under way for the first creation');
$disk->let;

$t->service->wait_at('gate', $n);
is($disk->syncs, 2, 'all other creations share the next sync');

$disk->hold;
$t->service->release('gate');
wait_for { records('.end') == $n } 'all ends to be recorded';
is(scalar(grep { defined $_->try_response(0) } @clients), 0,
    'no client has a response before .end is on the disk');
is($t->get('/free')->status, 204,
    'the event loop goes on during the sync of .end');
$disk->let;

is(join(',', map { $_->response->status } @clients),
    join(',', (201) x $n), 'all clients get their responses after the sync');
cmp_ok($disk->syncs, '<=', 4, "$n creations took at most four syncs");

# a refusal does not wait for its record

$disk->hold;
my $invalid = $t->create_run(body => '{');
is($invalid->status, 400, 'a refusal does not wait for the disk');
$disk->let;

# a response that is too large to be held

$disk->hold;
my $large = $t->start_run(stub => { bytes => 3_000_000, wait_read => 'big' });
wait_for { records('.begin') == $n + 1 } 'its beginning';
$disk->let;
$t->service->wait_at('big');
$disk->hold;
$t->service->release('big');
wait_for { records('.end') == $n + 1 } 'its end';
is($large->try_response(0), undef,
    'a response too large to be held waits for the disk too');
$disk->let;
my $answer = $large->response;
is($answer->status, 201,
    'a response too large to be held is sent after the sync');
is(length $answer->body, 3_000_000,
    'a response too large to be held is sent whole');

# --------------------------------------------------------- a client that leaves

$disk->hold;
my $token = random_id(20);
my $leaves = $t->start_run(token => $token);
wait_for { records('.begin') == $n + 2 } 'its beginning';
$leaves->reset;
$disk->let;
wait_for { records('.end') == $n + 2 } 'its end';
is($t->service->asked, $n + 2,
    'an attempt whose client left during a sync is forwarded');
is($t->create_run(token => $token)->status, 201,
    'a retry of a client that left during a sync gets its response');
is($t->service->created($token), 1,
    'a token of a client that left during a sync has one job run');

# ------------------------------------------------------------ an exiting worker

$disk->hold;
my $late = $t->start_run;
wait_for { records('.begin') == $n + 3 } 'its beginning';
$nginx->reload(draining => 1);
is($t->create_run(body => '{')->status, 400,
    'a new worker responds while the old one waits for the disk');
$disk->let;
is($late->response->status, 201,
    'an old worker does not exit while it waits for the disk');
wait_for { $nginx->all_workers == 1 } 'the old worker to leave';

# -------------------------------------------- killed between .begin and service

$disk->hold;
$token = random_id(20);
my $asked = $t->service->asked;
my $killed = $t->start_run(token => $token, request_id => 'killed-before');
wait_for { records('.begin') == $n + 4 } 'its beginning';
$nginx->kill_worker;
$disk->let;
is($t->service->asked, $asked,
    'an attempt killed before its sync never reaches the service');
ok(!defined $killed->try_response(0) || !$killed->response->complete,
    'the client of an attempt killed before its sync gets no response');
wait_for { $t->create_run(token => $token)->status == 201 }
    'its retry, when the lease has ended';
is($t->service->created($token), 1,
    'a token of an attempt killed before its sync has one job run');

my ($begin) = grep { $_->{data}{request}{id} eq 'killed-before' } $t->audit;
my $id = $begin->{data}{eventGroupingId};
is(scalar(grep { $_->{data}{eventGroupingId} eq $id } $t->audit), 1,
    'an attempt killed before its sync has a .begin and no .end');

# --------------------------------------------------------------- a failing disk

$t->allow_log(qr/audit file "\S+" cannot be synced: its last \d+ records/);
$asked = $t->service->asked;
$disk->fail;
my $refused = $t->create_run(request_id => 'failed');
is($refused->status, 503, 'a creation whose .begin cannot be synced gets 503');
is($refused->json->{message},
    'The gateway cannot write its audit record; nothing was forwarded.',
    'a creation whose .begin cannot be synced gets the reason');
is($t->service->asked, $asked,
    'a creation whose .begin cannot be synced is not forwarded');
my $record = $t->wait_audit(sub { $_->{data}{request}{id} eq 'failed'
    && $_->{eventType} =~ /end$/ });
is($record->{data}{additionalDetails}{outcome}, 'unavailable',
    'a creation whose .begin cannot be synced is recorded');
$disk->let;

my $sealed = $t->start_run(stub => { wait_answer => 'fail' });
$t->service->wait_at('fail');
$disk->fail;
$t->service->release('fail');
is($sealed->response->status, 201,
    'a creation whose .end cannot be synced gets its response');
$disk->let;
$nginx->quit;

run('always', server => 'jobruns_audit_required off;');
$disk->fail;
is($t->create_run->status, 201,
    'jobruns_audit_required off forwards without a sync');
$disk->let;

# ------------------------------------------------- a disk that does not respond

$t->allow_log(qr/audit file "\S+" is not on its disk after 5000 ms/);
$t->nginx->quit;
run('always');
$asked = $t->service->asked;
$disk->hold;
my $start = Time::HiRes::time();
is($t->create_run->status, 503, 'a creation not synced in time gets 503');
cmp_ok(Time::HiRes::time() - $start, '>=', 4.9,
    'a creation not synced in time waits for five seconds');
is($t->service->asked, $asked,
    'a creation not synced in time is not forwarded');
$disk->let;
is($t->create_run->status, 201,
    'creations are created when the disk responds again');
$t->nginx->quit;

# ------------------------------------------------------------- 100ms, and never

$disk->forget;
run('10ms');
$disk->hold;
is($t->create_run->status, 201,
    'a creation with an interval does not wait for the disk');
wait_for { $disk->syncs } 'a sync, though nobody asks for it';
$disk->let;
my $had = $disk->syncs;
is($t->create_run->status, 201, 'another creation with an interval is created');
wait_for { $disk->syncs > $had } 'another sync';

# rotated while it is held: the old file is synced too

$had = $disk->syncs;
$disk->hold;
is($t->create_run->status, 201,
    'a creation before a rotation is created while a sync is held');
wait_for { $disk->syncs > $had } 'a sync of it';
is($t->create_run->status, 201,
    'a creation that waits for the next sync is created');
$had = $disk->syncs;
rename $t->testdir . '/audit.log', $t->testdir . '/audit.log.1' or die $!;
$t->nginx->reopen;
$disk->let;
wait_for { $disk->syncs >= $had + 2 } 'syncs of the old file and the new one';
$t->nginx->quit;

$disk->forget;
run('off');
is($t->create_run->status, 201, 'a creation without syncs is created');
$t->nginx->quit;
is($disk->syncs, 0, 'jobruns_audit_sync off never syncs');

done_testing;
