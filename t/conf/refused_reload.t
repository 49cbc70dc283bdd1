#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A reload that is refused changes nothing: a worker that the master forks
# later serves the configuration that runs, replays stored responses, and
# writes its audit records like the workers before it.

use lib 't/lib';
use JobRuns;

use IO::Socket::INET;

my $t = JobRuns->new;

my $zone = 'jobruns_zone jobruns 1m;';
my $sync = 'jobruns_audit_sync always;';

# each of these is refused at another moment of reading a configuration

my @refusals = (
    ['the check of a conflicting directive',
        { location => 'proxy_store on;' }, qr/proxy_store/],
    ['the check of jobruns_status without a zone',
        { http => '', server => 'location /status { jobruns_status; }' },
        qr/jobruns_zone/],
    ['the check while merging',
        { server => 'jobruns_retry_ttl 1m; jobruns_retry_lease 40s;' },
        qr/jobruns_retry_ttl/],
    ['a missing file',
        { server => 'jobruns_schema %%TESTDIR%%/absent.json;' },
        qr/absent\.json/],
    ['an unknown variable',
        { server => 'location = /x { return 200 $nobody_has_this; }' },
        qr/nobody_has_this/],
    ['a port in use',
        { servers => 'server { listen 127.0.0.1:%%PORT_5%%; }' },
        qr/bind\(\) to 127\.0\.0\.1:\d+ failed/],
    ['a missing folder for logs',
        { http => $zone . 'access_log %%TESTDIR%%/absent/access.log;' },
        qr/absent\/access\.log/],
);

my $nginx = $t->run(
    workers => 1,
    http => $zone,
    server => $sync,
);

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
    LocalPort => $t->port(5), Listen => 1, ReuseAddr => 0)
    or die "listen: $!";

$t->allow_log(qr/\[emerg\]|still could not bind/);

sub master_refuses {
    my ($lines, $pattern) = @_;

    my $seen = length $nginx->error_log;

    $t->configure(workers => 1, http => $zone, %$lines,
        server => $sync . ($lines->{server} // ''));
    $nginx->{process}->signal('HUP');

    wait_for {
        substr($nginx->error_log, $seen) =~ /\[emerg\][^\n]*$pattern/;
    } 'the reload to be refused';
}

for (@refusals) {
    my ($name, $lines, $pattern) = @$_;

    master_refuses($lines, $pattern);

    my ($old) = $nginx->workers;
    $nginx->kill_worker($old);

    my $token = random_id;
    my $first = $t->create_run(token => $token);
    is($first->status, 201, "$name: a new worker creates a job run");
    my $second = $t->create_run(token => $token);
    is($second->status, 201, "$name: a new worker responds to a retry");
    is($second->header('opc-retry-replayed'), 'true',
        "$name: a new worker replays the stored response");
    is($t->service->created($token), 1,
        "$name: one job run is created for one token");

    my ($new) = $nginx->workers;
    isnt($new, $old, "$name: the new worker is another process");
    is($t->create_run->status, 201,
        "$name: the new worker creates another job run");
    is(($nginx->workers)[0], $new,
        "$name: the new worker is still the same process");
}

close $taken;

done_testing;
