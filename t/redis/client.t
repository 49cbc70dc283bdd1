#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The Redis client of ngx_module/redis/ runs alone, in a test-only module that
# submits what the body of a request says and responds with what became of it
# (tests/ngx_redis_probe/): addresses, replies, scripts, the greeting.

use lib 't/lib';

use JobRuns;
use JobRuns::Nginx;
use RedisPeer;
use RedisProbe;

my $t = RedisProbe::harness();

# what the peers do to deserve it
$t->allow_log(qr/\[alert\].*redis "unix:\S+\.peer"/);

###############################################################################
# What is refused at configuration time

for my $case (
    ['6379' => qr/no host in address of redis "6379"/],
    ['/tmp/redis.sock' => qr/must be "host:port"/],
    ['redis://127.0.0.1:6379' => qr/must be "host:port"/],
    ['unix:redis.sock' => qr/"unix:\/path"/, 'unix without a leading slash'],
    ['127.0.0.1:0' => qr/invalid port in address of redis/],
    ['127.0.0.1:65536' => qr/invalid port in address of redis/],
    ['[::1:6379' => qr/invalid host in address of redis/],
    ['[::x]:6379' => qr/invalid IPv6 address in address of redis/],
    ['"unix:/tmp/a b"' => qr/invalid character 0x20 at position 12/],
    ['"127.0.0.1:6379\n"' => qr/invalid character 0x0A/],
    ['""' => qr/no address of redis/],
    ['"unix:/tmp/a;b"' => qr/invalid character 0x3B/],
    ['unix:/' . 'x' x 200 => qr/too long path/],
    ['no-such-host.invalid:6379' => qr/host not found in address of redis/],
    ['127.0.0.1 db=-1' => qr/invalid database number -1/],
    ['unix:/tmp/x tls' => qr/needs a name to verify/],
    ['127.0.0.1 tls tls_ca=/nonexistent' => qr/\/nonexistent/],
    ['127.0.0.1 tls tls_certificate=/x' => qr/both the certificate and its/],
) {
    my ($address, $message) = @$case;
    next if $address =~ / tls/ && JobRuns::Nginx::build() !~ /TLS SNI/;

    my ($ok, $output) = $t->check_config(module => 0,
        config => probe_config(x => $address));
    ok(!$ok, "nginx -t refuses the address: $address");
    like($output, $message,
        "nginx -t says why it refuses the address: $address");
}

my ($good, $output) = $t->check_config(module => 0, config => probe_config(
    a => '127.0.0.1', b => '[::1]:6379', c => '[::1]', d => 'localhost:6379',
    e => 'unix:/tmp/redis-1_x.sock', f => '127.0.0.1:6379 db=3 user=u'));
ok($good, 'nginx -t accepts good addresses') or diag($output);

###############################################################################
# Peers

my %replies = (
    STATUS => "+fine\r\n", ERROR => "-ERR no\r\n", INT => ":-42\r\n",
    NIL => "\$-1\r\n", NILS => "*-1\r\n", EMPTY => "\$0\r\n\r\n",
    NONE => "*0\r\n", BULK => "\$7\r\na\r\nb\0cd\r\n",
    DEEP => "*3\r\n*2\r\n:1\r\n*1\r\n\$1\r\nx\r\n\$-1\r\n*0\r\n",
);

my $bytewise = sub {
    my ($c) = @_;
    $c->greet;
    while (my @words = $c->command) { $c->bytewise($replies{$words[0]}) }
};
peer(bytewise => $long, $bytewise);
peer(bytewise_tcp => $long, $bytewise, tcp => 1);

for my $case ([maxclients => "-ERR max number of clients reached\r\n"],
    [denied => "-DENIED Redis is running in protected mode.\r\n"],
    [noauth => "-NOAUTH Authentication required.\r\n"],
    [notredis => "220 smtp.example ESMTP\r\n"])
{
    my ($name, $words) = @$case;
    peer($name => $long, sub {
        my ($c) = @_;
        if (-e $t->testdir . "/$name.allow-well") {
            $c->greet;
            return echo($c);
        }
        $c->write($words);
        $c->command;            # what is unread would reset the connection
    });
}

peer(hangup => $long, sub {
    my ($c) = @_;
    return unless -e $t->testdir . '/hangup.allow-well';
    $c->greet;
    echo($c);
});

# replies to the greeting and is gone
peer(hasty => $long, sub { $_[0]->greet });

# PING gets this reply until allowed
peer(loading => 'timeout=300ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    my $well = -e $t->testdir . '/loading.allow-well';
    $c->greet(PING => $well ? "+PONG\r\n" : "-LOADING wait\r\n") or return;
    return echo($c) if $well;
    $c->wait_end;
});

