#!/usr/bin/perl

# Limits of one tenant changed while running: without a reload, without
# resetting what is counted.  And limits that only tell.

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
# Numbers, with the next request, counters kept

fresh();
is(post('01')->status, 201, "the configured burst, $_") for 1, 2;
is(post('01')->status, 429, '... and no more');

set('rate.burst', 3);
is(post('01')->status, 201, "a larger burst lets $_ more pass") for 1, 2;
my $answer = post('01');
is($answer->status, 429, '... and no more: four are counted');
like(message($answer), qr/^Limit rate: at most 1 requests per hour, and 3 more/,
    '... by the numbers in force');
is(post('01', tenancy => 'ocid1.tenancy.oc1..other')->status, 201,
    'another tenant has its own');

# what was used are requests, whatever the rate works off
set('rate.rate', '100', 'rate.burst', 500);
is(post('01')->status, 201, 'a faster rate');
like(post('01')->header('RateLimit'), qr/^"rate";r=495;/,
    '... what was used stays used');
set('rate.rate', '1r/m', 'rate.burst', 0);
like(message(post('01')), qr/^Limit rate: at most 1 requests per minute/,
    '... in a unit of its own');

fresh();
set('rate.burst', 0);
is(post('01')->status, 201, 'a smaller burst');
is(post('01')->status, 429, '... holds at once');
clear();
is(post('01')->status, 201, 'without it the configured numbers hold');
like(message(post('01')), qr/^Limit rate: at most 1 requests per hour, and 1/,
    '... with what is counted');

set('rate.rate', 'none');
is(post('01')->status, 201, "none lifts the limit, $_") for 1 .. 5;
is($redis->command('GET', "$tenant:v1:quota:daily:month") =~ s/^\d+ //r, 7,
    '... not the others');

set('daily.limit', 7);
like(message(post('01')), qr/^Limit daily: 7 job runs per month/,
    'a quota, whose count goes on');
set('daily.limit', 8);
is(post('01')->status, 201, '... is raised by one');
is(post('01')->status, 429, '... and not more');
set('daily.limit', 'none');

for my $field (qw(rate.rate daily.limit slots.limit)) {
    my ($name) = $field =~ /^(\w+)/;
    set(map { $_ => 'none' } qw(rate.rate daily.limit slots.limit));
    is(post('01')->status, 201, 'all lifted');
    set($field, 0);
    $answer = post('01', token => random_id);
    is($answer->status, 429, "$field 0 blocks");
    is(message($answer), "Limit $name is 0 at the moment: no job run may be "
        . 'created; retry after 60 s.', '... and says so');
    is($answer->header('retry-after'), 60, '... Retry-After');
    like($answer->header('RateLimit-Policy'), qr/^"$name";q=0;/,
        '... and the policy');
}

###############################################################################
# Nonsense: ignored, and told once

fresh();
set('rate.rate', 'lots', 'rate.burst', '-1', 'daily.limit', '1e3');
is(post('01')->status, 201, "nonsense changes nothing, $_") for 1, 2;
is(post('01')->status, 429, '... the configured numbers hold');

my @lines = $t->nginx->error_log =~ /^.*override "([^"]+)" in Redis key .*$/mg;
is(join(',', @lines), 'rate.rate rate.burst daily.limit', '... and told once');
like($t->nginx->error_log, qr/\[warn\].*override .*"\Q$tenant\E:limits".*HDEL/,
    '... with the key and what to do');

set('rate.burst', '2');
is(post('01')->status, 201, 'one of them is mended');
@lines = $t->nginx->error_log =~ /^.*override "([^"]+)" in Redis key .*$/mg;
is($lines[1], 'rate.rate daily.limit', '... what is left is told');

fresh();
$redis->command('SET', "$tenant:limits", 'x');
is(post('01')->status, 201, 'overrides that are no hash are ignored');
like($t->nginx->error_log, qr/\[warn\].*overrides .* are no hash.*HSET/,
    '... and told');

like($t->get('/status')->body, qr/^jobruns_bad_overrides_total 5$/m,
    'metrics count admissions that found nonsense');

# nobody pays for a hash that somebody filled
fresh();
for my $i (1 .. 100) {
    set(map { ("junk$i-$_.rate", 'x' x 100) } 1 .. 100);
}
set('rate.burst', 0);
$redis->command('CONFIG', 'RESETSTAT');
is(post('01')->status, 201, 'a hash of 10,001 fields');
is(post('01')->status, 429, '... of which one counts');
my %calls = $redis->command('INFO', 'commandstats')
    =~ /^cmdstat_(\w+):calls=(\d+)/mg;
ok(!$calls{$_}, "... without $_") for qw(hgetall hscan hkeys);

###############################################################################
# dry_run: counted and told, never refused

fresh();
my $seen = $t->audit;
my @answers = map { post('02') } 1 .. 3;
is(join(' ', map { $_->status } @answers), '201 201 429',
    'only the limit that is enforced refuses');
like(message($answers[2]), qr/^Limit enforced:/, '... and is named');
like($answers[1]->header('RateLimit'), qr/^"try_rate";r=0;.*"try_daily";r=0;/,
    'the others are told');
is($redis->command('GET', "$tenant:v1:quota:try_daily:month") =~ s/^\d+ //r, 1,
    '... and count as though they refused');

my @records = splice @{[$t->wait_audit($seen + 5)]}, $seen;
my @verdicts = map {
    [map { "$_->{name} $_->{verdict}" } @{$_->{limits}}]
} grep { $_->{limits} } map { $_->{data}{additionalDetails} } @records;
is_deeply([map { join ', ', @$_ } @verdicts[0, 1, 2]], [
    'try_rate passed, try_daily passed, enforced passed',
    'try_rate would_refuse, try_daily would_refuse, enforced passed',
    'try_rate would_refuse, try_daily would_refuse, enforced refused',
], 'audit tells what would be') or diag explain \@verdicts;

my @log = split /\n/, $t->read_file('limits.log');
is_deeply([@log[-3 .. -1]],
    ['201 created "-"', '201 created "try_rate"', '429 limited "enforced"'],
    '$jobruns_limit too');

done_testing;
