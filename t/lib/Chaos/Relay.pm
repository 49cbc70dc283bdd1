# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Relay;

# What a gateway has in the place of its Redis, so that it alone loses replies:
# two gateways then disagree about what Redis has done.
#
#   my $peer = Chaos::Relay::start($t, 'relay', $redis, $seed);
#   $peer->address                      # for a directive
#   Chaos::Relay::faults($peer)         # (what => how often), all of them
#
# A connection is well for a while; then one fault comes, and most end it:
#
#   cut     a reply breaks off at any byte: none of it comes, or all of it
#   lost    requests are carried out, and for a while no reply comes back
#   late    for a while replies come behind delays of up to two timeouts
#   torn    a request breaks off at any byte
#   closed  the connection ends when Redis has got a request
#
# Which connection has which fault, when, and where it breaks off follows from
# the seed and the number of the connection.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use RedisPeer ();

my @faults = qw(cut lost late torn closed);

# seconds: of a connection's health, of a fault that does not end it at once,
# of a delay; the gateway's timeout is 0.5
use constant { HEALTH => 4, SPELL => 2, DELAY => 1.2 };

sub start {
    my ($t, $name, $redis, $seed) = @_;
    my $path = $redis->path;

    return RedisPeer->start($t, $name, sub {
        my ($c, $n) = @_;
        my $pass = filter($c, draw($seed, $n));

        # Redis may have been killed just now
        eval { $c->relay($path, $pass); 1 } or $@ =~ /^\Q$path\E: / or die $@;
    });
}

# What becomes of connection $n: its fault, after how many seconds, and for how
# many; where a message breaks off, as a part of it; what delays come in turn.
# One of eight is never well.

sub draw {
    my ($seed, $n) = @_;

    srand $seed * 1000 + $n;

    return {
        what => $faults[rand @faults],
        after => rand() < 1 / 8 ? 0 : rand HEALTH,
        spell => 0.5 + rand SPELL,
        part => rand,
        delays => [map { rand DELAY } 1 .. 7],
    };
}

# The filter of RedisPeer's relay() with this fault.

sub filter {
    my ($c, $fault) = @_;
    my ($what, $hits) = ($fault->{what}, 0);
    my $begins = time + $fault->{after};
    my $ends = $begins + $fault->{spell};
    my $hits_replies = $what =~ /^(?:cut|lost|late)\z/;

    return sub {
        my ($bytes, $is_reply) = @_;

        return $bytes if time < $begins || !$is_reply != !$hits_replies;

        $c->note($what) unless $hits++;

        return ($bytes, 1) if $what eq 'closed';
        return ('', time >= $ends) if $what eq 'lost';

        if ($what eq 'late') {
            sleep $fault->{delays}[$hits % 7] if time < $ends;
            return $bytes;
        }

        # from nothing of it to all of it
        return (substr($bytes, 0, $fault->{part} * (1 + length $bytes)), 1);
    };
}

sub faults {
    my ($peer) = @_;
    return map { $_ => $peer->count("^$_\$") } @faults;
}

1;
