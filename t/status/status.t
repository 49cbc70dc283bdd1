#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns_status reports what the service and the audit file counted, after a
# mixed load with a reload and a worker that was killed.

use lib 't/lib';
use JobRuns;

use IPC::Open2 qw(open2);
use JSON::PP ();

my $t = JobRuns->new;

my %config = (
    workers => 3,
    http => 'jobruns_zone jobruns 1m;',
    server => <<'END',
        jobruns_limit per_tenant key=tenant rate=1r/h burst=2;
        jobruns_limit trial key=tenant rate=1r/h dry_run;
        jobruns_quota per_day key=workspace limit=1000 window=day;
        jobruns_retry_wait 20s;

        location = /status {
            allow 127.0.0.1;
            deny all;
            jobruns_status;
        }
END
);

my $nginx = $t->run(%config);
my @pairs = ([Host => 'localhost']);

sub scrape {
    return $t->get('/status')->body;
}

sub figures {
    return $t->get('/status?format=json')->json;
}

# value('name{labels}') of a scrape

sub value {
    my ($text, $series) = @_;
    return $text =~ /^\Q$series\E (\S+)$/m ? $1 : undef;
}

sub outcomes {
    my %count;
    $count{$_->{data}{additionalDetails}{outcome} // 'none'}++
        for grep { $_->{eventType} !~ /begin$/ } $t->audit;
    return \%count;
}

# before the first second is over there is no history

for my $form (qw(json html prometheus)) {
    is($t->get("/status?format=$form")->status, 200,
        "the $form form is there at once");
}

# ---------------------------------------------------------------- a mixed load

my $n = 0;

sub tenancy {
    return 'ocid1.tenancy.oc1..t' . $n++;
}

sub mixed {
    my @tenants = map { tenancy() } 1 .. 4;

    for my $tenant (@tenants) {
        my $token = random_id(20);
        is($t->create_run(tenancy => $tenant, token => $token)->status, 201,
            'a creation of the mixed load is created');
        is($t->create_run(tenancy => $tenant, token => $token)->status, 201,
            'a retry of the mixed load is replayed');
        is($t->create_run(tenancy => $tenant, body => '{')->status, 400,
            'an invalid body of the mixed load is refused');
        is($t->create_run(tenancy => $tenant, stub => { status => 409 })
            ->status, 409,
            'a creation of the mixed load is rejected by the service');
        is($t->create_run(tenancy => $tenant, stub => { status => 500 })
            ->status, 500, 'an error of the service passes in the mixed load');
        is($t->create_run(tenancy => $tenant)->status, 429,
            'a creation of the mixed load is limited');
    }
}

mixed();

# a reload while a request is under way: the old worker counts it

my $slow = $t->start_run(tenancy => tenancy(),
    stub => { wait_read => 'gate' });
$t->service->wait_at('gate');

wait_for { figures()->{forwarding} == 1 } 'one request at the service';
wait_for { figures()->{history}{forwarding}[-1] == 1 } 'in the history, too';

# after it, one that waits for the same token
my $held_token = random_id(20);
my $tenant = tenancy();
my $first = $t->start_run(tenancy => $tenant, token => $held_token,
    stub => { wait_read => 'second' });
$t->service->wait_at('second');
my $waiter = $t->start_run(tenancy => $tenant, token => $held_token);
wait_for { figures()->{waiting} == 1 } 'one request that waits';

$nginx->reload(draining => 1);
mixed();
is(figures()->{forwarding}, 2,
    'requests of old workers are still counted as forwarding');
cmp_ok(figures()->{workers}, '>', 3, 'old workers are counted after a reload');

$t->service->release($_) for qw(gate second);
is($slow->response->status, 201,
    'the slow creation of an old worker is created');
is($first->response->status, 201,
    'the creation that another waits for is created');
is($waiter->response->header('opc-retry-replayed'), 'true',
    'the waiting creation gets the response of the other');
wait_for { figures()->{workers} == 3 } 'old workers are gone';

# a worker is killed: what it counted remains, what it held is forgotten

my $lost = $t->start_run(tenancy => tenancy(),
    stub => { wait_read => 'never' });
$t->service->wait_at('never');
wait_for { figures()->{forwarding} == 1 } 'one more at the service';

my $before = scrape();
my %old = map { $_ => 1 } $nginx->workers;
$t->allow_log(qr/worker process \d+ exited on signal 9/);
$nginx->kill_worker($_) for keys %old;
wait_for { (grep { !$old{$_} } $nginx->workers) == 3 } 'new workers';

wait_for { figures()->{workers} == 3 } 'new workers have the blocks';
my $after = scrape();
is(figures()->{forwarding}, 0,
    'requests of a killed worker are not counted as forwarding');
for my $series ('jobruns_attempts_total{outcome="created"}',
    'jobruns_settles_total{result="kept"}', 'jobruns_audit_records_total')
{
    is(value($after, $series), value($before, $series),
        "$series survives its workers");
}

mixed();

# ------------------------------------------------------------------- equality

# the attempt of the killed worker has a .begin and nothing else
my $ends = grep { $_->{eventType} !~ /begin$/ } $t->audit;
my $text = scrape();
my $audit = outcomes();

for my $outcome (qw(unauthenticated invalid denied replayed in_progress
    token_mismatch token_unknown limited unavailable created
    rejected_upstream unsent unknown none))
{
    is(value($text, "jobruns_attempts_total{outcome=\"$outcome\"}"),
        $audit->{$outcome} // 0,
        "$outcome: the status counts as many as the audit file");
}

cmp_ok($audit->{limited}, '==', 12, 'the load had refusals by a limit');
is(value($text, 'jobruns_audit_records_total'), scalar($t->audit),
    'the status counts the audit records');
is(value($text, 'jobruns_audit_failures_total'), 0,
    'the status counts no failures of the audit');
is(value($text, 'jobruns_attempts_total{outcome="created"}'),
    $t->service->created, 'the status counts as many created as the service');
is(value($text, 'jobruns_limit_refusals_total{limit="per_tenant",'
    . 'kind="rate"}'), $audit->{limited},
    'the status counts refusals by limit');
cmp_ok(value($text, 'jobruns_limit_dry_run_refusals_total{limit="trial",'
    . 'kind="rate"}'), '>', 0,
    'the status counts refusals of a limit with dry_run');
is(value($text, 'jobruns_limit_refusals_total{limit="per_day",'
    . 'kind="quota"}'), 0, 'the status has a limit that refused nothing');
is(value($text, 'jobruns_waits_total'), 1,
    'the status counts one request that waited');
is(value($text, 'jobruns_settles_total{result="kept"}'),
    $t->service->created, 'the status counts each response stored once');
is(value($text, 'jobruns_hold_seconds_count'),
    value($text, 'jobruns_service_seconds_count'),
    'each response of the service was held and released');
is(value($text, 'jobruns_held_bytes'), 0,
    'the status has no held bytes at the end');

my $server = $t->redis->address;
cmp_ok(value($text, "jobruns_redis_connections{server=\"$server\"}"), '>', 0,
    'the status has connections to Redis');
is(value($text, "jobruns_redis_breakers_open{server=\"$server\"}"), 0,
    'the status has no open breaker');
cmp_ok(value($text,
    "jobruns_redis_roundtrip_seconds_count{server=\"$server\"}"), '>=', $ends,
    'the status counts round trips to Redis');

# ------------------------------------------------------------------- the forms

my $answer = $t->get('/status');
is($answer->header('Content-Type'),
    'text/plain; version=0.0.4; charset=utf-8',
    'the text form has the type of Prometheus');
is($answer->header('Cache-Control'), 'no-store',
    'the text form is not to be stored');

SKIP: {
    my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};
    skip 'no promtool', 1 if !$promtool;

    my $pid = open2(my $out, my $in, 'sh', '-c', '"$0" check metrics 2>&1',
        $promtool);
    print {$in} $text;
    close $in;
    my $said = do { local $/; <$out> } // '';
    waitpid $pid, 0;
    is("$? $said", '0 ', 'promtool finds nothing wrong with the text form');
}

