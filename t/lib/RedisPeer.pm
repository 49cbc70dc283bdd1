# SPDX-License-Identifier: BSD-2-Clause

package RedisPeer;

# A server that says to a Redis client what a script tells it to: replies cut
# at every byte, late, wrong or none.
#
#   my $peer = RedisPeer->start($t, 'name', sub {
#       my ($c, $n) = @_;               # the connection, and its number from 1
#       $c->greet;                      # answers AUTH, SELECT, SETNAME, PING
#       while (my @words = $c->command) { $c->write("+OK\r\n") }
#   });
#   $peer->address                      # for a directive
#   $peer->seen                         # what it noted: "connect 1", "GET k"
#   $peer->allow('go')                  # lets $c->await('go') return
#
# Each connection is a process of its own.  What they note is in a file, one
# write each, so the order is the order of events.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);

use JobRuns::Guardian ();
use JobRuns::Ports qw(claim_port);
use JobRuns::Wait qw(wait_for);

my @running;

# start(HARNESS, NAME, SCRIPT, tcp => 1, host => ADDRESS, backlog => N)

sub start {
    my ($class, $t, $name, $script, %opt) = @_;

    my $self = bless { base => $t->testdir . "/$name", script => $script,
        host => '127.0.0.1', %opt }, $class;
    $self->{port} = claim_port() if $self->{tcp};
    push @running, $self;

    return $self->open;
}

sub address {
    my ($self) = @_;
    return $self->{tcp} ? "$self->{host}:$self->{port}"
        : "unix:$self->{base}.peer";
}

sub open {
    my ($self) = @_;

    my $backlog = $self->{backlog} // 64;
    unlink "$self->{base}.peer";
    my $listen = $self->{tcp}
        ? IO::Socket::INET->new(LocalAddr => $self->{host}, ReuseAddr => 1,
            LocalPort => $self->{port}, Listen => $backlog)
        : IO::Socket::UNIX->new(Local => "$self->{base}.peer",
            Listen => $backlog);
    die "$self->{base}: listen: $!\n" unless $listen;
    chmod 0777, "$self->{base}.peer" unless $self->{tcp};

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT);
        $SIG{PIPE} = 'IGNORE';
        eval { $self->serve($listen) };
        warn $@ if $@;
        POSIX::_exit(0);
    }
    setpgrp $pid, $pid;
    JobRuns::Guardian::inform(group => $pid);
    $self->{pid} = $pid;

    return $self;
}

# Ends it with all its connections; open() makes it listen again.

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} // return;
    local $?;                           # may be called at the test's end
    kill KILL => -$pid;
    waitpid $pid, 0;
    JobRuns::Guardian::inform(gone => $pid);
    unlink "$self->{base}.peer";
}

sub stop_all { $_->stop for splice @running }

sub seen {
    my ($self) = @_;

    CORE::open my $fh, '<:raw', "$self->{base}.seen" or return;
    my @lines = <$fh>;
    chomp @lines;

    return @lines;
}

sub count {
    my ($self, $pattern) = @_;
    return scalar grep { /$pattern/ } $self->seen;
}

# Until that many (1) lines match.

