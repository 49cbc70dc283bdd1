#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# With jobruns_redis_replicas an admission is forwarded when its claim is on a
# replica, and not before; with too few replicas it gets 503, or is forwarded
# where that is allowed.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $master = $t->redis(tcp => 1, args => ['--repl-diskless-sync-delay', 0]);
my $replica = $t->redis('replica', tcp => 1, args => ['--replicaof',
    '127.0.0.1', $master->{port}]);

# only then its acknowledgements count
wait_for {
    $master->command('INFO', 'replication') =~ /^slave0:.*state=online/m
} 'the replica to be in step';

$master->command(qw(ACL SETUSER poor on >secret ~* +@all -wait));
$t->write_file('secret', 'secret');

my $nginx = $t->run(workers => 1,
    server => 'jobruns_redis_replicas 1 2s;',
    servers => join "\n",
        jobruns_server(2, 'jobruns_redis_replicas 1 2s; '
            . 'jobruns_redis_failure allow;'),
        jobruns_server(3, 'jobruns_redis_replicas 1 10s;'),
        jobruns_server(4, 'jobruns_redis_replicas 2 1s;'),
        jobruns_server(5, 'jobruns_redis_replicas 1 2s; '
            . 'jobruns_redis %%REDIS%% user=poor '
            . 'password_file=%%TESTDIR%%/secret;'),
        jobruns_server(6, ''));
my ($allow, $patient, $two, $poor, $plain) = map {
    '127.0.0.1:' . $t->port($_)
} 2 .. 6;

sub waits {
    return $master->command('INFO', 'commandstats')
        =~ /^cmdstat_wait:calls=(\d+)/m ? $1 : 0;
}

sub blocked {
    return () = $master->command('CLIENT', 'LIST') =~ / flags=b /g;
}

sub tokens { return grep { /:token:/ } $master->keys }

###############################################################################
# All is well

is($t->create_run->status, 201,
    'a creation is created when the script is not known yet');

my $waits = waits();
is($t->create_run(token => 'one')->status, 201,
    'a creation with a replica is created');
is(waits(), $waits + 1, 'one WAIT is sent for a creation');

is($t->create_run(token => 'one')->header('opc-retry-replayed'), 'true',
    'a retry with a replica is replayed');
is($t->create_run(to => $plain)->status, 201,
    'a creation in a location without replicas is created');
is(waits(), $waits + 2, 'a location without the directive does not wait');

###############################################################################
# The replica does not reply

$replica->pause;

my $count = $t->service->counts->{requests};
my $tokens = tokens();
my $refused = $t->create_run(token => 'two');
is($refused->status, 503, 'a creation with too few replicas is refused');
is($refused->code, 'ServiceUnavailable',
    'a creation with too few replicas has the code ServiceUnavailable');
ok($refused->header('retry-after'),
    'a creation with too few replicas gets Retry-After');
$t->wait_log(qr/is not on 1 replicas of Redis "[^"]+": only 0 replicas have/);

is($t->service->counts->{requests}, $count,
    'a creation with too few replicas is not forwarded');
wait_for { tokens() == $tokens } 'the token to be free again';

