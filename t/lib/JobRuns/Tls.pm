# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Tls;

# What tests of TLS have in common: whether they can run, and certificates.

use strict;
use warnings;

use Test::More ();

use JobRuns::Nginx ();

# Ends a test file that cannot run here.

sub needed {
    my $redis = $ENV{TEST_REDIS_BINARY} || 'redis-server';
    my $missing
        = JobRuns::Nginx::build() !~ /TLS SNI/ ? 'this NGINX has no TLS'
        : system('openssl version >/dev/null 2>&1') ? 'needs openssl'
        : `ldd \$(command -v \Q$redis\E) 2>/dev/null` !~ /libssl/
            ? 'this redis-server has no TLS'
        : return;

    Test::More::plan(skip_all => $missing);
}

# openssl(FOLDER, COMMAND) runs it there.

sub openssl {
    my ($folder, $command) = @_;
    my $output = `cd \Q$folder\E && openssl $command 2>&1`;

    Test::More::BAIL_OUT("openssl $command: $output") if $?;
}

# self_signed(FOLDER, NAME, ADDRESS): NAME.crt and NAME.key for it.

sub self_signed {
    my ($folder, $name, $address) = @_;

    openssl($folder, 'req -x509 -nodes -days 2 -newkey ec'
        . " -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=$name"
        . ($address ? " -addext subjectAltName=$address" : '')
        . " -keyout $name.key -out $name.crt");
}

1;
