# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Linear;

# Is a history of operations linearizable?  The algorithm of Wing and Gong with
# the memory of Lowe, as porcupine has it: take any operation that no other one
# has to precede, have the model make its step, go on with the rest; a set of
# operations that has led to the same state before is not tried again.  Two
# things more keep it short: where a set led to a state, no larger one is tried
# that has only more of what need not act; and what only reads and holds up
# nobody acts as soon as it can.
#
#   my ($verdict, $steps) = Chaos::Linear::check($operations, $first_state,
#       $spontaneous);
#
# $spontaneous, if given, is a sub: from a state to those that may follow by
# themselves.
#
# An operation:
#
#   begin     when it was invoked
#   end       when its response came; undef: it may act at any later time
#   optional  it may have had no effect at all (no response came, for example)
#   asked     of optional ones: another operation asks whether it has acted
#   class     of optional ones without an end: the earliest of those with one
#             class that has not acted may stand for each of the others
#   reads     of ones that must act: where its step leaves a state as it is, it
#             changes none of those that may follow this state
#   after     the index of an operation that must have acted before it
#   step      a sub: from a state (a string) to the states that may follow;
#             none: it cannot act in this state.  Its second argument has a
#             "1" at the index of each operation that has acted
#
# The verdict is 'ok', 'invalid', or 'undecided' after MOST steps.

use strict;
use warnings;

use constant MOST => 50_000;

sub check {
    my ($operations, $state, $spontaneous) = @_;
    my @ops = @$operations;
    my ($steps, $left, %seen) = (0, scalar grep { !$_->{optional} } @ops);
    my $spare = join '', map { $_->{optional} && !$_->{asked} || 0 } @ops;
    my @stack = ([$state, '0' x @ops, -9 ** 9 ** 9, $left]);

    while (my $node = pop @stack) {
        my ($now, $done, $latest, $missing) = @$node;

        return ('ok', $steps) if !$missing;
        next if known(\%seen, $done, $now, $spare);
        return ('undecided', $steps) if ++$steps > MOST;

        my @next = candidates(\@ops, $done, $latest, first_end(\@ops, $done));
        my $quiet = only_reads(\@ops, \@next, $now, $done);

        @next = ($quiet) if defined $quiet;

        push @stack, map { [$_, $done, $latest, $missing] }
            $spontaneous->($now) if $spontaneous && !defined $quiet;

        # what must act comes off the stack first
        for my $i ((reverse grep { $ops[$_]{optional} } @next),
            (reverse grep { !$ops[$_]{optional} } @next))
        {
            my $op = $ops[$i];
            my $acted = $done;

            substr $acted, $i, 1, '1';

            push @stack, map { [$_, $acted,
                $op->{begin} > $latest ? $op->{begin} : $latest,
                $missing - !$op->{optional}] } $op->{step}->($now, $done);
        }
    }

    return ('invalid', $steps);
}

# Was this state reached by the same operations, or by fewer of those that need
# not act and nobody asks about?  "0" and "1" differ in one bit: & and ^ are
# those of sets.

sub known {
    my ($seen, $done, $state, $spare) = @_;
    my $more = $done & $spare;
    my $sets = $seen->{($done ^ $more) . $state} //= [];

    for my $set (@$sets) {
        return 1 if ($set & $more) eq $set;
    }

    push @$sets, $more;
    return 0;
}

# The operation that must act, leaves this state as it is, and began before any
# one ended that may still act: whatever comes next may as well come behind it.

sub only_reads {
    my ($ops, $next, $state, $done) = @_;

    for my $i (grep { $ops->[$_]{reads} && !$ops->[$_]{optional} }
        @$next)
    {
        my @states = $ops->[$i]{step}->($state, $done);

        next if @states != 1 || $states[0] ne $state;
        return $i if !grep { !substr($done, $_, 1) && defined $ops->[$_]{end}
            && $ops->[$_]{end} < $ops->[$i]{begin} } 0 .. $#$ops;
    }

    return undef;
}

# When the first response came of those that must still act: what begins later
# has to wait.

sub first_end {
    my ($ops, $done) = @_;
    my $first;

    for my $i (0 .. $#$ops) {
        my $op = $ops->[$i];

        next if $op->{optional} || !defined $op->{end}
            || substr $done, $i, 1;
        $first = $op->{end} if !defined $first || $op->{end} < $first;
    }

    return $first;
}

sub candidates {
    my ($ops, $done, $latest, $first_end) = @_;
    my %tried;

    return grep {
        my $op = $ops->[$_];

        !substr($done, $_, 1)
            && (!defined $first_end || $op->{begin} <= $first_end)
            && (!defined $op->{end} || $op->{end} >= $latest)
            && (!defined $op->{after} || substr $done, $op->{after}, 1)
            && (!defined $op->{class} || !$tried{$op->{class}}++)
    } sort { $ops->[$a]{begin} <=> $ops->[$b]{begin} || $a <=> $b } 0 .. $#$ops;
}

1;
