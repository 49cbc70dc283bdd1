#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobrunsctl lists over all tenants: who has used most of which limit, and the
# tokens whose outcome is unknown.

use lib 't/lib';

use JobRuns;
use JobRuns::Ctl;
use RedisCluster;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my %config = (workers => 1, server => <<'END');
    jobruns_limit per_tenant key=tenant    rate=1r/h burst=9;
    jobruns_quota daily      key=workspace limit=20 window=day;
    jobruns_quota monthly    key=workspace limit=100 window=month;
    jobruns_concurrency once key=tenant    limit=4;
    jobruns_retry_lease 3s;
END
my $nginx = $t->run(%config);
my $redis = $t->redis;
my $service = $t->service;
my @redis = ('--redis', $redis->address);
my @conf = ('--conf', $t->testdir . '/nginx.conf');

sub create {
    my ($tenancy, $token, %opt) = @_;
    return $t->create_run(tenancy => $tenancy, token => $token, %opt);
}

sub refused {
    my ($said, $what, @args) = @_;

    my ($status, $text) = ctl(@args);
    is($status, 2, "$what exits with 2");
    like($text, $said, "$what says why");
}

# ------------------------------------------------------------------ tenant top

# not over midnight
wait_for { time % 86400 < 86390 } 'a day that goes on';

