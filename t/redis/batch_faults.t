#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A call of several attempts that goes wrong: its reply is lost, an error or
# nonsense, its slot has moved, its replica is away.  Each attempt ends as one
# alone would.

use lib 't/lib';
use JobRuns;
use JobRuns::Stored qw(admit_reply);
use Batches;
use RedisCluster;
use RedisPeer;

my $t = JobRuns->new;
my $real = $t->redis;

# In front of Redis: what is allowed by name happens to the next call of three
# attempts, and "poison" to all calls with a request id of that name.

my $peer = RedisPeer->start($t, 'relay', sub {
    my ($c) = @_;
    my $lose = 0;

    $c->relay($real->path, sub {
        my ($bytes, $is_reply) = @_;

        if ($is_reply) {
            return $bytes unless $lose;
            $c->note('lost');
            return ('', 1);
        }

        my @commands = split /(?=\*\d+\r\n\$\d+\r\nEVAL)/, $bytes;

        for (@commands) {
            my $records = () = /:v1:token:/g or next;
            $c->note("records $records");

            if ($records == 3 && take($c, 'error')
                || /poison/ && $c->allowed('poison'))
            {
                # what Redis says of it is an error, in its place
                s/\nEVALSHA\r/\nEVALSHX\r/;
            }
            next if $records != 3;

            $lose = take($c, 'lose');

            if (take($c, 'short')) {
                $c->write(admit_reply('1f'));
                return '';
            }
        }

        return join '', @commands;
    });
});
END { RedisPeer::stop_all() }

sub take {
    my ($c, $what) = @_;
    return unlink $t->testdir . "/relay.allow-$what";
}

my %patient = (workers => 1, http => <<'END');
    jobruns_redis_timeout 20s;
    jobruns_redis_connect_timeout 20s;
    jobruns_limit rate key=tenant rate=1000r/s burst=1000;
    jobruns_concurrency slots key=tenant limit=100;
END
$t->run(%patient, redis => 'jobruns_redis ' . $peer->address . ';');
my $service = $t->service;

sub statuses { return join ' ', map { $_->response->status } @_ }

# Three creations of one turn; their ids have the names.

sub three {
    my (@names) = @_;
    return in_one_turn($t, map {
        { token => $_, request_id => $_ x 2, stub => held() }
    } @names);
}

sub state_of {
    my ($redis) = @_;
    return join '', sort map { $redis->field($_, 's') }
        $redis->keys('*:v1:token:*');
}

$t->create_run;
my (@clients, $had);

sub fresh {
    $service->reset;
    $real->command('FLUSHALL');
    $had = $peer->count('^records');
}

# How many attempts each call was for.

sub calls_since {
    my @calls = map { /^records (\d+)/ ? $1 : () } $peer->seen;
    return join ' ', @calls[$had .. $#calls];
}

###############################################################################
# The reply is lost

fresh();
$peer->allow('lose');
@clients = three(qw(a b c));
$service->wait_at('answer', 3);
is($peer->count('^lost$'), 1, 'the reply to three admissions is lost');
is(calls_since(), '3 1 1 1', 'each of three lost admissions is asked again');
is(state_of($real), 'ccc', 'each of three lost admissions has its claim');
is($service->asked, 3, 'each of three lost admissions is forwarded once');

$peer->allow('lose');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201',
    'the reply to three settlements is lost, and all clients have a response');
is($peer->count('^lost$'), 2, 'the reply to three settlements is lost');
wait_for { calls_since() eq '3 1 1 1 3 1 1 1' }
    'each of three lost settlements to be told again';
is(state_of($real), 'ddd', 'each of three lost settlements is stored');
is($service->created($_), 1, "$_ has one job run") for qw(a b c);

###############################################################################
# No reply yet

fresh();
$real->pause;
@clients = in_one_turn($t, ({ token => 'same' }) x 24);
wait_for { $peer->count('^records') == $had + 24 }
    'all tries of a token to be sent before any has a reply';
