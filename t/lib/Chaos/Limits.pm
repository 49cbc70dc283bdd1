# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Limits;

# What limits have counted, held against what has gone to the service: nothing
# that was consumed is left over, and nothing was forwarded that no limit has
# counted.
#
# A quota is exact: each record in Redis stands for one claim that was not
# given back, and has paid one unit.  So is limit "total", a rate that in effect
# never works off anything: it has a place for each attempt that was admitted,
# but for those that left while they waited.  What may have been admitted and
# yet not forwarded is added to its bound, try by try: those without an answer
# of the gateway's own, and those during which something was held up for longer
# than half a lease, and which may have been admitted twice.

use strict;
use warnings;

use List::Util qw(max);

use Chaos::Times qw(overlap);
use JobRuns::Stored qw(read_counters);

# of a rate's backlog, for one request
use constant REQUEST => 3_600_000_000;

# seconds that a wait may take longer than its delay: its last question to Redis
# has a timeout of 0.5
use constant LATE => 1;

# judge(redis => [JobRuns::Redis...], requests => [those of the ledger], tries
#       => [lines of the clients' log], audit => [records], limits => what they
#       are, events => [those of the run], lease => SECONDS,
#       lossy => whether replies of Redis were lost at any time,
#       failovers => how often Redis may have lost what it had acknowledged)
# returns what Chaos::Judge::judge() does.  limits: { rate, burst => of limit
# "rate" per second, delay => SECONDS or 0 }.

sub judge {
    my (%opt) = @_;
    my %tenant = map { $_->{token} => $_->{tenant} } @{$opt{tries}};
    my (%forwarded, %tenants);

    $tenants{$_} = 1 for grep { defined } values %tenant;

    for (@{$opt{requests}}) {
        push @{$forwarded{$tenant{$_->{token} // ''} // ''}}, $_;
    }

    my ($records, $counters) = stored(@{$opt{redis}});
    my $spare = spare(%opt, tenant => \%tenant);
    my ($quota, $over, $under, $fast) = (0, 0, 0, 0);

    for my $tenant (keys %tenants) {
        my $own = $counters->{$tenant} // {};
        my $sent = scalar @{$forwarded{$tenant} // []};
        my $used = (($own->{'quota:day:d'} // [])->[2] // 0);
        my $places = int((($own->{'rate:total'} // [])->[2] // 0) / REQUEST
            + 0.999);

        $quota += abs $used - ($records->{$tenant} // 0);
        $under += max(0, $sent - $places);
        $over += max(0, $places - $sent - ($spare->{$tenant} // 0));
        $fast += too_fast($forwarded{$tenant} // [], %opt);
    }

    my $sure = $opt{failovers} ? undef : 0;

    return (
        ['units of a quota beside those of tokens', $quota, $sure],
        ['requests without a place in a rate', $under, $sure],
        ['places in a rate that nobody used', $over, $sure],
        ['requests beyond a rate', $fast, $sure],
        waits(%opt),
    );
}

# By tenant: how many records there are, and what the counters say.

sub stored {
    my (%records, %counters);

    for my $redis (@_) {
        for my $key ($redis->keys('*:v1:*')) {
            my ($tenant) = $key =~ /\{(.*?)\}/ or next;

            if ($key =~ /:v1:token:/) {
                $records{$tenant}++ if $redis->record($key);

            } elsif ($key =~ /:v1:counters/) {
                my $own = read_counters($redis->command('GET', $key));

                $counters{$tenant}{$_} = $own->{$_} for keys %$own;
            }
        }
    }

    return (\%records, \%counters);
}

# By tenant: how many places may be used by what never reached the service.

sub spare {
    my (%opt) = @_;
    my %sent = map { Chaos::Judge::request_id($_) => 1 } @{$opt{requests}};
    my (%outcome, %spare);

    for (@{$opt{audit}}) {
        my $id = $_->{data}{request}{id} // '';

        $outcome{$id}{outcome($_)} = 1;
    }

    for my $try (@{$opt{tries}}) {
        my $tenant = $opt{tenant}{$try->{token}} // next;
        my $is = $outcome{$try->{id}} // {};
        my $settled = grep { $is->{$_} } qw(limited replayed in_progress
            token_mismatch token_unknown invalid unauthenticated withdrawn);

        $spare{$tenant}++ if !$sent{$try->{id}} && !$settled;

        # where something was held up, it may have been admitted anew
        $spare{$tenant}++
            if $try->{time} - $try->{begun} > $opt{lease} / 2 && !$settled
            && ($opt{lossy} || held_up($try, $opt{events}) > 0);
    }

    return \%spare;
}

# Who left before its turn is "withdrawn".  What had to renew its lease, or to
# write its record, may have left when its turn had come.

sub outcome {
    my ($record) = @_;
    my $details = $record->{data}{additionalDetails} // {};
    my $outcome = $details->{outcome} // '';

    return $outcome if $outcome ne 'unsent' || !$details->{durationsMs}{waited}
        || $record->{eventType} =~ /\.end\z/
        || ($details->{tokenBefore} // '') eq 'unknown'
        || grep { $details->{$_} } qw(leaseLost redisError auditError);

    return 'withdrawn';
}

# Of the requests of one tenant, how many more there are than its rate allows
# from the first to the last.  Stalls hold them up, also some whose turn was
# before the first; Redis' clock going ahead works off all that has come before.

sub too_fast {
    my ($requests, %opt) = @_;
    my $limits = $opt{limits} or return 0;
    my @times = sort { $a <=> $b } map { $_->{time} } @$requests or return 0;
    my $most = $limits->{rate} * ($times[-1] - $times[0])
        + $limits->{burst} + 1;
    my $jumps = grep { $_->{name} eq 'redis-clock' } @{$opt{events} // []};

    $most += (1 + $jumps) * ($limits->{burst} + 1
        + $limits->{rate} * $limits->{delay});

    return max(0, @times - int $most);
}

# The same try until the end of its wait, of which a client that had left knows
# nothing: a worker that is stopped cannot see that.

sub waiting {
    my ($try, $ms) = @_;

    return { %$try, time => max($try->{time}, $try->{begun} + $ms / 1000) };
}

# Seconds for which something was stopped while this try was under way, and
# after its client had left.

sub held_up {
    my ($try, $events) = @_;
    my @stops = grep { $_->{name} =~ /stalled|killed|reload/ }
        @{$events // []};

    return overlap(\@stops, $try->{begun}, $try->{time} + LATE);
}

sub waits {
    my (%opt) = @_;
    my $delay = ($opt{limits} // {})->{delay} or return;
    my %try = map { $_->{id} => $_ } @{$opt{tries}};
    my ($waited, $long) = (0, 0);

    for my $record (@{$opt{audit}}) {
        my $ms = $record->{data}{additionalDetails}{durationsMs}{waited}
            or next;

        my $try = $try{$record->{data}{request}{id}};

        $waited++;
        $long++ if $ms / 1000 > $delay + LATE
            + ($try ? held_up(waiting($try, $ms), $opt{events}) : 0);
    }

    return (['attempts that waited for a limit', $waited, undef],
        ['of them for longer than the delay', $long, 0]);
}

1;
