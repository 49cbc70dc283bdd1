#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# `nginx -t` accepts and refuses values of directives, and levels inherit
# them.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->write_file('password', "secret\n");
$t->write_file('empty', "\n");
$t->write_file('schema.json', '{"type": "object"}');
$t->write_file('no-json', '{"type": ');
$t->write_file('no-schema', '{"type": "thing"}');
$t->write_file('keyword', '{"type": "object", "frobnicate": 1}');

# nginx -t with a line at some level; the output has the number of the line,
# so it says where to look.

sub refused {
    my ($level, $line, @patterns) = @_;

    my ($ok, $output) = $t->check_config($level => $line);
    my $failed = $ok ? ['accepted'] : [grep { $output !~ $_ } @patterns];
    is("@$failed", '', "nginx -t refuses: $line") or diag($output);
    like($output, qr/check\.conf:\d+$/m, "the message has file and line: $line")
        if $line =~ /^jobruns/ && !$ok;

    return $output;
}

sub accepted {
    my ($level, $line, $name) = @_;

    my ($ok, $output) = $t->check_config($level => $line);
    ok($ok, 'nginx -t accepts: ' . ($name // $line)) or diag($output);
}

###############################################################################
# Values: directive, what is good, what is wrong.  A message must name the
# value or the directive; patterns in a row of its own say more.

my $key = 'key=tenant';
my @directives = (
    ['jobruns', [qw(on off dry_run)], [qw(maybe 1 dry-run "")]],
    ['jobruns_redis', [
        '%%REDIS%%', '127.0.0.1:6379', '[::1]:6379', 'localhost:6379',
        'localhost',
        'unix:/tmp/redis.sock', '%%REDIS%% db=0', '%%REDIS%% db=15',
        '%%REDIS%% password_file=%%TESTDIR%%/password',
        '%%REDIS%% user=jobs password_file=%%TESTDIR%%/password',
    ], [
        '""', 'unix:', ':6379', '127.0.0.1:0', '127.0.0.1:65536',
        '127.0.0.1:port', 'no-such-host.invalid:6379', 'redis://localhost',
        '[::1', '127.0.0.1:6379 db=', '127.0.0.1:6379 db=one',
        '127.0.0.1:6379 db=-1', '127.0.0.1:6379 db=65536',
        '127.0.0.1:6379 user=', '127.0.0.1:6379 user=jobs',
        '127.0.0.1:6379 password=secret', '127.0.0.1:6379 frobnicate',
        '127.0.0.1:6379 password_file=%%TESTDIR%%/absent',
        '127.0.0.1:6379 password_file=%%TESTDIR%%/empty',
        '127.0.0.1:6379 tls_name=redis', '127.0.0.1:6379 tls_ca=/ca.pem',
        '127.0.0.1:6379 TLS', '127.0.0.1:6379 tls=on',
        '127.0.0.1:6379 tls tls_ca=%%TESTDIR%%/absent',
        '127.0.0.1:6379 tls tls_ca=%%TESTDIR%%/empty',
    ]],
    ['jobruns_redis_timeout', [qw(1ms 200ms 2s)], [qw(0 -1 fast 1x "")]],
    ['jobruns_redis_connect_timeout', [qw(1ms 100ms 2s)],
        [qw(0 -1 fast 1x "")]],
    ['jobruns_redis_failure', [qw(deny allow)], [qw(on open "")]],
    ['jobruns_redis_prefix', ['jobruns:', 'a', 'x' x 64],
        ['""', 'a{b', 'a}b', '"a b"', 'x' x 65, "\xc3\xa9"]],
    ['jobruns_tenant', ['one', '$remote_user', '"a-$remote_addr"'],
        ['$no_such_variable', '$']],
    ['jobruns_principal', ['one', '$remote_user'], ['$no_such_variable', '$']],
    ['jobruns_retry_ttl', [qw(1m 24h 30d)], [qw(59s 0 31d -1 day "")]],
    ['jobruns_retry_lease', [qw(3s 15s)], [qw(2999ms 301s 0 -1 soon "")]],
    ['jobruns_retry_wait', [qw(0 100ms 10s)], [qw(-1 long 10x "")]],
    ['jobruns_keepalive', [qw(0 1ms 5s 1h)], [qw(-1 3601s long "")]],
    ['jobruns_retry_unknown', [qw(forward refuse)], [qw(on deny "")]],
    ['jobruns_response_max_size', [qw(0 1 64k 1m)], [qw(-1 big 1q "")]],
    ['jobruns_limit', [
        "a $key rate=1r/s", "a $key rate=1000000r/h burst=1000000",
        'a key=platform rate=20r/m burst=0', 'a key=workspace rate=1r/s',
        'a key=$remote_addr rate=1r/s',
        'a key=$host-$jobruns_tenancy rate=1r/s',
        "a $key rate=1r/s dry_run", "a $key rate=1r/s burst=2 dry_run",
        'A-b_9 key=tenant rate=1r/s', 'x' x 32 . " $key rate=1r/s",
    ], [
        "a $key", "a $key burst=3", 'a rate=1r/s', 'a rate=1r/s burst=1',
        "a $key rate=1", "a $key rate=0r/s", "a $key rate=1000001r/s",
        "a $key rate=1r/d", "a $key rate=-1r/s", "a $key rate=1.5r/s",
        "a $key rate=r/s", "a $key rate=1r/s burst=-1",
        "a $key rate=1r/s burst=1000001", "a $key rate=1r/s burst=",
        "a $key rate=1r/s burst=1 dryrun", "a $key dry_run rate=1r/s",
        "a $key rate=1r/s delay=56s", 'a key= rate=1r/s',
        'a key=user rate=1r/s',
        'a key=$no_such_variable rate=1r/s', "1a $key rate=1r/s",
        "a.b $key rate=1r/s", 'x' x 33 . " $key rate=1r/s",
        "\"\" $key rate=1r/s", "a $key $key rate=1r/s",
        "a $key rate=1r/s rate=2r/s",
    ]],
    ['jobruns_quota', [
        "a $key limit=1000 window=hour", "a $key limit=0 window=day",
        "a $key limit=1000000000000 window=month dry_run",
        'a key=$host limit=1 window=month',
    ], [
        "a $key limit=5", "a $key window=day dry_run", 'a limit=5 window=day',
        'a limit=5 window=day dry_run', "a $key limit=-1 window=day",
        "a $key limit=1000000000001 window=day", "a $key limit= window=day",
        "a $key limit=1k window=day", "a $key limit=1 window=week",
        "a $key limit=1 window=", "a $key limit=1 window=DAY",
        "a $key limit=1 window=day dry", 'a key=user limit=1 window=day',
        "a b $key limit=1 window=day", "1 $key limit=1 window=day",
        "a $key limit=1 limit=2 window=day",
    ]],
    ['jobruns_concurrency', [
        "a $key limit=50", "a $key limit=0", 'a key=platform limit=1 dry_run',
        'a key=$host limit=1',
    ], [
        "a $key", "a limit=1", "a $key limit=x", "a $key limit=-1",
        "a $key limit=1 rate=1r/s", "a limit=1 dry_run", 'a key=user limit=1',
        "- $key limit=1", "a $key dry_run limit=1", "a $key limit=1 limit=1",
    ]],
    ['jobruns_request_id', [qw(strict lenient replace)], [qw(off on "")]],
    ['jobruns_schema', ['%%TESTDIR%%/schema.json'], [
        '%%TESTDIR%%/absent', '%%TESTDIR%%/empty', '%%TESTDIR%%/no-json',
        '%%TESTDIR%%/no-schema', '%%TESTDIR%%/keyword', '%%TESTDIR%%', '""',
    ]],
    ['jobruns_unknown_properties', [qw(allow reject)], [qw(on deny "")]],
    ['jobruns_audit', ['off', '%%TESTDIR%%/other.log', 'syslog.log'],
        ['%%TESTDIR%%/$host.log', '%%TESTDIR%%/absent/audit.log', '""']],
    ['jobruns_audit_sync', [qw(off always 100ms 1ms 1m)],
        [qw(on 0 0ms 61s never -1 "")]],
    ['jobruns_audit_required', [qw(on off)], [qw(1 yes true "")]],
    ['jobruns_audit_refusals', [qw(all 20r/s 1r/s 90r/m 1000000r/h)],
        [qw(0 20 0r/s -1r/s 20r/d 1000001r/s off none "")]],
);

# The whole configuration without the line of the same name.

my %without = (
    jobruns => [jobruns => ''], jobruns_redis => [redis => ''],
    jobruns_audit => [audit => ''],
    jobruns_audit_refusals => [],
);

for (@directives) {
    my ($name, $good, $bad) = @$_;
    my @without = @{$without{$name} // []};

    for my $value (@$good) {
        my ($ok, $output)
            = $t->check_config(server => "$name $value;", @without);
        ok($ok, "nginx -t accepts: $name $value") or diag($output);
    }

    for my $value (@$bad) {
        my ($ok, $output)
            = $t->check_config(server => "$name $value;", @without);
        ok(!$ok, "nginx -t refuses: $name $value");

        # the argument that is wrong, or the directive where one is missing
        my @named = map { quotemeta $t->expand($_) }
            map { s/^(?:key=)?\$(?=\w)|^password_file=|^tls_ca=|^"|"$//gr }
            split / /, $value;
        my $named = join '|', @named;
        like($output, qr/\[(?:emerg|crit)\]\ .*
            (?:"$name" | [" ](?:$named)[" ,] | \("(?:$named)"\)
                | invalid\ variable\ name)/x,
            "the message names what is wrong: $name $value")
            or diag($output);
        unlike($output, qr/signal|core dumped/,
            "nginx -t does not crash: $name $value");
    }
}

accepted(http => 'jobruns_hold_memory 1m;');
refused(http => "jobruns_hold_memory $_;", qr/jobruns_hold_memory/)
    for qw(x -1 1g1 "");
refused($_ => 'jobruns_hold_memory 1m;',
    qr/"jobruns_hold_memory" directive is not allowed here/)
    for qw(server location);

# Directives are known at each level.

for my $level (qw(http server location)) {
    # the names of limits must differ
    my @lines = map { "$_->[0] $_->[1][0];" =~ s/ a / $_->[0] /r }
        grep { !$without{$_->[0]} } @directives;
    accepted($level => "@lines", "all directives in $level");
}

# twice

for my $level (qw(http server location)) {
    refused($level => "$_ $_;" =~ s/^(\S+ \S+) .*/$1; $1;/sr, qr/duplicate/)
        for map { "$_->[0] $_->[1][0]" }
            grep { $_->[0] =~ /schema|timeout|ttl|size|request_id|prefix/ }
            @directives;
}
refused(http => 'jobruns_redis 127.0.0.1:6379;', qr/"jobruns_redis" directive/,
    qr/is duplicate/);
refused(http => 'jobruns_audit off;', qr/"jobruns_audit" directive/,
    qr/is duplicate/);

# syslog is a copy beside a file: the default one too, but not without a file

my $syslog = 'jobruns_audit syslog:server=127.0.0.1:5140,tag=jobruns;';
ok(($t->check_config(http => $syslog))[0],
    'nginx -t accepts a file and a copy by syslog');

# the default file is in a folder that the package makes

if (-d '/var/log/jobruns') {
    ok(($t->check_config(audit => $syslog))[0],
        'nginx -t accepts a copy by syslog beside the default file');
} else {
    refused(audit => $_, qr{default audit file "/var/log/jobruns/audit\.log"},
        qr{install -d -m 2751 -o root -g adm /var/log/jobruns},
        qr{name another file by "jobruns_audit PATH"})
        for '', $syslog;
}
refused(server => "$_", qr/copy beside a file/) for
    "jobruns_audit off; $syslog", "$syslog jobruns_audit off;";
refused(http => "$syslog $syslog", qr/is duplicate/);
refused(http => 'jobruns_audit syslog:tag=only;', qr/no syslog server/);
refused(http => 'jobruns_audit syslog:server=127.0.0.1,facility=none;',
    qr/unknown syslog facility "none"/);

# the key of the records' hashes

my %keys = (good => 'k' x 32, line => 'k' x 32 . "\n", short => 'k' x 31,
    long => 'k' x 4097, empty => '', second => 'k' x 32 . "\nsecond\n");
$t->write_file("$_.key", $keys{$_}) for keys %keys;
chmod 0600, $t->testdir . "/$_.key" for keys %keys;

for my $name (qw(good line second)) {
    my ($ok, $output)
        = $t->check_config(http => "jobruns_audit_key $name.key;");
    ok($ok, "nginx -t accepts a key: $name") or diag($output);
    unlike($output, qr/\[warn\]/, "nginx -t does not warn of a key: $name");
}
refused(http => "jobruns_audit_key %%TESTDIR%%/$_.key;",
    qr/$_.key" of "jobruns_audit_key" has (?:a|an) .*first line(?#
        ).*: write 32 to 4096 bytes there/)
    for qw(short long empty);
refused(http => 'jobruns_audit_key %%TESTDIR%%/absent.key;',
    qr/absent.key" of "jobruns_audit_key" cannot be opened/);
refused(http => 'jobruns_audit_key good.key; jobruns_audit_key good.key;',
    qr/is duplicate/);
refused(server => 'jobruns_audit_key good.key;', qr/not allowed here/);

# so are the passwords of Redis

$t->write_file('redis.password', "secret\n");
my $password = $t->testdir . '/redis.password';
my $redis = "jobruns_redis 127.0.0.1:6379 password_file=$password;";
chmod 0644, $password;
like(($t->check_config(redis => $redis))[1],
    qr/\[warn\].*password file "\Q$password\E" is open to everybody/,
    'nginx -t warns of a password file that all can read');
chmod 0640, $password;
unlike(($t->check_config(redis => $redis))[1], qr/open to everybody/,
    'nginx -t does not warn of a password file that the group can read');

chmod 0644, $t->testdir . '/good.key';
like(($t->check_config(http => 'jobruns_audit_key %%TESTDIR%%/good.key;'))[1],
    qr/\[warn\].*good.key" is open to everybody/,
    'nginx -t warns of a key that all can read');

my %limits = (
    limit => "jobruns_limit twin $key rate=1r/s;",
    quota => "jobruns_quota twin $key limit=1 window=day;",
    concurrency => "jobruns_concurrency twin $key limit=1;",
);
for my $one (sort keys %limits) {
    refused(server => "$limits{$one} $limits{$_}", qr/"twin" is already/)
        for sort keys %limits;
}

# a lease must fit into a token's life, wherever they were set

refused(http => 'jobruns_retry_ttl 1m; jobruns_retry_lease 31s;',
    qr/"jobruns_retry_ttl" 60000ms/, qr/"jobruns_retry_lease" 31000ms/);
accepted(http => 'jobruns_retry_ttl 1m; jobruns_retry_lease 30s;');

###############################################################################
# What `jobruns on` needs

for my $on ('jobruns on;', 'jobruns dry_run;') {
    my ($ok, $output) = $t->check_config(redis => '', jobruns => $on);
    ok(!$ok, "nginx -t refuses: $on without jobruns_redis");
    like($output, qr/add "jobruns_redis unix:[^"]+;"/,
        "the message has the line to add: $on without jobruns_redis");
}
{
    my ($ok, $output) = $t->check_config(redis => '', jobruns => '',
        location => 'jobruns on;');
    ok(!$ok,
        'nginx -t refuses: jobruns on in a location without jobruns_redis');

    ($ok, $output) = $t->check_config(redis => '', jobruns => 'jobruns off;');
    ok($ok, 'nginx -t accepts: jobruns off without jobruns_redis')
        or diag($output);

    ($ok, $output) = $t->check_config(redis => '',
        location => 'jobruns_redis %%REDIS%%;', jobruns => '',
        server => 'location = /x { jobruns off; }');
    ok($ok, 'nginx -t accepts: jobruns_redis without jobruns') or diag($output);
}

###############################################################################
# Conflicting directives: the line, what the message calls it, the line that
# fixes it

my @neighbours = (
    ['proxy_next_upstream error timeout non_idempotent;',
        'proxy_next_upstream ... non_idempotent',
        'proxy_next_upstream error timeout;'],
    ['proxy_intercept_errors on;', 'proxy_intercept_errors on',
        'proxy_intercept_errors off;'],
    ['proxy_cache zone;', 'proxy_cache', 'proxy_cache off;'],
    ['proxy_cache $arg_zone;', 'proxy_cache', 'proxy_cache off;'],
    ['proxy_store on;', 'proxy_store', 'proxy_store off;'],
    ['proxy_store /data$uri;', 'proxy_store', 'proxy_store off;'],
    ['proxy_ignore_client_abort off;', 'proxy_ignore_client_abort off',
        'proxy_ignore_client_abort on;'],
    ['proxy_ignore_headers X-Accel-Expires;',
        'proxy_ignore_headers without X-Accel-Redirect',
        'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires'
            . ' X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;'],
    ['proxy_pass_request_headers off;', 'proxy_pass_request_headers off',
        'proxy_pass_request_headers on; proxy_pass_request_body on;'],
    ['proxy_pass_request_body off;', 'proxy_pass_request_body off',
        'proxy_pass_request_headers on; proxy_pass_request_body on;'],
    ['client_max_body_size 0;', 'client_max_body_size',
        'client_max_body_size 1m;'],
    ['client_max_body_size 16777217;', 'client_max_body_size',
        'client_max_body_size 1m;'],
    ['client_max_body_size 1g;', 'client_max_body_size',
        'client_max_body_size 1m;'],
);

# jobruns_proxy.conf with one line in place of its own.

sub proxy_lines {
    my $line = shift // 'tcp_nodelay on;';

    open my $fh, '<', $t->root . '/conf/jobruns_proxy.conf' or die $!;
    my $lines = join '', grep { !/^\s*#/ } <$fh>;
    my ($name) = $line =~ /^(\S+)/;
    $lines =~ s/^\Q$name\E\s[^;]*;//mg;

    return "$lines $line";
}

# Where the line stands, and where it takes effect.

my %places = (
    'in the location' => sub {
        location => 'proxy_pass http://service;' . $_[0] },
    'in a nested location' => sub {
        location => 'proxy_pass http://service;' . proxy_lines()
            . 'location /20260430 { proxy_pass http://service;' . $_[0] . '}' },
    'in a regex location that is nested' => sub {
        location => 'proxy_pass http://service;' . proxy_lines()
            . 'location ~ jobRuns$ { proxy_pass http://service;'
            . $_[0] . '}' },
    'inherited from the server' => sub {
        location => 'proxy_pass http://service;', server => $_[0] },
    'inherited from http' => sub {
        location => 'proxy_pass http://service;', http => $_[0] },
    'in a named location' => sub {
        location => 'proxy_pass http://service;' . proxy_lines(),
        server => 'location @named { proxy_pass http://service;'
                  . $_[0] . '}' },
);

sub place_config {
    my ($place, $line) = @_;

    my %lines = (http => '', server => '',
        $places{$place}->(proxy_lines($line)));

    return <<"END";
%%TEST_GLOBALS%%
events {}
http {
    %%TEST_GLOBALS_HTTP%%
    jobruns_redis %%REDIS%%;
    jobruns_audit off;
    proxy_cache_path %%TESTDIR%%/cache keys_zone=zone:1m;
    $lines{http}

    upstream service {
        server %%SERVICE%%;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        jobruns on;
        $lines{server}

        location / {
            $lines{location}
        }
    }
}
END
}

for my $place (sort keys %places) {
    my ($ok, $output) = $t->check_config(
        config => place_config($place, 'tcp_nodelay on;'));
    ok($ok, "nginx -t accepts jobruns_proxy.conf $place") or diag($output);

    for (@neighbours) {
        my ($line, $called, $mend) = @$_;

        ($ok, $output)
            = $t->check_config(config => place_config($place, $line));
        ok(!$ok, "nginx -t refuses $place: $line") or next;
        like($output, qr/\[emerg\].*\Q$called\E/,
            "the message names the conflict $place: $line");
        like($output, qr/add "\Q$mend\E"/,
            "the message has the line that fixes it $place: $line");
    }
}

# The line that a message asks for fixes the conflict.

for (@neighbours) {
    my ($line, $called, $mend) = @$_;
    my ($ok, $output) = $t->check_config(
        config => place_config('in the location', $mend));
    ok($ok, "nginx -t accepts the line that fixes a conflict: $mend")
        or diag($output);
}

# Without the snippet the defaults of NGINX are refused.

{
    my ($ok, $output) = $t->check_config(proxy => 0);
    ok(!$ok, 'nginx -t refuses: jobruns on without jobruns_proxy.conf');
    like($output, qr/jobruns_proxy\.conf/,
        'the message names jobruns_proxy.conf where it is missing');
}

# These lines are accepted where jobruns is off, and where nothing is passed
# on.

accepted(server => "location /$_->[1] { $_->[0] jobruns off;
    proxy_pass http://service; }")
    for ['proxy_store on;', 'a'], ['client_max_body_size 0;', 'b'],
        ['proxy_next_upstream error non_idempotent;', 'c'];
accepted(server => 'location /files { proxy_intercept_errors on; }');

###############################################################################
# Inheritance, as requests see it

$t->run(
    http => '
        jobruns_request_id lenient;
        jobruns_limit outer key=tenant rate=100r/s burst=7;
        jobruns_quota outermost key=tenant limit=99 window=month;
        jobruns_tenant from-http;',
    server => '
        location = /outer/ { return 204; }
        jobruns_tenant from-server;

        location /20260501/ {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
            jobruns_limit inner key=tenant rate=50r/s burst=3;
            jobruns_request_id replace;
            jobruns_tenant from-location;
            proxy_set_header X-Tenant $jobruns_tenant;

            location /20260501/dataLakes/ {
                include %%ROOT%%/conf/jobruns_proxy.conf;
                proxy_pass http://service;
                proxy_set_header X-Tenant $jobruns_tenant;
            }
        }

        location /20260502/ {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
            jobruns dry_run;
        }

        location /20260503/ {
            proxy_pass http://service;
            jobruns off;
        }',
    location => 'proxy_set_header X-Tenant $jobruns_tenant;',
);

sub policies {
    my ($answer) = @_;
    return join ' ', sort +($answer->header('RateLimit-Policy') // '')
        =~ /"([^"]+)"/g;
}

# what the service got last

sub received {
    my ($name) = @_;

    my ($last) = reverse $t->service->requests;
    return join '|', map { $_->[1] }
        grep { lc $_->[0] eq $name } @{$last->{headers}};
}

my $answer = $t->create_run(request_id => 'a/b');
is($answer->status, 201,
    'jobruns_request_id lenient in http holds in the location');
is(received('opc-request-id'), 'a/b',
    'jobruns_request_id lenient passes the id on');
is(policies($answer), 'outer outermost',
    'all limits of http hold in the location');

is(received('x-tenant'), 'from-server',
    'jobruns_tenant of a server overrides the one of http');

$answer = $t->create_run(version => '20260501', request_id => 'a/b/');
is($answer->status, 201,
    'a location overrides jobruns_request_id with replace');
like(received('opc-request-id'), qr/^[0-9A-F]{32}$/,
    'jobruns_request_id replace makes an id');
is(policies($answer), 'inner',
    'the limits of a location replace all outer limits');
is(received('x-tenant'), 'from-location',
    'jobruns_tenant of a location overrides the one of the server');

$answer = $t->create_run(version => '20260501', family => 'dataLakes',
    request_id => 'a/b/');
is($answer->status, 201,
    'a nested location inherits jobruns_request_id replace');
is(policies($answer), 'inner', 'a nested location inherits the limits');
is(received('x-tenant'), 'from-location',
    'a nested location inherits jobruns_tenant');

$answer = $t->create_run(version => '20260502', body => 'no json');
is($answer->status, 201,
    'jobruns dry_run in a location lets an invalid body pass');
is(policies($answer), 'outer outermost',
    'jobruns dry_run in a location has the limits of http');
$answer = $t->create_run(version => '20260503', body => 'no json');
is($answer->status, 201, 'jobruns off in a location lets an invalid body pass');
is(policies($answer), '', 'jobruns off in a location has no limits');
is($t->create_run(body => 'no json')->status, 400,
    'jobruns on still holds beside locations with dry_run and off');

done_testing;
