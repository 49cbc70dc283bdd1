#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What the status page says of an idle gateway, of one whose Redis or service
# fails, and of one that has healed: each trouble with since when, whom it
# affects and what to do, the worst first.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;

use Sys::Hostname qw(hostname);

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');

my %config = (
    workers => 2,
    http => 'jobruns_zone jobruns 1m; jobruns_redis_watch 1s;'
        . ' jobruns_redis_timeout 300ms; jobruns_redis_connect_timeout 300ms;',
    server => <<'END',
        proxy_connect_timeout 2s;
        location = /status {
            jobruns_status;
        }
END
);

my $nginx = $clock->run(sub { $t->run(%config) });
my $redis = $t->redis;
my $server = $redis->address;

sub figures { return $t->get('/status?format=json')->json }
sub metrics { return $t->get('/status')->body }
sub names { return join ' ', map { $_->{name} } @{$_[0]{troubles}} }

sub value {
    my ($series) = @_;
    return metrics() =~ /^\Q$series\E (\S+)$/m ? $1 : undef;
}

# ------------------------------------------------------------ idle, and well

my $json;
wait_for { ($json = figures())->{redis}[0]{reachable} == 2 }
    'both workers reached Redis without a request';
is_deeply($json->{state}, { level => 'good', text => 'All is well.' },
    'an idle gateway is well');
