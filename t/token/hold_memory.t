#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# No tenant has more than a half of jobruns_hold_memory: slow readers of large
# responses, settlements that wait for Redis and admissions to be taken back
# of one tenant leave room for those of the others.

use lib 't/lib';
use JobRuns;
use Batches;

my $t = JobRuns->new;

# The kernel takes little of a response whose client does not read.

sub server {
    my ($port) = @_;
    return <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port%% sndbuf=8k;
        jobruns on;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END
}

my %config = (workers => 1, server => 'location = /status { jobruns_status; }');
my $nginx = $t->run(%config, http => <<'END', servers => server(2));
    jobruns_zone jobruns 1m;
    jobruns_hold_memory 4m;
END
my $service = $t->service;
my $redis = $t->redis;
my $slow = '127.0.0.1:' . $t->port(2);
my $half = 2 * 1024 * 1024;

sub value {
    my ($name, $from) = @_;
    my ($value) = $t->get('/status', to => $from // $nginx)->body
        =~ /^\Q$name\E (\d+)$/m;
    return $value;
}

my $n = 0;
sub tenant { return "ocid1.tenancy.oc1..$_[0]" . ++$n }

# What a retry gets.

sub retry {
    my ($tenant, $token) = @_;
    my $again = $t->create_run(tenancy => $tenant, token => $token);
    return ($again->header('opc-retry-replayed') // '') eq 'true' ? 'replayed'
        : $again->code // $again->status;
}

###############################################################################
# Slow readers

my %large = (stub => { bytes => 500_000 });
my ($a, $b) = (tenant('a'), tenant('b'));
my @readers;

# Reads nothing of its response, which is settled when this returns.

sub read_slowly {
    my ($tenant) = @_;
    my ($token, $id) = (random_id, random_id);
    push @readers, $t->start_run(%large, tenancy => $tenant, token => $token,
        request_id => $id, to => $slow);
    $t->wait_audit(sub { ($_->{data}{request}{id} // '') eq $id
        && $_->{eventType} =~ /end$/ });
    return $token;
}

my @tokens = map { read_slowly($a) } 1 .. 9;
my $held = value('jobruns_held_bytes');
cmp_ok($held, '>', 1_500_000, 'responses whose clients do not read are held');
cmp_ok($held, '<=', $half, 'one tenant has no more than a half of the memory');
cmp_ok(value('jobruns_hold_tenant_full_total'), '>=', 5,
    'metrics count responses without room for their tenant');
is(value('jobruns_hold_full_total'), 0,
    'metrics do not count the memory as full while one tenant has a half');
$t->wait_log(
    qr/jobruns_hold_memory 4194304 is full for one tenant, .*tenant: "$a"/);

my $token = random_id;
my $first = $t->create_run(%large, tenancy => $b, token => $token);
is(length $first->body, 500_000, "another tenant's client gets its response");
is(retry($b, $token), 'replayed', "another tenant's response is stored");

is(retry($a, $tokens[0]), 'replayed',
    'the first response of slow readers is stored');
is(retry($a, $tokens[8]), 'Conflict',
    'the last response of slow readers is not stored');
is($service->created($tokens[8]), 1,
    'the token of a response that is not stored is done all the same');

# one that reads again gets all of it, stored or not
is(length $readers[$_]->response->body, 500_000,
    "response $_ of slow readers is whole")
    for 0, 8;

$_->close for @readers;
wait_for { value('jobruns_held_bytes') == 0 } 'all memory to be given back';

$token = random_id;
$first = $t->create_run(%large, tenancy => $a, token => $token);
is(retry($a, $token), 'replayed',
    'responses are stored when slow readers have left');

# the second tenant has a half, too: then the memory is full for a third

@readers = ();
read_slowly($a) for 1 .. 5;
read_slowly($b) for 1 .. 5;
cmp_ok(value('jobruns_held_bytes'), '<=', 2 * $half,
    'two tenants have no more than all of the memory');
read_slowly(tenant('c'));
cmp_ok(value('jobruns_hold_full_total'), '>=', 1,
    'metrics count the memory as full for a third tenant');
$_->close for @readers;
wait_for { value('jobruns_held_bytes') == 0 } 'all memory to be given back';

###############################################################################
# Settlements that wait for Redis

$nginx->stop;
$t->allow_log(qr/redis|Redis|hold_memory/);
$nginx = $t->run(%config, name => 'small', servers => server(2),
    redis => 'jobruns_redis %%REDIS%%; jobruns_redis_prefix small:;',
    http => <<'END');
    jobruns_zone jobruns 1m;
    jobruns_hold_memory 100k;
    jobruns_redis_timeout 4s;
    jobruns_retry_lease 60s;
    jobruns_retry_wait 0s;
END

sub forward {
    my ($tenant, $n) = @_;
    my @calls = map { { token => random_id, gate => random_id } } 1 .. $n;
    for my $call (@calls) {
        $call->{client} = $t->start_run(tenancy => $tenant, to => $nginx,
            token => $call->{token}, stub => { wait_created => $call->{gate} });
        $service->wait_at($call->{gate});
    }
    return @calls;
}

sub release {
    for my $call (@_) {
        $service->release($call->{gate});
        is($call->{client}->response->status, 201,
            'a client gets its response without Redis');
    }
}

my @of_a = forward($a, 40);
my @of_b = forward($b, 5);
$redis->stop;
release(@of_a);
my $lost = value('jobruns_settles_lost_total', $nginx);
cmp_ok($lost, '>=', 20, "settlements beyond one tenant's half are lost");
cmp_ok(value('jobruns_hold_tenant_full_total', $nginx), '>=', $lost,
    'metrics count settlements without room for their tenant');
cmp_ok(value('jobruns_pending_keeps', $nginx), '>=', 10,
    "settlements within one tenant's half are pending");
release(@of_b);
is(value('jobruns_settles_lost_total', $nginx), $lost,
    "settlements of another tenant are not lost");
$redis->start;
wait_for { value('jobruns_pending_keeps', $nginx) == 0 } 'Redis to be told';
for my $call (@of_b) {
    my $again = $t->create_run(tenancy => $b, token => $call->{token},
        to => $nginx);
    is($again->header('opc-retry-replayed'), 'true',
        'a retry of another tenant gets the stored response');
}
wait_for { value('jobruns_held_bytes', $nginx) == 0 }
    'all memory to be given back';

###############################################################################
# Admissions to be taken back

sub waiting { return value('jobruns_pending_settles', $nginx) }

$lost = value('jobruns_settles_lost_total', $nginx);
my $full = value('jobruns_hold_tenant_full_total', $nginx);
$redis->pause;
my @clients = in_one_turn($t, map { { tenancy => $_, to => $nginx } } $b,
    (tenant('d')) x 60);
is($_->response->status, 503, 'an admission without a reply gets 503')
    for @clients;
wait_for { value('jobruns_settles_lost_total', $nginx) > $lost }
    'admissions that are not taken back';
cmp_ok(waiting(), '<=', 26,
    'admissions to be taken back have no more than a half for one tenant');
cmp_ok(value('jobruns_hold_tenant_full_total', $nginx), '>', $full,
    'metrics count admissions without room for their tenant');
is(value('jobruns_hold_full_total', $nginx), 0,
    "metrics do not count the memory as full by one tenant's admissions");
is(scalar(() = $nginx->error_log =~ /jobruns_hold_memory\ 102400\ is\ full\ for
    \ one\ tenant,.*\ an\ admission\ without\ a\ reply\ is\ not\ taken\ back:
    \ key\ "small:/gx), 1,
    'one line of error.log reports admissions that are not taken back');
$redis->resume;
wait_for { waiting() == 0 } 'the others to be taken back';
is(scalar(grep { /\Q$b\E.*token/ && $redis->field($_, 's') eq 'c' }
    $redis->keys('small:*')), 0,
    "an older admission of another tenant is taken back");
wait_for { value('jobruns_held_bytes', $nginx) == 0 }
    'all memory to be given back';

# of many tenants, each within its half

$lost = value('jobruns_settles_lost_total', $nginx);
$redis->pause;
@clients = map { $t->start_run(tenancy => tenant('e'), to => $nginx) } 1 .. 60;
is($_->response->status, 503,
    'an admission of many tenants without a reply gets 503')
    for @clients;
wait_for { value('jobruns_settles_lost_total', $nginx) > $lost }
    'admissions that are not taken back';
cmp_ok(waiting(), '<=', 52,
    'no more admissions are pending than the memory has room for');
cmp_ok(waiting(), '>=', 20,
    'no more admissions are dropped than the memory has no room for');
is(value('jobruns_hold_full_total', $nginx),
    value('jobruns_settles_lost_total', $nginx) - $lost,
    'metrics count each admission that is dropped');
$redis->resume;
wait_for { waiting() == 0 } 'the others to be taken back';
wait_for { value('jobruns_held_bytes', $nginx) == 0 }
    'all memory to be given back';

done_testing;