sub top {
    return map { join ' ', map { $_ // '-' }
        @{$_}{qw(share tenant limit kind used inForce)} } @_;
}

is_deeply(ctl_json(@conf, qw(tenant top)), [],
    'tenant top of nothing is empty');

is(create('a', undef, workspace => 'w')->status, 201, 'tenant a creates')
    for 1 .. 2;
is(create('b', undef, workspace => 'w')->status, 201, 'tenant b creates')
    for 1 .. 8;
my @slow = map { $t->start_run(tenancy => 'a', token => undef, workspace => 'v',
    stub => { wait_read => 'top' }) } 1 .. 3;
$service->wait_at('top', 3);

my $rows = ctl_json(@conf, qw(tenant top));
# the backlog of a rate is worked off, a little
$_->{used} = int $_->{used} + 0.5 for @$rows;
is_deeply([top(@$rows)], [
    '80% b per_tenant rate 8 10',
    '75% a once concurrency 3 4',
    '50% a per_tenant rate 5 10',
    '40% b daily quota 8 20',
    '15% a daily quota 3 20',
    '10% a daily quota 2 20',
    '8% b monthly quota 8 100',
    '3% a monthly quota 3 100',
    '2% a monthly quota 2 100',
], 'tenant top has who has used most of which limit');
is($rows->[4]{of}, 'v', 'tenant top says of what');
cmp_ok($rows->[3]{resetsInMs}, '<=', 86_400_000,
    'tenant top says when it is reset');
is($rows->[1]{resetsInMs}, undef, 'a slot has no time at which it is free');

is_deeply([map { "$_->{tenant} $_->{limit}" }
    @{ctl_json(@conf, qw(tenant top 2))}], ['b per_tenant', 'a once'],
    'tenant top 2 has the first two');
is_deeply([map { $_->{tenant} } @{ctl_json(@conf, '--tenant', 'b',
    qw(tenant top))}], ['b', 'b', 'b'],
    'tenant top of one tenant has only that one');

$redis->command('HSET', 'jobruns:{b}:limits', 'per_tenant.burst', 99,
    'daily.limit', '8 until 99999999999');
$redis->command('HSET', 'jobruns:{a}:limits', 'daily.limit', '3 until 1000',
    'once.limit', 'many');
$rows = ctl_json(@conf, qw(tenant top));
is((grep { /b daily quota/ } top(@$rows))[0], '100% b daily quota 8 8',
    'an override takes the place of the configured limit');
is((grep { /b per_tenant/ } map { s/\.\d+//r } top(@$rows))[0] =~ s/ 7 / 8 /r,
    '8% b per_tenant rate 8 100', 'so does one of a burst');
is((grep { /a daily quota 3 20/ } top(@$rows))[0], '15% a daily quota 3 20',
    'an override that has ended does not');
is((grep { /once/ } top(@$rows))[0], '75% a once concurrency 3 4',
    'nor one that is invalid');

is((top(@{ctl_json(@redis, qw(tenant top 1))}))[0],
    '- b daily quota 8 -', 'without a configuration the most used are first');
refused(qr/must be a number from 1 to 1000/, "tenant top $_", @redis,
    qw(tenant top), $_) for 'many', '0', '1001';

$service->release('top');
$_->response for @slow;
$redis->command('SET', 'jobruns:{x}:v1:counters', 'x');
$redis->command('SET', 'jobruns:{y}:v1:counters', '');
$redis->command('HSET', 'jobruns:{z}:v1:counters', 'x', 'y');
$redis->command('SET', 'jobruns:{z}:v1:slots:once', 'x');
is(scalar(grep { $_->{tenant} =~ /^[xyz]$/ }
    @{ctl_json(@conf, qw(tenant top))}), 0,
    'what is not a counter is left out');

# -------------------------------------------------------- token list --unknown

$redis->command('FLUSHALL');
$service->reset;

sub unknown { return ctl_json(@redis, @_, qw(token list --unknown)) }

is_deeply(unknown(), [], 'without tokens the list is empty');

create('a', 'made');
create('a', 'refused', stub => { status => 400 });
create('a', 'first', request_id => 'one', stub => { status => 500 });
create('a', 'first', request_id => 'two', stub => { status => 503 });
create('b', 'second', request_id => 'three', stub => { status => 500 });
$redis->command('SET', 'jobruns:{a}:v1:token:' . 'x' x 64, 'x');
$redis->command('HSET', 'jobruns:{a}:v1:token:' . 'y' x 64, 'x', 'y');

my $other = $t->run(%config, name => 'other');
my $held = $t->start_run(to => $other, tenancy => 'c', token => 'third',
    request_id => 'four', stub => { wait_created => 'held' });
$service->wait_at('held');
is_deeply([sort map { $_->{requestId} } @{unknown()}], ['three', 'two'],
    'the list has tokens whose outcome is unknown, and none that runs');
my ($first) = grep { $_->{requestId} eq 'two' } @{unknown()};
is($first->{firstRequestId}, 'one', 'the list has the first request');
is($first->{tenant}, 'a', 'the list has the tenant');
is($first->{reason}, 'no usable response', 'the list has the reason');
cmp_ok($first->{endsInMs}, '>', 86_000_000, 'the list says when a token ends');
is(ctl_json(@redis, '--tenant', 'a', '--hash', $first->{token},
    qw(token show))->{state}, 'unknown',
    'token show takes the tokens of the list');

$other->kill;
$t->allow_log(qr/exited on signal 9|alert/);
wait_for { @{unknown()} == 3 } 'the lease of a dead gateway to end';
my ($third) = grep { $_->{requestId} eq 'four' } @{unknown()};
is($third->{reason}, 'its lease has ended',
    'the list has a token whose gateway is dead');
is_deeply([map { $_->{requestId} } @{unknown('--tenant', 'b')}], ['three'],
    'the list of one tenant has only its tokens');
$service->release('held');

refused(qr/token list --unknown/, 'token list', @redis, qw(token list));
my ($status, $said) = ctl(@redis, qw(token list --unknown));
like($said, qr/^TENANT +TOKEN +REQUEST ID +FIRST REQUEST ID +AGE +ENDS IN/m,
    'the list is a table for people');

# a retry ends it
create('b', 'second');
is_deeply([sort map { $_->{requestId} } @{unknown()}], ['four', 'two'],
    'a token whose retry is created is not in the list any more');

# --------------------------------------------------------------------- cluster

subtest 'a cluster' => sub {
    my $cluster = RedisCluster->start($t);
    my $gateway = $t->run(%config, name => 'clustered',
        redis => 'jobruns_redis ' . $cluster->address . ';');
    my @cluster = ('--redis', $cluster->address);
    my @tenants = map { "t$_" } 1 .. 9;

    create($_, 'unknown', to => $gateway, request_id => "of-$_",
        stub => { status => 500 }) for @tenants;
    is_deeply([sort map { $_->{tenant} }
        @{ctl_json(@cluster, qw(token list --unknown))}], \@tenants,
        'token list --unknown has the tokens of all nodes');
    my %of;
    $of{$_->{tenant}}++ for @{ctl_json(@cluster, qw(tenant top 100))};
    is_deeply([sort keys %of], \@tenants,
        'tenant top has the tenants of all nodes');
};

done_testing;
