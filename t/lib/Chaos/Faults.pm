# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Faults;

# What may go wrong in `make chaos`, and the plan of a run: which fault comes
# when, to which gateway, for how long.  The plan follows from the seed alone,
# and one of fewer events is the beginning of one of more.
#
#   my @names = Chaos::Faults::chosen('worker-killed redis-full');
#   my @plan = Chaos::Faults::plan(seed => 8, seconds => 30, names => \@names);
#   Chaos::Faults::strike($world, $_) for @plan;
#
# An event is { at => SECONDS, name => FAULT, gateway => 0 or 1, random => [four
# numbers from 0 to 1] }.  The world has: gateways (with their {clock} and
# {disk}), redis (the one that is hit), lease, and what topologies need.

use strict;
use warnings;

use Time::HiRes qw(sleep);

use Chaos::Partition ();

# name => [weight, topology or undef for any, lines of error.log that it brings,
# deed]; those of weight 0 are set up for the whole run, without events

my %faults = (
    'worker-killed' => [4, undef, qr/exited on signal 9/, \&kill_worker],
    'worker-stalled' => [1, undef, undef, sub {
        stall_worker($_[1], 0.1 + 3 * $_[2][1], $_[2][0]);
    }],
    'worker-stalled-long' => [1, undef, undef, sub {
        stall_worker($_[1], $_[0]{lease} + 0.2 + 2 * $_[2][1], $_[2][0]);
    }],
    'reload' => [2, undef, undef, sub { kill HUP => $_[1]->pid }],
    'reload-refused' => [1, undef, qr/\[emerg\]/, \&refuse_reload],
    'gateway-clock' => [2, undef, undef, sub {
        $_[1]{clock}->wrong_by(int($_[2][0] * 2 * 86400) - 86400);
    }],
    'audit-lost' => [1, undef, qr/\[crit\].*audit/, \&lose_audit],
    'audit-full' => [1, undef, qr/\[crit\].*audit|No space left/, sub {
        $_[1]{disk}->fill;
        sleep 0.2 + 2 * $_[2][0];
        $_[1]{disk}->let;
    }],
    'keys-swapped' => [2, undef,
        qr/keys cannot be read|\[emerg\].*keys\.json/,
        sub { $_[0]{keys}->change($_[2]) }],

    'redis-stalled' => [2, 'single', undef, sub {
        $_[0]{redis}->pause;
        sleep 0.1 + 2.5 * $_[2][0];
        $_[0]{redis}->resume;
    }],
    'redis-stalled-long' => [1, 'single', undef, sub {
        $_[0]{redis}->pause;
        sleep $_[0]{lease} + 0.2 + $_[2][0];
        $_[0]{redis}->resume;
    }],
    'redis-killed' => [2, 'single', undef, sub {
        $_[0]{redis}->kill;
        sleep $_[2][0];
        start_redis($_[0]{redis});
    }],
    'redis-full' => [1, 'single', undef, sub {
        my $redis = $_[0]{redis};
        $redis->command(qw(CONFIG SET maxmemory 1mb));
        sleep 0.2 + 2.5 * $_[2][0];
        $redis->command(qw(CONFIG SET maxmemory 0));
    }],
    'redis-clock' => [1, 'single', undef, sub {
        # a lease and more, ahead or back
        $_[0]{redis}{clock}->wrong_by(int(40 * $_[2][0]) - 20);
    }],

    'replica-cut' => [3, 'replicas', undef, sub {
        $_[0]{replica}->pause;
        sleep 0.1 + 3 * $_[2][0];
        $_[0]{replica}->resume;
    }],
    'sentinel-failover' => [1, 'sentinel', undef, \&fail_over],
    'slot-migrated' => [3, 'cluster', undef, \&migrate_slot],

    'partition' => [3, 'network', undef, \&Chaos::Partition::strike],
    'network-failover' => [1, 'network', undef, \&fail_over],

    'replicas' => [0, 'network'],
    'relay' => [0, 'single'],
    'bursts' => [0, undef],
    'client' => [0, undef],
    'service' => [0, undef],
    'error-page' => [0, undef],
);

sub names { return sort keys %faults }

# The names in a text; without any, all that go with a single Redis.  Dies of
# what is no fault, or of two that need different topologies.

