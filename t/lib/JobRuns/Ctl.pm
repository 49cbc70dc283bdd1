# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Ctl;

# Runs jobrunsctl, which $TEST_JOBRUNSCTL names.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Test::More ();

our @EXPORT = qw(ctl ctl_json);

my $ctl = $ENV{TEST_JOBRUNSCTL};

# Ends a test file that has none to run.

sub needed {
    Test::More::plan(skip_all =>
        'TEST_JOBRUNSCTL names no jobrunsctl: make tools')
        if !$ctl || !-x $ctl;
}

# (exit status, what was said on both outputs)

sub ctl {
    my @args = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', $ctl,
        @args or die "$ctl: $!\n";
    my $text = do { local $/; <$out> } // '';
    close $out;

    return ($? >> 8, $text);
}

sub ctl_json {
    my ($status, $text) = ctl('--json', @_);
    my $value = eval { JSON::PP->new->decode($text) };

    Test::More::diag("jobrunsctl @_: $text") if !$value;

    return $value;
}

1;
