# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Pty;

# Runs a program on a terminal of its own, as a person would.  Linux only.
#
#   my $pty = JobRuns::Pty->start([30, 100], COMMAND...);
#   wait_for { $pty->text =~ /.../ } 'what it shows';
#   $pty->type('q');
#   is($pty->end, 0);

use strict;
use warnings;

use Fcntl qw(O_RDWR O_NOCTTY);
use POSIX ();

use constant {
    TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430, TIOCSCTTY => 0x540e,
    TIOCSWINSZ => 0x5414,
};

sub start {
    my ($class, $size, @command) = @_;

    sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY
        or die "/dev/ptmx: $!\n";
    my $number = pack 'i', 0;
    ioctl $master, TIOCSPTLCK, $number or die "unlock: $!\n";
    ioctl $master, TIOCGPTN, $number or die "number: $!\n";
    my $name = '/dev/pts/' . unpack 'i', $number;

    # open as long as we are, so that its mode can be read after the end
    sysopen my $slave, $name, O_RDWR | O_NOCTTY or die "$name: $!\n";
    $master->blocking(0);

    my $self = bless { master => $master, slave => $slave, all => '' },
        $class;
    $self->resize(@$size);
    $self->{before} = $self->mode;

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        ioctl $slave, TIOCSCTTY, 0;
        POSIX::dup2(fileno $slave, $_) for 0 .. 2;
        $ENV{TERM} = 'xterm';
        { no warnings; exec @command; }
        POSIX::_exit(127);
    }

    $self->{pid} = $pid;
    return $self;
}

# The kernel sends SIGWINCH.

sub resize {
    my ($self, $rows, $columns) = @_;

    my $size = pack 'S4', $rows, $columns, 0, 0;
    ioctl $self->{master}, TIOCSWINSZ, $size or die "size: $!\n";
    return;
}

sub type {
    my ($self, $keys) = @_;

    syswrite $self->{master}, $keys;
    return;
}

# All that was written so far.

sub text {
    my ($self) = @_;

    while (sysread $self->{master}, my $buf, 65536) {
        $self->{all} .= $buf;
    }

    return $self->{all};
}

# What it shows now: what was drawn last and to its end.

sub screen {
    my ($self) = @_;

    my @drawn = $self->text =~ /\e\[H(.*?)\e\[J/gs;
    my $last = @drawn ? $drawn[-1] : '';
    $last =~ s/\e\[[?\d;]*[A-Za-z]//g;
    $last =~ s/\r//g;
    return $last;
}

# Flags that say whether it echoes and takes lines.

sub mode {
    my ($self) = @_;

    my $mode = POSIX::Termios->new;
    $mode->getattr(fileno $self->{slave});
    return join ' ', map { $mode->$_ } qw(getiflag getoflag getlflag);
}

sub before { return $_[0]{before} }

# Whether it runs no more; then ->status is its exit status.

sub ended {
    my ($self) = @_;

    $self->text;

    if (defined $self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) > 0) {
        $self->{status} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
        undef $self->{pid};
    }

    return !defined $self->{pid};
}

sub status { return $_[0]{status} }

sub DESTROY {
    my ($self) = @_;

    return if !defined $self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
