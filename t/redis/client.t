#!/usr/bin/perl

# The Redis client of ngx_module/redis/, alone: through a test-only module
# that submits what the body of a request says and answers what became of it
# (tests/ngx_redis_probe/).  Real servers where they will do, a scripted peer
# where it takes one that stalls, cuts and lies.

use lib 't/lib';

use JobRuns;
use JobRuns::Nginx;
use RedisPeer;
use RedisProbe;
use Time::HiRes qw(time);

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
    ok(!$ok, "refused: $address");
    like($output, $message, '... and says why');
}

my ($good, $output) = $t->check_config(module => 0, config => probe_config(
    a => '127.0.0.1', b => '[::1]:6379', c => '[::1]', d => 'localhost:6379',
    e => 'unix:/tmp/redis-1_x.sock', f => '127.0.0.1:6379 db=3 user=u'));
ok($good, 'good addresses') or diag($output);

###############################################################################
# Peers

my $long = 'timeout=20s connect_timeout=20s';
my %peer;
my %where;

sub peer {
    my ($name, $options, $script, %opt) = @_;
    $peer{$name} = RedisPeer->start($t, $name, $script, %opt);
    $where{$name} = $peer{$name}->address . " $options";
}

# echoes: the reply to a command is its last word
sub echo {
    my ($c) = @_;
    while (my @words = $c->command) {
        $c->write('$' . length($words[-1]) . "\r\n$words[-1]\r\n");
    }
}

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

# two operations in flight, one byte from time to time: alive, but late
peer(late => 'timeout=400ms connect_timeout=20s', sub {
    my ($c) = @_;
    $c->greet;
    $c->command;
    $c->command;
    $c->write("+first");
    $c->drip('.', 'late');
    $c->write("\r\n+second\r\n");
    echo($c);
});

# a reply without an end
peer(endless => 'timeout=100ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command;
    $c->write('+');
    $c->drip('.', 'never');
});

# silent from the first operation on; well from the second connection on
peer(silent => 'timeout=300ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->await('well') if $n == 2;
    $c->greet;
    if ($n == 1) {
        $c->command;
        $c->write("+one\r\n");
        $c->wait_end;
    }
    echo($c);
});

# the greeting is not answered until allowed
peer(deaf => 'timeout=20s connect_timeout=200ms', sub {
    my ($c, $n) = @_;
    return $c->wait_end unless -e $t->testdir . '/deaf.allow-hear';
    $c->greet;
    echo($c);
});

# what is sent to one GET, by its key
my %lies = (
    garbage => "HTTP/1.1 400 Bad Request\r\n\r\n",
    resp3 => "%1\r\n+a\r\n:1\r\n",
    huge_array => "*1000000000\r\n",
    huge_inner => "*2\r\n:1\r\n*1000000000\r\n",
    many_arrays => "*1000000\r\n*1000000\r\n",
    negative => "*-5\r\n",
    huge_bulk => "\$16777217\r\n",
    huge_number => "\$99999999999999999999999999\r\n",
    no_number => "\$a\r\n",
    big_line => '+' . 'x' x 70000 . "\r\n",
    too_deep => "*1\r\n" x 12 . ":1\r\n",
    bare_lf => "+a\n+b\r\n",
    two => "+one\r\n+two\r\n",
    half_more => "+one\r\n+tw",
);
peer(liar => $long, sub {
    my ($c) = @_;
    $c->greet;
    while (my ($name, $key) = $c->command) {
        $c->write($key && $lies{$key} // "+OK\r\n");
    }
});

# 5 MB in each of 4 elements: no length is too large, all together are
peer(fat => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    while (my ($name) = $c->command) {
        my $bulk = "\$5000000\r\n" . 'x' x 5_000_000 . "\r\n";
        my $times = $name eq 'THREE' ? 3 : 4;
        $name eq 'PING' ? $c->write("+PONG\r\n")
            : $c->write("*$times\r\n" . $bulk x $times);
    }
});

