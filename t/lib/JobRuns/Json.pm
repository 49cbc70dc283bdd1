# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Json;

# JSON for what has much of it: the one that is written in C where it is
# installed (libcpanel-json-xs-perl), and else that of Perl itself, which takes
# fifty times as long.  Both refuse the same (t/harness/json.t).
#
#   my $json = JobRuns::Json::codec();      # bytes, members in order

use strict;
use warnings;

use JSON::PP ();

sub codec {
    my ($name) = @_;

    $name //= eval { require Cpanel::JSON::XS; 'Cpanel::JSON::XS' }
        // 'JSON::PP';

    return $name->new->utf8->canonical;
}

1;
