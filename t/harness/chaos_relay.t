#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The relay of `make chaos` breaks connections as it says, and in the same way
# again with the same seed.

use lib 't/lib';
use JobRuns;

use Chaos::Relay;

my @all = map { Chaos::Relay::draw(8, $_) } 1 .. 100;
is_deeply([map { Chaos::Relay::draw(8, $_) } 1 .. 100], \@all,
    'a seed and a number determine the faults');
isnt(join(' ', map { Chaos::Relay::draw(9, $_)->{what} } 1 .. 100),
    join(' ', map { $_->{what} } @all), 'another seed leads to other faults');

my %count;
$count{$_->{what}}++ for @all;
is(join(' ', sort keys %count), 'closed cut late lost torn',
    'each kind of fault occurs');

sub filter {
    my ($what, %fault) = @_;

    return Chaos::Relay::filter(bless({ noted => [] }, 'Noted'), { after => 0,
        spell => 0, part => 0.5, delays => [(0) x 7], what => $what, %fault });
}

sub passes {
    my ($pass, @message) = @_;
    my ($bytes, $last) = $pass->(@message);

    return $bytes . ($last ? ', end' : '');
}

my ($REQUEST, $REPLY) = (0, 1);

for my $case (
    ['cut', {}, 'request', 'repl, end'],
    ['cut', { part => 0 }, 'request', ', end'],
    ['cut', { part => 0.999 }, 'request', 'reply..., end'],
    ['lost', { spell => 60 }, 'request', ''],
    ['lost', {}, 'request', ', end'],
    ['late', {}, 'request', 'reply...'],
    ['torn', {}, 'requ, end', 'reply...'],
    ['torn', { part => 0 }, ', end', 'reply...'],
    ['closed', {}, 'request, end', 'reply...'],
) {
    my ($what, $fault, $request, $reply) = @$case;
    my $name = join ' ', $what, map { "$_ $fault->{$_}" } keys %$fault;

    is(passes(filter($what, %$fault), 'request', $REQUEST), $request,
        "$name: a request passes as far as the fault allows");
    is(passes(filter($what, %$fault), 'reply...', $REPLY), $reply,
        "$name: a reply passes as far as the fault allows");
    is(passes(filter($what, %$fault, after => 60), 'whole', $_), 'whole',
        "$name: nothing happens before the time of the fault")
        for $REQUEST, $REPLY;
}

my $start = Time::HiRes::time();
filter('late', spell => 60, delays => [(0.05) x 7])->('reply', $REPLY);
cmp_ok(Time::HiRes::time() - $start, '>=', 0.05, 'late: the reply is delayed');

# With a real Redis behind it: the one connection of this seed that is cut in
# its first reply.

my $t = JobRuns->new;
my $redis = $t->redis;
my ($seed) = grep {
    my $fault = Chaos::Relay::draw($_, 1);
    $fault->{what} eq 'cut' && !$fault->{after} && $fault->{part} < 0.9;
} 1 .. 1000;
my $relay = Chaos::Relay::start($t, 'relay', $redis, $seed);
END { RedisPeer::stop_all() }

my ($path) = $relay->address =~ /^unix:(.*)/;
my $client = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
syswrite $client, "SET key value\r\n";
my $got = join '', <$client>;
cmp_ok(length $got, '<', length "+OK\r\n",
    'a relay with a real Redis cuts the reply');
is($redis->command('GET', 'key'), 'value',
    'Redis has carried out the command whose reply was cut');
is_deeply({ Chaos::Relay::faults($relay) },
    { cut => 1, lost => 0, late => 0, torn => 0, closed => 0 },
    'the relay counts the fault');

done_testing;

package Noted;

sub note { push @{$_[0]{noted}}, $_[1] }