peer(unasked => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    $c->command;
    $c->write("+OK\r\n");
    if ($n == 1) {
        $c->await('speak');
        $c->write("+");                 # not even a whole one
    }
    echo($c);
});

# ends the connection in the middle of the second of three replies
peer(cut => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command for 1 .. 3;
    $c->write("+one\r\n\$10\r\nabc");
});

peer(reset => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->command;
    $c->reset;
}, tcp => 1);

# takes what is sent only when allowed to, and slowly
peer(slow_reader => $long, sub {
    my ($c) = @_;
    $c->greet;
    $c->await('read');
    while (my @words = $c->command) {
        my $last = $words[-1];
        $c->note(sprintf 'whole %d %d', length $last, $last !~ /[^x]/);
        $c->write(":" . length($last) . "\r\n");
    }
});

# the second command does not fit into the socket and is withdrawn; a byte
# of the first reply shows that the peer lives
my $full = sub {
    my ($c) = @_;
    $c->greet;
    $c->await('answer');
    $c->command;
    $c->write("+fir");
    $c->await('rest');
    $c->write("st\r\n");
    while (my @words = $c->command) { $c->write("+then\r\n") }
};
peer(full => 'timeout=1500ms connect_timeout=20s', $full);

# never reads after the greeting
peer(stuffed => 'timeout=300ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    return echo($c) if $n != 1;
    $c->await('never');
});

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

# answers the greeting and is gone
peer(hasty => $long, sub { $_[0]->greet });

# PING is answered so until allowed
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

# answers nothing before it is allowed to
peer(held => $long, sub {
    my ($c, $n) = @_;
    $c->greet;
    $c->{note_reads} = 1;
    while (my @words = $c->command) {
        if ($words[0] eq 'HOLD') {
            $c->await($words[1]);
        }
        $c->write("+$words[-1]\r\n");
    }
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

# EVALSHA is answered, EVAL never; PINGs are
peer(script_late => 'timeout=500ms connect_timeout=20s', sub {
    my ($c, $n) = @_;
    $c->greet;
    while (my @words = $c->command) {
        $words[0] eq 'EVAL' ? 1
            : $words[0] eq 'EVALSHA' ? $c->write("-NOSCRIPT\r\n")
            : $c->write("+OK\r\n");
    }
});

# nobody there until later
my $gone = RedisPeer->start($t, 'gone', sub {
    my ($c) = @_;
    $c->greet;
    echo($c);
}, tcp => 1);
$gone->stop;
$where{gone} = $gone->address . " $long";
$where{gone_unix} = "unix:" . $t->testdir . "/nobody.sock $long";

# a queue of connections that is full: the SYN of one more gets no answer
my $blackhole = RedisPeer->start($t, 'blackhole', undef, tcp => 1,
    backlog => 1);
my @fill = map {
    IO::Socket::INET->new(PeerAddr => $blackhole->address, Blocking => 0)
} 1 .. 4;
$where{blackhole} = $blackhole->address
    . ' timeout=20s connect_timeout=200ms';
$where{blackhole_op} = $blackhole->address
    . ' timeout=200ms connect_timeout=20s';

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
        is(brief(@r), join('; ', ('ok,1') x 9), "$path: all answered");
        is(join(' ', map { $_->{n} } @r), '1 2 3 4 5 6 7 8 9', 'in order');
        is($r[2]{reply}, '"v%00%0D%0Aw%FF"', 'binary safe');
        is($r[3]{reply}, 'nil', 'nil');
        is($r[4]{reply}, ':2', 'integer');
        is($r[5]{reply}, '["2","1"]', 'array');
        like($r[6]{reply}, qr/^-ERR unknown command/, 'an error is a reply');
        is($r[8]{reply}, '""', 'an empty argument');
    }
};

