#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The Redis client works with a real cluster: operations go to their nodes,
# redirections are followed, hash slots move or have no node, and nodes come
# and go.

use lib 't/lib';

use Time::HiRes qw(time);

use JobRuns;
use RedisCluster;
use RedisProbe;

my $t = RedisProbe::harness();
my $cluster = RedisCluster->start($t,
    args => ['--cluster-require-full-coverage', 'no']);
my @masters = ($cluster->nodes)[0 .. 2];

# "localhost" is what the nodes are called further down
my $local = $cluster->address(1) =~ s/127\.0\.0\.1/localhost/r;
my $slow = 'timeout=20s connect_timeout=20s';

$t->run(module => 0, config => probe_config(
    a => $cluster->address(1) . " $slow",
    short => $cluster->address . ' timeout=300ms connect_timeout=20s',
    replica => 'cluster ' . ($cluster->nodes)[5]->address . " $slow",
    nil => $cluster->address(1) . " $slow",
    name => "$local $slow",
    invalid => $cluster->address(1) . " $slow",
    alone => 'cluster ' . $t->redis('alone', tcp => 1)->address . " $slow",
));

# a key whose slot this node serves
my $number = 0;
sub key_of {
    my ($node) = @_;
    while (1) {
        my $key = 'key' . ++$number;
        return $key if $cluster->master($cluster->slot($key)) == $node;
    }
}

# errors of a kind, and questions for the map, during something
sub during {
    my ($code, @what) = @_;
    my $count = sub { $_[0] eq 'SLOTS' ? $cluster->calls('cluster|slots')
        : $_[0] eq 'ASKING' ? $cluster->calls('asking')
        : $cluster->errors($_[0]) };
    my %before = map { $_ => $count->($_) } @what;
    $code->();
    return join ' ', map { "$_ " . ($count->($_) - $before{$_}) } @what;
}

###############################################################################
# Each to its node, by one map

my @keys = map { ("k$_", "{tag$_}x", "a{}b$_") } 1 .. 30;
my @sets = map { "cmd SET $_ v-$_" } @keys;
is(during(sub {
    is(join(' ', map { $_->{reply} } steps('a', @sets)),
        join(' ', ('+OK') x @keys), 'each key is accepted by its node');
}, qw(MOVED SLOTS)), 'MOVED 0 SLOTS 1',
    'one map is enough, without a redirection');

my @where = map { $_->command('DBSIZE') } @masters;
is((grep { $_ > 5 } @where), 3, "all masters have keys: @where");

my @evals = map { "eval count 1 $_:n x" } @keys;
is((grep { $_->{reply} =~ /,:1\]$/ } steps('a', @evals)), scalar @keys,
    'scripts that no node knows at first are carried out');
$masters[1]->command('SCRIPT', 'FLUSH');
is((grep { $_->{reply} =~ /,:2\]$/ } steps('a', @evals)), scalar @keys,
    'scripts that one node does not know are carried out');

is(steps('replica', 'cmd SET k1 new')->{reply}, '+OK',
    'the address of a replica is enough');

###############################################################################
# Moved slots

my ($from, $to) = @masters;
my $moved = key_of($from);
steps('a', "cmd SET $moved here");
$cluster->migrate($cluster->slot($moved), $from, $to);

# whoever looks for nodes of keys does not ask for maps: the client alone does
sub asked { $cluster->calls('cluster|slots') }

# Half a second may lie between two maps, and a quarter does at the least.
sub no_map_is_wanted {
    my ($asked, $since) = (asked(), time);
    wait_for {
        ($asked, $since) = (asked(), time) if asked() != $asked;
        time > $since + 0.6;
    } 'the last map that is wanted';
    steps('a', 'cmd GET k1') for 1 .. 2;
}

my $before = asked();
is(during(sub {
    my @r = steps('a', "*200 cmd GET $moved");
    is((grep { $_->{reply} eq '"here"' && $_->{sent} } @r), 200,
        'all operations of a burst are redirected and succeed');
}, 'MOVED'), 'MOVED 200', 'each operation of a burst is redirected');
wait_for { asked() > $before } 'the map to be asked for';

