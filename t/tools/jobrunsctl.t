#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Each verb of jobrunsctl runs against a real Redis that a gateway works on.

use lib 't/lib';

use JobRuns;
use JobRuns::Ctl;

JobRuns::Ctl::needed();

my $t = JobRuns->new;

my $nginx = $t->run(server => <<'END');
    jobruns_limit   burst_of  key=tenant    rate=1r/h burst=3;
    jobruns_quota   daily     key=workspace limit=50 window=day;
    jobruns_concurrency once  key=tenant    limit=9;
    jobruns_retry_lease 60s;
END

my $address = $t->redis->address;
my $conf = $t->testdir . '/nginx.conf';
my @redis = ('--redis', $address);

my $tenancy = 'ocid1.tenancy.oc1..ctl';
my @scope = ('--tenant', $tenancy, '--principal', 'ocid1.user.oc1..test',
    '--platform', 'ocid1.aidataplatform.oc1.iad.test',
    '--workspace', 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f');

# ----------------------------------------------------------------------- token

my $made = $t->create_run(tenancy => $tenancy, token => 'ctl-1',
    request_id => 'ctl-request-1');
is($made->status, 201, 'a creation with a token is created');

my $record = ctl_json(@redis, @scope, qw(--token ctl-1 token show));
is($record->{state}, 'done', 'token show has the state done');
is($record->{firstRequestId}, 'ctl-request-1',
    'token show has the first request');
is($record->{runKey}, $made->json->{key}, 'token show has the job run');
cmp_ok($record->{endsInMs}, '>', 86_000_000,
    'token show has a time of a day that remains');

my ($end) = $t->wait_audit(2);
my ($hash) = @{$end->{data}{request}{headers}{'opc-retry-token-sha256'}};
is(ctl_json(@redis, '--tenant', $tenancy, '--hash', $hash, qw(token show))
    ->{key}, $record->{key},
    'token show by the digest of the audit record finds the same token');

my ($status, $said) = ctl(@redis, @scope, qw(--token ctl-1 token show));
like($said, qr/^state\s+done$/m, 'token show writes text for people');
($status, $said) = ctl(@redis, @scope, qw(--token nobody token show));
is($status, 1, 'token show of an unknown token exits with 1');
like($said, qr/there is no such token/,
    'token show of an unknown token says so');

($status, $said) = ctl(@redis, @scope, qw(--token ctl-1 token release));
is($status, 4, 'token release without --yes exits with 4');
like($said, qr/Say --yes/, 'token release without --yes asks for it');
is($t->create_run(tenancy => $tenancy, token => 'ctl-1')
    ->header('opc-retry-replayed'), 'true',
    'a token is not released without --yes');
($status) = ctl(@redis, @scope, qw(--yes --token ctl-1 token release));
is($status, 0, 'token release with --yes exits with 0');
my $again = $t->create_run(tenancy => $tenancy, token => 'ctl-1');
is($again->status, 201, 'a creation with a released token is created');
is($again->header('opc-retry-replayed'), undef,
    'a creation with a released token is not replayed');

# -------------------------------------------------------------------- inflight

my $slow = $t->start_run(tenancy => $tenancy, token => 'ctl-2',
    request_id => 'ctl-request-2', stub => { wait_read => 'gate' });
$t->service->wait_at('gate');

my ($running) = @{ctl_json(@redis, qw(inflight))};
is($running->{requestId}, 'ctl-request-2',
    'inflight shows the attempt that runs');
is($running->{tenant}, $tenancy, 'inflight shows the tenant');
cmp_ok($running->{leaseMs}, '>', 30_000, 'inflight shows the lease');
cmp_ok(abs($running->{ageMs} + $running->{leaseMs} - 60_000), '<', 3,
    'inflight shows the age');
is_deeply(ctl_json(@redis, qw(--tenant other inflight)), [],
    'inflight of another tenant shows nothing');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state},
    'running', 'token show has the state running of the attempt');

($status) = ctl(@redis, @scope, qw(--yes --token ctl-2 token expire));
is($status, 0, 'token expire exits with 0');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state},
    'unknown', 'token show has the state unknown of an expired attempt');
is_deeply(ctl_json(@redis, qw(inflight)), [],
    'inflight does not show an expired attempt');
