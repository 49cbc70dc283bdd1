# SPDX-License-Identifier: BSD-2-Clause

package Bench::Far;

# Creations at a steady rate while Redis is a network away: a relay in front of
# it gives each reply later by a millisecond.  Those of one tenant share calls
# and may wait for others that are under way; those of a thousand tenants leave
# each by itself, at once.  What the first take longer is what batches cost.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use Time::HiRes qw(time);

use Bench::Count ();
use Bench::Load ();
use Bench::Peer ();
use JobRuns::Guardian ();

my $rate = 2000;                        # creations a second
my $connections = 64;
my $trip = 0.001;                       # seconds

# far(as Bench::Extra::run() is called) returns the rounds of each: p50, p99 in
# us, from when a request was due; calls, of scripts for each creation.

sub far {
    my (%opt) = @_;
    my %common = %{$opt{common}};
    my $relay = relay("$common{dir}/far.sock", $common{redis});
    my $gateway = Bench::Peer->new(%common, name => 'gateway', workers => 1,
        redis => "$common{dir}/far.sock")->start;
    my %rounds;

    for my $round (0 .. $opt{rounds}) {
        for my $kind (qw(create spread)) {
            my $before = Bench::Load::redis_stats($opt{redis});
            my $times = pace($gateway->{port}, $kind, "far-$round",
                $opt{seconds});
            my $after = Bench::Load::redis_stats($opt{redis});

            next if $round == 0;        # what happens once only
            push @{$rounds{$kind}{p50}}, $times->[@$times / 2];
            push @{$rounds{$kind}{p99}}, $times->[@$times * 0.99];
            push @{$rounds{$kind}{calls}},
                ($after->{calls} - $before->{calls}) / @$times;
        }
    }

    $gateway->stop;
    kill TERM => $relay;
    waitpid $relay, 0;

    return \%rounds;
}

# Sends what is due, and returns how long each took, us, the shortest first.

sub pace {
    my ($port, $kind, $run, $seconds) = @_;
    my @idle = map { { in => '', socket => IO::Socket::INET->new(
        PeerAddr => "127.0.0.1:$port") || die "cannot connect: $!\n" }
    } 1 .. $connections;
    my $select = IO::Select->new(map { $_->{socket} } @idle);
    my %client = map { $_->{socket} => $_ } @idle;
    my ($sent, $all, $start, @times) = (0, $rate * $seconds, time);

    while (@times < $all) {
        while (@idle && $sent < $all && time >= $start + $sent / $rate) {
            my $client = shift @idle;

            $client->{due} = $start + $sent / $rate;
            syswrite $client->{socket}, Bench::Count::request($kind,
                "$run-$sent", 1 + $sent % 1000);
            $sent++;
        }

        my $wait = $sent < $all && @idle ? $start + $sent / $rate - time : 1;

        for my $socket ($select->can_read($wait > 0 ? $wait : 0)) {
            my $client = $client{$socket};

            sysread $socket, $client->{in}, 65536, length $client->{in}
                or die "$kind: a connection ended\n";
            whole($client->{in}) or next;
            die "$kind: $client->{in}\n" if $client->{in} !~ m{^HTTP/1.1 201};

            push @times, 1e6 * (time - $client->{due});
            $client->{in} = '';
            push @idle, $client;
        }
    }

    return [sort { $a <=> $b } @times];
}

sub whole {
    my $end = index $_[0], "\r\n\r\n";
    my ($length) = $_[0] =~ /^content-length: (\d+)/mi;

    return $end >= 0 && (defined $length
        ? length $_[0] == $end + 4 + $length : $_[0] =~ /\r\n0\r\n\r\n\z/);
}

# A process that passes bytes on: to Redis at once, its replies later.

sub relay {
    my ($path, $redis) = @_;
    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 16)
        or die "$path: $!\n";
    my $pid = fork // die "fork: $!\n";

    if ($pid) {
        JobRuns::Guardian::inform(group => $pid);
        return $pid;
    }

    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT TERM);
    eval { pass($listen, $redis); 1 } or warn $@;
    POSIX::_exit(1);
}

sub pass {
    my ($listen, $redis) = @_;
    my $select = IO::Select->new($listen);
    my (%peer, %is_redis, @late);

    while (1) {
        my $wait = @late ? $late[0][0] - time : 1;

        for my $socket ($select->can_read($wait > 0 ? $wait : 0)) {
            if ($socket == $listen) {
                my @pair = ($listen->accept,
                    IO::Socket::UNIX->new(Peer => $redis));

                @peer{@pair} = reverse @pair;
                $is_redis{$pair[1]} = 1;
                $select->add(@pair);

            } elsif (!sysread $socket, my $bytes, 1 << 20) {
                $select->remove($socket, $peer{$socket});
                shutdown $_, 2 for $socket, delete $peer{$socket};

            } elsif ($is_redis{$socket}) {
                push @late, [time + $trip, $peer{$socket}, $bytes];

            } else {
                put($peer{$socket}, $bytes);
            }
        }

        put(@{shift @late}[1, 2]) while @late && $late[0][0] <= time;
    }
}

sub put {
    my ($socket, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite $socket, $bytes or return;
        substr $bytes, 0, $n, '';
    }
}

1;
