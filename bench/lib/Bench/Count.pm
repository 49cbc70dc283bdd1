# SPDX-License-Identifier: BSD-2-Clause

package Bench::Count;

# What a request costs, counted in ways that do not depend on how fast the
# machine is: instructions of the gateway's worker and of the whole of Redis
# in user space (callgrind), allocations, calls of Redis, bytes of the
# append-only file.
#
# Sixteen connections ask at the same moment: the worker is stopped while the
# requests are written, so that they are one turn of its event loop.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IO::Socket::INET ();

use Bench::Load ();
use Bench::Peer ();
use JobRuns::Redis ();
use JobRuns::Signer ();
use JobRuns::Wait qw(wait_for);

our @EXPORT_OK = qw(start_redis start_gateway count stored_record);

my $connections = 16;
my $rounds = 13;
my @callgrind = ('valgrind', '--tool=callgrind', '--dump-instr=no');
my $body = Bench::Peer::read_file(
    abs_path(dirname(__FILE__) . '/../../load/body.json'));

my %allocator = map { $_ => 1 } qw(malloc calloc realloc posix_memalign);

# spread has a tenant for each connection, with overrides of its limits, where
# the others have one tenant without
# signed and unknown are verified, by a key that the gateway has or has not
my %status = (create => 201, spread => 201, replay => 201, limited => 429,
    invalid => 400, get => 200, signed => 201, unknown => 401);
my %port = (limited => 'limited', signed => 'signed', unknown => 'signed');

my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.amaaaaaa'
    . 'bench/workspaces/a1c2f8d0-1c7e-4b58-9d3c-0f6f1f1f9a11/jobRuns';


# A Redis whose every instruction is counted.  Its clock event, ten times a
# second by default, is once a second: a slow machine would count more of it.

sub start_redis {
    my ($dir) = @_;
    my $binary = $ENV{TEST_REDIS_BINARY} || 'redis-server';
    my $wrapper = "$dir/redis-under-callgrind";

    Bench::Peer::write_file($wrapper, "#!/bin/sh\nexec @callgrind"
        . " --callgrind-out-file=$dir/redis.out.%p $binary \"\$@\"\n");
    chmod 0755, $wrapper;
    local $ENV{TEST_REDIS_BINARY} = $wrapper;

    return JobRuns::Redis->new(folder => $dir, name => 'redis',
        args => [qw(--hz 1 --dynamic-hz no --activerehashing no
                    --auto-aof-rewrite-percentage 0)])->start;
}

# A peer with one process, which counts while it is told to.

sub start_gateway {
    my (%opt) = @_;

    if ($opt{module}) {
        my %signer = map { $_ => JobRuns::Signer->new($opt{dir}, $_) }
            qw(signed unknown);

        $opt{signers} = \%signer;
        $opt{keys} = JobRuns::Signer::key_file("$opt{dir}/keys.json",
            $signer{signed}->entry);
    }

    return Bench::Peer->new(%opt, single => 1, wrap => [@callgrind,
        '--instr-atstart=no',
        "--callgrind-out-file=$opt{dir}/$opt{name}.out.%p"])->start;
}


# count($peer, $redis, $kind), kind as in %status.  Per request: instructions,
# without sha, those of SHA-256, which takes many where the processor's own for
# it are hidden, and without rsa, those of a verification in libcrypto;
# allocations; calls; redis, its instructions, and scripts, those of them in
# EVALSHA; aof, bytes.

