#!/usr/bin/perl

# Users of Redis that may not TIME or INFO.  Without INFO admissions have their
# deadline all the same; without TIME nothing is created, and the line says
# what to grant.  A Redis that refuses is not out of reach: others work with
# it, so jobruns_redis_failure allow changes nothing.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my ($grants) = JobRuns::slurp($t->root . '/docs/redis.md')
    =~ /`(~jobruns:\* [^`]+)`/;

$t->allow_log(qr/redis|Redis/);
$t->write_file('password', "secret\n");

my $redis = $t->redis(tcp => 1);

my @users;

sub gateway {
    my ($user, $failure, @without) = @_;

    push @users, $user;
    $redis->command('ACL', 'SETUSER', $user, 'on', '>secret',
        split(' ', $grants), @without);

    return $t->run(name => $user, workers => 1,
        redis => "jobruns_redis %%REDIS%% user=$user"
            . ' password_file=%%TESTDIR%%/password;',
        http => 'jobruns_redis_timeout 500ms;'
            . "jobruns_redis_failure $failure;",
        server => <<'END_SERVER');
    jobruns_retry_lease 3s;
    jobruns_retry_unknown refuse;
    jobruns_quota all key=tenant limit=100000 window=month;
END_SERVER
}

subtest 'without INFO' => sub {
    my $gateway = gateway('uninformed', 'deny', '-info');
    my $n = 10;

    wait_for { $t->create_run(to => $gateway)->status == 201 } 'a connection';
    my $asked = $t->service->asked;

    # behind a Redis that stood still nothing is carried out any more
    $redis->pause;
    my @stalled = map { $t->start_run(to => $gateway, token => "stall-$_") }
        1 .. $n;
    my %status;
    $status{$_->response->status}++ for @stalled;
    is_deeply(\%status, { 503 => $n }, 'Redis stands still: refused');
    select undef, undef, undef, 4;
    $redis->resume;

    wait_for { $t->create_run(to => $gateway)->status == 201 } 'Redis again';
    my $others = $t->service->asked - $asked;

    wait_for {
        !grep { ($redis->command('HGET', $_, 's') // '') eq 'c' }
            $redis->keys('*:v1:token:*')
    } 'no claim to be left';
    %status = ();
    $status{$t->create_run(to => $gateway, token => "stall-$_")->status}++
        for 1 .. $n;
    is_deeply(\%status, { 201 => $n }, 'each retry is a first attempt');
    is($t->service->asked, $asked + $others + $n, 'one run for each');
};

# others create with the same Redis, and have an attempt under way
my $informed = gateway('informed', 'deny');

for my $failure (qw(deny allow)) {
    subtest "without TIME: $failure" => sub {
        my $user = "timeless-$failure";
        my $gateway = gateway($user, $failure, '-time');
        my $gate = "gate-$failure";

        $redis->command('FLUSHALL');
        $t->service->reset;
        is($t->create_run(to => $informed, token => 'done')->status, 201,
            'another gateway creates');
        my $running = $t->start_run(to => $informed, token => 'running',
            stub => { wait_created => $gate });
        $t->service->wait_at($gate);

        my @keys = sort $redis->keys('*');
        for my $token (qw(new done running)) {
            my $refused = $t->create_run(to => $gateway, token => $token);
            is($refused->status . ' ' . $refused->code,
                '503 ServiceUnavailable', "$token: refused");
            is($refused->header('retry-after'), 1, "$token: comes back");
        }
        is($t->service->asked, 2, 'nothing is forwarded');
        is_deeply([sort $redis->keys('*')], \@keys, 'nothing is written');
        like($gateway->error_log,
            qr/\[error\].* refused TIME, .* \+time, .*redis\.md/,
            'the line names what to grant');

        $t->service->release($gate);
        is($running->response->status, 201, 'the other attempt ends');

        $redis->command('ACL', 'SETUSER', $user, '+time');
        is($t->create_run(to => $gateway, token => 'new')->status, 201,
            'granted: created');
        is($t->create_run(to => $gateway, token => $_)
            ->header('opc-retry-replayed'), 'true', "granted: $_ is replayed")
            for qw(done running);
        is($t->service->asked, 3, 'one run for each token');
    };
}

# A password that was changed is no outage either; a Redis that is away is one.

subtest 'a wrong password: allow' => sub {
    my $gateway = gateway('rotated', 'allow');

    $redis->command('FLUSHALL');
    $t->service->reset;
    is($t->create_run(to => $gateway, token => 'mine')->status, 201,
        'accepted: created');

    $redis->command('ACL', 'SETUSER', 'rotated', 'resetpass', '>other');
    $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for my $token ('mine', 1 .. 20) {
        is($t->create_run(to => $gateway, token => $token)->status, 503,
            "denied, token $token: refused");
    }
    is($t->service->asked, 1, 'nothing is forwarded');

    $redis->stop;
    wait_for {
        $t->create_run(to => $gateway, token => random_id)->status == 201
    } 'Redis to be found away, where that is allowed';
    pass('away: forwarded');

    $redis->start;
    # the others still have to take something back, and end with that
    $redis->command('ACL', 'SETUSER', $_, 'on', '>secret',
        split(' ', $grants)) for @users;
    wait_for {
        ($t->create_run(to => $gateway, token => 'mine')
            ->header('opc-retry-replayed') // '') eq 'true'
    } 'the gateway to be accepted again';
    pass('accepted again: replayed');
};

done_testing;
