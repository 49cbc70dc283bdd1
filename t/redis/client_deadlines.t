#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Operations of the Redis client have deadlines: a server that is late,
# silent, away or full costs an operation its own time and no other its reply;
# what is withdrawn was never sent.

use lib 't/lib';

use JobRuns;
use RedisPeer;
use RedisProbe;
use Time::HiRes qw(time);

my $t = RedisProbe::harness();

# what the peers do to deserve it
$t->allow_log(qr/\[alert\].*redis "unix:\S+\.peer"/);

###############################################################################
# Peers

# two operations in flight, one byte from time to time: alive, but late
peer(late => 'timeout=400ms connect_timeout=20s', sub {
    my ($c) = @_;
    $c->greet;
    $c->command;
    $c->command;
    $c->write("+first");
    $c->drip('.', 'late');
    $c->write("\r\n+second\r\n");
    echo($c);
});

# a reply without an end
peer(endless => 'timeout=100ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command;
    $c->write('+');
    $c->drip('.', 'never');
});

# silent from the first operation on; well from the second connection on
peer(silent => 'timeout=300ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->await('well') if $n == 2;
    $c->greet;
    if ($n == 1) {
        $c->command;
        $c->write("+one\r\n");
        $c->wait_end;
    }
    echo($c);
});

# the greeting gets no reply until allowed
peer(deaf => 'timeout=20s connect_timeout=200ms', sub {
    my ($c, $n) = @_;
    return $c->wait_end unless -e $t->testdir . '/deaf.allow-hear';
    $c->greet;
    echo($c);
});

# takes what is sent only when allowed to, and slowly
peer(slow_reader => $long, sub {
    my ($c) = @_;
    $c->greet;
    $c->await('read');
    while (my @words = $c->command) {
        my $last = $words[-1];
        $c->note(sprintf 'whole %d %d', length $last, $last !~ /[^x]/);
        $c->write(":" . length($last) . "\r\n");
    }
});

# the second command does not fit into the socket and is withdrawn; a byte
# of the first reply shows that the peer lives
my $full = sub {
    my ($c) = @_;
    $c->greet;
    $c->await('answer');
    $c->command;
    $c->write("+fir");
    $c->await('rest');
    $c->write("st\r\n");
    while (my @words = $c->command) { $c->write("+then\r\n") }
};
peer(full => 'timeout=1500ms connect_timeout=20s', $full);

# never reads after the greeting
peer(stuffed => 'timeout=300ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->await('never');
});

# sends no reply before it is allowed to
peer(held => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    $c->{note_reads} = 1;
    while (my @words = $c->command) {
        if ($words[0] eq 'HOLD') {
            $c->await($words[1]);
        }
        $c->write("+$words[-1]\r\n");
    }
});

# no server there until later
my $gone = RedisPeer->start($t, 'gone', sub {
    my ($c) = @_;
    $c->greet;
    echo($c);
}, tcp => 1);
$gone->stop;
$where{gone} = $gone->address . " $long";
$where{gone_unix} = "unix:" . $t->testdir . "/nobody.sock $long";

# a queue of connections that is full: the SYN of one more gets no reply
my $blackhole = RedisPeer->start($t, 'blackhole', undef, tcp => 1,
    backlog => 1);
my @fill = map {
    IO::Socket::INET->new(PeerAddr => $blackhole->address, Blocking => 0)
} 1 .. 4;
$where{blackhole} = $blackhole->address
    . ' timeout=20s connect_timeout=200ms';
$where{blackhole_op} = $blackhole->address
    . ' timeout=200ms connect_timeout=20s';

###############################################################################
# A real server

my $redis = $t->redis('real', tcp => 1);

$where{paused} = $redis->address . ' timeout=300ms connect_timeout=200ms';

$t->run(module => 0, config => probe_config(%where));

###############################################################################

subtest 'an operation that is late fails alone' => sub {
    my $client = start_steps('late', 'cmd A', 'cmd B');
    my @r = results($client);
    is(brief(@r), 'timeout,1; timeout,1',
        'both late operations end with a timeout');
    cmp_ok($_->{ms}, '>=', 399,
        'a late operation does not end before its deadline')
        for @r;

    my $mark = debug_mark();
    $client = start_steps('late', 'cmd ECHO mine', 'cmd ECHO mine2');
    wait_debug($mark, qr/redis send: \d+ of/);
    $peer{late}->allow('late');
    @r = results($client);
    is(replies(@r), '"mine" "mine2"',
        'late replies are not taken for replies to others');
    is($peer{late}->count('connect'), 1,
        'the connection stays open after late replies');
};

