# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::H2;

# One HTTP/2 connection with many streams, by prior knowledge: each frame goes
# out when told to, and a stream can be reset at any time.

use strict;
use warnings;

use Carp qw(croak);
use Time::HiRes qw(time);

use JobRuns::Client ();
use JobRuns::Hpack qw(hpack_decode hpack_encode);
use JobRuns::Response ();
use JobRuns::Wait qw(default_timeout);

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
    GOAWAY => 7, WINDOW_UPDATE => 8, CONTINUATION => 9,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8, PRIORITY => 32,
    MAX_WINDOW => 0x7fffffff,
};

sub new {
    my ($class, $address) = @_;

    my $self = bless {
        client => JobRuns::Client->new($address), next_id => 1, streams => {},
        window => 65535, first_window => 65535, max_frame => 16384,
    }, $class;

    # no dynamic header table, no push; the windows never stop the server
    $self->{client}->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nN nN nN', 1, 0, 2, 0, 4, MAX_WINDOW)
        . frame(WINDOW_UPDATE, 0, 0, pack 'N', MAX_WINDOW - 65535));

    return $self;
}

sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

# Opens a stream with a request as JobRuns::Client takes it.  end => 0 leaves
# it open for data().

sub request {
    my ($self, $request, %opt) = @_;

    my @headers = @{$request->{headers} // []};
    my ($host) = map { $_->[1] } grep { lc $_->[0] eq 'host' } @headers;
    my $body = $request->{body};
    my $end = ($opt{end} // 1) && !length($body // '');

    my $block = hpack_encode([
        [':method', $request->{method} // 'GET'], [':scheme', 'http'],
        [':path', $request->{path} // '/'],
        [':authority', $host // 'localhost'],
        grep { $_->[0] !~ /^(?:host|connection|transfer-encoding)$/i }
            @headers,
    ]);

    my $id = $self->{next_id};
    $self->{next_id} += 2;
    my $stream = $self->{streams}{$id} = bless {
        h2 => $self, id => $id, window => $self->{first_window}, out => '',
        end => $opt{end} // 1,
        response => JobRuns::Response->new(version => 2),
    }, 'JobRuns::H2::Stream';

    my $bytes = '';
    my ($type, $flags) = (HEADERS, $end ? END_STREAM : 0);
    do {
        my $part = substr $block, 0, 16384, '';
        $flags |= END_HEADERS unless length $block;
        $bytes .= frame($type, $flags, $id, $part);
        ($type, $flags) = (CONTINUATION, 0);
    } while length $block;

    $self->{client}->send($bytes);
    $stream->{ended_out} = $end;
    $stream->data($body) if length($body // '');

    return $stream;
}

# Sends what the windows allow; the rest goes when frames that widen them have
# been read.

sub send_data {
    my ($self) = @_;

    for my $stream (map { $self->{streams}{$_} }
        sort { $a <=> $b } keys %{$self->{streams}})
    {
        next if $stream->{ended_out};

        while (length $stream->{out}) {
            my ($n) = sort { $a <=> $b } length $stream->{out},
                $self->{window}, $stream->{window}, $self->{max_frame};
            last if $n <= 0;

            my $part = substr $stream->{out}, 0, $n, '';
            my $end = $stream->{end} && !length $stream->{out};
            $self->{client}->send(frame(DATA, $end ? END_STREAM : 0,
                $stream->{id}, $part));
            $_->{window} -= $n for $self, $stream;
            $stream->{ended_out} = 1 if $end;
        }
    }
}

# Reads one frame; false when the connection has ended.

sub read_frame {
    my ($self, $deadline) = @_;
    my $c = $self->{client};

    while (1) {
        if (length $c->{in} >= 9) {
            my $length = unpack 'N', "\0" . substr $c->{in}, 0, 3;
            last if length $c->{in} >= 9 + $length;
        }
        $c->fill($deadline) or return;
    }

    my ($high, $low, $type, $flags, $id)
        = unpack 'CnCCN', substr $c->{in}, 0, 9, '';
    my $payload = substr $c->{in}, 0, $high << 16 | $low, '';
    my $stream = $self->{streams}{$id & MAX_WINDOW};

    if ($flags & PADDED && ($type == DATA || $type == HEADERS)) {
        my $padding = ord substr $payload, 0, 1, '';
        substr $payload, -$padding, $padding, '' if $padding;
    }

    if ($type == HEADERS || $type == CONTINUATION) {
        substr $payload, 0, 5, '' if $type == HEADERS && $flags & PRIORITY;
        $self->{block} .= $payload;
        $self->{block_ends} = $flags & END_STREAM if $type == HEADERS;
        if ($flags & END_HEADERS) {
            my $headers = hpack_decode(delete $self->{block});
            $stream->take_headers($headers, $self->{block_ends}) if $stream;
        }

    } elsif ($type == DATA) {
        $stream->take_data($payload, $flags & END_STREAM) if $stream;

    } elsif ($type == RST_STREAM) {
        $stream->{error} = 'reset by code ' . unpack 'N', $payload if $stream;

    } elsif ($type == SETTINGS && !($flags & ACK)) {
        $self->take_settings($payload);

    } elsif ($type == PING && !($flags & ACK)) {
        $self->{client}->send(frame(PING, ACK, 0, $payload));

    } elsif ($type == GOAWAY) {
        ($self->{goaway}, my $code) = unpack 'NN', $payload;
        for (values %{$self->{streams}}) {
            $_->{error} //= "goaway, code $code" if $_->{id} > $self->{goaway};
        }

    } elsif ($type == WINDOW_UPDATE) {
        ($stream // $self)->{window} += unpack 'N', $payload
            if $stream || !$id;
        $self->send_data;
    }

    return 1;
}

sub take_settings {
    my ($self, $payload) = @_;

    my %settings = unpack '(nN)*', $payload;
    if (defined $settings{4}) {
        my $more = $settings{4} - $self->{first_window};
        $self->{first_window} = $settings{4};
        $_->{window} += $more for values %{$self->{streams}};
    }
    $self->{max_frame} = $settings{5} if $settings{5};

    $self->{client}->send(frame(SETTINGS, ACK, 0, ''));
    $self->send_data;
}

# The last stream that the server will still answer, once it has said so.
sub goaway { return $_[0]{goaway} }

sub ended { return $_[0]{client}->ended }
sub close { $_[0]{client}->close }
sub reset { $_[0]{client}->reset }

package JobRuns::H2::Stream;

use Carp qw(croak);
use Time::HiRes qw(time);

use JobRuns::Wait qw(default_timeout);

sub take_headers {
    my ($self, $headers, $end) = @_;
    my $response = $self->{response};

    if (defined $response->{status}) {
        $response->{trailers} = $headers;

    } else {
        my ($status) = map { $_->[1] } grep { $_->[0] eq ':status' } @$headers;
        my @rest = grep { $_->[0] !~ /^:/ } @$headers;
        if ($status =~ /^1/) {
            push @{$response->{interim}}, JobRuns::Response->new(version => 2,
                status => $status, headers => \@rest);
        } else {
            @$response{qw(status headers)} = ($status, \@rest);
        }
    }

    $response->{complete} = 1 if $end;
}

sub take_data {
    my ($self, $data, $end) = @_;

    $self->{response}{body} .= $data;
    $self->{response}{complete} = 1 if $end;
}

# More of the body; the last piece with end => 1 (request(..., end => 0)).

sub data {
    my ($self, $data, %opt) = @_;

    $self->{out} .= $data;
    $self->{end} = $opt{end} if exists $opt{end};
    if ($data eq '' && $self->{end} && $self->{out} eq '') {
        $self->{h2}{client}->send(JobRuns::H2::frame(JobRuns::H2::DATA,
            JobRuns::H2::END_STREAM, $self->{id}, ''));
        $self->{ended_out} = 1;
    }
    $self->{h2}->send_data;

    return $self;
}

# As a client that gives up on this request only; the code is CANCEL.

sub reset {
    my ($self, $code) = @_;

    $self->{h2}{client}->send(JobRuns::H2::frame(JobRuns::H2::RST_STREAM, 0,
        $self->{id}, pack 'N', $code // 8));
    delete $self->{h2}{streams}{$self->{id}};
}

# As JobRuns::Client has them.

sub response {
    my ($self, $timeout) = @_;

    $timeout //= default_timeout();
    return $self->try_response($timeout)
        // croak "no (whole) answer on stream $self->{id} within $timeout s";
}

sub try_response {
    my ($self, $timeout) = @_;

    my $deadline = time + $timeout;
    my $response = $self->{response};

    until ($response->{complete} || $self->{error}) {
        my $more = eval { $self->{h2}->read_frame($deadline) };
        return if !$more && ref $@;             # too late
        die $@ if !$more && $@;
        $self->{error} = $self->{h2}{client}{ended} // 'closed' unless $more;
    }

    $response->{error} = $self->{error} unless $response->{complete};
    delete $self->{h2}{streams}{$self->{id}};

    return $response;
}

1;
