#!/usr/bin/perl

# One version, in the tools, on the page, in metrics and at the start.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my ($version) = JobRuns::slurp($t->root . '/ngx_module/core/text/jr_version.h')
    =~ /define JR_VERSION\s+"(\d+\.\d+\.\d+)"/;

ok($version, 'the one place has a version');

for my $tool (qw(jobruns-lint jobruns-audit jobrunsctl)) {
    my $path = $ENV{'TEST_' . uc($tool =~ tr/-/_/r)} || "build/$tool";

  SKIP: {
        skip "$path is not built (make tools)", 2 if !-x $path;

        is(`$path --version`, "$tool (jobruns gateway) $version\n",
            "$tool --version");
        like(`$path --help`, qr/^  --version /m, "... is in its help");
    }
}

my $nginx = $t->run(
    http => 'jobruns_zone jobruns 1m;',
    server => 'location = /status { jobruns_status; }',
);

like($nginx->error_log, qr/\[info\] .*jobruns: gateway \Q$version\E, /,
    'NGINX logs it when it starts');

is($t->get('/status?format=json')->json->{version}, $version, 'in the JSON');
like($t->get('/status')->body, qr/^jobruns_build_info\{version="\Q$version\E"/m,
    'in build_info');

my ($head) = JobRuns::slurp($t->root . '/CHANGES')
    =~ /^Changes with jobruns gateway (\S+)/m;
is($head, $version, 'CHANGES begins with it');

done_testing;