$cluster->migrate($cluster->slot($_), $from, $to)
    for my @many = map { key_of($from) } 1 .. 20;
no_map_is_wanted();
$before = asked();
my $begun = time;
is(during(sub {
    is((grep { $_->{status} eq 'ok' }
        steps('a', map { ("cmd GET $_") x 3 } @many)), 60,
        'all operations for many moved slots succeed');
}, 'MOVED'), 'MOVED 60', 'each operation for many moved slots is redirected');
wait_for { asked() > $before } 'the map to be asked for';

is(during(sub {
    steps('a', map { "cmd GET $_" } $moved, @many) for 1 .. 5;
}, 'MOVED'), 'MOVED 0', 'slots that have moved are known afterwards');
my ($maps, $most) = (asked() - $before, 1 + int(4 * (time - $begun)));
ok($maps <= $most, "few maps for a burst: $maps, at most $most");
no_map_is_wanted();

###############################################################################
# A slot that is moving

my $key = key_of($from);
my $slot = $cluster->slot($key);
steps('a', "cmd SET {$key}here 1");
$to->command('SCRIPT', 'FLUSH');
$cluster->open_slot($slot, $from, $to);

is(during(sub {
    is(replies(steps('a', "cmd SET $key 1", "cmd GET {$key}here",
        "cmd GET {$key}none", "cmd GET $key")), '"1" +OK nil "1"',
        'ASK is followed for keys that have gone or are new');
}, qw(ASK ASKING MOVED SLOTS)), 'ASK 3 ASKING 3 MOVED 0 SLOTS 0',
    'each ASK is followed with ASKING, and the map stays');

is(during(sub {
    is(steps('a', "eval count 1 {$key}n x")->{reply},
        qq(["{$key}n","x",:1]),
            'a script is carried out that the new node does not know');
}, qw(ASK ASKING NOSCRIPT)), 'ASK 1 ASKING 2 NOSCRIPT 1',
    'ASKING is sent before EVAL as well');

# of the two, one is still on the old node
my ($both) = steps('short', "cmd MGET $key {$key}here");
is(brief($both), 'timeout,0',
    'an operation with two keys apart ends without being sent');
ok($cluster->errors('TRYAGAIN') > 2,
    'an operation with two keys apart is tried more than once');
$t->wait_log(qr/hash slot $slot is being moved, its operations are retried/);

my $mget = start_steps('a', "cmd MGET $key {$key}here");
my $tried = $cluster->errors('TRYAGAIN');
wait_for { $cluster->errors('TRYAGAIN') > $tried + 1 } 'TRYAGAIN';
$cluster->move_keys($slot, $from, $to);
$cluster->close_slot($slot, $from, $to);
is(results($mget)->{reply}, '["1","1"]',
    'an operation with two keys succeeds when the move has ended');

# clients that leave in the middle of it
$key = key_of($from);
$slot = $cluster->slot($key);
$cluster->open_slot($slot, $from, $to);
for (1 .. 20) {
    my $c = start_steps('a', "*20 cmd GET $key", "*20 cmd MGET $key {$key}x",
        map { ("on $_ cancel " . ($_ + 1), "on $_ cmd GET $key") } 1 .. 10);
    $c->close if $_ % 2;
    $c->{socket} and $c->close;
}
is(steps('a', "cmd GET $key")->{status}, 'ok',
    'operations succeed after clients have left during a move');
$cluster->close_slot($slot, $from, $to);

###############################################################################
# A slot without a node

sub unassign {
    my ($slot) = @_;
    # each believes the others until it knows better
    wait_for {
        for my $node (@masters) {
            eval { $node->command('CLUSTER', 'DELSLOTS', $slot) };
        }
        !grep { $_->[0] <= $slot && $_->[1] >= $slot }
            map { @{$_->command('CLUSTER', 'SLOTS')} } @masters;
    } 'the slot to be without a node';
}