subtest 'large commands and replies' => sub {
    for my $path (qw(unix tcp)) {
        my @r = steps($path, 'cmd SET big @12000000', 'cmd STRLEN big',
            'cmd GET big', 'cmd PING');
        is(replies(@r), '+OK :12000000 (12000000 bytes) +PONG', $path);
    }
};

subtest 'one write for the operations of a turn' => sub {
    steps('unix', 'cmd PING');
    my $mark = debug_mark();
    my @r = steps('unix', 'cmd DEL n', '*1000 cmd INCR n');
    is($r[-1]{reply}, ':1000', '1001 operations');
    my @sends = debug_since($mark) =~ /redis send: (\d+ of \d+)/g;
    is(scalar @sends, 1, 'left in one write') or diag("@sends");

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
            . ' nil nil [] +fine', $path);
    }
};

subtest 'scripts' => sub {
    $redis->command('SCRIPT', 'FLUSH');
    $redis->command('DEL', 'c');
    my @r = steps('unix', 'eval count 1 c a%00b', 'eval other 2 c d',
        'eval other 0');
    is(replies(sort { $a->{n} <=> $b->{n} } @r),
        '["c","a%00b",:1] "other20" "other00"', 'by EVAL after NOSCRIPT');
    my $mark = debug_mark();
    @r = steps('unix', 'eval count 1 c a');
    is(replies(@r), '["c","a",:2]', 'by EVALSHA');
    unlike(debug_since($mark), qr/NOSCRIPT/, 'known now');

    @r = steps('scripts', 'eval count 1 lie x', 'eval count 1 k x', 'cmd X a');
    is(replies(@r), '-NOSCRIPT really +EVAL +X' =~ s/(.*) (.*) (.*)/$3 $1 $2/r,
        'a second NOSCRIPT is the reply');
    is($peer{scripts}->count('^EVALSHA'), 2, 'EVALSHA once each');
    is($peer{scripts}->count('^EVAL '), 2, 'EVAL once each');

    my ($r) = steps('script_late', 'eval count 1 k x');
    is(brief($r), 'timeout,1', 'the deadline is that of the whole operation');
    cmp_ok($r->{ms}, '>=', 499, '... and not earlier');
    is($peer{script_late}->count('^EVAL '), 1, '... with EVAL sent');
};

subtest 'greeting' => sub {
    is(replies(steps('db', 'cmd SET indb yes')), '+OK', 'SELECT');
    $redis->command('SELECT', 3);
    is($redis->command('GET', 'indb'), 'yes', '... is what db= says');
    like($redis->command('CLIENT', 'LIST'), qr/name=nginx-\d+ .* db=3 /,
        'the connection has a name');
    $redis->command('SELECT', 0);

    my ($r) = steps('user', 'cmd SET w:1 x');
    is($r->{reply}, '+OK', 'a user with the needed commands only');
    ($r) = steps('user', 'cmd GET other');
    like($r->{reply}, qr/^-NOPERM/, '... is that user');
    is(replies(steps('password', 'cmd SET a b')), '+OK', 'a password');
    is(replies(steps('noperm', 'cmd ECHO me')), '"me"', 'no CLIENT, no PING');

    for my $case (
        [no_db => qr/DB index is out of range.*to SELECT.*database number/],
        [bad_user => qr/WRONGPASS.*to AUTH.*check the user and the password/],
        [no_password => qr/NOAUTH.*wants a password: configure/],
        [maxclients => qr/max number of clients.*raise maxclients/],
        [denied => qr/DENIED.*protected mode/],
        [noauth => qr/NOAUTH/],
        [quoting => qr/unknown command 'AUTH'" to AUTH/],
        [hangup => qr/closed the connection in the greeting/])
    {
        my ($path, $message) = @$case;
        my ($r) = steps($path, 'cmd PING');
        is(brief($r), 'unreachable,0', "$path: unreachable");
        my $address = $where{$path} =~ s/ .*//r;
        like(join("\n", log_lines(qr/\[error\].*redis "\Q$address\E"/)),
            $message, '... and the log says what to do');
        ($r) = steps($path, 'cmd PING');
        is($r->{rc}, 'declined', '... and the breaker is open');
    }

    for my $path (qw(maxclients denied noauth hangup)) {
        $peer{$path}->allow('well');
        is(until_ok($path)->{sent}, 1, "$path: and it closes again");
    }

    my $hasty = steps('hasty', '*3 cmd PING');
    like(brief($hasty), qr/^(?:unreachable,0|lost,1)$/, 'gone after greeting');
    cmp_ok($peer{hasty}->count('connect'), '<', 10, '... is not tried at once');

    my $all = $t->nginx->error_log . $t->read_file('debug.log');
    unlike($all, qr/secret/, 'no password is in a log');
};

subtest 'not a Redis server' => sub {
    my ($r) = steps('notredis', 'cmd PING');
    is(brief($r), 'unreachable,0', 'unreachable');
    my $address = $peer{notredis}->address;
    my @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1, 'one alert');
    like($alerts[0], qr/sent not the Redis protocol/, '... says it');
    $peer{notredis}->wait_seen('connect', 4);
    @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1, 'not one for each probe');
    $peer{notredis}->allow('well');
    until_ok('notredis');
};

