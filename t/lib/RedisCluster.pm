# SPDX-License-Identifier: BSD-2-Clause

package RedisCluster;

# A private Redis Cluster: masters that share the slots evenly, and a replica
# for each.
#
#   my $cluster = RedisCluster->start($t);          # three and three
#   $t->run(jobruns => ..., http => 'jobruns_redis ' . $cluster->address . ';')
#   my $slot = $cluster->slot('jobruns:{acme}');
#   my $node = $cluster->master($slot);             # a JobRuns::Redis
#   $cluster->migrate($slot, $node, $other);        # slot and keys
#   $cluster->calls('cluster|slots')                # of all nodes together
#
# Nodes find each other by ports of their own (cluster-port of Redis 7), so
# that clusters of several test files run side by side.

use strict;
use warnings;

use Carp qw(croak);

use JobRuns::Ports qw(claim_port);
use JobRuns::Wait qw(wait_for);

my $slots = 16384;

# start(HARNESS, name => NAME, masters => 3, replicas => 3, args => [...],
# tls => [...], timeout => ms after which a silent node is taken for dead)

sub start {
    my ($class, $t, %opt) = @_;

    my $self = bless { t => $t, name => 'cluster', masters => 3,
        replicas => 3, timeout => 1000, args => [], %opt }, $class;

    $self->add for 1 .. $self->{masters} + $self->{replicas};
    my @nodes = $self->nodes;
    my @masters = @nodes[0 .. $self->{masters} - 1];

    for my $i (0 .. $#nodes) {
        # else two of them begin with the same, and have to agree first
        $nodes[$i]->command('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
    }
    for my $i (0 .. $#masters) {
        $masters[$i]->command('CLUSTER', 'ADDSLOTSRANGE',
            int($slots * $i / @masters), int($slots * ($i + 1) / @masters) - 1);
    }
    $self->meet($_) for @nodes[1 .. $#nodes];
    wait_for { !grep { !$self->knows_all($_) } @nodes }
        'all nodes to know each other';

    for my $i (@masters .. $#nodes) {
        $self->follow($nodes[$i], $masters[$i % @masters]);
    }
    $self->wait_well;

    return $self;
}

# One more node, which knows nobody and has no slots.

sub add {
    my ($self) = @_;

    my $name = $self->{name} . (1 + $self->nodes);
    my $bus = claim_port();
    # with tls => [...], a list of Redis' own options, there is TLS alone
    my $tls = $self->{tls} ? claim_port() : undef;
    my $node = $self->{t}->redis($name, tcp => !$tls, args => [
        $tls ? ('--tls-port', $tls, '--tls-cluster', 'yes',
            '--tls-replication', 'yes', @{$self->{tls}}) : (),
        '--cluster-enabled', 'yes', '--cluster-port', $bus,
        '--cluster-node-timeout', $self->{timeout},
        # a replica is promoted however long it was alone
        '--cluster-replica-validity-factor', 0,
        # one whose last slot is taken stays what it is
        '--cluster-allow-replica-migration', 'no',
        '--repl-diskless-sync-delay', 0,
        @{$self->{args}},
    ]);
    $node->{bus} = $bus;
    @$node{qw(tcp port)} = (1, $tls) if $tls;
    $node->{id} = $node->command('CLUSTER', 'MYID');
    push @{$self->{nodes}}, $node;

    return $node;
}

sub nodes { return @{$_[0]{nodes} // []} }
sub running { return grep { $_->running } $_[0]->nodes }

# As jobruns_redis takes it; with a number, of the first ones only.

sub address {
    my ($self, $count) = @_;

    my @nodes = $self->nodes;
    return join ' ', 'cluster',
        map { $_->address } @nodes[0 .. ($count // @nodes) - 1];
}

sub meet {
    my ($self, $node) = @_;
    ($self->nodes)[0]->command('CLUSTER', 'MEET', '127.0.0.1', $node->{port},
        $node->{bus});
}

sub knows_all {
    my ($self, $node) = @_;

    my $info = $node->command('CLUSTER', 'INFO');
    return $info =~ /cluster_state:ok/
        && $info =~ /cluster_known_nodes:(\d+)/ && $1 == $self->nodes;
}

sub follow {
    my ($self, $node, $master) = @_;
    wait_for { eval { $node->command('CLUSTER', 'REPLICATE', $master->{id}) } }
        'a node to become a replica';
}

# Until all running nodes say that all is well, and replicas are in step.

sub wait_well {
    my ($self) = @_;

    for my $node ($self->running) {
        wait_for { $node->command('CLUSTER', 'INFO') =~ /cluster_state:ok/ }
            'the cluster to be well';
        wait_for {
            my $info = $node->command('INFO', 'replication');
            $info =~ /role:master/ || $info =~ /master_link_status:up/
        } 'a replica to be in step';
    }
}

# Until a replica has all that this master has written.

sub wait_in_step {
    my ($self, $master) = @_;
    wait_for {
        my $info = $master->command('INFO', 'replication');
        my ($offset) = $info =~ /master_repl_offset:(\d+)/;
        $info =~ /^slave0:.*offset=$offset,/m;
    } 'a replica to have it all';
}

###############################################################################

sub slot {
    my ($self, $key) = @_;
    return ($self->running)[0]->command('CLUSTER', 'KEYSLOT', $key);
}

# Who serves a slot, as a running node sees it; undef: nobody it knows of.
# Not by CLUSTER SLOTS: tests count how often that is called.

sub master {
    my ($self, $slot) = @_;

    for (split /\n/, ($self->running)[0]->command('CLUSTER', 'NODES')) {
        my ($id, $flags, @ranges) = (split ' ')[0, 2, 8 .. (() = / /g)];
        next if $flags !~ /master/ || $flags =~ /fail/;
        next unless grep {
            /^(\d+)(?:-(\d+))?$/ && $1 <= $slot && $slot <= ($2 // $1)
        } @ranges;
        my ($node) = grep { $_->{id} eq $id } $self->nodes;
        return $node;
    }

    return;
}

# A running master that is not this one.

sub other {
    my ($self, $node) = @_;

    my ($other) = grep {
        $_ != $node && $_->command('INFO', 'replication') =~ /role:master/
    } $self->running;

    return $other;
}

# Beginning of a migration: both nodes answer, one with ASK, the other after
# ASKING.

sub open_slot {
    my ($self, $slot, $from, $to) = @_;

    $to->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from->{id});
    $from->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to->{id});
}

# Moves so many keys of the slot at most (all); returns how many.

sub move_keys {
    my ($self, $slot, $from, $to, $count) = @_;

    my @keys = @{$from->command('CLUSTER', 'GETKEYSINSLOT', $slot,
        $count // 1_000_000)};
    $from->command('MIGRATE', '127.0.0.1', $to->{port}, '', 0, 5000, 'KEYS',
        @keys) if @keys;

    return scalar @keys;
}

# The end: the old owner has to be the last to hear of it, or the slot might
# be without an owner.

sub close_slot {
    my ($self, $slot, $from, $to) = @_;

    $_->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to->{id})
        for $to, $from;
}

sub migrate {
    my ($self, $slot, $from, $to) = @_;

    $self->open_slot($slot, $from, $to);
    1 while $self->move_keys($slot, $from, $to);
    $self->close_slot($slot, $from, $to);
}

# How often a command was called, on these nodes or all that run.

sub calls {
    my ($self, $command, @nodes) = @_;
    return $self->sum('commandstats', "cmdstat_$command:calls=", @nodes);
}

# How often they answered so: errors('MOVED').

sub errors {
    my ($self, $error, @nodes) = @_;
    return $self->sum('errorstats', "errorstat_$error:count=", @nodes);
}

sub sum {
    my ($self, $section, $before, @nodes) = @_;
    my $sum = 0;

    for my $node (@nodes ? @nodes : $self->running) {
        $sum += $1
            if $node->command('INFO', $section) =~ /^\Q$before\E(\d+)/m;
    }

    return $sum;
}

# Our connections to a node.

sub clients {
    my ($self, $node) = @_;
    return () = $node->command('CLIENT', 'LIST') =~ / name=nginx-/g;
}

1;
