# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Wait;

# Waiting for conditions: the only place of the suite where time passes on
# purpose.

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(wait_for default_timeout);

# Failures are reported at the line of the test, not of the harness.
$Carp::Internal{"JobRuns$_"} = 1
    for '', map { "::$_" } qw(Client Curl H2 H2::Stream Nginx Process
        Redis Service Wait);

# Seconds.  Generous, for it is only ever spent by a test that fails;
# sanitizer builds on busy machines may want more.

sub default_timeout { return $ENV{TEST_NGINX_TIMEOUT} || 20 }

# wait_for { CONDITION } WHAT, TIMEOUT returns the first true value of the
# condition and dies with WHAT when there is none in time.

sub wait_for (&$;$) {
    my ($condition, $what, $timeout) = @_;

    $timeout //= default_timeout();
    my $deadline = time + $timeout;

    while (1) {
        # read before the condition, so that it gets a last chance
        my $late = time >= $deadline;
        my $value = $condition->();
        return $value if $value;

        croak "waited $timeout s in vain for $what" if $late;
        select undef, undef, undef, 0.01;
    }
}

1;
