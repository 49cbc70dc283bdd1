#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobrunsctl sets overrides that end, lists those of all tenants, and says
# which names there are.

use lib 't/lib';

use JobRuns;
use JobRuns::Clock;
use JobRuns::Ctl;
use RedisCluster;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');
my $noon = 12 * 3600 - time % 86400;    # an hour later it is the same day
$clock->wrong_by($noon);
my $redis = $clock->run(sub { $t->redis });

$t->run(workers => 1, server => <<'END');
    jobruns_quota daily key=tenant limit=1 window=day;
    jobruns_limit per_tenant key=tenant rate=100r/s burst=100;
END

my @redis = ('--redis', $redis->address);
my @conf = ('--conf', $t->testdir . '/nginx.conf');
my @tenant = (@conf, '--tenant', 'a');
my $key = 'jobruns:{a}:limits';

sub now { return $redis->command('TIME')->[0] }
sub field { return $redis->command('HGET', $key, $_[0] // 'daily.limit') }

sub ends {
    my ($ends) = (field() // '') =~ /^\d+ until (\d+)$/;
    return $ends;
}

sub status_of {
    my ($expected, $said, $what, @args) = @_;

    my ($status, $text) = ctl(@args);
    is($status, $expected, "$what exits with $expected");
    like($text, $said, "$what says so");
    return $text;
}

# not over midnight
wait_for { now() % 86400 < 86390 } 'a day that goes on';

# ---------------------------------------------------------------- set, --until

status_of(0, qr/^value\s+20000 until \d{4}-\d\d-\d\dT00:00:00Z$/m,
    'tenant set --until today', @tenant,
    qw(tenant set daily.limit 20000 --until today));
is(ends(), now() - now() % 86400 + 86400, 'today ends at midnight in UTC');

my $before = now();
status_of(0, qr/20000 until/, 'tenant set --until +4h', @tenant,
    qw(tenant set daily.limit 20000 --until +4h));
ok(ends() >= $before + 4 * 3600 && ends() <= now() + 4 * 3600,
    '+4h ends four hours later by the clock of Redis');

status_of(0, qr/until 2090-01-02T03:04:05Z/, 'tenant set --until TIME',
    @tenant, qw(tenant set daily.limit 5 --until 2090-01-02T03:04:05Z));
is(field(), '5 until 3787009445', 'a time is stored as seconds');

status_of(2, qr/must be "today", a time from now as "\+4h"/,
    "tenant set --until $_", @tenant,
    qw(tenant set daily.limit 5 --until), $_)
    for 'tomorrow', '+4', '2020-01-01T00:00:00Z';
is(field(), '5 until 3787009445', 'an invalid end changes nothing');
status_of(2, qr/--until is for "tenant set"/, '--until of another verb',
    @tenant, qw(--until today tenant unset daily.limit));

status_of(0, qr/^value\s+7$/m, 'tenant set without an end', @tenant,
    qw(tenant set per_tenant.burst 7));
is(field('per_tenant.burst'), 7, 'an override may have no end');
is($redis->command('TTL', $key), -1, 'the key itself does not end');

$redis->command('HSET', $key, 'old.limit', '5 until 1000');
status_of(0, qr/per_tenant\.burst/, 'tenant unset', @tenant,
    qw(tenant unset per_tenant.burst));
is_deeply($redis->command('HKEYS', $key), ['daily.limit'],
    'tenant unset deletes the override, and those that have ended');

# ----------------------------------------------------- in force until its end

sub post {
    return $t->create_run(tenancy => 'a', token => undef)->status;
}

status_of(0, qr/3 until/, 'a quota of three for an hour', @tenant,
    qw(tenant set daily.limit 3 --until +1h));
$redis->command('HSET', $key, 'per_tenant.burst', 90);
is(join(' ', map { post() } 1 .. 4), '201 201 201 429',
    'an override is in force until its end');
my ($shown) = grep { $_->{limit} eq 'daily' }
    @{ctl_json(@tenant, qw(tenant show))};
like($shown->{override}, qr/^limit 3 until \d{4}-.*Z$/,
    'tenant show has the end of an override');

$redis->command('HSET', $key, 'daily.limit', '100 until ' . (now() + 3600));
is(post(), 201, 'another override takes its place');
$clock->wrong_by($noon + 3601);
wait_for { now() > ends() } 'the clock of Redis to pass the end';
is(post(), 429, 'an override that has ended is not in force');
unlike($t->nginx->error_log, qr/override/,
    'error.log does not complain of an override that has ended');
($shown) = grep { $_->{limit} eq 'daily' }
    @{ctl_json(@tenant, qw(tenant show))};
like($shown->{override}, qr/^limit 100 ended \d{4}-/,
    'tenant show says that an override has ended');
$clock->wrong_by($noon);
wait_for { now() < ends() } 'the clock to go back';

# ------------------------------------------------------------------------ list

$redis->command('HSET', 'jobruns:{b}:limits', 'daily.limit', '9 until 1000',
    'per_tenant.rate', 'none', 'gone.limit', 5, 'daily.rate', 5,
    'daily.limits', 5, 'per_tenant.burst', 'many');
$redis->command('HSET', 'jobruns:{b.c}:limits', 'daily.limit', 1);
$redis->command('SET', 'jobruns:{c}:limits', 'x');
$redis->command('HSET', 'other:{d}:limits', 'daily.limit', 1);
$redis->command('HSET', 'jobruns:{big}:limits', map { ("x$_.limit", 1) }
    1 .. 3000);

my @rows = map { [@{$_}{qw(tenant override state)}] }
    grep { $_->{override} !~ /^x/ } @{ctl_json(@conf, qw(tenant list))};
is_deeply(\@rows, [
    ['a', 'daily.limit', 'in force'],
    ['a', 'per_tenant.burst', 'in force'],
    ['b', 'daily.limit', 'ended'],
    ['b', 'daily.limits', 'invalid, ignored'],
    ['b', 'daily.rate', 'no such limit'],
    ['b', 'gone.limit', 'no such limit'],
    ['b', 'per_tenant.burst', 'invalid, ignored'],
    ['b', 'per_tenant.rate', 'in force'],
    ['b.c', 'daily.limit', 'in force'],
    ['big', '*', 'invalid, ignored'],
    ['c', '*', 'invalid, ignored'],
], 'tenant list has the overrides of all tenants, and what they are');
my ($one) = grep { $_->{override} eq 'daily.limit' }
    @{ctl_json(@redis, '--tenant', 'a', qw(tenant list))};
is($one->{value}, 100, 'tenant list of one tenant has the value');
like($one->{until}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    'tenant list has the end');
is_deeply([map { $_->{override} } @{ctl_json(@redis, '--tenant', 'nobody',
    qw(tenant list))}], [], 'tenant list of a tenant without any is empty');
status_of(0, qr/^TENANT +OVERRIDE +VALUE +UNTIL +STATE$/m, 'tenant list',
    @redis, qw(tenant list));

# ----------------------------------------------------------------------- names

my $said = status_of(2, qr/nginx\.conf" has no limit with "dayly\.limit"/,
    'tenant set of a name that is not configured', @tenant,
    qw(tenant set dayly.limit 5));
like($said, qr/: daily\.limit, per_tenant\.rate, per_tenant\.burst$/m,
    'tenant set says what there is');
status_of(2, qr/has no limit with "daily\.rate"/,
    'tenant set of what the limit does not have', @tenant,
    qw(tenant set daily.rate 5));
status_of(0, qr/warning: .* "dayly" .* not known; .*--conf.*^value\s+5$/ms,
    'tenant set without a configuration', @redis,
    qw(--tenant e tenant set dayly.limit 5));
status_of(0, qr/dayly/, 'tenant unset of what is not configured', @conf,
    qw(--tenant e tenant unset dayly.limit));

# --------------------------------------------------------------------- cluster

subtest 'a cluster' => sub {
    my $cluster = RedisCluster->start($t);
    my @cluster = ('--redis', $cluster->address);

    for (1 .. 12) {
        my ($status) = ctl(@cluster, '--tenant', "t$_", 'tenant', 'set',
            'daily.limit', $_, '--until', '+1h');
        is($status, 0, "tenant set of tenant $_ exits with 0");
    }
    my $rows = ctl_json(@cluster, qw(tenant list));
    is_deeply([sort map { "$_->{tenant} $_->{value} $_->{state}" } @$rows],
        [sort map { "t$_ $_ in force" } 1 .. 12],
        'tenant list has the tenants of all nodes');
};

done_testing;
