# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Load;

# Many requests on many connections, one at a time on each: at a steady rate,
# or as fast as the answers come.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select ();
use IO::Socket::INET ();
use Time::HiRes qw(time);

use JobRuns::Client ();
use JobRuns::Response ();
use JobRuns::Wait qw(default_timeout);

# run(to => [ADDRESS...], connections => N (of each), next => sub, rate => R,
# on_answer => sub).  next returns a request as JobRuns->run_request makes it,
# or undef at the end; with rate, it is asked R times a second.  on_answer is
# called with the request and its JobRuns::Response.  Returns the seconds from
# the first request to the last.

sub run {
    my ($class, %opt) = @_;

    my @idle = map { open_connection($_) }
        (@{$opt{to}}) x ($opt{connections} // 4);
    my $select = IO::Select->new;
    my %busy;
    my ($start, $last, $sent, $ended) = (time, undef, 0, 0);

    until ($ended && !%busy) {
        while (!$ended && @idle) {
            last if $opt{rate} && time < $start + $sent / $opt{rate};
            my $request = $opt{next}->() or $ended = 1, last;
            my $c = shift @idle;
            $last = time;
            $sent++;
            $c->{request} = $request;
            $c->{deadline} = $last + default_timeout();
            send_all($c, scalar JobRuns::Client::format_request($request));
            $busy{$c->{socket}} = $c;
            $select->add($c->{socket});
        }

        my $due = $opt{rate} && !$ended && @idle
            ? $start + $sent / $opt{rate} - time : 0.5;
        for my $socket ($select->can_read($due > 0 ? $due : 0)) {
            my $c = $busy{$socket};
            my $answer = receive($c) or next;
            delete $busy{$socket};
            $select->remove($socket);
            push @idle, $c;
            $opt{on_answer}->($c->{request}, $answer);
        }

        for (values %busy) {
            croak 'no answer in time' if time > $_->{deadline};
        }
    }

    close $_->{socket} for @idle;

    return defined $last ? $last - $start : 0;
}

sub open_connection {
    my ($address) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => $address, Proto => 'tcp')
        or croak "cannot connect to $address: $!";
    return { socket => $socket, in => '' };
}

sub send_all {
    my ($c, $bytes) = @_;

    my $done = 0;
    while ($done < length $bytes) {
        $done += syswrite($c->{socket}, $bytes, length($bytes) - $done, $done)
            // croak "a connection broke: $!";
    }
}

# The answer, when all of it is there.

sub receive {
    my ($c) = @_;

    sysread $c->{socket}, $c->{in}, 1 << 16, length $c->{in}
        or croak 'a connection ended without an answer';
    my $end = index $c->{in}, "\r\n\r\n";
    return if $end < 0;

    my $answer = JobRuns::Response->parse_head(substr $c->{in}, 0, $end);
    my $length = $answer->header('content-length');
    croak "an answer without Content-Length: $c->{in}" unless defined $length;
    return if length $c->{in} < $end + 4 + $length;

    $answer->{body} = substr $c->{in}, $end + 4, $length;
    $answer->{complete} = 1;
    $c->{in} = substr $c->{in}, $end + 4 + $length;

    return $answer;
}

1;
