#!/usr/bin/perl

# A tenant that is configured without a principal, or the reverse, is read from
# two sources: `nginx -t` warns of each place where it is set, once.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# the values that were warned of, as they stand in the configuration

sub warned {
    my ($name, %lines) = @_;

    my ($ok, $output) = $t->check_config(%lines);
    ok($ok, "accepted: $name") or diag($output);

    my @warnings = $output =~ /\[warn\]\ "(jobruns_(?:tenant|principal)\ [^"]+)"
        \ is\ set\ without\ "[^"]+",\ which\ is\ read\ from\ the/gx;
    unlike($output, qr/"(\w+) [^"]+" is set without "\1"/,
        '... the other one is missing');

    return \@warnings;
}

my $tenant = 'jobruns_tenant $http_x_tenant;';
my $principal = 'jobruns_principal $http_x_user;';
my $half = 'jobruns_tenant $http_x_tenant';
my $other = 'jobruns_principal $http_x_user';

for my $level (qw(http server location)) {
    is_deeply(warned("a tenant in $level", $level => $tenant), [$half],
        '... with a warning');
    is_deeply(warned("a principal in $level", $level => $principal), [$other],
        '... with a warning');
    is_deeply(warned("both in $level", $level => "$tenant $principal"), [],
        '... without one');
}
is_deeply(warned('neither'), [], '... without a warning');

# inherited by many, also with another value in between

my $locations = join ' ', map { "location /$_/ { $proxy }" } 1 .. 3;
is_deeply(warned('inherited', http => $tenant, server => $locations),
    [$half], '... with one warning');

my $between = "location /1/ { $proxy }
    location /2/ { $proxy jobruns_tenant \$http_x_second; }
    location /3/ { $proxy }
    location /4/ { $proxy jobruns_tenant \$http_x_third; }
    location /5/ { $proxy location /5/6/ { $proxy } }";
is_deeply([sort @{warned('with others in between', http => $tenant,
    server => $between)}], ['jobruns_tenant $http_x_second', $half,
    'jobruns_tenant $http_x_third'], '... with one for each');

is_deeply([sort @{warned('the same value at two places', server =>
    "location /1/ { $proxy $tenant } location /2/ { $proxy $tenant }")}],
    [$half, $half], '... with one for each');

# what a location adds makes it whole, for this location

is_deeply(warned('completed in a location', http => $tenant,
    jobruns => '', location => "jobruns on; $principal"), [],
    '... without a warning');

# nobody is counted where jobruns is off

is_deeply(warned('where jobruns is off', jobruns => '', http => $tenant), [],
    '... without a warning');

done_testing;
