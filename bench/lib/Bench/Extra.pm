# SPDX-License-Identifier: BSD-2-Clause

package Bench::Extra;

# What the matrix does not show: counts of one request, system calls, tenants
# few and many, latency on an idle system next to Redis' own and with Redis far
# away, many tokens, and memory of held answers.

use strict;
use warnings;

use IO::Socket::INET ();
use JSON::PP ();

use Bench::Count qw(start_redis start_gateway count stored_record);
use Bench::Far ();
use Bench::Load ();
use Bench::Peer ();
use JobRuns::Process ();
use JobRuns::Wait qw(wait_for);

# run(\%results, \%only, peer => { NAME => Bench::Peer }, service =>, redis =>,
#     common =>, rounds =>, seconds =>, write => what keeps the results so far)

sub run {
    my ($results, $only, %opt) = @_;
    my %sections = (counts => \&counts, syscalls => \&syscalls,
        tenants => \&tenants, idle => \&idle, far => \&Bench::Far::far,
        scale => \&scale, held => \&held);

    return unless $opt{peer}{gateway};

    for my $name (grep { $only->{$_} }
        qw(counts syscalls tenants idle far scale held))
    {
        $opt{redis}->command('FLUSHALL', 'ASYNC');
        $results->{$name} = $sections{$name}->(%opt);
        $opt{write}->();
        print "$name: ", JSON::PP->new->canonical->encode($results->{$name}),
            "\n";
    }
}


# What does not depend on the machine, of each peer that is NGINX.

sub counts {
    my (%opt) = @_;
    my %counts;

    for my $name (grep { $opt{peer}{$_} } qw(plain gateway openresty equal)) {
        my $dir = "$opt{common}{dir}/counts-$name";
        mkdir $dir or die "$dir: $!\n";

        my $redis = start_redis($dir);
        my $peer = start_gateway(%{$opt{common}}, name => $name, dir => $dir,
            redis => $redis->path,
            module => $name eq 'gateway' ? $opt{common}{module} : undef);

        $counts{$name}{get} = count($peer, $redis, 'get');

        if ($name ne 'plain') {
            $counts{$name}{$_} = count($peer, $redis, $_)
                for qw(create spread replay limited invalid);
            $counts{$name}{record} = stored_record($redis);
        }

        $peer->stop;
        $redis->stop;
    }

    return \%counts;
}


# System calls of the workers, by name and for each creation.  NGINX writes to
# clients and services by writev(), and the gateway to Redis by send(), so the
# calls of sendto are its writes to Redis.

sub syscalls {
    my (%opt) = @_;

    return { map { $_ => trace($opt{peer}{$_}, $_, %opt) }
        grep { $opt{peer}{$_} } qw(plain gateway openresty equal) };
}

sub trace {
    my ($peer, $name, %opt) = @_;
    my @pids = $peer->pids;
    my $file = "$opt{common}{dir}/strace.$name";
    my $strace = JobRuns::Process->start(name => 'strace',
        output => "$file.log",
        argv => ['strace', '-f', '-qq', '-c', '-o', $file,
                 map { ('-p', $_) } @pids]);

    wait_for { traced($pids[-1]) } 'strace to attach';

    my $got = Bench::Load::wrk($peer->{port}, load => 'create',
        connections => 256, seconds => $opt{seconds});

    $strace->stop('INT');

    # % time, seconds, usecs/call, calls, and errors where there were any
    my %calls = reverse Bench::Peer::read_file($file)
        =~ /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$/mg;

    delete $calls{total};

    return { map { $_ => $calls{$_} / $got->{requests} } keys %calls };
}


# Creations of one, of some and of many tenants at once.

sub tenants {
    my (%opt) = @_;
    my %cells;

    for my $round (1 .. $opt{rounds}) {
        for my $tenants (1, 16, 1000) {
            for my $name (grep { $opt{peer}{$_} }
                qw(gateway openresty equal))
            {
                my $got = Bench::Load::load($opt{peer}{$name},
                    kind => 'create', connections => 256,
                    redis => $opt{redis}, seconds => $opt{seconds},
                    tenants => $tenants);

                push @{$cells{"$tenants $name"}{$_}}, $got->{$_}
                    for qw(rate p50 cpu redis_cpu aof);
            }
        }

        $opt{redis}->command('FLUSHALL', 'ASYNC');
    }

    return \%cells;
}

sub traced {
    my ($pid) = @_;

    return Bench::Peer::read_file("/proc/$pid/status")
        =~ /^TracerPid:\s+[1-9]/m;
}


# One client, one request at a time, in turns with a proxy: what a creation
# takes longer, and what of it is the two round trips to Redis.

