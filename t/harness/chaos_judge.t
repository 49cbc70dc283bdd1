#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The judge of `make chaos` reports what is wrong: it gets a run that went
# well, then the same run with one thing wrong.

use lib 't/lib';

use JSON::PP ();

use JobRuns;
use Chaos::Judge;

my $t = JobRuns->new;
my $redis = $t->redis;
my $json = JSON::PP->new->utf8->canonical;
my $runs = 0;

sub write_lines {
    my ($file, @lines) = @_;

    open my $fh, '>:raw', $file or die "$file: $!\n";
    print {$fh} map { (ref $_ ? $json->encode($_) : $_) . "\n" } @lines;
    close $fh or die "$file: $!\n";
}

# Two calls: the first got 503 and its retry the run that was created, the
# second was refused.

sub story {
    my @ledger = (
        { event => 'request', id => 1,
            headers => [['opc-request-id', 'a-1']] },
        { event => 'creation', request => 1, token => 'a', key => 'run-a' });
    my @clients = (
        { token => 'a', id => 'a-1', try => 1, last => 0, status => 503,
            asked => 'X-Stub-truncate 40', body => 'a', begun => 1,
            time => 2 },
        { token => 'a', id => 'a-2', try => 2, last => 1, status => 201,
            key => 'run-a', replayed => 0, asked => '', body => 'a',
            begun => 3, time => 4 },
        { token => 'b', id => 'b-1', try => 1, last => 1, status => 429,
            asked => '', body => 'b', begun => 1, time => 2 });
    my @audit = ({ eventType => 'createJobRun.begin',
        data => { request => { id => 'a-1' } } });

    return { ledger => \@ledger, clients => \@clients, audit => \@audit,
        alerts => [] };
}

# What is above its limit, as "WHAT: FIGURE".

