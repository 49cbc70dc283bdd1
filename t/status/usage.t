#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The JSON of jobruns_status has the keys that have used most of each limit, of
# all workers, in a fixed space; and the requests that wait or are delayed.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->run(workers => 2, http => 'jobruns_zone jobruns 1m;', server => <<'END');
        jobruns_tenant $http_x_tenant;
        jobruns_principal $http_x_tenant;
        jobruns_limit pace key=tenant rate=30r/m burst=9;
        jobruns_quota daily key=workspace limit=20 window=day;
        jobruns_quota monthly key=tenant limit=90 window=month;
        jobruns_concurrency slots key=tenant limit=4;
        jobruns_concurrency one key=platform limit=1 delay=50s;
        jobruns_retry_wait 20s;

        location = /status {
            jobruns_status;
        }
END

sub figures {
    return $t->get('/status?format=json')->json;
}

sub fullest {
    my ($name) = @_;
    my ($limit) = grep { $_->{name} eq $name } @{figures()->{limits}};
    return map { join ' ', map { $_ // '-' }
        @{$_}{qw(tenant of window used inForce)} } @{$limit->{fullest}};
}

sub create {
    my ($tenant, $workspace, %opt) = @_;
    return $t->create_run(headers => { 'X-Tenant' => $tenant },
        workspace => $workspace, platform => "ocid1.$tenant.$workspace",
        %opt);
}

# not over midnight
wait_for { time % 86400 < 86390 } 'a day that goes on';

is_deeply([fullest('daily')], [], 'a limit that nobody used has no keys');

is(create('acme', 'w1')->status, 201, 'a tenant creates') for 1 .. 3;
is(create('acme', 'w2')->status, 201, 'it creates in another workspace');

is_deeply([fullest('daily')], ['acme w1 day 3 20', 'acme w2 day 1 20'],
    'a quota has what each key used, of all workers, the fullest first');
is_deeply([fullest('monthly')], ['acme - month 4 90'],
    'another quota has its own keys');

my ($daily) = grep { $_->{name} eq 'daily' } @{figures()->{limits}};
my $resets = $daily->{fullest}[0]{resetsInMs} / 1000;
my $left = 86400 - time % 86400;
cmp_ok(abs($resets - $left), '<', 60, 'a quota has the end of its window');

# a rate drains while nothing asks

my ($pace) = fullest('pace');
like($pace, qr/^acme - - [1-4] 10$/, 'a rate has its backlog, of the burst');
wait_for { !fullest('pace') } 'a rate that has drained without a request';

# more keys than places: the fullest stay, and nothing grows

create('acme', "x$_") for 1 .. 8;
my @daily = fullest('daily');
is(scalar @daily, 4, 'so many keys of a limit are shown and no more');
ok((grep { $_ eq 'acme w1 day 3 20' } @daily),
    'the fullest key keeps its place');

# slots and delays, while they last

my @slow;
for (1 .. 3) {
    push @slow, $t->start_run(headers => { 'X-Tenant' => 'slow' },
        workspace => 'w', platform => "ocid1.slow.$_",
        stub => { wait_read => 'gate' });
    $t->service->wait_at('gate', $_);
}
is((fullest('slots'))[0], 'slow - - 3 4',
    'a concurrency has the slots that were held');

my $late = $t->start_run(headers => { 'X-Tenant' => 'slow' },
    workspace => 'w', platform => 'ocid1.slow.1');
wait_for { figures()->{delayed} == 1 } 'a creation that is delayed';

my $token = random_id();
push @slow, $t->start_run(headers => { 'X-Tenant' => 'retry' },
    token => $token, platform => 'ocid1.retry',
    stub => { wait_read => 'gate' });
$t->service->wait_at('gate', 4);
my $retry = $t->start_run(headers => { 'X-Tenant' => 'retry' },
    token => $token, platform => 'ocid1.retry');
wait_for { figures()->{waiting} == 1 } 'a retry that waits';

$t->service->release('gate');
is($_->response->status, 201, 'each gets its response')
    for @slow, $late, $retry;
is(figures()->{$_}, 0, "nothing is left: $_") for qw(waiting delayed);

# a hostile name is a digest

is(create('</td>&"', 'w9', platform => 'ocid1.hostile')->status, 201,
    'a hostile tenant creates') for 1 .. 9;
like((fullest('daily'))[0], qr/^~[0-9a-f]{64} w9 day 9 20$/,
    'a hostile tenant is shown by its digest');

done_testing;
