#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The checker of histories finds those linearizable that are, and no others:
# first those of a register, then those of retry tokens as `make chaos` records
# them.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use Chaos::Linear;
use Chaos::Tokens;


# A register: reads and writes.  [begin, end, 'w' or 'r', value]; without an
# end, nobody knows whether it acted.

sub of_register {
    my @ops = map {
        my ($begin, $end, $what, $value) = @$_;

        { begin => $begin, end => $end, optional => !defined $end,
            step => sub { $what eq 'w' ? $value
                : $_[0] eq $value ? $_[0] : () } };
    } @_;

    return (Chaos::Linear::check(\@ops, '0'))[0];
}

for my $case (
    ['ok', 'nothing'],
    ['ok', 'one after the other', [0, 1, 'w', 1], [2, 3, 'r', 1]],
    ['invalid', 'a read of what was overwritten', [0, 1, 'w', 1],
        [2, 3, 'r', 0]],
    ['invalid', 'a read of what nobody wrote', [0, 1, 'w', 1],
        [2, 3, 'r', 2]],
    ['ok', 'a read during the write sees the old value', [0, 9, 'w', 1],
        [2, 3, 'r', 0]],
    ['ok', 'a read during the write sees the new value', [0, 9, 'w', 1],
        [2, 3, 'r', 1]],
    ['ok', 'reads during the write, old to new', [0, 9, 'w', 1],
        [2, 3, 'r', 0], [4, 5, 'r', 1]],
    ['invalid', 'reads during the write, new to old', [0, 9, 'w', 1],
        [2, 3, 'r', 1], [4, 5, 'r', 0]],
    ['ok', 'two writes at once, in one order', [0, 9, 'w', 1],
        [0, 9, 'w', 2], [10, 11, 'r', 1]],
    ['ok', 'two writes at once, in the other order', [0, 9, 'w', 1],
        [0, 9, 'w', 2], [10, 11, 'r', 2]],
    ['invalid', 'two writes at once, in both orders', [0, 9, 'w', 1],
        [0, 9, 'w', 2], [10, 11, 'r', 1], [12, 13, 'r', 2]],
    ['ok', 'a lost write that acts late', [0, undef, 'w', 1],
        [2, 3, 'r', 0], [50, 51, 'r', 1]],
    ['ok', 'a lost write that never acts', [0, undef, 'w', 1],
        [2, 3, 'r', 0], [50, 51, 'r', 0]],
    ['invalid', 'a lost write that acts before it began', [5, undef, 'w', 1],
        [2, 3, 'r', 1]],
    ['invalid', 'a lost write that is undone', [0, undef, 'w', 1],
        [2, 3, 'r', 1], [4, 5, 'r', 0]],
    ['ok', 'a write whose end is the begin of a read that misses it',
        [0, 2, 'w', 1], [2, 3, 'r', 0]],
) {
    my ($expected, $name, @ops) = @$case;

    is(of_register(@ops), $expected, "a register: $name: $expected");
    is(of_register(reverse @ops), $expected,
        "a register: $name, in another order of lines: $expected");
}

{
    # what acts after another, and an optional one with an end
    my $set = sub { my ($from, $to) = @_;
        sub { $_[0] eq $from ? $to : () } };
    my @ops = ({ begin => 0, end => 9, optional => 1, asked => 1,
            step => $set->(0, 1) },
        { begin => 0, end => undef, optional => 0, after => 0,
            step => $set->(1, 2) });

    is((Chaos::Linear::check(\@ops, '0'))[0], 'ok',
        'an operation acts after the one that it depends on');
    is((Chaos::Linear::check(\@ops, '1'))[0], 'invalid',
        'an operation does not act without the one that it depends on');

    $ops[1]{begin} = 10;
    is((Chaos::Linear::check(\@ops, '0'))[0], 'ok',
        'an optional operation acts before what began behind its end');
    push @ops, { begin => 10, end => 11, optional => 0,
        step => $set->(0, 0) };
    is((Chaos::Linear::check(\@ops, '0'))[0], 'invalid',
        'an optional operation acts at no time behind its end');
}

{
    my @writes = map { [0, 1, 'w', $_] } 1 .. 20;

    is(of_register(@writes, [2, 3, 'r', 21]), 'undecided',
        'what has too many orders is left undecided');
}


# Random histories of a register: the checker says of each what trying every
# order says.

