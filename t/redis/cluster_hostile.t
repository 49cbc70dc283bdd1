#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Nodes of a cluster lie: they send invalid maps, redirections without end or
# sense, and addresses without number.

use lib 't/lib';

use JobRuns;
use JobRuns::Ports qw(claim_port);
use RedisPeer;
use RedisProbe;

my $t = RedisProbe::harness();
my (%peer, %where);

# what the peers do to deserve it
$t->allow_log(qr/\[alert\].*redis "127\.0\.0\.1:\d+": 127\.0\.0\.1:\d+ sent /);

# "foo" and "{foo}bar"
my $slot = 12182;

sub bulk { return '$' . length($_[0]) . "\r\n$_[0]\r\n" }
sub node { return "*3\r\n" . bulk($_[0]) . ":$_[1]\r\n" . bulk('id') }
sub map_to { return "*1\r\n*3\r\n:0\r\n:16383\r\n" . node(@_) }

# replies to CLUSTER with one reply, and to others by another script
sub node_peer {
    my ($name, $slots, $others) = @_;

    my $peer;
    $peer = RedisPeer->start($t, $name, sub {
        my ($c, $n) = @_;
        $c->greet or return;
        while (my @words = $c->command) {
            my $reply = $words[0] eq 'CLUSTER'
                ? ref $slots ? $slots->($c) : $slots // map_to('127.0.0.1',
                    $c->{socket}->sockport)
                : $others->($c, $n, @words);
            $c->write($reply // return) or return;
        }
    }, tcp => 1);
    $peer{$name} = $peer;
    $where{$name} = 'cluster ' . $peer->address
        . ' timeout=20s connect_timeout=20s';

    return $peer;
}

sub fine { return "+fine\r\n" }

###############################################################################
# Invalid maps

my $good = node('127.0.0.1', 7000);
my %maps = (
    text => ["+OK\r\n", 'no array'],
    nil => ["*-1\r\n", 'no array'],
    empty => ["*0\r\n", 'no slot is assigned'],
    error => ["-NOPERM no\r\n", 'NOPERM no'],
    control => ["-NOPERM \e[2Jno\x7f\r\n", 'NOPERM \?\[2Jno\?'],
    flat => ["*2\r\n:0\r\n:1\r\n", 'a range that is not two slots'],
    short => ["*1\r\n*2\r\n:0\r\n:1\r\n", 'a range that is not two slots'],
    beyond => ["*1\r\n*3\r\n:0\r\n:16384\r\n$good", 'a range beyond'],
    negative => ["*1\r\n*3\r\n:-5\r\n:1\r\n$good", 'a range beyond'],
    twice => ["*2\r\n" . "*3\r\n:0\r\n:9\r\n$good" x 2, 'has two masters'],
    port => ["*1\r\n*3\r\n:0\r\n:1\r\n" . node('127.0.0.1', 70000),
        'an impossible port'],
    name => ["*1\r\n*3\r\n:0\r\n:1\r\n" . node('unix:/x', 7000),
        'an impossible name'],
    escape => ["*1\r\n*3\r\n:0\r\n:1\r\n" . node("\e[2J", 7000),
        'an impossible name'],
    long => ["*1\r\n*3\r\n:0\r\n:1\r\n" . node('a' x 256, 7000),
        'an impossible name'],
    many => ["*1025\r\n" . join('', map {
        "*3\r\n:$_\r\n:$_\r\n" . node('127.0.0.1', 7000 + $_)
    } 0 .. 1024), 'more than 1024 masters'],
);
node_peer("map_$_", $maps{$_}[0], \&fine) for keys %maps;

# ... of the first address; the second one is good
node_peer(broken => "?\r\n", \&fine);
node_peer(closed => sub { undef }, \&fine);
node_peer(silent => sub { $_[0]->wait_end; undef }, \&fine);
node_peer(good => undef, \&fine);
for my $bad (qw(broken closed map_twice map_empty)) {
    $where{"second_$bad"} = join ' ', 'cluster', $peer{$bad}->address,
        $peer{good}->address, 'timeout=20s connect_timeout=20s';
}
$where{second_silent} = join ' ', 'cluster', $peer{silent}->address,
    $peer{good}->address, 'timeout=1s connect_timeout=20s';

# a part of the slots without a node that can be found
node_peer(partly => sub {
    "*2\r\n*3\r\n:0\r\n:12000\r\n" . node('127.0.0.1', $_[0]{socket}->sockport)
        . "*3\r\n:12001\r\n:16383\r\n" . node('?', 7000)
}, \&fine);

###############################################################################
# Redirections

