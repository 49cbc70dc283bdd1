#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A rate with delay=: a creation over it waits for its turn, and only what
# cannot pass within the delay is refused.

use lib 't/lib';
use JobRuns;
use Batches;

use Time::HiRes 'time';

my $t = JobRuns->new;

# turns: how far apart they are, and who can wait
my %limits = (
    3 => 'jobruns_limit slow key=workspace rate=2r/m delay=40s;
          jobruns_quota daily key=workspace limit=1000 window=day;',
    4 => 'jobruns_limit third key=workspace rate=20r/m delay=50s;',
    5 => 'jobruns_retry_lease 3s; jobruns_retry_wait 20s;
          jobruns_limit leased key=workspace rate=10r/m delay=20s;',
    6 => 'jobruns_limit tried key=workspace rate=1r/h delay=50s dry_run;',
);

$t->run(workers => 1, server => <<'END',
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    jobruns_limit paced key=workspace rate=2r/s delay=20s;
    jobruns_quota daily key=workspace limit=1000 window=day;
    location = /status { jobruns_status; }
END
    http => 'jobruns_zone status 1m; jobruns_redis_timeout 20s;
        jobruns_redis_connect_timeout 20s;',
    servers => join '', map { jobruns_server($_, $limits{$_}) }
        sort keys %limits);

my $redis = $t->redis;
my $service = $t->service;
my $n = 0;

sub place { return 'w' . ++$n }
sub to { return (to => '127.0.0.1:' . $t->port($_[0])) }

# when the service got the creation with a token

sub went {
    my ($token) = @_;
    my ($request) = grep { ($_->{token} // '') eq $token } $service->requests;
    return $request && $request->{time};
}

###############################################################################
# Several at once: each goes at its turn

is($t->create_run(workspace => place())->status, 201, 'scripts are loaded');

for my $h2 (0, 1) {
    my $name = $h2 ? 'HTTP/2' : 'HTTP/1.1';
    my $w = place();
    my @tokens = map { random_id } 1 .. 5;
    my %asked;
    $redis->monitor;
    my $began = time;
    my @clients = map { $t->start_run(token => $_, workspace => $w,
        h2 => $h2) } @tokens;
    my @answers = map { $_->response } @clients;

    is(scalar(grep { $_->status == 201 } @answers), 5,
        "$name: creations within the delay are created");

    my @went = sort { $a <=> $b } map { went($_) } @tokens;
    my @early = grep { $went[$_] - $began < $_ * 0.5 } 0 .. 4;
    is_deeply(\@early, [], "$name: none goes before its turn");
    for (calls($redis->monitored)) {
        my ($script, $attempts) = split;
        $asked{$script} += $attempts;
    }
    is_deeply(\%asked, { admit => 5, settle => 5 },
        "$name: a creation that waited asks Redis as any other");

    my ($last) = grep { $_->header('ratelimit') =~ /"daily";r=995/ } @answers;
    ok($last, "$name: the quota has counted each once");
    like($last->header('ratelimit'), qr/"paced";r=0;/,
        "$name: RateLimit of a delayed response says that nothing remains");
}

$t->wait_delayed(0);
is($t->status->{counters}{jobruns_delayed_total}, 8,
    'those that waited are counted');

my @waited = sort { $a <=> $b }
    map { $_->{data}{additionalDetails}{durationsMs}{waited} // 0 }
    grep { $_->{eventType} =~ /end$/ } $t->wait_audit(22);
is(scalar(grep { $_ } @waited), 8,
    'the records of those that waited say so');
cmp_ok($waited[-1], '>=', 1500, 'the longest wait is in its record');

###############################################################################
# What cannot pass within the delay consumes nothing; who leaves gives all back

my $w = place();
is($t->create_run(workspace => $w, to(3))->status, 201,
    'a creation below the rate is created at once');

my $waits = $t->start_run(workspace => $w, token => random_id, to(3));
$t->wait_delayed(1);

my $answer = $t->create_run(workspace => $w, to(3));
is($answer->status, 429, 'what cannot pass within the delay gets 429');
is($answer->code, 'TooManyRequests', 'its code is TooManyRequests');
cmp_ok($answer->header('retry-after'), '>=', 1,
    'its Retry-After is at least 1');
cmp_ok($answer->header('retry-after'), '<=', 20,
    'its Retry-After is the wait without the delay');
like($answer->header('ratelimit'), qr/"daily";r=998/,
    'a refusal consumes nothing; one that waits has paid');

$waits->reset;
$t->wait_delayed(0);

my $next = $t->start_run(workspace => $w, token => random_id, to(3));
$t->wait_delayed(1);
ok(1, 'the turn of one that left is free for the next');
$answer = $t->create_run(workspace => $w, to(3));
is($answer->status, 429, 'and for one alone');
like($answer->header('ratelimit'), qr/"daily";r=998/,
    'what one that left had paid is given back');
$next->reset;
$t->wait_delayed(0);

###############################################################################
# Those behind one that leaves move up

$w = place();
my @tokens = map { random_id } 1 .. 4;
my $first = $t->start_run(workspace => $w, token => $tokens[0], to(4));
is($first->response->status, 201, 'the first is created at once');
my @clients;
for (1 .. 3) {
    push @clients, $t->start_run(workspace => $w, token => $tokens[$_], to(4));
    $t->wait_delayed($_);
}
$clients[0]->reset;
is($clients[1]->response->status, 201, 'the one behind it is created');
is($clients[2]->response->status, 201, 'so is the one behind that');

my $zero = went($tokens[0]);
is(went($tokens[1]), undef, 'one that left is never forwarded');
my ($second, $third) = map { went($tokens[$_]) - $zero } 2, 3;
cmp_ok($second, '<', 6, 'the one behind it goes at its turn');
cmp_ok($second, '>=', 2.9, 'and not before');
cmp_ok($third, '<', 9, 'the next one has moved up, too');
cmp_ok($third, '>=', 5.9, 'by one turn only');

###############################################################################
# The lease is renewed while it waits; a retry of its token waits behind it

$w = place();
is($t->create_run(workspace => $w, to(5))->status, 201, 'the rate is used');
my $token = random_id;
my $waiting = $t->start_run(workspace => $w, token => $token, to(5));
$t->wait_delayed(1);
my $retry = $t->start_run(workspace => $w, token => $token, to(5));
my @both = map { $_->response } $waiting, $retry;
is_deeply([map { $_->status } @both], [201, 201],
    'a creation that waits for longer than its lease, and its retry, get 201');
is($both[1]->header('opc-retry-replayed'), 'true',
    'the retry gets the stored response');
is($service->created($token), 1, 'one job run is created of the two');

###############################################################################
# dry_run never waits

$w = place();
is($t->create_run(workspace => $w, to(6))->status, 201,
    'a rate in dry_run lets the first pass') for 1 .. 2;
is($t->status->{delayed}, 0, 'nobody waits for a rate in dry_run');

done_testing;
