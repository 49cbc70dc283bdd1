#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The plan of faults of `make chaos` follows from its seed, can be cut short,
# and has the faults that were chosen and no others.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use Chaos::Faults;

my @all = Chaos::Faults::chosen('');

sub plan_of {
    return [Chaos::Faults::plan(seed => 8, seconds => 60, names => \@all, @_)];
}

sub names { return join ' ', map { $_->{name} } @{$_[0]} }

my $plan = plan_of();

is_deeply(plan_of(), $plan, 'a seed determines the plan');
isnt(names(plan_of(seed => 9)), names($plan),
    'another seed leads to another one');
is_deeply(plan_of(names => [reverse @all]), $plan,
    'the order in which faults are named does not matter');

is_deeply(plan_of(events => 7), [@$plan[0 .. 6]],
    'a plan of seven events is the beginning of the whole one');
is_deeply(plan_of(events => 0), [], 'a plan of no events is empty');
is_deeply(plan_of(events => 100000), $plan,
    'a plan of more events than there are is the whole one');

my @short = @{plan_of(seconds => 20)};
is_deeply([@$plan[0 .. $#short]], \@short,
    'the plan of a shorter run is the beginning of that of a longer one');

is(scalar(grep { $_->{at} >= 60 } @$plan), 0, 'all events are within the time');
is(scalar(grep { $plan->[$_]{at} < $plan->[$_ - 1]{at} } 1 .. $#$plan), 0,
    'events are in order');

my %seen = map { $_->{name} => 1 } @{plan_of(seconds => 600)};
is(join(' ', grep { !$seen{$_} } @all),
    'bursts client error-page relay service',
    'all faults occur in a long plan but those that are set up at its start');

my @few = Chaos::Faults::chosen('redis-full, reload');
%seen = map { $_->{name} => 1 } @{plan_of(names => \@few, seconds => 600)};
is(join(' ', sort keys %seen), 'redis-full reload',
    'only the chosen faults occur');
is_deeply(plan_of(names => ['relay']), [],
    'there is no event where only something was set up');

for my $case (['worker-killed relay', 'single'], ['worker-killed', 'single'],
    ['replica-cut worker-killed', 'replicas'], ['slot-migrated', 'cluster'],
    ['sentinel-failover client', 'sentinel'],
    ['partition replicas worker-killed', 'network'])
{
    my ($text, $topology) = @$case;
    is(Chaos::Faults::topology(Chaos::Faults::chosen($text)), $topology,
        "$text: the topology is $topology");
}

for my $case (['no-such', qr/"no-such" is no fault; there are: .*relay/],
    ['redis-full slot-migrated', qr/different topologies: cluster, single/])
{
    my ($text, $message) = @$case;
    ok(!eval { Chaos::Faults::chosen($text); 1 }, "$text: is refused");
    like($@, $message, "$text: the message says why");
}

done_testing;