sub here { return "127.0.0.1:" . $_[0]{socket}->sockport }

node_peer(moved => undef, sub { "-MOVED $slot " . here($_[0]) . "\r\n" });
node_peer(ask => undef, sub {
    my ($c, $n, @words) = @_;
    $words[0] eq 'ASKING' ? "+OK\r\n" : "-ASK $slot " . here($c) . "\r\n";
});
node_peer(asking => undef, sub {
    my ($c, $n, @words) = @_;
    $words[0] eq 'ASKING' ? "-NOPERM asking\r\n"
        : "-ASK $slot " . here($c) . "\r\n";
});
node_peer(other_slot => undef, sub { '-MOVED 1 ' . here($_[0]) . "\r\n" });
node_peer(nowhere => undef, sub { "-MOVED $slot ?:7000\r\n" });
node_peer(nonsense => undef, sub { "-ASK $slot\r\n" });

my $closed = claim_port();
node_peer(refused => undef, sub { "-MOVED $slot 127.0.0.1:$closed\r\n" });

# the end between the reply to ASKING and that to the command
node_peer(half => undef, sub {
    my ($c, $n, @words) = @_;
    return "-ASK $slot " . here($c) . "\r\n" if $words[0] ne 'ASKING';
    $c->write("+OK\r\n");
    $c->command;
    return undef;
});

# each command elsewhere
my $count = 0;
node_peer(flood => undef, sub {
    my ($c, $n, @words) = @_;
    return fine() if $words[1] =~ /well/;
    $count++;
    return sprintf "-MOVED $slot 127.1.%d.%d:$closed\r\n", $count >> 8,
        $count & 255;
});

###############################################################################

$t->run(module => 0, config => probe_config(%where));

for my $name (sort keys %maps) {
    is(brief(steps("map_$name", 'cmd GET foo')), 'unreachable,0',
        "map \"$name\" is refused");
    my $address = $peer{"map_$name"}->address;
    ok(log_lines(qr/redis "$address": CLUSTER SLOTS re.*$maps{$name}[1]/),
        "error.log says why map \"$name\" is refused");
}
$t->wait_log(qr/none of the addresses returned the map of the cluster,/);

is(brief(steps('second_silent', 'cmd GET foo')), 'timeout,0',
    'an address that is silent leads to a timeout');
until_ok('second_silent');

for my $path (grep { /^second_/ } sort keys %where) {
    is(steps($path, 'cmd GET foo')->{reply}, '+fine',
        "$path: another address is asked");
}

is(steps('partly', 'cmd GET bar')->{reply}, '+fine',
    'a slot with a node is served');
is(steps('partly', 'cmd GET foo')->{rc}, 'declined',
    'a slot whose node has no name is declined');

is(brief(steps('moved', 'cmd GET foo')), 'unreachable,0',
    'MOVED without an end leads to unreachable');
is($peer{moved}->count('^GET'), 6, 'five redirections by MOVED are followed');
$t->wait_log(qr/hash slot $slot was redirected more than 5 times, its oper/);

is(brief(steps('ask', 'cmd GET foo')), 'unreachable,0',
    'ASK without an end leads to unreachable');
is($peer{ask}->count('^ASKING'), 5, 'five redirections by ASK are followed');
is(brief(steps('asking', 'cmd GET foo')), 'unreachable,0',
    'ASKING that is not permitted leads to unreachable');

for my $path (qw(other_slot nowhere nonsense)) {
    is(brief(steps($path, 'cmd GET foo')), 'unreachable,0',
        "$path: the redirection is not followed");
    is($peer{$path}->count('^GET'), 1,
        "$path: the operation is refused at once");
}
$t->wait_log(qr/a redirection that cannot be followed, for hash slot $slot/);

is(brief(steps('refused', 'cmd GET foo')), 'unreachable,0',
    'a redirection to a closed port leads to unreachable');

is(brief(steps('half', 'cmd GET foo')), 'lost,1',
    'a connection that ends after ASKING loses the operation');

my @r = steps('flood', '*1200 cmd GET foo');
is((grep { brief($_) eq 'unreachable,0' } @r), 1200,
    'a flood of addresses leads to unreachable');
$t->wait_log(qr/more than 32 nodes without hash slots, "127\.1\.\d+\.\d/);
# 32, as many as the configuration names, and who got the slot last
is((() = $t->read_file('debug.log') =~ /redis cluster: node "127\.1\./g), 34,
    'the number of nodes without slots is bounded');
wait_for { steps('flood', 'cmd GET well')->{status} eq 'ok' } 'it to be well';

done_testing;