subtest 'an operation that is late fails alone' => sub {
    my $client = start_steps('late', 'cmd A', 'cmd B');
    my @r = results($client);
    is(brief(@r), 'timeout,1; timeout,1', 'both are late');
    cmp_ok($_->{ms}, '>=', 399, '... not too early') for @r;

    my $mark = debug_mark();
    $client = start_steps('late', 'cmd ECHO mine', 'cmd ECHO mine2');
    wait_debug($mark, qr/redis send: \d+ of/);
    $peer{late}->allow('late');
    @r = results($client);
    is(replies(@r), '"mine" "mine2"', 'late replies are not taken for others');
    is($peer{late}->count('connect'), 1, 'the connection was kept');
};

subtest 'a reply without an end' => sub {
    my @r = steps('endless', 'cmd A');
    is(brief(@r), 'timeout,1', 'is late');
    wait_for {
        push @r, my $r = steps('endless', 'cmd ECHO me');
        $r->{status} eq 'ok';
    } 'the connection to be given up';
    cmp_ok(scalar @r, '>=', 5, 'others behind it are late for some time');
    is($peer{endless}->count('connect'), 2, 'until another takes its place');
};

subtest 'a silent connection is dead' => sub {
    my ($r) = steps('silent', 'cmd A');
    is($r->{reply}, '+one', 'well at first');

    my $client = start_steps('silent', 'cmd A', 'cmd B');
    my @r = results($client);
    is($r[0]{status}, 'timeout', 'the first is late');
    like(brief(@r), qr/^timeout,1; (?:timeout|lost),1$/, 'both were sent');
    ($r) = steps('silent', 'cmd A');
    is($r->{rc}, 'declined', 'the breaker is open');
    is($r->{sent}, 0, '... nothing sent');
    $peer{silent}->wait_seen('connect 2');
    my @declined = steps('silent', '*50 cmd A');
    is(scalar(grep { $_->{rc} eq 'declined' } @declined), 50,
        'also while the probe is under way');
    $peer{silent}->allow('well');
    until_ok('silent');
    is($peer{silent}->count('connect'), 2, 'the probe became the connection');
    cmp_ok($peer{silent}->count('^PING'), '>=', 1, 'which had a PING');
    my $address = $peer{silent}->address;
    is(scalar(log_lines(qr/\[notice\].*"\Q$address\E": reachable again/)), 1,
        'a notice');
};