sub idle {
    my (%opt) = @_;
    my ($plain, $gateway) = @{$opt{peer}}{qw(plain gateway)};
    my %load = (load => 'create', connections => 1,
        seconds => $opt{seconds});
    my %rounds;

    for my $round (1 .. $opt{rounds}) {
        push @{$rounds{plain}}, Bench::Load::wrk($plain->{port},
            %load)->{mean};

        my @before = roundtrips($gateway->{port});
        push @{$rounds{gateway}}, Bench::Load::wrk($gateway->{port},
            %load)->{mean};
        my @after = roundtrips($gateway->{port});

        push @{$rounds{call}}, 1e6 * ($after[0] - $before[0])
            / ($after[1] - $before[1]);
    }

    return \%rounds;
}

# Seconds and number of the gateway's round trips to Redis.

sub roundtrips {
    my ($port) = @_;
    my $text = get($port);

    return map { $text =~ /^jobruns_redis_roundtrip_seconds_$_\S* (\S+)$/m }
        qw(sum count);
}

sub get {
    my ($port) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or return '';

    print {$client} "GET /_status HTTP/1.0\r\n\r\n";

    return join '', <$client>;
}


# CPU of a creation with few and with a million live tokens, for one tenant
# and for a hundred thousand.

sub scale {
    my (%opt) = @_;
    my %rounds;

    my $measure = sub {
        my ($name, $tenants) = @_;
        my $got = Bench::Load::load($opt{peer}{gateway}, kind => 'create',
            connections => 32, redis => $opt{redis},
            seconds => $opt{seconds}, tenants => $tenants);

        push @{$rounds{$name}{$_}}, $got->{$_} for qw(cpu redis_cpu);
    };

    for my $round (1 .. $opt{rounds}) {
        $measure->('few', 1);
        $measure->('tenants', 100000);
    }

    # beyond 2^20, at which Redis doubles its table: not while it is measured
    fill_tokens($opt{redis}, 1100000);

    $measure->('tokens', 1) for 1 .. $opt{rounds};

    return \%rounds;
}

# Records as a creation leaves them, copied under other names.

sub fill_tokens {
    my ($redis, $number) = @_;
    my ($key) = @{$redis->command('KEYS', '*:token:*')}
        or die "a creation has left no record\n";
    my $record = $redis->command('DUMP', $key);
    my ($prefix) = $key =~ /^(.*:token:)/;

    open my $pipe, '|-', 'redis-cli', '-s', $redis->path, '--pipe'
        or die "redis-cli: $!\n";

    for my $n (1 .. $number) {
        my @args = ('RESTORE', sprintf('%s%064x', $prefix, $n), 86400000,
            $record);

        print {$pipe} '*' . @args . "\r\n",
            map { '$' . length($_) . "\r\n$_\r\n" } @args;
    }

    # each look into a table that is being doubled moves one place of it
    print {$pipe} "*2\r\n\$6\r\nEXISTS\r\n\$1\r\nx\r\n" for 1 .. 2 * $number;

    close $pipe or die "redis-cli --pipe failed\n";
}


# A thousand answers of 1 KB held at a time: the service answers when all have
# been admitted, and Redis is stopped by then, so that each waits to be kept.

sub held {
    my (%opt) = @_;
    my $number = 1000;
    my ($gateway, $redis, $service) = ($opt{peer}{gateway},
        @opt{qw(redis service)});

    Bench::Load::wrk($gateway->{port}, load => 'create',
        connections => $number, seconds => 2);

    my $before = $gateway->memory_sum;
    my $keys = $redis->command('DBSIZE');

    $service->{process}->signal('STOP');
    my @clients = map { post($gateway->{port}, "held-$$-$_") } 1 .. $number;
    wait_for { $redis->command('DBSIZE') >= $keys + $number }
        'all to be admitted';
    my $forwarded = $gateway->memory_sum;

    $redis->pause;
    $service->{process}->signal('CONT');
    wait_for { at_rest($service->{service}) } 'the service to answer all';
    my $held = $gateway->memory_sum;
    $redis->resume;

    my $kept = grep { (readline($_) // '') =~ m{^HTTP/1\.1 201} } @clients;
    die "$kept of $number held answers came\n" if $kept != $number;

    return {
        number    => $number,
        before    => $before,
        forwarded => $forwarded,
        held      => $held,
    };
}

sub post {
    my ($port, $token) = @_;
    my $body = '{"jobKey":"54368733-3a17-47a1-b231-869d8ae2a048"}';
    my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "cannot connect: $!\n";

    print {$client} join "\r\n",
        'POST /20260430/aiDataPlatforms/ocid1.aidataplatform.oc1..bench'
            . '/workspaces/held/jobRuns HTTP/1.1',
        'Host: bench', 'Content-Type: application/json',
        "opc-retry-token: $token", 'Content-Length: ' . length $body,
        '', $body;

    return $client;
}

# NGINX's stub_status: one request is being answered, and that is ours.

sub at_rest {
    my ($port) = @_;

    return get($port) =~ /Writing: 1 /;
}

1;
