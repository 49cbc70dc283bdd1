# SPDX-License-Identifier: BSD-2-Clause

package Bench::Extra;

# What the matrix does not show: writes to Redis, latency on an idle system
# next to Redis' own, many tokens and tenants, and memory of held answers.

use strict;
use warnings;

use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();

use Bench::Load ();
use Bench::Peer ();
use JobRuns::Wait qw(wait_for);

# run(\%results, \%only, gateway =>, plain =>, redis =>, common =>, rounds =>,
#     seconds =>, calls => the program `calls`)

sub run {
    my ($results, $only, %opt) = @_;
    my %sections = (writes => \&writes, idle => \&idle, scale => \&scale,
        held => \&held);

    return unless $opt{gateway};

    for my $name (grep { $only->{$_} } qw(writes idle scale held)) {
        $opt{redis}->command('FLUSHALL');
        $results->{$name} = $sections{$name}->(%opt);
        print "$name: ", JSON::PP->new->canonical->encode($results->{$name}),
            "\n";
    }
}


# Only Redis is written to by send(): NGINX writes to clients and services by
# writev(), and to the audit file by write().

sub writes {
    my (%opt) = @_;
    my @pids = $opt{gateway}->pids;
    my $file = "$opt{common}{dir}/strace.out";
    my $strace = JobRuns::Process->start(name => 'strace',
        output => "$opt{common}{dir}/strace.log",
        argv => ['strace', '-f', '-qq', '-c', '-e', 'trace=sendto', '-o',
            $file, map { ('-p', $_) } @pids]);

    wait_for { traced($pids[-1]) } 'strace to attach';

    my %redis = %{Bench::Load::redis_stats($opt{redis})};
    my $got = Bench::Load::wrk($opt{gateway}{port}, load => 'create',
        connections => 256, seconds => $opt{seconds});
    my $calls = Bench::Load::redis_stats($opt{redis})->{calls}
        - $redis{calls};

    $strace->stop('INT');

    # % time, seconds, usecs/call, calls, and errors where there were any
    my ($count) = Bench::Peer::read_file($file)
        =~ /^\s*\S+\s+\S+\s+\S+\s+(\d+)(?:\s+\d+)?\s+sendto$/m;

    return {
        requests => $got->{requests},
        writes   => $count / $got->{requests},
        calls    => $calls / $got->{requests},
    };
}

sub traced {
    my ($pid) = @_;

    return Bench::Peer::read_file("/proc/$pid/status")
        =~ /^TracerPid:\s+[1-9]/m;
}


# One client, one request at a time, in turns with a proxy and with Redis.

sub idle {
    my (%opt) = @_;
    my $file = "$opt{common}{dir}/calls";

    capture($opt{redis}, $opt{gateway}{port}, $file);

    my %rounds;

    for my $round (1 .. $opt{rounds}) {
        for my $name (qw(plain gateway)) {
            push @{$rounds{$name}}, Bench::Load::wrk($opt{$name}{port},
                load => 'create', connections => 1,
                seconds => $opt{seconds})->{p50};
        }

        my $json = `$opt{calls} @{[$opt{redis}->path]} $file 5000`;
        my $calls = JSON::PP::decode_json($json);

        push @{$rounds{$_}}, $calls->{$_} for qw(admit settle);
    }

    return \%rounds;
}

# The two calls of one creation, as the gateway sends them.

sub capture {
    my ($redis, $port, $file) = @_;
    my $monitor = IO::Socket::UNIX->new(Peer => $redis->path)
        or die "cannot connect to Redis: $!\n";

    print {$monitor} "MONITOR\r\n";
    <$monitor>;

    Bench::Load::wrk($port, load => 'create', connections => 1, seconds => 1);

    my @calls;

    while (@calls < 2) {
        my $line = <$monitor> // die "MONITOR ended\n";
        my ($command) = $line =~ /^\+[0-9.]+ \[[^\]]*\] ("evalsha".*)\r$/i
            or next;
        my @args = map { unquote($_) } $command =~ /"((?:[^"\\]|\\.)*)"/g;

        # an admission has the tenant's overrides among its keys; then the
        # settlement of the same record
        push @calls, \@args
            if @calls ? $args[3] eq $calls[0][3] : $args[4] =~ /:limits$/;
    }

    Bench::Peer::write_file($file, join '', map { scalar(@$_) . "\n"
        . join '', map { length($_) . "\n$_\n" } @$_ } @calls);
}

sub unquote {
    my ($text) = @_;
    my %char = (n => "\n", r => "\r", t => "\t", a => "\a", b => "\b");

    $text =~ s/\\(?:x([0-9a-f]{2})|(.))/defined $1 ? chr hex $1
        : $char{$2} \/\/ $2/ge;

    return $text;
}


# CPU of a creation with few and with a million live tokens, for one tenant
# and for a hundred thousand.

sub scale {
    my (%opt) = @_;
    my %rounds;

    my $measure = sub {
        my ($name, $tenants) = @_;
        my $got = Bench::Load::load($opt{gateway}, kind => 'create',
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
    my %record = @{$redis->command('HGETALL', $key)};
    my ($prefix) = $key =~ /^(.*:token:)/;

    open my $pipe, '|-', 'redis-cli', '-s', $redis->path, '--pipe'
        or die "redis-cli: $!\n";

    for my $n (1 .. $number) {
        my @args = ('HSET', sprintf('%s%064x', $prefix, $n), %record);

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
    my ($gateway, $redis, $service) = @opt{qw(gateway redis service)};

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
    my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or return 0;

    print {$client} "GET /_status HTTP/1.0\r\n\r\n";

    return join('', <$client>) =~ /Writing: 1 /;
}

1;