my $json = $t->request(path => '/status',
    headers => [@pairs, [Accept => 'application/json']]);
is($json->header('Content-Type'), 'application/json',
    'the JSON form has its type');
is($json->json->{attempts}{created}, $t->service->created,
    'the JSON form has the same counts');
is($json->json->{redis}[0]{server}, $server,
    'the JSON form has Redis by its address');
my ($top) = @{$json->json->{topRefused}};
like($top->{tenant}, qr/^ocid1\.tenancy\.oc1\.\.t\d+$/,
    'the JSON form has a refused tenant');
is($top->{refused}, 1, 'the JSON form has the number of refusals of a tenant');
is($json->json->{state}{level}, 'warn',
    'the JSON form has the level of some unknown outcomes');
like($json->json->{state}{text}, qr/^Attempts[ ]fail:[ ]12[ ]of[ ]the[ ]\d+
    [ ]attempts[ ]forwarded[ ]in[ ]the[ ]last[ ]5[ ]minutes/x,
    'the JSON form has the state in a sentence, by the share of outcomes');
cmp_ok($json->json->{redisRecentP50Us}, '>', 0,
    'the JSON form has the median of the round trips');
cmp_ok($json->json->{redisRecentP50Us}, '<=',
    $json->json->{redisRecentP99Us},
    'the median of the round trips is below the 99th percentile')
    if $json->json->{redisRecentP99Us} > 0;

