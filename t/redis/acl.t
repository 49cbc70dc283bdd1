#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Users of Redis may lack TIME or INFO.  Without INFO admissions have their
# deadline all the same; without TIME nothing is created, and error.log says
# what to grant.  A Redis that refuses is not out of reach: other gateways
# work with it, so jobruns_redis_failure allow changes nothing.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my @rights = JobRuns::Redis::documented_rights();

$t->allow_log(qr/redis|Redis/);
$t->write_file('password', "secret\n");

my $redis = $t->redis(tcp => 1);

my @users;

sub gateway {
    my ($user, $failure, @without) = @_;

    push @users, $user;
    $redis->command('ACL', 'SETUSER', $user, 'on', '>secret',
        @rights, @without);

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

    # after Redis has stood still no admission is carried out any more
    $redis->pause;
    my @stalled = map { $t->start_run(to => $gateway, token => "stall-$_") }
        1 .. $n;
    my %status;
    $status{$_->response->status}++ for @stalled;
    is_deeply(\%status, { 503 => $n },
        'requests to a Redis that stands still are refused');
    select undef, undef, undef, 4;
    $redis->resume;

    wait_for { $t->create_run(to => $gateway)->status == 201 } 'Redis again';
    my $others = $t->service->asked - $asked;

    wait_for {
        !grep { ($redis->field($_, 's') // '') eq 'c' }
            $redis->keys('*:v1:token:*')
    } 'no claim to be left';
    %status = ();
    $status{$t->create_run(to => $gateway, token => "stall-$_")->status}++
        for 1 .. $n;
    is_deeply(\%status, { 201 => $n },
        'each retry without INFO is a first attempt');
    is($t->service->asked, $asked + $others + $n,
        'each retry without INFO has one job run');
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
            'another gateway creates a job run');
        my $running = $t->start_run(to => $informed, token => 'running',
            stub => { wait_created => $gate });
        $t->service->wait_at($gate);

        my @keys = sort $redis->keys('*');
        for my $token (qw(new done running)) {
            my $refused = $t->create_run(to => $gateway, token => $token);
            is($refused->status . ' ' . $refused->code,
                '503 ServiceUnavailable',
                "$token: a request without TIME is refused");
            is($refused->header('retry-after'), 1,
                "$token: a request without TIME gets Retry-After");
        }
        is($t->service->asked, 2, 'no request without TIME is forwarded');
        is_deeply([sort $redis->keys('*')], \@keys,
            'no request without TIME writes a key');
        like($gateway->error_log,
            qr/\[error\].* refused TIME, .* \+time, .*redis\.md/,
            'error.log names TIME as the command to grant');

        $t->service->release($gate);
        is($running->response->status, 201,
            'the attempt of another gateway is created');

        $redis->command('ACL', 'SETUSER', $user, '+time');
        is($t->create_run(to => $gateway, token => 'new')->status, 201,
            'a request is created when TIME is granted');
        is($t->create_run(to => $gateway, token => $_)
            ->header('opc-retry-replayed'), 'true',
            "token $_ is replayed when TIME is granted")
            for qw(done running);
        is($t->service->asked, 3, 'one job run is created for each token');
    };
}

# A password that was changed is not an outage either; a Redis that is away is
# one.

subtest 'a wrong password: allow' => sub {
    my $gateway = gateway('rotated', 'allow');

    $redis->command('FLUSHALL');
    $t->service->reset;
    is($t->create_run(to => $gateway, token => 'mine')->status, 201,
        'a request with an accepted password is created');

    $redis->command('ACL', 'SETUSER', 'rotated', 'resetpass', '>other');
    $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for my $token ('mine', 1 .. 20) {
        is($t->create_run(to => $gateway, token => $token)->status, 503,
            "a request with a wrong password is refused, token $token");
    }
    is($t->service->asked, 1, 'no request with a wrong password is forwarded');

    $redis->stop;
    wait_for {
        $t->create_run(to => $gateway, token => random_id)->status == 201
    } 'Redis to be found away, where that is allowed';
    pass('a request is forwarded when Redis is away');

    $redis->start;
    # the others still have to take something back, and end with that
    $redis->command('ACL', 'SETUSER', $_, 'on', '>secret',
        @rights) for @users;
    wait_for {
        ($t->create_run(to => $gateway, token => 'mine')
            ->header('opc-retry-replayed') // '') eq 'true'
    } 'the gateway to be accepted again';
    pass('the retry is replayed when the password is accepted again');
};

done_testing;
