#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What one turn of the event loop has for one tenant leaves for Redis in one
# call of a script; each attempt is told what it would be told alone, and a
# token has one job run.

use lib 't/lib';
use JobRuns;
use Batches;

my $t = JobRuns->new;
my $redis = $t->redis;
my $nginx = $t->run(workers => 1, server => <<'END', servers =>
    jobruns_redis_timeout 20s;
    jobruns_redis_connect_timeout 20s;
    jobruns_limit rate key=tenant rate=1000r/s burst=1000;
    jobruns_concurrency slots key=tenant limit=100;
END
    jobruns_server(2, 'jobruns_retry_wait 0;'));
my $service = $t->service;
my $unlimited = '127.0.0.1:' . $t->port(2);

$t->create_run;                         # Redis knows the scripts

sub fresh {
    $service->reset;
    $redis->command('FLUSHALL');
}

# What Redis is sent while this runs.

sub sent(&) {
    my ($act) = @_;

    $redis->monitor;
    $act->();
    return join ', ', calls($redis->monitored);
}

sub statuses { return join ' ', map { $_->response->status } @_ }
sub tokens { return map { { token => "token-$_" } } 1 .. $_[0] }

sub slots {
    my ($key) = $redis->keys('*:v1:slots:*') or return 0;
    return $redis->command('ZCARD', $key);
}

###############################################################################
# One, as it always was

is(sent { $t->create_run }, 'admit 1, settle 1',
    'a creation alone takes two calls');

my (@clients, @responses);

###############################################################################
# Several in a turn

fresh();
is(sent {
    @clients = in_one_turn($t, map { { %$_, stub => held() } } tokens(10));
    $service->wait_at('answer', 10);
}, 'admit 10', 'ten admissions of a turn are one call');
is(slots(), 10, 'ten admissions of a turn have a slot each');
is(sent {
    answer_in_one_turn($t, 10);
    @responses = map { $_->response } @clients;
    is(join(' ', map { $_->status } @responses), join(' ', (201) x 10),
        'all ten are created');
}, 'settle 10', 'ten settlements of a turn are one call');
is(slots(), 0, 'ten settlements of a turn give their slots back');
is($service->created("token-$_"), 1, "token-$_ has one job run") for 1 .. 10;

is(sent {
    my @again = in_one_turn($t, tokens(10));
    is(join("\n", map { $_->response->body } @again),
        join("\n", map { $_->body } @responses),
        'each retry of a turn gets the response to its own token');
}, 'admit 10', 'ten retries of a turn are one call');
is($service->asked, 10, 'retries of a turn are not forwarded');

fresh();
is(sent {
    @clients = in_one_turn($t, map { { %$_, stub => held() } } tokens(40));
    $service->wait_at('answer', 40);
}, 'admit 32, admit 8', 'a call has 32 attempts at most');
$service->release('answer');
$service->release('answered');
is(statuses(@clients), join(' ', (201) x 40), 'all of two calls are created');
is($service->created, 40, 'all of two calls have a job run each');

###############################################################################
# Who counts by other keys, or by none

fresh();
is(join(', ', sort split /, /, sent {
    @clients = in_one_turn($t, map { {
        tenancy => "ocid1.tenancy.oc1..$_->[0]", to => $_->[1],
        stub => held()
    } } ['a'], ['b'], ['a'], ['b'], ['a', $unlimited], ['a', $unlimited],
        ['a']);
    $service->wait_at('answer', 7);
}), 'admit 2, admit 2, admit 3',
    'each tenant has a call, and each set of limits');
is(join(', ', sort split /, /, sent {
    answer_in_one_turn($t, 7);
    is(statuses(@clients), join(' ', (201) x 7), 'all of them are created');
}), 'settle 2, settle 2, settle 3', 'so has each of them for its settlements');

fresh();
is(join(', ', sort split /, /, sent {
    @clients = in_one_turn($t, map { {
        tenancy => "ocid1.tenancy.oc1..$_", to => $unlimited, stub => held()
    } } 1004, 1020);                    # alike in what finds a gather
    $service->wait_at('answer', 2);
    answer_in_one_turn($t, 2);
    is(statuses(@clients), '201 201', 'two tenants without limits are created');
}), 'admit 1, admit 1, settle 1, settle 1',
    'two tenants without limits share no call');

###############################################################################
# One token twice

fresh();
is(sent {
    @clients = in_one_turn($t, map {
        { token => $_, to => $unlimited, stub => held() }
    } qw(same other same));
    is($clients[2]->response->status, 409,
        'a token that comes twice in a turn runs already');
    $service->wait_at('answer', 2);
}, 'admit 2, admit 1', 'a token is once in a call');
is($service->asked, 2, 'a token that comes twice in a turn is forwarded once');
answer_in_one_turn($t, 2);
is(statuses(@clients[0, 1]), '201 201',
    'the first of a token that comes twice in a turn is created');
is($service->created('same'), 1,
    'a token that comes twice in a turn has one job run');

fresh();
@clients = in_one_turn($t, ({ token => 'same', to => $unlimited }) x 8);
my %count;
$count{$_->response->status}++ for @clients;
is($service->created('same'), 1,
    'a token that comes eight times in a turn has one job run');