# refuses all courtesies
peer(noperm => $long, sub {
    my ($c) = @_;
    $c->greet(SETNAME => "-NOPERM no\r\n", PING => "-NOPERM no\r\n");
    echo($c);
});

peer(quoting => "$long user=u password=topsecretword", sub {
    my ($c) = @_;
    $c->greet(AUTH => "-ERR unknown command 'AUTH', with args beginning with: "
        . "'u' 'topsecretword' \r\n");
    $c->wait_end;
});

peer(scripts => $long, sub {
    my ($c) = @_;
    $c->greet;
    while (my @words = $c->command) {
        my $lie = ($words[3] // '') eq 'lie';
        $c->write($words[0] eq 'EVALSHA' ? "-NOSCRIPT No matching script.\r\n"
            : $lie ? "-NOSCRIPT really\r\n" : "+$words[0]\r\n");
    }
});

# EVALSHA gets a reply, EVAL never; PINGs do
peer(script_late => 'timeout=500ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    while (my @words = $c->command) {
        $words[0] eq 'EVAL' ? 1
            : $words[0] eq 'EVALSHA' ? $c->write("-NOSCRIPT\r\n")
            : $c->write("+OK\r\n");
    }
});

# no server there until later
my $gone = RedisPeer->start($t, 'gone', sub {
    my ($c) = @_;
    $c->greet;
    echo($c);
}, tcp => 1);
$gone->stop;
$where{gone} = $gone->address . " $long";
$where{gone_unix} = "unix:" . $t->testdir . "/nobody.sock $long";

###############################################################################
# Real servers

my $redis = $t->redis('real', tcp => 1);
my $locked = $t->redis('locked');
# Valkey takes no quotes on its command line
$locked->command('CONFIG', 'SET', 'requirepass', 'secret$1 "quoted"');
$redis->command('ACL', 'SETUSER', 'worker', 'on', '>topsecret', '~w:*',
    '-@all', '+get', '+set', '+evalsha', '+eval', '+incr');

$where{unix} = 'unix:' . $redis->path . " $long";
$where{tcp} = $redis->address . " $long";
$where{db} = $redis->address . " $long db=3";
$where{no_db} = $redis->address . " $long db=99";
$where{user} = $redis->address . " $long user=worker password=topsecret";
$where{bad_user} = $redis->address . " $long user=worker password=wrongsecret";
$where{no_password} = $locked->address . " $long";
$where{password} = $locked->address . " $long"
    . ' "password=secret\\$1 \\"quoted\\""';
$where{paused} = $redis->address . ' timeout=300ms connect_timeout=200ms';

$where{password} =~ s/\\\$/\$/;

$t->run(module => 0, config => probe_config(%where));

###############################################################################

subtest 'replies of a real server' => sub {
    for my $path (qw(unix tcp)) {
        my @r = steps($path, 'cmd DEL k l', 'cmd SET k v%00%0D%0Aw%FF',
            'cmd GET k', 'cmd GET none', 'cmd LPUSH l 1 2', 'cmd LRANGE l 0 -1',
            'cmd NOSUCH', 'cmd SET k2 @0', 'cmd GET k2');
        is(brief(@r), join('; ', ('ok,1') x 9),
            "$path: all commands get a reply");
        is(join(' ', map { $_->{n} } @r), '1 2 3 4 5 6 7 8 9',
            "$path: replies come in order");
        is($r[2]{reply}, '"v%00%0D%0Aw%FF"', "$path: a reply is binary safe");
        is($r[3]{reply}, 'nil', "$path: a reply can be nil");
        is($r[4]{reply}, ':2', "$path: a reply can be an integer");
        is($r[5]{reply}, '["2","1"]', "$path: a reply can be an array");
        like($r[6]{reply}, qr/^-ERR unknown command/,
            "$path: an error is a reply");
        is($r[8]{reply}, '""', "$path: an argument can be empty");
    }
};

subtest 'large commands and replies' => sub {
    for my $path (qw(unix tcp)) {
        my @r = steps($path, 'cmd SET big @12000000', 'cmd STRLEN big',
            'cmd GET big', 'cmd PING');
        is(replies(@r), '+OK :12000000 (12000000 bytes) +PONG',
            "$path: 12 MB are sent and received");
    }
};

