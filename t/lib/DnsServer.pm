# SPDX-License-Identifier: BSD-2-Clause

package DnsServer;

# A name server for one test: UDP, A and AAAA records that the test can change
# while it runs.  Names without a record do not exist.
#
#   my $dns = DnsServer->start($t, 'dns');
#   $dns->set('redis.test' => '127.0.0.1', '::1');   # now
#   "resolver " . $dns->address . " valid=1s;"
#   $dns->count('redis.test')                        # queries so far
#
# The wire format is RFC 1035, section 4, and RFC 3596 for AAAA.

use strict;
use warnings;

use IO::Socket::INET ();
use POSIX ();
use Socket qw(AF_INET AF_INET6 inet_pton);

# its end comes after ours, and waits for all of ours to have ended
use JobRuns ();
use JobRuns::Guardian ();

my @running;

END {
    local $?;
    $_->stop for @running;
}

sub start {
    my ($class, $t, $name) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1', LocalPort => 0) or die "bind: $!\n";
    my $self = bless { base => $t->testdir . "/$name", socket => $socket,
        port => $socket->sockport, records => {} }, $class;
    $self->save;
    push @running, $self;

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT);
        eval { $self->serve };
        warn $@ if $@;
        POSIX::_exit(0);
    }
    setpgrp $pid, $pid;
    JobRuns::Guardian::inform(group => $pid);
    $self->{pid} = $pid;

    return $self;
}

sub address { return "127.0.0.1:$_[0]{port}" }

sub set {
    my ($self, $name, @addresses) = @_;
    $self->{records}{$name} = \@addresses;
    return $self->save;
}

sub save {
    my ($self) = @_;

    open my $fh, '>', "$self->{base}.new" or die "$self->{base}: $!\n";
    print $fh "$_ @{$self->{records}{$_}}\n" for keys %{$self->{records}};
    close $fh;
    rename "$self->{base}.new", "$self->{base}.zone" or die "rename: $!\n";
    return;
}

sub count {
    my ($self, $name) = @_;
    open my $fh, '<', "$self->{base}.queries" or return 0;
    return scalar grep { $_ eq "$name\n" } <$fh>;
}

# Silent, and going on.

sub pause { kill STOP => $_[0]{pid} }
sub resume { kill CONT => $_[0]{pid} }

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} // return;
    kill KILL => -$pid;
    waitpid $pid, 0;
    JobRuns::Guardian::inform(gone => $pid);
}

sub serve {
    my ($self) = @_;

    while (defined(my $from = $self->{socket}->recv(my $query, 4096))) {
        my $answer = $self->answer($query) // next;
        $self->{socket}->send($answer, 0, $from);
    }
}

sub answer {
    my ($self, $query) = @_;

    my ($id) = unpack 'n', $query;
    my ($at, @labels) = (12);
    while (my $len = unpack 'C', substr $query, $at++, 1) {
        push @labels, substr $query, $at, $len;
        $at += $len;
    }
    my $question = substr $query, 12, $at + 4 - 12;
    my ($type) = unpack 'n', substr $query, $at, 2;
    my $name = lc join '.', @labels;

    open my $log, '>>', "$self->{base}.queries" or die "queries: $!\n";
    print $log "$name\n";
    close $log;

    open my $fh, '<', "$self->{base}.zone" or die "zone: $!\n";
    my %zone = map { my ($of, @a) = split; ($of => \@a) } <$fh>;
    my $family = $type == 28 ? AF_INET6 : AF_INET;
    my @data = map { inet_pton($family, $_) // () }
        grep { (/:/ ? 28 : 1) == $type } @{$zone{$name} // []};

    # a response, authoritative, recursion available; 3: no such name
    my $flags = 0x8580 | ($zone{$name} ? 0 : 3);
    return pack('n6', $id, $flags, 1, scalar @data, 0, 0) . $question
        . join '', map { pack('n3 N n', 0xc00c, $type, 1, 1, length) . $_ }
            @data;
}

1;
