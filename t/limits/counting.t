#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Rates, quotas and concurrencies are counted together and in one call: a
# refusal uses up nothing, and what was not created is given back.

use lib 't/lib';
use JobRuns;

use Time::HiRes qw(time);
use Time::Local qw(timegm);

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $pass = "$proxy proxy_pass http://service;";

$t->run(workers => 1, servers => <<"END", server => <<"END2");
    upstream nobody { server %%SERVICE%% down; }
END
    location /20260401/ {
        $pass
        jobruns_limit rate key=tenant rate=60r/m burst=2;
    }
    location /20260402/ {
        $pass
        jobruns_quota hourly key=tenant limit=2 window=hour;
        jobruns_quota daily key=tenant limit=100 window=day;
        jobruns_quota monthly key=tenant limit=1000000000000 window=month;
    }
    location /20260403/ {
        $pass
        jobruns_limit rate key=tenant rate=1r/h burst=100;
        jobruns_quota quota key=workspace limit=100 window=month;
        jobruns_concurrency slots key=platform limit=10;
        jobruns_quota last key=tenant limit=1 window=month;
    }
    location /20260404/ {
        $pass
        jobruns_limit rate key=tenant rate=1r/h burst=100;
        jobruns_quota quota key=tenant limit=100 window=month;
        jobruns_concurrency slots key=tenant limit=10;
    }
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    keepalive_requests 1000000;
    location /20260406/ {
        $pass
        jobruns_limit edge key=tenant rate=600r/m burst=5;
    }
    location /20260405/ {
        $proxy
        proxy_pass http://nobody;
        jobruns_limit rate key=tenant rate=1r/h burst=100;
        jobruns_quota quota key=tenant limit=100 window=month;
        jobruns_concurrency slots key=tenant limit=10;
    }
END2

my $redis = $t->redis;
my $tenant = 'jobruns:{ocid1.tenancy.oc1..test}:v1';

sub post {
    my ($version, %opt) = @_;
    return $t->create_run(version => "202604$version", token => undef, %opt);
}

sub fresh { $redis->command('FLUSHDB') }

# all keys and what they hold, but the records of attempts

sub counters {
    my @lines;
    for my $key (grep { !/:v1:(?:token|attempt):/ } $redis->keys) {
        my $value = $key =~ /:slots:/
            ? join ' ', @{$redis->command('ZRANGE', $key, 0, -1, 'WITHSCORES')}
            : unpack 'H*', $redis->command('GET', $key);
        push @lines, "$key $value " . $redis->command('PEXPIRETIME', $key);
    }
    return join "\n", @lines;
}

sub now { return $redis->command('TIME')->[0] }

###############################################################################
# A rate

fresh();
is(post('01')->status, 201, "request $_ of the burst of a rate passes")
    for 1 .. 3;

my $answer = post('01');
is($answer->status, 429, 'a request beyond the burst is refused with 429');
is($answer->code, 'TooManyRequests',
    'the code of a refusal by a rate is TooManyRequests');
is($answer->header('retry-after'), 1,
    'the Retry-After of a refusal by a rate is at least 1');
is($answer->json->{message}, 'Limit rate: at most 60 requests per minute, and '
    . '2 more in a burst; the next passes in 1 s.',
    'the message of a refusal by a rate names rate and burst');
is($t->service->counts->{creations}, 3,
    'the service was asked for the burst only');

wait_for { !$redis->command('EXISTS', "$tenant:counters") }
    'the key to end when it does not matter any more';
is(post('01')->status, 201, 'the whole burst is allowed again after a rest');

# as though the clock had been an hour ahead
$redis->set_counter("$tenant:counters", 'rate:rate',
    [(now() + 7200) * 1000, (now() + 3600) * 1_000_000, 3 * 3_600_000_000]);
is(post('01')->status, 429, 'a backlog that is in the future refuses');
wait_for { post('01')->status == 201 } 'a backlog of the future to count from '
    . 'now';

# without a pause, over more than one edge of a second: any stretch of time
# lets through a burst and what the rate gives, and no more

fresh();

my (@passed, $refused);
my $hammer = $t->client;
my $end = time + 2.2;

until (time > $end && $refused > 20) {
    my $sent = time;
    my $status = post('06', on => $hammer)->status;
    push @passed, [$sent, time] if $status == 201;
    $refused++ if $status == 429;
}
$hammer->close;

my $worst = 0;
for my $i (0 .. $#passed) {
    for my $k ($i .. $#passed) {
        my $most = 6 + 10 * ($passed[$k][1] - $passed[$i][0]);
        my $over = $k - $i + 1 - $most;
        $worst = $over if $over > $worst;
    }
}
is($worst, 0, 'no more than the burst passes at the edge of a second');
cmp_ok(scalar @passed, '>=', 6,
    'the burst passes while requests come without a pause');

###############################################################################
# Quotas

# not over the edge of an hour, which would count again from 0
wait_for { now() % 3600 < 3590 } 'an hour that goes on';
fresh();

