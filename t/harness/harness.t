#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The harness and the stub service are tested themselves, on an NGINX without
# the module: the other files rely on them.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);
use IO::Uncompress::Gunzip ();
use Time::HiRes qw(time);

my $t = JobRuns->new;
my $nginx = $t->run(module => 0, location => 'proxy_read_timeout 10s;');
my $service = $t->service;
my $path = $t->run_request->{path};

# Sends a creation to the service itself and returns the answer.

sub direct {
    return $t->create_run(to => $service, @_);
}

sub last_request {
    return ($service->requests)[-1];
}

sub done {
    return join ', ', map { s/[0-9a-f-]{36}/KEY/r } @{last_request()->{done}};
}

###############################################################################
# A job run as documented

my $r = $t->create_run(token => 'one', request_id => 'mine',
    json => { jobKey => 'j1', parameters => [{ name => 'a', value => 'b' }] });

is($r->status, 201, 'a job run is created');
is($r->header('content-type'), 'application/json',
    'the response of the stub is JSON');
like($r->header('opc-request-id'), qr{^mine/[0-9A-F]{32}/[0-9A-F]{32}$},
    'the response of the stub continues the request id');
like($r->header('location'), qr{^\Q$path\E/[0-9a-f-]{36}$},
    'the response of the stub has the location of the job run');
is($r->header('content-location'), $r->header('location'),
    'the response of the stub has a content-location');
ok($r->header('etag'), 'the response of the stub has an etag');
like($r->header('opc-work-request-id'), qr/^ocid1\./,
    'the response of the stub has a work request');

my $run = $r->json;
is($run->{jobKey}, 'j1', 'the job run has the job key of the request');
is_deeply($run->{parameters}, [{ name => 'a', value => 'b' }],
    'the job run has the parameters of the request');
ok($run->{key} && $run->{name}, 'the job run has a key and a name');
is($run->{state}{status}, 'PENDING', 'the job run has a state');
like($run->{timeCreated}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    'the job run has the time of its creation');

is($t->get($r->header('location'))->body, $r->body,
    'a GET of the location returns the job run');
is($t->get($path)->json->{items}[0]{key}, $run->{key},
    'a GET of the list returns the job run');
$r = $t->get('/elsewhere');
is($r->status, 404, 'the stub responds with 404 to other paths');
is($r->code, 'NotAuthorizedOrNotFound',
    'the 404 of the stub has the code that Oracle uses');

for my $other (
    '/20240831/dataLakes/ocid1.datalake.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/job%52uns',
    '/20260430//aiDataPlatforms/./ocid1.x/y/../workspaces/w;a=b/jobRuns',
) {
    is(direct(path => $other)->status, 201,
        "the stub takes as a creation: $other");
}
is(direct(path => "$path/x")->status, 404,
    'the stub does not take another POST as a creation');

###############################################################################
# Retry tokens and the ledger

$service->reset;
my @answers = map { direct(token => 'same') } 1 .. 2;
is($answers[1]->body, $answers[0]->body,
    'a retry gets the response to the first request');
is_deeply([@{$service->counts}{qw(requests creations replays)}], [2, 1, 1],
    'the ledger counts a retry as a replay');
direct(token => 'same', workspace => 'other');
is($service->created('same'), 2, 'a token belongs to its workspace');
direct(token => 'same', stub => { tokens => 'ignore' });
is($service->created('same'), 3, 'tokens can be ignored for one request');

my $deaf = $t->service('deaf', ignore_tokens => 1, unix => 1);
direct(to => $deaf, token => 'same') for 1 .. 2;
is($deaf->created('same'), 2,
    'tokens can always be ignored, over a unix socket as well');

$service->reset;
is($service->created, 0, 'a reset clears the ledger');

my $body = qq({"jobKey" : "\xc3\xbc\\u00fc",  "x":[1.50, 1e2]}\r\n)
    . ' ' x 700_000;
