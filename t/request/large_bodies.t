#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Bodies above 64k are checked in the thread pool: they get their responses,
# other requests get theirs meanwhile, and a request whose body is being
# checked can end.

use lib 't/lib';
use JobRuns;

use Time::HiRes qw(time);

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, server => <<'SERVER', http => <<'END');
    location /20260430/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        location /20260430/aiDataPlatforms/ {
            client_max_body_size 16m;
            proxy_pass http://service;
        }
    }
SERVER
    jobruns_zone jobruns 1m;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END
my $service = $t->service;

# Members of which each costs as much as it can: 490,000 are some 6.9 MB.

sub members {
    my ($count, $tail) = @_;
    return '{"jobKey":"x"' . join('', map { qq(,"m$_":1) } 1 .. $count)
        . ($tail // '') . '}';
}

sub metric {
    my ($name) = @_;
    my $text = $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body;
    return $text =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}

# both sides of the bound, in a buffer and in a temporary file, by each framing

for my $size (65_536, 65_537, 100_000, 131_073, 1_048_576, 3_000_000) {
    for my $way ([], [chunked => 50_000], [h2 => 1]) {
        my $what = "$size bytes @$way";
        my $head = '{"jobKey":"x","parameters":[{"name":"a","value":"';
        my $body = $head . 'v' x ($size - length($head) - 4) . '"}]}';
        my $token = random_id;

        my $r = $t->create_run(body => $body, token => $token, @$way);
        is($r->status, 201, "$what: the job run is created");
        is($t->create_run(body => "$body ", token => $token, @$way)
            ->header('opc-retry-replayed'), 'true',
            "$what: the body counts as the same when written otherwise");
        is($t->create_run(
            body => $head . "w" . substr($body, length($head) + 1),
            token => $token, @$way)->code, 'InvalidatedRetryToken',
            "$what: another body gets InvalidatedRetryToken");

        substr($body, -1) = ',';
        $r = $t->create_run(body => $body, @$way);
        is($r->status . ' ' . $r->code, '400 CannotParseRequest',
            "$what: a body that is not JSON is refused");
        $r = $t->create_run(body => substr($body, 0, -1) . ',"jobKey":1}',
            @$way);
        is($r->code, 'CannotParseRequest',
            "$what: a body with a name twice is refused");
    }
}
is($t->create_run(body => members(20_000, ',"parameters":7'))->json
    ->{message} =~ m{^/parameters: } ? 1 : 0, 1,
    'a violation at the end of a large body is found');

# Others go on while bodies are checked: six large ones, of which a check
# takes a tenth of a second and more, delay none of those that come meanwhile.

my $large = members(490_000, ',"parameters":7');
my @large = map { $t->start_run(body => $large) } 1 .. 6;
my ($slowest, $answered) = (0, 0);
my %got;
while (keys %got < @large) {
    for (grep { !$got{$_} } 0 .. $#large) {
        my $r = $large[$_]->try_response(0) or next;
        $got{$_} = $r;
    }
    my $start = time;
    my $status = $t->create_run->status;
    my $took = time - $start;

    $slowest = $took if $took > $slowest;
    $answered += $status == 201;
    last if $answered > 5000;
}
$got{$_} //= $large[$_]->response for 0 .. $#large;
is(scalar(grep { $_->status == 400 } values %got), 6,
    'six large bodies are refused');
cmp_ok($answered, '>=', 10,
    'other requests get their responses while large bodies are checked');
diag(sprintf 'slowest of %d others: %.0f ms', $answered, $slowest * 1000);

# A client that leaves while its body is checked, or waits for it.

for my $h2 (0, 1) {
    my @gone = map { $t->start_run(body => $large, h2 => $h2,
        request_id => "gone-$h2-$_") } 1 .. 5;
    $_->reset for @gone;
    is($t->create_run->status, 201,
        "other requests are created when clients of large bodies leave, h2 "
        . "$h2");
}
@large = map { $t->start_run(body => $large) } 1 .. 3;
is(scalar(grep { $_->response->status == 400 } @large), 3,
    'large bodies that come later are checked');

# A worker that is reloaded finishes what it checks.

@large = map { $t->start_run(body => $large, request_id => "last-$_") } 1 .. 3;
is($t->create_run->status, 201, 'a request before a reload is created');
$nginx->reload(draining => 1);
is(scalar(grep { $_->response->status == 400 } @large), 3,
    'a reload waits for the checks of large bodies');

# A worker that is stopped at once does not wait, and nothing breaks.

@large = map { $t->start_run(body => $large) } 1 .. 4;
$nginx->stop;
$nginx->start;
is($t->create_run(body => members(20_000))->status, 201,
    'a large body after a restart is created');

# Many at once, each beyond what the stub reads as JSON, which takes it longer.

my @many = $t->start_h2(map { { body => members(14_000) } } 1 .. 100);
my %codes;
$codes{$_->response->status . ' ' . ($_->response->code // '')}++ for @many;
is_deeply(\%codes, { '201 ' => 100 },
    'a hundred large bodies wait for their turn');
is(metric('jobruns_body_checks_refused_total'), 0,
    'none of a hundred large bodies is refused');

done_testing;
