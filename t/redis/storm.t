#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Thousands of operations run against a server that stalls, cuts replies and
# hangs up at random.  Whatever happens: each operation ends once, a reply is
# its own, and what is reported as not sent never arrived.
#
# TEST_REDIS_SEED repeats a run as far as time allows.

use lib 't/lib';

use JobRuns;
use RedisPeer;
use RedisProbe;

my $t = RedisProbe::harness();
my $seed = $ENV{TEST_REDIS_SEED} // time % 1_000_000;
diag("TEST_REDIS_SEED=$seed");

my $script = sub {
    my ($c, $n) = @_;

    srand($seed + $n);
    $c->greet or return;

    while (my @words = $c->command) {
        my $reply = '$' . length($words[1]) . "\r\n$words[1]\r\n";
        my $dice = rand;

        if ($dice < 0.002) {                    # silence
            return $c->wait_end;
        } elsif ($dice < 0.006) {               # the end, within a reply
            $c->write(substr $reply, 0, rand length $reply);
            return;
        } elsif ($dice < 0.008) {
            return $c->reset;
        } elsif ($dice < 0.012) {               # late, but alive
            for my $byte (split //, $reply) {
                select undef, undef, undef, rand 0.02;
                $c->write($byte) or return;
            }
        } elsif ($dice < 0.1) {                 # in pieces
            my $at = int rand length $reply;
            $c->write($_) or return
                for substr($reply, 0, $at), substr $reply, $at;
        } else {
            $c->write($reply) or return;
        }
    }
};

my %peer = (
    unix => RedisPeer->start($t, 'unix', $script),
    tcp => RedisPeer->start($t, 'tcp', $script, tcp => 1),
);

$t->run(module => 0, config => probe_config(map {
    $_ => $peer{$_}->address . ' timeout=150ms connect_timeout=1s'
} keys %peer));

srand($seed);

for my $path (sort keys %peer) {
    my ($made, %ended, %wrong, %unsent) = (0);

    for my $round (1 .. 40) {
        my @waiting;

        for my $request (1 .. 12) {
            my (@steps, %cancelled);
            for my $n (1 .. 1 + int rand 30) {
                my $id = "$path-$round-$request-$n";
                push @steps, "cmd ECHO $id"
                    . (rand() < 0.01 ? ' @' . int rand 500_000 : '');
                my $victim = 1 + int rand $n;
                if (rand() < 0.05) {
                    push @steps, "cancel $victim";
                    $cancelled{$victim} = 1;
                } elsif (rand() < 0.05) {
                    push @steps, "on $victim cancel $n";
                    $cancelled{$n} = 1;         # maybe
                }
            }
            push @waiting, [$request, scalar(grep { /^cmd/ } @steps),
                \%cancelled, start_steps($path, @steps)];
        }

        # clients that leave cancel all they have
        $waiting[rand @waiting][3]->close if $round % 4 == 0;

        for (@waiting) {
            my ($request, $count, $cancelled, $client) = @$_;
            next unless $client->{socket};
            my @r = results($client);
            my %seen;
            $made += $count;

            for my $r (@r) {
                my $id = "$path-$round-$request-$r->{n}";
                $wrong{$id} = "ended twice" if $seen{$r->{n}}++;
                $wrong{$id} = "has the reply $r->{reply}"
                    if $r->{status} eq 'ok' && $r->{reply} ne "\"$id\"";
                $wrong{$id} = "was $r->{status}"
                    if $r->{status} !~ /^(?:ok|timeout|lost|unreachable|-)$/;
                $unsent{$id} = 1 unless $r->{sent};
                $ended{$r->{rc} eq 'ok' ? $r->{status} : $r->{rc}}++;
            }
            $ended{cancelled} += $count - @r;
            $wrong{"$path-$round-$request"} = 'has operations without an end'
                if grep { !$seen{$_} && !$cancelled->{$_} } 1 .. $count;
        }
    }

    # no worker is left that could send what it should not
    $t->nginx->reload;
    $peer{$path}->stop;
    for my $line ($peer{$path}->seen) {
        $wrong{$1} = 'arrived, though not sent'
            if $line =~ /^ECHO (\S+)/ && $unsent{$1};
    }

    is(join("\n", map { "$_ $wrong{$_}" } sort keys %wrong), '',
        "$path: none of $made operations went wrong");
    diag("$path: ", join ', ', map { "$_ $ended{$_}" } sort keys %ended);
    cmp_ok($ended{$_} // 0, '>', 0, "$path: some operations ended with $_")
        for qw(ok lost timeout declined);
}

done_testing();
