#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Redis stands still for longer than a lease, with admissions on their way to
# it: none of them is carried out when it goes on, or it is taken back.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->allow_log(qr/redis|Redis/);

my $nginx = $t->run(server => <<'END');
    jobruns_retry_lease 3s;
    jobruns_retry_wait 10s;
    jobruns_retry_unknown refuse;
    jobruns_redis_timeout 500ms;
    jobruns_quota all key=tenant limit=100000 window=month;
    jobruns_concurrency once key=tenant limit=1000;
END

my $redis = $t->redis;
my $n = 30;

sub used {
    my ($quota) = values %{$redis->counters};
    return $quota ? $quota->[2] : 0;
}

is($t->create_run->status, 201, 'a creation before the stall is created');
is(used(), 1, 'a creation before the stall is counted');
my $before = $t->service->counts->{creations};

$redis->pause;
my @waiting = map { $t->start_run(token => "stall-$_") } 1 .. $n;
my %status;
$status{$_->response->status}++ for @waiting;
is_deeply(\%status, { 503 => $n },
    'nothing is forwarded while Redis stands still');

# longer than a lease: what is left behind would be unknown by then
select undef, undef, undef, 4;
$redis->resume;

wait_for { $t->create_run->status == 201 } 'the gateway to find Redis again';
my $others = $t->service->counts->{creations};

wait_for {
    !grep { ($redis->field($_, 's') // '') eq 'c' }
        $redis->keys('*:v1:token:*')
} 'no claim to be left';

%status = ();
$status{$t->create_run(token => "stall-$_")->status}++ for 1 .. $n;
is_deeply(\%status, { 201 => $n },
    'each retry after the stall is a first attempt');
is($t->service->counts->{creations}, $others + $n,
    'each retry after the stall has one job run');
is(used(), $others + $n, 'the quota counts no other attempts');

done_testing;
