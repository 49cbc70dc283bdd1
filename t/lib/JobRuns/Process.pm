# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Process;

# One child process in a process group of its own, so that whatever it forks
# can be ended with it.

use strict;
use warnings;

use POSIX qw(WNOHANG);

use JobRuns::Guardian ();
use JobRuns::Wait qw(wait_for);

# start(name =>, argv => [], output => FILE, env => {})

sub start {
    my ($class, %opt) = @_;

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT PIPE);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $opt{output};
        open STDERR, '>&', \*STDOUT;
        local @ENV{keys %{$opt{env} // {}}} = values %{$opt{env} // {}};
        no warnings 'exec';
        exec { $opt{argv}[0] } @{$opt{argv}};
        print STDERR "cannot run $opt{argv}[0]: $!\n";
        POSIX::_exit(127);
    }

    # by parent and child, so that it has been done whoever goes on first
    setpgrp $pid, $pid;
    JobRuns::Guardian::inform(group => $pid);

    return bless { %opt, pid => $pid }, $class;
}

sub pid { return $_[0]{pid} }

# The wait status once the process is gone, else undef.

sub status {
    my ($self) = @_;

    if (!defined $self->{status}) {
        local $?;
        my $got = waitpid $self->{pid}, WNOHANG;
        $self->{status} = $got == $self->{pid} ? $? : -1 if $got;
    }

    return $self->{status};
}

sub alive { return !defined $_[0]->status }

sub signal {
    my ($self, $signal) = @_;
    kill $signal => $self->{pid} if $self->alive;
}

sub wait_gone {
    my ($self, $timeout) = @_;

    wait_for { defined $self->status } "$self->{name} to exit", $timeout;
    return $self->{status};
}

# Ends the process with a signal, then its group by force.  Returns the wait
# status, or undef when force was needed.

sub stop {
    my ($self, $signal, $timeout) = @_;

    $self->signal('CONT');
    $self->signal($signal);
    my $status = eval { $self->wait_gone($timeout) };
    $self->stop_group;

    return $status;
}

sub stop_group {
    my ($self) = @_;

    kill KILL => -$self->{pid};
    $self->wait_gone;
    JobRuns::Guardian::inform(gone => $self->{pid});
}

sub output {
    my ($self) = @_;

    open my $fh, '<:raw', $self->{output} or return '';
    local $/;
    return <$fh> // '';
}

1;
