#!/usr/bin/perl

# Two gateways of eight workers get twice what is allowed for ten seconds, and
# admit what is allowed: one Redis decides, by its own clock.

use lib 't/lib';
use JobRuns;
use JobRuns::Load;

# a burst of a second outlasts what a busy machine may hold up
my ($rate, $burst, $seconds) = (150, 150, 10);

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

my $next = int(2 * $rate * $seconds);
my (%status, %worker);

my $elapsed = JobRuns::Load->run(
    to => [map { $_->address } @gateways], connections => 32,
    rate => 2 * $rate,
    next => sub { $next-- > 0 ? $t->run_request(token => undef) : undef },
    on_answer => sub {
        my (undef, $answer) = @_;
        $status{$answer->status}++;
        $worker{$answer->header('x-worker')}++;
    },
);

is(join(' ', sort keys %status), '201 429', 'admitted or refused');

for my $gateway (@gateways) {
    my $busy = grep { $worker{$_} } $gateway->workers;
    cmp_ok($busy, '>=', 6, "$gateway->{name}: workers that answered");
}

my $allowed = $burst + 1 + $rate * $elapsed;
note "offered for $elapsed s: admitted $status{201} of $allowed allowed";
cmp_ok($status{201}, '<=', $allowed * 1.01, 'not more than allowed');
cmp_ok($status{201}, '>=', $allowed * 0.99, 'not less than allowed');
is($t->service->counts->{creations}, $status{201}, 'the service saw as many');

done_testing;