sub breaches {
    my ($story) = @_;
    my $dir = $t->testdir . '/story' . ++$runs;

    mkdir $dir or die "$dir: $!\n";
    write_lines("$dir/ledger.jsonl", @{$story->{ledger}});
    write_lines("$dir/clients.jsonl", @{$story->{clients}});
    write_lines("$dir/audit-1.log", @{$story->{audit}});

    write_lines("$dir/events.jsonl", @{$story->{events} // []});

    my @table = Chaos::Judge::judge(dir => $dir, redis => [$redis],
        alerts => $story->{alerts}, lease => 3, unknown => 'forward',
        failovers => $story->{failovers},
        replicated => $story->{replicated}, limits => $story->{limits});

    return join '; ', map { "$_->[0]: $_->[1]" }
        grep { defined $_->[2] && $_->[1] > $_->[2] } @table;
}

sub told {
    my ($what, $expected, $change) = @_;
    my $story = story();

    $change->($story);
    is(breaches($story), $expected, "$what: the judge reports "
        . ($expected || 'nothing'));
}

is(breaches(story()), '',
    'the judge finds nothing wrong with a run that went well');

told('a second job run', 'tokens with two job runs: 1', sub {
    my ($s) = @_;
    push @{$s->{ledger}}, { event => 'request', id => 2,
            headers => [['Opc-Request-Id', 'a-1']] },
        { event => 'creation', request => 2, token => 'a', key => 'run-b' };
});

told('a job run that nobody made',
    'clients told of a run that does not exist: 1', sub {
    my ($s) = @_;
    push @{$s->{clients}}, { token => 'c', id => 'c-1', try => 1, last => 1,
        status => 201, key => 'run-c', asked => '', body => 'c',
        begun => 1, time => 2 };
});

told('a 2xx without a key', 'clients told of a run that does not exist: 1',
    sub { delete $_[0]{clients}[1]{key} });

told('a replay of nothing', 'histories that are not linearizable: 1',
    sub { $_[0]{clients}[1]{replayed} = 1 });

told('two answers for one token', 'tokens with two job runs: 1; '
    . 'tokens whose clients were told two runs: 1; '
    . 'histories that are not linearizable: 1', sub {
    my ($s) = @_;
    push @{$s->{ledger}},
        { event => 'creation', request => 1, token => 'a', key => 'run-b' };
    push @{$s->{clients}}, { token => 'a', id => 'a-3', try => 3, last => 1,
        status => 201, key => 'run-b', asked => '', body => 'a', begun => 5,
        time => 6 };
});

told('a second job run across a failover', '', sub {
    my ($s) = @_;
    push @{$s->{ledger}},
        { event => 'creation', request => 1, token => 'a', key => 'run-b' };
    push @{$s->{clients}}, { token => 'a', id => 'a-3', try => 3, last => 1,
        status => 201, key => 'run-b', asked => '', body => 'a', begun => 5,
        time => 6 };
    $s->{failovers} = [4.5];
});

told('a second job run across a failover to a replica that had the claim',
    'the same, across a failover: 1', sub {
    my ($s) = @_;
    push @{$s->{ledger}},
        { event => 'creation', request => 1, token => 'a', key => 'run-b' };
    @$s{qw(failovers replicated)} = ([3.5], 1);
});

told('a second job run before a failover', 'tokens with two job runs: 1', sub {
    my ($s) = @_;
    push @{$s->{ledger}},
        { event => 'creation', request => 1, token => 'a', key => 'run-b' };
    $s->{failovers} = [40];
});

told('no record', 'runs without an audit record: 1',
    sub { @{$_[0]{audit}} = () });
told('a record of the end alone', 'runs without an audit record: 1',
    sub { $_[0]{audit}[0]{eventType} = 'createJobRun.end' });
told('the record of another attempt', 'runs without an audit record: 1',
    sub { $_[0]{audit}[0]{data}{request}{id} = 'a-2' });
told('a request without an id', 'runs without an audit record: 1',
    sub { $_[0]{ledger}[0]{headers} = [] });
told('a torn line', 'lines of audit that are no JSON: 1',
    sub { push @{$_[0]{audit}}, '{"eventType":' });
told('an alert', 'alerts in error.log: 1',
    sub { push @{$_[0]{alerts}}, 'signal 11' });

my ($now) = @{$redis->command('TIME')};
my $later = ($now + 3600) * 1000;

$redis->command('SET', 'jobruns:{t}:v1:token:x', '');
$redis->set_record('jobruns:{t}:v1:token:x', s => 'c', l => $later,
    o => '0' x 32, f => '1:' . '0' x 64, r => 'id', i => 'id', x => $later);
told('a claim that does not end', 'claims still held after the longest lease'
    . ': 1', sub { });
$redis->set_record('jobruns:{t}:v1:token:x', l => ($now - 3600) * 1000);
told('a claim whose lease has ended', '', sub { });
$redis->set_record('jobruns:{t}:v1:token:x', s => 'd', l => $later);
told('a token that is done', '', sub { });

$redis->command('ZADD', 'jobruns:{t}:v1:slots:n', $later, 'owner');
told('a slot that does not end', 'slots still held: 1', sub { });
$redis->command('ZADD', 'jobruns:{t}:v1:slots:n', ($now - 1) * 1000, 'owner');
told('a slot whose lease has ended', '', sub { });

###############################################################################
# Limits

$redis->command('FLUSHALL');

my $REQUEST = 3_600_000_000;
my %end = (eventType => 'createJobRun.end');

sub counters {
    my ($quota, $places) = @_;

    $redis->command('SET', 'jobruns:{t}:v1:counters', '');
    $redis->set_counter('jobruns:{t}:v1:counters', @$_)
        for ['quota:day:d', [$later, $now, $quota]],
            ['rate:total', [$later, $now, $places * $REQUEST]];
}

# One token, its run, and a try that left while it waited.

sub limited_story {
    my $story = story();
    my @tries = @{$story->{clients}};

    $_->{tenant} = 't' for @tries;
    @$story{qw(ledger clients)} = ([{ event => 'request', id => 1, time => 10,
            token => 'a', headers => [['opc-request-id', 'a-2']] },
        { event => 'creation', request => 1, token => 'a', key => 'run-a' }],
        [@tries[1, 2]]);
    push @{$story->{clients}}, { token => 'c', id => 'c-1', try => 1,
        last => 1, error => 'timeout', tenant => 't', asked => '', body => 'c',
        begun => 1, time => 2 };
    $story->{audit} = [
        { eventType => 'createJobRun.begin',
            data => { request => { id => 'a-2' } } },
        { %end, data => { request => { id => 'a-2' }, additionalDetails =>
            { outcome => 'created', durationsMs => { waited => 900 } } } },
        { eventType => 'createJobRun', data => { request => { id => 'b-1' },
            additionalDetails => { outcome => 'limited' } } },
        { eventType => 'createJobRun', data => { request => { id => 'c-1' },
            additionalDetails => { outcome => 'unsent', tokenBefore =>
                'absent', durationsMs => { waited => 500 } } } }];
    $story->{limits} = { rate => 5, burst => 2, delay => 2 };

    return $story;
}

sub limited {
    my ($what, $expected, $change) = @_;
    my $story = limited_story();

    counters(1, 1);
    $change->($story);
    is(breaches($story), $expected, "$what: the judge reports "
        . ($expected || 'nothing'));
}

$redis->set_record('jobruns:{t}:v1:token:x', s => 'd', l => 0, x => $later,
    o => '0' x 32, f => '1:' . '0' x 64, r => 'id', i => 'id');

limited('limits that counted what was made', '', sub { });
limited('a unit of a quota too many',
    'units of a quota beside those of tokens: 1', sub { counters(2, 1) });
limited('a unit of a quota too few',
    'units of a quota beside those of tokens: 1', sub { counters(0, 1) });
limited('a place that was not given back',
    'places in a rate that nobody used: 1', sub { counters(1, 2) });
limited('an attempt that nothing counted',
    'requests without a place in a rate: 1', sub { counters(1, 0) });
limited('a place of one that may have been killed', '', sub {
    counters(1, 2);
    pop @{$_[0]{audit}};
});
limited('a place of one that was refused',
    'places in a rate that nobody used: 1', sub {
    counters(1, 2);
    $_[0]{audit}[3]{data}{additionalDetails}{outcome} = 'limited';
});
limited('a wait that is too long', 'of them for longer than the delay: 1', sub {
    $_[0]{audit}[1]{data}{additionalDetails}{durationsMs}{waited} = 3100;
});
limited('a long wait in a worker that was stopped', '', sub {
    $_[0]{audit}[1]{data}{additionalDetails}{durationsMs}{waited} = 3100;
    $_[0]{events} = [{ name => 'worker-stalled', begun => 3.2, ended => 3.8 }];
});
limited('a long wait whose client had left when the worker was stopped', '',
    sub {
    $_[0]{audit}[1]{data}{additionalDetails}{durationsMs}{waited} = 7100;
    $_[0]{events} = [{ name => 'worker-stalled', begun => 4.5, ended => 9 }];
});
limited('a long wait in a worker that was stopped when it was over',
    'of them for longer than the delay: 1', sub {
    $_[0]{audit}[1]{data}{additionalDetails}{durationsMs}{waited} = 4100;
    $_[0]{events} = [{ name => 'worker-stalled', begun => 8.2, ended => 12 }];
});

# twice 5, 3 at once, and 13 that may have been held up before the first

for my $case ([26, ''], [27, 'requests beyond a rate: 1']) {
    my ($count, $expected) = @$case;

    limited("$count requests in two seconds", $expected, sub {
        my ($s) = @_;

        counters(1, $count);
        push @{$s->{ledger}}, map { { event => 'request', id => 1 + $_,
            time => 10 + ($_ > 1) * 2, token => 'a', headers => [] } }
            1 .. $count - 1;
    });
}

done_testing;