($status, $said) = ctl(@redis, @scope, qw(--yes --token ctl-2 token expire));
is($status, 1, 'token expire of what does not run exits with 1');

$t->service->release('gate');
is($slow->response->status, 201, 'the expired attempt itself is created');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state}, 'done',
    'the response of the expired attempt is stored');

# ---------------------------------------------------------------------- tenant

is($t->create_run(tenancy => $tenancy)->status, 201,
    'the last creation of the burst is created');
is($t->create_run(tenancy => $tenancy, request_id => 'ctl-request-3')->status,
    429, 'a creation beyond the burst is limited');

my @tenant = ('--conf', $conf, '--tenant', $tenancy);
my %limits = map { $_->{limit} => $_ } @{ctl_json(@tenant, qw(tenant show))};
is_deeply([sort keys %limits], [qw(burst_of daily once)],
    'tenant show has all limits of nginx.conf');
is_deeply([map { $_->{limit} } @{ctl_json(@tenant, qw(tenant show))}],
    [qw(burst_of daily once)], 'tenant show has them in order');
like($limits{burst_of}{configured}, qr/^rate=1r\/h burst=3$/,
    'tenant show has the configured numbers');
is($limits{burst_of}{override}, undef, 'tenant show has no override');
like($limits{burst_of}{used}, qr/ahead$/,
    'tenant show has what is used of a rate');
