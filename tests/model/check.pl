#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The models of retry tokens and of their batches, checked by spin in every
# state that they can reach: the promises hold, and each seeded mistake breaks
# the one that it should.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Basename qw(dirname);
use File::Spec ();
use File::Temp ();
use Test::More;

my $folder = File::Spec->rel2abs(dirname($0));
my $model = "$folder/retry_token.pml";
my $cc = $ENV{CC} || 'cc';
my $home = getcwd();
my $dir = File::Temp->newdir;

chdir $dir or die "$dir: $!\n";

# Searches the model with these macros; what the verifier says.  "live" looks
# for runs that break "ends" instead of states that break an assertion.  What
# is found soon is not worth optimising for.

sub search {
    my ($optimise, $live, %macros) = @_;

    my $macros = join ' ', map { "-D$_=$macros{$_}" } sort keys %macros;
    my $kind = $live ? '-DNOREDUCE -DNFAIR=3' : '-DSAFETY -DNOCLAIM';
    my $run = $live ? '-a -f -N ends' : '';

    my $out = `spin -a $macros \Q$model\E 2>&1`;
    die "spin $macros: $out" if $?;
    $out = `$cc $optimise -w -DMEMLIM=2048 $kind -o pan pan.c 2>&1`;
    die "$cc of the verifier: $out" if $?;

    return scalar `./pan -m100000 $run 2>&1`;
}

sub found { return $_[0] =~ /^pan:\d+: (.*)/m ? $1 : '' }

# Nothing was found, and nothing was left out.

sub holds {
    my ($what, $live, %macros) = @_;

    my $said = search('-O1', $live, %macros);
    my $whole = $said =~ /errors: 0$/m
        && $said !~ /Search not completed|max search depth too small/;
    ok($whole, $what) or diag($said);

    my ($states) = $said =~ /^\s*(\S+) states, stored/m;
    note("$states states") if $states;
}

sub breaks {
    my ($what, $which, $live, %macros) = @_;

    like(found(search('-O0', $live, %macros)), $which, $what);
}

holds('a service that ignores tokens, and "refuse": one job run', 0,
    HONOURS => 0, REFUSE => 1);
holds('a service that honours tokens, and "forward": one job run', 0,
    HONOURS => 1, REFUSE => 0);
holds('a service that ignores tokens, and "forward": all but that', 0,
    HONOURS => 0, REFUSE => 0);
holds('every claim ends, whoever crashes', 1, HONOURS => 0, REFUSE => 1,
    LATE => 0, CRASHES => 1);

my $runs = qr/^assertion violated .*runs<=1/;
my $freed = qr/^assertion violated .*runs==0/;

breaks('what is not promised: two job runs are found', $runs, 0,
    HONOURS => 0, REFUSE => 0, PROMISED => 1);
breaks('without fencing: a token is freed that made a run', $freed, 0,
    HONOURS => 0, REFUSE => 1, FENCING => 0);
breaks('a 4xx that frees an unknown token', $freed, 0,
    HONOURS => 1, REFUSE => 0, WAITED => 0);
breaks('a done token that names nothing',
    qr/^assertion violated .*has_location/, 0, LOCATED => 0);
breaks('an admission without a deadline: it claims for nobody',
    qr/^assertion violated .*expired/, 0, HONOURS => 1, REFUSE => 0,
    DEADLINES => 0);
breaks('leases that do not end: nor do claims', qr/^acceptance cycle/, 1,
    HONOURS => 0, REFUSE => 1, LATE => 0, CRASHES => 1, LEASES => 0);

# Two attempts in one call.

$model = "$folder/batch.pml";

holds('two tokens in a call: each has one job run, and no claim is left', 0,
    SAME => 0);
holds('one token twice in a turn: one job run', 0, SAME => 1);
breaks('one token twice in a call: both are forwarded',
    qr/^assertion violated .*owner/, 0,
    SAME => 1, APART => 0);
breaks('an error for all that is not asked about: a claim is left',
    qr/^assertion violated .*state\[0\]/, 0, SAME => 0, ALONE => 0);
breaks('memory is full, and the attempt is forwarded: without a claim',
    qr/^assertion violated .*owner/, 0, SAME => 0, REFUSED => 0);

chdir $home;
done_testing;