my $hour = now() - now() % 3600;
my ($day, $month, $year) = (gmtime $hour)[3 .. 5];
my %windows = (
    hourly => [$hour, $hour + 3600],
    daily => [timegm(0, 0, 0, $day, $month, $year),
        timegm(0, 0, 0, $day, $month, $year) + 86400],
    monthly => [timegm(0, 0, 0, 1, $month, $year),
        timegm(0, 0, 0, 1, ($month + 1) % 12, $year + ($month == 11))],
);

is(post('02')->status, 201, "job run $_ of a quota per hour passes") for 1, 2;
for my $name (sort keys %windows) {
    my ($from, $to) = @{$windows{$name}};
    is_deeply($redis->counters->{"quota:$name:" . substr $name, 0, 1},
        [$to . '000', $from, 2],
        "the $name quota counts both job runs, and ends with its window");
}
is($redis->command('PEXPIRETIME', "$tenant:counters"),
    $windows{monthly}[1] . '000', 'the key ends with the longest window');

my $left = $hour + 3600 - now();
$answer = post('02');
is($answer->status, 429,
    'a job run beyond a quota per hour is refused with 429');
cmp_ok($answer->header('retry-after'), '<=', $left,
    'the Retry-After of a quota is not after the end of the window');
cmp_ok($answer->header('retry-after'), '>=', $hour + 3600 - now(),
    'the Retry-After of a quota is not before the end of the window');
like($answer->json->{message}, qr/^Limit hourly: 2 job runs per hour \(UTC\)/,
    'the message of a refusal by a quota names the limit');
like($answer->json->{message}, qr/ are used up; it is reset in \d+ s\.$/,
    'the message of a refusal by a quota says when it is reset');

# as though the hour had passed
$redis->set_counter("$tenant:counters", 'quota:hourly:h',
    [$hour * 1000, $hour - 3600, 2]);
is(post('02')->status, 201, 'a job run in the next window passes');
is("@{$redis->counters->{'quota:hourly:h'}}[1, 2]", "$hour 1",
    'the next window counts from one');
is("@{$redis->counters->{'quota:daily:d'}}[1, 2]", "$windows{daily}[0] 3",
    'the window of the day counts on when the hour is over');

###############################################################################
# All or nothing, in one round trip

fresh();
is(post('03')->status, 201, 'four limits let one job run pass');
my $before = counters();
is(scalar(keys %{$redis->counters}) + (() = $before =~ /:slots:/g), 3,
    'three of four limits have a counter after one job run');

for my $token (undef, random_id) {
    my $kind = defined $token ? 'with' : 'without';
    $answer = post('03', token => $token);
    is($answer->status, 429, "the last of four limits refuses, $kind a token");
    like($answer->json->{message}, qr/^Limit last: 1 job runs per month/,
        "the message names the last of four limits, $kind a token");
    is(counters(), $before,
        "a refusal by the last limit changes no other, $kind a token");
    is(scalar(grep { /:v1:(?:token|attempt):/ } $redis->keys), 0,
        "a refusal by the last limit claims no token, $kind a token");
}

$redis->command('CONFIG', 'RESETSTAT');
my $client = $t->client;
post('03', token => random_id, on => $client) for 1 .. 20;
my %calls = $redis->command('INFO', 'commandstats')
    =~ /^cmdstat_(\S+?):calls=(\d+)/mg;
is($calls{evalsha}, 20, '20 refused requests are 20 calls of Redis');

# all others are of the script, which writes nothing; of slots that nobody
# holds it counts none
is(join(' ', sort grep { !/^(?:config\|resetstat|info)$/ } keys %calls),
    'evalsha exists get time zcard', 'a refusal only reads in Redis');
$client->close;

###############################################################################
# What is given back

# [how the service responds, status, rate, quota]: how many of each are used
my @ends = (
    ['04', {}, 201, 1, 1],
    ['04', { status => 400 }, 400, 1, 0],
    ['04', { status => 404 }, 404, 1, 0],
    ['04', { status => 429 }, 429, 1, 0],
    ['04', { status => 401 }, 401, 0, 0],
    ['04', { status => 408 }, 408, 1, 1],
    ['04', { status => 500 }, 500, 1, 1],
    ['04', { end_created => 'reset' }, 503, 1, 1],
    ['05', {}, 503, 1, 0],
);

for my $token (0, 1) {
    for (@ends) {
        my ($version, $stub, $status, $rate, $quota) = @$_;
        my $name = "$status " . ($token ? 'with' : 'without') . ' a token';

        fresh();
        $answer = post($version, stub => $stub,
            token => $token ? random_id : undef);
        is($answer->status, $status, "the service ends with $name");

        # the record is settled when the response is here
        my $backlog = ($redis->counters->{'rate:rate'} // [0, 0, 0])->[2];
        is($backlog / 3_600_000_000, $rate,
            "the rate after the service ended with $name");
        my $used = ($redis->counters->{'quota:quota:m'} // [0, 0, 0])->[2];
        is($used, $quota, "the quota after the service ended with $name");
        is($redis->command('EXISTS', "$tenant:slots:slots"), 0,
            "no slot is left after the service ended with $name");
    }
}

done_testing;
