#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Redis replies with errors when it cannot do its work: a client gets 503,
# error.log says what to do, and the gateway goes on when Redis works again.
# Under jobruns_redis_failure allow a creation passes where Redis serves no
# client, and is refused where it works but does not admit this one.

use lib 't/lib';
use JobRuns;
use JobRuns::Stored qw(admit_reply);
use RedisPeer;

my $t = JobRuns->new;

END { RedisPeer::stop_all() }

# [reply to a script, what error.log says, whether the connection is left,
# whether "allow" forwards]

my @errors = (
    ['READONLY You can\'t write against a read only replica.',
        qr/answered "READONLY .*configure the master/, 1, 1],
    ['LOADING Redis is loading the dataset in memory',
        qr/answered "LOADING .*wait/, 1, 1],
    ['MASTERDOWN Link with MASTER is down and replica-serve-stale-data is '
        . 'set to \'no\'.', qr/answered "MASTERDOWN .*check replication/, 1, 1],
    ['NOAUTH Authentication required.',
        qr/answered "NOAUTH .*a password file/, 1, 0],
    ['BUSY Redis is busy running a script.',
        qr/answered "BUSY .*SCRIPT KILL/, 0, 1],
    ['OOM command not allowed when used memory > \'maxmemory\'.',
        qr/answered "OOM .*raise maxmemory/, 0, 0],
    ['NOPERM User x has no permissions to run the \'evalsha\' command',
        qr/answered "NOPERM .*docs\/redis\.md/, 0, 0],
    ['MISCONF Errors writing to the AOF file',
        qr/answered "MISCONF .*check its disk/, 0, 0],
    ['NOREPLICAS Not enough good replicas to write.',
        qr/answered "NOREPLICAS .*check replication/, 0, 0],
    ['MOVED 3999 127.0.0.1:6381', qr/answered "MOVED .*jobruns_redis cluster/,
        0, 0],
    ['CLUSTERDOWN The cluster is down',
        qr/answered "CLUSTERDOWN .*jobruns_redis cluster/, 0, 1],
    ['ERR user_script:1: ACL failure in script',
        qr/Redis ".*" refused an admission: /, 0, 0],
);

# Each error has a Redis of its own that replies so once, then works: what it
# does is a real one's.  Another one is for "allow".

my $real = $t->redis;
my @peers = map { peer("peer$_", "-$errors[$_][0]\r\n") } 0 .. $#errors;
my @allowed = map { peer("allowed$_", "-$errors[$_][0]\r\n") } 0 .. $#errors;

# The clock goes back: it says twice that an admission is late.

my $late = peer('late', (admit_reply("1t\0\0\0\0\0\0\1")) x 2);

$t->run(workers => 1, redis =>
    'jobruns_redis %%REDIS%%; jobruns_redis_timeout 2s;', servers => join
    "\n", server(100 + @errors, $late->address, 'allow'),
    map { (server(100 + $_, $peers[$_]->address, 'deny'),
        server(200 + $_, $allowed[$_]->address, 'allow')) } 0 .. $#errors);

for my $n (0 .. $#errors) {
    my ($error, $told, $left, $away) = @{$errors[$n]};
    my ($code) = $error =~ /^(\w+)/;
    my $to = '127.0.0.1:' . $t->port(100 + $n);

    subtest $code => sub {
        my $token = random_id();
        my $first = $t->create_run(to => $to, token => $token);

        is($first->status, 503, "$code: the request is refused");
        is($first->code, 'ServiceUnavailable',
            "$code: the refusal has a code that is retried");
        ok($first->header('retry-after'), "$code: the refusal has Retry-After");
        like($t->nginx->error_log, $told, "$code: error.log says what to do");

        my $again;
        wait_for {
            $again = $t->create_run(to => $to, token => $token);
            $again->status != 503;
        } 'the gateway to use Redis again';

        is($again->status, 201, "$code: the same token is created afterwards");
        is($t->service->created($token), 1, "$code: one job run is created");
        is($peers[$n]->count(qr/^connect/) > 1 ? 1 : 0, $left,
            $left ? 'on another connection' : 'on the same connection');

        $token = random_id();
        $to = '127.0.0.1:' . $t->port(200 + $n);
        is($t->create_run(to => $to, token => $token)->status,
            $away ? 201 : 503, $away
            ? "$code: out of reach, so it passes where allowed"
            : "$code: not out of reach, so it is refused");
        is($t->service->created($token), $away,
            $away ? "$code: one job run is created where allowed"
            : "$code: nothing is forwarded");
    };
}

subtest 'late, and late again' => sub {
    my $token = random_id();
    my $to = '127.0.0.1:' . $t->port(100 + @errors);

    is($t->create_run(to => $to, token => $token)->status, 503,
        'an admission that is late again is not out of reach and refused');
    is($t->service->created($token), 0,
        'an admission that is late again is not forwarded');
    is($t->create_run(to => $to, token => $token)->status, 201,
        'the same token is created after a late admission');
};

subtest 'a master that becomes a replica' => sub {
    my $one = $t->redis('one', tcp => 1);
    my $two = $t->redis('two', tcp => 1);

    $t->run(name => 'replica', workers => 1,
        redis => 'jobruns_redis %%REDIS_one%%;');

    my $gateway = $t->nginx('replica');
    is($t->create_run(to => $gateway)->status, 201,
        'a creation with a master is created');

    $one->command('REPLICAOF', split /:/, $two->address);
    is($t->create_run(to => $gateway)->status, 503,
        'a creation with a replica is refused');
    like($gateway->error_log, qr/READONLY|is a replica/,
        'error.log reports that the server is a replica');

    $one->command('REPLICAOF', 'NO', 'ONE');
    wait_for { $t->create_run(to => $gateway)->status == 201 }
        'a creation after it is a master again';
    pass('a server is used as soon as it is a master');
};

subtest 'memory is full' => sub {
    my $full = $t->redis('full', args => ['--maxmemory', '1']);

    $t->run(name => 'full', workers => 1,
        redis => 'jobruns_redis %%REDIS_full%%;');

    my $gateway = $t->nginx('full');
    my $token = random_id();

    is($t->create_run(to => $gateway, token => $token)->status, 503,
        'a creation without memory is refused');
    like($gateway->error_log, qr/answered "OOM .*raise maxmemory/,
        'error.log says how to get more memory');
    is($t->service->created($token), 0,
        'a creation without memory is not forwarded');

    $full->command('CONFIG', 'SET', 'maxmemory', '0');
    is($t->create_run(to => $gateway, token => $token)->status, 201,
        'a creation is created when there is memory again');
};

subtest 'a policy that evicts' => sub {
    my $evicting = $t->redis('evicting',
        args => ['--maxmemory-policy', 'allkeys-lru']);

    $t->allow_log(qr/maxmemory_policy of .* is "allkeys-lru"/);

    $t->run(name => 'warned', workers => 1,
        redis => 'jobruns_redis %%REDIS_evicting%%;');
    is($t->create_run(to => $t->nginx('warned'))->status, 201,
        'a Redis with a policy that evicts is used');
    like($t->nginx('warned')->error_log,
        qr/\[crit\].*is "allkeys-lru": .*set maxmemory-policy noeviction/,
        'error.log warns of a policy that evicts');

    $t->run(name => 'strict', workers => 1,
        redis => 'jobruns_redis %%REDIS_evicting%%;'
            . ' jobruns_redis_require_noeviction on;');
    is($t->create_run(to => $t->nginx('strict'))->status, 503,
        'a Redis with a policy that evicts is refused where none is allowed');

    $evicting->command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    wait_for {
        $t->create_run(to => $t->nginx('strict'))->status == 201
    } 'a creation after the policy was mended';
    pass('a Redis is used when its policy is fixed');
};

subtest 'a user with what docs/redis.md grants' => sub {
    my $acl = $t->redis('acl', tcp => 1);

    $acl->command('ACL', 'SETUSER', 'gateway', 'on', '>secret',
        JobRuns::Redis::documented_rights());
    $t->write_file('password', "secret\n");

    $t->run(name => 'acl', workers => 1,
        redis => 'jobruns_redis %%REDIS_acl%% user=gateway'
            . ' password_file=%%TESTDIR%%/password;',
        server => 'jobruns_limit rate key=tenant rate=100r/s burst=9;'
            . ' jobruns_quota day key=tenant limit=3 window=month;'
            . ' jobruns_concurrency slots key=tenant limit=9;');

    my $gateway = $t->nginx('acl');
    my $token = random_id();

    is($t->create_run(to => $gateway, token => $token)->status, 201,
        'the documented user creates a job run');
    is($t->create_run(to => $gateway, token => $token)
        ->header('opc-retry-replayed'), 'true',
        'the documented user replays a response');
    is($t->create_run(to => $gateway, stub => { status => 404 })->status,
        404, 'the documented user gives a quota back');
    is($t->create_run(to => $gateway, stub => { status => 401 })->status,
        401, 'the documented user gives all back');
    is($t->create_run(to => $gateway, token => undef)->status, 201,
        'the documented user creates without a token');
    is($t->create_run(to => $gateway)->status, 201,
        'the documented user creates the last of three job runs');
    is($t->create_run(to => $gateway)->status, 429,
        'the documented user limits the next job run');
    unlike($gateway->error_log, qr/NOPERM/,
        'the documented user was denied nothing');
};

RedisPeer::stop_all();

done_testing;


sub server {
    my ($n, $address, $failure) = @_;
    my $port = $t->port($n);

    return "server { listen 127.0.0.1:$port; jobruns on;"
        . " jobruns_redis $address; jobruns_redis_failure $failure;"
        . ' location / {'
        . ' include %%ROOT%%/conf/jobruns_proxy.conf;'
        . ' proxy_pass http://service; } }';
}

# On its first connection the first scripts get these replies; all else is the
# reply of a real server.

sub peer {
    my ($name, @replies) = @_;

    return RedisPeer->start($t, $name, sub {
        my ($c, $number) = @_;

        $c->greet or return;

        if ($number == 1) {
            $c->command && $c->write($_) for @replies;
        }

        $c->relay($real->path);
    });
}
