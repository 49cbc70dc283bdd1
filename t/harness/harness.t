#!/usr/bin/perl

# Tests of the harness and of the stub service themselves, on an NGINX without
# the module: what the other files rely on.

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
is($r->header('content-type'), 'application/json', 'as JSON');
like($r->header('opc-request-id'), qr{^mine/[0-9A-F]{32}/[0-9A-F]{32}$},
    'with the request id, continued');
like($r->header('location'), qr{^\Q$path\E/[0-9a-f-]{36}$}, 'a location');
is($r->header('content-location'), $r->header('location'),
    'a content-location');
ok($r->header('etag'), 'an etag');
like($r->header('opc-work-request-id'), qr/^ocid1\./, 'a work request');

my $run = $r->json;
is($run->{jobKey}, 'j1', 'the job of the request');
is_deeply($run->{parameters}, [{ name => 'a', value => 'b' }],
    'its parameters');
ok($run->{key} && $run->{name}, 'a key and a name');
is($run->{state}{status}, 'PENDING', 'a state');
like($run->{timeCreated}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'a time');

is($t->get($r->header('location'))->body, $r->body, 'GET of the job run');
is($t->get($path)->json->{items}[0]{key}, $run->{key}, 'GET of the list');
$r = $t->get('/elsewhere');
is($r->status, 404, 'nothing elsewhere');
is($r->code, 'NotAuthorizedOrNotFound', 'said as Oracle does');

for my $other (
    '/20240831/dataLakes/ocid1.datalake.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/job%52uns',
    '/20260430//aiDataPlatforms/./ocid1.x/y/../workspaces/w;a=b/jobRuns',
) {
    is(direct(path => $other)->status, 201, "believed: $other");
}
is(direct(path => "$path/x")->status, 404, 'another POST is not');

###############################################################################
# Retry tokens and the ledger

$service->reset;
my @answers = map { direct(token => 'same') } 1 .. 2;
is($answers[1]->body, $answers[0]->body, 'a token gets its first answer');
is_deeply([@{$service->counts}{qw(requests creations replays)}], [2, 1, 1],
    'counted as a replay');
direct(token => 'same', workspace => 'other');
is($service->created('same'), 2, 'a token counts in its workspace');
direct(token => 'same', stub => { tokens => 'ignore' });
is($service->created('same'), 3, 'tokens can be ignored for a request');

my $deaf = $t->service('deaf', ignore_tokens => 1, unix => 1);
direct(to => $deaf, token => 'same') for 1 .. 2;
is($deaf->created('same'), 2, 'or always, over a unix socket too');

$service->reset;
is($service->created, 0, 'reset forgets');

my $body = qq({"jobKey" : "\xc3\xbc\\u00fc",  "x":[1.50, 1e2]}\r\n)
    . ' ' x 700_000;
direct(body => $body, extra => [['X-Twice', 'b'], ['x-twice', 'a']]);
my $got = last_request();
ok($service->body($got) eq $body, 'the body to the byte');
is($got->{body_sha256}, sha256_hex($body), 'and its digest');
is($service->ledger->{by_body}{sha256_hex($body)}, 1, 'creations by body');
is_deeply([grep { lc $_->[0] eq 'x-twice' } @{$got->{headers}}],
    [['X-Twice', 'b'], ['x-twice', 'a']], 'headers with case and order');
is("$got->{method} $got->{target}", "POST $path", 'method and target');
is(($service->creations)[0]{body_sha256}, sha256_hex($body),
    'the list of creations');

###############################################################################
# Requests as clients send them

my $c = $t->client;
$c->request($t->run_request(chunked => 7));
is($c->response->status, 201, 'a chunked body');
is(last_request()->{body_sha256}, sha256_hex($t->run_request->{body}),
    'arrives whole');
$r = $t->create_run(on => $c, expect => 1,
    headers => { Expect => '100-continue' });
is($r->status, 201, 'Expect: 100-continue on the same connection');
is($r->interim->[0]->status, 100, 'was answered by 100');
$r = direct(expect => 1, headers => { Expect => '100-continue' });
is($r->interim->[0]->status, 100, 'the service does that too');

my $bytes = JobRuns::Client::format_request($t->run_request);
$c->send(split /(?<=\n)/, $bytes)->send($bytes);
is_deeply([map { $c->response->status } 1 .. 2], [201, 201],
    'in pieces, and pipelined');
$c = $t->client($service)->send($bytes);
$c->half_close;
is($c->response->status, 201, 'after half a close');
ok((wait_for { $c->ended } 'an end'), 'the service closes then');

my @clients = map { $t->start_run(stub => { wait_read => 'all' }) } 1 .. 30;
$service->wait_at(all => 30);
$service->release('all');
is(scalar(grep { $_->response->status == 201 } @clients), 30,
    'thirty at once');

$r = $t->create_run(h2 => 1, token => 'two', body => $body);
is($r->status, 201, 'HTTP/2');
ok($r->complete && $r->json->{key}, 'with its body');
like($r->header('location'), qr{^\Q$path\E/}, 'and headers');
is(last_request()->{body_sha256}, sha256_hex($body), 'a body beyond windows');

