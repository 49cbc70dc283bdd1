#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The users that docs/redis.md shows, word for word: the gateway does its whole
# work as "gateway", people do theirs as "operator", nobody gets in as
# "default", and Redis has all of it after a restart.

use lib 't/lib';
use JobRuns;
use JobRuns::Ctl;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my @lines = JobRuns::slurp($t->root . '/docs/redis.md')
    =~ /^    (user \w+ (?:on|off).*)$/mg;

is(join(' ', map { (split)[1] } @lines), 'gateway operator default',
    'the page shows three users');
s/PASSWORD/secret/ for @lines;

$t->write_file('password', "secret\n");
$t->allow_log(qr/redis|Redis/);

my $redis = $t->redis(tcp => 1,
    args => [map { my @words = split; ('--' . shift @words, @words) } @lines]);
my $dir = $t->expand('%%TESTDIR%%');

$t->run(workers => 1,
    redis => 'jobruns_redis %%REDIS%% user=gateway'
        . ' password_file=%%TESTDIR%%/password;',
    http => 'jobruns_redis_timeout 2s;',
    server => <<'END_SERVER');
    jobruns_retry_lease 3s;
    jobruns_limit rate key=tenant rate=1000r/s burst=1000;
    jobruns_quota daily key=tenant limit=100 window=day;
    jobruns_concurrency at_once key=tenant limit=10;
END_SERVER

my @ctl = ('--yes', '--redis', $redis->address, '--redis-option',
    'user=operator', '--redis-option', "password_file=$dir/password");

eval { $redis->command('GET', 'x') };
like($@, qr/NOAUTH/, 'nobody gets in as "default"');

subtest 'gateway' => sub {
    wait_for { $t->create_run(token => 'ready')->status == 201 } 'Redis';

    # longer than a lease, so that it is renewed
    my $running = $t->start_run(token => 'running',
        stub => { wait_created => 'gate' });
    $t->service->wait_at('gate');
    my $retry = $t->start_run(token => 'running');
    select undef, undef, undef, 3.5;
    $t->service->release('gate');
    is($_->response->status, 201, 'a creation and its waiting retry get 201')
        for $running, $retry;

    is($t->create_run(token => 'failed', stub => { status => 500 })->status,
        500, 'a failure of the service is passed on');
    is($t->create_run(token => 'failed')->status, 201,
        'its retry is created');
    is($t->create_run(token => 'refused', stub => { status => 404 })->status,
        404, 'a refusal of the service is passed on');
    unlike($t->nginx->error_log, qr/NOPERM|can't run this command/,
        'Redis refuses the gateway nothing');
};

subtest 'operator' => sub {
    my $tenant = ($t->audit)[0]{data}{identity}{tenantId};
    my ($status, $text) = ctl(@ctl, 'doctor');
    is($status, 0, 'doctor finds all fit') or diag($text);

    ($status, $text) = ctl(@ctl, '--tenant', $tenant, 'tenant', 'set',
        'daily.limit', '0');
    is($status, 0, 'tenant set works') or diag($text);
    is($t->create_run(token => 'blocked')->status, 429,
        'the override takes effect');

    for my $verb ('tenant show', 'tenant unset daily.limit',
        'tenant reset daily', 'inflight')
    {
        ($status, $text) = ctl(@ctl, '--tenant', $tenant, split ' ', $verb);
        unlike($text, qr/NOPERM/, "$verb works");
    }
};

subtest 'a restart of Redis' => sub {
    my $asked = $t->service->asked;

    $redis->stop;
    $redis->start;
    wait_for { $t->create_run(token => random_id)->status == 201 } 'Redis';
    is($t->create_run(token => $_)->header('opc-retry-replayed'), 'true',
        "token $_ is replayed") for qw(ready running failed);
    unlike(JobRuns::slurp("$redis->{dir}/redis.log"), qr/AOF-loading-client/,
        'the append-only file is read whole');
};

done_testing;