is(calls_since(), join(' ', (1) x 24), 'each try of a token has its own call');
$real->resume;
my %tries;
$tries{$_->response->status}++ for @clients;
is(($tries{201} // 0) + ($tries{409} // 0), 24, 'all tries have a response')
    or diag(explain(\%tries));
is($service->created('same'), 1, 'many tries of a token make one job run');

###############################################################################
# An error

fresh();
$peer->allow('error');
@clients = three(qw(a b c));
$service->wait_at('answer', 3);
is(calls_since(), '3 1 1 1',
    'where a script fails for three, each is asked for alone');
$peer->allow('error');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201', 'where a script fails, all are created');
wait_for { calls_since() eq '3 1 1 1 3 1 1 1' }
    'each of three settlements to be told alone';
is(state_of($real), 'ddd', 'where a script fails, all are stored');

fresh();
$peer->allow('poison');
@clients = three(qw(a poison b));
is($clients[1]->response->status, 503,
    'who makes a script fail also alone is refused');
$service->wait_at('answer', 2);
is(calls_since(), '3 1 1 1', 'who makes a script fail is asked for once more');
take($peer, 'poison');
answer_in_one_turn($t, 2);
is(statuses(@clients[0, 2]), '201 201',
    'who was in a call with it is created');

###############################################################################
# Fewer replies than attempts

fresh();
$t->allow_log(qr/answered for key ".*" with no list/);
$peer->allow('short');
@clients = three(qw(a b c));
is(statuses(@clients), '503 503 503', 'a reply for one is no reply to three');
is($service->asked, 0, 'a reply for one forwards none of three');

###############################################################################
# Redis does not reply: two calls are under way, and no more

fresh();
$real->pause;
@clients = map {
    my $client = $t->start_run(token => $_, stub => held());
    $t->get('/x');                      # it has been asked
    $client;
} 'a' .. 'f';
$peer->wait_seen('^records', $had + 2);
is(calls_since(), '1 1', 'two calls of a tenant are under way');
$real->resume;
$service->wait_at('answer', 6);
answer_in_one_turn($t, 6);
is(statuses(@clients), join(' ', (201) x 6), 'who waited for them is created');

###############################################################################
# Replicas

my $master = $t->redis('master', tcp => 1,
    args => ['--repl-diskless-sync-delay', 0]);
my $replica = $t->redis('replica', tcp => 1, args => ['--replicaof',
    '127.0.0.1', $master->{port}]);

wait_for {
    $master->command('INFO', 'replication') =~ /^slave0:.*state=online/m
} 'the replica to be in step';

my %replicated = (redis => 'jobruns_redis %%REDIS_master%%;');
$t->nginx->quit;
$t->configure(%patient, %replicated,
    server => 'jobruns_redis_replicas 1 10s;');
$t->nginx->start;
$t->create_run;

sub waits {
    return $master->command('INFO', 'commandstats')
        =~ /^cmdstat_wait:calls=(\d+)/m ? $1 : 0;
}

$service->reset;
my $waits = waits();
@clients = three(qw(a b c));
$service->wait_at('answer', 3);
is(waits(), $waits + 1, 'one WAIT is for three admissions');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201', 'three on a replica are created');

$t->nginx->quit;
$t->configure(%patient, %replicated,
    server => 'jobruns_redis_replicas 1 100ms;');
$t->nginx->start;
$t->create_run;
$replica->pause;
$service->reset;
@clients = three(qw(d e f));
is(statuses(@clients), '503 503 503',
    'three that are on no replica are refused');
is($service->asked, 0, 'three that are on no replica are not forwarded');
wait_for { state_of($master) !~ /c/ } 'their claims to be given back';
$replica->resume;

###############################################################################
# A slot that moves

my $cluster = RedisCluster->start($t, replicas => 0);
my $slot = $cluster->slot('{ocid1.tenancy.oc1..test}');
my $from = $cluster->master($slot);
my $to = $cluster->other($from);

$t->nginx->quit;
$t->configure(%patient, redis => 'jobruns_redis ' . $cluster->address . ';');
$t->nginx->start;
is($t->create_run->status, 201, 'a creation by a cluster is created');

$_->command('CONFIG', 'RESETSTAT') for $cluster->nodes;
$service->reset;
$cluster->migrate($slot, $from, $to);
@clients = three(qw(a b c));
$service->wait_at('answer', 3);
is($cluster->errors('MOVED'), 1, 'three whose slot has moved are sent again');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201', 'three whose slot has moved are created');
is(state_of($to), 'dddd', 'three whose slot has moved are where it is');

# half of the keys have moved: neither node can do it before the others have

$service->reset;
$cluster->open_slot($slot, $to, $from);
$cluster->move_keys($slot, $to, $from, 2);
@clients = three(qw(d e f));
wait_for { $cluster->errors('TRYAGAIN') } 'a call to be put off';
1 while $cluster->move_keys($slot, $to, $from);
$cluster->close_slot($slot, $to, $from);
$service->wait_at('answer', 3);
is($service->asked, 3, 'three whose slot moves are forwarded once');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201', 'three whose slot moves are created');
is($service->created($_), 1, "$_ has one job run") for qw(d e f);

RedisPeer::stop_all();

done_testing;
