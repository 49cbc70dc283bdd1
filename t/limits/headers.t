#!/usr/bin/perl

# RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers) on
# every answer that admission decided, read as structured fields.

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
            is($_->{types}{$key}, $want{$key}, "... $key");
        }
    }
    return { map { $_->{value} => $_->{parameters} } @items };
}

sub partition { return substr sha256($_[0]), 0, 9 }

###############################################################################
# What they say

fresh();
my $answer = post(token => undef);
is($answer->status, 201, 'created');
is_deeply(fields($answer, 'RateLimit-Policy'), {
    rate => { q => 10, w => 600 },
    quota => { q => 1_000_000_000_000, pk => partition($workspace),
        w => (fields($answer, 'RateLimit-Policy'))->{quota}{w} },
    slots => { q => 5, qu => 'concurrent-requests',
        pk => partition('a group') },
}, 'the policies');

my $policy = fields($answer, 'RateLimit-Policy');
ok((grep { $policy->{quota}{w} == $_ * 86400 } 28 .. 31), 'a month in seconds');

my $limits = fields($answer, 'RateLimit');
is($limits->{rate}{r}, 9, 'what remains of the burst');
is($limits->{rate}{t}, 60, '... one more in a minute');
is($limits->{quota}{r}, 999_999_999_999, 'what remains of the quota');
cmp_ok($limits->{quota}{t}, '<=', $policy->{quota}{w}, '... until it ends');
is_deeply($limits->{slots}, { r => 4, pk => partition('a group') },
    'slots have no time');

$answer = $t->create_run(token => undef);
is(join(' ', sort keys %{fields($answer, 'RateLimit')}), 'quota rate',
    'a limit that does not count the request is not told');

$answer = post(token => undef, version => '20260403');
is($answer->status, 201, 'a dry run refuses nobody');
$policy = fields($answer, 'RateLimit-Policy');
is_deeply($policy->{second}, { q => 1, w => 1 }, 'never a window of 0');
is_deeply($policy->{hour}, { q => 1_000_001, w => 514_286_229 },
    'a large burst');
is_deeply([@{$policy->{day}}{qw(q w)}], [0, 86400], 'a quota of nothing');
is(fields($answer, 'RateLimit')->{day}{r}, 0, '... of which nothing remains');

$answer = post(token => undef, version => '20260404');
is($answer->header('RateLimit-Policy'),
    '"no_window";q=1;qu="concurrent-requests"', 'a policy alone');
is($answer->header('RateLimit'), '"no_window";r=0', '... and its limit');

$redis->command('HSET', 'jobruns:{ocid1.tenancy.oc1..test}:limits',
    'lifted.rate', 'none');
$answer = post(token => undef, version => '20260405');
is($answer->status, 201, 'all limits lifted');
is($answer->header($_), undef, "... no $_") for qw(RateLimit RateLimit-Policy);

###############################################################################
# On a refusal

fresh();
post(token => undef) for 1 .. 10;
$answer = post(token => undef);
is($answer->status, 429, 'refused');
$limits = fields($answer, 'RateLimit');
is($limits->{rate}{r}, 0, '... nothing remains');
is($answer->header('Retry-After'), $limits->{rate}{t},
    '... RateLimit and Retry-After agree');
cmp_ok($limits->{rate}{t}, '>=', 50, '... not before the next passes');
cmp_ok($limits->{rate}{t}, '<=', 60, '... nor long after');
is($limits->{slots}{r}, 5, '... the others are as they were');

###############################################################################
# Which answers have them

fresh();

sub has {
    my ($answer, $status, $name) = @_;
    is($answer->status, $status, $name);
    is(join(' ', sort keys %{fields($answer, $_)}), 'quota rate slots',
        "... $_") for qw(RateLimit-Policy RateLimit);
    return $answer;
}

has(post(token => 'done'), 201, 'created');
$answer = has(post(token => 'done'), 201, 'replayed');
is($answer->header('opc-retry-replayed'), 'true', '... it is');
is(fields($answer, 'RateLimit')->{rate}{r}, 9, '... and costs nothing');
is(has(post(token => 'done', job_key => 'another'), 409, 'another request')
    ->code, 'InvalidatedRetryToken', '... is what it is');

my $running = $t->start_run(%group, token => 'running',
    stub => { wait_read => 'gate' });
$t->service->wait_at('gate');
has(post(token => 'running'), 409, 'still running');
$t->service->release('gate');
has($running->response, 201, 'and its end');

has(post(token => undef, stub => { status => 400 }), 400, 'rejected');
has(post(token => 'unknown', version => '20260402', stub => { status => 500 }),
    500, 'unknown');
is(has(post(token => 'unknown', version => '20260402'), 409, 'refused')->code,
    'Conflict', '... since it is unknown');

is(post(token => undef, body => '{')->header('RateLimit'), undef,
    'what admission does not see has none');

# a counter that nobody of us wrote does not stand in the way of a replay
$redis->command('DEL', 'jobruns:{ocid1.tenancy.oc1..test}:v1:rate:rate');
$redis->command('LPUSH', 'jobruns:{ocid1.tenancy.oc1..test}:v1:rate:rate', 'x');
$answer = post(token => 'done');
is($answer->status, 201, 'replayed where limits cannot be read');
is($answer->header('RateLimit'), undef, '... and does not tell them');

done_testing;
