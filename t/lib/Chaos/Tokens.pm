# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Tokens;

# A retry token as its clients may see it, for Chaos::Linear.  Each try of a
# client becomes up to two operations: the admission of an attempt, and what the
# response says about the token.  The settlement of an attempt comes by itself,
# at any time behind its admission.
#
#   my %found = Chaos::Tokens::check($tries, lease => 3, moved => 0,
#       unknown => 'forward');
#   # tokens, shared, undecided => how many; invalid => [TOKEN...]
#
# A try is a line of the clients' log: token, body, begun, time (of the
# response), and status, code, key, replayed of the response, or an error.
#
# The states of a token: phase, body, owner (a try), whether an outcome before
# is unknown, and the key of the run as far as a client has seen it ("?": there
# is one whose key nobody has seen).
#
#   free       nobody has claimed it, or it was freed
#   running    claimed by its owner, and not settled
#   unknown    settled as unknown
#   done       a 2xx is stored

use strict;
use warnings;

use Chaos::Linear ();

# seconds: the lease is by Redis' clock in milliseconds
use constant PRECISION => 0.005;

sub check {
    my ($tries, %opt) = @_;
    my (%by_token, %found);

    %found = (tokens => 0, shared => 0, undecided => 0, invalid => []);
    push @{$by_token{$_->{token}}}, $_ for @$tries;

    for my $token (sort keys %by_token) {
        my @tries = sort { $a->{begun} <=> $b->{begun} } @{$by_token{$token}};
        my ($verdict) = Chaos::Linear::check(operations(\@tries, \%opt),
            state('free', '', '', 0, ''), settlements(\@tries));

        $found{tokens}++;
        $found{shared}++ if overlap(@tries);
        $found{undecided}++ if $verdict eq 'undecided';
        push @{$found{invalid}}, $token if $verdict eq 'invalid';
    }

    return %found;
}

sub state { return join "\t", @_ }

sub overlap {
    my (@tries) = @_;

    return scalar grep { $tries[$_]{begun} < $tries[$_ - 1]{time} }
        1 .. $#tries;
}

sub operations {
    my ($tries, $opt) = @_;
    my @ops;

    for my $i (0 .. $#$tries) {
        my $try = $tries->[$i];
        my $is = outcome($try);
        my $unsure = $is eq 'lost' || $is eq 'failed';
        my @admitted;

        # what has no response, or whose Redis did not reply, may be admitted
        # late; what was held up may have been overtaken, and gets what became
        # of the other attempt
        if ($unsure || $is eq 'created' || $is eq 'rejected'
            || $try->{time} - $try->{begun} > $opt->{lease} / 2)
        {
            @admitted = (after => scalar @ops);
            push @ops, { begin => $try->{begun}, optional => $is ne 'created',
                end => $unsure ? undef : $try->{time},
                class => $unsure ? "$is $try->{body}" : undef,
                asked => $is eq 'created' || $is eq 'rejected',
                step => admission($i, $tries, $opt) };
        }

        push @ops, { begin => $try->{begun}, end => $try->{time},
            $is eq 'created' ? @admitted : (), optional => 0, reads => 1,
            step => $is eq 'rejected' || $is eq 'limited'
                ? refusal($i, $is, $admitted[1], $tries, $opt)
                : response($try, $i, $is, $tries, $opt) } unless $unsure;
    }

    return \@ops;
}

# A 4xx is one of the service where the client asked it for one.

sub outcome {
    my ($try) = @_;
    my $status = $try->{status} or return 'lost';
    my $code = $try->{code} // '';

    return $try->{replayed} ? 'replayed' : 'created' if $status < 300;
    return 'running' if $status == 409 && $code eq 'IncorrectState';
    return 'mismatch' if $status == 409 && $code eq 'InvalidatedRetryToken';
    return 'unknown' if $status == 409;
    return 'failed' if $status >= 500;
    return 'rejected' if ($try->{asked} // '') =~ /status 4/;
    return 'limited';
}

# Nobody takes over before the lease has ended; it is renewed, never shortened.
# Where Redis' clock was moved, it may have ended at any time.  Whether an
# attempt was held up is asked by the gateway's own clock.

sub overdue {
    my ($i, $owner, $tries, $opt) = @_;

    return $opt->{moved} || $tries->[$i]{time} + PRECISION
        >= $tries->[$owner]{begun} + $opt->{lease};
}

sub admission {
    my ($i, $tries, $opt) = @_;
    my $mine = $tries->[$i]{body};

    return sub {
        my ($phase, $body, $owner, $was_unknown, $key) = split /\t/, $_[0], -1;

        return state('running', $mine, $i, 0, $key) if $phase eq 'free';
        return if $body ne $mine || $phase eq 'done'
            || $opt->{unknown} eq 'refuse';
        return if $phase eq 'running'
            && !late_enough($i, $owner, $tries, $opt);

        return state('running', $mine, $i, 1, $key);
    };
}

# What acts late has no response yet, or none that says when it acted.

sub late_enough {
    my ($i, $owner, $tries, $opt) = @_;
    my $is = outcome($tries->[$i]);

    return $is eq 'lost' || $is eq 'failed'
        || overdue($i, $owner, $tries, $opt);
}

# How the attempt ends that is running, which may be later than its response:
# storing a response is tried for a minute.

sub settlements {
    my ($tries) = @_;

    return sub {
        my ($phase, $body, $owner, $was_unknown, $key) = split /\t/, $_[0], -1;

        return if $phase ne 'running';

        my $is = outcome($tries->[$owner]);
        my @ends;

        push @ends, state('unknown', $body, '', 0, $key)
            if $is eq 'lost' || $is eq 'failed';
        push @ends, $was_unknown ? state('unknown', $body, '', 0, $key)
            : state('free', '', '', 0, $key) if $is ne 'created';
        push @ends, state('done', $body, '', 0, $key eq '' ? '?' : $key)
            if $is eq 'lost' || $is eq 'created';

        return @ends;
    };
}

# What a response says about the token at some time before it came.

sub response {
    my ($try, $i, $is, $tries, $opt) = @_;
    my ($mine, $shown) = ($try->{body}, $try->{key} // '');

    return sub {
        my ($phase, $body, $owner, $was_unknown, $key) = split /\t/, $_[0], -1;

        return if $phase eq 'free';

        if ($is eq 'mismatch') {
            return $body ne $mine ? $_[0] : ();
        }

        return if $body ne $mine;

        if ($is eq 'running') {
            return $phase eq 'running' && $owner ne $i ? $_[0] : ();
        }

        if ($is eq 'unknown') {
            return $phase eq 'unknown' || $phase eq 'running'
                && $owner ne $i && overdue($i, $owner, $tries, $opt)
                ? $_[0] : ();
        }

        # one run for each token
        return if $key ne '' && $key ne '?' && $key ne $shown;

        if ($is eq 'replayed') {
            return $phase eq 'done' ? state('done', $body, '', 0, $shown)
                : ();
        }

        # the response is stored before the client gets it, unless Redis is
        # out of reach
        my @after = (state('done', $body, '', 0, $shown));
        push @after, state($phase, $body, $owner, $was_unknown, $shown)
            if $phase ne 'done';

        return @after;
    };
}

# A limit refuses, which no token that is done or running gets as far as; or the
# service does, behind an admission.

sub refusal {
    my ($i, $is, $admission, $tries, $opt) = @_;
    my $claim = admission($i, $tries, $opt);

    return sub {
        my ($state, $acted) = @_;

        return $state if $is eq 'rejected' && substr $acted, $admission, 1;
        return $claim->($state) ? $state : ();
    };
}

1;
