#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A cluster announces names, which the configuration does not have: they are
# resolved each time before a node is connected to.

use lib 't/lib';
use DnsServer;
use JobRuns;
use RedisCluster;

my $t = JobRuns->new;
my $cluster = RedisCluster->start($t, replicas => 0);
my @nodes = $cluster->nodes;

# now, and from the start on when it is started again
for my $i (0 .. $#nodes) {
    my %announced = ('cluster-announce-hostname' => "node-$i.test",
        'cluster-preferred-endpoint-type' => 'hostname');
    $nodes[$i]->command('CONFIG', 'SET', %announced);
    push @{$nodes[$i]{args}}, map { ("--$_" => $announced{$_}) }
        sort keys %announced;
}

# until each node knows the names of all
sub wait_announced {
    for my $node (@nodes) {
        wait_for {
            !grep { ($_->[2][0] // '') !~ /^node-\d\.test$/ }
                @{$node->command('CLUSTER', 'SLOTS')};
        } 'the names to spread';
    }
}

wait_announced();

my $dns = DnsServer->start($t, 'dns');
$dns->set("node-$_.test" => '127.0.0.1') for 0, 1;

my $resolver = 'resolver ' . $dns->address . ' ipv6=off valid=1s;';
$t->run(workers => 1, redis => 'jobruns_redis ' . $cluster->address . ';',
    http => "$resolver jobruns_redis_timeout 2s;"
        . 'jobruns_redis_connect_timeout 1s;');

# one tenant of each node
my @tenants = map {
    my $node = $_;
    my $n = 0;
    $n++ while $cluster->master($cluster->slot("{tenant-$n}")) != $node;
    "tenant-$n";
} @nodes;

sub once {
    my ($of, $token) = @_;
    return $t->create_run(tenancy => $tenants[$of], token => "$token-$of");
}

subtest 'names that the name server knows, and one that it does not' => sub {
    is(once($_, 'a')->status, 201, "node $_: a job run is created") for 0, 1;
    is(once($_, 'a')->header('opc-retry-replayed'), 'true',
        "node $_: the response is stored")
        for 0, 1;
    ok($dns->count("node-$_.test"), "node $_: the name is looked up") for 0, 1;

    is(once(2, 'a')->status, 503, 'a tenant of an unknown name is refused');
    $t->wait_log(qr/"node-2\.test" could not be resolved: .* until it is; /);
    is(once(1, 'b')->status, 201,
        'tenants of other nodes are served beside an unknown name');

    $dns->set('node-2.test' => '127.0.0.1');
    wait_for { once(2, 'a')->status == 201 } 'the name to be known';
};

subtest 'a name that leads elsewhere is followed with a new connection' => sub {
    my $other = $t->redis('elsewhere',
        args => ['--port', $nodes[0]{port}, '--bind', '127.0.0.5']);
    my $calls = sub {
        return $other->command('INFO', 'stats')
            =~ /^total_commands_processed:(\d+)/m ? $1 : 0;
    };

    # the stored answer may be a second old
    $dns->set('node-0.test' => '127.0.0.5');
    my $before = $dns->count('node-0.test');
    is(once(0, 'b')->status, 201, 'a connection stays open while it works');

    $nodes[0]->kill;
    wait_for {
        once(0, 'c');
        $other->command('INFO', 'clients') =~ /connected_clients:(\d+)/
            && $other->command('CLIENT', 'LIST') =~ / name=nginx-/;
    } 'the node to be looked for elsewhere';
    cmp_ok($dns->count('node-0.test'), '>', $before,
        'the node is looked up by its name');

    $other->kill;
    $nodes[0]->start;
    wait_announced();
    $dns->set('node-0.test' => '127.0.0.1');
    wait_for { once(0, 'd')->status == 201 } 'the node to be found again';
};

subtest 'a name server that is silent' => sub {
    $dns->pause;
    $nodes[1]->kill;
    $nodes[1]->start;
    wait_for { once(1, 'e')->status == 201 } 'the address last known';
    like($t->nginx->error_log,
        qr/"node-1\.test" could not be resolved: .*last known addresses are/,
        'error.log reports that the address last known is used');
    $dns->resume;
};

subtest 'an operation waits for its name, and a worker ends meanwhile' => sub {
    my $asked = $dns->count('node-2.test');
    $dns->pause;
    my $nginx = $t->run(name => 'waits', workers => 1,
        redis => 'jobruns_redis ' . $cluster->address(1) . ';',
        http => "$resolver jobruns_redis_timeout 15s;"
            . 'jobruns_redis_connect_timeout 15s;');
    my ($waits, $leaves) = map {
        $t->start_run(tenancy => $tenants[2], token => "waits-$_",
            to => $nginx)
    } 1, 2;
    wait_for { $cluster->calls('cluster|slots', $nodes[0]) } 'the map';
    $leaves->close;
    $dns->resume;
    is($waits->response->status, 201,
        'an operation that waits for its name is created');
    cmp_ok($dns->count('node-2.test'), '>', $asked,
        'the name is asked for before the operation');

    $dns->pause;
    my $lost = $t->start_run(tenancy => $tenants[1], token => 'lost',
        to => $nginx);
    $nginx->stop;
    $lost->close;
    $dns->resume;
};

subtest 'without a resolver' => sub {
    my $nginx = $t->run(name => 'fixed', workers => 1,
        redis => 'jobruns_redis ' . $cluster->address . ';');
    is($t->create_run(tenancy => $tenants[0], to => $nginx)->status, 503,
        'names are refused without a resolver');
    like($nginx->error_log,
        qr/the node "node-\d\.test:\d+", which is not an address/,
        'error.log reports names without a resolver');
};

done_testing;
