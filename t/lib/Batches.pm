# SPDX-License-Identifier: BSD-2-Clause

package Batches;

# What leaves for Redis together: has NGINX find requests, or responses, in one
# turn of its event loop, and reads the calls of scripts that Redis was sent.
#
#   my @clients = in_one_turn($t, { token => 'a' }, { token => 'b' });
#   $redis->monitor;
#   answer_in_one_turn($t, 2);          # requests had stub => held()
#   is_deeply([calls($redis->monitored)], ['settle 2']);
#
# NGINX has one worker; "to" of the first request may be another one.

use strict;
use warnings;

use Exporter qw(import);

use JobRuns::Wait qw(wait_for);

our @EXPORT = qw(in_one_turn h2_in_one_turn held answer_in_one_turn calls
    call_of);

# A process that is stopped finds all at once when it goes on.

sub while_stopped {
    my ($nginx, $act) = @_;
    my ($worker) = $nginx->workers;

    # until it has, it may be told of some of what comes
    kill STOP => $worker;
    wait_for { JobRuns::slurp("/proc/$worker/stat") =~ /\) T / }
        'the worker to stop';
    my @result = eval { $act->() };
    my $error = $@;
    kill CONT => $worker;
    die $error if $error;

    return @result;
}

# Starts requests on connections that are open: a client for each.

sub in_one_turn {
    my ($t, @each) = @_;
    my @clients = map { $t->client($_->{to}) } @each;

    $_->request({ path => '/x', headers => [['Host', 'localhost']] })->response
        for @clients;

    my $nginx = ref $each[0]{to} ? $each[0]{to} : $t->nginx;

    return while_stopped($nginx, sub {
        map { $t->start_run(on => $clients[$_], %{$each[$_]}) } 0 .. $#each
    });
}

# The same on one connection of HTTP/2: the connection, and a stream for each.

sub h2_in_one_turn {
    my ($t, @each) = @_;
    my $h2 = $t->h2;

    $h2->request({ path => '/x', headers => [['Host', 'localhost']] })
        ->response;

    return ($h2, while_stopped($t->nginx, sub {
        map { $h2->request($t->run_request(%$_)) } @each
    }));
}

# The service holds a request until answer_in_one_turn(), which returns when so
# many of them have been answered and NGINX goes on.

sub held { return { wait_read => 'answer', wait_sent => 'answered' } }

sub answer_in_one_turn {
    my ($t, $n) = @_;
    my $service = $t->service;

    $service->wait_at('answer', $n);
    while_stopped($t->nginx, sub {
        $service->release('answer', $n);
        $service->wait_at('answered', $n);
    });
    $service->release('answered', $n);
}

# The scripts among the lines of a monitor, as "admit 3" or "settle 1": for how
# many attempts each was called, by any of its tries.

sub calls { return map { call_of($_) } @_ }

# Valkey 8.1 has no backslash before the quotes of a script or a packed value.
# Keys, which have none, are behind a number.

sub call_of {
    my ($line) = @_;
    my ($n, $words) = $line =~ /\] "eval(?:sha)?" ".*?" "(\d+)" "(.*)"$/i
        or return;

    my @keys = (split /" "/, $words)[0 .. $n - 1];
    my $records = grep { /:v1:(?:token|attempt):/ } @keys;
    my $script = $keys[0] =~ /\}:limits$/ ? 'admit' : 'settle';

    return "$script $records";
}

1;