sub count {
    my ($peer, $redis, $kind) = @_;
    my $port = $peer->{$port{$kind} // 'port'};
    my $pid = $peer->{process}->pid;
    my @clients = map {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
            or die "cannot connect: $!\n";
    } 1 .. $connections;

    # what happens once only: scripts are loaded, pools are made; and of the
    # limited requests the first is admitted
    override($redis) if $kind eq 'spread';
    ask($peer, \@clients, $kind, "warm-$_") for 1 .. 4;

    my $before = Bench::Load::redis_stats($redis);
    control($redis->pid, '-z');
    control($pid, '-i on');
    ask($peer, \@clients, $kind, "run-$_") for 1 .. $rounds;
    control($pid, '-i off');
    my $own = profile($peer, $pid, $peer->{name}, $kind);
    my $stored = profile($peer, $redis->pid, 'redis', $kind);
    my $after = Bench::Load::redis_stats($redis);
    my $n = $connections * $rounds;

    my $calls = ($after->{calls} - $before->{calls}) / $n;

    # what a Redis that nobody asks does is its clock event alone
    return {
        instructions => int(($own->{total} - $own->{sha} - $own->{rsa}) / $n),
        sha          => int($own->{sha} / $n),
        $kind ne 'signed' ? () : (rsa => int($own->{rsa} / $n)),
        allocations  => sprintf('%.1f', $own->{allocations} / $n) + 0,
        calls        => $calls,
        $calls == 0 ? () : (
            redis   => int($stored->{total} / $n),
            scripts => int($stored->{scripts} / $n),
        ),
        $status{$kind} != 201 || $kind eq 'replay' ? () : (
            aof => int(($after->{aof} - $before->{aof}) / $n),
        ),
    };
}

# Overrides such as an operator sets, of every limit that the gateway has.

sub override {
    my ($redis) = @_;

    $redis->command('HSET', "jobruns:{ocid1.tenancy.oc1..bench$_}:limits",
        'per_tenant.rate', '700000', 'per_tenant.burst', '700000',
        'per_workspace.rate', '700000', 'per_day.limit', '100000000',
        'at_once.limit', '90000') for 1 .. $connections;
}

sub ask {
    my ($peer, $clients, $kind, $id) = @_;

    $peer->{process}->signal('STOP');

    for my $n (1 .. @$clients) {
        print {$clients->[$n - 1]} request($kind, $id, $n,
            $peer->{signers}{$kind});
    }

    $peer->{process}->signal('CONT');
    answer($_, $kind, $id) for @$clients;
}

# The headers of an SDK, as bench/load/jobruns.lua has them.

sub request {
    my ($kind, $id, $n, $signer) = @_;
    my $tenant = $kind eq 'spread' ? $n : 0;
    my $token = $kind eq 'replay' ? "kept-$n" : "$kind-$id-$n";
    my $get = $kind eq 'get';
    my $text = $kind ne 'invalid' ? $body
        : $body =~ s/0 30 4/0 30 24/r =~ s/"isEnabled":true//r;

    return signed($signer, $text, "opc-retry-token: $token") if $signer;

    return join "\r\n", ($get ? "GET $path/0b7b3c86 HTTP/1.1"
                              : "POST $path HTTP/1.1"),
        'Host: aidp.us-ashburn-1.oci.example.com',
        'Content-Type: application/json',
        'Date: Wed, 25 Nov 2026 12:00:00 GMT',
        'User-Agent: Oracle-GoSDK/65.117.0 (linux/amd64; go/go1.24)',
        'Authorization: Signature version="1",headers="date '
        . '(request-target) host content-length content-type '
        . "x-content-sha256\",keyId=\"ocid1.tenancy.oc1..bench$tenant"
        . '/ocid1.user.oc1..aaaaaaaabench/20:3b:97:13:55:1c:5b:0d:d3:37:d8:'
        . '50:4e:c5:3a:34",algorithm="rsa-sha256",signature="'
        . 'c2lnbmF0dXJl' x 28 . '=="',
        $get ? ('', '') : ("opc-retry-token: $token",
            'Content-Length: ' . length $text, '', $text);
}

# By one signature for all: it does not cover the token.

sub signed {
    my ($signer, $text, @more) = @_;
    my $request = $signer->{kept} //= $signer->sign({
        method => 'POST', path => $path, body => $text, headers => [
            ['Host', 'aidp.us-ashburn-1.oci.example.com'],
            ['Content-Type', 'application/json'],
            ['User-Agent', 'Oracle-GoSDK/65.117.0 (linux/amd64; go/go1.24)'],
            ['Content-Length', length $text],
        ] });

    return join "\r\n", "POST $path HTTP/1.1", @more,
        (map { "$_->[0]: $_->[1]" } @{$request->{headers}}), '', $text;
}

