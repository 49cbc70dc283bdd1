# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Judge;

# What is true after a run, from three sources that know nothing of each
# other: the ledger of the stub service, the audit files of the gateways, and
# Redis; with what the clients were told.

use strict;
use warnings;

use Chaos::Clients ();
use Chaos::Keys ();
use Chaos::Limits ();
use Chaos::Tokens ();
use JobRuns::Json ();

my $json = JobRuns::Json::codec();

# judge(dir => FOLDER, redis => [JobRuns::Redis...], alerts => [LINES], lease =>
#       SECONDS, moved => whether Redis' clock was moved, so that leases may end
#       at any time, unknown => "forward" or "refuse", failovers => [TIMES],
#       limits => those of the gateways, lossy => whether replies of Redis
#       were lost at any time: as Chaos::Limits has them)
# returns a list of [what, figure, limit]: a figure above its limit is a breach;
# a limit of undef is only told.  With "replicated" claims are on a replica
# before anything is forwarded.  What a failover came between may be its doing:
# Redis does not keep then what it has acknowledged; this is told apart.

sub judge {
    my (%opt) = @_;

    my @ledger = lines("$opt{dir}/ledger.jsonl");
    my @clients = lines("$opt{dir}/clients.jsonl");
    my $broken = 0;
    my @audit = map { lines($_, \$broken) } glob "$opt{dir}/audit-*.log";

    my @creations = grep { $_->{event} eq 'creation' } @ledger;
    my %request = map { $_->{id} => $_ }
        grep { $_->{event} eq 'request' } @ledger;
    my @answered = grep { $_->{status} } @clients;
    my @events = lines("$opt{dir}/events.jsonl");
    my $lost = across(\@clients, @{$opt{failovers} // []});

    return (
        [calls => scalar(grep { $_->{last} } @clients), undef],
        [tries => scalar @clients, undef],
        ['answers 2xx' => scalar(grep { $_->{status} < 300 } @answered),
            undef],
        ['of them replays' => scalar(grep { $_->{replayed} } @answered),
            undef],
        ['answers 409' => scalar(grep { $_->{status} == 409 } @answered),
            undef],
        ['answers 429' => scalar(grep { $_->{status} == 429 } @answered),
            undef],
        ['answers 5xx' => scalar(grep { $_->{status} >= 500 } @answered),
            undef],
        ['of them by the service' => scalar(grep { $_->{status} >= 500
            && Chaos::Clients::fails($_->{asked}) } @answered), undef],
        ['no answer' => @clients - @answered, undef],
        ['job runs created' => scalar @creations, undef],
        ['tokens with two job runs' => twice(grep { !$lost->{$_} }
            map { $_->{token} } @creations), 0],
        ['the same, across a failover' => twice(grep { $lost->{$_} }
            map { $_->{token} } @creations), $opt{replicated} ? 0 : undef],
        ['clients told of a run that does not exist'
            => unknown_runs(\@creations, \@answered), 0],
        ['tokens whose clients were told two runs' => two_answers(grep {
            !$lost->{$_->{token}} } @answered), 0],
        ['runs without an audit record'
            => unrecorded(\@creations, \%request, \@audit), 0],
        ['claims still held after the longest lease'
            => held(@{$opt{redis}}), 0],
        ['slots still held' => slots(@{$opt{redis}}), 0],
        ['lines of audit that are no JSON' => $broken, 0],
        ['alerts in error.log' => scalar @{$opt{alerts}}, 0],
        Chaos::Limits::judge(redis => $opt{redis}, tries => \@clients,
            requests => [values %request], audit => \@audit,
            events => \@events,
            lease => $opt{lease}, limits => $opt{limits},
            lossy => $opt{lossy},
            failovers => scalar @{$opt{failovers} // []}),
        Chaos::Keys::judge(tries => \@clients, requests => \%request,
            creations => \@creations, events => \@events),
        # a 401 says nothing about a token
        histories([grep { !$lost->{$_->{token}}
            && ($_->{status} // 0) != 401 } @clients], \%opt),
    );
}

# What the clients of each token saw has to be what a sequence of operations
# could have been.

sub histories {
    my ($clients, $opt) = @_;
    my %found = Chaos::Tokens::check($clients, lease => $opt->{lease},
        moved => $opt->{moved}, unknown => $opt->{unknown});

    return (
        ['tokens whose tries overlap' => $found{shared}, undef],
        ['histories that are not linearizable'
            => scalar @{$found{invalid}}, 0],
        ['histories left undecided' => $found{undecided}, 0],
        map { ["  the history of token $_", 1, undef] } @{$found{invalid}},
    );
}

# What is no JSON is left out, and counted.  The last line of a file may still
# have been in the making when its writer was killed.

sub lines {
    my ($file, $broken) = @_;
    my @lines;

    open my $fh, '<:raw', $file or return;

    while (defined(my $line = <$fh>)) {
        my $value = eval { $json->decode($line) };

        defined $value ? push @lines, $value : $$broken++;
    }

    return @lines;
}

# How many values come more than once.

sub twice {
    my %count;

    $count{$_}++ for @_;

    return scalar grep { $_ > 1 } values %count;
}

# The tokens whose first try began before one of these times, and whose last one
# ended behind it.

sub across {
    my ($clients, @times) = @_;
    my (%first, %last, %across);

    for (@times ? @$clients : ()) {
        my $token = $_->{token};

        $first{$token} = $_->{begun}
            if !defined $first{$token} || $_->{begun} < $first{$token};
        $last{$token} = $_->{time}
            if !defined $last{$token} || $_->{time} > $last{$token};
    }

    for my $time (@times) {
        $across{$_} = 1 for grep { $first{$_} <= $time + 5
            && $last{$_} >= $time } keys %first;
    }

    return \%across;
}

sub unknown_runs {
    my ($creations, $answers) = @_;
    my %made = map { $_->{key} => 1 } @$creations;

    return scalar grep { $_->{status} < 300 && !$made{$_->{key} // ''} }
        @$answers;
}

sub two_answers {
    my %keys;

    $keys{$_->{token}}{$_->{key}} = 1 for grep { defined $_->{key} } @_;

    return scalar grep { keys %$_ > 1 } values %keys;
}

# Every request that made a run has a record from before it was sent.

sub unrecorded {
    my ($creations, $request, $audit) = @_;
    my %begun;

    for (@$audit) {
        $begun{$_->{data}{request}{id} // ''} = 1
            if $_->{eventType} =~ /\.begin\z/;
    }

    return scalar grep { !$begun{request_id($request->{$_->{request}})} }
        @$creations;
}

sub request_id {
    my ($request) = @_;

    for (@{$request->{headers}}) {
        return $_->[1] if lc $_->[0] eq 'opc-request-id';
    }

    return '(none)';
}

sub held {
    return sum(sub {
        my ($redis, $now) = @_;

        return scalar grep {
            my $record = $redis->record($_);
            $record && $record->{s} eq 'c' && $record->{l} > $now;
        } $redis->keys('*:v1:token:*'), $redis->keys('*:v1:attempt:*');
    }, @_);
}

sub slots {
    return sum(sub {
        my ($redis, $now) = @_;
        my $sum = 0;

        $sum += $redis->command('ZCOUNT', $_, $now, '+inf')
            for $redis->keys('*:v1:slots:*');

        return $sum;
    }, @_);
}

# Of what is counted in each Redis, by its own clock in milliseconds.

sub sum {
    my ($count, @nodes) = @_;
    my $sum = 0;

    for my $redis (@nodes) {
        my ($seconds, $us) = @{$redis->command('TIME')};

        $sum += $count->($redis, $seconds * 1000 + int($us / 1000));
    }

    return $sum;
}

1;
