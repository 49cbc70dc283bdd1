#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A worker that exits tries for a minute at most to take back an admission
# without a reply: then it logs that, and ends.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');

$t->allow_log(qr/redis|Redis|could not take back an admission/);

my $nginx = $clock->run(sub { $t->run(workers => 1,
    http => 'jobruns_redis_timeout 500ms;') });
my $redis = $t->redis;

is($t->create_run->status, 201, 'a creation before the pause is created');
my ($worker) = $nginx->workers;

$redis->pause;
is($t->create_run(token => 'lost')->status, 503,
    'a creation without a reply is refused');

kill QUIT => $worker;
$t->wait_log(qr/gracefully shutting down/);
select undef, undef, undef, 2.5;        # a gap between tries, and more
ok(kill(0 => $worker), 'the worker stays for what it has to take back');
unlike($nginx->error_log, qr/could not take back/,
    'the worker does not give up at once');

$clock->passed(61);
$t->wait_log(qr/this worker exits, and could not take back an admission/);
wait_for { !kill 0 => $worker } 'the worker to end';
is(scalar(() = $nginx->error_log =~ /could not take back/g), 1,
    'one line reports the admission that is not taken back');

$redis->resume;
wait_for { $t->create_run(token => 'lost')->status == 201 } 'Redis again';
is($t->service->created('lost'), 1, 'one job run is created for the token');

done_testing;