subtest 'others in flight are lost with it' => sub {
    my $first = start_steps('paused', 'cmd PING');
    is(replies(results($first)), '+PONG', 'well at first');
    $redis->pause;
    my $mark = debug_mark();
    $first = start_steps('paused', 'cmd INCR p');
    wait_debug($mark, qr/redis send: \d+ of/);
    my @clients = map { start_steps('paused', 'cmd INCR p') } 1 .. 3;
    my @r = map { results($_) } $first, @clients;
    is($r[0]{status}, 'timeout', 'the first is late');
    is(scalar(grep { $_->{status} =~ /^(?:lost|timeout)$/ && $_->{sent} == 1
        || $_->{rc} eq 'declined' } @r), 4, 'none is left hanging');

    my $begin = time;
    my @refused = steps('paused', '*100 cmd PING');
    is(scalar(grep { $_->{rc} eq 'declined' } @refused), 100, 'fails fast');

    $redis->resume;
    until_ok('paused');
    pass('back after SIGCONT');
};

subtest 'a greeting without an answer' => sub {
    my ($r) = steps('deaf', 'cmd PING');
    is(brief($r), 'unreachable,0', 'unreachable after connect_timeout');
    cmp_ok($r->{ms}, '>=', 199, '... not before');
    like($t->nginx->error_log, qr/did not answer within 200ms while greeting/,
        'the log says it');
    $peer{deaf}->wait_seen('connect', 3);
    $peer{deaf}->allow('hear');
    until_ok('deaf');
};

subtest 'loading' => sub {
    my ($r) = steps('loading', 'cmd PING');
    is(brief($r), 'timeout,1', 'dead');
    $peer{loading}->wait_seen('^PING', 3);
    ($r) = steps('loading', 'cmd PING');
    is($r->{rc}, 'declined', 'a probe told LOADING does not close the breaker');
    $peer{loading}->allow('well');
    until_ok('loading');
};

subtest 'lies' => sub {
    my $address = $peer{liar}->address;
    my %messages = (
        garbage => 'not the Redis protocol', resp3 => 'not the Redis protocol',
        huge_array => 'an array that is too long',
        many_arrays => 'an array that is too long',
    );
    for my $lie (sort keys %lies) {
        my @r = steps('liar', "cmd GET $lie", 'cmd ECHO');
        if ($lie eq 'negative') {
            # hiredis 0.14 and later differ, but none may crash
            like($r[0]{status}, qr/^(?:ok|protocol)$/, $lie);
            next;
        }
        if ($lie =~ /^(?:two|half_more)$/) {
            # the answers are one too many, seen as such at the latest when
            # nothing is in flight
            is($r[0]{reply}, '+one', "$lie: the first is good");
            steps('liar', 'cmd ECHO') for 1 .. 2;
            next;
        }
        is(brief(@r), 'protocol,1; protocol,1', $lie);
    }
    my @alerts = log_lines(qr/\[alert\].*redis "\Q$address\E"/);
    is(scalar @alerts, 1, 'one alert, the others are counted');
    like(until_ok('liar')->{reply}, qr/OK/, 'and it goes on');
    ok(!log_lines(qr/"\Q$address\E".*unreachable/), 'no breaker');
};

