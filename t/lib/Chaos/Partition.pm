# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Partition;

# Partitions of the network of `make chaos`: gateways, a master and a replica of
# Redis, and three sentinels, each on a host of its own (Chaos::Network).
#
#   my $hosts = Chaos::Partition::hosts();  # gateways, data, sentinels
#   my $told = Chaos::Partition::strike($world, $gateway, \@random)
#
# Clients reach the gateways, and these the service, past the network: what is
# tried is what gateways, Redis and sentinels make of it.

use strict;
use warnings;

use List::Util qw(max);
use POSIX qw(mktime);
use Time::HiRes qw(sleep);

use Chaos::Network ();

# Seconds, at least and at most.  Sentinels need one to take a master for dead.
use constant { SHORT => 0.2, LONG => 5 };

sub hosts {
    my %hosts = (
        gateways => [map { Chaos::Network->host("gateway$_") } 1, 2],
        data => [map { Chaos::Network->host("redis$_") } 1, 2],
        sentinels => [map { Chaos::Network->host("sentinel$_") } 1 .. 3],
    );

    return \%hosts;
}

# Each kind of a partition: a name, and a sub that says who is cut off from
# whom: [those, from those, 'both' or 'one'], where what is sent in one
# direction is lost.

my @kinds = (
    ['gateway from master', sub { [[$_[0]{gateway}], [$_[0]{master}],
        'both'] }],
    ['requests of a gateway', sub { [[$_[0]{gateway}], [$_[0]{master}],
        'one'] }],
    ['replies to a gateway', sub { [[$_[0]{master}], [$_[0]{gateway}],
        'one'] }],
    ['gateway from sentinels', sub { [[$_[0]{gateway}], $_[0]{sentinels},
        'both'] }],
    ['replica from master', sub { [[$_[0]{replica}], [$_[0]{master}],
        'both'] }],
    ['writes to the replica', sub { [[$_[0]{master}], [$_[0]{replica}],
        'one'] }],
    # these elect another master, and gateways are on both sides
    ['master from sentinels', sub { [[$_[0]{master}], [@{$_[0]{sentinels}},
        $_[0]{replica}], 'both'] }],
    ['master with a gateway', sub { [[@{$_[0]}{qw(master gateway)}],
        [@{$_[0]{sentinels}}, @{$_[0]}{qw(replica other)}], 'both'] }],
    ['what a master sends', sub { [[$_[0]{master}], [@{$_[0]{sentinels}},
        @{$_[0]}{qw(replica gateway other)}], 'one'] }],
);

sub strike {
    my ($world, $gateway, $random) = @_;
    my ($kind, $sides) = @{$kinds[$random->[0] * @kinds]};
    my $seconds = SHORT + (LONG - SHORT) * $random->[1];
    my ($from, $to, $ways) = @{$sides->(roles($world, $gateway))};

    for my $one (@$from) {
        for my $other (@$to) {
            Chaos::Network::cut($one, $other);
            Chaos::Network::cut($other, $one) if $ways eq 'both';
        }
    }

    sleep $seconds;
    Chaos::Network::heal();

    return { partition => $kind };
}

# When writes may have been lost: from the partition before a failover, which
# ends without it, to when both are over.  A time every two seconds.

sub losses {
    my ($sentinel, @events) = @_;
    my @losses;

    for my $switched (switched($sentinel)) {
        my ($event) = grep { $_->{begun} <= $switched + 1 }
            reverse grep { $_->{partition} } @events or next;
        my $end = max($switched, $event->{ended}) + 1;

        push @losses, map { $event->{begun} + 2 * $_ }
            0 .. ($end - $event->{begun}) / 2;
    }

    return @losses;
}

# When a sentinel saw another master, seconds since 1970; each failover once.

sub switched {
    my ($sentinel) = @_;
    my (@seen, @times, %month);

    @month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;

    for my $one ($sentinel->sentinels) {
        my $log = JobRuns::Nginx::read_file("$one->{folder}/$one->{name}.log");

        while ($log =~ m{(\d+)\ (\w+)\ (\d+)\ (\d+):(\d+):(\d+)\.(\d+)
            \ .\ \+switch-master\ \S+\ (\S+)}gx)
        {
            push @seen, [$8, $7 / 1000
                + mktime($6, $5, $4, $1, $month{$2}, $3 - 1900, 0, 0, -1)];
        }
    }

    # sentinels hear of it one after the other
    for my $one (sort { $a->[1] <=> $b->[1] } @seen) {
        my ($from, $time) = @$one;

        push @times, $one unless grep { $_->[0] eq $from
            && $time - $_->[1] < 4 } @times;
    }

    return map { $_->[1] } @times;
}

sub roles {
    my ($world, $gateway) = @_;
    my $hosts = $world->{hosts};
    my ($n) = grep { $world->{gateways}[$_] == $gateway } 0, 1;
    my $master = $world->{sentinel}->master;
    my ($first) = @{$world->{sentinel}{data}};
    my @data = @{$hosts->{data}};

    @data = reverse @data if $master != $first;

    return { gateway => $hosts->{gateways}[$n],
        other => $hosts->{gateways}[1 - $n], master => $data[0],
        replica => $data[1], sentinels => $hosts->{sentinels} };
}

1;