is($count{201} + ($count{409} // 0), 8,
    'the other seven get its response, or are told that it runs');

###############################################################################
# All that an admission may be told, in one call

fresh();
$t->create_run(token => 'done');
my $running = $t->start_run(token => 'running', stub => held());
$service->wait_at('answer', 1);
my $other = '11111111-3a17-47a1-b231-869d8ae2a048';
is(sent {
    @clients = in_one_turn($t,
        { token => 'done' }, { token => 'new' },
        { token => 'running', job_key => $other });
    is(statuses(@clients), '201 201 409',
        'a replay, a creation and another request are each told their own');
}, 'admit 3, settle 1',
    'a replay, a creation and another request are one call');
answer_in_one_turn($t, 1);
is($running->response->status, 201, 'who ran meanwhile is created');

###############################################################################
# Two calls under way, and no more: the others wait for a reply

fresh();
$redis->monitor;
$redis->pause;
@clients = ();
for my $token (tokens(2)) {
    push @clients, $t->start_run(%$token, stub => held());
    $t->get('/x');                      # it has been asked, by itself
}
push @clients, in_one_turn($t, map { { %$_, stub => held() } }
    (tokens(12))[2 .. 11]);
$t->get('/x');
$redis->resume;
$service->wait_at('answer', 12);
is(join(', ', calls($redis->monitored)), 'admit 1, admit 1, admit 10',
    'what comes while two calls are under way leaves together');
answer_in_one_turn($t, 12);
is(statuses(@clients), join(' ', (201) x 12), 'what waited is created');

###############################################################################
# A client leaves while its call is under way, or waits to be sent

for my $case ([1, 'under way'], [3, 'that waits to be sent']) {
    my ($turns, $what) = @$case;
    my (@all, @h2);

    fresh();
    $redis->pause;
    for my $turn (1 .. $turns) {
        my ($h2, @streams) = h2_in_one_turn($t, map {
            { token => "turn-$turn-$_", stub => held() }
        } 1 .. 3);
        push @all, \@streams;
        push @h2, $h2;
        $t->get('/x');
    }

    # the response comes behind the reset, so that has been seen
    $all[-1][1]->reset;
    $h2[-1]->request({ path => '/seen', headers => [['Host', 'localhost']] })
        ->response;
    $redis->resume;

    my $left = 3 * $turns - 1;
    $service->wait_at('answer', $left);
    wait_for { slots() == $left } 'the slot to be given back';
    is($redis->keys("*:v1:token:*"), $left,
        "the token of a client that leaves in a call $what is free");
    answer_in_one_turn($t, $left);
    splice @{$all[-1]}, 1, 1;
    is(statuses(map { @$_ } @all), join(' ', (201) x $left),
        "the others of a call $what are created");
    is($service->created("turn-$turns-2"), 0,
        "who leaves in a call $what has no job run");
}

###############################################################################
# What is too large

fresh();
my $large = { %{held()}, bytes => 100_000 };
is(sent {
    @clients = in_one_turn($t, map {
        { token => "token-$_", stub => $_ == 3 ? $large : held() }
    } 1 .. 5);
    $service->wait_at('answer', 5);
    answer_in_one_turn($t, 5);
    is(statuses(@clients), join(' ', (201) x 5),
        'a large response and four small ones are created');
}, 'admit 5, settle 2, settle 1, settle 2',
    'a response above 64 KB is stored by a call of its own');

fresh();
@clients = in_one_turn($t, map {
    { token => "token-$_", stub => { %{held()}, bytes => 1_000_000 } }
} 1 .. 6);
answer_in_one_turn($t, 6);
@responses = map { $_->response } @clients;
is(sent {
    @clients = in_one_turn($t, tokens(6));
    ok(!(grep { $_->response->body ne (shift @responses)->body } @clients),
        'large responses are each replayed to its own token');
}, 'admit 6, admit 1, admit 1',
    'a reply has 4 MB of stored responses, the others are asked for alone');

###############################################################################
# A script that Redis does not know, and a Redis without memory

fresh();
$redis->command('SCRIPT', 'FLUSH');
is(sent {
    @clients = in_one_turn($t, map { { %$_, stub => held() } } tokens(3));
    $service->wait_at('answer', 3);
}, 'admit 3, admit 3', 'an unknown script is sent with the whole call');
answer_in_one_turn($t, 3);
is(statuses(@clients), '201 201 201', 'an unknown script: all are created');

$redis->command('CONFIG', 'SET', 'maxmemory', 1);
is(sent {
    @clients = in_one_turn($t, { token => 'token-1' }, { token => 'new-1' },
        { token => 'token-2' }, { token => 'new-2' });
    is(statuses(@clients), '201 503 201 503',
        'without memory replays are told, and creations refused');
}, 'admit 4, admit 1, admit 1',
    'whom an error keeps from being decided is asked for alone, once');
is(sent {
    @clients = in_one_turn($t, { token => 'new-1' }, { token => 'new-2' });
    is(statuses(@clients), '503 503', 'without memory creations are refused');
}, 'admit 2, admit 1, admit 1', 'an error for all is asked about once');
like($nginx->error_log, qr/answered "OOM .*raise maxmemory/,
    'error.log says how to get more memory');
is($service->created, 3, 'without memory nothing is forwarded');
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
is(slots(), 0, 'without memory nothing is counted');

done_testing;