sub answer {
    my ($client, $kind, $id) = @_;
    my $head = '';

    $head .= readline($client) // die "$kind: the connection ended\n"
        until $head =~ /\r\n\r\n\z/;

    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my $text = '';

    if (my ($length) = $head =~ /^content-length: (\d+)/mi) {
        read $client, $text, $length;

    } else {
        # in chunks: length, line end, bytes, line end; the last is empty
        my $size;

        do {
            ($size) = (readline($client) // '') =~ /^([0-9a-f]+)\r$/i
                or die "$kind: a chunk without its length\n";
            read $client, (my $chunk), hex($size) + 2;
            $text .= $chunk;
        } while (hex($size) > 0);
    }

    die "$kind: $status $text\n" if $status != $status{$kind}
        && !($id eq 'warm-1' && $status == 201);
}


sub control {
    my ($pid, $what) = @_;

    system("callgrind_control $what $pid > /dev/null 2>&1") == 0
        or die "callgrind_control failed\n";
}

# The counts of a process since the last ones, from the profile that callgrind
# writes; KEEP=folder keeps it for callgrind_annotate.

sub profile {
    my ($peer, $pid, $name, $kind) = @_;
    my %old = map { $_ => 1 } glob "$peer->{dir}/$name.out.*";

    control($pid, '-d');

    my ($file, $text);
    wait_for {
        ($file) = grep { !$old{$_} } glob "$peer->{dir}/$name.out.*";
        $file && ($text = Bench::Peer::read_file($file)) =~ /^totals: \d/m;
    } 'callgrind to write its counts';

    copy($file, "$ENV{KEEP}/$name.$kind") if $ENV{KEEP};
    control($pid, '-z');

    return counts($text);
}

# A function's own costs are lines behind "fn="; behind "cfn=" and "calls="
# stands what a call cost with all below it.  SHA-256 is a function without a
# name, which Update and Final call.

sub counts {
    my ($text) = @_;
    my %sum = (total => 0, sha => 0, rsa => 0, scripts => 0, allocations => 0);
    my ($caller, $called, $calls, %name) = ('', '', 0);

    for (split /\n/, $text) {
        if (/^(c?)fn=\((\d+)\)(?: (\S+))?/) {
            $name{$2} = $3 if defined $3;
            ($1 ? $called : $caller) = $name{$2};

        } elsif (/^calls=(\d+)/) {
            $calls = $1;
            $sum{allocations} += $calls if $allocator{$called};

        } elsif ($calls && /^\S+ (\d+)/) {
            my $cost = $1;

            $sum{rsa} += $cost if $called eq 'EVP_PKEY_verify';
            $sum{scripts} += $cost if $called eq 'evalShaCommand';
            $sum{sha} += $cost if $called =~ /^0x|^sha256_block/
                && $caller =~ /^SHA256_(?:Update|Final)$/;
            $calls = 0;

        } elsif (/^totals: (\d+)/) {
            $sum{total} = $1;
        }
    }

    return \%sum;
}


# What Redis holds of one creation, the gateway's or a peer's: bytes of the
# value, and of memory.

sub stored_record {
    my ($redis) = @_;
    my ($key) = grep { /(?:\}|:token):[0-9a-f]{64}$/ }
        @{$redis->command('KEYS', '*')}
        or die "a creation has left no record\n";

    # that of a peer is a hash
    my @values = $redis->command('TYPE', $key) eq 'hash'
        ? @{$redis->command('HVALS', $key)} : $redis->command('GET', $key);

    return {
        bytes  => length join('', @values),
        memory => $redis->command('MEMORY', 'USAGE', $key,
            'SAMPLES', '0'),
    };
}

1;