is_deeply($json->{troubles}, [], 'and lists no trouble');
is($json->{host}, hostname(), 'the JSON form has the name of the host');
wait_for { (figures()->{redis}[0]{role} // '') eq 'master' }
    'the role of Redis is known';
wait_for { figures()->{redis}[0]{memoryBytes} } 'its memory is known';
is(figures()->{redis}[0]{memoryMaxBytes}, 0, 'and that it has no limit');
like($t->get('/status?format=html')->body,
    qr{<title>\Q${\hostname()}\E: jobruns gateway</title>},
    'the title of the page has the name of the host');
like(metrics(), qr/^jobruns_build_info\{.*host="\Q${\hostname()}\E"\} 1$/m,
    'jobruns_build_info has the name of the host');
is(value("jobruns_redis_reachable_workers{server=\"$server\"}"), 2,
    'the text form has the workers that reached Redis');
is(value("jobruns_redis_memory_max_bytes{server=\"$server\"}"), 0,
    'the text form has the memory of Redis');
my $series = 'jobruns_trouble{trouble="redis_unreachable",level="bad"}';
is(value($series), 0,
    'the text form has each trouble, also those that are not there');
is((grep { $_ } @{$json->{redis}[0]{errors}}{qw(reply refused timeout)}), 0,
    'looking at Redis counts no error');
is(value("jobruns_redis_roundtrip_seconds_count{server=\"$server\"}"), 0,
    'and no round trip');

# ---------------------------------------- Redis is killed, and nobody ask

$t->allow_log(qr/redis|Redis/);
my $killed = time;
$redis->stop;
wait_for { ($json = figures())->{state}{level} eq 'bad' }
    'the page is red without a request';
wait_for { ($json = figures())->{redis}[0]{unreachable} == 2 }
    'both workers have found out';
is($json->{state}{text}, "Redis $server is unreachable.",
    'it names the server, and no share of workers');
is(names($json), 'redis_unreachable', 'that is the one trouble');
my ($trouble) = @{$json->{troubles}};
cmp_ok($trouble->{since}, '>=', $killed - 1, 'it says since when');
cmp_ok($trouble->{since}, '<=', $json->{now}, 'which is not in the future');
like($trouble->{affects}, qr/503 ServiceUnavailable with Retry-After/,
    'it says what clients get');
like($trouble->{remedy}, qr/jobrunsctl doctor/, 'it says what to do');
is($trouble->{runbook}, 'docs/runbook.md#jobrunsredisunreachable',
    'it names its paragraph of the runbook');
like($t->get('/status?format=html')->body,
    qr{<p[ ]class="state[ ]bad">Redis[ ]\Q$server\E[ ]is[ ]unreachable\.
        [ ]<small>For[ ]\d+[ ]s\.[ ]Every[ ]creation}x,
    'the page says so without a script');
is(value($series), 1,
    'the text form has the trouble');
is(value("jobruns_redis_unreachable_workers{server=\"$server\"}"), 2,
    'the text form has the workers that did not reach Redis');
my $since = $trouble->{since};
wait_for { figures()->{now} > $since + 1 } 'time passes';
is(figures()->{troubles}[0]{since}, $since, 'since when does not change');

$redis->start;
wait_for { figures()->{state}{level} eq 'good' }
    'the page is green again, without a request';

# ------------------------------------------------------------------- a replica

$redis->command(qw(REPLICAOF 127.0.0.1 1));
wait_for { names($json = figures()) eq 'redis_replica' }
    'a master that became a replica is seen without a request';
is($json->{state}{text}, "Redis $server is a replica and accepts no writes.",
    'and named');
$redis->command(qw(REPLICAOF NO ONE));
wait_for { figures()->{state}{level} eq 'good' } 'a master is well again';

# ------------------------------------------------------------------ its memory

my ($used) = $redis->command('INFO', 'memory') =~ /^used_memory:(\d+)/m;
$redis->command('CONFIG', 'SET', 'maxmemory', int($used * 100 / 93));
wait_for { names($json = figures()) eq 'redis_filling' }
    'a Redis that fills up is seen';
is($json->{state}{level}, 'warn', 'as a warning');
like($json->{state}{text}, qr/ is nearly full: \d+ of \d+ MB are used\.$/,
    'with its memory');
$redis->command('CONFIG', 'SET', 'maxmemory', $used - 100_000);
wait_for { names($json = figures()) eq 'redis_full' } 'a full Redis is seen';
is($json->{state}{level}, 'bad', 'in red');
$redis->command('CONFIG', 'SET', 'maxmemory', 0);
wait_for { figures()->{state}{level} eq 'good' } 'without limit all is well';

# ---------------------------------------------------------------- the service

my $n = 0;
sub create {
    return $t->create_run(tenancy => 'ocid1.tenancy.oc1..t' . $n++, @_)
        ->status;
}

is(create(), 201, 'the service makes a run');
$t->allow_log(qr/connect\(\) failed|no live upstreams|while connecting/);
$t->service->stop;
is(create(), 503, 'nothing can be sent') for 1 .. 2;
wait_for { figures()->{service}{unsent}{count} == 2 } 'both are counted';
is(figures()->{state}{level}, 'good', 'two failures are no trouble yet');
is(create(), 503, 'nothing can be sent');
wait_for { names($json = figures()) eq 'service_unreachable' }
    'a service that is away is seen by three attempts, however seldom';
is($json->{state}{level}, 'bad', 'in red');
like($json->{state}{text}, qr/^The[ ]service[ ]is[ ]unreachable:
    [ ]3[ ]of[ ]the[ ]4[ ]attempts[ ]forwarded[ ]in[ ]the[ ]last[ ]30
    [ ]seconds[ ]ended[ ]unsent[ ]or[ ]unknown,[ ]the[ ]last[ ]one
    [ ]\d{1,2}[ ]s[ ]ago\.$/x,
    'with the share, and the age of the last one');
like($json->{troubles}[0]{affects}, qr/503; nothing was sent/,
    'and what clients get');

# several troubles, the worst first

$redis->stop;
wait_for {
    names($json = figures()) eq 'redis_unreachable service_unreachable'
} 'both troubles are listed, the worse one first';
is(create(), 503, 'creations are refused') for 1 .. 5;
wait_for { names($json = figures())
    eq 'redis_unreachable refusing service_unreachable' }
    'that the gateway refuses is one more';
$redis->start;
wait_for { figures()->{redis}[0]{unreachable} == 0 } 'Redis is back';
$t->service->start;
is(create(), 201, 'the service is back, too');
wait_for { figures()->{state}{level} eq 'warn' }
    'after a success nothing is red';
like(names(figures()), qr/^attempts_refused attempts_failing$/,
    'what was is a warning for some minutes');

# ---------------------------------------------------------------- it is healed

$clock->wrong_by(301);
wait_for { figures()->{state}{level} eq 'good' }
    'after five minutes all is well again';

# ----------------------------------------------- what the user may not ask

$t->allow_log(qr/NOPERM/);
$redis->command(qw(ACL SETUSER gw on nopass ~* &* +@all -ping -role -info));
$t->configure(%config, redis => 'jobruns_redis %%REDIS%% user=gw'
    . ' password_file=%%TESTDIR%%/pw;');
$t->write_file('pw', "any\n");
$nginx->reload;
wait_for { ($json = figures())->{workers} == 2
    && $json->{redis}[0]{reachable} == 2 } 'a refused PING is a reply';
is($json->{redis}[0]{role}, undef, 'a role that is not told is unknown');
wait_for { !defined figures()->{redis}[0]{memoryBytes} }
    'memory that is not told is unknown';
is_deeply([map { $_->{text} } @{figures()->{troubles}}], [],
    'and that is no trouble, nor is the reload');
is(value('jobruns_audit_reopen_failures_total'), 0,
    'a worker that exits has reopened no file in vain');
is(value("jobruns_redis_memory_bytes{server=\"$server\"}"), undef,
    'the text form has no sample of it');
is(figures()->{redis}[0]{errors}{reply}, 0, 'refused looks are no errors');

# ------------------------------------------------------------- looks turned off

$t->configure(%config, http => $config{http} =~ s/watch 1s/watch off/r);
$nginx->reload;
wait_for { figures()->{workers} == 2 } 'new workers';
$redis->command('CONFIG', 'RESETSTAT');
is(create(), 201, 'a creation without looks');
like($redis->command('INFO', 'commandstats'), qr/cmdstat_evalsha/,
    'Redis was asked by it');
unlike($redis->command('INFO', 'commandstats'), qr/cmdstat_(?:ping|role):/,
    'and by no look');

for (['500ms', 0], ['2m', 0], ['never', 0], ['1s', 1], ['off', 1]) {
    my ($value, $good) = @$_;
    my ($ok, $said) = $t->check_config(%config,
        http => "jobruns_zone jobruns 1m; jobruns_redis_watch $value;");
    is(!!$ok, !!$good, "nginx -t: jobruns_redis_watch $value");
    next if $good;
    like($said, qr/"$value" of "jobruns_redis_watch": expected "off", or a/,
        'it says what is allowed');
}

done_testing;
