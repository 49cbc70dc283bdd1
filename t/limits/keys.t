#!/usr/bin/perl

# By what limits count: values of any bytes and length, none at all, and several
# limits by the same value.

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

sub quotas { return join ' ',
    map { s/^.*?:v1:(?:quota|rate):(\w+)(?::month)?/$1/r }
    grep { /:v1:(?:quota|rate):/ } $redis->keys }

###############################################################################
# Values

for (
    ['plain', 'Aa0._:-', 'Aa0._:-'],
    ['255 long', 'x' x 255, 'x' x 255],
    ['256 long', 'x' x 256, '~' . sha256_hex('x' x 256)],
    ['of blanks', 'a b', '~' . sha256_hex('a b')],
    ['of braces', '}{', '~' . sha256_hex('}{')],
    ['of bytes', "\xff\xfe\x80", '~' . sha256_hex("\xff\xfe\x80")],
    ['of glob characters', '*?[a]', '~' . sha256_hex('*?[a]')],
    ['of a map', 'first-1', 'first'],
) {
    my ($name, $value, $key) = @$_;
    fresh();
    is(post('01', $value)->status, 201, "a value $name");
    is(quotas(), "by:$key", '... as it stands in a key');
    is(post('01', $value)->status, 429, '... counts');
}

# a value that is spelled like another's digest is another value

fresh();
is(post('01', 'a b')->status, 201, 'a value that is counted by its digest');
is(post('01', sha256_hex('a b'))->status, 201, '... the digest as a value');
is(post('01', '~' . sha256_hex('a b'))->status, 201, '... and as it stands');
is(quotas(), join(' ', sort map { "by:$_" } '~' . sha256_hex('a b'),
    sha256_hex('a b'), '~' . sha256_hex('~' . sha256_hex('a b'))),
    '... have a counter each');

fresh();
is(post('01', undef)->status, 201, "an empty value skips the limit, $_")
    for 1, 2;
is(quotas(), '', '... and leaves no key');

fresh();
is(post('02', 'g')->status, 201, 'several limits, by parts and by the same');
is(quotas(), join(' ', 'by:g:', 'by_group:g',
    'by_platform:ocid1.aidataplatform.oc1.iad.test',
    'by_workspace:f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f', 'per_group:g'),
    '... have a key each');

fresh();
is(post('02', 'g', workspace => 'a%20b%7D', platform => 'ocid1.x%7B')->status,
    201, 'keys of the path, decoded');
my $keys = quotas();
like($keys, qr/by_workspace:~\Q${\sha256_hex('a b}')}\E/, '... the workspace');
like($keys, qr/by_platform:~\Q${\sha256_hex('ocid1.x{')}\E/,
    '... the platform');

# one counter wherever a limit of this name and kind stands
fresh();
is(post('01', 'g')->status, 201, 'a limit of one location');
is(post('03', 'g')->status, 201, '... counts on in another');
is(post('03', 'g')->status, 429, '... by the number there');

fresh();
is(post('04', 'g', tenancy => "ocid1.tenancy.oc1..$_")->status,
    $_ < 3 ? 201 : 429, "a constant tenant is of all, $_") for 1 .. 3;

done_testing;