$key = key_of($from);
$slot = $cluster->slot($key);
is(steps('a', "cmd SET $key 1")->{reply}, '+OK',
    'a slot with a node is served');

sub served { steps('a', "cmd GET $key")->{status} eq 'ok' }

# A node that hears late may give the slot back for a moment, and a map that
# was wanted earlier may come before the first GET: then once more.
my %ends;
wait_for {
    wait_for {
        eval { $from->command('CLUSTER', 'ADDSLOTS', $slot) };
        served()
    } 'the slot';
    %ends = ();
    wait_for {
        unassign($slot);
        my ($r) = steps('a', "cmd GET $key");
        $ends{$r->{rc} eq 'ok' ? brief($r) : "$r->{rc},$r->{sent}"}++;
        $r->{rc} eq 'declined';
    } 'the map without it';
    $ends{'unreachable,0'};
} 'an operation that finds the slot without a node';
delete $ends{'ok,1'};
is(join('; ', sort keys %ends), 'declined,0; unreachable,0',
    'a slot without a node is refused after CLUSTERDOWN, and then at once');
ok($cluster->errors('CLUSTERDOWN'), 'a node has replied with CLUSTERDOWN');
$t->wait_log(qr/no node of the cluster serves hash slot $slot, its oper/);
is(steps('a', 'cmd GET k1')->{status}, 'ok',
    'other slots are served beside one without a node');

$from->command('CLUSTER', 'ADDSLOTS', $slot);
wait_for { served() } 'the slot again';

###############################################################################
# Nodes by other names

my @nodes = $cluster->nodes;
sub each_node { $_->command('CONFIG', 'SET', @_) for @nodes }

each_node('cluster-preferred-endpoint-type', 'unknown-endpoint');
is((grep { $_->{status} eq 'ok' } steps('nil', @sets)), @keys,
    'nodes without a name are at the address that was asked');
$cluster->migrate($cluster->slot($moved), $to, $from);
is(steps('nil', "cmd GET $moved")->{reply}, '"here"',
    'a redirection without a name is followed');

each_node('cluster-announce-hostname', 'localhost');
each_node('cluster-preferred-endpoint-type', 'hostname');
wait_for {
    join(' ', map { $_->[2][0] } @{$nodes[0]->command('CLUSTER', 'SLOTS')})
        =~ /^(?:localhost ?)+$/
} 'the names to spread';
is((grep { $_->{status} eq 'ok' } steps('name', @sets)), @keys,
    'nodes with a name of the configuration are found');

each_node('cluster-announce-hostname', 'node.invalid');
wait_for {
    join(' ', map { $_->[2][0] } @{$nodes[0]->command('CLUSTER', 'SLOTS')})
        =~ /^(?:node\.invalid ?)+$/
} 'the names to spread';
my ($lost) = steps('invalid', 'cmd GET k1');
is(brief($lost), 'unreachable,0',
    'a node with a name that cannot be resolved is unreachable');
$t->wait_log(qr/reports the node "node\.invalid:\d+", which is not an address/);

each_node('cluster-preferred-endpoint-type', 'ip');
is(brief(steps('alone', 'cmd GET k')), 'unreachable,0',
    'a server that is not a cluster is unreachable');
$t->wait_log(qr/no map .*"ERR This instance has cluster support disabled"/);

###############################################################################
# A node that comes and goes

my $new = $cluster->add;
$cluster->meet($new);
wait_for { $cluster->knows_all($new) } 'the new node to be known';
$cluster->migrate($slot, $from, $new);
is(steps('a', "cmd GET $key")->{reply}, '"1"', 'a new node is used');
is($cluster->clients($new), 1, 'a new node has one connection');

$cluster->migrate($slot, $new, $from);
is(steps('a', "cmd GET $key")->{reply}, '"1"',
    'a slot that leaves a node is found again');
wait_for { $cluster->clients($new) == 0 } 'its connection to be closed';

done_testing;