sub wait_seen {
    my ($self, $pattern, $count) = @_;

    wait_for { $self->count($pattern) >= ($count // 1) }
        "the peer to see $pattern";
}

sub allow {
    my ($self, $what) = @_;
    CORE::open my $fh, '>', "$self->{base}.allow-$what" or die "$!\n";
}

sub serve {
    my ($self, $listen) = @_;

    if (!$self->{script}) {
        sleep 3600 while 1;                     # accepts nothing
    }

    $SIG{CHLD} = 'IGNORE';
    for (my $n = 1; ; $n++) {
        my $socket = $listen->accept or next;
        my $c = RedisPeer::Connection->new($self->{base}, $socket);
        $c->note("connect $n");

        my $pid = fork // die "fork: $!\n";
        next if $pid;

        close $listen;
        eval { $self->{script}->($c, $n) };
        warn $@ if $@;
        $c->close;
        POSIX::_exit(0);
    }
}

###############################################################################

package RedisPeer::Connection;

use strict;
use warnings;

sub new {
    my ($class, $base, $socket) = @_;

    $socket->setsockopt(Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1)
        if $socket->isa('IO::Socket::INET');

    return bless { base => $base, socket => $socket, in => '' }, $class;
}

sub note {
    my ($self, $line) = @_;

    CORE::open my $fh, '>>:raw', "$self->{base}.seen" or die "$!\n";
    syswrite $fh, "$line\n";
}

sub fill {
    my ($self) = @_;

    my $n = sysread $self->{socket}, $self->{in}, 1 << 20, length $self->{in};
    $self->note('read') if $n && $self->{note_reads};
    if (!$n && !$self->{ended}++) {
        $self->note(defined $n ? 'end' : "error: $!");
    }

    return $n;
}

# The words of the next command, noted; none at the end of the connection.

sub command {
    my ($self) = @_;

    while (1) {
        my @words = $self->parse;
        if (@words) {
            $self->note(join ' ', map {
                length > 200 ? '(' . length($_) . ' bytes)' : $_
            } @words);
            return @words;
        }
        $self->fill or return;
    }
}

sub parse {
    my ($self) = @_;

    $self->{in} =~ /\G\*(\d+)\r\n/g or return;
    my ($count, $at, @words) = ($1, $+[0]);

    for (1 .. $count) {
        pos($self->{in}) = $at;
        $self->{in} =~ /\G\$(\d+)\r\n/g or return;
        my ($start, $length) = ($+[0], $1);
        return if length $self->{in} < $start + $length + 2;
        push @words, substr $self->{in}, $start, $length;
        $at = $start + $length + 2;
    }

    pos($self->{in}) = undef;
    substr $self->{in}, 0, $at, '';

    return @words;
}

# Answers the client's own commands up to the one that ends its greeting.

sub greet {
    my ($self, %answers) = @_;
    my $end = 'SETNAME';

    while (my @words = $self->command) {
        my $name = $words[1] && $words[1] eq 'SETNAME' ? 'SETNAME' : $words[0];
        $self->write($answers{$name} // "+OK\r\n");

        # a probe has a PING behind it, in the same write
        if ($name eq 'SETNAME') {
            return 1 unless $self->{in} =~ /PING/;
        }
        return 1 if $name eq 'PING';
    }

    return;
}

# From here on a real server answers, at a unix socket.  What goes through is
# what $pass->(BYTES, IS_REPLY) returns: the bytes to hand on, and whether they
# are the last ones of the connection.

sub relay {
    my ($self, $path, $pass) = @_;
    my $real = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
    my $select = IO::Select->new($self->{socket}, $real);

    $pass //= sub { $_[0] };
    syswrite $real, delete $self->{in};

    while (my @ready = $select->can_read) {
        for my $from (@ready) {
            my $to = $from == $real ? $self->{socket} : $real;

            sysread $from, my $bytes, 1 << 16 or return;
            my ($on, $last) = $pass->($bytes, $from == $real);
            syswrite $to, $on if length $on;
            return if $last;
        }
    }
}

sub write {
    my ($self, $bytes) = @_;
    my $sent = 0;

    while ($sent < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $sent, $sent;
        return unless $n;
        $sent += $n;
    }

    return 1;
}

# One byte in each write, and not before the client has read the last one: its
# end of a TCP or unix connection has an empty queue then.

sub bytewise {
    my ($self, $bytes) = @_;

    for my $byte (split //, $bytes) {
        $self->write($byte) or return;
        $self->drained;
    }

    return 1;
}

# Until the client has taken all that was written: SIOCOUTQ counts what a
# socket still has to deliver; for TCP that is only up to the peer's kernel,
# which is what TCP_NODELAY alone can promise.

sub drained {
    my ($self) = @_;

    while (1) {
        my $left = pack 'i', 0;
        ioctl $self->{socket}, 0x5411, $left or return;
        return unless unpack 'i', $left;
        select undef, undef, undef, 0.0005;
    }
}

sub allow { RedisPeer::allow(@_) }
sub allowed { return -e "$_[0]{base}.allow-$_[1]" }

sub await {
    my ($self, $what) = @_;

    # the end of the client must not leave this waiting for ever
    for (1 .. 6000) {
        return 1 if $self->allowed($what);
        select undef, undef, undef, 0.005;
    }
    die "never allowed: $what\n";
}

# Writes the same bytes again and again until then: slow, but not silent.

sub drip {
    my ($self, $bytes, $what) = @_;

    until ($self->allowed($what)) {
        $self->write($bytes) or return;
        select undef, undef, undef, 0.01;
    }
}

sub wait_end { 1 while $_[0]->fill }

sub close { CORE::close $_[0]{socket} }

sub reset {
    my ($self) = @_;
    $self->{socket}->setsockopt(Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack 'ii', 1, 0);
    $self->close;
}

1;
