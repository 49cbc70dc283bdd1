#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobrunsctl finds Redis as the gateway does: with TLS, by sentinels, and in
# all nodes of a cluster; by --redis, and by nginx.conf.

use lib 't/lib';

use JobRuns;
use JobRuns::Ctl;
use JobRuns::Ports qw(claim_port);
use JobRuns::Tls;
use RedisCluster;
use RedisPeer;
use RedisSentinel;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my $dir = $t->testdir;

JobRuns::Tls::needed();
JobRuns::Tls::self_signed($dir, 'redis', 'DNS:redis.test,IP:127.0.0.1');
JobRuns::Tls::self_signed($dir, 'client');
JobRuns::Tls::self_signed($dir, 'other', 'IP:127.0.0.1');

sub rows { my %of; push @{$of{$_->{check}}}, $_ for @{$_[0]}; return \%of }

# What a gateway claims for these tenants, seen by jobrunsctl.

my $gates = 0;

sub claims {
    my ($gateway, $of, @tenants) = @_;
    my $n = ++$gates;

    my @slow = map {
        $t->start_run(to => $gateway, tenancy => $_, token => "t-$_",
            stub => { wait_read => "gate-$n" })
    } @tenants;
    $t->service->wait_at("gate-$n", scalar @tenants);
    wait_for {
        @{ctl_json(@$of, 'inflight') // []} == @tenants
    } 'all claims to be seen';
    is_deeply([sort map { $_->{tenant} } @{ctl_json(@$of, 'inflight')}],
        [sort @tenants], 'inflight has an attempt of each tenant');
    $t->service->release("gate-$n");
    $_->response for @slow;

    for my $tenant (@tenants) {
        my $limits = ctl_json(@$of, '--tenant', $tenant, qw(tenant show));
        is(($limits // [])->[0]{used}, 1,
            "tenant show has the creation of $tenant");
    }
}

my $limit = 'jobruns_quota daily key=tenant limit=50 window=day;';

subtest 'the version of the server' => sub {
    my $words = `${\ ($ENV{TEST_REDIS_BINARY} || 'redis-server')} --version`;
    my ($name, $version) = $words =~ /^(\w+) server v=(\S+)/;
    my $row = rows(ctl_json('--redis', $t->redis->address, 'doctor'))
        ->{version}[0];
    is($row->{found}, "$name $version", 'doctor names the server by itself');
    ok($row->{ok}, "doctor finds $name in order");

    my $n = 0;
    for (
        [0, 'Redis 6.2.14', 'redis_version:6.2.14'],
        [1, 'Redis 7.0.0', 'redis_version:7.0.0'],
        [1, 'Redis 8.2.1', 'redis_version:8.2.1'],
        [0, 'Valkey 7.2.5', 'redis_version:7.2.4', 'server_name:valkey',
            'valkey_version:7.2.5'],
        [1, 'Valkey 8.1.1', 'redis_version:7.2.4', 'server_name:valkey',
            'valkey_version:8.1.1'],
        [1, 'Valkey 10.0.0', 'redis_version:7.2.4', 'server_name:valkey',
            'valkey_version:10.0.0'],
    ) {
        my ($ok, $found, @lines) = @$_;
        my $info = join '', map { "$_\r\n" } '# Server', @lines, 'role:master';
        my $peer = RedisPeer->start($t, 'version-' . ++$n, sub {
            my ($c) = @_;
            while (my @words = $c->command) {
                $c->write(
                    $words[0] eq 'INFO' ? '$' . length($info) . "\r\n$info\r\n"
                    : $words[0] eq 'SCAN' ? "*2\r\n\$1\r\n0\r\n*0\r\n"
                    : "-NOPERM nothing else\r\n");
            }
        });
        $row = rows(ctl_json('--redis', $peer->address, 'doctor'))
            ->{version}[0];
        is($row->{found}, $found, "$found: doctor names it");
        is($row->{ok} ? 1 : 0, $ok,
            "$found: it is " . ($ok ? 'in order' : 'too old'));
        is($row->{remedy}, $ok ? '' : 'the gateway is made for Redis 7 and '
            . 'later, and Valkey 8 and later', "$found: what is needed");
    }
};

subtest 'Redis with TLS and a certificate of the client' => sub {
    my $port = claim_port();
    my $tls = $t->redis('tls', args => ['--tls-port', $port, '--tls-cert-file',
        "$dir/redis.crt", '--tls-key-file', "$dir/redis.key",
        '--tls-ca-cert-file', "$dir/client.crt", '--tls-auth-clients', 'yes']);
    $tls->command(qw(ACL SETUSER ops on >secret ~* +@all));
    $t->write_file('secret', "secret\n");

    my $redis = "127.0.0.1:$port user=ops password_file=$dir/secret tls"
        . " tls_certificate=$dir/client.crt"
        . " tls_certificate_key=$dir/client.key tls_ca=$dir";
    my $gateway = $t->run(name => 'tls', server => $limit,
        redis => "jobruns_redis $redis/redis.crt;");
    claims($gateway, ['--conf', "$dir/tls.conf"], 'a');

    my ($status, $said) = ctl('--redis', "$redis/redis.crt", 'doctor');
    like($said, qr/^connection .*127\.0\.0\.1:$port/m,
        'doctor finds Redis with TLS by --redis');
    is(rows(ctl_json('--redis', "$redis/redis.crt tls_name=redis.test",
        'doctor'))->{'script admit'}[0]{found} =~ s/.*, //r, 'known',
        "doctor finds Redis with TLS by a name, with the gateway's scripts");

    for (
        ['a certificate of another authority',
            "$redis/other.crt", qr/is refused: self/],
        ['a certificate of another name',
            "$redis/redis.crt tls_name=other.test",
            qr/is refused: hostname mismatch/],
        ['no certificate of the client',
            "127.0.0.1:$port tls tls_ca=$dir/redis.crt",
            qr/no reply|handshake|cannot be reached/],
        ['a missing file', "127.0.0.1:$port tls tls_ca=$dir/none.crt",
            qr/reading its files failed/],
        ['a connection without TLS', "127.0.0.1:$port", qr/no reply|refuses/],
    ) {
        my ($what, $to, $told) = @$_;
        ($status, $said) = ctl('--redis', $to, 'inflight');
        is($status, 3, "$what: inflight exits with 3");
        like($said, $told, "$what: the reason is reported");
    }
};

subtest 'Redis with sentinels' => sub {
    my $main = RedisSentinel->start($t, name => 'main');
    my $gateway = $t->run(name => 'sentinel', server => $limit,
        redis => 'jobruns_redis ' . $main->address . ';');

    claims($gateway, ['--conf', "$dir/sentinel.conf"], 'a', 'b');
    is(rows(ctl_json('--conf', "$dir/sentinel.conf", 'doctor'))
        ->{connection}[0]{found}, $main->master->address,
        'doctor finds the master by sentinels');

    my ($status, $said) = ctl('--redis',
        'sentinel:nobody ' . ($main->sentinels)[0]->address, 'inflight');
    is($status, 3, 'a master that sentinels do not know exits with 3');
    like($said, qr/knows no master "nobody"/,
        'a master that sentinels do not know is reported');
};

subtest 'Redis as a cluster' => sub {
    my $cluster = RedisCluster->start($t, replicas => 0);
    my @tenants = map {
        my $node = $_;
        my $n = 0;
        $n++ while $cluster->master($cluster->slot("{tenant-$n}")) != $node;
        "tenant-$n";
    } $cluster->nodes;
    my $gateway = $t->run(name => 'cluster', server => $limit,
        redis => 'jobruns_redis ' . $cluster->address . ';');

    claims($gateway, ['--conf', "$dir/cluster.conf"], @tenants);

    my $rows = rows(ctl_json('--redis', $cluster->address(1), 'doctor'));
    is_deeply([sort map { $_->{found} } @{$rows->{connection}}],
        [sort map { $_->address } $cluster->nodes],
        'doctor finds each node of a cluster');
    is((grep { $_->{ok} } @{$rows->{role}}), 3,
        'doctor finds all nodes to be masters');
};

subtest 'addresses that are not valid' => sub {
    for ('cluster', 'sentinel:main', 'sentinel:main tls',
        '127.0.0.1:1 nonsense=1')
    {
        my ($status, $said) = ctl('--redis', $_, 'inflight');
        is($status, 2, "the address \"$_\" exits with 2");
        like($said, qr/an address of Redis is missing|is no option/,
            "the address \"$_\" is reported");
    }
};

done_testing;
