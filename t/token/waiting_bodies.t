#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Retries that wait have their bodies in NGINX's temporary files: thirty of 16
# MB take next to nothing of the worker's memory.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, server => <<'SERVER', http => <<'HTTP');
    location /20260430/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        location /20260430/aiDataPlatforms/ {
            client_max_body_size 16m;
            proxy_pass http://service;
        }
    }
SERVER
    jobruns_zone jobruns 1m;
    jobruns_retry_wait 55s;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
HTTP
my ($worker) = $nginx->workers;

sub resident {
    open my $fh, '<', "/proc/$worker/status" or die "$!\n";
    local $/;
    return <$fh> =~ /^VmRSS:\s+(\d+) kB/m ? $1 / 1024 : die "no VmRSS\n";
}

my $head = '{"jobKey":"x","parameters":[{"name":"a","value":"';
my $body = $head . 'v' x (16 * 1024 * 1024 - length($head) - 4) . '"}]}';
my $before = resident();

my $first = $t->start_run(token => 'tok', body => $body,
    stub => { wait_created => 'gate' });
$t->service->wait_at('gate');
my @waiters = map { $t->start_run(token => 'tok', body => $body) } 1 .. 30;
wait_for {
    $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body
        =~ /^jobruns_waiting_requests 30$/m;
} 'thirty to wait', 60;

SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{ASAN_OPTIONS};
    cmp_ok(resident() - $before, '<', 100,
        'thirty waiting retries take less than 100 MB');
}

$t->service->release('gate');
is(scalar(grep { $_->response->status == 201 } $first, @waiters), 31,
    'all waiting retries get their responses');
is($t->service->created('tok'), 1, 'one job run is created for thirty retries');

done_testing;
