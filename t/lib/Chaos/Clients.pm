# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Clients;

# Many clients in one process, each of which behaves as an SDK does: one retry
# token per call, the same on every retry; it retries on timeouts, broken
# connections, 409 IncorrectState, 429 and 5xx, with a growing gap, up to
# eight tries.  Each try may tell the stub service to misbehave, and may be
# given up by the client before the answer comes.  Some calls use the token of
# another one that is under way, and some of these with another body.
#
# Every answer becomes a line of a log, for the judge.

use strict;
use warnings;

use Errno qw(EAGAIN EINPROGRESS EWOULDBLOCK);
use IO::Handle ();
use Socket qw(PF_INET SOCK_NONBLOCK SOCK_STREAM SOL_SOCKET SO_LINGER
    SO_RCVBUF inet_aton pack_sockaddr_in);
use Time::HiRes qw(time);

use JobRuns::Json ();

use constant TRIES => 8;

# A client's own patience, seconds: longer than the gateway waits for others
# and for the service.  What it waits for limits comes to that.
use constant PATIENCE => 6;

# How many calls share the token of another one, as a part of all.
use constant SHARED => 0.2;

# Seconds between two looks at who has waited for too long.
use constant LOOK => 0.02;

my $json = JobRuns::Json::codec();

# run(gateways => [ADDRESS...], clients => N, seconds => N, seed => N,
#     log => FILE, odd_clients => 0 or 1, odd_service => 0 or 1, delay =>
#     SECONDS, keys => Chaos::Keys or undef, places => the gateways' hosts of
#     Chaos::Network or undef, bursts => 0 or 1) returns when the last call has
# ended.  Odd clients close their half of the connection, send another request
# behind, or one before whose response is so large that NGINX has to wait until
# it can write; an odd service sends early hints and broken chunks.  With keys
# requests are signed, most of them well.  In bursts many calls of one tenant
# begin at once.

sub run {
    my (%opt) = @_;

    srand $opt{seed};

    open my $log, '>>:raw', $opt{log} or die "$opt{log}: $!\n";
    $log->autoflush(1);

    my $self = bless { %opt, log_file => $log, calls => 0, timers => [],
        end => time + $opt{seconds}, looked => 0, by_fd => {},
        reading => '', writing => '' }, __PACKAGE__;

    $self->next_call({ number => $_ }) for 1 .. $opt{clients};
    $self->turn while $self->{busy};
}

sub next_call {
    my ($self, $client) = @_;

    if (time >= $self->{end}) {
        delete $self->{busy}{$client->{number}};
        return;
    }

    # half of the calls wait for the next quarter of a second
    my $burst = delete $client->{burst};

    if ($self->{bursts} && !$burst && rand() < 0.5) {
        $client->{burst} = 1;
        $self->{busy}{$client->{number}} //= 1;
        $self->at((1 + int time * 4) / 4, $client, \&next_call);
        return;
    }

    my @others = rand() >= SHARED ? ()
        : sort { $a->{number} <=> $b->{number} }
            grep { ref && $_ != $client } values %{$self->{busy}};

    $self->{busy}{$client->{number}} = $client;
    $client->{call} = sprintf 'chaos-%d-%d', $self->{seed}, ++$self->{calls};
    @$client{qw(token tenant job)} = ($client->{call}, $client->{number} % 8,
        $client->{call});
    $client->{tenant} = int(time * 4) % 8 if $burst;
    $client->{user} = $self->{keys} ? $self->{keys}->user : 'chaos';

    if (@others) {
        my $other = $others[rand @others];

        @$client{qw(token tenant user)} = @$other{qw(token tenant user)};
        $client->{job} = $other->{job} if rand() < 0.8;
    }

    $client->{tries} = 0;
    $client->{gap} = 0.05;
    $self->try_once($client);
}

sub try_once {
    my ($self, $client) = @_;
    my @gateways = @{$self->{gateways}};

    $client->{tries}++;
    $client->{id} = "$client->{call}-$client->{tries}";
    $client->{in} = '';
    $client->{begun} = time;
    $client->{deadline} = $client->{begun} + PATIENCE + $self->{delay};

    # some hang up long before; more of those that wait for limits
    $client->{deadline} = time + rand($self->{delay} || 0.4)
        if rand() < ($self->{delay} ? 0.15 : 0.06);

    $client->{resets} = rand() < 0.6;
    $client->{gateway} = int rand @gateways;
    my $open = sub { connection($gateways[$client->{gateway}]) };
    my $socket = $self->{places}
        ? $self->{places}[$client->{gateway}]->run($open) : $open->();

    if (!$socket) {
        $self->ended($client, { error => "connect: $!" });
        return;
    }

    $client->{socket} = $socket;
    $client->{habit} = $self->{odd_clients} && rand() < 0.15
        ? (qw(half-closes pipelines behind))[rand 3] : '';
    $client->{before} = $client->{habit} eq 'behind';
    $client->{out} = $self->request($client);
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096
        if $client->{before};
    $self->{by_fd}{fileno $socket} = $client;
    vec($self->{$_}, fileno $socket, 1) = 1 for qw(reading writing);
}

