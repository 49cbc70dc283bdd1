#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A Redis is behind: what it was asked longer ago than half the timeout has no
# reply yet, so further admissions are refused at once, under
# jobruns_redis_failure allow as well; attempts under way are settled.

use lib 't/lib';
use JobRuns;

use Time::HiRes qw(time);

for my $failure (qw(deny allow)) {
    my $t = JobRuns->new;

    $t->allow_log(qr/redis/);
    $t->run(workers => 1,
        server => 'jobruns_redis_timeout 8s;'
            . "jobruns_redis_failure $failure;",
        http => <<'END');
    jobruns_zone jobruns 1m;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END
    my $service = $t->service;
    my $redis = $t->redis;
    my $behind = sub {
        my $text = $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body;
        my $sum = 0;
        $sum += $1 while $text
            =~ /^jobruns_redis_errors_total\{.*kind="behind".*\} (\d+)$/mg;
        return $sum;
    };

    my $held = $t->start_run(token => 'held',
        stub => { wait_created => 'gate' });
    $service->wait_at('gate');
    is($behind->(), 0, "$failure: no admission is behind at the start");

    $redis->pause;
    my $asked = $service->counts->{requests};
    my $first = $t->start_run(token => 'first');
    my ($start, $answer, $took) = (time);

    # those within half the timeout wait with it, the next is refused at once
    my @early;
    wait_for {
        my $c = $t->start_run(token => random_id);
        $answer = $c->try_response(0.3);
        push @early, $c unless $answer;
        $answer;
    } 'an admission to be refused', 20;
    is($answer->status . ' ' . $answer->code, '503 ServiceUnavailable',
        "$failure: an admission behind half the timeout is refused");
    is($answer->header('retry-after'), 1,
        "$failure: a refusal has Retry-After");
    cmp_ok(time - $start, '>=', 3.9,
        "$failure: no admission is refused before half the timeout");
    is($service->counts->{requests}, $asked,
        "$failure: nothing is forwarded unprotected");
    is($behind->(), 1, "$failure: metrics count the refusal");
    $t->wait_log(qr/has waited for more than half its timeout, admissions are/);

    # settling is not refused
    $service->release('gate');

    $redis->resume;
    is($held->response->status, 201,
        "$failure: the attempt under way is settled");
    is($first->response->status, 201,
        "$failure: the first waiting admission is created");
    is(scalar(grep { $_->response->status == 201 } @early), scalar @early,
        "$failure: all admissions that came in time are created");
    is($t->create_run->status, 201,
        "$failure: new admissions are created afterwards");
    is($t->create_run(token => 'held')->header('opc-retry-replayed'), 'true',
        "$failure: what was settled meanwhile is stored");
}

done_testing;
