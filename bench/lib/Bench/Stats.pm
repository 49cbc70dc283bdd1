# SPDX-License-Identifier: BSD-2-Clause

package Bench::Stats;

# Medians and spreads of the rounds of one measurement.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(median spread show);

sub median {
    my @sorted = sort { $a <=> $b } grep { defined } @_;

    return undef unless @sorted;
    my $half = int(@sorted / 2);

    return @sorted % 2 ? $sorted[$half]
                       : ($sorted[$half - 1] + $sorted[$half]) / 2;
}

sub spread {
    my @sorted = sort { $a <=> $b } grep { defined } @_;

    return @sorted[0, -1];
}

# "median (min-max)", in three digits or whole numbers.

sub show {
    my @values = grep { defined } @_;

    return '–' unless @values;
    my ($least, $most) = spread(@values);

    return number(median(@values)) . ' (' . number($least) . '–'
        . number($most) . ')';
}

sub number {
    my ($value) = @_;

    return $value >= 100 ? sprintf '%.0f', $value
         : $value >= 10  ? sprintf '%.1f', $value
                         : sprintf '%.2f', $value;
}

1;
