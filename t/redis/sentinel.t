#!/usr/bin/perl

# Redis Sentinel: the master is found, a failover is followed, at once when
# it is announced, and under load with the master killed.  What failed is
# retried with its token, as SDKs do; the service honours tokens, since a
# failover may lose a claim.

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

is($outage->round, 0, 'the master is found');
like(commands($main->master), qr/cmdstat_evalsha/, 'and it is the one used');
unlike(commands($main->replica), qr/cmdstat_evalsha/, 'not its replica');

# the sentinels at which NGINX has subscribed

sub watched { return grep { watches($_) } $main->sentinels }
sub watches { return $_[0]->command('CLIENT', 'LIST')
    =~ /name=nginx-\S+ .* sub=1 / }

wait_for { watched() == 1 } 'a subscription to +switch-master';
pass('one sentinel is listened to');

subtest 'a failover that is asked for' => sub {
    my ($old, $new) = ($main->master, $main->replica);

    ($main->sentinels)[0]->command('SENTINEL', 'FAILOVER', 'main');
    wait_for { $main->master == $new } 'the failover', 30;
    $t->wait_log(qr/the master is 127\.0\.0\.1:$new->{port} now/);
    pass('the announcement is acted upon');

    $outage->well(time);
    like(commands($new), qr/cmdstat_evalsha/, 'the new master is used');
    $main->wait_link($old);
};

subtest 'the sentinel that is listened to falls silent' => sub {
    my ($listened) = watched();

    $listened->pause;
    my @others = grep { $_ != $listened } $main->sentinels;
    wait_for { grep { watches($_) } @others } 'another one to be listened to';
    is($outage->round, 0, 'no request notices');
    $listened->resume;
    pass('it is resumed');
};

subtest 'the master is killed under load' => sub {
    my ($dead, $new) = ($main->master, $main->replica);
    $outage->forget;

    my $then = time;
    $dead->kill;
    my $took = $outage->well($then);

    is($main->master, $new, 'its replica has taken over');
    cmp_ok($took, '<', 30, 'recovered');
    $outage->tell('a killed master', $took);

    $dead->start;
    wait_for {
        (eval { $dead->command('INFO', 'replication') } // '') =~ /role:slave/
    } 'the old master to follow', 30;
    is($outage->round, 0, 'the old master, back as a replica, is not used');
};

is(join(' ', $outage->wrong), '', 'every token has made one run');

subtest 'nobody knows the master' => sub {
    my @at = map { $_->address } $main->sentinels;
    my $gateway = $t->run(name => 'unknown', workers => 1,
        redis => "jobruns_redis sentinel:nobody @at;");

    is($t->create_run(to => $gateway)->status, 503, 'refused');
    like($gateway->error_log, qr/no sentinel tells where master "nobody" is/,
        'told');
    like($gateway->error_log, qr/it knows none; check the name/, 'and why');
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

    is($t->create_run(to => $gateway)->status, 503, 'refused');
    like($gateway->error_log, qr/a sentinel names the master "\?\[2J\?2026\S+ /,
        'told in one line');
    unlike($gateway->error_log, qr/[^\n\x20-\x7e]/, 'that has only text');
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
    is($t->create_run(to => $gateway)->status, 201, 'with it');

    $gateway = $t->run(name => 'none', workers => 1,
        redis => "jobruns_redis $address;");
    is($t->create_run(to => $gateway)->status, 503, 'without it');
    like($gateway->error_log, qr/NOAUTH/, 'told');
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
        ok(!$ok, "$case->[0] is refused");
        like($output, $case->[1], 'with a remedy');
    }
};

done_testing;
