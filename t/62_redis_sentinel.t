#!/usr/bin/perl

# Redis Sentinel: the master is found, a failover is followed, at once when
# it is announced, and under load with the master killed.  What failed is
# retried with its token, as SDKs do; the service honours tokens, since a
# failover may lose a claim.

use lib 't/lib';
use JobRuns;
use RedisSentinel;
use Time::HiRes qw(sleep time);

my $t = JobRuns->new;
my $main = RedisSentinel->start($t, name => 'main');

my $nginx = $t->run(workers => 1,
    redis => 'jobruns_redis ' . $main->address . ';',
    http => 'jobruns_redis_timeout 500ms; jobruns_redis_connect_timeout 200ms;'
        . 'jobruns_retry_lease 3s; jobruns_retry_wait 1s;');

# Asking twice for the claim, waiting behind another attempt, asking the
# service and keeping its answer; and the machine may be busy.
my $longest = 2 * 0.5 + 1 + 0.5 + 0.5 + 2;

my (%open, @tokens);
my ($slowest, $asked, $failed) = (0, 0, 0);

# up to eight new tokens, and again those that have not succeeded; how many
# failed

sub round {
    my @new = map { my $n = @tokens; push @tokens, "s-$n"; "s-$n" }
        1 .. (keys %open > 40 ? 0 : 8);
    my @r = map { { token => $_, at => time,
        client => $t->start_run(token => $_) } } @new, sort keys %open;
    my $failures = 0;

    for my $r (@r) {
        my $answer = $r->{client}->response;
        my $took = time - $r->{at};
        $slowest = $took if $took > $slowest;
        $r->{client}->close;
        $asked++;
        delete $open{$r->{token}};
        next if $answer->status == 201;
        $failures++;
        $open{$r->{token}} = 1;
    }
    $failed += $failures;
    sleep 0.1 if $failures;             # as clients do

    return $failures;
}

# a failover resets connections, this test's too

sub commands {
    my ($redis) = @_;
    eval { $redis->command('PING') };
    return $redis->command('INFO', 'commandstats');
}

is(round(), 0, 'the master is found');
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

    wait_for { !round() } 'all to succeed', 30;
    like(commands($new), qr/cmdstat_evalsha/, 'the new master is used');
    $main->wait_link($old);
};

subtest 'the sentinel that is listened to falls silent' => sub {
    my ($listened) = watched();

    $listened->pause;
    my @others = grep { $_ != $listened } $main->sentinels;
    wait_for { grep { watches($_) } @others } 'another one to be listened to';
    is(round(), 0, 'no request notices');
    $listened->resume;
    pass('it is resumed');
};

subtest 'the master is killed under load' => sub {
    my ($dead, $new) = ($main->master, $main->replica);
    ($slowest, $asked, $failed) = (0, 0, 0);

    my $then = time;
    $dead->kill;
    wait_for { !round() } 'all to succeed', 60;
    my $took = time - $then;

    is($main->master, $new, 'its replica has taken over');
    cmp_ok($slowest, '<', $longest, 'no request took longer than that');
    cmp_ok($took, '<', 30, 'recovered');
    diag(sprintf 'a killed master: %d requests, %d failed; slowest %.2f s; '
        . 'recovered in %.2f s', $asked, $failed, $slowest, $took);

    $dead->start;
    wait_for {
        (eval { $dead->command('INFO', 'replication') } // '') =~ /role:slave/
    } 'the old master to follow', 30;
    is(round(), 0, 'the old master, back as a replica, is not used');
};

my $made = $t->service->ledger->{by_token};
my @twice = grep { ($made->{$_}{creations} // 0) != 1 } @tokens;
is("@twice", '', 'every token has made one run');

subtest 'nobody knows the master' => sub {
    my @at = map { $_->address } $main->sentinels;
    my $gateway = $t->run(name => 'unknown', workers => 1,
        redis => "jobruns_redis sentinel:nobody @at;");

    is($t->create_run(to => $gateway)->status, 503, 'refused');
    like($gateway->error_log, qr/no sentinel tells where master "nobody" is/,
        'told');
    like($gateway->error_log, qr/it knows none; check the name/, 'and why');
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
