#!/usr/bin/perl

# Two gateways of eight workers get twice what is allowed for ten seconds, and
# admit what is allowed: one Redis decides, by its own clock.

use lib 't/lib';
use JobRuns;
use JobRuns::Load;

use Time::HiRes qw(time);

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
my (%status, %worker, %sent, %received);

JobRuns::Load->run(
    to => [map { $_->address } @gateways], connections => 32,
    rate => 2 * $rate,
    next => sub {
        return if $next-- <= 0;
        $sent{last} = time;
        $sent{first} //= $sent{last};
        return $t->run_request(token => undef);
    },
    on_answer => sub {
        my (undef, $answer) = @_;
        $received{last} = time;
        $received{first} //= $received{last};
        $status{$answer->status}++;
        $worker{$answer->header('x-worker')}++;
    },
);

is(join(' ', sort keys %status), '201 429', 'admitted or refused');

for my $gateway (@gateways) {
    my $busy = grep { $worker{$_} } $gateway->workers;
    cmp_ok($busy, '>=', 6, "$gateway->{name}: workers that answered");
}

# Redis decided on the first and on the last of them at some moment between
# its being sent and its being answered
my $least = $burst + 1 + $rate * ($sent{last} - $received{first});
my $most = $burst + 1 + $rate * ($received{last} - $sent{first});

note "admitted $status{201} of $least to $most allowed";
cmp_ok($sent{last} - $sent{first}, '>', 0.99 * $seconds, 'for ten seconds');
cmp_ok($status{201}, '<=', $most * 1.01, 'not more than allowed');
cmp_ok($status{201}, '>=', $least * 0.99, 'not less than allowed');
is($t->service->counts->{creations}, $status{201}, 'the service saw as many');

done_testing;
