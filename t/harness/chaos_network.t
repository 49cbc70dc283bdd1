#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The network of `make chaos`: hosts that hear each other until they are cut
# off, in one direction or in both, and again afterwards.

use lib 't/lib';
use JobRuns;

use Chaos::Network;

my $why = Chaos::Network::enter();
plan(skip_all => $why) if $why;

my $t = JobRuns->new;
my ($one, $two) = map { Chaos::Network->host($_) } qw(one two);
my $redis = $two->run(sub { $t->redis(tcp => 1, host => $two->ip) });

sub connected {
    my ($host) = @_;

    return $host->run(sub { IO::Socket::INET->new(Timeout => 0.5,
        PeerAddr => $two->ip, PeerPort => $redis->{port}) });
}

# A counter, since what is lost one way alone is carried out.

sub incremented {
    my ($socket) = @_;

    syswrite $socket, "INCR n\r\n";
    return 'nothing' if !IO::Select->new($socket)->can_read(0.5);
    sysread $socket, my $reply, 100;

    return $reply;
}

my $socket = connected($one);
ok($socket, 'a host reaches another one');
is(incremented($socket), ":1\r\n", 'a request is answered');

Chaos::Network::cut($two, $one);
is(incremented($socket), 'nothing', 'replies cut off: there is no answer');
is($redis->command('GET', 'n'), 2, 'replies cut off: the request has arrived');
Chaos::Network::heal();
wait_for { IO::Select->new($socket)->can_read(0.1) } 'the reply to come late';
sysread $socket, my $late, 100;
is($late, ":2\r\n", 'healed: the reply comes late');

Chaos::Network::cut($one, $two);
is(incremented($socket), 'nothing', 'requests cut off: there is no answer');
is($redis->command('GET', 'n'), 2, 'requests cut off: none has arrived');
ok(!connected($one), 'requests cut off: nobody connects');
ok(connected($two), 'the host itself is reached as before');
Chaos::Network::heal();
wait_for { $redis->command('GET', 'n') == 3 } 'the request to arrive late';
ok(connected($one), 'healed: a host reaches the other one again');

done_testing;
