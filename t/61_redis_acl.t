#!/usr/bin/perl

# Users of Redis that may not TIME or INFO.  Without INFO admissions have their
# deadline all the same; without TIME nothing is created, and the line says
# what to grant.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my ($grants) = JobRuns::slurp($t->root . '/docs/redis.md')
    =~ /`(~jobruns:\* [^`]+)`/;

$t->allow_log(qr/redis|Redis/);
$t->write_file('password', "secret\n");

my $redis = $t->redis(tcp => 1);

sub gateway {
    my ($user, @without) = @_;

    $redis->command('ACL', 'SETUSER', $user, 'on', '>secret',
        split(' ', $grants), @without);

    return $t->run(name => $user, workers => 1,
        redis => "jobruns_redis %%REDIS%% user=$user"
            . ' password_file=%%TESTDIR%%/password;',
        http => 'jobruns_redis_timeout 500ms;',
        server => <<'END_SERVER');
    jobruns_retry_lease 3s;
    jobruns_retry_unknown refuse;
    jobruns_quota all key=tenant limit=100000 window=month;
END_SERVER
}

subtest 'without INFO' => sub {
    my $gateway = gateway('uninformed', '-info');
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

subtest 'without TIME' => sub {
    my $gateway = gateway('timeless', '-time');
    my $asked = $t->service->asked;

    $redis->command('FLUSHALL');
    is($t->create_run(to => $gateway, token => 'timeless')->status, 503,
        'refused') for 1 .. 2;
    is($t->service->asked, $asked, 'nothing is forwarded');
    is(scalar $redis->keys('*'), 0, 'nothing is written');
    like($gateway->error_log,
        qr/\[error\].* refused TIME, .* \+time, .*redis\.md/,
        'the line names what to grant');

    $redis->command('ACL', 'SETUSER', 'timeless', '+time');
    is($t->create_run(to => $gateway, token => 'timeless')->status, 201,
        'granted: created');
};

done_testing;
