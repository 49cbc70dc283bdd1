#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Files are rotated, NGINX reloaded and workers killed under load: every chain
# is whole over all files, and the records account for every job run.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $t = JobRuns->new;
my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
my $json = JSON::PP->new->utf8;

my $nginx = $t->run(workers => 4, server => <<'END');
    jobruns_retry_lease 3s;
    jobruns_retry_wait 500ms;
END
my $service = $t->service;

# A client process sends creations until it gets a signal to stop, with any
# outcome.

sub client {
    my ($n) = @_;

    my $parent = $$;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    my $stop = 0;
    local $SIG{TERM} = sub { $stop = 1 };
    my $i = 0;

    while (!$stop && getppid == $parent) {
        my $kind = $i++ % 8;
        my %request = (
            token => "client-$n-" . int($i / 3),
            request_id => "client-$n-$i",
            stub => { delay_read => 0.02, $kind == 5 ? (status => 500)
                : $kind == 6 ? (end_created => 'reset') : () },
            $kind == 7 ? (body => '{') : (),
        );
        eval { $t->create_run(%request, timeout => 15) };
    }

    require POSIX;
    POSIX::_exit(0);
}

my @clients = map { client($_) } 1 .. 4;
my $rotations = 0;

# the oldest has the highest number
sub rotate {
    my $log = $t->testdir . '/audit.log';

    rename "$log.$_", "$log." . ($_ + 1) for reverse 1 .. $rotations;
    rename $log, "$log.1" or die "rename: $!";
    $rotations++;
    $nginx->reopen;
}

# Until there are a number of records more in the present file.

sub more {
    my ($what) = @_;

    my $now = -s $t->testdir . '/audit.log' // 0;
    wait_for { (-s $t->testdir . '/audit.log' // 0) > $now + 50_000 }
        "records after $what";
}

more('the beginning');

for my $round (1 .. 3) {
    rotate();
    more('a rotation');
    $nginx->kill_worker;
    more('a killed worker');
}
$nginx->reload(draining => 1);
rotate();
more('a reload');

# one that is killed when the job run exists, and the service has not
# responded

my $dying = $t->start_run(request_id => 'killed-behind',
    stub => { wait_created => 'gate' });
$service->wait_at('gate');
$nginx->kill_worker($_) for $nginx->workers;
$service->release('gate');
more('all workers killed');

kill TERM => @clients;
waitpid $_, 0 for @clients;
$nginx->quit;

# -------------------------------------------------------------------- accounts

my @files = reverse glob $t->testdir . '/audit.log*';
is(scalar @files, $rotations + 1, 'there are files of all rotations');

my @lines = map { my $file = $_; map { [$file, $_] }
    $t->read_file($file =~ s{.*/}{}r) =~ /^(.*)$/mg } @files;
is(scalar(grep { !eval { $json->decode($_->[1]); 1 } } @lines), 0,
    'every line is JSON');

my (%begin, %end, %outcomes);
for (map { $json->decode($_->[1]) } @lines) {
    my $id = $_->{data}{eventGroupingId};
    my $outcome = $_->{data}{additionalDetails}{outcome};

    $begin{$id} = $_ if $_->{eventType} =~ /begin$/;
    if ($_->{eventType} =~ /end$/) {
        $end{$id} = $_;
        $outcomes{$outcome}++;
    }
}

my %begun = map { $_->{data}{request}{id} => 1 } values %begin;
my @creations = $service->creations;
my %requests = map { $_->{id} => $_ } $service->requests;
my @without = grep {
    my $id = { map { lc $_->[0] => $_->[1] }
        @{$requests{$_->{request}}{headers}} }->{'opc-request-id'};
    !$begun{$id};
} @creations;
is(scalar @without, 0, 'every job run has a .begin');

my $unended = grep { !$end{$_} } keys %begin;
my $created = $outcomes{created} // 0;
my $unknown = $outcomes{unknown} // 0;
note(scalar(@creations), " job runs; created $created, unknown $unknown, "
    . "without end $unended, ", scalar(keys %begin), ' begun');
cmp_ok($created, '<=', scalar @creations,
    'not more attempts are created than job runs exist');
cmp_ok(scalar @creations, '<=', $created + $unknown + $unended,
    'not more job runs exist than attempts created, unknown or without end');
is(scalar(grep { !$begin{$_} } keys %end), 0, 'no .end is without a .begin');
cmp_ok($created, '>', 50, 'the load created job runs');
cmp_ok($unknown, '>', 0, 'the load had unknown outcomes');
ok((grep { $begin{$_}{data}{request}{id} eq 'killed-behind' && !$end{$_} }
    keys %begin), 'an attempt killed before its response has no .end');

# in any order of the files

for my $order ([@files], [reverse @files]) {
    open my $pipe, '-|', $tool, 'verify', @$order or die "$tool: $!";
    my $told = do { local $/; <$pipe> };
    close $pipe;
    is($? >> 8, 3, 'verify finds all chains whole, with attempts to look into')
        or diag($told);
    is(scalar(() = $told =~ / has no end: look for its job run/g), $unended,
        'verify names each attempt without an end');
    like($told, qr/\D$unended without end: whole$/m,
        'verify counts attempts without an end');
}

# without one of the files there is a hole

my ($gone) = splice @files, 2, 1;
my $told = `$tool verify @files`;
is($? >> 8, 1, 'verify without one of the files exits with 1');
like($told, qr/records \d+ to \d+ (?:of its chain )?are missing/,
    'verify without one of the files names the missing records');

done_testing;