sub chosen {
    my ($text) = @_;
    my @names = split /[\s,]+/, $text // '';

    @names = grep { ($faults{$_}[1] // 'single') eq 'single' } names()
        unless @names;

    for my $name (@names) {
        die "\"$name\" is no fault; there are: @{[names()]}\n"
            unless $faults{$name};
    }

    topology(@names);

    return @names;
}

sub topology {
    my (@names) = @_;
    my %needed = map { $_ => 1 } grep { defined } map { $faults{$_}[1] }
        @names;

    die 'these faults need different topologies: ',
        join(', ', sort keys %needed), "\n" if keys %needed > 1;

    return (keys %needed)[0] // 'single';
}

sub plan {
    my (%opt) = @_;
    my @choice = map { ($_) x $faults{$_}[0] } sort @{$opt{names}};
    my ($at, @plan) = (0);

    return if !@choice;

    srand $opt{seed};

    while (($at += 0.2 + rand 1) < $opt{seconds}) {
        push @plan, { at => $at, name => $choice[rand @choice],
            gateway => int rand 2, random => [map { rand } 1 .. 4] };
    }

    splice @plan, $opt{events}
        if defined $opt{events} && @plan > $opt{events};

    return @plan;
}

sub strike {
    my ($world, $event) = @_;

    $faults{$event->{name}}[3]->($world,
        $world->{gateways}[$event->{gateway}], $event->{random});
}

# Lines of error.log that these faults may leave behind.

sub expected_lines {
    return grep { defined } map { $faults{$_}[2] } @_;
}

sub kill_worker {
    my ($world, $gateway, $random) = @_;
    my @workers = $gateway->workers;

    kill KILL => $workers[$random->[0] * @workers] if @workers;
}

sub stall_worker {
    my ($gateway, $seconds, $which) = @_;
    my @workers = $gateway->workers or return;
    my $worker = $workers[$which * @workers];

    kill STOP => $worker;
    sleep $seconds;
    kill CONT => $worker;
}

# The configuration becomes one that is refused, for three reasons; a worker
# that is killed then comes again from a master that has tried to read it.

sub refuse_reload {
    my ($world, $gateway, $random) = @_;
    my $file = $gateway->file('conf');
    my $good = JobRuns::Nginx::read_file($file);
    my ($other) = grep { $_ != $gateway } @{$world->{gateways}};
    my @bad = (
        $good . "\nnonsense;\n",
        $good =~ s/(\n[^\n]*\blisten )/"$1" . $other->address . ';' . $1/er,
        $good =~ s/(\n[^\n]*\blisten )/\n        proxy_cache_methods POST;$1/r,
    );

    write_file($file, $bad[$random->[1] * @bad]);
    kill HUP => $gateway->pid;
    sleep 0.3 + $random->[2];
    kill_worker($world, $gateway, $random);
    sleep 0.2;
    write_file($file, $good);
}

sub write_file {
    my ($file, $text) = @_;

    open my $out, '>', "$file.new" or die "$file.new: $!\n";
    print {$out} $text;
    close $out or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
}

# With a clock of its own, if it has one.

sub start_redis {
    my ($redis) = @_;
    my $clock = $redis->{clock} or return $redis->start;

    return $clock->run(sub { $redis->start });
}

# The file is moved away, and after a while there is a new one.

sub lose_audit {
    my ($world, $gateway, $random) = @_;
    my $file = $gateway->{audit_file};
    my $moved = $file =~ s/\.log$//r . '-moved' . ++$world->{moved} . '.log';

    rename $file, $moved or return;
    sleep 0.2 + 2 * $random->[0];
    kill USR1 => $gateway->pid;
}

sub fail_over {
    my ($world) = @_;

    push @{$world->{failovers}}, Time::HiRes::time;
    eval { ($world->{sentinel}->sentinels)[0]->command('SENTINEL', 'FAILOVER',
        $world->{sentinel}{name}) };
    sleep 1;
}

# A slot of one of the tenants goes to another node, in two halves.

sub migrate_slot {
    my ($world, $gateway, $random) = @_;
    my $cluster = $world->{cluster};
    my @keys = map { $_->keys('*') } masters($cluster);
    my ($tag) = ($keys[$random->[0] * @keys] // '') =~ /(\{.*?\})/ or return;
    my $slot = $cluster->slot($tag);
    my $from = $cluster->master($slot) or return;
    my $to = $cluster->other($from) or return;

    $cluster->open_slot($slot, $from, $to);
    $cluster->move_keys($slot, $from, $to, 3);
    sleep $random->[1];
    1 while $cluster->move_keys($slot, $from, $to);
    $cluster->close_slot($slot, $from, $to);
}

sub masters {
    my ($cluster) = @_;

    return grep { $_->command('INFO', 'replication') =~ /role:master/ }
        $cluster->running;
}

1;
