#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Every response that admission decided has RateLimit-Policy and RateLimit
# (draft-ietf-httpapi-ratelimit-headers), which are read as structured fields.

use lib 't/lib';
use JobRuns;
use JobRuns::StructuredField qw(parse_list);

use Digest::SHA qw(sha256);

my $t = JobRuns->new;

my $pass = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

$t->run(workers => 1, server => <<"END");
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    jobruns_retry_wait 100ms;
    jobruns_limit rate key=tenant rate=60r/h burst=9;
    jobruns_quota quota key=workspace limit=1000000000000 window=month;
    jobruns_concurrency slots key=\$http_x_group limit=5;
    location /20260402/ {
        $pass
        jobruns_retry_unknown refuse;
    }
    location /20260403/ {
        $pass
        jobruns_limit second key=tenant rate=1000000r/s burst=0;
        jobruns_limit hour key=tenant rate=7r/h burst=1000000;
        jobruns_quota day key=platform limit=0 window=day dry_run;
    }
    location /20260404/ {
        $pass
        jobruns_concurrency no_window key=tenant limit=1;
    }
    location /20260405/ {
        $pass
        jobruns_limit lifted key=tenant rate=1r/s;
    }
END

my $redis = $t->redis;
my $workspace = 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f';
my %group = (headers => { 'X-Group' => 'a group' });

sub fresh { $redis->command('FLUSHDB') }

sub post { return $t->create_run(%group, @_) }

# name => parameters of each item; the syntax is checked on the way

sub fields {
    my ($answer, $name) = @_;

    my @values = $answer->header_all($name);
    return {} unless @values;

    my @items = parse_list(join ', ', @values);
    for (@items) {
        is($_->{type}, 'string', "$name: \"$_->{value}\" is a string");
        my %want = (q => 'integer', w => 'integer', r => 'integer',
            t => 'integer', qu => 'string', pk => 'bytes');
        for my $key (sort keys %{$_->{types}}) {
            is($_->{types}{$key}, $want{$key},
                "$name: parameter $key of \"$_->{value}\" has its type");
        }
    }
    return { map { $_->{value} => $_->{parameters} } @items };
}

sub partition { return substr sha256($_[0]), 0, 9 }

###############################################################################
# What the fields contain

fresh();
my $answer = post(token => undef);
is($answer->status, 201, 'a creation without a token is created');
is_deeply(fields($answer, 'RateLimit-Policy'), {
    rate => { q => 10, w => 600 },
    quota => { q => 1_000_000_000_000, pk => partition($workspace),
        w => (fields($answer, 'RateLimit-Policy'))->{quota}{w} },
    slots => { q => 5, qu => 'concurrent-requests',
        pk => partition('a group') },
}, 'RateLimit-Policy has all policies and their partition keys');

my $policy = fields($answer, 'RateLimit-Policy');
ok((grep { $policy->{quota}{w} == $_ * 86400 } 28 .. 31),
    'the window of a quota per month is a month in seconds');

my $limits = fields($answer, 'RateLimit');
is($limits->{rate}{r}, 9, 'RateLimit has what remains of the burst');
is($limits->{rate}{t}, 60,
    'RateLimit says that one more is allowed in a minute');
is($limits->{quota}{r}, 999_999_999_999,
    'RateLimit has what remains of the quota');
cmp_ok($limits->{quota}{t}, '<=', $policy->{quota}{w},
    'RateLimit says that the quota ends within its window');
is_deeply($limits->{slots}, { r => 4, pk => partition('a group') },
    'RateLimit has no time for slots');

$answer = $t->create_run(token => undef);
is(join(' ', sort keys %{fields($answer, 'RateLimit')}), 'quota rate',
    'RateLimit omits a limit that does not count the request');

$answer = post(token => undef, version => '20260403');
is($answer->status, 201, 'limits of a dry run refuse no creation');
$policy = fields($answer, 'RateLimit-Policy');
is_deeply($policy->{second}, { q => 1, w => 1 },
    'the policy of a fast rate has no window of 0');
is_deeply($policy->{hour}, { q => 1_000_001, w => 514_286_229 },
    'the policy of a large burst has a long window');
