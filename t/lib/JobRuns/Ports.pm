# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Ports;

# TCP ports that no other test file uses at the same time.
#
# A port is claimed by binding an abstract unix socket that carries its number:
# that is atomic, leaves no file, and the kernel gives the claim up when the
# test process is gone, however it ended.  The range lies below the ephemeral
# ports, so that no outgoing connection takes one by chance.

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();
use Socket qw(PF_UNIX SOCK_STREAM pack_sockaddr_un);

our @EXPORT_OK = qw(claim_port);

my $first = 20000;
my $number = 10000;
my @claims;
my $next;

sub claim_port {
    $next //= $$ * 41;

    for (1 .. $number) {
        my $port = $first + $next++ % $number;

        socket(my $claim, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
        bind($claim, pack_sockaddr_un("\0jobruns-test-port-$port")) or next;

        # somebody else's service may sit there
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
            Proto => 'tcp', Listen => 1, ReuseAddr => 1) or next;

        push @claims, $claim;
        return $port;
    }

    die "no free port between $first and " . ($first + $number) . "\n";
}

1;
