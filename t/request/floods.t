#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Clients try to exhaust the gateway: bodies are slow or never end, headers
# flood it, and thousands of connections are idle.  Memory stays bounded, the
# service gets none of it, and other requests are served meanwhile.

use strict;
use warnings;

# Connections take descriptors here too, so the limit is raised first.
BEGIN {
    if (!$ENV{JOBRUNS_FLOODS_RAISED} && !$^C) {
        $ENV{JOBRUNS_FLOODS_RAISED} = 1;
        exec 'sh', '-c', 'ulimit -n "$(ulimit -H -n)"; exec "$@"', 'sh', $^X,
            '-It/lib', $0, @ARGV;
    }
}

use lib 't/lib';
use JobRuns;

use IO::Socket::INET ();
use Socket qw(SOL_SOCKET SO_LINGER);

# AddressSanitizer keeps what is freed, and pads what is not.
my $padding = defined $ENV{ASAN_OPTIONS} ? 6 : 1;

my $limit = `sh -c 'ulimit -n'`;
my $idle = 10_000;
$idle = int($limit / 3) if $limit =~ /^\d+/ && $limit < 3 * $idle;

my $t = JobRuns->new;
my $text = $t->default_config(
    workers => 1,
    main => 'worker_rlimit_nofile ' . ($idle + 2000) . ';',
    http => 'client_body_timeout 3s; client_header_timeout 60s;',
    server => 'large_client_header_buffers 4 8k;',
);
$text =~ s/worker_connections 1024;/'worker_connections ' . ($idle + 1000)
    . ';'/e;
$t->run(config => $text);

my ($worker) = $t->nginx->workers;
my $path = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';
my $head = "POST $path HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Type: application/json\r\n";

is($t->create_run->status, 201, 'a request before all floods is created');
my $rss = rss();

# ------------------------------------------------------------ endless bodies

{
    my $client = $t->client;
    my $sent = 0;
    my $answer;

    $client->send($head . "Transfer-Encoding: chunked\r\n\r\n");

    # far more than the limit of conf/jobruns_proxy.conf, 16m, unless the
    # gateway stops listening
    while ($sent < 64 * 1024 * 1024 && !$answer && !$client->{send_error}) {
        $client->send("20000\r\n" . ('x' x 131072) . "\r\n");
        $sent += 131072;
        $answer = $client->try_response(0.005);
    }

    $answer //= $client->response;
    is($answer->status, 413, 'a body that never ends is refused');
    is($answer->code, 'PayloadTooLarge',
        'a body that never ends has the code PayloadTooLarge');
    cmp_ok($sent, '<', 32 * 1024 * 1024,
        'a body that never ends is refused soon after its limit');
    cmp_ok(rss() - $rss, '<', 4 * 1024 * 1024 * $padding,
        'a body that never ends is not in memory');
    $client->close;

    $client = $t->client;
    $client->send($head . "Content-Length: 1073741824\r\n"
        . "Expect: 100-continue\r\n\r\n");
    is($client->response->status, 413,
        'a body that is announced as too large is refused');
    $client->close;
}

# ---------------------------------------------------------------- slow bodies

{
    my @slow = map { $t->client } 1 .. 200;
    $_->send($head . "Content-Length: 200000\r\n\r\n", '{"jobKey":"')
        for @slow;

    is($t->create_run->status, 201,
        'other requests are served beside slow bodies');

    # each keeps one buffer of client_body_buffer_size, not 200,000 bytes
    cmp_ok(rss() - $rss, '<', 200 * 32 * 1024 * $padding,
        'slow bodies take only what has come');

    # NGINX sends no response to a client that is that late
    # (ngx_http_finalize_request())
    wait_for { !grep { !$_->ended } @slow } 'they are given up in time';
    $_->close for @slow;
}

# --------------------------------------------------------------------- headers

{
    my @flood = map { $t->client } 1 .. 200;
    $_->send($head, map { "X-$_: " . ('a' x 7000) . "\r\n" } 1 .. 4)
        for @flood;

    is($t->create_run->status, 201,
        'other requests are served beside long headers');
    cmp_ok(rss() - $rss, '<', 200 * 64 * 1024 * $padding,
        'headers take no more than large_client_header_buffers');

    $_->send("X-5: " . ('a' x 7000) . "\r\n") for @flood;

    my %code;
    for my $client (@flood) {
        my $answer = $client->response;
        $code{$answer->status . ' ' . ($answer->code // 'no code')}++;
        $client->close;
    }
    is_deeply(\%code, { '400 CannotParseRequest' => 200 },
        'requests with one header more are refused');
}

{
    my $answer = $t->create_run(
        extra => [map { ["X-$_", 'y'] } 1 .. 500]);
    is($answer->status, 201, 'many short headers pass');
}

# ----------------------------------------------------------- idle connections

{
    my $before = rss();
    my @idle;

    while (@idle < $idle) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => $t->nginx->address, Proto => 'tcp') or last;
        push @idle, $socket;
    }

    is(scalar @idle, $idle, "$idle connections are open");
    wait_for { descriptors() > $idle } 'the worker has accepted them';

    is($t->create_run->status, 201,
        'other requests are served beside idle connections');
    my $token = random_id();
    my $first = $t->create_run(token => $token);
    my $again = $t->create_run(token => $token);
    is($again->body, $first->body, 'a retry is served beside idle connections');

    # a pool of 512 bytes each, and what the kernel's lists of events take
    cmp_ok(rss() - $before, '<', $idle * 2048 * $padding,
        'an idle connection takes less than 2 KB');

    # no TIME_WAIT for ten thousand ports
    setsockopt $_, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) for @idle;
    close $_ for @idle;

    wait_for { descriptors() < 100 } 'the worker has let go of them';
}

is($t->service->counts->{requests}, $t->service->counts->{creations},
    'the service was asked for creations only');

done_testing;


sub rss {
    my ($kb) = slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+) kB/m;
    return $kb * 1024;
}

sub descriptors {
    my @all = glob "/proc/$worker/fd/*";
    return scalar @all;
}

sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!\n";
    local $/;
    return <$fh>;
}
