#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# An exchange with the service decides the client's response, the token, the
# limits and the audit record afterwards, and what a retry gets.

use lib 't/lib';
use JobRuns;

use IO::Socket::INET;
use JSON::PP ();

my $t = JobRuns->new;

# a service that accepts nobody: its queue of connections is full

my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
    Proto => 'tcp') or die "listen: $!";
my $full_address = '127.0.0.1:' . $full->sockport;
my @fill;
for (1 .. 8) {
    my $s = IO::Socket::INET->new(PeerAddr => $full_address, Timeout => 0.05);
    push @fill, $s if $s;
}

my $limits = <<'END';
    jobruns_limit rate key=tenant rate=60r/h burst=1000;
    jobruns_quota quota key=tenant limit=1000 window=month;
    jobruns_concurrency slots key=tenant limit=10;
END

sub server {
    my ($port, $pass, $more, $servers) = @_;
    return <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port%%;
        listen 127.0.0.1:%%PORT_1$port%% %%HTTP2_LISTEN%%;
        %%HTTP2_ON%%
        jobruns on;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            $more
            proxy_pass http://$pass;
        }
        @{[$servers // '']}
    }
END
}

my $nginx = $t->run(workers => 1, http => $limits, servers => join "\n",
    "upstream refusing { server 127.0.0.1:%%PORT_9%%; }",
    "upstream down { server %%SERVICE%% down; }",
    "upstream full { server $full_address; }",
    "upstream second { server 127.0.0.1:%%PORT_9%% max_fails=0;"
        . " server %%SERVICE%% max_fails=0; }",
    "upstream both { server %%SERVICE%% max_fails=0;"
        . " server %%SERVICE_other%% max_fails=0; }",
    server(2, 'service', 'proxy_read_timeout 300ms;'),
    server(3, 'refusing', ''),
    server(4, 'down', ''),
    server(5, 'full', 'proxy_connect_timeout 200ms;'),
    server(6, 'second', 'proxy_read_timeout 300ms;'),
    server(7, 'service', 'proxy_read_timeout 300ms;'
        . ' error_page 408 500 502 503 504 = @backup;', <<'END'),
        location @backup {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://%%SERVICE_backup%%;
        }
END
    server(8, 'refusing', 'error_page 502 = @backup;', <<'END'),
        location @backup {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_read_timeout 300ms;
            proxy_pass http://%%SERVICE_backup%%;
        }
END
    server(9, 'service', 'proxy_buffering off; proxy_read_timeout 300ms;')
        =~ s/%%PORT_9%%/%%PORT_30%%/r,
    server(20, 'service', 'jobruns_retry_unknown refuse;'),
    server(21, 'both', 'proxy_read_timeout 300ms;'),
    server(22, 'refusing', 'error_page 502 503 /page.html;',
        'location = /page.html { return 200 "page"; }'),
);
my $service = $t->service;
my $redis = $t->redis;

my %ports = (main => [0, 1], short => [2, 12], refusing => [3, 13],
    down => [4, 14], full => [5, 15], second => [6, 16],
    backup => [7, 17], first_refuses => [8, 18], unbuffered => [30, 19],
    refuse => [20, 120], both => [21, 121], page => [22, 122]);

my ($at, $h2);

sub create {
    my (%opt) = @_;
    my $where = delete $opt{at} // $at;
    return $t->create_run(token => 'tok', h2 => $h2,
        to => '127.0.0.1:' . $t->port($ports{$where}[$h2]), %opt);
}

sub fresh {
    $redis->command('FLUSHALL');
    $t->service($_)->reset for qw(service backup other);
}

my %state_names = (c => 'claimed', d => 'done', u => 'unknown');

sub token {
    my @keys = $redis->keys('*:v1:token:*') or return 'absent';
    return $state_names{$redis->field($keys[0], 's')};
}

# What was consumed: rate, quota, slots.

sub consumed {
    my $counters = $redis->counters;
    my ($rate) = grep { /^rate:/ } keys %$counters;
    my ($quota) = grep { /^quota:/ } keys %$counters;
    my ($slots) = $redis->keys('*:v1:slots:*');

    return join ' ', defined $rate ? 1 : 0,
        defined $quota ? $counters->{$quota}[2] : 0,
        $slots ? $redis->command('ZCARD', $slots) : 0;
}