my @streams = $t->start_h2(map { { stub => { wait_read => "h2-$_" } } } 1 .. 9);
$service->wait_at('h2-9');
is($streams[0]->try_response(0), undef, 'nine streams on one connection');
for (1, 9, 2 .. 8) {
    $service->release("h2-$_");
    is($streams[$_ - 1]->response->status, 201, "stream $_ goes on alone");
}

my ($one, $other) = $t->start_h2({}, { stub => { wait_read => 'rst' } });
$service->wait_at('rst');
$other->reset;
wait_for {
    grep { ($_->{plan}{wait_read} // '') eq 'rst'
        && "@{$_->{done}}" =~ /closed/ } $service->requests
} 'NGINX to drop a stream that was reset';
is($one->response->status, 201, 'the other stream lives');

my $h2 = $t->h2;
my $slow = $h2->request($t->run_request(body => '{"jobKey":'), end => 0);
is($slow->try_response(0), undef, 'half a body');
$slow->data('"j"}', end => 1);
is($slow->response->status, 201, 'and the rest');
is($t->create_run(on => $h2)->status, 201, 'the connection serves again');

is_deeply([map { $_->status }
    $t->start_curl({}, { stub => { status => 409 } }, {})->responses],
    [201, 409, 201], 'several with curl');

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
    [429, 'TooManyRequests', 7, 'b'], 'a status with its error and headers');
is(done(), 'answered 429', 'creates nothing');
$r = direct(stub => { status => 500, create => 1, code => 'InternalError' });
is($r->code, 'InternalError', 'an error code of choice');
is(done(), 'created KEY, answered 500', 'having created all the same');
like(direct(stub => { status => 502, kind => 'html' })->body, qr/^<html>/,
    'an HTML page');
is(direct(stub => { status => 503, kind => 'empty' })->body, '', 'no body');
is(direct(stub => { body => 'not JSON' })->body, 'not JSON', 'any body');
is(direct(stub => { body_base64 => "AAECAw==" })->body, "\0\1\2\3",
    'any bytes');
is(direct(stub => { omit => 'etag' })->header('etag'), undef,
    'a header left out');
is(direct(stub => { status => 204 })->status, 204, 'a status without body');
is(direct(stub => { status => 799, reason => 'Odd' })->reason, 'Odd',
    'an impossible status');

for my $size (1000, 3_000_000) {
    $r = direct(stub => { bytes => $size });
    is(length $r->body, $size, "$size bytes");
    ok(eval { $r->json->{key} }, 'which are JSON');
}

$r = direct(stub => { interim => '102,103' });
is(join(' ', map { $_->status } @{$r->interim}, $r), '102 103 201',
    'interim answers');

$r = direct(stub => { gzip => 1, bytes => 5000 });
is($r->header('content-encoding'), 'gzip', 'gzip');
IO::Uncompress::Gunzip::gunzip(\$r->body, \my $plain);
is(length $plain, 5000, 'of what it would have been');

for my $framing (qw(length chunked close)) {
    $r = direct(stub => { framing => $framing, bytes => 9999, chunk => 100 });
    is(length $r->body, 9999, "framing: $framing");
    ok($r->complete, 'complete');
    ok($framing eq 'length' ? $r->header('content-length')
        : !$r->header('content-length'), 'as said');

    $r = direct(stub => { framing => $framing, bytes => 9999,
        truncate => 100 });
    is(length $r->body, 100, 'truncated');
    is(!!$r->complete, $framing eq 'close', 'which can be seen') ;

    $r = $t->create_run(stub => { framing => $framing, bytes => 9999,
        truncate => 100, end_sent => 'reset' });
    ok(!$r->complete, 'a reset instead is seen through NGINX')
        or diag($r->status);
}

$r = direct(stub => { trickle => 1 });
ok($r->complete, 'byte by byte');
$r = direct(stub => { trickle => 100, trickle_delay => 0.001 });
ok($r->complete, 'slowly');

$r = direct(stub => { raw => 'HTTP/1.1 201 Cre' });
is($r->status, undef, 'raw bytes');
is($r->body, 'HTTP/1.1 201 Cre', 'as given');

for my $point (qw(head read created answer sent)) {
    my $created = $point =~ /^(?:head|read)$/ ? 0 : 1;

    for my $how (qw(reset close)) {
        $service->reset;
        $r = direct(stub => { "end_$point" => $how }, body => 'x' x 100);
        if ($point eq 'sent') {
            ok($r->complete, "$how when sent");
        } else {
            ok(!$r->complete, "$how at $point");
            like($r->error, $how eq 'reset' || $point eq 'head'
                ? qr/reset|closed/ : qr/closed/, 'is seen');
            is($r->status, $point eq 'answer' ? 201 : undef, 'no more is sent');
        }
        is($service->created, $created, "$created created");
    }

    $service->reset;
    my $c = $t->start_run(to => $service, stub => { "wait_$point" => 'gate' });
    $service->wait_at('gate');
    is($service->created, $created, "waits at $point, $created created");
    is($c->try_response(0) && 1, undef, 'no whole answer yet')
        if $point ne 'sent';
    $service->release(gate => 1);
    is($c->response->status, 201, 'goes on when released');

    my $begin = time;
    is(direct(stub => { "delay_$point" => 0.1 })->status, 201, 'a delay');
    $r = direct(stub => { "delay_$point" => 0 });
    cmp_ok(time - $begin, '>=', 0.1, 'takes its time')
        unless $point eq 'sent';
}