# the history has a number a second, and nothing from before its first

my $history = $json->json->{history};
is(join(' ', sort keys %{$history->{attempts}}),
    join(' ', sort keys %{$json->json->{attempts}}),
    'the history has each outcome');
is((grep { @$_ != 120 || grep { !/^\d+$/ } @$_ }
    values %{$history->{attempts}}, @{$history}{qw(forwarding held)}), 0,
    'the history has 120 numbers each');
cmp_ok($json->json->{now} - $history->{until}, '<', 5, 'the history ends now');

# a row for each outcome: its last numbers are what is counted from now on,
# once all that was counted before has come into its second

my $then = figures();
my $began = $then->{now};
wait_for { ($then = figures())->{history}{until} > $began }
    'what was before is in the history';

is($t->create_run(tenancy => tenancy(), body => '{')->status, 400,
    'another invalid body is refused')
    for 1 .. 3;
wait_for {
    my $now = figures();
    my $behind = $now->{history}{until} - $then->{history}{until};
    my $sum = 0;
    $sum += $_ for @{$now->{history}{attempts}{invalid}}[-$behind .. -1];
    $behind > 0 && $behind < 100
        && $sum == $now->{attempts}{invalid} - $then->{attempts}{invalid};
} 'they are in the seconds that came since';

is($t->request(method => 'HEAD', path => '/status', headers => \@pairs)
    ->status, 200, 'HEAD is allowed');
is($t->request(method => 'POST', path => '/status', body => '',
    headers => \@pairs)->status, 405,
    'no method except GET and HEAD is allowed');

# --------------------------------------------------------------- Redis is gone

$t->allow_log(qr/redis|Redis/);
$t->redis->stop;
is($t->create_run->status, 503, 'a creation without Redis is denied');
wait_for {
    my $now = scrape();
    (value($now, "jobruns_redis_breakers_open{server=\"$server\"}") // 0) > 0
} 'an open breaker';
is(value(scrape(), 'jobruns_attempts_total{outcome="unavailable"}'), 1,
    'the status counts an attempt that was unavailable');

# --------------------------------------------------------------------- nginx -t

my ($ok, $said) = $t->check_config(%config, http => '');
ok(!$ok, 'nginx -t refuses a status without a zone');
like($said, qr/"jobruns_status" has nothing to show: add "jobruns_zone/,
    'nginx -t has the remedy of a status without a zone');

($ok, $said) = $t->check_config(%config, http => 'jobruns_zone jobruns 64k;');
ok(!$ok, 'nginx -t refuses a zone that is too small');
like($said, qr/size "64k" of zone "jobruns" of "jobruns_zone": it must be at/,
    'nginx -t has the least size of a zone');

($ok, $said) = $t->check_config(%config,
    http => 'jobruns_zone a 1m; jobruns_zone b 1m;');
ok(!$ok, 'nginx -t refuses two zones');
like($said, qr/"jobruns_zone" directive is duplicate/,
    'nginx -t reports the second zone as duplicate');

done_testing;