subtest 'replies of many megabytes' => sub {
    my @r = steps('fat', 'cmd THREE', 'cmd PING');
    is(brief(@r), 'ok,1; ok,1', '15 MB are read');
    like($r[0]{reply}, qr/^\[\(5000000 bytes\),/, '... whole');
    @r = steps('fat', 'cmd FOUR', 'cmd PING');
    is(brief(@r), 'protocol,1; protocol,1', '20 MB are not');
    my $address = $peer{fat}->address;
    like(join('', log_lines(qr/\[alert\].*"\Q$address\E"/)),
        qr/sent a reply above 16 MB, the connection is closed/, 'an alert');
};

subtest 'a reply nobody waits for' => sub {
    my ($r) = steps('unasked', 'cmd A');
    is($r->{status}, 'ok', 'well at first');
    $peer{unasked}->allow('speak');
    $t->wait_log(qr/\[alert\].*unasked.*sent a reply nobody waits for/);
    ($r) = steps('unasked', 'cmd ECHO me');
    is(brief($r), 'ok,1', 'the next operation has a new connection');
    is($peer{unasked}->count('connect'), 2, '... its second');
};

subtest 'a connection that ends' => sub {
    my @r = steps('cut', 'cmd A', 'cmd B', 'cmd C');
    is(brief(@r), 'ok,1; lost,1; lost,1', 'in the middle of a reply');
    ($r[0]) = steps('cut', 'cmd ECHO me');
    is(brief($r[0]), 'ok,1', 'the next operation has a new connection');
    is(brief(steps('reset', 'cmd A')), 'lost,1', 'by a reset');
    is(brief(steps('reset', 'cmd A')), 'ok,1', '... and again');

    for my $path (qw(unix tcp)) {
        steps($path, 'cmd PING');
        my $mark = debug_mark();
        $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        wait_debug($mark, qr/redis close/);
        is(brief(steps($path, 'cmd PING')), 'ok,1',
            "$path: after CLIENT KILL no operation fails");
    }

    $redis->restart;
    is(brief(steps($_, 'cmd PING')), 'ok,1', "$_: nor after a restart")
        for qw(unix tcp);
};

subtest 'partial writes' => sub {
    my $mark = debug_mark();
    my $client = start_steps('slow_reader', 'cmd SET k @3000000',
        'cmd SET k @1', 'cmd SET k @5000000', '*200 cmd SET k @1000');
    wait_debug($mark, qr/redis send: (\d+) of (?!\1\b)/);
    $peer{slow_reader}->allow('read');
    my @r = results($client);
    is(replies(@r), join(' ', ':3000000', ':1', ':5000000', (':1000') x 200),
        'all arrive');
    is($peer{slow_reader}->count('^whole \d+ 1$'), 203, '... whole');
};

subtest 'an operation not sent is withdrawn' => sub {
    my $client = start_steps('full', 'cmd FIRST @2000000', 'cmd SECOND a');
    my @r = results($client);
    is($r[0]{status}, 'timeout', 'the first is late');
    is(join(',', sort map { "$_->{n}:$_->{sent}" } @r), '1:1,2:0',
        'of the second nothing was sent');
    # the peer has read nothing in all this time: that connection is over
    $peer{full}->allow($_) for qw(answer rest);
    until_ok('full');
    is($peer{full}->count('^SECOND'), 0, 'it never arrives');

    @r = steps('stuffed', 'cmd FIRST @2000000', 'cmd SECOND a');
    is(join(',', sort map { "$_->{n}:$_->{sent}" } @r), '1:1,2:0',
        'the same with a peer that reads nothing');
    until_ok('stuffed');
};

subtest 'cancelled' => sub {
    my @r = steps('held', 'cmd ECHO never', 'cancel 1', 'cmd ECHO b');
    is(replies(@r), '+b', 'before it is sent');
    is($peer{held}->count('never'), 0, '... it never is');

    my $client = start_steps('held', 'cmd HOLD one', 'cmd ECHO c',
        'cmd ECHO d', 'on 1 cancel 2', 'on 1 cmd ECHO again',
        'on 3 cancel 3', 'on 4 cmd ECHO last');
    $peer{held}->wait_seen('^HOLD one');
    $peer{held}->allow('one');
    @r = results($client);
    is(replies(@r), '+one +d +again +last', 'within a handler');

    $client = start_steps('held', 'cmd HOLD two', 'cmd ECHO x', 'cmd ECHO y');
    $peer{held}->wait_seen('^HOLD two');
    my $mark = debug_mark();
    $client->close;
    wait_debug($mark, qr/cancel, sent:1/, 3);
    $client = start_steps('held', 'cmd ECHO z');
    $peer{held}->allow('two');
    is(replies(results($client)), '+z', 'late replies are swallowed');

    @r = steps('gone_unix', 'cmd A', 'cmd B', 'cmd C', 'on 1 cancel 2',
        'on 1 cmd D');
    @r = sort { $a->{n} <=> $b->{n} } @r;
    is(join(' ', map { "$_->{n}:$_->{rc}:$_->{status}" } @r),
        '1:ok:unreachable 3:ok:unreachable 4:declined:-',
        'others that fail at the same time');
};

subtest 'nobody there' => sub {
    my @r = steps('gone', 'cmd A', 'cmd B');
    is(brief(@r), 'unreachable,0; unreachable,0', 'refused');
    @r = steps('gone', '*500 cmd A');
    is(scalar(grep { $_->{rc} eq 'declined' && !$_->{sent} } @r), 500,
        'the breaker is open');
    my $address = $gone->address;
    my @lines = log_lines(qr/redis "\Q$address\E"/);
    is(scalar @lines, 1, 'one line in the log');
    like($lines[0], qr/connect\(\) to \Q$address\E failed, .*111: Connection/,
        '... says what');

    # gaps grow, up to two seconds
    wait_for { (() = $t->read_file('debug.log')
        =~ /redis "\Q$address\E": breaker open, probe in/g) >= 10 } 'probes';
    my @gaps = $t->read_file('debug.log')
        =~ /redis "\Q$address\E": breaker open, probe in (\d+)ms/g;
    for my $i (0 .. 9) {
        my $gap = $i < 8 ? 10 * 2 ** $i : 2000;
        cmp_ok($gaps[$i], '>=', $gap / 2, "gap $i");
        cmp_ok($gaps[$i], '<=', $gap, '... has an end');
    }

    $gone->open;
    my $r = until_ok('gone');
    is($gone->count('connect'), 1, 'one connection is made of it');
};

subtest 'no answer to connect()' => sub {
    my ($r) = steps('blackhole', 'cmd A');
    is(brief($r), 'unreachable,0', 'connect_timeout');
    cmp_ok($r->{ms}, '>=', 199, '... not before');
    like($t->nginx->error_log, qr/did not answer within 200ms while connecting/,
        'the log says it');
    ($r) = steps('blackhole_op', 'cmd A');
    is(brief($r), 'timeout,0', 'the deadline comes before');
};

subtest 'a name with several addresses' => sub {
    my $dir = $t->testdir;
    my $binary = JobRuns::Nginx::binary();
    my $second = RedisPeer->start($t, 'second', sub {
        $_[0]->greet;
        echo($_[0]);
    }, tcp => 1, host => '127.0.0.3');
    my $port = $second->{port};

    # names are resolved at the start, from a file of our own; getaddrinfo()
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

    is(brief($ask->()), 'ok,1', 'the one that answers is used');
    like($nginx->error_log, qr/connect\(\) to 127.0.0.1:$port failed/,
        'the other was tried');
    $second->stop;
    my $r = wait_for { my $r = $ask->(); $r->{rc} eq 'declined' && $r } 'none';
    is($r->{sent}, 0, 'none of them');
    $second->open;
    wait_for { $ask->()->{status} eq 'ok' } 'it to be back';
    pass('and back');
    is($nginx->quit, 0, 'a graceful end');
};

subtest 'backpressure' => sub {
    my @r = steps('unix', '*10003 cmd PING');
    is(scalar(grep { $_->{rc} eq 'declined' } @r), 3, '10,000 and no more');
    is(scalar(grep { $_->{reply} eq '+PONG' } @r), 10000, '... are answered');
    @r = steps('unix', '*6 cmd SET k @15000000');
    is(join(' ', map { $_->{rc} } sort { $a->{n} <=> $b->{n} } @r),
        'ok ok ok ok declined declined', '64 MB and no more');
    like($t->nginx->error_log, qr/operations and \d+ bytes are under way/,
        'the log says it');
    is(brief(steps('unix', 'cmd PING')), 'ok,1', 'and it goes on');
};

done_testing();