subtest 'one write for the operations of a turn' => sub {
    steps('unix', 'cmd PING');
    my $mark = debug_mark();
    my @r = steps('unix', 'cmd DEL n', '*1000 cmd INCR n');
    is($r[-1]{reply}, ':1000', '1001 operations get their replies');
    my @sends = debug_since($mark) =~ /redis send: (\d+ of \d+)/g;
    is(scalar @sends, 1, '1001 operations are sent in one write')
        or diag("@sends");

    $mark = debug_mark();
    my @clients = map { start_steps('unix', 'cmd INCR n') } 1 .. 20;
    results($_) for @clients;
    cmp_ok(scalar(() = debug_since($mark) =~ /redis connect/g), '==', 0,
        'all requests share one connection');
};

subtest 'replies split at every byte' => sub {
    my @names = sort keys %replies;
    for my $path (qw(bytewise bytewise_tcp)) {
        my @r = steps($path, map { "cmd $_" } @names);
        is(replies(@r), '"a%0D%0Ab%00cd" [[:1,["x"]],nil,[]] "" -ERR no :-42'
            . ' nil nil [] +fine', "$path: replies are read byte by byte");
    }
};

subtest 'scripts' => sub {
    $redis->command('SCRIPT', 'FLUSH');
    $redis->command('DEL', 'c');
    my @r = steps('unix', 'eval count 1 c a%00b', 'eval other 2 c d',
        'eval other 0');
    is(replies(sort { $a->{n} <=> $b->{n} } @r),
        '["c","a%00b",:1] "other20" "other00"',
        'scripts are sent by EVAL after NOSCRIPT');
    my $mark = debug_mark();
    @r = steps('unix', 'eval count 1 c a');
    is(replies(@r), '["c","a",:2]',
        'a script that is known is sent by EVALSHA');
    unlike(debug_since($mark), qr/NOSCRIPT/,
        'a script that is known gets no NOSCRIPT');

    @r = steps('scripts', 'eval count 1 lie x', 'eval count 1 k x', 'cmd X a');
    is(replies(@r), '-NOSCRIPT really +EVAL +X' =~ s/(.*) (.*) (.*)/$3 $1 $2/r,
        'a second NOSCRIPT is the reply');
    is($peer{scripts}->count('^EVALSHA'), 2,
        'EVALSHA is sent once for each script');
    is($peer{scripts}->count('^EVAL '), 2, 'EVAL is sent once for each script');

    my ($r) = steps('script_late', 'eval count 1 k x');
    is(brief($r), 'timeout,1',
        'a script has one deadline for EVALSHA and EVAL');
    cmp_ok($r->{ms}, '>=', 499, 'a script does not end before its deadline');
    is($peer{script_late}->count('^EVAL '), 1,
        'EVAL is sent before the deadline of a script');
};

subtest 'greeting' => sub {
    is(replies(steps('db', 'cmd SET indb yes')), '+OK',
        'a command is carried out after SELECT');
    $redis->command('SELECT', 3);
    is($redis->command('GET', 'indb'), 'yes', 'db= selects the database');
    like($redis->command('CLIENT', 'LIST'), qr/name=nginx-\d+ .* db=3 /,
        'the connection has a name');
    $redis->command('SELECT', 0);

    my ($r) = steps('user', 'cmd SET w:1 x');
    is($r->{reply}, '+OK', 'a user with the needed commands only works');
    ($r) = steps('user', 'cmd GET other');
    like($r->{reply}, qr/^-NOPERM/, 'the user of the configuration is used');
    is(replies(steps('password', 'cmd SET a b')), '+OK',
        'a password is accepted');
    is(replies(steps('noperm', 'cmd ECHO me')), '"me"',
        'a server without CLIENT and PING works');

    for my $case (
        [no_db => qr/DB index is out of range.*to SELECT.*database number/],
        [bad_user => qr/WRONGPASS.*to AUTH.*check the user and the password/],
        [no_password => qr/NOAUTH.*requires a password: configure/],
        [maxclients => qr/max number of clients.*raise maxclients/],
        [denied => qr/DENIED.*protected mode/],
        [noauth => qr/NOAUTH/],
        [quoting => qr/unknown command 'AUTH'" to AUTH/],
        [hangup => qr/closed the connection during the greeting/])
    {
        my ($path, $message) = @$case;
        my ($r) = steps($path, 'cmd PING');
        is(brief($r), 'unreachable,0', "$path: the server is unreachable");
        my $address = $where{$path} =~ s/ .*//r;
        like(join("\n", log_lines(qr/\[error\].*redis "\Q$address\E"/)),
            $message, "$path: error.log says what to do");
        ($r) = steps($path, 'cmd PING');
        is($r->{rc}, 'declined', "$path: the breaker is open");
    }

    for my $path (qw(maxclients denied noauth hangup)) {
        $peer{$path}->allow('well');
        is(until_ok($path)->{sent}, 1, "$path: the breaker closes again");
    }

    my $hasty = steps('hasty', '*3 cmd PING');
    like(brief($hasty), qr/^(?:unreachable,0|lost,1)$/,
        'a server that is gone after the greeting loses the operations');
    cmp_ok($peer{hasty}->count('connect'), '<', 10,
        'a server that is gone after the greeting is not tried again at once');

    my $all = $t->nginx->error_log . $t->read_file('debug.log');
    unlike($all, qr/secret/, 'no log has a password');
};

subtest 'not a Redis server' => sub {
    my ($r) = steps('notredis', 'cmd PING');
    is(brief($r), 'unreachable,0',
        'a server that does not speak Redis is unreachable');
    my $address = $peer{notredis}->address;
    my @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1,
        'a server that does not speak Redis causes one alert');
    like($alerts[0], qr/sent not the Redis protocol/,
        'the alert says that the protocol is not the one of Redis');
    $peer{notredis}->wait_seen('connect', 4);
    @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1,
        'probes of a server that does not speak Redis cause no more alerts');
    $peer{notredis}->allow('well');
    until_ok('notredis');
};

