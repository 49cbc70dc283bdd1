#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The gateway uses a cluster with TLS and an ACL user that has just what
# docs/redis.md says.

use lib 't/lib';

use JobRuns;
use JobRuns::Tls;
use RedisCluster;

my $t = JobRuns->new;
my $dir = $t->testdir;

JobRuns::Tls::needed();
JobRuns::Tls::self_signed($dir, 'node', 'IP:127.0.0.1');
JobRuns::Tls::self_signed($dir, 'other');

my $cluster = RedisCluster->start($t, replicas => 0, tls => [
    '--tls-cert-file', "$dir/node.crt", '--tls-key-file', "$dir/node.key",
    '--tls-ca-cert-file', "$dir/node.crt", '--tls-auth-clients', 'no',
]);

# the list of the documentation
my @rights = JobRuns::Redis::documented_rights();
$_->command('ACL', 'SETUSER', 'gateway', 'on', '>secret', @rights,
    '+cluster|slots', '+asking') for $cluster->nodes;
$t->write_file('secret', "secret\n");

my $redis = 'jobruns_redis ' . $cluster->address(1)
    . ' user=gateway password_file=%%TESTDIR%%/secret tls tls_ca=';
$t->run(workers => 1, redis => "$redis%%TESTDIR%%/node.crt;",
    http => 'jobruns_redis_timeout 5s; jobruns_redis_connect_timeout 5s;',
    servers => jobruns_server(2, "$redis%%TESTDIR%%/other.crt;")
        . jobruns_server(3,
            "$redis%%TESTDIR%%/node.crt tls_name=another.name;"));

my @tenants = map { "ocid1.tenancy.oc1..tls$_" } 1 .. 12;
my %used = map { $cluster->master($cluster->slot("{$_}"))->{name} => 1 }
    @tenants;
is(keys %used, 3, 'tenants are on three nodes');

for my $tenant (@tenants) {
    is($t->create_run(tenancy => $tenant, token => "a-$tenant")->status, 201,
        "$tenant: a job run is created");
}

my $slot = $cluster->slot("{$tenants[0]}");
my $from = $cluster->master($slot);
$cluster->migrate($slot, $from, $cluster->other($from));
is($t->create_run(tenancy => $tenants[0], token => "a-$tenants[0]")
    ->header('opc-retry-replayed'), 'true',
    'a token that has moved is replayed');
ok($cluster->errors('MOVED'),
    'a token that has moved is found by a redirection');
is($cluster->errors('NOPERM'), 0, 'all commands are permitted by the rules');

for my $case (
    [2, 'another authority', qr/the certificate of [\d.:]+ is invalid: self/],
    [3, 'another name', qr/of [\d.:]+ is not for "another\.name"/],
) {
    my ($port, $what, $line) = @$case;
    is($t->create_run(to => '127.0.0.1:' . $t->port($port))->status, 503,
        "$what: the request is refused");
    $t->wait_log($line);
}

done_testing;
