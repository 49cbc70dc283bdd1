#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Tests what a limit's counter is named by, and what a lower rate finds in it.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $pass = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

$t->allow_log(qr/ has (?:window=|a different rate)/);

my $nginx = $t->run(workers => 2, http => <<'END', server => <<"END2");
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
END
    location /20260401/ {
        $pass
        jobruns_quota q key=tenant limit=5 window=day;
    }
    location /20260402/ {
        $pass
        jobruns_quota q key=tenant limit=5 window=month;
    }
    location /20260403/ {
        $pass
        jobruns_limit r key=tenant rate=1r/m burst=40;
    }
    location /20260404/ {
        $pass
        jobruns_limit r key=tenant rate=1r/h;
    }
    location /20260405/ {
        $pass
        jobruns_quota same key=tenant limit=5 window=day;
        jobruns_limit s key=tenant rate=1r/m burst=40;
    }
    location /20260406/ {
        $pass
        jobruns_quota same key=tenant limit=2 window=day;
        jobruns_limit s key=tenant rate=1r/m burst=40;
    }
END2

my $redis = $t->redis;
my $tenant = 'jobruns:{ocid1.tenancy.oc1..test}';

sub passed {
    my ($version, $n) = @_;
    return scalar grep {
        $t->create_run(version => "202604$version", token => undef)->status
            == 201
    } 1 .. $n;
}

# --------------------------------------------------------- windows of one name

# not over the edge of a day
wait_for { $redis->command('TIME')->[0] % 86400 < 86390 } 'a day that goes on';

my $passed = 0;
for (1 .. 12) {
    $passed += passed('01', 1) + passed('02', 1);
}
is($passed, 10, 'two windows of one name let five pass in each');
is(join(' ', sort keys %{$redis->counters}), 'quota:q:d quota:q:m',
    'two windows of one name have a counter each');

my $log = $nginx->error_log;
my @warned = $log =~ /\[warn\].*(jobruns_\w+ "\w+" has .*)/g;
is(scalar(grep { /jobruns_quota "q" has window=day in one/ } @warned), 1,
    'nginx -t warns of different windows of one name');
is(scalar(grep { /jobruns_limit "r" has a different rate/ } @warned), 1,
    'nginx -t warns of different rates of one name');
is(scalar(@warned), 2,
    'nginx -t does not warn of equal limits, or of different counts of one '
    . 'name');

# -------------------------------------------------------------- a lower rate

is(passed('03', 41), 41, 'a rate and its burst let 41 pass');
$redis->command('HSET', "$tenant:limits", 'r.rate', '1r/h');
is(passed('03', 40), 0, 'a lower rate finds all of its burst used');
$redis->command('HSET', "$tenant:limits", 'r.rate', '1000000r/s');
is(passed('03', 3), 3, 'a higher rate works off at once what was used');

done_testing;