subtest 'loading' => sub {
    my ($r) = steps('loading', 'cmd PING');
    is(brief($r), 'timeout,1', 'a server that is loading leads to a timeout');
    $peer{loading}->wait_seen('^PING', 3);
    ($r) = steps('loading', 'cmd PING');
    is($r->{rc}, 'declined',
        'a probe that gets LOADING does not close the breaker');
    $peer{loading}->allow('well');
    until_ok('loading');
};

subtest 'a name with several addresses' => sub {
    my $dir = $t->testdir;
    my $binary = JobRuns::Nginx::binary();
    my $second = RedisPeer->start($t, 'second', sub {
        $_[0]->greet;
        echo($_[0]);
    }, tcp => 1, host => '127.0.0.3');
    my $port = $second->{port};

    # names are resolved at the start, from a file of this test; getaddrinfo()
    # gives the address like its own one first
    $t->write_file('hosts',
        "127.0.0.1 several.test\n127.0.0.3 several.test\n");
    my $wrapper = $t->write_file('nginx.sh', "#!/bin/sh\nexec unshare -m"
        . " sh -c 'mount --bind $dir/hosts /etc/hosts && exec \"\$0\" \"\$@\"'"
        . " $binary \"\$@\"\n");
    chmod 0755, $wrapper;
    plan(skip_all => 'cannot have an /etc/hosts of its own') if system(
        "unshare -m mount --bind \Q$dir\E/hosts /etc/hosts 2>/dev/null");

    local $ENV{TEST_NGINX_BINARY} = $wrapper;
    $t->run(name => 'several', module => 0, config => probe_config(
        several => "several.test:$port $long"));
    my $nginx = $t->nginx('several');

    my $ask = sub {
        return results($t->client($nginx)->request({ method => 'POST',
            path => '/several', body => 'cmd ECHO me',
            headers => [['Host', 'localhost']] }));
    };

    is(brief($ask->()), 'ok,1', 'the address that replies is used');
    like($nginx->error_log, qr/connect\(\) to 127.0.0.1:$port failed/,
        'the other address was tried');
    $second->stop;
    my $r = wait_for { my $r = $ask->(); $r->{rc} eq 'declined' && $r } 'none';
    is($r->{sent}, 0, 'no address is used when none replies');
    $second->open;
    wait_for { $ask->()->{status} eq 'ok' } 'it to be back';
    pass('the address is used when it replies again');
    is($nginx->quit, 0, 'NGINX with several addresses exits with 0');
};

subtest 'backpressure' => sub {
    my @r = steps('unix', '*10003 cmd PING');
    is(scalar(grep { $_->{rc} eq 'declined' } @r), 3,
        'no more than 10,000 operations are accepted');
    is(scalar(grep { $_->{reply} eq '+PONG' } @r), 10000,
        'all accepted operations get their replies');
    @r = steps('unix', '*6 cmd SET k @15000000');
    is(join(' ', map { $_->{rc} } sort { $a->{n} <=> $b->{n} } @r),
        'ok ok ok ok declined declined', 'no more than 64 MB are accepted');
    like($t->nginx->error_log, qr/operations and \d+ bytes are pending/,
        'error.log says how many operations are under way');
    is(brief(steps('unix', 'cmd PING')), 'ok,1',
        'operations are accepted again afterwards');
};

done_testing();
