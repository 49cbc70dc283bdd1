#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Limits count by values of any bytes and length, by none at all, and several
# of them by the same value.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);

my $t = JobRuns->new;

my $pass = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

$t->run(workers => 2, http => <<'END', server => <<"END2");
    jobruns_redis_timeout 20s;          # a busy machine is not the matter
    jobruns_redis_connect_timeout 20s;
    map $http_x_group $group {
        default       $http_x_group;
        "~^(first)-"  $1;
    }
END
    location /20260401/ {
        $pass
        jobruns_quota by key=\$group limit=1 window=month;
    }
    location /20260402/ {
        $pass
        jobruns_quota by key=\$http_x_group:\$http_x_more limit=5 window=month;
        jobruns_quota by_group key=\$group limit=5 window=month;
        jobruns_limit per_group key=\$group rate=5r/h;
        jobruns_quota by_platform key=platform limit=5 window=month;
        jobruns_quota by_workspace key=workspace limit=5 window=month;
    }
    location /20260403/ {
        $pass
        jobruns_quota by key=\$http_x_group limit=2 window=month;
    }
    location /20260404/ {
        $pass
        jobruns_tenant everybody;
        jobruns_quota total key=tenant limit=2 window=month;
    }
END2

my $redis = $t->redis;
my $tenant = 'jobruns:{ocid1.tenancy.oc1..test}:v1';

sub post {
    my ($version, $group, %opt) = @_;
    return $t->create_run(version => "202604$version", token => undef,
        headers => { 'X-Group' => $group }, %opt);
}

sub fresh { $redis->command('FLUSHDB') }

sub quotas { return join ' ', sort
    map { my ($by) = /:v1:counters(.*)/s;
        map { (split /:/)[1] . $by } keys %{$redis->counters($_)} }
    grep { /:v1:counters/ } $redis->keys }

###############################################################################
# Values

for (
    ['of plain letters', 'Aa0._:-', 'Aa0._:-'],
    ['of 255 bytes', 'x' x 255, 'x' x 255],
    ['of 256 bytes', 'x' x 256, '~' . sha256_hex('x' x 256)],
    ['of blanks', 'a b', '~' . sha256_hex('a b')],
    ['of braces', '}{', '~' . sha256_hex('}{')],
    ['of binary bytes', "\xff\xfe\x80", '~' . sha256_hex("\xff\xfe\x80")],
    ['of glob characters', '*?[a]', '~' . sha256_hex('*?[a]')],
    ['of a map', 'first-1', 'first'],
) {
    my ($name, $value, $key) = @$_;
    fresh();
    is(post('01', $value)->status, 201, "a value $name is counted");
    is(quotas(), "by:$key", "a value $name has its key in Redis");
    is(post('01', $value)->status, 429,
        "a value $name is refused when its quota is used up");
}

# a value that is spelled like another's digest is another value

fresh();
is(post('01', 'a b')->status, 201,
    'a value that is counted by its digest is created');
is(post('01', sha256_hex('a b'))->status, 201,
    'the digest itself is another value');
is(post('01', '~' . sha256_hex('a b'))->status, 201,
    'the digest as the key has it is another value');
is(quotas(), join(' ', sort map { "by:$_" } '~' . sha256_hex('a b'),
    sha256_hex('a b'), '~' . sha256_hex('~' . sha256_hex('a b'))),
    'a value and the spellings of its digest have a counter each');

fresh();
is(post('01', undef)->status, 201,
    "an empty value skips the limit, creation $_")
    for 1, 2;
is(quotas(), '', 'an empty value leaves no key');

fresh();
is(post('02', 'g')->status, 201,
    'several limits by parts and by the same value pass');
is(quotas(), join(' ', 'by:g:', 'by_group:g',
    'by_platform:ocid1.aidataplatform.oc1.iad.test',
    'by_workspace:f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f', 'per_group:g'),
    'several limits by the same value have a key each');

fresh();
is(post('02', 'g', workspace => 'a%20b%7D', platform => 'ocid1.x%7B')->status,
    201, 'keys of the path are decoded before they are counted');
my $keys = quotas();
like($keys, qr/by_workspace:~\Q${\sha256_hex('a b}')}\E/,
    'the workspace is counted by its decoded key');
like($keys, qr/by_platform:~\Q${\sha256_hex('ocid1.x{')}\E/,
    'the platform is counted by its decoded key');

# one counter wherever a limit of this name and kind stands
fresh();
is(post('01', 'g')->status, 201, 'a limit of one location passes');
is(post('03', 'g')->status, 201,
    'a limit of the same name counts on in another location');
is(post('03', 'g')->status, 429,
    'a limit of the same name has the number of its location');

fresh();
is(post('04', 'g', tenancy => "ocid1.tenancy.oc1..$_")->status,
    $_ < 3 ? 201 : 429,
    "a constant tenant is counted for all tenancies, creation $_")
    for 1 .. 3;

done_testing;
