#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Every message of `nginx -t` names the directive, the value and what is
# accepted; and it warns once of what works and surprises, and only there.

use lib 't/lib';
use JobRuns;

use POSIX ();

my $t = JobRuns->new;
my $key = 'key=tenant';

###############################################################################
# Refusals: directive, what it is given, the value that is wrong (undef: what it
# is given), what the message says of what is accepted

my @words = (
    ['jobruns', ['maybe', 'ON!', ''], qw(off on dry_run)],
    ['jobruns_redis_failure', ['open'], qw(deny allow)],
    ['jobruns_redis_require_noeviction', ['yes', ''], qw(off on)],
    ['jobruns_auth', ['yes'], qw(off on all dry_run)],
    ['jobruns_retry_unknown', ['deny'], qw(forward refuse)],
    ['jobruns_request_id', ['off'], qw(strict lenient replace)],
    ['jobruns_unknown_properties', ['deny'], qw(allow reject)],
    ['jobruns_audit_required', ['1', 'offf'], qw(off on)],
);

my @values = (
    (map { my $name = $_; map { [$name, $_, qr/a time of 1ms or more/] }
        qw(0 -1 fast), '' }
        qw(jobruns_redis_timeout jobruns_redis_connect_timeout)),
    (map { ['jobruns_retry_lease', $_, qr/a time from 3s to 5m/] }
        qw(2999ms 301s soon), ''),
    (map { ['jobruns_retry_ttl', $_, qr/a time from 1m to 30d/] }
        qw(59s 31d day)),
    (map { ['jobruns_retry_wait', $_, qr/a time, such as "10s", or 0/] }
        qw(-1 long), ''),
    (map { ['jobruns_auth_skew', $_, qr/a time from 1s to 1h/] }
        qw(0 2h 10ms)),
    (map { ['jobruns_auth_min_bits', $_, qr/bits from 1024 to 8192/] }
        qw(1023 8193 many)),
    (map { ['jobruns_keepalive', $_, qr/a time up to 1h, such as "1s", or 0/] }
        qw(-1 2h 5x)),
    (map { ['jobruns_response_max_size', $_, qr/a size of 0 or more/] }
        qw(-1 big 1q), ''),
    (map { ['jobruns_hold_memory', $_, qr/a size of 0 or more/] } qw(x 1g1)),
    (map { ['jobruns_redis_prefix', $_, qr/1 to 64 characters .*ASCII/] }
        'a{b', 'a b', 'x' x 65, ''),
    (map { ['jobruns_redis_watch', $_, qr/"off", or a time from 1s to 1m/] }
        qw(on 999ms 61s)),
    (map { ['jobruns_audit_sync', $_, qr/"off", "always" or a time from 1ms/] }
        qw(on 0 61s)),
    (map { ['jobruns_audit_refusals', $_, qr/"all" or a rate of 1 to 1000000/] }
        qw(20 none)),
    (map { [$_, '', qr/a variable or a name/] }
        qw(jobruns_tenant jobruns_principal)),
    ['jobruns_auth_keys', '', qr/a path of a file/],
    (map { ['jobruns_redis', $_, qr/a port from 1 to 65535/] }
        qw(127.0.0.1:0 127.0.0.1:65536 host: [::1]:99999 host:port)),
    ['jobruns_audit', '$host.log', qr/a path without variables/],
    ['jobruns_redis_replicas', 'on', qr/"off", or a number/],
);

my @arguments = (
    ['jobruns_redis_replicas 17 1s', '17', qr/1 to 16 replicas/],
    ['jobruns_redis_replicas 1 11s', '11s', qr/a time from 1ms to 10s/],
    ["jobruns_limit 1a $key rate=1r/s", '1a', qr/a letter and up to 31/],
    ['jobruns_limit a key=user rate=1r/s', 'key=user',
        qr/tenant, platform, workspace or a \$variable/],
    ["jobruns_quota a $key limit=1 window=week", 'window=week', qr/month/],
    ["jobruns_concurrency a $key limit=x", 'limit=x', qr/0 to 1000000000000/],
);

my %without = (
    jobruns => [jobruns => ''], jobruns_redis => [redis => ''],
    jobruns_audit => [audit => ''],
    jobruns_hold_memory => [], jobruns_redis_watch => []);
my %main = map { $_ => 1 } qw(jobruns_hold_memory jobruns_redis_watch);