sub some_order {
    my ($ops, $state, @acted) = @_;
    my @left = grep { !$acted[$_] } 0 .. $#$ops;

    return 1 if !grep { !$ops->[$_]{optional} } @left;

    for my $i (@left) {
        my $op = $ops->[$i];

        # nothing that ended before this one began may come behind it
        next if grep { defined $ops->[$_]{end} && $_ != $i
            && !$ops->[$_]{optional} && $ops->[$_]{end} < $op->{begin} } @left;
        next if grep { $acted[$_] && defined $op->{end}
            && $op->{end} < $ops->[$_]{begin} } 0 .. $#$ops;

        my @now = @acted;
        $now[$i] = 1;

        for my $next ($op->{step}->($state, '')) {
            return 1 if some_order($ops, $next, @now);
        }
    }

    return 0;
}

{
    my $seed = $ENV{SEED} // 1;
    my (%verdicts, @wrong);

    srand $seed;

    for my $history (1 .. 1000) {
        my @ops = map {
            my $begin = int rand 6;
            my $end = rand() < 0.2 ? undef : $begin + int rand 4;
            my ($write, $value) = (rand() < 0.6, int rand 3);

            { begin => $begin, end => $end,
                optional => !defined $end || $write && rand() < 0.4,
                reads => !$write,
                step => sub { $write ? $value
                    : $_[0] eq $value ? $_[0] : () } };
        } 1 .. 2 + int rand 5;
        my ($verdict) = Chaos::Linear::check(\@ops, '0');

        $verdicts{$verdict}++;
        push @wrong, $history
            if $verdict ne (some_order(\@ops, '0') ? 'ok' : 'invalid');
    }

    is("@wrong", '', "random histories are judged as by all orders"
        . " (SEED=$seed)");
    cmp_ok($verdicts{$_} // 0, '>', 100, "of them enough are $_")
        for 'ok', 'invalid';
}


# Tokens: [begun, time, outcome, body]; the outcome is a key, "=" and a key for
# a replay, a status with a code, or "" for none.

my $LEASE = 3;

sub tries {
    return map {
        my ($begun, $time, $what, $body) = @$_;
        my %try = (token => 't', begun => $begun, time => $time,
            body => $body // 'a');

        if ($what =~ /^(=?)([a-z]+)$/) {
            @try{qw(status key replayed)} = (201, $2, $1 ? 1 : 0);
        } elsif ($what =~ /^(\d+) ?(.*)$/) {
            @try{qw(status code)} = ($1, $2);
            $try{asked} = 'X-Stub-status 404' if $1 == 404;
        }

        \%try;
    } @_;
}

sub of_token {
    my ($unknown, @lines) = @_;
    my %found = Chaos::Tokens::check([tries(@lines)], lease => $LEASE,
        unknown => $unknown);

    return @{$found{invalid}} ? 'invalid' : $found{undecided} ? 'undecided'
        : 'ok';
}

my $MISMATCH = '409 InvalidatedRetryToken';
my $RUNNING = '409 IncorrectState';
my $UNKNOWN = '409 Conflict';
my $LIMITED = '429 TooManyRequests';
my $FAILED = '503 ServiceUnavailable';

# expected with `forward`, and with `refuse`
for my $case (
    ['ok', 'ok', 'a creation and its replay', [0, 1, 'k'], [2, 3, '=k']],
    ['invalid', 'invalid', 'a replay of another run', [0, 1, 'k'],
        [2, 3, '=l']],
    ['invalid', 'invalid', 'two runs', [0, 1, 'k'], [2, 3, 'l']],
    ['invalid', 'invalid', 'two runs at once', [0, 9, 'k'], [1, 8, 'l']],
    ['invalid', 'invalid', 'a replay of what nobody created', [0, 1, '=k']],
    ['invalid', 'invalid', 'a replay before the creation', [2, 3, 'k'],
        [0, 1, '=k']],
    ['invalid', 'invalid', 'a replay of what a limit refused',
        [0, 1, $LIMITED], [2, 3, '=k']],
    ['ok', 'ok', 'a creation whose response is lost, and its replay',
        [0, 1, ''], [2, 3, '=k']],
    ['invalid', 'invalid', 'a lost response that was two runs', [0, 1, ''],
        [2, 3, '=k'], [4, 5, '=l']],
    ['invalid', 'invalid', 'a failure that is replayed', [0, 1, $FAILED],
        [2, 3, '=k']],
    ['ok', 'ok', 'a failure that used nothing, and a creation',
        [0, 1, $FAILED], [2, 3, 'k']],
    ['ok', 'ok', 'a failure that stays unknown, and a refusal',
        [0, 1, $FAILED], [2, 3, $UNKNOWN]],
    ['invalid', 'invalid', 'an unknown outcome of nothing',
        [2, 3, $UNKNOWN]],
    ['ok', 'invalid', 'an unknown outcome that is forwarded again',
        [0, 1, $FAILED], [2, 2.5, $UNKNOWN], [4, 5, 'k']],
    ['invalid', 'invalid', 'an unknown outcome after a creation',
        [0, 1, 'k'], [2, 2.5, '=k'], [2.6, 3, $UNKNOWN]],
    ['ok', 'ok', 'other body: mismatch', [0, 1, 'k'],
        [2, 3, $MISMATCH, 'b']],
    ['invalid', 'invalid', 'same body: mismatch', [0, 1, 'k'],
        [2, 3, $MISMATCH]],
    ['invalid', 'invalid', 'mismatch with nothing', [0, 1, $LIMITED],
        [2, 3, $MISMATCH, 'b']],
    ['invalid', 'invalid', 'other body: replay', [0, 1, 'k'],
        [2, 3, '=k', 'b']],
    ['invalid', 'invalid', 'other body: a second run', [0, 1, 'k'],
        [2, 3, 'l', 'b']],
    ['ok', 'ok', 'other body, when the service has refused',
        [0, 1, '404 NotAuthorizedOrNotFound'], [2, 3, 'k', 'b'],
        [4, 5, $MISMATCH]],
    ['invalid', 'invalid', 'the first body wins and the second, too',
        [0, 1, 'k'], [2, 3, $MISMATCH, 'b'], [4, 5, '=l', 'b']],
    ['ok', 'ok', 'running while another one is', [0, 9, 'k'],
        [1, 2, $RUNNING], [10, 11, '=k']],
    ['invalid', 'invalid', 'running when nobody has begun',
        [0, 1, $RUNNING], [2, 3, 'k']],
    ['invalid', 'invalid', 'running by itself', [0, 1, $RUNNING]],
    ['invalid', 'invalid', 'running after a replay', [0, 1, 'k'],
        [2, 3, '=k'], [4, 5, $RUNNING]],
    ['ok', 'ok', 'mismatch with an attempt that the service will refuse',
        [0, 9, '404 NotAuthorizedOrNotFound'], [2, 3, $MISMATCH, 'b']],
    ['ok', 'ok', 'running behind a client that left', [0, 1, ''],
        [2, 3, $RUNNING], [4, 5, '=k']],
    ['invalid', 'invalid', 'a replay, then nothing any more', [0, 1, 'k'],
        [2, 3, '=k'], [4, 5, $LIMITED]],
    ['invalid', 'invalid', 'a limit refuses a token that is done',
        [0, 1, ''], [2, 3, '=k'], [4, 5, $LIMITED]],
    ['ok', 'ok', 'a limit refuses before the creation', [0, 1, $LIMITED],
        [2, 3, 'k']],
    ['ok', 'ok', 'a creation behind a client that left', [0, 1, ''],
        [1, 2, $RUNNING], [2.1, 2.5, 'k']],
    ['invalid', 'invalid', 'a takeover of what is known to run',
        [0, 2.8, 'k'], [0.5, 0.9, $RUNNING], [1, 1.5, 'k']],
    ['ok', 'invalid', 'a stalled attempt, a takeover and one run',
        [0, 9, 'k'], [1, 2, $RUNNING], [3, 4, 'k'], [5, 6, '=k']],
    ['ok', 'ok', 'an attempt that was overtaken gets the stored response',
        [0, 9, '=k'], [1, 8, 'k']],
) {
    my ($forward, $refuse, $name, @lines) = @$case;

    is(of_token(forward => @lines), $forward,
        "$name: $forward, where unknown ones are forwarded");
    is(of_token(refuse => @lines), $refuse,
        "$name: $refuse, where unknown ones are refused");
}

{
    my @tries = (tries([0, 9, 'k'], [1, 2, $RUNNING]),
        map { { %$_, token => 'u' } } tries([0, 1, 'k'], [2, 3, 'l']));
    my %found = Chaos::Tokens::check(\@tries, lease => 3,
        unknown => 'forward');

    is("$found{tokens} $found{shared} @{$found{invalid}}", '2 1 u',
        'each token is checked by itself, and the invalid one is named');
}

done_testing;