my ($record) = $t->wait_audit(sub {
    ($_->{data}{additionalDetails}{outcome} // '') eq 'unavailable'
});
ok($record, 'a creation with too few replicas is audited as unavailable');

is($t->create_run(token => 'one')->status, 201, 'a replay needs no replica');

my $allowed = $t->create_run(token => 'three', to => $allow);
is($allowed->status, 201,
    'a creation with too few replicas is forwarded where allowed');
is($t->create_run(token => 'three', to => $allow)->body, $allowed->body,
    'a retry is replayed by the master alone');
is(scalar(grep { $_->{data}{additionalDetails}{unreplicated} } $t->attempts),
    2,
    'the audit log has both attempts as unreplicated');

###############################################################################
# Held up: the claim is awaited, and no other request is delayed by it

$t->service->plan({ wait_read => 'gate', match => { token => 'held' } });
my $held = $t->start_run(token => 'held', to => $plain);
$t->service->wait_at('gate');
$count = $t->service->counts->{requests};
my $waited = waits();

my @waiting = map { $t->start_run(token => "many-$_", to => $patient) }
    1 .. 40;
wait_for { blocked() } 'WAIT to block';

$t->service->release('gate');
is($held->response->status, 201, 'a settlement does not wait for the replica');
is($t->create_run(token => 'one', to => $plain)->status, 201,
    'another admission does not wait for the replica');
is($t->service->counts->{requests}, $count,
    'nothing is forwarded before the replica replies');

$replica->resume;
is(join(' ', map { $_->response->status } @waiting), join(' ', (201) x 40),
    'all waiting admissions are created when the replica is back');
cmp_ok(waits() - $waited, '<', 20, 'many admissions share a WAIT');
is(scalar(grep { $t->service->created("many-$_") == 1 } 1 .. 40), 40,
    'each waiting admission has one job run');

###############################################################################
# More than there are; not permitted; the end of the connection

is($t->create_run(to => $two)->status, 503,
    'a creation that needs two replicas of one is refused');
wait_for {
    # logged every ten seconds, and another location was logged just now
    $t->create_run(to => $two);
    $nginx->error_log =~ /is not on 2 replicas of Redis "[^"]+": only 1 /;
} 'the next line';
pass('error.log reports that there is one replica of two');

is($t->create_run(to => $poor)->status, 503,
    'a creation without the right to WAIT is refused');
$t->wait_log(qr/WAIT was refused: "NOPERM.*has \+wait/);

$replica->pause;
my $lost = $t->start_run(token => 'lost', to => $patient);
wait_for { blocked() } 'WAIT to block';
$count = $t->service->counts->{requests};
$master->command('CLIENT', 'KILL', 'ID',
    $master->command('CLIENT', 'LIST') =~ /^id=(\d+) .* flags=b /m);
is($lost->response->status, 503,
    'a creation whose connection ends during WAIT is refused');
is($t->service->counts->{requests}, $count,
    'a creation whose connection ends during WAIT is not forwarded');

# clients that leave meanwhile
my @left = map { $t->start_run(to => $patient) } 1 .. 3;
wait_for { blocked() } 'WAIT to block';
$_->close for @left;
$replica->resume;
wait_for { !blocked() } 'WAIT to end';

is($t->create_run(token => 'one')->status, 201,
    'creations work after clients have left during WAIT');

###############################################################################
# What is refused

my $of = ' of "jobruns_redis_replicas": expected';

for my $case (
    ['0 100ms' => qr/"0"$of 1 to 16 replicas, or "off"/],
    ['17 100ms' => qr/"17"$of 1 to 16 replicas/],
    ['x 100ms' => qr/"x"$of 1 to 16 replicas/],
    ['1 0' => qr/"0"$of a time from 1ms to 10s/],
    ['1 11s' => qr/"11s"$of a time from 1ms to 10s/],
    ['1 soon' => qr/"soon"$of a time/],
    ['1' => qr/"1"$of "off", or a number of replicas and how /],
    ['1 1s; jobruns_redis_replicas off' => qr/is duplicate/],
    ['1 1s x' => qr/invalid number of arguments/],
) {
    my ($ok, $output) = $t->check_config(
        server => "jobruns_redis_replicas $case->[0];");
    ok(!$ok, "nginx -t refuses: jobruns_redis_replicas $case->[0]");
    like($output, $case->[1],
        "nginx -t says why it refuses: jobruns_redis_replicas $case->[0]");
}
my ($ok, $output) = $t->check_config(http => 'jobruns_redis_replicas 2 1s;',
    server => 'jobruns_redis_replicas off;');
ok($ok, 'nginx -t accepts off below a level that waits') or diag($output);

done_testing;
