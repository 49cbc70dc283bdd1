#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The gateway uses Redis Sentinel: the master is found, a failover is
# followed, at once when it is announced, and under load with the master
# killed.  What failed is retried with its token, as SDKs do; the service
# honours tokens, since a failover may lose a claim.

use lib 't/lib';

use Time::HiRes qw(time);

use JobRuns;
use Outage;
use RedisPeer;
use RedisSentinel;

my $t = JobRuns->new;

END { RedisPeer::stop_all() }

my $main = RedisSentinel->start($t, name => 'main');

my $nginx = $t->run(workers => 1,
    redis => 'jobruns_redis ' . $main->address . ';',
    http => Outage::TIMEOUTS);
my $outage = Outage->new($t,
    tenants => [map { "ocid1.tenancy.oc1..sentinel$_" } 1 .. 8]);

# a failover resets connections, this test's too

sub commands {
    my ($redis) = @_;
    eval { $redis->command('PING') };
    return $redis->command('INFO', 'commandstats');
}

is($outage->round, 0, 'no request fails with a master found by sentinels');
like(commands($main->master), qr/cmdstat_evalsha/, 'the master is used');
unlike(commands($main->replica), qr/cmdstat_evalsha/,
    'the replica is not used');

# the sentinels at which NGINX has subscribed

sub watched { return grep { watches($_) } $main->sentinels }
sub watches { return $_[0]->command('CLIENT', 'LIST')
    =~ /name=nginx-\S+ .* sub=1 / }

wait_for { watched() == 1 } 'a subscription to +switch-master';
pass('the gateway listens to one sentinel');

subtest 'a failover that is asked for' => sub {
    my ($old, $new) = ($main->master, $main->replica);

    ($main->sentinels)[0]->command('SENTINEL', 'FAILOVER', 'main');
    wait_for { $main->master == $new } 'the failover', 30;
    $t->wait_log(qr/the master is now 127\.0\.0\.1:$new->{port}/);
    pass('the gateway acts upon the announcement');

    $outage->well(time);
    like(commands($new), qr/cmdstat_evalsha/,
        'the new master is used after a failover');
    $main->wait_link($old);
};

subtest 'the sentinel that is listened to falls silent' => sub {
    my ($listened) = watched();

    $listened->pause;
    my @others = grep { $_ != $listened } $main->sentinels;
    wait_for { grep { watches($_) } @others } 'another one to be listened to';
    is($outage->round, 0, 'no request fails when a sentinel falls silent');
    $listened->resume;
    pass('the silent sentinel is resumed');
};

subtest 'the master is killed under load' => sub {
    my ($dead, $new) = ($main->master, $main->replica);
    $outage->forget;

    my $then = time;
    $dead->kill;
    my $took = $outage->well($then);

    is($main->master, $new, 'the replica of a killed master has taken over');
    cmp_ok($took, '<', 30, 'the gateway has recovered from a killed master');
    $outage->tell('a killed master', $took);

    $dead->start;
    wait_for {
        (eval { $dead->command('INFO', 'replication') } // '') =~ /role:slave/
    } 'the old master to follow', 90;
    is($outage->round, 0, 'the old master, back as a replica, is not used');
};

is(join(' ', $outage->wrong), '', 'every token has one job run');

subtest 'the master is unknown to all sentinels' => sub {
    my @at = map { $_->address } $main->sentinels;
    my $gateway = $t->run(name => 'unknown', workers => 1,
        redis => "jobruns_redis sentinel:nobody @at;");

    is($t->create_run(to => $gateway)->status, 503,
        'a creation with an unknown master is refused');
    like($gateway->error_log, qr/no sentinel reports .* of master "nobody"/,
        'error.log reports an unknown master');
    like($gateway->error_log, qr/no such master; check/,
        'error.log says why the master is unknown');
};

subtest 'a sentinel that lies' => sub {
    my $peer = RedisPeer->start($t, 'liar', sub {
        my ($c) = @_;
        $c->greet or return;
        while (my @words = $c->command) {
            my @master = ("\e[2J\n2026/01/01 00:00:00 [warn]", 1);
            $c->write($words[0] eq 'SENTINEL'
                ? '*2' . join('', map { "\r\n\$" . length($_) . "\r\n$_" }
                    @master) . "\r\n" : "-ERR\e[0m no\r\n") or return;
        }
    }, tcp => 1);
    my $gateway = $t->run(name => 'lied', workers => 1,
        redis => 'jobruns_redis sentinel:main ' . $peer->address . ';');

    is($t->create_run(to => $gateway)->status, 503,
        'a creation with a sentinel that lies is refused');
    like($gateway->error_log, qr/reports the master "\?\[2J\?2026\S+ /,
        'error.log reports a sentinel that lies in one line');
    unlike($gateway->error_log, qr/[^\n\x20-\x7e]/,
        'error.log has nothing but text of a sentinel that lies');
};

subtest 'sentinels that want a password' => sub {
    my ($one) = $main->sentinels;
    my ($rules) = JobRuns::slurp($t->root . '/docs/redis.md')
        =~ /^  `(&\+switch-master .*)`\.$/m;
    $one->command('ACL', 'SETUSER', 'gateway', 'on', '>secret',
        split ' ', $rules);
    $one->command('ACL', 'SETUSER', 'default', 'resetpass', '>another');
    $t->write_file('sentinel.pass', "secret\n");
    my $pass = $t->testdir . '/sentinel.pass';
    my $address = 'sentinel:main ' . $one->address;

    my $gateway = $t->run(name => 'password', workers => 1, redis =>
        "jobruns_redis $address sentinel_user=gateway "
        . "sentinel_password_file=$pass;");
    is($t->create_run(to => $gateway)->status, 201,
        "a creation with the sentinels' password is created");

    $gateway = $t->run(name => 'none', workers => 1,
        redis => "jobruns_redis $address;");
    is($t->create_run(to => $gateway)->status, 503,
        "a creation without the sentinels' password is refused");
    like($gateway->error_log, qr/NOAUTH/,
        'error.log reports the missing password');
};

subtest 'configuration' => sub {
    for my $case (
        ['sentinel:', qr/needs the master's name/],
        ['sentinel:main', qr/needs addresses of sentinels/],
        ['sentinel:main db=1', qr/needs addresses of sentinels/],
        ['127.0.0.1:1 sentinel_user=x', qr/needs "sentinel:NAME"/],
        ['sentinel:main 127.0.0.1:1 sentinel_user=x',
            qr/needs "sentinel_password_file="/],
        ['sentinel:main 127.0.0.1:1 sentinel_tls_name=x',
            qr/needs "sentinel_tls"/],
    ) {
        my ($ok, $output) = $t->check_config(
            redis => "jobruns_redis $case->[0];");
        ok(!$ok, "nginx -t refuses: $case->[0]");
        like($output, $case->[1], "nginx -t has a remedy: $case->[0]");
    }
};

done_testing;