direct(body => $body, extra => [['X-Twice', 'b'], ['x-twice', 'a']]);
my $got = last_request();
ok($service->body($got) eq $body, 'the ledger has the body to the byte');
is($got->{body_sha256}, sha256_hex($body),
    'the ledger has the digest of the body');
is($service->ledger->{by_body}{sha256_hex($body)}, 1,
    'the ledger counts creations by body');
is_deeply([grep { lc $_->[0] eq 'x-twice' } @{$got->{headers}}],
    [['X-Twice', 'b'], ['x-twice', 'a']],
    'the ledger has headers in their case and order');
is("$got->{method} $got->{target}", "POST $path",
    'the ledger has method and target');
is(($service->creations)[0]{body_sha256}, sha256_hex($body),
    'the ledger has the list of creations');

###############################################################################
# Requests as clients send them

my $c = $t->client;
$c->request($t->run_request(chunked => 7));
is($c->response->status, 201, 'a chunked body is accepted');
is(last_request()->{body_sha256}, sha256_hex($t->run_request->{body}),
    'a chunked body arrives whole');
$r = $t->create_run(on => $c, expect => 1,
    headers => { Expect => '100-continue' });
is($r->status, 201, 'Expect: 100-continue passes on the same connection');
is($r->interim->[0]->status, 100, 'Expect: 100-continue gets a 100 from NGINX');
$r = direct(expect => 1, headers => { Expect => '100-continue' });
is($r->interim->[0]->status, 100,
    'Expect: 100-continue gets a 100 from the service');

my $bytes = JobRuns::Client::format_request($t->run_request);
$c->send(split /(?<=\n)/, $bytes)->send($bytes);
is_deeply([map { $c->response->status } 1 .. 2], [201, 201],
    'requests in pieces and pipelined requests get responses');
$c = $t->client($service)->send($bytes);
$c->half_close;
is($c->response->status, 201,
    'a client that has closed its half gets a response');
ok((wait_for { $c->ended } 'an end'),
    'the service closes after a client has closed its half');

my @clients = map { $t->start_run(stub => { wait_read => 'all' }) } 1 .. 30;
$service->wait_at(all => 30);
$service->release('all');
is(scalar(grep { $_->response->status == 201 } @clients), 30,
    'thirty requests at once get their responses');

$r = $t->create_run(h2 => 1, token => 'two', body => $body);
is($r->status, 201, 'a request over HTTP/2 creates a job run');
ok($r->complete && $r->json->{key}, 'a response over HTTP/2 has its body');
like($r->header('location'), qr{^\Q$path\E/},
    'a response over HTTP/2 has its headers');
is(last_request()->{body_sha256}, sha256_hex($body),
    'a body larger than the windows of HTTP/2 arrives whole');

my @streams = $t->start_h2(map { { stub => { wait_read => "h2-$_" } } } 1 .. 9);
$service->wait_at('h2-9');
is($streams[0]->try_response(0), undef,
    'nine streams on one connection have no response yet');
for (1, 9, 2 .. 8) {
    $service->release("h2-$_");
    is($streams[$_ - 1]->response->status, 201,
        "stream $_ gets its response alone");
}

