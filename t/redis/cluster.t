#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The gateway works on a Redis Cluster: tenants are on different nodes, slots
# move between and under requests, a node is gone and comes back.

use lib 't/lib';
use JobRuns;
use RedisCluster;

my $t = JobRuns->new;

###############################################################################
# What is refused

for my $case (
    ['cluster' => qr/needs addresses of some of its nodes/],
    ['cluster tls' => qr/needs addresses of some of its nodes/],
    ['cluster 127.0.0.1:7000 db=1' => qr/database 1 .* cluster has database 0/],
    ['cluster unix:/tmp/x' => qr/its nodes name each other by "host:port"/],
    ['cluster 127.0.0.1:7000 127.0.0.1:x' =>
        qr/"127.0.0.1:x" of "jobruns_redis": expected an address with a port/],
    ['cluster 127.0.0.1:7000 127.0.0.1:7000' => qr/each only once/],
    ['cluster 127.0.0.1:7000 no-such-host.invalid:1' => qr/host not found/],
    ['cluster 127.0.0.1:7000 tls tls_ca=/none' => qr{/none}],
    ['cluster 127.0.0.1:7000 db=0 127.0.0.1:7001' =>
        qr/"127.0.0.1:7001" of "jobruns_redis": expected "db="/],
) {
    my ($ok, $output) = $t->check_config(redis => "jobruns_redis $case->[0];");
    ok(!$ok, "nginx -t refuses: $case->[0]");
    like($output, $case->[1], "nginx -t says why it refuses: $case->[0]");
}

###############################################################################

my $cluster = RedisCluster->start($t);
my @tenants = map { "ocid1.tenancy.oc1..t$_" } 1 .. 12;

my $nginx = $t->run(
    redis => 'jobruns_redis ' . $cluster->address(2) . ';'
        . 'jobruns_redis_timeout 5s; jobruns_redis_connect_timeout 2s;',
    http => 'jobruns_zone jobruns 1m;',
    server => 'jobruns_limit rate key=tenant rate=60r/h burst=100;'
        . 'jobruns_concurrency slots key=tenant limit=20;',
    servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_2%%;
        jobruns on;
        jobruns_redis_replicas 1 2s;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_3%%;
        location = /status { jobruns_status; }
    }
END

# the service does not tell tokens of different tenants apart
sub once {
    my ($tenant, $token, @more) = @_;
    return $t->create_run(tenancy => $tenant, token => "$token-$tenant", @more);
}

# of all workers, to all nodes
sub breakers {
    my $text = $t->get('/status',
        to => '127.0.0.1:' . $t->port(3))->body;
    my ($open) = $text =~ /^jobruns_redis_breakers_open\{.*\} (\d+)$/m
        or die "no breakers in: $text";
    return $open;
}

for my $tenant (@tenants) {
    my $first = once($tenant, 'a');
    is($first->status, 201, "$tenant: a job run is created");
    my $again = once($tenant, 'a');
    is($again->header('opc-retry-replayed'), 'true',
        "$tenant: the retry is replayed");
    is($again->body, $first->body, "$tenant: the retry gets the same body");
}
is($t->service->created, scalar @tenants, 'each tenant has one job run');

my %nodes = map { $cluster->master($cluster->slot("{$_}"))->{name} => 1 }
    @tenants;
is(keys %nodes, 3, 'tenants are on three nodes');

# admissions that wait for replicas do so on the node of their tenant
is(once($_, 'b', to => '127.0.0.1:' . $t->port(2))->status, 201,
    'an admission that waits for a replica is created') for @tenants;
cmp_ok($cluster->calls('wait'), '>=', 12, 'WAIT is sent for each admission');
is((grep { $cluster->calls('wait', $_) } ($cluster->nodes)[0 .. 2]), 3,
    'WAIT is sent to all three nodes');

###############################################################################
# A slot moves away from under its tenant

my $tenant = $tenants[0];
my $slot = $cluster->slot("{$tenant}");
my $from = $cluster->master($slot);
my $to = $cluster->other($from);

$cluster->migrate($slot, $from, $to);
is(once($tenant, 'a')->header('opc-retry-replayed'), 'true',
    'a token that has moved is replayed');
ok($cluster->errors('MOVED'),
    'a token that has moved is found by a redirection');

# forwarded while it moves, and settled where it is then
$t->service->plan({ wait_read => 'gate', match => { token => 'moving' } });
my $moving = $t->start_run(tenancy => $tenant, token => "moving-$tenant");
$t->service->wait_at('gate');
$cluster->migrate($slot, $to, $from);
$t->service->release('gate');
is($moving->response->status, 201,
    'a creation is settled while its slot moves');
is(once($tenant, 'moving')->header('opc-retry-replayed'), 'true',
    'a response is stored while its slot moves');

# an admission in the middle waits for the end of the move
$cluster->open_slot($slot, $from, $to);
$cluster->move_keys($slot, $from, $to, 1);
my $tried = $cluster->errors('TRYAGAIN');
my $between = $t->start_run(tenancy => $tenant, token => "between-$tenant");
wait_for { $cluster->errors('TRYAGAIN') > $tried + 1 } 'TRYAGAIN';
$cluster->move_keys($slot, $from, $to);
$cluster->close_slot($slot, $from, $to);
is($between->response->status, 201,
    'an admission is created while its slot moves');
$t->wait_log(qr/hash slot $slot is being moved/);

###############################################################################
# A master ends, and its replica takes over

$cluster->wait_well;
my $dead = $to;
my ($own) = grep { $cluster->master($cluster->slot("{$_}")) == $dead } @tenants;
my ($other) = grep { $cluster->master($cluster->slot("{$_}")) != $dead }
    @tenants;
my $kept = once($own, 'kept');
$cluster->wait_in_step($dead);
$dead->kill;

my $answer = wait_for {
    my $r = once($own, 'kept');
    $r->status == 201 && $r;
} 'a replica to take over';
is($answer->header('opc-retry-replayed'), 'true',
    'a retry after a failover is replayed');
is($answer->body, $kept->body, 'a retry after a failover gets the same body');

is(once($other, 'meanwhile')->status, 201,
    'tenants of other nodes are served during a failover');

wait_for { once($own, 'again')->status == 201 } 'a worker to know it';

# the other worker may have asked a node that did not know of it yet
$dead->start;
$cluster->wait_well;
wait_for { breakers() == 0 } 'every worker to know it';
is(once($own, 'again')->header('opc-retry-replayed'), 'true',
    'a token is replayed when the old master is back as a replica');

# all of them stop and start
$_->kill for $cluster->nodes;
is(once($own, 'nobody')->status, 503, 'a creation without any node is refused');
$_->start for $cluster->nodes;
wait_for { once($own, 'nobody')->status == 201 } 'all to be well again';
is($t->service->created, $t->service->counts->{requests},
    'each request that was forwarded has created a job run');

done_testing;
