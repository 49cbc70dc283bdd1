#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A Redis lies: it sends invalid replies, replies that are too large or that
# nothing waits for, and ends connections within one.  No operation gets
# another's reply.

use lib 't/lib';

use JobRuns;
use RedisPeer;
use RedisProbe;

my $t = RedisProbe::harness();

# what the peers do to deserve it
$t->allow_log(qr/\[alert\].*redis "unix:\S+\.peer"/);

###############################################################################
# Peers

# what is sent to one GET, by its key
my %lies = (
    garbage => "HTTP/1.1 400 Bad Request\r\n\r\n",
    resp3 => "%1\r\n+a\r\n:1\r\n",
    huge_array => "*1000000000\r\n",
    huge_inner => "*2\r\n:1\r\n*1000000000\r\n",
    many_arrays => "*1000000\r\n*1000000\r\n",
    negative => "*-5\r\n",
    huge_bulk => "\$16777217\r\n",
    huge_number => "\$99999999999999999999999999\r\n",
    no_number => "\$a\r\n",
    big_line => '+' . 'x' x 70000 . "\r\n",
    too_deep => "*1\r\n" x 12 . ":1\r\n",
    bare_lf => "+a\n+b\r\n",
    two => "+one\r\n+two\r\n",
    half_more => "+one\r\n+tw",
);
peer(liar => $long, sub {
    my ($c) = @_;
    $c->greet;
    while (my ($name, $key) = $c->command) {
        $c->write($key && $lies{$key} // "+OK\r\n");
    }
});

# 5 MB in each of 4 elements: no length is too large, all together are
peer(fat => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    while (my ($name) = $c->command) {
        my $bulk = "\$5000000\r\n" . 'x' x 5_000_000 . "\r\n";
        my $times = $name eq 'THREE' ? 3 : 4;
        $name eq 'PING' ? $c->write("+PONG\r\n")
            : $c->write("*$times\r\n" . $bulk x $times);
    }
});

peer(unasked => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    $c->command;
    $c->write("+OK\r\n");
    if ($n == 1) {
        $c->await('speak');
        $c->write("+");                 # not even a whole one
    }
    echo($c);
});

# ends the connection in the middle of the second of three replies
peer(cut => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command for 1 .. 3;
    $c->write("+one\r\n\$10\r\nabc");
});

peer(reset => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command;
    $c->reset;
}, tcp => 1);

###############################################################################
# A real server

my $redis = $t->redis('real', tcp => 1);

$where{unix} = 'unix:' . $redis->path . " $long";
$where{tcp} = $redis->address . " $long";

$t->run(module => 0, config => probe_config(%where));

###############################################################################

subtest 'lies' => sub {
    my $address = $peer{liar}->address;
    my %messages = (
        garbage => 'not the Redis protocol', resp3 => 'not the Redis protocol',
        huge_array => 'an array that is too long',
        many_arrays => 'an array that is too long',
    );
    for my $lie (sort keys %lies) {
        my @r = steps('liar', "cmd GET $lie", 'cmd ECHO');
        if ($lie eq 'negative') {
            # hiredis 0.14 and later differ, but none may crash
            like($r[0]{status}, qr/^(?:ok|protocol)$/,
                "$lie: the reply is read or refused");
            next;
        }
        if ($lie =~ /^(?:two|half_more)$/) {
            # the replies are one too many, seen as such at the latest when
            # nothing is in flight
            is($r[0]{reply}, '+one', "$lie: the first reply is good");
            steps('liar', 'cmd ECHO') for 1 .. 2;
            next;
        }
        is(brief(@r), 'protocol,1; protocol,1',
            "$lie: both operations end with a protocol error");
    }
    my @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1, 'one alert reports the first of many lies');
    like(until_ok('liar')->{reply}, qr/OK/, 'operations work after many lies');
    ok(!log_lines(qr/"\Q$address\E".*unreachable/),
        'no breaker opens after many lies');
};

subtest 'replies of many megabytes' => sub {
    my @r = steps('fat', 'cmd THREE', 'cmd PING');
    is(brief(@r), 'ok,1; ok,1', 'replies of 15 MB are read');
    like($r[0]{reply}, qr/^\[\(5000000 bytes\),/,
        'replies of 15 MB are read whole');
    @r = steps('fat', 'cmd FOUR', 'cmd PING');
    is(brief(@r), 'protocol,1; protocol,1', 'replies of 20 MB are refused');
    my $address = $peer{fat}->address;
    like(join('', log_lines(qr/\[alert\].*"\Q$address\E"/)),
        qr/sent a reply above 16 MB, the connection is closed/,
        'an alert reports a reply above 16 MB');
};

subtest 'a reply nobody waits for' => sub {
    my ($r) = steps('unasked', 'cmd A');
    is($r->{status}, 'ok',
        'a server that will send an extra reply works at first');
    $peer{unasked}->allow('speak');
    $t->wait_log(qr/\[alert\].*unasked.*sent an unexpected reply/);
    ($r) = steps('unasked', 'cmd ECHO me');
    is(brief($r), 'ok,1',
        'the operation after an extra reply has a new connection');
    is($peer{unasked}->count('connect'), 2,
        'an extra reply leads to a second connection');
};

subtest 'a connection that ends' => sub {
    my @r = steps('cut', 'cmd A', 'cmd B', 'cmd C');
    is(brief(@r), 'ok,1; lost,1; lost,1',
        'a connection that ends within a reply loses its operations');
    ($r[0]) = steps('cut', 'cmd ECHO me');
    is(brief($r[0]), 'ok,1',
        'the operation after a lost connection has a new one');
    is(brief(steps('reset', 'cmd A')), 'lost,1',
        'a connection that is reset loses its operation');
    is(brief(steps('reset', 'cmd A')), 'ok,1',
        'the operation after a reset has a new connection');

    for my $path (qw(unix tcp)) {
        steps($path, 'cmd PING');
        my $mark = debug_mark();
        $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        wait_debug($mark, qr/redis close/);
        is(brief(steps($path, 'cmd PING')), 'ok,1',
            "$path: after CLIENT KILL no operation fails");
    }

    $redis->restart;
    is(brief(steps($_, 'cmd PING')), 'ok,1',
        "$_: after a restart no operation fails")
        for qw(unix tcp);
};

done_testing();