sub details {
    my ($id) = @_;
    my ($line) = $t->read_file('audit.log')
        =~ /^(?!.*Run\.begin")(.*"id":"\Q$id\E".*)$/m or return {};
    return JSON::PP->new->utf8->decode($line)->{data}{additionalDetails};
}

# Each row: where, what the service does, status and code of the answer,
# token afterwards, consumed (rate quota slots), outcome; more in a hash:
#   created   how many job runs there are then (as many as the outcome says)
#   after     Retry-After
#   asked     requests that reached the service (1)

my $text = 'ExternalServerInvalidResponse';
my $hints = JobRuns::Nginx::version() >= 1_029_000;

my @rows = (
    [main => {}, 201, undef, 'done', '1 1 0', 'created'],
    [main => { status => 200 }, 200, undef, 'done', '1 1 0', 'created'],
    [main => { status => 202, kind => 'empty' }, 202, undef, 'done', '1 1 0',
        'created'],
    [main => { status => 204 }, 204, undef, 'done', '1 1 0', 'created'],
    [main => { framing => 'close' }, 201, undef, 'done', '1 1 0', 'created'],
    [main => { end_sent => 'reset' }, 201, undef, 'done', '1 1 0',
        'created'],
    [main => { header => 'X-Accel-Redirect: /elsewhere' }, 201, undef,
        'done', '1 1 0', 'created'],
    [main => { header => 'X-Accel-Redirect: @backup' }, 201, undef,
        'done', '1 1 0', 'created'],

    [main => { status => 301 }, 301, $text, 'unknown', '1 1 0', 'unknown'],
    [main => { status => 302, body => '<html>', content_type => 'text/html',
        header => 'Location: http://login/' }, 302, $text,
        'unknown', '1 1 0', 'unknown'],
    [main => { status => 303, header => 'Location: /x' }, 303, $text,
        'unknown', '1 1 0', 'unknown'],
    [main => { status => 303, body => '{"code":"See","message":"x"}' }, 303,
        'See', 'unknown', '1 1 0', 'unknown'],
    [main => { status => 304 }, 304, undef, 'unknown', '1 1 0', 'unknown'],

    (map { [main => { status => $_->[0], %{$_->[2] // {}} }, @$_[0, 1],
        'absent', '1 0 0', 'rejected_upstream'] }
        [400, 'InvalidParameter'], [403, 'NotAllowed'],
        [404, 'NotAuthorizedOrNotFound'], [409, 'IncorrectState'],
        [412, 'NoEtagMatch'], [413, 'PayloadTooLarge'],
        [422, 'UnprocessableEntity'], [499, 'UnknownError'],
        [429, 'TooManyRequests', { header => 'Retry-After: 7' }]),
    [main => { status => 401 }, 401, 'NotAuthenticated', 'absent', '0 0 0',
        'rejected_upstream'],
    (map { [main => { kind => 'html', status => $_->[0] }, @$_, 'absent',
        '1 0 0', 'rejected_upstream'] }
        [400, 'CannotParseRequest'], [403, 'NotAllowed'],
        [404, 'NotAuthorizedOrNotFound'], [413, 'PayloadTooLarge'],
        [422, 'InvalidParameter']),
    [main => { status => 429, kind => 'html', header => 'Retry-After: 7' },
        429, 'TooManyRequests', 'absent', '1 0 0', 'rejected_upstream',
        { after => 7 }],
    [main => { status => 404, kind => 'empty' }, 404,
        'NotAuthorizedOrNotFound', 'absent', '1 0 0', 'rejected_upstream'],

    [main => { status => 408 }, 408, 'UnknownError', 'unknown', '1 1 0',
        'unknown'],
    [main => { status => 408, kind => 'html' }, 408, 'RequestTimeout',
        'unknown', '1 1 0', 'unknown'],
    [main => { status => 500 }, 500, 'InternalServerError', 'unknown',
        '1 1 0', 'unknown'],
    [main => { status => 500, create => 1, code => 'Own' }, 500, 'Own',
        'unknown', '1 1 0', 'unknown', { created => 1 }],
    [main => { status => 500, kind => 'html' }, 500, 'InternalServerError',
        'unknown', '1 1 0', 'unknown'],
    [main => { status => 502, kind => 'html' }, 502, $text, 'unknown',
        '1 1 0', 'unknown'],
    [main => { status => 503, kind => 'html', create => 1 }, 503,
        'ServiceUnavailable', 'unknown', '1 1 0', 'unknown',
        { created => 1 }],
    [main => { status => 503, header => 'Retry-After: 9' }, 503,
        'ServiceUnavailable', 'unknown', '1 1 0', 'unknown', { after => 9 }],
    [main => { status => 504, kind => 'empty' }, 504,
        'ExternalServerTimeout', 'unknown', '1 1 0', 'unknown'],
    [main => { status => 599 }, 599, 'UnknownError', 'unknown', '1 1 0',
        'unknown'],

    # what is no answer
    (map { [main => $_, 503, $text, 'unknown', '1 1 0', 'unknown',
        { created => $_->{create} // 1 }] }
        $hints ? () : { interim => 103 }, { interim => '100,102' },
        { raw => "HTTP/1.1 103 Early\r\n\r\n" },
        { raw => "HTTP/1.1 103 Early\r\nContent-Length: 0\r\n\r\n" },
        { raw => "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" },
        { raw => "HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n" },
        { raw => "HTTP/1.1 999 What\r\n\r\nbody" },
        { raw => "HTTP/1.1 099 What\r\n\r\n" },
        { raw => "hello\r\n" }, { raw => "HTTP/1.1 2x1 Created\r\n\r\n" },
        { raw => "\r\n\r\n" }, { raw => '' },
        { raw => "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n" },
        { raw => "HTTP/1.1 201 Created\r\n" . 'X: ' . 'y' x 200_000
            . "\r\n\r\n" },
        { end_head => 'close', create => 0 },
        { end_head => 'reset', create => 0 },
        { end_read => 'close', create => 0 },
        { end_read => 'reset', create => 0 },
        { end_created => 'close' }, { end_created => 'reset' },
        { end_answer => 'close' }, { end_answer => 'reset' },
        { truncate => 0 }, { truncate => 20 },
        { truncate => 20, end_sent => 'reset' },
        { truncate => 20, framing => 'chunked' },
        { truncate => 0, framing => 'chunked' },
        { truncate => 100_000, bytes => 300_000 },
        { truncate => 100_000, bytes => 300_000, framing => 'chunked' }),

    [main => { end_start => 'close' }, 503, $text, 'unknown', '1 1 0',
        'unknown', { created => 0 }],
    [main => { end_start => 'reset' }, 503, $text, 'unknown', '1 1 0',
        'unknown', { created => 0 }],

    # without buffers
    [unbuffered => {}, 201, undef, 'done', '1 1 0', 'created'],
    [unbuffered => { bytes => 300_000 }, 201, undef, 'done', '1 1 0',
        'created'],
    [unbuffered => { status => 204 }, 204, undef, 'done', '1 1 0',
        'created'],
    [unbuffered => { status => 404 }, 404, 'NotAuthorizedOrNotFound',
        'absent', '1 0 0', 'rejected_upstream'],
    [unbuffered => { truncate => 20 }, 503, $text, 'unknown', '1 1 0',
        'unknown', { created => 1 }],
    [unbuffered => { truncate => 20, framing => 'chunked' }, 503, $text,
        'unknown', '1 1 0', 'unknown', { created => 1 }],
    # NGINX reads over it since 1.29.0, and takes it for the answer before
    map({ $hints ? [$_ => { interim => 103 }, 201, undef, 'done', '1 1 0',
        'created'] : [$_ => { interim => 103 }, 503, $text, 'unknown',
        '1 1 0', 'unknown', { created => 1,
        $_ eq 'backup' ? (others => 'backup') : () }] }
        qw(main unbuffered backup)),
    [unbuffered => { end_created => 'silent' }, 503, 'ExternalServerTimeout',
        'unknown', '1 1 0', 'unknown', { created => 1 }],
    [unbuffered => { end_answer => 'silent' }, 503, $text,
        'unknown', '1 1 0', 'unknown', { created => 1 }],

    # silence
    [short => { end_head => 'silent' }, 503, 'ExternalServerTimeout',
        'unknown', '1 1 0', 'unknown'],
    [short => { end_created => 'silent' }, 503, 'ExternalServerTimeout',
        'unknown', '1 1 0', 'unknown', { created => 1 }],
    [short => { end_answer => 'silent' }, 503, $text,
        'unknown', '1 1 0', 'unknown', { created => 1 }],
    [short => { end_answer => 'silent', framing => 'chunked' }, 503, $text,
        'unknown', '1 1 0', 'unknown', { created => 1 }],

    # never sent
    (map { [$_ => {}, 503, 'ServiceUnavailable', 'absent', '1 0 0', 'unsent',
        { created => 0, asked => 0, after => 1 }] }
        qw(refusing down full page)),

    # another server where the first never got a byte, and only there
    [second => {}, 201, undef, 'done', '1 1 0', 'created'],
    [both => { end_read => 'reset' }, 503, $text, 'unknown', '1 1 0',
        'unknown', { others => 'other' }],
    [both => { end_created => 'silent' }, 503, 'ExternalServerTimeout',
        'unknown', '1 1 0', 'unknown', { created => 1, others => 'other' }],
    [both => { status => 503 }, 503, 'ServiceUnavailable', 'unknown',
        '1 1 0', 'unknown', { others => 'other' }],

    # error_page is no way round
    [backup => {}, 201, undef, 'done', '1 1 0', 'created'],
    [backup => { end_created => 'reset' }, 503, $text, 'unknown', '1 1 0',
        'unknown', { created => 1, others => 'backup' }],
    [backup => { end_created => 'silent' }, 503, 'ExternalServerTimeout',
        'unknown', '1 1 0', 'unknown', { created => 1, others => 'backup' }],
    [backup => { status => 500, create => 1 }, 500, 'InternalServerError',
        'unknown', '1 1 0', 'unknown', { created => 1, others => 'backup' }],
    [backup => { status => 503, kind => 'html' }, 503, 'ServiceUnavailable',
        'unknown', '1 1 0', 'unknown', { others => 'backup' }],
    [backup => { status => 404 }, 404, 'NotAuthorizedOrNotFound', 'absent',
        '1 0 0', 'rejected_upstream', { others => 'backup' }],
    [backup => { truncate => 5 }, 503, $text, 'unknown', '1 1 0',
        'unknown', { created => 1, others => 'backup' }],
);

for (@rows) {
    my ($where, $steering, $status, $code, $token, $consumed, $outcome,
        $more) = @$_;
    ($at, $more) = ($where, { asked => 1, %{$more // {}} });

    for (0, 1) {
        $h2 = $_;
        fresh();
        my $what = join ' ', $where, $h2 ? 'HTTP/2' : 'HTTP/1.1',
            map { my $v = $steering->{$_}; "$_ " . (length $v < 40
                ? $v =~ s/[\r\n]+/|/gr : '...') } sort keys %$steering;

        # "both" begins with either, so both do the same
        my @all = map { $t->service($_) } 'service', $where eq 'both'
            ? 'other' : ();
        $_->plan({ %$steering, times => 1,
            $steering->{end_start} ? () : (match => { method => 'POST' }) })
            for grep { %$steering } @all;

        my $id = random_id(20);
        my $r = eval { create(request_id => $id, timeout => 5) };
        if (!$r) {
            fail("$what: the client gets a response");
            next;
        }
        is($r->status, $status, "$what: the status is $status");
        is($r->code, $code, "$what: the code is $code") if defined $code;
        ok(length $r->json->{message}, "$what: the response has a message")
            if defined $code;
        ok($r->complete, "$what: the response is whole");
        like($r->header('opc-request-id') // '', qr/^$id/,
            "$what: the response has the request id");
        is($r->header('retry-after'), $more->{after},
            "$what: Retry-After is $more->{after}")
            if $more->{after};

        is(token(), $token, "$what: the token is $token");
        is(consumed(), $consumed, "$what: the limits are used as expected");
        my $audit = details($id);
        is($audit->{outcome}, $outcome,
            "$what: the audit log has the outcome $outcome");
        is($audit->{tokenAfter}, $token,
            "$what: the audit log has the token as $token");

        my ($asked, $created) = (0, 0);
        for (map { $t->service($_) } 'service', $more->{others} // ()) {
            my $counts = $_->counts;
            $asked += $counts->{requests};
            $created += $counts->{creations};
        }
        is($asked, $more->{asked}, "$what: requests sent: $more->{asked}");
        is($created, $more->{created} // ($outcome eq 'created' ? 1 : 0),
            "$what: the expected number of job runs is created");

        # the retry; not where two services know nothing of each other
        next if $where eq 'both';
        my $retry = create(at => 'main');
        is($retry->status, $outcome eq 'created' ? $status : 201,
            "$what: the retry has the expected status");
        is($retry->header('opc-retry-replayed') // 'no',
            $token eq 'done' ? 'true' : 'no',
            "$what: the retry is replayed only from a token that is done");
        ok($token ne 'done' || $retry->body eq $r->body,
            "$what: a replay has the same body");
        is($service->created, 1, "$what: one job run exists after the retry");
        is(token(), 'done', "$what: the token is done after the retry");
        is(consumed(), '1 1 0',
            "$what: the limits are used once after the retry");
    }
}

# NGINX ends the connection on chunks that are none; a retry gets through.

($at, $h2) = ('main', 0);
fresh();
my $id = random_id(20);
$service->plan({ times => 1, raw =>
    "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" });
my $cut = create(request_id => $id);
ok(!$cut->complete || $cut->status == 503,
    'bad chunks: the client gets no whole 201');
wait_for { token() eq 'unknown' } 'the token to be unknown';
is(details($id)->{outcome}, 'unknown',
    'bad chunks: the audit log has the outcome unknown');
is(create()->status, 201, 'bad chunks: the retry creates a job run');
is($service->created, 1, 'bad chunks: one job run is created');

###############################################################################
# A first server that is never sent a byte gives way to error_page's

for (
    [{}, 201, undef, 'done', 'created'],
    [{ status => 404 }, 404, 'NotAuthorizedOrNotFound', 'absent',
        'rejected_upstream'],
    [{ status => 500, create => 1 }, 500, 'InternalServerError', 'unknown',
        'unknown'],
    [{ end_created => 'reset' }, 503, $text, 'unknown', 'unknown'],
    [{ end_created => 'silent' }, 503, 'ExternalServerTimeout', 'unknown',
        'unknown'],
) {
    my ($steering, $status, $code, $token, $outcome) = @$_;

    for (0, 1) {
        $h2 = $_;
        fresh();
        my $what = join ' ', 'backup', $h2, %$steering;
        my $id = random_id(20);
        my $r = create(at => 'first_refuses', request_id => $id,
            stub => $steering);
        is($r->status, $status, "$what: the status is $status");
        is($r->code, $code, "$what: the code is $code") if $code;
        is(token(), $token, "$what: the token is $token");
        is(details($id)->{outcome}, $outcome,
            "$what: the audit log has the outcome $outcome");
        is($t->service('backup')->counts->{requests}, 1,
            "$what: the server of error_page is asked once");
        is($service->counts->{requests}, 0,
            "$what: the first server is not asked");
    }
}

###############################################################################
# The retry of a token whose outcome is unknown

for (
    ['a 4xx', { status => 404 }, 404, 'NotAuthorizedOrNotFound', 'main',
        'rejected_upstream'],
    ['a 401', { status => 401 }, 401, 'NotAuthenticated', 'main',
        'rejected_upstream'],
    ['a 5xx', { status => 500 }, 500, 'InternalServerError', 'main',
        'unknown'],
    ['nothing sent', {}, 503, 'ServiceUnavailable', 'refusing', 'unsent'],
    ['a reset', { end_read => 'reset' }, 503, $text, 'main', 'unknown'],
) {
    my ($what, $steering, $status, $code, $where) = @$_;
    ($at, $h2) = ('main', 0);
    fresh();

    my $first = create(stub => { end_created => 'reset' });
    is($first->status, 503, "$what: the first attempt gets 503");
    my $retry = create(at => $where, stub => $steering);
    is($retry->status . ' ' . $retry->code, "$status $code",
        "$what: the retry gets $status and $code");
    is(token(), 'unknown', "$what: the token is still unknown after the retry");
    like(consumed(), qr/^1 1 0/, "$what: the quota stays used after the retry");
    my $last = create();
    is($last->status, 201, "$what: the second retry creates a job run");
    is(token(), 'done', "$what: the token is done after the second retry");
    is($service->created, 1, "$what: one job run is created");
    is(create()->body, $last->body,
        "$what: further retries get the stored response");
    is(consumed(), '1 1 0', "$what: the limits are used once");
}

# Refused, where the service is not to be trusted with tokens.

fresh();
create(request_id => 'the-first-one', stub => { end_created => 'reset' });
my $asked = $service->counts->{requests};
for (1, 2) {
    my $r = create(at => 'refuse', request_id => "retry-$_");
    is($r->status . ' ' . $r->code, '409 Conflict',
        'jobruns_retry_unknown refuse refuses a retry');
    like($r->json->{message}, qr/\bthe-first-one\b/,
        'the refusal of a retry names the first request');
    is(details("retry-$_")->{outcome}, 'token_unknown',
        'the refusal of a retry is audited as token_unknown');
}
is($service->counts->{requests}, $asked,
    'a retry that is refused is not forwarded');
is(token(), 'unknown', 'the token stays unknown after a retry that is refused');

fresh();
create(at => 'refuse', stub => { status => 404 });
is(create(at => 'refuse')->status, 201,
    'a token that was freed by a 404 can be used again');

done_testing;
