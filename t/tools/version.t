#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The tools, the page, the metrics and error.log report one version.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my ($version) = JobRuns::slurp($t->root . '/ngx_module/core/text/jr_version.h')
    =~ /define JR_VERSION\s+"(\d+\.\d+\.\d+)"/;

ok($version, 'jr_version.h has a version');

for my $tool (qw(jobruns-lint jobruns-audit jobrunsctl jobruns-sign)) {
    my $path = $ENV{'TEST_' . uc($tool =~ tr/-/_/r)} || "build/$tool";

  SKIP: {
        skip "$path is not built (make tools)", 2 if !-x $path;

        is(`$path --version`, "$tool (jobruns gateway) $version\n",
            "$tool --version prints the version");
        like(`$path --help`, qr/^  --version /m,
            "$tool --help describes --version");
    }
}

my $nginx = $t->run(
    http => 'jobruns_zone jobruns 1m;',
    server => 'location = /status { jobruns_status; }',
);

like($nginx->error_log, qr/\[info\] .*jobruns: gateway \Q$version\E, /,
    'NGINX logs the version when it starts');

is($t->get('/status?format=json')->json->{version}, $version,
    'the JSON form has the version');
like($t->get('/status')->body, qr/^jobruns_build_info\{version="\Q$version\E"/m,
    'jobruns_build_info has the version');

my ($head) = JobRuns::slurp($t->root . '/CHANGES')
    =~ /^Changes with jobruns gateway (\S+)/m;
is($head, $version, 'CHANGES begins with the version');

done_testing;
