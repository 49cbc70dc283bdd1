#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# How waits for limits end that are not let to their turn: reload, exit, Redis
# away; and what nginx -t says of delay=.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $slow = 'jobruns_limit slow key=workspace rate=20r/m delay=50s;';
my $line = 'jobruns_concurrency line key=workspace limit=1 delay=50s;';
my %config = (
    main => 'worker_shutdown_timeout 20s;',
    server => 'location = /status { jobruns_status; }',
    http => 'jobruns_zone status 1m; jobruns_redis_timeout 20s;
        jobruns_redis_connect_timeout 20s;',    # a busy machine is no matter
    servers => jobruns_server(2, "$slow proxy_read_timeout 10s;")
        . jobruns_server(3, "$line proxy_read_timeout 10s;"),
);

$t->run(workers => 1, %config);

my $redis = $t->redis;
my $service = $t->service;
my $n = 0;

sub place { return 'w' . ++$n }
sub to { return (to => '127.0.0.1:' . $t->port($_[0])) }

###############################################################################
# nginx -t

for ('delay=0', 'delay=56s', 'delay=1m', 'delay=-1s', 'delay=', 'delay=1h',
    'delay=10 s')
{
    my ($ok, $output) = $t->check_config(%config,
        server => "jobruns_limit x key=tenant rate=1r/s '$_';");
    ok(!$ok, "\"$_\" is refused");
    like($output, qr/\Q$_\E.*1ms to 55s: "delay=10s"/,
        "the message names \"$_\" and what is allowed");
}

my ($ok, $output) = $t->check_config(%config, server =>
    'jobruns_quota x key=tenant limit=9 window=day delay=1s;');
ok(!$ok, 'a quota takes no delay');

($ok, $output) = $t->check_config(%config, server => '
    jobruns_limit x key=tenant rate=2r/s delay=1s500ms;
    jobruns_limit y key=tenant rate=60r/m delay=55;
    jobruns_concurrency fits key=tenant limit=55;
    jobruns_concurrency few key=tenant limit=54;
    jobruns_concurrency waits key=tenant limit=1 delay=10s;
    jobruns_concurrency tried key=tenant limit=1 dry_run;');
ok($ok, 'delays are accepted in seconds and milliseconds');
is_deeply([$output =~ /\[warn\].*(jobruns_\w+ "\w+" limit=\d+ refuses .*?:)/g],
    ['jobruns_concurrency "few" limit=54 refuses what waits for '
    . 'jobruns_limit "y":'],
    'nginx -t warns of slots that are fewer than may wait for a rate');

###############################################################################
# A reload: what waits in the old worker goes at its turn

my ($w, $v) = (place(), place());
is($t->create_run(workspace => $w, to(2))->status, 201, 'the rate is used');
my $first = $t->start_run(token => random_id, workspace => $v, to(3),
    stub => { wait_read => 'reload' });
$service->wait_at('reload');
my @waiting = ($t->start_run(token => random_id, workspace => $w, to(2)),
    $t->start_run(token => random_id, workspace => $v, to(3)));
$t->wait_delayed(2);
$t->nginx->reload(draining => 1);
$service->release('reload');
is($first->response->status, 201, 'who has the slot is created');
is($_->response->status, 201, 'one that waits is created after a reload')
    for @waiting;
wait_for { $t->nginx->all_workers == 1 } 'the old worker to exit';

###############################################################################
# An exit that leaves no time for it

$t->configure(workers => 1, %config, main => 'worker_shutdown_timeout 8s;');
$t->nginx->reload;
($w, $v) = (place(), place());
is($t->create_run(workspace => $w, to(2))->status, 201, 'the rate is used');
$first = $t->start_run(token => random_id, workspace => $v, to(3),
    stub => { wait_read => 'quit' });
$service->wait_at('quit');
my $token = random_id;
@waiting = ($t->start_run(token => $token, workspace => $w, to(2)),
    $t->start_run(token => random_id, workspace => $v, to(3)));
$t->wait_delayed(2);
$t->nginx->reload(draining => 1);

for (@waiting) {
    my $answer = $_->response;
    is($answer->status, 503, 'a wait that does not fit before the exit ends');
    is($answer->code, 'ServiceUnavailable', 'its code is ServiceUnavailable');
    is($answer->header('retry-after'), 1, 'it may be retried at once');
}
$service->release('quit');
is($first->response->status, 201, 'who was forwarded is created');
is($service->created($token), 0, 'nothing of it was forwarded');
my $again = $t->start_run(token => $token, workspace => $w, to(2));
is($again->response->status, 201,
    'the token is free, and its turn given back');
wait_for { $t->nginx->all_workers == 1 } 'the old worker to exit';

###############################################################################
# Redis is away when the head of a line asks

$v = place();
$first = $t->start_run(token => random_id, workspace => $v, to(3),
    stub => { wait_read => 'away' });
$service->wait_at('away');
my $waits = $t->start_run(token => random_id, workspace => $v, to(3));
$t->wait_delayed(1);
$redis->stop;
is($waits->response->status, 503, 'one in line gets 503 when Redis is away');
$redis->start;
$service->release('away');
is($first->response->status, 201, 'who was forwarded is created');
# the one in line may have asked just then: that is taken back at its deadline,
# which is jobruns_redis_timeout away
wait_for {
    my $json = $t->status;
    !$json->{pendingSettles} && !$json->{pendingKeeps};
} 'nothing to be left to tell Redis', 60;
$t->allow_log(qr/Redis/);

done_testing;
