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

    my @table = Chaos::Judge::judge(dir => $dir, redis => [$redis],
        alerts => $story->{alerts}, lease => 3, unknown => 'forward',
        failovers => $story->{failovers});

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

done_testing;