sub connection {
    my ($host, $port) = split /:/, $_[0];

    socket my $socket, PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0 or return;
    connect $socket, pack_sockaddr_in($port, inet_aton($host))
        or $! == EINPROGRESS or return;

    return $socket;
}

sub request {
    my ($self, $client) = @_;
    my @misbehaviour = misbehaviour($self->{odd_service});
    my $pipelines = $client->{habit} eq 'pipelines';
    my $body = $json->encode({ jobKey => $client->{job},
        parameters => [{ name => 'n', value => "\x{e9}" x 20 }] });
    my %head = (
        'Host' => 'chaos', 'Content-Type' => 'application/json',
        'Content-Length' => length $body,
        'Connection' => $pipelines ? 'keep-alive' : 'close',
        'Authorization' => 'Signature version="1",keyId="' . tenancy($client)
            . '/ocid1.user.oc1..chaos/aa",algorithm="rsa-sha256",'
            . 'headers="date",signature="c2ln"',
        'opc-retry-token' => $client->{token},
        'opc-request-id' => $client->{id},
        @misbehaviour,
    );
    my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1..chaos'
        . '/workspaces/chaos/jobRuns';
    my $headers = [map { [$_ => $head{$_}] } sort keys %head];

    $client->{asked} = "@misbehaviour";
    ($headers, $client->{signed}) = $self->{keys}->sign($client, {
        method => 'POST', path => $path, headers => $headers, body => $body })
        if $self->{keys};

    # the response to the one before fills the buffers of both sides
    return ($client->{before} ? "GET /large HTTP/1.1\r\nHost: chaos\r\n"
            . "X-Stub-Status: 200\r\nX-Stub-Bytes: 300000\r\n\r\n" : '')
        . join("\r\n", "POST $path HTTP/1.1",
        (map { "$_->[0]: $_->[1]" } @$headers), '', '') . $body
        . ($pipelines ? "GET /other HTTP/1.1\r\nHost: chaos\r\n\r\n" : '');
}

sub tenancy { return "ocid1.tenancy.oc1..chaos$_[0]{tenant}" }

# What the service is to do with a try: mostly its work.  Some of it ends in a
# 5xx whatever the gateway does: fails().

sub misbehaviour {
    my ($odd) = @_;
    my @ways = (
        ['delay-read' => sprintf '%.2f', rand 1.5],
        ['delay-created' => sprintf '%.2f', rand 1.5],
        ['delay-created' => 4],                 # beyond proxy_read_timeout
        ['status' => 500],
        ['status' => 503, 'create' => 1],
        ['status' => 429],
        ['end-read' => 'reset'],
        ['end-created' => 'reset'],
        ['end-created' => 'close'],
        ['end-created' => 'silent'],
        ['truncate' => 40],
        ($odd ? (['interim' => 103], ['interim' => '103,103'],
            ['framing' => 'chunked'],
            ['framing' => 'chunked', 'truncate' => 40],
            ['framing' => 'chunked', 'end-sent' => 'reset'],
            ['framing' => 'close']) : ()),
    );

    return if rand() < 0.75;

    my %way = @{$ways[rand @ways]};

    return map { ("X-Stub-$_" => $way{$_}) } keys %way;
}

sub fails { return $_[0] =~ /status 5|end-|truncate|-created 4$/ }


# One turn of the event loop: sockets, then whatever is due.

sub turn {
    my ($self) = @_;
    my ($readable, $writable) = @$self{qw(reading writing)};
    my $by_fd = $self->{by_fd};
    my $n = select $readable, $writable, undef, LOOK;

    if ($n > 0) {
        my @ready = sort { $a <=> $b } keys %$by_fd;

        for my $fd (grep { vec $writable, $_, 1 } @ready) {
            $self->on_writable($by_fd->{$fd}) if $by_fd->{$fd};
        }
        for my $fd (grep { vec $readable, $_, 1 } @ready) {
            $self->on_readable($by_fd->{$fd}) if $by_fd->{$fd};
        }
    }

    my $now = time;

    if ($now >= $self->{looked} + LOOK) {
        $self->{looked} = $now;
        $self->ended($_, { error => 'timeout' })
            for grep { $_->{deadline} <= $now } values %$by_fd;
    }

    my $timers = $self->{timers};

    while (@$timers && $timers->[0][0] <= $now) {
        my (undef, $client, $code) = @{shift @$timers};
        $code->($self, $client);
    }

    delete $self->{busy} unless %{$self->{busy}};
}