subtest 'a reply without an end' => sub {
    my @r = steps('endless', 'cmd A');
    is(brief(@r), 'timeout,1', 'a reply without an end leads to a timeout');
    wait_for {
        push @r, my $r = steps('endless', 'cmd ECHO me');
        $r->{status} eq 'ok';
    } 'the connection to be given up';
    cmp_ok(scalar @r, '>=', 5,
        'operations after a reply without an end are late for some time');
    is($peer{endless}->count('connect'), 2,
        'another connection replaces the one without an end');
};

subtest 'a silent connection is dead' => sub {
    my ($r) = steps('silent', 'cmd A');
    is($r->{reply}, '+one', 'a connection that falls silent works at first');

    my $client = start_steps('silent', 'cmd A', 'cmd B');
    my @r = results($client);
    is($r[0]{status}, 'timeout',
        'the first operation of a silent connection ends with a timeout');
    like(brief(@r), qr/^timeout,1; (?:timeout|lost),1$/,
        'both operations of a silent connection were sent');
    ($r) = steps('silent', 'cmd A');
    is($r->{rc}, 'declined', 'the breaker of a silent connection is open');
    is($r->{sent}, 0, 'nothing is sent while the breaker is open');
    $peer{silent}->wait_seen('connect 2');
    my @declined = steps('silent', '*50 cmd A');
    is(scalar(grep { $_->{rc} eq 'declined' } @declined), 50,
        'operations are declined while the probe is under way');
    $peer{silent}->allow('well');
    until_ok('silent');
    is($peer{silent}->count('connect'), 2, 'the probe becomes the connection');
    cmp_ok($peer{silent}->count('^PING'), '>=', 1, 'the probe has sent a PING');
    my $address = $peer{silent}->address;
    is(scalar(log_lines(qr/\[notice\].*"\Q$address\E": reachable again/)), 1,
        'error.log has one notice that the server is reachable again');
};

subtest 'others in flight are lost with it' => sub {
    my $first = start_steps('paused', 'cmd PING');
    is(replies(results($first)), '+PONG',
        'a server that will stop works at first');
    $redis->pause;
    my $mark = debug_mark();
    $first = start_steps('paused', 'cmd INCR p');
    wait_debug($mark, qr/redis send: \d+ of/);
    my @clients = map { start_steps('paused', 'cmd INCR p') } 1 .. 3;
    my @r = map { results($_) } $first, @clients;
    is($r[0]{status}, 'timeout',
        'the first operation of a stopped server ends with a timeout');
    is(scalar(grep { $_->{status} =~ /^(?:lost|timeout)$/ && $_->{sent} == 1
        || $_->{rc} eq 'declined' } @r), 4,
        'each operation of a stopped server has an end');

    my $begin = time;
    my @refused = steps('paused', '*100 cmd PING');
    is(scalar(grep { $_->{rc} eq 'declined' } @refused), 100,
        'operations of a stopped server fail fast');

    $redis->resume;
    until_ok('paused');
    pass('operations work again after SIGCONT');
};

subtest 'a greeting without an answer' => sub {
    my ($r) = steps('deaf', 'cmd PING');
    is(brief($r), 'unreachable,0',
        'a greeting without a reply ends in unreachable');
    cmp_ok($r->{ms}, '>=', 199,
        'a greeting without a reply ends after connect_timeout');
    like($t->nginx->error_log, qr/did not respond within 200ms while greeting/,
        'error.log says that the greeting got no reply');
    $peer{deaf}->wait_seen('connect', 3);
    $peer{deaf}->allow('hear');
    until_ok('deaf');
};

subtest 'partial writes' => sub {
    my $mark = debug_mark();
    my $client = start_steps('slow_reader', 'cmd SET k @3000000',
        'cmd SET k @1', 'cmd SET k @5000000', '*200 cmd SET k @1000');
    wait_debug($mark, qr/redis send: (\d+) of (?!\1\b)/);
    $peer{slow_reader}->allow('read');
    my @r = results($client);
    is(replies(@r), join(' ', ':3000000', ':1', ':5000000', (':1000') x 200),
        'all commands of partial writes arrive');
    is($peer{slow_reader}->count('^whole \d+ 1$'), 203,
        'all commands of partial writes arrive whole');
};

