#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A concurrency with delay=: a creation over it waits in line for a slot, and
# nothing of it is claimed meanwhile.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my %limits = (
    2 => 'jobruns_concurrency brief key=workspace limit=1 delay=1s;',
    3 => 'jobruns_concurrency tried key=workspace limit=0 delay=50s dry_run;',
);

$t->run(workers => 1, server => <<'END',
    jobruns_concurrency at_once key=workspace limit=1 delay=50s;
    jobruns_quota daily key=workspace limit=1000 window=day;
    location = /status { jobruns_status; }
END
    http => 'jobruns_zone status 1m; jobruns_redis_timeout 20s;
        jobruns_redis_connect_timeout 20s;',    # a busy machine is no matter
    servers => join '', map { jobruns_server($_, $limits{$_}) }
        sort keys %limits);

my $redis = $t->redis;
my $service = $t->service;
my $n = 0;

sub place { return 'w' . ++$n }
sub to { return (to => '127.0.0.1:' . $t->port($_[0])) }

sub counted { return $t->status->{counters}{"jobruns_$_[0]_total"} }

# one that the service holds at a gate

sub held {
    my ($gate, %opt) = @_;
    my $client = $t->start_run(token => random_id,
        stub => { wait_read => $gate }, %opt);
    $service->wait_at($gate);
    return $client;
}

# who waits, one after the other

sub line {
    my ($w, $many, %opt) = @_;
    my $before = $t->status->{delayed};
    my @clients;

    for (1 .. $many) {
        push @clients, $t->start_run(token => random_id, workspace => $w, %opt);
        $t->wait_delayed($before + $_);
    }
    return @clients;
}

###############################################################################
# In line, one at a time

for my $h2 (0, 1) {
    my $name = $h2 ? 'HTTP/2' : 'HTTP/1.1';
    my $w = place();
    my $first = held("first$h2", workspace => $w);
    my @tokens = map { random_id } 1 .. 5;
    my @line;

    for (0 .. 4) {
        push @line, $t->start_run(token => $tokens[$_], workspace => $w,
            h2 => $h2);
        $t->wait_delayed($_ + 1);
    }

    is($service->created($_), 0, "$name: one in line is not forwarded")
        for $tokens[0];
    $service->release("first$h2");
    is($first->response->status, 201, "$name: who has the slot is created");
    my @answers = map { $_->response } @line;
    is(scalar(grep { $_->status == 201 } @answers), 5,
        "$name: all in line are created");

    my %at = map { ($_->{token} // '') => $_->{id} } $service->requests;
    my @order = sort { $at{$tokens[$a]} <=> $at{$tokens[$b]} } 0 .. 4;
    is_deeply(\@order, [0 .. 4], "$name: they go in the order of the line");
}

$t->wait_delayed(0);
is(counted('delayed'), 10, 'those that waited are counted');

###############################################################################
# Nothing is claimed; a token with a stored response does not wait in line

my $w = place();
my $done = random_id;
is($t->create_run(token => $done, workspace => $w)->status, 201,
    'a job run is created before there is a line');
my $first = held('second', workspace => $w);
my @keys = grep { !/slots/ } $redis->keys;
my ($waits) = line($w, 1);
is_deeply([grep { !/slots/ } $redis->keys], \@keys,
    'one that waits in line has no key in Redis');

my $answer = $t->create_run(token => $done, workspace => $w);
is($answer->status, 201, 'a retry of a done token gets 201 at once');
is($answer->header('opc-retry-replayed'), 'true',
    'the retry beside the line gets the stored response');

# who leaves the line is no more in the way
$waits->reset;
$t->wait_delayed(0);
my $token = random_id;
my @same;
for ($token, random_id, $token, $token) {
    push @same, $t->start_run(token => $_, workspace => $w,
        stub => { wait_read => 'same' });
    $t->wait_delayed(scalar @same);
}
$service->release('second');
is($first->response->status, 201, 'who has the slot is created');
$service->wait_at('same');
wait_for { $t->status->{waiting} == 2 }
    'the retries of one that goes to wait for its end';
is($t->status->{delayed}, 1, 'they leave the line, another stays in it');
$service->release('same');
is(scalar(grep { $_->response->status == 201 } @same), 4,
    'retries with one token in line get 201');
is($service->created($token), 1, 'one job run is created of the three');

###############################################################################
# For as long as it may

$w = place();
$first = held('third', workspace => $w, to(2));
$answer = $t->create_run(workspace => $w, to(2));
is($answer->status, 429, 'one that has waited for as long as it may gets 429');
is($answer->header('retry-after'), 1, 'its Retry-After is one second');
is($answer->code, 'TooManyRequests', 'its code is TooManyRequests');
my $record = $t->wait_audit(sub {
    ($_->{data}{additionalDetails}{outcome} // '') eq 'limited' });
cmp_ok($record->{data}{additionalDetails}{durationsMs}{waited}, '>=', 1000,
    'its record says for how long it has waited');
$service->release('third');
is($first->response->status, 201, 'who has the slot is created');

$w = place();
is($t->create_run(workspace => $w, to(3))->status, 201,
    'a concurrency in dry_run lets all pass');

###############################################################################
# A tenant has a quarter of the places

$w = place();
$first = held('fourth', workspace => $w);
my @h2 = map { [$t->start_h2(map { { token => random_id, workspace => $w } }
    1 .. 100)] } 1 .. 3;
$t->wait_delayed(256);
wait_for { counted('delays_refused') == 44 } '44 to find no place';

my @refused = grep { $_ && $_->status == 429 }
    map { $_->try_response(0) } map { @$_ } @h2;
is(scalar @refused, 44, 'those for which there is no place get 429');
is($refused[0]->header('retry-after'), 1, 'their Retry-After is one second');
my $v = place();
my $second = held('fifth', workspace => $v, tenancy => 'ocid1.tenancy.oc1..b');
my $other = $t->start_run(token => random_id, workspace => $v,
    tenancy => 'ocid1.tenancy.oc1..b');
$t->wait_delayed(257);
ok(1, 'another tenant has places of its own');
$service->release($_) for 'fourth', 'fifth';
is($_->response->status, 201, 'who has a slot is created')
    for $first, $second, $other;
is(scalar(grep { $_->response->status == 201 } @{$h2[0]}), 100,
    'who waits in line is created in the end');
$_->[0]{h2}->close for @h2[1, 2];
$t->wait_delayed(0);

$t->allow_log(qr/does not wait for a limit/);

done_testing;
