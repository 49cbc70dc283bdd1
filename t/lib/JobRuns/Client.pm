# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Client;

# HTTP/1.1 by hand: bytes go out exactly as given, when told to.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Scalar::Util qw(weaken);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);

use JobRuns::Response ();
use JobRuns::Wait qw(default_timeout);

my %open;                               # every connection of this process

# new(ADDRESS): "host:port" or "unix:/path"

sub new {
    my ($class, $address) = @_;

    my $socket = $address =~ /^unix:(.+)/
        ? IO::Socket::UNIX->new(Peer => $1)
        : IO::Socket::INET->new(PeerAddr => $address, Proto => 'tcp');
    croak "cannot connect to $address: $!" unless $socket;

    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        if $socket->isa('IO::Socket::INET');
    $socket->blocking(0);

    my $self = bless { socket => $socket, in => '' }, $class;
    weaken($open{$self} = $self);

    return $self;
}

sub DESTROY {
    my ($self) = @_;
    delete $open{$self};
}

sub close_all { $_->close for grep { defined } values %open }

# The bytes of a request: { method, path, headers => [[name, value], ...],
# body }.  With "chunked" the body goes in chunks of that many bytes, else
# Content-Length is added if there is a body and no such header.

sub format_request {
    my ($request) = @_;

    my $method = $request->{method} // 'GET';
    my $path = $request->{path} // '/';
    my $version = $request->{version} // '1.1';
    my $body = $request->{body};
    my @headers = @{$request->{headers} // []};
    my $framed = grep { lc $_->[0] eq 'content-length' } @headers;

    if ($request->{chunked} && defined $body) {
        push @headers, ['Transfer-Encoding', 'chunked'];
        my $chunks = '';
        while (length $body) {
            my $chunk = substr $body, 0, $request->{chunked}, '';
            $chunks .= sprintf "%x\r\n%s\r\n", length $chunk, $chunk;
        }
        $body = "${chunks}0\r\n\r\n";

    } elsif (defined $body && !$framed) {
        push @headers, ['Content-Length', length $body];
    }

    my $head = join "\r\n", "$method $path HTTP/$version",
        (map { "$_->[0]: $_->[1]" } @headers), '', '';

    return wantarray ? ($head, $body // '') : $head . ($body // '');
}

# Sends bytes, each argument with a write of its own.

sub send {
    my ($self, @pieces) = @_;
    my $deadline = time + default_timeout();

    for my $piece (@pieces) {
        my $sent = 0;
        while ($sent < length $piece) {
            my $n = $self->{socket}
                && syswrite $self->{socket}, $piece, length $piece, $sent;
            if ($n) {
                $sent += $n;

            } elsif ($self->{socket} && $!{EAGAIN}) {
                croak 'the peer reads nothing' if time > $deadline;
                IO::Select->new($self->{socket})->can_write(0.5);

            } else {
                # an early answer may still be there to be read
                $self->{send_error} = "$!";
                return $self;
            }
        }
    }

    return $self;
}

# Sends a request, with "expect" its body only after 100 Continue.

sub request {
    my ($self, $request) = @_;
    my ($head, $body) = format_request($request);

    $self->{method} = $request->{method} // 'GET';
    return $self->send($head . $body) unless $request->{expect};

    $self->send($head);
    $self->{interim} = [$self->read_head];
    if ($self->{interim}[0] && $self->{interim}[0]->status == 100) {
        $self->send($body);
    } else {
        $self->{early} = shift @{$self->{interim}};
    }

    return $self;
}

# Reads more; false when the peer has closed or reset.

sub fill {
    my ($self, $deadline) = @_;

    return if $self->{ended} || !$self->{socket};

    while (1) {
        my $n = sysread $self->{socket}, $self->{in}, 1 << 16,
            length $self->{in};
        return 1 if $n;

        if (defined $n || !$!{EAGAIN} && !$!{EINTR}) {
            $self->{ended} = defined $n ? 'closed' : $!{ECONNRESET}
                ? 'reset' : "$!";
            return;
        }

        my $left = $deadline - time;
        die { timeout => 1 } if $left <= 0;
        IO::Select->new($self->{socket})->can_read($left);
    }
}

sub read_head {
    my ($self, $deadline) = @_;

    $deadline //= time + default_timeout();
    $self->fill($deadline) or return
        until $self->{in} =~ /\r?\n\r?\n/;

    my $head = substr $self->{in}, 0, $+[0], '';
    my $response = JobRuns::Response->parse_head($head)
        or croak "not an HTTP answer: $head";

    return $response;
}

# The next answer; it dies when none comes in time.  An answer that is cut off
# is returned with what there was of it, complete() false and error() "closed"
# or "reset".

sub response {
    my ($self, $timeout) = @_;

    $timeout //= default_timeout();
    my $response = eval { $self->read_response(time + $timeout) };
    return $response if $response;

    croak "no (whole) answer within $timeout s; got \"$self->{in}\""
        if ref $@;
    die $@;
}

# The same, but undef when it does not come in time.

sub try_response {
    my ($self, $timeout) = @_;

    my $response = eval { $self->read_response(time + $timeout) };
    die $@ if !$response && !ref $@;

    return $response;
}

sub read_response {
    my ($self, $deadline) = @_;

    # kept between calls, so that a timeout loses nothing
    $self->{interim} //= [];
    my $response = $self->{early};

    while (!$response) {
        $response = $self->read_head($deadline);
        if (!$response) {
            return JobRuns::Response->new(complete => 0, body => $self->{in},
                error => $self->{ended}, interim => delete $self->{interim});
        }
        if ($response->status =~ /^1/ && $response->status != 101) {
            push @{$self->{interim}}, $response;
            $response = undef;
        }
    }

    $self->{early} = $response;
    $response->{complete} = $self->read_body($response, $deadline);
    $response->{error} = $self->{ended} unless $response->{complete};
    $response->{interim} = delete $self->{interim};
    delete $self->{early};

    return $response;
}

sub read_body {
    my ($self, $response, $deadline) = @_;
    my $in = \$self->{in};

    return 1 if ($self->{method} // '') eq 'HEAD'
        || $response->status =~ /^(?:101|204|304)$/;

    if (($response->header('transfer-encoding') // '') =~ /chunked/i) {
        while (1) {
            if (!defined $self->{chunk_left}) {
                $self->fill($deadline) or return 0
                    until $$in =~ s/^([0-9a-fA-F]+)[^\n]*\n//;
                $self->{chunk_left} = hex $1;
            }

            if ($self->{chunk_left} == 0) {
                $self->fill($deadline) or return 0
                    until $$in =~ s/^(?:[^\r\n]+\r?\n)*\r?\n//;
                delete $self->{chunk_left};
                return 1;
            }

            while (length $$in < $self->{chunk_left} + 2) {
                $self->fill($deadline) or last;
            }
            my $whole = length $$in >= $self->{chunk_left} + 2;
            $response->{body} .= substr $$in, 0, $self->{chunk_left}, '';
            return 0 unless $whole;
            $$in =~ s/^\r\n// or croak 'a chunk does not end where it should';
            delete $self->{chunk_left};
        }
    }

    my $length = $response->header('content-length');

    while (!defined $length || length $$in < $length) {
        $self->fill($deadline) or last;
    }
    $response->{body} = substr $$in, 0, $length // length $$in, '';

    return !defined $length ? $self->{ended} eq 'closed'
        : length $response->{body} == $length;
}

# "closed" or "reset" once the peer has ended the connection, with nothing
# left to read; false before.

sub ended {
    my ($self) = @_;

    eval { $self->fill(0) };
    return $self->{in} eq '' && $self->{ended};
}

sub half_close { shutdown $_[0]{socket}, 1 }

sub close {
    my ($self) = @_;
    CORE::close delete $self->{socket} if $self->{socket};
}

# Ends the connection with a TCP reset.

sub reset {
    my ($self) = @_;

    $self->{socket}->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    $self->close;
}

1;
