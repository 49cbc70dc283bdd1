#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A Redis is configured by name: with a resolver, the name is resolved again
# before each connect, so that a failover by DNS is followed, also when the
# old master still replies, as a replica.

use lib 't/lib';
use DnsServer;
use IO::Socket::IP;
use JobRuns;
use JobRuns::Ports qw(claim_port);

my $t = JobRuns->new;
my $dns = DnsServer->start($t, 'dns');

# One port, two addresses: a name says nothing of ports.  "localhost" is what
# the start needs; from then on the name server alone is asked.

my $one = $t->redis('one', tcp => 1);
my $port = $one->{port};
my $two = $t->redis('two', args => ['--port', $port, '--bind', '127.0.0.2']);

sub used { return $_[0]->command('INFO', 'commandstats') =~ /cmdstat_evalsha/ }

sub gateway {
    my ($name, $resolver, $redis) = @_;
    return $t->run(name => $name, workers => 1,
        redis => 'jobruns_redis ' . ($redis // "localhost:$port") . ';',
        http => ($resolver ? 'resolver ' . $dns->address
            . ' valid=1s ipv6=off;' : '')
            . 'jobruns_redis_connect_timeout 300ms;');
}

sub until_created {
    my ($gateway, $what) = @_;
    wait_for { $t->create_run(to => $gateway)->status == 201 } $what;
    return;
}

subtest 'the name moves when the server is killed' => sub {
    $dns->set(localhost => '127.0.0.1');
    my $gateway = gateway('killed', 1);

    is($t->create_run(to => $gateway)->status, 201,
        'a creation with a name is created');
    ok($dns->count('localhost'), 'the name server is asked for the name');
    ok(used($one) && !used($two), 'the address of the name is used');

    $dns->set(localhost => '127.0.0.2');
    is($t->create_run(to => $gateway)->status, 201,
        'a creation after the name has moved is created');
    ok(!used($two), 'a connection stays open while it works');

    $one->kill;
    until_created($gateway, 'the second to be used');
    ok(used($two), 'the name is resolved again when the server is killed');
    $one->start;
    $two->command('CONFIG', 'RESETSTAT');
};

subtest 'the name moves when the master becomes a replica' => sub {
    $dns->set(localhost => '127.0.0.1');
    my $gateway = gateway('readonly', 1);

    is($t->create_run(to => $gateway)->status, 201,
        'a creation with a master is created');
    ok(!used($two), 'the address of the name is used');

    $dns->set(localhost => '127.0.0.2');
    $one->command('REPLICAOF', '127.0.0.2', $port);
    until_created($gateway, 'the new master to be used');
    ok(used($two), 'the name is resolved again after READONLY');
    $one->command('REPLICAOF', 'NO', 'ONE');
    $two->command('CONFIG', 'RESETSTAT');
};

subtest 'all addresses are tried' => sub {
    $dns->set(localhost => map { "127.0.0.$_" } 7, 8, 9, 2);
    my $gateway = gateway('several', 1);

    until_created($gateway, 'the one that answers');
    ok(used($two), 'the address that replies is used');
    $two->command('CONFIG', 'RESETSTAT');
};

subtest 'an address of IPv6' => sub {
    plan(skip_all => 'no IPv6 here')
        if !IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

    my $six = $t->redis('six', args => ['--port', $port, '--bind', '::1']);
    $dns->set(localhost => '::1', '127.0.0.7');
    my $gateway = $t->run(name => 'six', workers => 1,
        redis => "jobruns_redis localhost:$port;", http => 'resolver '
            . $dns->address . ' valid=1s; jobruns_redis_connect_timeout 1s;');

    until_created($gateway, 'IPv6 to be tried');
    ok(used($six), 'an address of IPv6 is used');
};

subtest 'a name server that is silent, and one that knows nothing' => sub {
    $dns->set(localhost => '127.0.0.1');
    my $gateway = gateway('silent', 1);

    $dns->pause;
    until_created($gateway, 'a creation without a name server');
    like($gateway->error_log,
        qr/"localhost" could not be resolved: .*last known addresses are used/,
        'error.log reports that the address last known is used');
    $dns->resume;

    delete $dns->{records}{localhost};
    $dns->save;
    $gateway = gateway('nothing', 1);
    until_created($gateway, 'a creation without a record');
    like($gateway->error_log, qr/"localhost" could not be resolved: Host not/,
        'error.log reports that the name was not found');
};

subtest 'without a resolver, and without a name' => sub {
    my $before = $dns->count('localhost');
    my $gateway = gateway('fixed', 0);

    is($t->create_run(to => $gateway)->status, 201,
        'a creation without a resolver uses the address of the start');

    $gateway = gateway('address', 1, "127.0.0.1:$port");
    is($t->create_run(to => $gateway)->status, 201,
        'a creation with an address is created');
    is($dns->count('localhost'), $before,
        'the name server is not asked without a resolver');
    is($dns->count('127.0.0.1'), 0,
        'the name server is not asked for an address');
};

done_testing;