my ($one, $other) = $t->start_h2({}, { stub => { wait_read => 'rst' } });
$service->wait_at('rst');
$other->reset;
wait_for {
    grep { ($_->{plan}{wait_read} // '') eq 'rst'
        && "@{$_->{done}}" =~ /closed/ } $service->requests
} 'NGINX to drop a stream that was reset';
is($one->response->status, 201,
    'a stream gets its response when another one is reset');

my $h2 = $t->h2;
my $slow = $h2->request($t->run_request(body => '{"jobKey":'), end => 0);
is($slow->try_response(0), undef, 'half a body over HTTP/2 gets no response');
$slow->data('"j"}', end => 1);
is($slow->response->status, 201,
    'the rest of a body over HTTP/2 gets the response');
is($t->create_run(on => $h2)->status, 201,
    'the same HTTP/2 connection serves another request');

is_deeply([map { $_->status }
    $t->start_curl({}, { stub => { status => 409 } }, {})->responses],
    [201, 409, 201], 'several requests with curl get their responses');

# a client that leaves, politely or not, is seen
for my $how (qw(close reset)) {
    my $c = $t->start_run(to => $service, stub => { wait_created => "c$how" });
    $service->wait_at("c$how");
    $c->$how;
    my $seen = $how eq 'reset' ? qr/peer reset/ : qr/peer closed/;
    wait_for { done() =~ $seen } "the service to notice a $how";
    $service->release("c$how");
}

###############################################################################
# Steering

$r = direct(stub => { status => 429, header => ['Retry-After: 7', 'X-A: b'] });
is_deeply([$r->status, $r->code, $r->header('retry-after'), $r->header('x-a')],
    [429, 'TooManyRequests', 7, 'b'],
    'a steered status has its error and headers');
is(done(), 'answered 429', 'a steered status creates nothing');
$r = direct(stub => { status => 500, create => 1, code => 'InternalError' });
is($r->code, 'InternalError', 'the error code can be steered');
is(done(), 'created KEY, answered 500',
    'a steered error can create a job run all the same');
like(direct(stub => { status => 502, kind => 'html' })->body, qr/^<html>/,
    'the body can be an HTML page');
is(direct(stub => { status => 503, kind => 'empty' })->body, '',
    'the body can be empty');
is(direct(stub => { body => 'not JSON' })->body, 'not JSON',
    'the body can be any text');
is(direct(stub => { body_base64 => "AAECAw==" })->body, "\0\1\2\3",
    'the body can be any bytes');
is(direct(stub => { omit => 'etag' })->header('etag'), undef,
    'a header can be left out');
is(direct(stub => { status => 204 })->status, 204,
    'the status can be one without a body');
is(direct(stub => { status => 799, reason => 'Odd' })->reason, 'Odd',
    'the status can be an impossible one');

for my $size (1000, 3_000_000) {
    $r = direct(stub => { bytes => $size });
    is(length $r->body, $size, "the body can have $size bytes");
    ok(eval { $r->json->{key} }, "a body of $size bytes is JSON");
}

$r = direct(stub => { interim => '102,103' });
is(join(' ', map { $_->status } @{$r->interim}, $r), '102 103 201',
    'interim responses come before the final one');

$r = direct(stub => { gzip => 1, bytes => 5000 });
is($r->header('content-encoding'), 'gzip',
    'a response can be compressed with gzip');
IO::Uncompress::Gunzip::gunzip(\$r->body, \my $plain);
is(length $plain, 5000, 'a response with gzip has all its bytes');

for my $framing (qw(length chunked close)) {
    $r = direct(stub => { framing => $framing, bytes => 9999, chunk => 100 });
    is(length $r->body, 9999, "framing $framing: the body has all its bytes");
    ok($r->complete, "framing $framing: the response is complete");
    ok($framing eq 'length' ? $r->header('content-length')
        : !$r->header('content-length'),
        "framing $framing: Content-Length fits the framing");

    $r = direct(stub => { framing => $framing, bytes => 9999,
        truncate => 100 });
    is(length $r->body, 100, "framing $framing: the body is truncated");
    is(!!$r->complete, $framing eq 'close',
        "framing $framing: a truncated body can be noticed where it has an "
        . "end") ;

    $r = $t->create_run(stub => { framing => $framing, bytes => 9999,
        truncate => 100, end_sent => 'reset' });
    ok(!$r->complete, "framing $framing: a reset is noticed behind NGINX")
        or diag($r->status);
}

$r = direct(stub => { trickle => 1 });
ok($r->complete, 'a response can be sent byte by byte');
$r = direct(stub => { trickle => 100, trickle_delay => 0.001 });
ok($r->complete, 'a response can be sent slowly');

$r = direct(stub => { raw => 'HTTP/1.1 201 Cre' });
is($r->status, undef, 'raw bytes are not a complete response');
is($r->body, 'HTTP/1.1 201 Cre', 'raw bytes are sent as given');

for my $point (qw(head read created answer sent)) {
    my $created = $point =~ /^(?:head|read)$/ ? 0 : 1;

    for my $how (qw(reset close)) {
        $service->reset;
        $r = direct(stub => { "end_$point" => $how }, body => 'x' x 100);
        if ($point eq 'sent') {
            ok($r->complete, "$how when sent: the response is complete");
        } else {
            ok(!$r->complete, "$how at $point: the response is not complete");
            like($r->error, $how eq 'reset' || $point eq 'head'
                ? qr/reset|closed/ : qr/closed/,
                "$how at $point: the client notices");
            is($r->status, $point eq 'answer' ? 201 : undef,
                "$how at $point: no more is sent");
        }
        is($service->created, $created, "$how at $point: creations: $created");
    }

    $service->reset;
    my $c = $t->start_run(to => $service, stub => { "wait_$point" => 'gate' });
    $service->wait_at('gate');
    is($service->created, $created, "waiting at $point: creations: $created");
    is($c->try_response(0) && 1, undef,
        "waiting at $point: there is no whole response yet")
        if $point ne 'sent';
    $service->release(gate => 1);
    is($c->response->status, 201,
        "waiting at $point: the response comes after the release");

    my $begin = time;
    is(direct(stub => { "delay_$point" => 0.1 })->status, 201,
        "a delay at $point: the job run is created");
    $r = direct(stub => { "delay_$point" => 0 });
    cmp_ok(time - $begin, '>=', 0.1, "a delay at $point: the response is late")
        unless $point eq 'sent';
}

my $big = '"' . 'x' x 4_000_000 . '"';
$r = direct(stub => { delay_head => 0.05 }, body => $big);
is($r->status, 201, 'a big body that is read late is accepted');
is(last_request()->{body_sha256}, sha256_hex($big),
    'a big body that is read late arrives whole');

$service->reset;
$c = $t->start_run(to => $service, stub => { end_created => 'silent' });
wait_for { $service->created } 'a silent creation';
ok(!$c->ended, 'a silent connection stays open');
is($c->try_response(0), undef, 'a silent connection has no response');
$c->close;

is(direct(stub => { wiat_read => 'x' })->code, 'StubSteeringError',
    'a misspelt key of a header is an error');
ok(!eval { $service->plan({ stauts => 500 }); 1 },
    'a misspelt key of a plan is an error');

# the other two ways to steer
$r = direct(json => { jobKey => 'j',
    parameters => [{ name => 'stub.status', value => '418' }] });
is($r->status, 418, 'a job run parameter steers the service');

$service->plan({ status => 500 }, { status => 501, times => 2 },
    { status => 502, match => { token => 'tok' } },
    { status => 503, match => { body => 'needle' } });
is_deeply([map { direct(@$_)->status }
    [body => '"needle"', token => 'tok'], [], [], [token => 'a-tok-b'],
    [token => 'x'], [body => '"a needle"'], [body => '"a needle"']],
    [500, 501, 501, 502, 201, 503, 201], 'plans are used up in order');

for my $how (qw(reset close)) {
    $service->plan({ end_start => $how });
    $r = direct();
    is($r->status, undef, "$how before anything is read: there is no response");
    is_deeply(last_request()->{done}, ["$how at start"],
        "$how before anything is read: the ledger has the request");
}

$service->plan({ end_reuse => 'reset' });
$c = $t->client($service->address);
for my $status (201, undef) {
    $c->request($t->run_request);
    is(eval { $c->response->status }, $status,
        'a connection with end_reuse: status ' . ($status // 'none'));
}
is_deeply(last_request()->{done}, ['reset at reuse'],
    'the ledger has the reset of a connection used again');

# RST and FIN are not the same to NGINX
for (['reset', qr/reset by peer/], ['close', qr/prematurely closed/]) {
    my ($how, $log) = @$_;
    is($t->create_run(stub => { end_read => $how })->status, 502,
        "$how behind NGINX: the client gets 502");
    ok($t->wait_log($log), "$how behind NGINX: error.log has the cause");
}

$service->stop;
is($t->create_run->status, 502, 'a stopped service refuses connections');
$service->start;
is($t->create_run->status, 201,
    'a service that is started again has the same port');
$service->pause;
$c = $t->start_run;
is($c->try_response(0), undef, 'a paused service does not respond');
$service->resume;
is($c->response->status, 201, 'a service that is resumed responds');

###############################################################################
# Redis

my $redis = $t->redis;
is($redis->command('SET', 'key', "a\r\n\0\xff"), 'OK', 'Redis stores a value');
is($redis->command('GET', 'key'), "a\r\n\0\xff",
    'Redis returns a binary value');
is($redis->command('GET', 'none'), undef, 'Redis returns nil as undef');
is_deeply($redis->command('EVAL', 'return {1, {"a", false}, "b"}', 0),
    [1, ['a', undef], 'b'], 'Redis returns nested arrays');
ok(!eval { $redis->command('NOSUCH'); 1 }, 'an error of Redis dies');
like($@, qr/unknown command/, 'an error of Redis dies with its text');
is_deeply([$redis->keys], ['key'], 'keys returns the names of all keys');
$redis->restart(kill => 1);
is($redis->command('EXISTS', 'key'), 1, 'data of Redis outlive a kill -9');
is($t->redis('second', tcp => 1, password => 'secret')->command('DBSIZE'), 0,
    'a second Redis can have a password');

###############################################################################
# NGINX

my @before = $nginx->workers;
is(scalar @before, 2, 'NGINX has two workers');
$c = $t->start_run(stub => { wait_read => 'held' });
$service->wait_at('held');
$nginx->reload(draining => 1);
my %left = map { $_ => 1 } $nginx->all_workers;
ok(scalar(grep { $left{$_} } @before), 'an old worker drains after a reload');
is($t->create_run->status, 201, 'new workers serve after a reload');
$service->release('held');
is($c->response->status, 201,
    'an old worker finishes its request after a reload');
$c->close;                      # or the worker lingers
wait_for { $nginx->all_workers == 2 } 'the old worker to go';

$nginx->reload;
is(scalar(grep { $left{$_} } $nginx->all_workers), 0,
    'a full reload leaves no old worker');
$nginx->reopen;
my $killed = $nginx->kill_worker;
ok(!grep({ $_ == $killed } $nginx->all_workers), 'a killed worker is gone');
ok($t->wait_log(qr/worker process $killed exited on signal 9/),
    'a killed worker is in error.log');

my $second = $t->run(name => 'second', module => 0, workers => 1);
is($t->create_run(to => $second)->status, 201,
    'a second NGINX serves requests');

my ($ok, $output) = $t->check_config(module => 0);
ok($ok, 'nginx -t passes') or diag($output);
($ok, $output) = $t->check_config(module => 0, server => 'no_such_thing on;');
ok(!$ok, 'nginx -t fails with an unknown directive');
like($output, qr/unknown directive "no_such_thing"/,
    'nginx -t reports an unknown directive');

###############################################################################
# Waiting

ok(!eval { wait_for { 0 } 'the end of time', 0.05; 1 },
    'wait_for fails after its time');
like($@, qr/^waited 0.05 s in vain for the end of time at \Q$0\E/,
    'wait_for reports what it waited for, and where');
is((wait_for { 'this' } 'nothing'), 'this', 'wait_for returns what it got');

###############################################################################
# Files that end badly, each in a process of its own

sub child_file {
    my ($name, $text) = @_;

    my $file = $t->write_file("$name.t", <<'END' . $text);
use JobRuns;
$| = 1;
my $t = JobRuns->new;
$t->run(module => 0);
print '# folder ', $t->testdir, "\n";
print '# pids ', join(' ', $t->nginx->pid, $t->nginx->workers,
    $t->service->pid, $t->redis->pid), "\n";
END
    local $ENV{TEST_NGINX_LEAVE};
    local $ENV{TEST_NGINX_VERBOSE};
    my $lib = $t->root . '/t/lib';
    my $pid = open my $pipe, '-|', "exec '$^X' '-I$lib' '$file' 2>&1"
        or die "fork: $!";

    return ($pid, $pipe);
}

sub ended {
    my ($pipe) = @_;

    my $output = do { local $/; <$pipe> };
    my $success = close $pipe;
    my ($folder) = $output =~ /^# folder (.*)/m;
    my ($pids) = $output =~ /^# pids (.*)/m;
    ok($pids, 'a file in a process of its own has started');
    wait_for { !-e $folder } "$folder to be removed";
    wait_for { !grep { kill 0, $_ } split ' ', $pids } "$pids to be gone";

    return ($success, $output);
}

my $append = 'open my $log, ">>", $t->nginx->error_log_path;'
    . ' $log->autoflush; print $log ';
my %bad_ends = (
    alert => ["$append qq([alert] 1#1: something\n); done_testing;",
        qr/not ok .* error.log is clean/],
    sanitizer => ["$append qq(==1==ERROR: AddressSanitizer: x\n);"
        . 'done_testing;', qr/not ok .* no sanitizer report/],
    report => ['$t->write_file("nginx.sanitizer.1", "leak"); done_testing;',
        qr/not ok .* no sanitizer report/],
    socket => ["$append qq([info] open socket #3 left in connection 4\n);"
        . 'done_testing;', qr/not ok .* error.log is clean/],
    crashed => ['kill KILL => $t->nginx->pid; done_testing;',
        qr/not ok .* exited with 0/],
    died => ['die "on purpose";', qr/on purpose/],
    undone => ['ok(1);', qr/done_testing\(\) was not seen/],
);

for my $name (sort keys %bad_ends) {
    my ($text, $pattern) = @{$bad_ends{$name}};
    my (undef, $pipe) = child_file($name, $text);
    my ($success, $output) = ended($pipe);
    ok(!$success, "$name: the file fails");
    like($output, $pattern, "$name: the output has the reason");
}

my (undef, $pipe) = child_file('good', "$append qq([alert] fine\n);"
    . '$t->allow_log(qr/fine/); done_testing;');
my ($success, $report) = ended($pipe);
ok($success, 'a good file passes') or diag($report);

for my $signal (qw(INT TERM KILL)) {
    my ($pid, $pipe) = child_file(lc $signal,
        'print "# ready\n"; wait_for { 0 } "a signal";');
    my $begin = '';
    $begin .= readline $pipe while $begin !~ /# ready/ && !eof $pipe;
    kill $signal, $pid;
    my $rest = do { local $/; <$pipe> } // '';
    close $pipe;
    my ($folder) = $begin =~ /^# folder (.*)/m;
    my ($pids) = $begin =~ /^# pids (.*)/m;
    wait_for { !-e $folder } "$folder to be removed after SIG$signal";
    wait_for { !grep { kill 0, $_ } split ' ', $pids } 'processes to be gone';
    pass("SIG$signal leaves nothing behind");
}

# claims of ports do not meet, also when processes hurry
my $claim = $t->write_file('claim.pl', <<'END');
use JobRuns::Ports qw(claim_port);
$| = 1;
print join(' ', map { claim_port() } 1 .. 20), "\n";
<STDIN>;
END
my (@pipes, %claimed);
pipe my $hold, my $let_go;
for (1 .. 8) {
    open my $saved, '<&', \*STDIN;
    open STDIN, '<&', $hold;
    open my $pipe, '-|', $^X, '-I' . $t->root . '/t/lib', $claim;
    open STDIN, '<&', $saved;
    push @pipes, $pipe;
}
for my $pipe (@pipes) {
    $claimed{$_}++ for split ' ', readline $pipe;
}
close $let_go;
is(scalar keys %claimed, 160, 'eight processes claim 160 different ports');

done_testing;
