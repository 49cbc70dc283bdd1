#!/usr/bin/perl

# jobrunsctl: each verb against a real Redis that a gateway works on.

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
is($made->status, 201, 'created');

my $record = ctl_json(@redis, @scope, qw(--token ctl-1 token show));
is($record->{state}, 'done', 'token show: done');
is($record->{firstRequestId}, 'ctl-request-1', 'by its first request');
is($record->{runKey}, $made->json->{key}, 'with its run');
cmp_ok($record->{endsInMs}, '>', 86_000_000, 'for a day');

my ($end) = $t->wait_audit(2);
my ($hash) = @{$end->{data}{request}{headers}{'opc-retry-token-sha256'}};
is(ctl_json(@redis, '--tenant', $tenancy, '--hash', $hash, qw(token show))
    ->{key}, $record->{key}, 'the same by the digest of the audit record');

my ($status, $said) = ctl(@redis, @scope, qw(--token ctl-1 token show));
like($said, qr/^state\s+done$/m, 'for people');
($status, $said) = ctl(@redis, @scope, qw(--token nobody token show));
is($status, 1, 'no such token');
like($said, qr/there is no such token/, 'is said');

($status, $said) = ctl(@redis, @scope, qw(--token ctl-1 token release));
is($status, 4, 'nothing is released unasked');
like($said, qr/Say --yes/, 'but with --yes');
is($t->create_run(tenancy => $tenancy, token => 'ctl-1')
    ->header('opc-retry-replayed'), 'true', 'it is still there');
($status) = ctl(@redis, @scope, qw(--yes --token ctl-1 token release));
is($status, 0, 'released');
my $again = $t->create_run(tenancy => $tenancy, token => 'ctl-1');
is($again->status, 201, 'the token is new again');
is($again->header('opc-retry-replayed'), undef, 'and nothing is replayed');

# -------------------------------------------------------------------- inflight

my $slow = $t->start_run(tenancy => $tenancy, token => 'ctl-2',
    request_id => 'ctl-request-2', stub => { wait_read => 'gate' });
$t->service->wait_at('gate');

my ($running) = @{ctl_json(@redis, qw(inflight))};
is($running->{requestId}, 'ctl-request-2', 'inflight: the one that runs');
is($running->{tenant}, $tenancy, 'of its tenant');
cmp_ok($running->{leaseMs}, '>', 30_000, 'with its lease');
cmp_ok(abs($running->{ageMs} + $running->{leaseMs} - 60_000), '<', 3,
    'and its age');
is_deeply(ctl_json(@redis, qw(--tenant other inflight)), [],
    'nothing of another tenant');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state},
    'running', 'its token runs');

($status) = ctl(@redis, @scope, qw(--yes --token ctl-2 token expire));
is($status, 0, 'expired');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state},
    'unknown', 'its token is unknown');
is_deeply(ctl_json(@redis, qw(inflight)), [], 'nothing runs by the records');
($status, $said) = ctl(@redis, @scope, qw(--yes --token ctl-2 token expire));
is($status, 1, 'what does not run cannot be expired');

$t->service->release('gate');
is($slow->response->status, 201, 'the attempt itself ends well');
is(ctl_json(@redis, @scope, qw(--token ctl-2 token show))->{state}, 'done',
    'and its answer is kept');

# ---------------------------------------------------------------------- tenant

is($t->create_run(tenancy => $tenancy)->status, 201, 'the last of the burst');
is($t->create_run(tenancy => $tenancy, request_id => 'ctl-request-3')->status,
    429, 'limited');

my @tenant = ('--conf', $conf, '--tenant', $tenancy);
my %limits = map { $_->{limit} => $_ } @{ctl_json(@tenant, qw(tenant show))};
is_deeply([sort keys %limits], [qw(burst_of daily once)],
    'tenant show: all limits, by nginx.conf');
