#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# An audit file cannot be written: a disk is full, the size of files is
# limited, or half a record is written.  What is broken is fixed, logged, and
# the client gets a response.

use lib 't/lib';
use JobRuns;
use Batches 'in_one_turn';

use JSON::PP ();

my $t = JobRuns->new;
my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
my $path = $t->testdir . '/audit.log';

# the file is not whole during a part of the test
my $full = qr/audit file "\S+" cannot be written|bytes of records went to/;
$t->allow_log($full);

# To where the files of NGINX may grow; "unlimited" to undo it.

sub limit_files {
    my ($nginx, $bytes) = @_;

    system('prlimit', '--pid', $_, "--fsize=$bytes:unlimited") == 0
        or die "prlimit failed" for $nginx->workers;
}

# ------------------------------------------------------------- no room at all

my $nginx = $t->run(workers => 1, audit => 'jobruns_audit /dev/full;',
    servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_2%%;
        jobruns on;
        jobruns_audit_required off;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END

my $answer = $t->create_run;
is($answer->status, 503, 'a creation with a full disk gets 503');
is($answer->code, 'ServiceUnavailable',
    'a creation with a full disk gets a code that SDKs retry');
is($answer->header('retry-after'), 1,
    'a creation with a full disk gets Retry-After');
is($t->service->asked, 0, 'a creation with a full disk is not forwarded');
like($nginx->error_log, qr/audit file "\/dev\/full" cannot be written \(28:/,
    'error.log reports the full disk with the reason');
is($t->create_run(to => '127.0.0.1:' . $t->port(2))->status, 201,
    'jobruns_audit_required off forwards a creation with a full disk');
is($t->create_run(body => '{')->status, 400,
    'a refusal with a full disk keeps its status');
$nginx->quit;

# --------------------------------------------------------- a limit on the size

SKIP: {
    skip('prlimit is not installed', 1) if system('prlimit >/dev/null 2>&1');

    $nginx = $t->run(workers => 2, name => 'limited',
        audit => 'jobruns_audit %%TESTDIR%%/audit.log;');
    wait_for { $nginx->workers == 2 } "both workers";
    my @workers = $nginx->workers;

    my $limit = sub { limit_files($nginx, @_) };
    my $lines = sub { return () = $t->read_file('audit.log') =~ /\n/g };
    my $create = sub { return $t->create_run(to => $nginx, @_)->status };

    is($create->(), 201, 'a creation with room for its record is created');
    my $size = -s $path;
    my $asked = $t->service->asked;

    $limit->($size);
    is($create->(), 503, 'a creation without room for a byte gets 503');
    is(-s $path, $size, 'nothing is written without room');
    is($t->service->asked, $asked, 'nothing is forwarded without room');
    is(join(',', $nginx->workers), join(',', @workers),
        'SIGXFSZ ends no worker');

    # a part of a record, and no room for its line end

    $limit->($size + 100);
    is($create->(), 503, 'a creation with room for half of .begin gets 503');
    is(-s $path, $size + 100, 'half of .begin is written as far as it fits');
    is($t->service->asked, $asked,
        'a creation with half of .begin is not forwarded');
    like($nginx->error_log, qr/only 100 of \d+ bytes of records went to /,
        'error.log reports how much of .begin was written');
    unlike($t->read_file('audit.log'), qr/\n\z/,
        'the line of half a record has no end');

    # room again: of the same worker or of another, the next record is whole

    $limit->('unlimited');
    my @ids = map { "after-$_" } 1 .. 8;
    is($create->(request_id => $_), 201,
        'a creation is created when there is room again')
        for @ids;
    for my $id (@ids) {
        is(scalar(grep { $_->{data}{request}{id} eq $id
            } records()), 2, "$id: both records are whole");
    }

    # half of .end: the response is sent all the same

    my $held = $t->start_run(to => $nginx, request_id => 'no-end',
        stub => { wait_read => 'gate' });
    $t->service->wait_at('gate');
    $limit->((-s $path) + 50);
    $t->service->release('gate');
    is($held->response->status, 201,
        'a creation with room for half of .end gets its response');
    $limit->('unlimited');
    is($create->(request_id => 'behind'), 201,
        'the next creation is created after half of .end');

    $nginx->quit;

    open my $pipe, '-|', $tool, 'verify', $path or die "$tool: $!";
    my $told = do { local $/; <$pipe> };
    close $pipe;
    is($? >> 8, 3, 'verify: the chains are whole, with something to look into')
        or diag($told);
    like($told, qr/a record that was not written whole/,
        'verify reports the torn records');
    like($told, qr/opc-request-id no-end, \S+\) has no end/,
        'verify reports the attempt whose end is lost');
    like($told, qr/\d+ records before it could not be written/,
        'verify reports how many records were not written');
}

# ------------------------------------------- records of one turn, in one write

SKIP: {
    skip('prlimit is not installed', 1) if system('prlimit >/dev/null 2>&1');

    my $log = $t->testdir . '/turn.log';
    my $turn = $t->run(workers => 1, name => 'turn',
        audit => 'jobruns_audit %%TESTDIR%%/turn.log;');

    # Redis answers six admissions at a time; two records fit, and a part of
    # the third

    my @first = map { $t->create_run(to => $turn, request_id => "first-$_") }
        1 .. 2;
    is($first[1]->status, 201,
        'a creation before the file is limited is created');
    my @begin = grep { /CreateJobRun\.begin/ } split /\n/,
        $t->read_file('turn.log');
    my $asked = $t->service->asked;
    my $size = -s $log;

    my $fits = 2 * (length($begin[1]) + 1) + 100;
    limit_files($turn, $size + $fits);
    my @clients = in_one_turn($t,
        map { { to => $turn, request_id => "turn--$_" } } 1 .. 6);

    my %got;
    $got{$_->response->status}++ for @clients;
    is_deeply(\%got, { 201 => 2, 503 => 4 },
        'attempts whose record is whole in the file are created, others get '
        . '503');
    is($t->service->asked, $asked + 2,
        'only attempts whose record is whole are forwarded');
    like($turn->error_log,
        qr/only $fits of \d+ bytes of records went to the audit/,
        'the records of one turn were in one write');

    limit_files($turn, 'unlimited');
    is($t->create_run(to => $turn)->status, 201,
        'a creation is created when there is room for a turn again');
    $turn->quit;

    my @sealed = grep { /^\{"eventType.*\}\}\z/ } split /\n/,
        $t->read_file('turn.log');
    my ($behind) = map { JSON::PP->new->decode($_)->{chain} }
        grep { /"lost":/ } @sealed;

    # four .begin, the four refusals, and two .end
    is($behind->{lost}, 10, 'the next record has the number of lost records');

    system($tool, 'verify', '--quiet', $log);
    is($? >> 8, 3, 'verify: the chain is whole after the lost records');
}

# Records of a file with torn lines: a whole one may stand behind a torn one.

sub records {
    open my $pipe, '-|', $tool, 'show', '--lines', $path or die "$tool: $!";
    my $json = JSON::PP->new->utf8;
    my @records = map { $json->decode($_) } <$pipe>;
    close $pipe;
    return @records;
}

# --------------------------------------------------------- a disk that is full

SKIP: {
    my $small = $t->testdir . '/small';
    mkdir $small;
    skip('no right to mount a small disk', 1) if $> != 0
        || system("mount -t tmpfs -o size=64k tmpfs $small 2>/dev/null") != 0;
    my $file = "$small/full.log";

    eval {
        my $small_nginx = $t->run(workers => 2, name => 'small',
            audit => "jobruns_audit $file;");
        my @answers;
        wait_for {
            push @answers, $t->create_run(to => $small_nginx)->status;
            $answers[-1] == 503;
        } 'the disk to be full';
        cmp_ok(scalar(grep { $_ == 201 } @answers), '>', 5,
            'creations are created while the disk has room');
        is(scalar(grep { $_ != 201 && $_ != 503 } @answers), 0,
            'creations get 503 when the disk is full');

        # the operator makes room: the file is moved away and opened again
        system('cp', $file, $t->testdir . '/full.1') == 0 or die;
        unlink $file or die;
        $small_nginx->reopen;
        # ... which ends when the last worker has let go of the old file
        wait_for { $t->create_run(to => $small_nginx)->status == 201 }
            'a creation when there is room again';
        $small_nginx->quit;

        my $status = system($tool, 'verify', '--quiet',
            $t->testdir . '/full.1', $file) >> 8;
        ok($status == 0 || $status == 3,
            'verify: the chains are whole over both files')
            or diag("exit status $status");
        1;
    } or fail("small disk: $@");

    system('umount', $small) == 0 or diag("$small is still mounted");
}

done_testing;