is_deeply([@{$policy->{day}}{qw(q w)}], [0, 86400],
    'the policy of a quota of 0 has the limit 0');
is(fields($answer, 'RateLimit')->{day}{r}, 0,
    'RateLimit of a quota of 0 says that nothing remains');

$answer = post(token => undef, version => '20260404');
is($answer->header('RateLimit-Policy'),
    '"no_window";q=1;qu="concurrent-requests"',
    'RateLimit-Policy of concurrency alone has no window');
is($answer->header('RateLimit'), '"no_window";r=0',
    'RateLimit of concurrency alone has no time');

$redis->command('HSET', 'jobruns:{ocid1.tenancy.oc1..test}:limits',
    'lifted.rate', 'none');
$answer = post(token => undef, version => '20260405');
is($answer->status, 201, 'a creation passes when all limits are lifted');
is($answer->header($_), undef,
    "the response has no $_ when all limits are lifted")
    for qw(RateLimit RateLimit-Policy);

###############################################################################
# On a refusal

fresh();
post(token => undef) for 1 .. 10;
$answer = post(token => undef);
is($answer->status, 429, 'a creation beyond the burst is refused');
$limits = fields($answer, 'RateLimit');
is($limits->{rate}{r}, 0, 'RateLimit of a refusal says that nothing remains');
is($answer->header('Retry-After'), $limits->{rate}{t},
    'RateLimit and Retry-After of a refusal agree');
cmp_ok($limits->{rate}{t}, '>=', 50,
    'RateLimit of a refusal is not before the next creation passes');
cmp_ok($limits->{rate}{t}, '<=', 60,
    'RateLimit of a refusal is not long after the next creation passes');
is($limits->{slots}{r}, 5, 'RateLimit of a refusal has the slots as they were');

###############################################################################
# Which responses have them

fresh();

sub has {
    my ($answer, $status, $name) = @_;
    is($answer->status, $status, "$name: the status is $status");
    is(join(' ', sort keys %{fields($answer, $_)}), 'quota rate slots',
        "$name: $_ has all limits") for qw(RateLimit-Policy RateLimit);
    return $answer;
}

# what the token alone decides

sub has_none {
    my ($answer, $status, $name) = @_;
    is($answer->status, $status, "$name: the status is $status");
    is($answer->header($_), undef, "$name: there is no $_")
        for qw(RateLimit-Policy RateLimit);
    return $answer;
}

has(post(token => 'done'), 201, 'a creation');
$answer = has_none(post(token => 'done'), 201, 'a retry that is replayed');
is($answer->header('opc-retry-replayed'), 'true',
    'a retry that is replayed has opc-retry-replayed');
is(fields(post(token => 'next'), 'RateLimit')->{rate}{r}, 8,
    'a retry that is replayed uses up nothing');
is(has_none(post(token => 'done', job_key => 'another'), 409,
    'another request with the token')
    ->code, 'InvalidatedRetryToken',
    'another request with the token gets InvalidatedRetryToken');

my $running = $t->start_run(%group, token => 'running',
    stub => { wait_read => 'gate' });
$t->service->wait_at('gate');
has_none(post(token => 'running'), 409, 'a retry of a running attempt');
$t->service->release('gate');
has($running->response, 201, 'the end of a running attempt');

has(post(token => undef, stub => { status => 400 }), 400,
    'a creation that the service rejects');
has(post(token => 'unknown', version => '20260402', stub => { status => 500 }),
    500, 'a creation with an unknown outcome');
is(has_none(post(token => 'unknown', version => '20260402'), 409,
    'a retry that is refused')->code,
    'Conflict', 'the code of a retry of an unknown outcome is Conflict');

is(post(token => undef, body => '{')->header('RateLimit'), undef,
    'a response without admission has no RateLimit');

# a counter that the gateway did not write does not prevent a replay
$redis->command('DEL', 'jobruns:{ocid1.tenancy.oc1..test}:v1:counters');
$redis->command('LPUSH', 'jobruns:{ocid1.tenancy.oc1..test}:v1:counters', 'x');
$answer = post(token => 'done');
is($answer->status, 201, 'a retry is replayed where limits cannot be read');
is($answer->header('RateLimit'), undef,
    'a replay without limits has no RateLimit');

done_testing;
