# SPDX-License-Identifier: BSD-2-Clause

package RedisProbe;

# Speaks to the test-only module of tests/ngx_redis_probe/, which shows the
# Redis client of ngx_module/redis/ over HTTP.
#
#   my $t = RedisProbe::harness();      # a JobRuns, or skips the file
#   $t->run(module => 0, config => probe_config(a => 'ADDRESS timeout=1s'));
#   my @r = steps('a', 'cmd GET k', 'cmd GET l');   # in one turn
#   $r[0]{status}, {sent}, {reply}, {ms}, {rc}, {n}
#
# What the client did is in debug.log of the test's folder, beside error.log.

use strict;
use warnings;

use Exporter qw(import);
use Test::More ();

use JobRuns ();
use JobRuns::Nginx ();
use JobRuns::Wait qw(wait_for default_timeout);
use RedisPeer ();

our @EXPORT = qw(probe_config start_steps results steps brief replies until_ok
    debug_mark debug_since wait_debug log_lines peer echo %peer %where $long);

my $t;

# Options of servers whose deadlines are not what is tried.

our $long = 'timeout=20s connect_timeout=20s';

# The scripted peers by name, and what probe_config() takes.

our %peer;
our %where;

sub harness {
    my $module = $ENV{TEST_REDIS_PROBE_MODULE} // '';

    Test::More::plan(skip_all => 'no TEST_REDIS_PROBE_MODULE: make probe')
        unless inside() || -f $module;

    return $t = JobRuns->new;
}

END { RedisPeer::stop_all() }

# Whether the probe is in the binary itself.

sub inside {
    return JobRuns::Nginx::build() =~ /add-module=\S*ngx_redis_probe/;
}

# Of a single server the client does without topology/, so it is loaded without
# it, where such a module has been built.

sub module_for {
    my (@servers) = @_;

    return $ENV{TEST_REDIS_PROBE_MODULE} if grep { /^cluster / } @servers;
    return $ENV{TEST_REDIS_CLIENT_MODULE} // $ENV{TEST_REDIS_PROBE_MODULE};
}

# NAME => 'ADDRESS PARAMETER...' for each location /NAME, one server each.

sub probe_config {
    my (%location) = @_;

    my $locations = join "\n", map {
        "location = /$_ { redis_probe $location{$_}; }"
    } sort keys %location;
    my $module = module_for(values %location);
    my $load = inside() ? '' : "load_module $module;";

    return <<"END";
$load
%%TEST_GLOBALS%%
error_log %%TESTDIR%%/debug.log debug;
worker_processes 1;
worker_shutdown_timeout 10s;
events { worker_connections 256; }
http {
    %%TEST_GLOBALS_HTTP%%
    client_body_buffer_size 2m;
    client_max_body_size 2m;
    redis_probe_script count
        'return {KEYS[1],ARGV[1],redis.call("INCR",KEYS[1])}';
    redis_probe_script other 'return "other" .. #KEYS .. #ARGV';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $locations
    }
}
END
}

# peer(NAME, OPTIONS, SCRIPT): a scripted peer at /NAME (RedisPeer.pm).

sub peer {
    my ($name, $options, $script, %opt) = @_;
    $peer{$name} = RedisPeer->start($t, $name, $script, %opt);
    $where{$name} = $peer{$name}->address . " $options";
}

# Echoes: the reply to a command is its last word.

sub echo {
    my ($c) = @_;
    while (my @words = $c->command) {
        $c->write('$' . length($words[-1]) . "\r\n$words[-1]\r\n");
    }
}

sub start_steps {
    my ($path, @steps) = @_;
    return $t->client->request({ method => 'POST', path => "/$path",
        headers => [['Host', 'localhost']], body => join("\n", @steps) });
}

# A list, in order of their end, of { n, rc, status, sent, ms, reply }.

sub results {
    my ($client) = @_;

    my $body = $client->response(3 * default_timeout())->body;
    my @all;

    for (split /\n/, $body) {
        push @all, { n => $1, rc => $2, status => $3, sent => $4, ms => $5,
            reply => $6 }
            if /^(\d+) (\w+) (\S+) sent=(\d) ms=(\d+) (.*)$/;
    }
    Test::More::diag("answer: $body") if $body !~ /^end$/m;

    return wantarray ? @all : $all[0];
}

sub steps { return results(start_steps(@_)) }

sub brief { return join '; ', map { "$_->{status},$_->{sent}" } @_ }
sub replies { return join ' ', map { $_->{reply} } @_ }

# Until an operation succeeds: the breaker closes at a time of its own.

sub until_ok {
    my ($path) = @_;
    return wait_for {
        my $r = steps($path, 'cmd PING');
        $r->{status} eq 'ok' && $r;
    } "/$path to work";
}

# What the client did since debug_mark().

sub debug_mark { return length $t->read_file('debug.log') }
sub debug_since { return substr $t->read_file('debug.log'), $_[0] }

sub wait_debug {
    my ($mark, $pattern, $count) = @_;
    wait_for { (() = debug_since($mark) =~ /$pattern/g) >= ($count // 1) }
        "$pattern in debug.log";
}

sub log_lines {
    my ($pattern) = @_;
    return grep { /$pattern/ } split /\n/, $t->nginx->error_log;
}

1;