is($limits{daily}{used}, 4, 'tenant show has the creations of the day');
is($limits{once}{used} // '', 'nothing', 'tenant show has no slot in use');

($status) = ctl(@tenant, qw(tenant set burst_of.burst 20));
is($status, 0, 'tenant set exits with 0');
is($t->create_run(tenancy => $tenancy)->status, 201,
    'an override of tenant set takes effect');
%limits = map { $_->{limit} => $_ } @{ctl_json(@tenant, qw(tenant show))};
is($limits{burst_of}{override}, 'burst 20', 'tenant show has the override');
($status) = ctl(@tenant, qw(tenant unset burst_of.burst));
is($status, 0, 'tenant unset exits with 0');
is($t->create_run(tenancy => $tenancy)->status, 429,
    'the configured limit takes effect after tenant unset');
($status) = ctl(@tenant, qw(tenant unset burst_of.burst));
is($status, 1, 'tenant unset without an override exits with 1');
($status) = ctl(@tenant, qw(--yes tenant reset burst_of));
is($status, 0, 'tenant reset exits with 0');
is($t->create_run(tenancy => $tenancy)->status, 201,
    'all of the burst can be used after tenant reset');

for my $wrong ([qw(nosuch.limit 5)], [qw(daily.limit many)], [qw(daily 5)],
    [qw(burst_of.burst none)])
{
    ($status, $said) = ctl(@tenant, qw(tenant set), @$wrong);
    is($status, 2, "tenant set @$wrong exits with 2");
}
is_deeply([$t->redis->keys('*limits')], [],
    'an invalid tenant set writes nothing');

# --------------------------------------------------------------------- explain

my $audit = $t->testdir . '/audit.log';
($status, $said) = ctl(qw(explain ctl-request-1), $audit);
is($status, 0, 'explain exits with 0');
like($said, qr/came from tenant \Q$tenancy\E at 127\.0\.0\.1/,
    'explain says who sent the request');
like($said, qr/forwarded to the service as attempt [0-9a-f]{32}/,
    'explain says what the request became');
like($said, qr/its token was new$/m, 'explain says that the token was new');
like($said, qr/the token is done now$/m, 'explain says what the token is now');
like($said, qr/it made a job run/, 'explain says how the attempt ended');
unlike($said, qr/no end is recorded/,
    'explain does not miss the end of an attempt');
($status, $said) = ctl(qw(explain ctl-request-3), $audit);
like($said, qr/limit burst_of refused it/,
    'explain names the limit that refused a request');
like($said, qr/told the client: TooManyRequests: /,
    'explain has the message that the client got');
$t->write_file('twice.log', join "\n", map { s/"id":/"id":"two",$&/r }
    split /\n/, $t->read_file('audit.log'));
($status, $said) = ctl(qw(explain ctl-request-1), $t->testdir . '/twice.log');
is($status, 1, 'explain of records with a name twice exits with 1');
$t->write_file('nul.log', join "\n", map { s/"id":/"x":"\\u0000",$&/r }
    split /\n/, $t->read_file('audit.log'));
($status, $said) = ctl(qw(explain ctl-request-1), $t->testdir . '/nul.log');
like($said, qr/it made a job run/,
    'explain of records with an escaped NUL says how the attempt ended');
($status, $said) = ctl(qw(explain no-such-request), $audit);
is($status, 1, 'explain of an unknown request exits with 1');

# ---------------------------------------------------------------------- doctor

($status, $said) = ctl(@redis, qw(--rate 10 doctor));
is($status, 0, 'doctor of a fit Redis exits with 0');
my %checks = map { $_->{check} => $_ }
    @{ctl_json(@redis, qw(--rate 10 doctor))};
ok($checks{$_}{ok}, "doctor finds $_ in order")
    for qw(connection role policy clock),
    'script admit', 'script settle';
like($checks{"script $_"}{found}, qr/^[0-9a-f]{40}, known$/,
    "doctor knows the script $_ of the gateway") for qw(admit settle);
like($checks{forecast}{found}, qr/^\d+ bytes per token \(measured\): [\d.]+ GB/,
    'doctor has a forecast of the memory');
ok($checks{forecast}{ok}, 'which is in order without maxmemory');
my ($each) = $checks{forecast}{found} =~ /^(\d+)/;
my @records = grep { /:token:/ } $t->redis->keys;
my $sum = 0;
$sum += $t->redis->command('MEMORY', 'USAGE', $_, 'SAMPLES', 0) for @records;
is($each, sprintf('%.0f', $sum / @records),
    'it measures each record whole: SAMPLES 0');

$t->redis->command(qw(CONFIG SET maxmemory 50mb));
($status) = ctl(@redis, qw(--rate 20 doctor));
is($status, 1, 'doctor exits with 1 where the forecast does not fit');
%checks = map { $_->{check} => $_ }
    @{ctl_json(@redis, qw(--rate 20 doctor))};
ok(!$checks{forecast}{ok}, 'the forecast says no');
like($checks{forecast}{found}, qr/; maxmemory is 0\.05 GB, the machine has/,
    'with what Redis may use, and what the machine has');
like($checks{forecast}{remedy}, qr/raise maxmemory/, 'and what to do');
ok(!grep({ !$checks{$_}{ok} } grep { $_ ne 'forecast' } keys %checks),
    'all else is in order');
$t->redis->command(qw(CONFIG SET maxmemory 0));

# what the user may not do is listed, and the rest is looked at

$t->redis->command(qw(ACL SETUSER few on >few ~* &* +@all -info -time -role
    -zcard -memory));
$t->write_file('few', "few\n");
chmod 0600, $t->testdir . '/few';
my @few = (@redis, '--redis-option', 'user=few', '--redis-option',
    'password_file=' . $t->testdir . '/few');
($status, $said) = ctl(@few, 'doctor');
is($status, 1, 'doctor of a user with few rights exits with 1');
%checks = map { $_->{check} => $_ } @{ctl_json(@few, 'doctor')};
is($checks{permissions}{found}, 'missing +time +zcard +role +info',
    'doctor lists the commands that the user lacks');
like($checks{$_}{found}, qr/^unknown: NOPERM/, "$_ is unknown")
    for qw(info clock forecast);
ok($checks{'script admit'}{ok}, 'the rest is looked at');

# Redis reads its append-only file with the rights of default

ok($checks{'user default'}{ok}, 'a default user with all rights is in order');
$t->redis->command(qw(ACL SETUSER few +@all));
$t->redis->command(qw(AUTH few few));
for my $rights ('-flushall', '-@all +ping', 'resetkeys ~other:*') {
    $t->redis->command(qw(ACL SETUSER default), split / /, $rights);
    ($status) = ctl(@few, 'doctor');
    %checks = map { $_->{check} => $_ } @{ctl_json(@few, 'doctor')};
    is($status, 1, "doctor exits with 1 where default has $rights");
    ok(!$checks{'user default'}{ok}, "it reports that default has $rights");
    like($checks{'user default'}{remedy}, qr/SETUSER default off resetpass/,
        "it has the remedy of $rights");
    $t->redis->command(qw(ACL SETUSER default on nopass ~* &* +@all));
}
$t->redis->command(qw(CONFIG SET maxmemory-policy allkeys-lru));
$t->redis->command(qw(CONFIG SET appendonly no));
($status) = ctl(@redis, 'doctor');
is($status, 1, 'doctor of a Redis that is not fit exits with 1');
%checks = map { $_->{check} => $_ } @{ctl_json(@redis, 'doctor')};
ok(!$checks{policy}{ok}, 'doctor reports a policy that evicts');
ok(!$checks{persistence}{ok}, 'doctor reports that nothing is on the disk');
like($checks{persistence}{remedy}, qr/appendonly yes/,
    'doctor has the remedy of missing persistence');

# ------------------------------------------------------------------ what fails

($status, $said) = ctl('--redis', '127.0.0.1:1', 'inflight');
is($status, 3, 'a Redis that cannot be reached exits with 3');
like($said, qr/cannot be reached: .*; check the address/,
    'a Redis that cannot be reached is reported with the remedy');
($status, $said) = ctl('inflight');
is($status, 2, 'a verb without an address exits with 2');
($status, $said) = ctl(@redis, 'nonsense');
is($status, 2, 'an unknown verb exits with 2');
like($said, qr/^jobrunsctl: unknown verb "nonsense": there are token, .*\n\z/,
    'it is named in one line, with those that there are');
for (['tokn', 'verb "tokn": did you mean "token"?'],
    ['--tenat=x', 'option "--tenat": did you mean "--tenant"?'])
{
    ($status, $said) = ctl(@redis, $_->[0]);
    is($status, 2, "$_->[0] exits with 2");
    is($said, "jobrunsctl: unknown $_->[1]\n", 'it names the nearest one');
}

# before anybody is asked: what is wrong is the word, whatever Redis does

for (['token shwo', 'unknown token verb "shwo": did you mean "show"?'],
    ['tenant rest daily', 'unknown tenant verb "rest": did you mean "reset"?'],
    ['key revok', 'unknown key verb "revok": did you mean "revoke"?'],
    ['token', 'unknown token verb "": there are show, list, release, expire'],
    ['tenant xxxxxxxx', 'unknown tenant verb "xxxxxxxx": there are show, list, '
        . 'top, set, unset, reset'],
    ['--rate abc doctor', '--rate "abc": must be creations per second, above 0,'
        . ' at most 1000000'],
    ['--rate 20x doctor', '--rate "20x": must be creations per second, above 0,'
        . ' at most 1000000'],
    ['--min-bits 2048x key list x',
        '--min-bits "2048x": from 1024 to 8192 are possible'],
    ['--redis 127.0.0.1:99999 inflight', '"127.0.0.1:99999" is no address of '
        . 'Redis: the port is from 1 to 65535'],
    ['--redis 127.0.0.1: inflight', '"127.0.0.1:" is no address of Redis: the '
        . 'port is from 1 to 65535'],
    ['--redis-option db=one inflight',
        '"db=one": db= takes the number of a database, 0 or more'])
{
    ($status, $said) = ctl(split ' ', $_->[0]);
    is($status, 2, "$_->[0] exits with 2, without Redis");
    is($said, "jobrunsctl: $_->[1]\n", "$_->[0]: it says what is wrong");
}
($status, $said) = ctl('--redis', '127.0.0.1:1 127.0.0.1:2', 'inflight');
is($status, 2, 'a second address of a single server exits with 2');
like($said, qr/^jobrunsctl: "127\.0\.0\.1:2" is no option of jobruns_redis/,
    'a second address of a single server is named');
($status, $said) = ctl('explain', 'an-id', $t->testdir);
is($status, 3, 'a file that cannot be read exits with 3');
like($said, qr/^jobrunsctl: ".*" cannot be read: Is a directory\n\z/,
    'nobody says that there is no record in what was not read');

($status, $said) = ctl(@redis, '--tenant');
is($said, "jobrunsctl: option \"--tenant\" needs a value\n",
    'an option without its value is named');
($status, $said) = ctl('--help');
is($status, 0, '--help exits with 0');

done_testing;
