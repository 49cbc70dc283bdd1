#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Two gateways of eight workers get twice as many requests as are allowed for
# ten seconds, and admit as many as are allowed: one Redis decides, by its own
# clock.

use lib 't/lib';
use JobRuns;
use Batches;
use JobRuns::Load;

my ($rate, $burst, $seconds) = (40, 20, 10);

my $t = JobRuns->new;

# the kernel spreads connections over the workers
my $config = <<"END";
%%TEST_GLOBALS%%
worker_processes 8;
events { worker_connections 256; }
http {
    %%TEST_GLOBALS_HTTP%%
    jobruns_redis %%REDIS%%;
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    jobruns_audit off;
    upstream service { server %%SERVICE%%; }
    server {
        listen 127.0.0.1:%%PORT_0%% reuseport;
        jobruns on;
        jobruns_limit accurate key=tenant rate=${rate}r/s burst=$burst;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
            add_header X-Worker \$pid always;
        }
    }
}
END
my @gateways = map { $t->run(name => $_, config => $config) } qw(one two);

my $redis = $t->redis;

# from now on scripts are known: each is called once
is($t->create_run(to => $_->address, tenancy => 'ocid1.tenancy.oc1..first')
    ->status, 201, 'the first creation, which loads the script, is created')
    for @gateways;

my $before = $t->service->counts->{creations};
my $next = my $requests = 2 * $rate * $seconds;
my (%status, %worker);

$redis->monitor;
JobRuns::Load->run(
    to => [map { $_->address } @gateways], connections => 32,
    rate => 2 * $rate,
    next => sub {
        return $next-- > 0 ? $t->run_request(token => undef) : undef;
    },
    on_answer => sub {
        my (undef, $answer) = @_;
        $status{$answer->status}++;
        $worker{$answer->header('x-worker')}++;
    },
);

# when each was decided, by Redis' clock
my @decided = map {
    my ($time) = /^([\d.]+)/;
    map { /^admit (\d+)/ ? ($time) x $1 : () } calls($_)
} $redis->monitored;

is(join(' ', sort keys %status), '201 429',
    'requests are either admitted or refused by the rate');

for my $gateway (@gateways) {
    my $busy = grep { $worker{$_} } $gateway->workers;
    cmp_ok($busy, '>=', 6,
        "$gateway->{name}: most of its workers have responded");
}

is(scalar @decided, $requests, 'each request was decided once');
cmp_ok($decided[-1] - $decided[0], '>', 0.99 * $seconds,
    'the decisions took ten seconds');

# What a bucket admits when it is asked at these moments, which Redis notes
# just after the script has seen its own.
my ($tokens, $at, $allowed) = ($burst + 1, $decided[0], 0);
for my $now (@decided) {
    $tokens += ($now - $at) * $rate;
    $tokens = $burst + 1 if $tokens > $burst + 1;
    $at = $now;
    next if $tokens < 1;
    $tokens--;
    $allowed++;
}

note "admitted $status{201} of $allowed allowed";
cmp_ok($status{201}, '<=', $allowed * 1.005,
    'not more requests are admitted than the rate allows');
cmp_ok($status{201}, '>=', $allowed * 0.995,
    'not fewer requests are admitted than the rate allows');
is($t->service->counts->{creations} - $before, $status{201},
    'the service has created as many as were admitted');

done_testing;
