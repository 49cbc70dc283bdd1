# SPDX-License-Identifier: BSD-2-Clause

package Bench::Load;

# wrk, and what one run of it cost whom.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();

my $folder = abs_path(dirname(__FILE__) . '/../../load');
my $run = 0;

# How each kind of traffic is made, and whether its answers are 2xx.

my %kinds = (
    create  => { load => 'create' },
    replay  => { load => 'replay', fill => 1 },
    limited => { load => 'create', port => 'limited', refused => 1 },
    invalid => { load => 'invalid', refused => 1 },
    get     => { load => 'get' },
);

# load($peer, kind =>, connections =>, seconds =>, tenants =>,
#      redis => JobRuns::Redis)
#
# Returns a hash: rate, p50, p99, p999 (us), cpu (us per request), memory, and
# of Redis calls (EVALSHA per request), reads and bytes of its append-only file
# (per request) and redis_cpu.

sub load {
    my ($peer, %opt) = @_;
    my $kind = $kinds{$opt{kind}} // die "no traffic \"$opt{kind}\"\n";
    my $port = $peer->{$kind->{port} // 'port'};

    wrk($port, %opt, load => 'fill', seconds => 1) if $kind->{fill};

    # the limited one admits one request first
    wrk($port, %opt, load => $kind->{load}, seconds => 0.5)
        if $kind->{refused};

    my $redis = redis_stats($opt{redis});
    my $cpu = $peer->cpu;
    my $got = wrk($port, %opt, load => $kind->{load});

    $cpu = $peer->cpu - $cpu;

    my $n = $got->{requests} || die "$peer->{name}: no request was answered\n";
    my $told = "$peer->{name}, $opt{kind}, $opt{connections} connections";

    die "$told: $got->{failed} requests failed\n" if $got->{failed};
    die "$told: $got->{refused} of $n requests were refused\n"
        if ($kind->{refused} && !$opt{plain}) ? $got->{refused} != $n
                                              : $got->{refused};

    my %result = (
        rate   => $n / $got->{us} * 1e6,
        (map { $_ => $got->{$_} } qw(p50 p99 p999)),
        cpu    => $cpu / 1000 / $n,
        memory => $peer->memory,
    );

    if ($redis) {
        my $now = redis_stats($opt{redis});
        $result{$_} = ($now->{$_} - $redis->{$_}) / $n for keys %$redis;
    }

    return \%result;
}

sub wrk {
    my ($port, %opt) = @_;
    my $threads = $opt{connections} > 1 ? 2 : 1;
    my $seconds = $opt{seconds} < 1 ? 1 : $opt{seconds};

    my @argv = ('wrk', '-t', $threads, '-c', $opt{connections},
        '-d', "${seconds}s", '--timeout', '10s', '-s', "$folder/jobruns.lua",
        "http://127.0.0.1:$port", '--', $opt{load}, $$ . '-' . ++$run,
        $opt{tenants} // 1, "$folder/body.json");

    open my $out, '-|', @argv or die "wrk: $!\n";
    my $text = join '', <$out>;
    close $out or die "@argv: $text\n";

    my ($json) = $text =~ /^(\{.*\})$/m or die "@argv: $text\n";

    return JSON::PP::decode_json($json);
}

sub redis_stats {
    my ($redis) = @_;

    return undef unless $redis;
    my $info = $redis->command('INFO', 'all');
    my %value = $info =~ /^([a-z_]+):([0-9.]+)\r?$/mg;
    my $calls = 0;

    $calls += $_ for $info =~ /^cmdstat_(?:evalsha|eval):calls=(\d+)/mg;

    return {
        calls     => $calls,
        reads     => $value{total_reads_processed},
        aof       => $value{aof_current_size},
        redis_cpu => ($value{used_cpu_sys_main_thread}
                      + $value{used_cpu_user_main_thread}) * 1e6,
    };
}

1;
