#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A retry that waits claims the token when the lease before it ends, and the
# reply to that is lost: Redis is out of reach for its gateway until just
# before the end of the lease that it does not know of.  Then the retry is
# forwarded, and no other gateway takes it over: one job run is created.

use lib 't/lib';
use JobRuns;

use RedisPeer;

# An attempt under way renews its lease at half of it: within the last third
# another gateway would be there first.  MARGIN, in
# ms, is for a busy machine.
use constant MARGIN => 900;

my $t = JobRuns->new;
my $redis = $t->redis;
my $peer = RedisPeer->start($t, 'relay', sub {
    my ($c) = @_;

    # out of reach: a client that connects gets no reply
    $c->await('reach') if $c->allowed('lost');

    $c->relay($redis->path, sub {
        my ($bytes, $is_reply) = @_;

        $c->note('asked') if $bytes =~ /\r\nEVALSHA\r\n/;

        if ($is_reply && $bytes =~ /\n1f[aud]/
            && $c->allowed('lose') && !$c->allowed('lost'))
        {
            $c->note('lost');
            $c->allow('lost');
            return ('', 1);
        }

        return $bytes;
    });
});
END { RedisPeer::stop_all() }

sub server {
    my ($port, $lease, $wait) = @_;
    return <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port%%;
        jobruns on;
        jobruns_retry_unknown forward;
        jobruns_retry_lease $lease;
        jobruns_retry_wait $wait;
        jobruns_concurrency slots key=tenant limit=5;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END
}

my %config = (workers => 1,
    http => 'jobruns_redis_timeout 12s; jobruns_redis_connect_timeout 12s;',
    servers => server(2, '3s', '25s') . server(3, '10s', '10s'));
$t->run(%config, redis => 'jobruns_redis ' . $peer->address . ';');
$t->run(%config, name => 'other');
my $service = $t->service;

sub now_ms {
    my ($seconds, $us) = @{$redis->command('TIME')};
    return $seconds * 1000 + int($us / 1000);
}

# A record that a dead attempt left: claimed, and its lease ends soon.

sub abandoned {
    my ($token, $to) = @_;

    $redis->command('FLUSHALL');
    $t->create_run(token => $token, to => $to);
    $service->reset;

    my ($key) = $redis->keys('*:v1:token:*');
    $redis->set_record($key, s => 'c', o => '0' x 32,
        l => now_ms() + 500);

    return $key;
}

# The next claim through the relay is made, and its reply is lost.

sub lose {
    unlink map { $t->testdir . "/relay.allow-$_" } qw(lost reach);
    $peer->allow('lose');
}

for my $case ([2, 3000, 'lease 3 s, wait 25 s'],
    [3, 10_000, 'lease 10 s, wait 10 s'])
{
    my ($port, $lease, $what) = @$case;
    my ($here, $there) = map { '127.0.0.1:' . $t->port($_) } $port, 10 + $port;
    my $token = "token-$port";
    my $lost = $peer->count('^lost$');
    my $key = abandoned($token, $there);

    lose();
    my $waiter = $t->start_run(token => $token, to => $here,
        stub => { wait_created => $token });
    $peer->wait_seen('^lost$', $lost + 1);

    my $owner = $redis->field($key, 'o');
    my $end = $redis->field($key, 'l');
    isnt($owner, '0' x 32, "$what: the waiter has claimed the token");

    wait_for { now_ms() > $end - MARGIN } 'nearly all of the lease to pass';
    is($service->asked, 0, "$what: nothing is forwarded without a reply");
    $peer->allow('reach');
    $service->wait_at($token);
    cmp_ok(now_ms(), '<', $end,
        "$what: the waiter is forwarded before the end of the lease");

    my ($slots) = $redis->keys('*:v1:slots:*');
    my %slots = @{$redis->command('ZRANGE', $slots, 0, -1, 'WITHSCORES')};
    cmp_ok($redis->field($key, 'l'), '>', $end,
        "$what: the waiter has renewed its lease");
    is(join(' ', map { unpack 'H32', $_ } keys %slots), $owner,
        "$what: the waiter has one slot");
    cmp_ok((values %slots)[0], '>', $end,
        "$what: the slot is held as long as the lease");

    # the other gateway asks all through the end of that lease
    my $retry = $t->start_run(token => $token, to => $there);
    wait_for { now_ms() > $end + 500 } 'the lost lease to end';
    is($service->asked, 1, "$what: no other gateway takes over");
    is($redis->field($key, 'o'), $owner,
        "$what: the waiter still owns the token");

    $service->release($token);
    is($waiter->response->status, 201, "$what: the waiter gets its job run");
    is($retry->response->header('opc-retry-replayed'), 'true',
        "$what: the job run is replayed to the retry");
    is($service->created($token), 1, "$what: one job run is created");
    is($redis->command('EXISTS', $slots), 0, "$what: the slot is given back");
    $_->close for $waiter, $retry;
}

# Too late: the other gateway has taken over.  The waiter goes on waiting.

my ($here, $there) = map { '127.0.0.1:' . $t->port($_) } 2, 12;
my $lost = $peer->count('^lost$');
my $key = abandoned('late', $there);

lose();
my $waiter = $t->start_run(token => 'late', to => $here);
$peer->wait_seen('^lost$', $lost + 1);
my $retry = $t->start_run(token => 'late', to => $there,
    stub => { wait_created => 'late' });
$service->wait_at('late');
my $owner = $redis->field($key, 'o');
$peer->allow('reach');
my $asked = $peer->count('^asked$');
wait_for { $peer->count('^asked$') > $asked } 'the waiter to ask again';
$service->release('late');
is($retry->response->status, 201,
    'taken over: the other gateway has created the job run');
is($waiter->response->header('opc-retry-replayed'), 'true',
    'taken over: the waiter gets the response of the other gateway');
is($service->asked, 1, 'taken over: the service was asked once');
is($redis->field($key, 'o'), $owner,
    'taken over: the other gateway owns the token');

done_testing;
