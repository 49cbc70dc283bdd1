# SPDX-License-Identifier: BSD-2-Clause

package RedisSentinel;

# A master, a replica, and three sentinels that watch them.
#
#   my $s = RedisSentinel->start($t, name => 'main');
#   my $s = RedisSentinel->start($t, host => 'localhost', tls => [LINES])
#   $t->run(redis => 'jobruns_redis ' . $s->address . ';')
#   $s->master, $s->replica          # JobRuns::Redis, as sentinels see it now
#   $s->sentinels                    # JobRuns::Redis, as far as command() goes

use strict;
use warnings;

use JobRuns::Ports qw(claim_port);
use JobRuns::Process ();
use JobRuns::Redis ();
use JobRuns::Wait qw(wait_for);

my @processes;

END {
    local $?;
    $_->signal('KILL') for @processes;
    for my $process (@processes) {
        wait_for { !$process->alive } 'a sentinel to end';
    }
}

# start(HARNESS, name => what sentinels call the master, timeout => ms,
# host => a name that master and replica announce, and sentinels with them,
# places => five Chaos::Network::Host that they run in, the master's first,
# tls => lines of the sentinels' configuration, for a port of their own)

sub start {
    my ($class, $t, %opt) = @_;

    my $self = bless { t => $t, name => 'main', timeout => 1000,
        host => '127.0.0.1', %opt }, $class;

    my @args = ('--repl-diskless-sync-delay', 0);
    push @args, '--replica-announce-ip', $opt{host} if $opt{host};
    $self->{data} = [map {
        my $n = $_;
        $self->at($n, sub { $t->redis("$self->{name}$n", tcp => 1,
            host => $self->ip($n), args => \@args) });
    } 1, 2];

    my ($master, $replica) = @{$self->{data}};
    $replica->command('REPLICAOF', $self->ip(1), $master->{port});
    $self->wait_link($replica);

    $self->add_sentinel($_) for 1 .. 3;
    for my $sentinel ($self->sentinels) {
        wait_for {
            my %of = @{$sentinel->command('SENTINEL', 'MASTER',
                $self->{name})};
            $of{'num-other-sentinels'} == 2 && $of{'num-slaves'} == 1;
        } 'sentinels to know each other and the replica';
    }

    return $self;
}

# Runs code where the one with this number runs: 1 is the master, 3 the first
# sentinel.

sub at {
    my ($self, $n, $code) = @_;
    my $place = ($self->{places} // [])->[$n - 1] or return $code->();

    return $place->run($code);
}

sub ip {
    my ($self, $n) = @_;
    my $place = ($self->{places} // [])->[$n - 1] or return '127.0.0.1';

    return $place->ip;
}

sub add_sentinel {
    my ($self, $n) = @_;

    my $t = $self->{t};
    my $name = "sentinel-$self->{name}$n";
    my $port = claim_port();
    my $dir = $t->testdir;
    my $master = $self->{data}[0];

    my @lines = $self->{tls} ? @{$self->{tls}} : ();
    my $tls_port = @lines ? claim_port() : undef;
    push @lines, "tls-port $tls_port" if $tls_port;
    # before the name that it allows
    push @lines, 'sentinel resolve-hostnames yes',
        'sentinel announce-hostnames yes' if $self->{host} =~ /[a-z]/;
    my $more = join "\n", @lines;
    my $host = $self->{places} ? $self->ip(1) : $self->{host};
    my $ip = $self->ip($n + 2);

    mkdir "$dir/$name.d" or die "$dir/$name.d: $!\n";
    $t->write_file("$name.conf", <<"END");
port $port
bind $ip
dir $dir/$name.d
unixsocket $dir/$name.sock
protected-mode no
$more
sentinel monitor $self->{name} $host $master->{port} 2
sentinel down-after-milliseconds $self->{name} $self->{timeout}
sentinel failover-timeout $self->{name} 6000
END

    my $process = $self->at($n + 2, sub { JobRuns::Process->start(
        name => 'redis-sentinel', output => "$dir/$name.log",
        argv => [$ENV{TEST_REDIS_BINARY} || 'redis-server',
            "$dir/$name.conf", '--sentinel']) });
    push @processes, $process;

    my $sentinel = bless { folder => $dir, name => $name, port => $port,
        host => $ip,
        tcp => 1, tls_port => $tls_port, process => $process },
        'JobRuns::Redis';
    wait_for {
        die "sentinel ended, see $name.log\n" unless $process->alive;
        (eval { $sentinel->command('PING') } // $@) =~ /PONG|NOAUTH/;
    } 'a sentinel to answer';
    push @{$self->{sentinels}}, $sentinel;

    return;
}

sub sentinels { return @{$_[0]{sentinels}} }

# As jobruns_redis takes it.

sub address {
    my ($self) = @_;
    return join ' ', "sentinel:$self->{name}",
        map { $_->{tls_port} ? "127.0.0.1:$_->{tls_port}" : $_->address }
        $self->sentinels;
}

sub master {
    my ($self) = @_;
    my ($sentinel) = grep { $_->running } $self->sentinels;
    my $at = $sentinel->command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
        $self->{name});
    my ($master) = grep { $_->{port} == $at->[1] } @{$self->{data}};
    return $master;
}

sub replica {
    my ($self) = @_;
    my $master = $self->master;
    my ($replica) = grep { $_ != $master } @{$self->{data}};
    return $replica;
}

sub wait_link {
    my ($self, $replica) = @_;
    wait_for {
        # sentinels reset the connections of a master that becomes one
        (eval { $replica->command('INFO', 'replication') } // '')
            =~ /master_link_status:up/;
    } 'the replica to follow its master';
    return;
}

1;