sub refused {
    my ($line, $value, $expected) = @_;

    my ($name) = $line =~ /^(\w+)/;
    my ($ok, $output) = $t->check_config(
        ($main{$name} ? 'http' : 'server') => "$line;",
        @{$without{$name} // []});
    ok(!$ok, "nginx -t refuses: $line");
    like($output, qr/\[emerg\]\ invalid\ (?:value|parameter)\ "\Q$value\E"
        \ of\ "$name":\ expected\ .*$expected.*\ in\ \S+check\.conf:\d+/x,
        "the message names directive, value and what is accepted: $line");
}

for (@words) {
    my ($name, $bad, @allowed) = @$_;
    my $last = pop @allowed;
    my $list = join(', ', map { qq{"$_"} } @allowed) . qq{ or "$last"};

    refused("$name \"$_\"", $_, qr/\Q$list\E/) for @$bad;

    for my $word (@allowed, $last) {
        next if $name eq 'jobruns_auth' && $word ne 'off';
        my ($ok, $output) = $t->check_config(
            server => "$name " . uc($word) . ';', @{$without{$name} // []});
        ok($ok, "nginx -t accepts in capitals too: $name $word")
            or diag($output);
    }
}
refused(qq{$_->[0] "$_->[1]"}, @$_[1, 2]) for @values;
refused(@$_) for @arguments;

for my $mode (qw(on dry_run)) {
    my ($ok, $output) = $t->check_config(jobruns => "jobruns $mode;",
        redis => '');

    ok(!$ok, "nginx -t refuses: jobruns $mode without jobruns_redis");
    like($output, qr/"jobruns $mode" needs Redis: add "jobruns_redis /,
        "the message says what jobruns $mode needs");
}

my ($ok, $output) = $t->check_config(
    server => "jobruns_limit a $key rate=1r/s; jobruns_quota a $key limit=1"
        . ' window=day;');
ok(!$ok, 'nginx -t refuses a second limit of one name');
like($output, qr/"jobruns_quota": a limit with the name "a" is already/,
    'the message names directive and name of a second limit');

# files: directive, file and what is wrong

$t->write_file('list.json', '[]');
$t->write_file('number.json', '{"type":"object","if":1}');
POSIX::mkfifo($t->testdir . '/fifo', 0600) or die "mkfifo: $!";
for (['jobruns_auth_keys %%TESTDIR%%/fifo', qr/fifo": is not a regular file/],
    ['jobruns_schema %%TESTDIR%%/fifo', qr/fifo" of .* is not a regular file/],
    ['jobruns_auth_keys %%TESTDIR%%/none', qr/none": cannot be opened: No /],
    ['jobruns_auth_issuer a jwks=%%TESTDIR%%/list.json',
        qr/list\.json": is not a JWKS/],
    ['jobruns_schema %%TESTDIR%%/none', qr/none" of .* cannot be opened/],
    ['jobruns_schema %%TESTDIR%%/list.json',
        qr/not usable: a schema must be an object/],
    ['jobruns_schema %%TESTDIR%%/number.json',
        qr/not usable: keyword "if" is not supported/],
    ['jobruns_redis 127.0.0.1 password_file=%%TESTDIR%%/none',
        qr/none" of .* cannot be opened/])
{
    my ($line, $expected) = @$_;
    my ($name) = $line =~ /^(\w+)/;

    ($ok, $output) = $t->check_config(server => "$line;",
        @{$without{$name} // []});
    ok(!$ok, "nginx -t refuses: $line");
    like($output, qr/\[emerg\] [^\n]*"$name"/,
        "the message names the directive of a file: $line");
    like($output, $expected, "the message says what is wrong with it: $line");
}

($ok, $output) = $t->check_config(http => 'jobruns_zone jobruns 4k;');
like($output, qr/size "4k" of zone "jobruns" of "jobruns_zone": .* at least/,
    'the message names directive and value of a zone that is too small');

###############################################################################
# Warnings

sub warned {
    my ($name, $count, $pattern, %config) = @_;

    my ($ok, $output) = $t->check_config(%config);
    ok($ok, "nginx -t accepts: $name") or diag($output);
    is(scalar(() = $output =~ /\[warn\]/g), $count, "warnings: $name")
        or diag($output);
    like($output, qr/\[warn\] $pattern/, "the warning says why: $name")
        if $count;
}

my $inner = 'location /inner/ {
    include %%ROOT%%/conf/jobruns_proxy.conf; proxy_pass http://service; ';
my $at = qr/level that begins in \S+check\.conf:\d+/;

warned('the usual configuration', 0);

# a wait that SDKs do not live to see the end of
my $wait = qr/"jobruns_retry_wait" is 56000ms: .*55s or less .*$at/;
warned('a wait of 55s', 0, undef, http => 'jobruns_retry_wait 55s;');
warned('a wait of 56s', 1, $wait, http => 'jobruns_retry_wait 56s;',
    server => "$inner }");
warned('a wait of 56s in a location', 1, $wait,
    location => 'jobruns_retry_wait 56s;');
warned('a wait of 56s in dry_run', 1, $wait,
    server => 'jobruns_retry_wait 56s;', jobruns => 'jobruns dry_run;');
warned('two long waits', 2, $wait, server => 'jobruns_retry_wait 56s;',
    location => 'jobruns_retry_wait 2m;');
warned('a wait of 56s without jobruns', 0, undef, jobruns => 'jobruns off;',
    http => 'jobruns_retry_wait 56s;');
warned('a wait that an inner level shortens', 0, undef,
    http => 'jobruns_retry_wait 56s;', server => 'jobruns_retry_wait 1s;');

# Redis is waited for longer than clients
my $timeout = qr/"jobruns_redis_timeout"\ 5001ms\ is\ longer\ than
    \ "send_timeout"\ 5000ms:\ .*$at/x;
my $patience = 'jobruns_redis_timeout 5001ms;';
warned('a timeout of Redis like send_timeout', 0, undef,
    http => "$patience send_timeout 5001ms;");
warned('a timeout of Redis beyond send_timeout', 1, $timeout,
    http => "$patience send_timeout 5s;", server => "$inner }");
warned('a send_timeout of a location', 1, $timeout,
    http => $patience, location => 'send_timeout 5s;');
warned('a short send_timeout without jobruns', 0, undef, http => $patience,
    server => 'location /files/ { jobruns off; send_timeout 5s; }');

# limits that a level loses
my %limit = map { $_ => "jobruns_limit $_ $key rate=9r/s;" } qw(one two);
my $lost = qr/jobruns_limit "one" of an outer level does not hold in the $at/;
warned('limits of http alone', 0, undef, http => "$limit{one} $limit{two}",
    server => "$inner }");
warned('limits of a server in place of those of http', 1, $lost,
    http => $limit{one}, server => "$limit{two} $inner }");
warned('limits of a location in place of those of http', 1, $lost,
    http => $limit{one}, location => $limit{two});
warned('one of two limits that is repeated', 1, $lost,
    http => "$limit{one} $limit{two}", server => $limit{two});
warned('another kind of the same name', 1, $lost, http => $limit{one},
    server => "jobruns_concurrency one $key limit=5;");
warned('limits that a server repeats', 0, undef,
    http => $limit{one}, server => "$limit{one} $limit{two}");
warned('limits that a server replaces without jobruns', 0, undef,
    http => $limit{one}, server => $limit{two}, jobruns => 'jobruns off;');
warned('limits that a location inherits from such a server', 1, $lost,
    http => $limit{one}, server => $limit{two}, jobruns => '',
    location => 'jobruns on;');

# a page for everybody
my $open = qr/"jobruns_status"\ in\ location\ "\/status"\ is\ open\ to
    \ everybody.*"allow\ 127\.0\.0\.1;"\ and\ "deny\ all;".*check\.conf:\d+/x;
my $zone = 'jobruns_zone jobruns 1m;';
sub status { return "location = /status { jobruns_status; @_ }" }

warned('jobruns_status for everybody', 1, $open, http => $zone,
    server => status());
warned('jobruns_status for everybody without jobruns', 1, $open,
    http => $zone, server => status(), jobruns => '');
warned('jobruns_status with a password that is off', 1, $open,
    http => $zone, server => status('auth_basic off;'));
warned("jobruns_status with $_", 0, undef, http => $zone, server => status($_))
    for 'allow 127.0.0.1; deny all;', 'deny all;', 'internal;',
        'auth_basic page; auth_basic_user_file users;';
warned('jobruns_status with rules of the server', 0, undef, http => $zone,
    server => 'allow 127.0.0.1; deny all; ' . status());

done_testing;