subtest 'an operation not sent is withdrawn' => sub {
    my $client = start_steps('full', 'cmd FIRST @2000000', 'cmd SECOND a');
    my @r = results($client);
    is($r[0]{status}, 'timeout',
        'the operation that is sent ends with a timeout');
    is(join(',', sort map { "$_->{n}:$_->{sent}" } @r), '1:1,2:0',
        'the operation that is withdrawn was not sent');
    # the peer has read nothing in all this time: that connection is over
    $peer{full}->allow($_) for qw(answer rest);
    until_ok('full');
    is($peer{full}->count('^SECOND'), 0,
        'an operation that is withdrawn never arrives');

    @r = steps('stuffed', 'cmd FIRST @2000000', 'cmd SECOND a');
    is(join(',', sort map { "$_->{n}:$_->{sent}" } @r), '1:1,2:0',
        'an operation to a peer that reads nothing is withdrawn');
    until_ok('stuffed');
};

subtest 'cancelled' => sub {
    my @r = steps('held', 'cmd ECHO never', 'cancel 1', 'cmd ECHO b');
    is(replies(@r), '+b', 'an operation can be cancelled before it is sent');
    is($peer{held}->count('never'), 0, 'a cancelled operation is never sent');

    my $client = start_steps('held', 'cmd HOLD one', 'cmd ECHO c',
        'cmd ECHO d', 'on 1 cancel 2', 'on 1 cmd ECHO again',
        'on 3 cancel 3', 'on 4 cmd ECHO last');
    $peer{held}->wait_seen('^HOLD one');
    $peer{held}->allow('one');
    @r = results($client);
    is(replies(@r), '+one +d +again +last',
        'an operation can be cancelled within a handler');

    $client = start_steps('held', 'cmd HOLD two', 'cmd ECHO x', 'cmd ECHO y');
    $peer{held}->wait_seen('^HOLD two');
    my $mark = debug_mark();
    $client->close;
    wait_debug($mark, qr/cancel, sent:1/, 3);
    $client = start_steps('held', 'cmd ECHO z');
    $peer{held}->allow('two');
    is(replies(results($client)), '+z',
        'late replies to cancelled operations are dropped');

    @r = steps('gone_unix', 'cmd A', 'cmd B', 'cmd C', 'on 1 cancel 2',
        'on 1 cmd D');
    @r = sort { $a->{n} <=> $b->{n} } @r;
    is(join(' ', map { "$_->{n}:$_->{rc}:$_->{status}" } @r),
        '1:ok:unreachable 3:ok:unreachable 4:declined:-',
        'an operation can be cancelled while others fail');
};

subtest 'nobody there' => sub {
    my @r = steps('gone', 'cmd A', 'cmd B');
    is(brief(@r), 'unreachable,0; unreachable,0',
        'operations to a closed port end in unreachable');
    @r = steps('gone', '*500 cmd A');
    is(scalar(grep { $_->{rc} eq 'declined' && !$_->{sent} } @r), 500,
        'the breaker of a closed port is open');
    my $address = $gone->address;
    my @lines = log_lines(qr/redis "\Q$address\E"/);
    is(scalar @lines, 1, 'a closed port has one line in error.log');
    like($lines[0], qr/connect\(\) to \Q$address\E failed, .*111: Connection/,
        'the line of a closed port has the error');

    # gaps grow, up to two seconds
    wait_for { (() = $t->read_file('debug.log')
        =~ /redis "\Q$address\E": breaker open, probe in/g) >= 10 } 'probes';
    my @gaps = $t->read_file('debug.log')
        =~ /redis "\Q$address\E": breaker open, probe in (\d+)ms/g;
    for my $i (0 .. 9) {
        my $gap = $i < 8 ? 10 * 2 ** $i : 2000;
        cmp_ok($gaps[$i], '>=', $gap / 2,
            "gap $i between probes is not too short");
        cmp_ok($gaps[$i], '<=', $gap, "gap $i between probes is not too long");
    }

    $gone->open;
    my $r = until_ok('gone');
    is($gone->count('connect'), 1,
        'one connection is made when the port is open again');
};

subtest 'no answer to connect()' => sub {
    my ($r) = steps('blackhole', 'cmd A');
    is(brief($r), 'unreachable,0',
        'a connect() without a reply ends in unreachable');
    cmp_ok($r->{ms}, '>=', 199,
        'a connect() without a reply ends after connect_timeout');
    like($t->nginx->error_log, qr/did not respond within 200ms while conn/,
        'error.log says that connect() got no reply');
    ($r) = steps('blackhole_op', 'cmd A');
    is(brief($r), 'timeout,0',
        'an operation ends with its timeout during connect()');
};

done_testing();
