#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Limits of one tenant are changed while the gateway runs, without a reload
# and without resetting what is counted; and limits with dry_run only report.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $pass = "$proxy proxy_pass http://service;";

$t->run(workers => 1, http => <<'END', server => <<"END2");
    log_format limits '$status $jobruns_outcome "$jobruns_limit"';
    jobruns_zone jobruns 1m;
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
END
    access_log %%TESTDIR%%/limits.log limits;
    location /20260401/ {
        $pass
        jobruns_limit rate key=tenant rate=1r/h burst=1;
        jobruns_quota daily key=tenant limit=100 window=month;
        jobruns_concurrency slots key=tenant limit=10;
    }
    location = /status { jobruns_status; }
    location /20260402/ {
        $pass
        jobruns_limit try_rate key=tenant rate=1r/h dry_run;
        jobruns_quota try_daily key=tenant limit=1 window=month dry_run;
        jobruns_quota enforced key=tenant limit=2 window=month;
    }
END2

my $redis = $t->redis;
my $tenant = 'jobruns:{ocid1.tenancy.oc1..test}';

sub post {
    my ($version, %opt) = @_;
    return $t->create_run(version => "202604$version", token => undef, %opt);
}

sub fresh { $redis->command('FLUSHDB') }

sub set { $redis->command('HSET', "$tenant:limits", @_) }

sub clear { $redis->command('DEL', "$tenant:limits") }

sub message { return $_[0]->json->{message} }

###############################################################################
# Numbers hold from the next request, and counters go on

fresh();
is(post('01')->status, 201, "request $_ of the configured burst passes")
    for 1, 2;
is(post('01')->status, 429, 'a request beyond the configured burst is refused');

set('rate.burst', 3);
is(post('01')->status, 201, "a larger burst lets one more pass, $_") for 1, 2;
my $answer = post('01');
is($answer->status, 429,
    'a request beyond the larger burst is refused: four are counted');
like(message($answer), qr/^Limit rate: at most 1 requests per hour, and 3 more/,
    'the message of a refusal has the numbers in force');
is(post('01', tenancy => 'ocid1.tenancy.oc1..other')->status, 201,
    'another tenant is not affected by an override');

# what was used are requests, whatever the rate works off
set('rate.rate', '100', 'rate.burst', 500);
is(post('01')->status, 201, 'a faster rate lets a creation pass');
like(post('01')->header('RateLimit'), qr/^"rate";r=495;/,
    'what was used before a faster rate remains used');
set('rate.rate', '1r/m', 'rate.burst', 0);
like(message(post('01')), qr/^Limit rate: at most 1 requests per minute/,
    'the message of a refusal has the unit of the overridden rate');

fresh();
set('rate.burst', 0);
is(post('01')->status, 201, 'a creation within a smaller burst passes');
is(post('01')->status, 429, 'a smaller burst holds at once');
clear();
is(post('01')->status, 201,
    'the configured numbers hold after the override is deleted');
like(message(post('01')), qr/^Limit rate: at most 1 requests per hour, and 1/,
    'the count goes on after the override is deleted');

set('rate.rate', 'none');
is(post('01')->status, 201, "the override none lifts the limit, creation $_")
    for 1 .. 5;
is($redis->counters->{'quota:daily:m'}[2], 7,
    'the override none of one limit does not lift the others');

set('daily.limit', 7);
like(message(post('01')), qr/^Limit daily: 7 job runs per month/,
    'an override of a quota refuses by what is counted');
set('daily.limit', 8);
is(post('01')->status, 201, 'a quota raised by one lets one more pass');
is(post('01')->status, 429, 'a quota raised by one refuses the second');
set('daily.limit', 'none');

for my $field (qw(rate.rate daily.limit slots.limit)) {
    my ($name) = $field =~ /^(\w+)/;
    set(map { $_ => 'none' } qw(rate.rate daily.limit slots.limit));
    is(post('01')->status, 201,
        "before $field is 0, a creation passes with all limits lifted");
    set($field, 0);
    $answer = post('01', token => random_id);
    is($answer->status, 429, "$field 0 refuses with 429");
    is(message($answer), "Limit $name is 0 at the moment: no job run may be "
        . 'created; retry after 60 s.', "the message says that $field is 0");
    is($answer->header('retry-after'), 60,
        "$field 0 has a Retry-After of 60 s");
    like($answer->header('RateLimit-Policy'), qr/^"$name";q=0;/,
        "RateLimit-Policy has $field 0");
}

