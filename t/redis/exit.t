#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Workers end by reload, QUIT, TERM and worker_shutdown_timeout, in every
# state of a connection to Redis: none may leave a socket, hang, or give up an
# operation before its time.

use lib 't/lib';

use JobRuns;
use RedisPeer;
use RedisProbe;
use Time::HiRes qw(time);

my $t = RedisProbe::harness();
my $redis = $t->redis('real', tcp => 1);

my $held = RedisPeer->start($t, 'held', sub {
    my ($c) = @_;
    $c->greet;
    while (my @words = $c->command) {
        $c->await($words[1]) if $words[0] eq 'HOLD';
        $c->write("+$words[-1]\r\n");
    }
});

# accepts, and never says a word
my $deaf = RedisPeer->start($t, 'deaf', sub { $_[0]->wait_end });

my $dead = RedisPeer->start($t, 'dead', sub {
    my ($c, $n) = @_;
    $c->greet if $n == 1;
    $c->wait_end;
});

my $long = 'timeout=20s connect_timeout=20s';
my %where = (
    unix => 'unix:' . $redis->path . " $long",
    tcp => $redis->address . " $long",
    held => $held->address . " $long",
    short => $held->address . ' timeout=300ms connect_timeout=20s',
    deaf => $deaf->address . ' timeout=200ms connect_timeout=500ms',
    dead => $dead->address . ' timeout=200ms connect_timeout=500ms',
    gone => 'unix:' . $t->testdir . "/nobody $long",
);
my $config = probe_config(%where);
my $hurry = $config =~ s/(worker_shutdown_timeout) 10s/$1 1s/r;

$t->run(module => 0, config => $config);

subtest 'operations in flight' => sub {
    my @waiting = map { start_steps('held', "cmd HOLD a", 'cmd ECHO b') } 1, 2;
    $held->wait_seen('^HOLD a');
    $t->nginx->reload(draining => 1);
    is(scalar $t->nginx->all_workers, 2,
        'the old worker waits for its operations');
    is(replies(steps('unix', 'cmd PING')), '+PONG',
        'the new worker works meanwhile');
    $held->allow('a');
    is(replies(results($_)), '+a +b',
        'operations of the old worker get their replies')
        for @waiting;
    wait_for { $t->nginx->all_workers == 1 } 'the old worker to exit';
    pass('the old worker exits after its operations');
};

subtest 'an operation that is late' => sub {
    my $waiting = start_steps('short', 'cmd HOLD late');
    $held->wait_seen('^HOLD late');
    $t->nginx->reload;
    is(brief(results($waiting)), 'timeout,1',
        'a late operation of an old worker has its deadline');
    $held->allow('late');
};

subtest 'a connection made while exiting' => sub {
    my $waiting = start_steps('held', 'cmd HOLD again', 'on 1 cmd ECHO x',
        'on 2 cmd ECHO y');
    $held->wait_seen('^HOLD again');
    $t->nginx->reload(draining => 1);
    $held->allow('again');
    is(replies(results($waiting)), '+again +x +y',
        'operations of an old worker use a new connection');
    wait_for { $t->nginx->all_workers == 1 } 'the old worker to exit';
};

subtest 'in the greeting and with an open breaker' => sub {
    my $waiting = start_steps('deaf', 'cmd PING');
    $deaf->wait_seen('connect');
    $t->nginx->reload;
    is(brief(results($waiting)), 'timeout,0',
        'an operation has its deadline within the greeting');

    is(brief(steps('gone', 'cmd PING')), 'unreachable,0',
        'an operation to a missing server is unreachable');
    is(brief(steps('dead', 'cmd PING')), 'timeout,1',
        'an operation to a silent server ends with a timeout');
    $dead->wait_seen('connect 2');
    my $begin = time;
    $t->nginx->reload;
    cmp_ok(time - $begin, '<', 5,
        'a reload waits neither for a gap nor for a probe');
};

subtest 'many operations at once' => sub {
    my @clients = map { start_steps('tcp', '*500 cmd INCR n') } 1 .. 10;
    $t->nginx->reload;
    my @r = map { results($_) } @clients;
    is(scalar(grep { $_->{status} eq 'ok' } @r), 5000,
        '5000 operations of an old worker get their replies');
};

subtest 'worker_shutdown_timeout' => sub {
    $t->configure(module => 0, config => $hurry);
    $t->nginx->reload;
    steps($_, 'cmd PING') for qw(unix tcp);
    my $waiting = start_steps('held', 'cmd HOLD never');
    my $also = start_steps('gone', 'cmd PING');
    $held->wait_seen('^HOLD never');
    $t->nginx->reload;
    ok($waiting->ended, 'worker_shutdown_timeout ends the client as well');
    results($also);
    is(brief(steps('unix', 'cmd PING')), 'ok,1',
        'the new worker works after worker_shutdown_timeout');
};

subtest 'TERM' => sub {
    steps($_, 'cmd PING') for qw(unix tcp);
    my $waiting = start_steps('held', 'cmd HOLD ever', 'cmd ECHO');
    $held->wait_seen('^HOLD ever');
    is($t->nginx->stop, 0, 'TERM with operations in flight exits with 0');
    $waiting->close;
    $t->nginx->start;
};

subtest 'QUIT' => sub {
    steps($_, 'cmd PING') for qw(unix tcp gone);
    my $begin = time;
    is($t->nginx->quit, 0, 'QUIT with idle connections exits with 0');
    cmp_ok(time - $begin, '<', 5, 'QUIT with idle connections exits at once');
};

done_testing();