my $big = '"' . 'x' x 4_000_000 . '"';
$r = direct(stub => { delay_head => 0.05 }, body => $big);
is($r->status, 201, 'a big body that is read late');
is(last_request()->{body_sha256}, sha256_hex($big), 'is read whole');

$service->reset;
$c = $t->start_run(to => $service, stub => { end_created => 'silent' });
wait_for { $service->created } 'a silent creation';
ok(!$c->ended, 'silence');
is($c->try_response(0), undef, 'says nothing');
$c->close;

is(direct(stub => { wiat_read => 'x' })->code, 'StubSteeringError',
    'a misspelt key is not ignored');
ok(!eval { $service->plan({ stauts => 500 }); 1 }, 'nor in a plan');

# the other two ways to steer
$r = direct(json => { jobKey => 'j',
    parameters => [{ name => 'stub.status', value => '418' }] });
is($r->status, 418, 'steered by a parameter');

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
    is($r->status, undef, "$how before anything is read");
    is_deeply(last_request()->{done}, ["$how at start"], 'is in the ledger');
}

$service->plan({ end_reuse => 'reset' });
$c = $t->client($service->address);
for my $status (201, undef) {
    $c->request($t->run_request);
    is(eval { $c->response->status }, $status, 'a connection used again');
}
is_deeply(last_request()->{done}, ['reset at reuse'], 'is reset');

# RST and FIN are not the same to NGINX
for (['reset', qr/reset by peer/], ['close', qr/prematurely closed/]) {
    my ($how, $log) = @$_;
    is($t->create_run(stub => { end_read => $how })->status, 502,
        "$how behind NGINX");
    ok($t->wait_log($log), 'is what NGINX saw');
}

$service->stop;
is($t->create_run->status, 502, 'a stopped service refuses');
$service->start;
is($t->create_run->status, 201, 'and comes back on its port');
$service->pause;
$c = $t->start_run;
is($c->try_response(0), undef, 'a paused service does not answer');
$service->resume;
is($c->response->status, 201, 'until it goes on');

###############################################################################
# Redis

my $redis = $t->redis;
is($redis->command('SET', 'key', "a\r\n\0\xff"), 'OK', 'redis');
is($redis->command('GET', 'key'), "a\r\n\0\xff", 'binary');
is($redis->command('GET', 'none'), undef, 'nil');
is_deeply($redis->command('EVAL', 'return {1, {"a", false}, "b"}', 0),
    [1, ['a', undef], 'b'], 'nested');
ok(!eval { $redis->command('NOSUCH'); 1 }, 'an error dies');
like($@, qr/unknown command/, 'with its text');
is_deeply([$redis->keys], ['key'], 'keys');
$redis->restart(kill => 1);
is($redis->command('EXISTS', 'key'), 1, 'data outlive a kill -9');
is($t->redis('second', tcp => 1, password => 'secret')->command('DBSIZE'), 0,
    'a second one, with a password');

###############################################################################
# NGINX

my @before = $nginx->workers;
is(scalar @before, 2, 'two workers');
$c = $t->start_run(stub => { wait_read => 'held' });
$service->wait_at('held');
$nginx->reload(draining => 1);
my %left = map { $_ => 1 } $nginx->all_workers;
ok(scalar(grep { $left{$_} } @before), 'one of them drains after a reload');
is($t->create_run->status, 201, 'new ones serve');
$service->release('held');
is($c->response->status, 201, 'the old one finishes');
$c->close;                      # or the worker lingers
wait_for { $nginx->all_workers == 2 } 'the old worker to go';

$nginx->reload;
is(scalar(grep { $left{$_} } $nginx->all_workers), 0, 'a full reload');
$nginx->reopen;
my $killed = $nginx->kill_worker;
ok(!grep({ $_ == $killed } $nginx->all_workers), 'a killed worker');
ok($t->wait_log(qr/worker process $killed exited on signal 9/), 'is logged');

my $second = $t->run(name => 'second', module => 0, workers => 1);
is($t->create_run(to => $second)->status, 201, 'a second NGINX');

my ($ok, $output) = $t->check_config(module => 0);
ok($ok, 'nginx -t passes') or diag($output);
($ok, $output) = $t->check_config(module => 0, server => 'no_such_thing on;');
ok(!$ok, 'nginx -t fails');
like($output, qr/unknown directive "no_such_thing"/, 'and says why');

###############################################################################
# Waiting

ok(!eval { wait_for { 0 } 'the end of time', 0.05; 1 }, 'wait_for fails');
like($@, qr/^waited 0.05 s in vain for the end of time at \Q$0\E/,
    'saying what for, and where');
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
    ok($pids, 'it had started');
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
    like($output, $pattern, 'for that reason');
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