sub at {
    my ($self, $when, $client, $code) = @_;
    my $timers = $self->{timers};
    my $i = @$timers;

    $i-- while $i > 0 && $timers->[$i - 1][0] > $when;
    splice @$timers, $i, 0, [$when, $client, $code];
}

sub on_writable {
    my ($self, $client) = @_;
    my $n = syswrite $client->{socket}, $client->{out};

    if (!defined $n) {
        return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINPROGRESS;
        $self->ended($client, { error => "write: $!" });
        return;
    }

    substr $client->{out}, 0, $n, '';
    return if length $client->{out};

    vec($self->{writing}, fileno $client->{socket}, 1) = 0;
    shutdown $client->{socket}, 1
        if $client->{habit} =~ /^(?:half-closes|behind)\z/;
}

sub on_readable {
    my ($self, $client) = @_;
    my $n = sysread $client->{socket}, $client->{in}, 65536,
        length $client->{in};

    return if !defined $n && ($! == EAGAIN || $! == EWOULDBLOCK);

    $client->{before} = !skipped(\$client->{in}) if $client->{before};

    my $answer = $client->{before} ? undef : answer($client->{in});

    if ($answer) {
        $self->ended($client, $answer);

    } elsif (!$n) {
        $self->ended($client, { error => defined $n ? 'closed' : "read: $!" });
    }
}

# Takes the first response off, once it is whole.

sub skipped {
    my ($in) = @_;
    my ($length) = $$in =~ /^content-length: (\d+)\r/mi or return 0;
    my $head = index $$in, "\r\n\r\n";

    return 0 if $head < 0 || length $$in < $head + 4 + $length;
    substr $$in, 0, $head + 4 + $length, '';

    return 1;
}

# A whole answer, or undef.

sub answer {
    my ($in) = @_;

    # early hints, where NGINX passes them on
    1 while $in =~ s{^HTTP/1\.1 1\d\d[^\r]*\r\n(?:[^\r]+\r\n)*\r\n}{};

    my ($status, $head, $body)
        = $in =~ m{^HTTP/1\.1 (\d+)[^\r]*\r\n(.*?\r\n)\r\n(.*)}s or return;
    my ($length) = $head =~ /^content-length: (\d+)\r/mi;

    if (!defined $length) {
        return unless $head =~ /^transfer-encoding: chunked\r/mi;
        $body = joined($body);
        return if !defined $body;

    } else {
        return if length $body < $length;

        # behind it may be the response to the next request
        $body = substr $body, 0, $length;
    }

    my $data = eval { $json->decode($body) } // {};

    return {
        status   => $status + 0,
        code     => $data->{code},
        key      => $status < 300 ? $data->{key} : undef,
        replayed => $head =~ /^opc-retry-replayed: true\r/mi ? 1 : 0,
    };
}

# A body in chunks, or undef where it is not whole.

sub joined {
    my ($in) = @_;
    my $body = '';

    while ($in =~ s/^([0-9a-f]+)\r\n//i) {
        my $n = hex $1;

        return $in =~ /^\r\n/ ? $body : undef if $n == 0;
        return if length $in < $n + 2;
        $body .= substr $in, 0, $n;
        substr $in, 0, $n + 2, '';
    }

    return;
}

sub ended {
    my ($self, $client, $answer) = @_;

    if (my $socket = delete $client->{socket}) {
        delete $self->{by_fd}{fileno $socket};
        vec($self->{$_}, fileno $socket, 1) = 0 for qw(reading writing);

        # one that only closes may still read, as far as a server can tell
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
            if $answer->{error} && $client->{resets};
        close $socket;
    }

    my $again = $client->{tries} < TRIES && retried($answer);

    print {$self->{log_file}} $json->encode({ %$answer, time => time,
        begun => $client->{begun}, body => $client->{job},
        token => $client->{token}, id => $client->{id},
        tenant => tenancy($client), gateway => $client->{gateway} + 1,
        try => $client->{tries}, last => $again ? 0 : 1,
        $self->{keys} ? (signed => $client->{signed}, user => $client->{user})
            : (), asked => $client->{asked} // '' }), "\n";

    if (!$again) {
        # who is not let in gives it a rest
        ($answer->{status} // 0) == 401
            ? $self->at(time + 0.3, $client, \&next_call)
            : $self->next_call($client);
        return;
    }

    $client->{gap} = $client->{gap} * 2 > 2 ? 2 : $client->{gap} * 2;
    $self->at(time + $client->{gap} * (0.5 + rand 0.5), $client, \&try_once);
}

# As Oracle's SDKs decide it: see their default retry policies.

sub retried {
    my ($answer) = @_;

    return 1 if $answer->{error};
    return 1 if $answer->{status} == 429 || $answer->{status} >= 500;

    return $answer->{status} == 409
        && ($answer->{code} // '') eq 'IncorrectState';
}

1;
