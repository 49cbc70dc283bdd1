# SPDX-License-Identifier: BSD-2-Clause

package Bench::Chart;

# Bars of the CPU time per request, a group for each kind of traffic.

use strict;
use warnings;

use Exporter qw(import);

use Bench::Stats qw(median);

our @EXPORT_OK = qw(chart);

my %colour = (plain => '#8a8f98', gateway => '#2f6fde', openresty => '#2a9d6f',
    equal => '#8f6fd0', node => '#d9822b');

# Scale is logarithmic where one peer would flatten the others.

sub chart {
    my ($results) = @_;
    my $connections = (split /,/, $results->{options}{connections})[-1];
    my @peers = split /,/, $results->{options}{peers};
    my ($bar, $gap, $left) = (18, 18, 90);
    my ($y, @svg) = (56);

    my @bars;

    for my $kind (split /,/, $results->{options}{kinds}) {
        for my $peer (@peers) {
            my $cell = $results->{cells}{"$kind $connections $peer"} or next;
            push @bars, [$kind, $peer, median(@{$cell->{cpu}})];
        }
    }

    my ($most) = sort { $b <=> $a } map { $_->[2] } @bars, ['', '', 1];
    my $last = '';

    for (@bars) {
        my ($kind, $peer, $us) = @$_;

        if ($kind ne $last) {
            $y += $gap if $last;
            push @svg, text($left - 8, $y + 13, 'end', $kind);
            $last = $kind;
        }

        my $width = log(1 + $us) / log(1 + $most) * 480;

        push @svg, sprintf('<rect x="%d" y="%d" width="%.1f" height="%d" '
            . 'fill="%s"/>', $left, $y, $width, $bar - 3, $colour{$peer}),
            text($left + $width + 6, $y + 12, 'start',
                sprintf '%.1f us', $us);
        $y += $bar;
    }

    my $x = $left;

    for my $peer (@peers) {
        push @svg, sprintf('<rect x="%d" y="30" width="12" height="12" '
            . 'fill="%s"/>', $x, $colour{$peer}),
            text($x + 17, 40, 'start', $peer);
        $x += 110;
    }

    my $height = $y + 14;

    return join "\n",
        qq{<svg xmlns="http://www.w3.org/2000/svg" width="680" }
        . qq{height="$height" font-family="sans-serif" font-size="12">},
        qq{<rect width="680" height="$height" fill="#ffffff"/>},
        text($left, 18, 'start', 'CPU of the gateway per request, '
            . "$connections connections, logarithmic scale"),
        @svg, '</svg>', '';
}

sub text {
    my ($x, $y, $anchor, $text) = @_;

    return sprintf '<text x="%.1f" y="%d" text-anchor="%s" fill="#1c1f24">'
        . '%s</text>', $x, $y, $anchor, $text;
}

1;
