# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Guardian;

# Cleans up behind a test file that can no longer do it itself (kill -9).
#
# A small process that reads from a pipe which process groups and folders
# belong to the test.  When the pipe ends without "done", the test is dead, and
# the guardian ends and removes what it was told of.  At "done" it ends what
# nobody has stopped: that has the pipe open as well, so its end never comes.

use strict;
use warnings;

use File::Path qw(remove_tree);
use IO::Handle ();
use POSIX ();
use Time::HiRes qw(time);

my ($pipe, $pid, $owner);

sub start {
    return if $pid;

    pipe(my $read, $pipe) or die "pipe: $!\n";
    $pipe->autoflush(1);
    $owner = $$;
    $pid = fork // die "fork: $!\n";
    return if $pid;

    close $pipe;
    eval { guard($read) };
    POSIX::_exit(0);                    # no END block of the test's
}

sub inform {
    my (@words) = @_;
    return unless $pid && $$ == $owner;
    local $SIG{PIPE} = 'IGNORE';
    print {$pipe} "@words\n";
}

sub stop {
    return unless $pid && $$ == $owner;

    inform('done');
    close $pipe;
    local ($?, $!);
    waitpid $pid, 0;
    $pid = undef;
}

sub guard {
    my ($read) = @_;
    my (%groups, %folders);

    POSIX::setsid();
    $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM PIPE);
    open STDIN, '<', '/dev/null';
    # a reader of the test's output must not wait for us
    open $_, '>', '/dev/null' for \*STDOUT, \*STDERR;

    while (my $line = <$read>) {
        my ($what, $value) = $line =~ /^(\S+) ?(.*)/;
        $groups{$value} = 1 if $what eq 'group';
        delete $groups{$value} if $what eq 'gone';
        $folders{$value} = 1 if $what eq 'folder';
        delete $folders{$value} if $what eq 'removed';

        if ($what eq 'done') {
            %folders = ();
            last;
        }
    }

    kill CONT => -$_ for keys %groups;
    kill TERM => -$_ for keys %groups;

    my $deadline = time + 3;
    while (time < $deadline) {
        delete @groups{grep { !kill 0 => -$_ } keys %groups};
        last unless %groups;
        select undef, undef, undef, 0.02;
    }

    kill KILL => -$_ for keys %groups;
    remove_tree(keys %folders) if %folders;
}

1;
