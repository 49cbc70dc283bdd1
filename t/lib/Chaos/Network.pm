# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Network;

# A network of the test's own, whose hosts can be cut off from each other, in
# both directions or in one: namespaces of the kernel, joined by a bridge.
# Nothing of it is seen outside of this process and what it starts.
#
#   my $why = Chaos::Network::enter();      # a text where it is not possible
#   my $host = Chaos::Network->host('redis1');
#   $host->run(sub { ... });                # what it starts is on this host
#   $host->ip
#   Chaos::Network::cut($host, $other);     # what it sends to the other is lost
#   Chaos::Network::heal();                 # all of it
#
# Packets are lost as on a wire: their sender has the address of a card that
# nobody has, so that nobody is told.

use strict;
use warnings;

use Config ();
use POSIX ();

use constant { NEW_NETWORK => 0x40000000, NOBODY => '02:00:00:00:00:ff' };

# numbers of system calls: unshare, setns
my %calls = (x86_64 => [272, 308], aarch64 => [97, 268]);

my ($unshare, $setns);
my ($own, @hosts, @cuts);

sub enter {
    my ($machine) = $Config::Config{archname} =~ /^(x86_64|aarch64)/
        or return "the numbers of system calls of $Config::Config{archname}"
            . ' are not known';

    ($unshare, $setns) = @{$calls{$machine}};

    return 'only root can make a network of its own' if $>;
    return 'needs ip (iproute2)' if system('ip link >/dev/null 2>&1');
    return "no network namespace can be made: $!"
        if syscall($unshare, NEW_NETWORK) != 0;

    $own = namespace($$);

    for my $command ('link set lo up', 'link add hub type bridge',
        'link set hub up')
    {
        return "\"ip $command\" failed" if system "ip $command 2>/dev/null";
    }

    return;
}

sub namespace {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/ns/net" or die "/proc/$pid/ns/net: $!\n";
    return $fh;
}

# The namespace lives as long as it is open, or one of its processes runs; the
# one that makes it ends at once.

sub host {
    my ($class, $name) = @_;
    my $n = @hosts + 1;

    pipe(my $ready, my $made) or die "pipe: $!\n";
    pipe(my $done, my $go) or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        close $go;
        syscall($unshare, NEW_NETWORK) == 0 and syswrite $made, '1';
        sysread $done, my $bytes, 1;
        POSIX::_exit(0);
    }

    close $made;
    sysread $ready, my $bytes, 1 or die "$name: unshare failed\n";

    my $self = bless { name => $name, ip => "10.77.0.$n",
        namespace => namespace($pid) }, 'Chaos::Network::Host';

    ip("link add j$n type veth peer name eth0 netns $pid");
    ip("link set j$n master hub up");
    close $go;
    waitpid $pid, 0;
    $self->run(sub {
        ip('link set lo up');
        ip("addr add $self->{ip}/24 dev eth0");
        ip('link set eth0 up');
    });
    push @hosts, $self;

    return $self;
}

sub ip {
    my ($command) = @_;
    system("ip $command") == 0 or die "\"ip $command\" failed\n";
}

sub cut {
    my ($from, $to) = @_;

    $from->run(sub { ip("neigh replace $to->{ip} lladdr " . NOBODY
        . ' dev eth0 nud permanent') });
    push @cuts, [$from, $to];
}

sub heal {
    for (splice @cuts) {
        my ($from, $to) = @$_;
        $from->run(sub { ip("neigh del $to->{ip} dev eth0") });
    }
}

package Chaos::Network::Host;

use strict;
use warnings;

sub ip { return $_[0]{ip} }

sub run {
    my ($self, $code) = @_;
    my @result;

    into($self->{namespace});
    my $ok = eval {
        @result = wantarray ? $code->() : scalar $code->();
        1;
    };
    my $error = $@;
    into($own);
    die $error unless $ok;

    return wantarray ? @result : $result[0];
}

sub into {
    my ($namespace) = @_;

    syscall($setns, fileno $namespace, Chaos::Network::NEW_NETWORK()) == 0
        or die "setns: $!\n";
}

1;
