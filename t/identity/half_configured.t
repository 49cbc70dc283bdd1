#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A tenant that is configured without a principal, or the reverse, is read
# from two sources: `nginx -t` warns once of each place where it is set.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# the values that were warned of, as they stand in the configuration

sub warned {
    my ($name, %lines) = @_;

    my ($ok, $output) = $t->check_config(%lines);
    ok($ok, "nginx -t accepts: $name") or diag($output);

    my @warnings = $output =~ /\[warn\]\ "(jobruns_(?:tenant|principal)\ [^"]+)"
        \ is\ set\ without\ "[^"]+",\ which\ is\ read\ from\ the/gx;
    unlike($output, qr/"(\w+) [^"]+" is set without "\1"/,
        "the warning names the directive that is missing: $name");

    return \@warnings;
}

my $tenant = 'jobruns_tenant $http_x_tenant;';
my $principal = 'jobruns_principal $http_x_user;';
my $half = 'jobruns_tenant $http_x_tenant';
my $other = 'jobruns_principal $http_x_user';

for my $level (qw(http server location)) {
    is_deeply(warned("a tenant in $level", $level => $tenant), [$half],
        "nginx -t warns of a tenant alone in $level");
    is_deeply(warned("a principal in $level", $level => $principal), [$other],
        "nginx -t warns of a principal alone in $level");
    is_deeply(warned("both in $level", $level => "$tenant $principal"), [],
        "nginx -t does not warn of both in $level");
}
is_deeply(warned('neither'), [], 'nginx -t does not warn where neither is set');

# inherited by many, also with another value in between

my $locations = join ' ', map { "location /$_/ { $proxy }" } 1 .. 3;
is_deeply(warned('inherited', http => $tenant, server => $locations),
    [$half], 'nginx -t warns once of a tenant that is inherited');

my $between = "location /1/ { $proxy }
    location /2/ { $proxy jobruns_tenant \$http_x_second; }
    location /3/ { $proxy }
    location /4/ { $proxy jobruns_tenant \$http_x_third; }
    location /5/ { $proxy location /5/6/ { $proxy } }";
is_deeply([sort @{warned('with others in between', http => $tenant,
    server => $between)}], ['jobruns_tenant $http_x_second', $half,
    'jobruns_tenant $http_x_third'],
    'nginx -t warns once of each tenant that is set in between');

is_deeply([sort @{warned('the same value at two places', server =>
    "location /1/ { $proxy $tenant } location /2/ { $proxy $tenant }")}],
    [$half, $half], 'nginx -t warns of the same value at each of two places');

# what a location adds makes it whole, for this location

is_deeply(warned('completed in a location', http => $tenant,
    jobruns => '', location => "jobruns on; $principal"), [],
    'nginx -t does not warn where a location completes the pair');

# nobody is counted where jobruns is off

is_deeply(warned('where jobruns is off', jobruns => '', http => $tenant), [],
    'nginx -t does not warn where jobruns is off');

done_testing;
