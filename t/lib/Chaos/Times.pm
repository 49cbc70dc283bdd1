# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Times;

# How long events lasted, for judges that allow for them.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(overlap);

# Seconds between $from and $to in which at least one of the events was under
# way; an event has begun and ended.

sub overlap {
    my ($events, $from, $to) = @_;
    my ($sum, $seen) = (0, $from);

    for my $event (sort { $a->{begun} <=> $b->{begun} } @$events) {
        my $begun = max($seen, $event->{begun});
        my $ended = min($to, $event->{ended});

        next if $ended <= $begun;
        $sum += $ended - $begun;
        $seen = $ended;
    }

    return $sum;
}

1;
