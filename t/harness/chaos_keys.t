#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The judge of `make chaos` knows who may be let in while the file of keys
# changes: a worker has what the file was at any time since it must have looked,
# and keeps it while the file is broken.

use lib 't/lib';
use JobRuns;

use Chaos::Judge;
use Chaos::Keys;

my @both = qw(leaving steady);
my $LOOK = Chaos::Keys::LOOK();

sub event {
    my ($at, $way, $listed) = @_;

    return { name => 'keys-swapped', begun => $at, ended => $at + 0.1,
        way => $way, listed => $listed };
}

sub known {
    my ($from, $to, $stalls, @events) = @_;

    return join ' or ', map { join '+', sort @$_ } Chaos::Keys::known(
        [Chaos::Keys::contents(@events)], $from, $to, $stalls);
}

my $revoked = event(100, 'revoked', ['steady']);

is(known(50, 60, [], $revoked), 'leaving+steady',
    'before a change the first file is known');
is(known(99, 101, [], $revoked), 'leaving+steady or steady',
    'while the file changes, the one or the other');
is(known(100 + $LOOK - 1, 100 + $LOOK - 1, [], $revoked),
    'leaving+steady or steady', 'until a worker must have looked, both');
is(known(101 + $LOOK, 102 + $LOOK, [], $revoked), 'steady',
    'after that only the new one');

my @stalls = map { { begun => 101, ended => 100 + $LOOK } } 1, 2;
is(known(100 + 2 * $LOOK, 100 + 2 * $LOOK, \@stalls, $revoked), 'steady',
    'what is stopped twice at a time is stopped once');
is(known(101 + $LOOK, 102 + $LOOK, [{ begun => 101, ended => 104 }], $revoked),
    'leaving+steady or steady', 'a worker that was stopped looks later');
is(known(101 + $LOOK, 102 + $LOOK, [], $revoked, event(102, 'cut')),
    'leaving+steady or steady',
    'a broken file may have hidden the change, and keeps the old keys');
is(known(102 + 2 * $LOOK, 103 + 2 * $LOOK, [], $revoked,
    event(101 + $LOOK, 'removed')), 'steady',
    'a file that is removed later brings no key back');
is(known(300, 301, [], $revoked, event(200, 'all', [@both])), 'leaving+steady',
    'a key that is put back is known again');
is(known(200.05, 200.05, [], $revoked, event(200, 'rewritten', [@both])),
    'steady', 'what is still being written cannot be read');
is(known(200.05, 200.05, [], $revoked, event(200, 'emptied', [@both])),
    'steady or ', 'a file that is emptied for a while lists nobody');

###############################################################################

my %good = (id => 'a', user => 'steady', signed => 'well', status => 201,
    gateway => 1, begun => 150, time => 151);

sub breaches {
    my ($try, @events) = @_;
    my @table = Chaos::Keys::judge(tries => [{ %good, %$try }],
        requests => { 1 => { time => ($try->{begun} // 150) + 0.5,
            headers => [['opc-request-id', 'a']] } },
        creations => ($try->{status} // 201) < 300 ? [{ request => 1 }] : [],
        events => [$revoked, @events]);

    return join '; ', map { "$_->[0]: $_->[1]" }
        grep { defined $_->[2] && $_->[1] > $_->[2] } @table;
}

for my $case (
    ['a run of who is known', {}, ''],
    ['a run of who was revoked', { user => 'leaving' },
        'job runs of who was not authenticated: 1'],
    ['a run of who has just been revoked',
        { user => 'leaving', begun => 101, time => 102 }, ''],
    ['a run of a bad signature', { signed => 'digest' },
        'job runs of who was not authenticated: 1; '
        . 'bad signatures not answered 401: 1'],
    ['another refusal of a bad signature',
        { signed => 'stranger', status => 429 },
        'bad signatures not answered 401: 1'],
    ['401 of a bad signature', { signed => 'unsigned', status => 401 }, ''],
    ['503 of a bad signature', { signed => 'date', status => 503 }, ''],
    ['401 of a good signature', { status => 401 },
        'good signatures answered 401: 1'],
    ['401 of who was revoked', { status => 401, user => 'leaving' }, ''],
    ['401 while the clock of the gateway is set', { status => 401 }, '',
        { name => 'gateway-clock', gateway => 1, begun => 150.2,
            ended => 150.2 }],
    ['401 while another clock is set', { status => 401 },
        'good signatures answered 401: 1',
        { name => 'gateway-clock', gateway => 2, begun => 150.2,
            ended => 150.2 }],
) {
    my ($what, $try, $expected, @events) = @$case;

    is(breaches($try, @events), $expected, "$what: the judge reports "
        . ($expected || 'nothing'));
}

done_testing;