###############################################################################
# Invalid overrides are ignored, and logged once

fresh();
set('rate.rate', 'lots', 'rate.burst', '-1', 'daily.limit', '1e3');
is(post('01')->status, 201, "invalid overrides change nothing, creation $_")
    for 1, 2;
is(post('01')->status, 429,
    'the configured numbers hold with invalid overrides');

my @lines = $t->nginx->error_log =~ /^.*override "([^"]+)" in Redis key .*$/mg;
is(join(',', @lines), 'rate.rate rate.burst daily.limit',
    'error.log reports each invalid override once');
like($t->nginx->error_log, qr/\[warn\].*override .*"\Q$tenant\E:limits".*HDEL/,
    'error.log reports the key of invalid overrides and what to do');

set('rate.burst', '2');
is(post('01')->status, 201,
    'a creation passes after one invalid override is fixed');
@lines = $t->nginx->error_log =~ /^.*override "([^"]+)" in Redis key .*$/mg;
is($lines[1], 'rate.rate daily.limit',
    'error.log reports the overrides that are still invalid');

fresh();
$redis->command('SET', "$tenant:limits", 'x');
is(post('01')->status, 201, 'overrides that are not a hash are ignored');
like($t->nginx->error_log, qr/\[warn\].*overrides .* are no hash.*HSET/,
    'error.log reports overrides that are not a hash');

like($t->get('/status')->body, qr/^jobruns_bad_overrides_total 5$/m,
    'metrics count admissions that found invalid overrides');

# a request does not pay for a hash that somebody has filled
fresh();
for my $i (1 .. 100) {
    set(map { ("junk$i-$_.rate", 'x' x 100) } 1 .. 100);
}
set('rate.burst', 0);
$redis->command('CONFIG', 'RESETSTAT');
is(post('01')->status, 201,
    'a creation passes with a hash of 10,001 overrides');
is(post('01')->status, 429,
    'the one override of the hash that counts is applied');
my %calls = $redis->command('INFO', 'commandstats')
    =~ /^cmdstat_(\w+):calls=(\d+)/mg;
ok(!$calls{$_}, "overrides are read without $_") for qw(hgetall hscan hkeys);

###############################################################################
# dry_run: counted and reported, never refused

fresh();
my $seen = $t->audit;
my @answers = map { post('02') } 1 .. 3;
is(join(' ', map { $_->status } @answers), '201 201 429',
    'only the limit that is enforced refuses');
like(message($answers[2]), qr/^Limit enforced:/,
    'the message names the limit that is enforced');
like($answers[1]->header('RateLimit'), qr/^"try_rate";r=0;.*"try_daily";r=0;/,
    'RateLimit has the limits with dry_run as well');
is($redis->counters->{'quota:try_daily:m'}[2], 1,
    'limits with dry_run count as though they refused');

my @records = splice @{[$t->wait_audit($seen + 5)]}, $seen;
my @verdicts = map {
    [map { "$_->{name} $_->{verdict}" } @{$_->{limits}}]
} grep { $_->{limits} } map { $_->{data}{additionalDetails} } @records;
is_deeply([map { join ', ', @$_ } @verdicts[0, 1, 2]], [
    'try_rate passed, try_daily passed, enforced passed',
    'try_rate would_refuse, try_daily would_refuse, enforced passed',
    'try_rate would_refuse, try_daily would_refuse, enforced refused',
], 'audit records have the verdicts of limits with dry_run')
    or diag explain \@verdicts;

my @log = split /\n/, $t->read_file('limits.log');
is_deeply([@log[-3 .. -1]],
    ['201 created "-"', '201 created "try_rate"', '429 limited "enforced"'],
    'the access log has the limits with dry_run');

done_testing;
