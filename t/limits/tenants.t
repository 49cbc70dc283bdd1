#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Ten thousand tenants create job runs at once: each has limits of its own.

use lib 't/lib';
use JobRuns;
use JobRuns::Load;

my $t = JobRuns->new;

# in place of the service, at the speed of NGINX
$t->run(workers => 2, audit => 'jobruns_audit off;',
    servers => <<'END', server => <<'END2');
    server {
        listen 127.0.0.1:%%PORT_5%%;
        location / {
            default_type application/json;
            return 201 '{"key":"$request_id"}';
        }
    }
END
    location /20260430/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://127.0.0.1:%%PORT_5%%;
        jobruns_redis_timeout 20s;      # a busy machine is not the matter
        jobruns_redis_connect_timeout 20s;
        jobruns_quota one key=tenant limit=1 window=month;
        jobruns_limit hundred key=tenant rate=100r/h burst=99;
        jobruns_concurrency few key=tenant limit=3;
    }
END2

my $redis = $t->redis;
my $tenants = 10_000;
my @next = map { ($_, $_) } 1 .. $tenants;
my (%status, %refused);

JobRuns::Load->run(to => [$t->nginx->address], connections => 64,
    next => sub {
        my $i = shift @next // return;
        my $request = $t->run_request(token => undef,
            request_id => undef, tenancy => "ocid1.tenancy.oc1..$i");
        return { %$request, tenant => $i };
    },
    on_answer => sub {
        my ($request, $answer) = @_;
        $status{$answer->status}[$request->{tenant}]++;
        $refused{$answer->json->{message} =~ s/ \d+ s\.$//r}++
            if $answer->status == 429;
    });

is(join(' ', sort keys %status), '201 429',
    'creations of all tenants are created or refused');
is(scalar(grep { ($_ // 0) == 1 } @{$status{201}}), $tenants,
    'each tenant creates one job run');
is(scalar(grep { ($_ // 0) == 1 } @{$status{429}}), $tenants,
    'each tenant is refused once');
is(join('; ', sort keys %refused), 'Limit one: 1 job runs per month (UTC) are '
    . 'used up; it is reset in',
    'each tenant is refused by its own quota alone');
is($redis->command('DBSIZE'), $tenants,
    'each tenant has a key for all counters, and slots have none');

my @keys = $redis->keys('*:v1:*');
is(scalar(grep { $redis->command('PEXPIRETIME', $_) < 0 } @keys[map { $_ * 97 }
    0 .. $#keys / 97]), 0, 'the keys of all tenants expire');

done_testing;