like($limits{burst_of}{configured}, qr/^rate=1r\/h burst=3$/, 'configured');
is($limits{burst_of}{override}, undef, 'not overridden');
like($limits{burst_of}{used}, qr/ahead$/, 'used');
is($limits{daily}{used}, 4, 'creations of the day');
is($limits{once}{used} // '', 'nothing', 'no slot in use');

($status) = ctl(@tenant, qw(tenant set burst_of.burst 20));
is($status, 0, 'tenant set');
is($t->create_run(tenancy => $tenancy)->status, 201, 'takes effect');
%limits = map { $_->{limit} => $_ } @{ctl_json(@tenant, qw(tenant show))};
is($limits{burst_of}{override}, 'burst 20', 'is shown');
($status) = ctl(@tenant, qw(tenant unset burst_of.burst));
is($status, 0, 'tenant unset');
is($t->create_run(tenancy => $tenancy)->status, 429, 'takes effect, too');
($status) = ctl(@tenant, qw(tenant unset burst_of.burst));
is($status, 1, 'what is not overridden cannot be unset');
($status) = ctl(@tenant, qw(--yes tenant reset burst_of));
is($status, 0, 'tenant reset');
is($t->create_run(tenancy => $tenancy)->status, 201, 'all of the burst again');

for my $wrong ([qw(nosuch.limit 5)], [qw(daily.limit many)], [qw(daily 5)],
    [qw(burst_of.burst none)])
{
    ($status, $said) = ctl(@tenant, qw(tenant set), @$wrong);
    is($status, 2, "not set: @$wrong");
}
is_deeply([$t->redis->keys('*limits')], [], 'nothing was written by these');

# --------------------------------------------------------------------- explain

my $audit = $t->testdir . '/audit.log';
($status, $said) = ctl(qw(explain ctl-request-1), $audit);
is($status, 0, 'explain');
like($said, qr/came from tenant \Q$tenancy\E at 127\.0\.0\.1/, 'who');
like($said, qr/forwarded to the service as attempt [0-9a-f]{32}/, 'what');
like($said, qr/it made a job run/, 'how it ended');
unlike($said, qr/no end is recorded/, 'and it did');
($status, $said) = ctl(qw(explain ctl-request-3), $audit);
like($said, qr/limit burst_of refused it/, 'a refusal, by its limit');
like($said, qr/told the client: TooManyRequests: /, 'in the words it got');
$t->write_file('twice.log', join "\n", map { s/"id":/"id":"two",$&/r }
    split /\n/, $t->read_file('audit.log'));
($status, $said) = ctl(qw(explain ctl-request-1), $t->testdir . '/twice.log');
is($status, 1, 'records with a name twice explain nothing');
$t->write_file('nul.log', join "\n", map { s/"id":/"x":"\\u0000",$&/r }
    split /\n/, $t->read_file('audit.log'));
($status, $said) = ctl(qw(explain ctl-request-1), $t->testdir . '/nul.log');
like($said, qr/it made a job run/, '... those with an escaped NUL do');
($status, $said) = ctl(qw(explain no-such-request), $audit);
is($status, 1, 'no such request');

# ---------------------------------------------------------------------- doctor

($status, $said) = ctl(@redis, qw(--rate 10 doctor));
is($status, 0, 'doctor: fit');
my %checks = map { $_->{check} => $_ }
    @{ctl_json(@redis, qw(--rate 10 doctor))};
ok($checks{$_}{ok}, $_) for qw(connection role policy clock),
    'script admit', 'script settle';
like($checks{"script $_"}{found}, qr/^[0-9a-f]{40}, known$/,
    "$_ is the gateway's") for qw(admit settle);
like($checks{forecast}{found}, qr/^\d+ bytes per token: [\d.]+ GB/,
    'a forecast');
$t->redis->command(qw(CONFIG SET maxmemory-policy allkeys-lru));
$t->redis->command(qw(CONFIG SET appendonly no));
($status) = ctl(@redis, 'doctor');
is($status, 1, 'not fit any more');
%checks = map { $_->{check} => $_ } @{ctl_json(@redis, 'doctor')};
ok(!$checks{policy}{ok}, 'a policy that evicts');
ok(!$checks{persistence}{ok}, 'nothing on the disk');
like($checks{persistence}{remedy}, qr/appendonly yes/, 'with its remedy');

# ------------------------------------------------------------------ what fails

($status, $said) = ctl('--redis', '127.0.0.1:1', 'inflight');
is($status, 3, 'a Redis that is not there');
like($said, qr/cannot be reached: .*; check the address/, 'with the remedy');
($status, $said) = ctl('inflight');
is($status, 2, 'no address');
($status, $said) = ctl(@redis, 'nonsense');
is($status, 2, 'no such verb');
($status, $said) = ctl('--help');
is($status, 0, 'help');

done_testing;
