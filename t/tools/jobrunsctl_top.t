#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobrunsctl top shows several gateways at once: once, with an exit status, and
# on a terminal until q.  A gateway that is silent holds up no other, and what
# one sends is not trusted.

use lib 't/lib';

use IO::Socket::INET;
use JSON::PP ();
use Sys::Hostname qw(hostname);

use JobRuns;
use JobRuns::Ctl;
use JobRuns::Pty;

JobRuns::Ctl::needed();

# what a proxy of this machine does to it is none of ours
delete @ENV{grep { /_proxy$/i } keys %ENV};

my $t = JobRuns->new;

my %hostile = (
    host => "h\e]0;x\a\x{9b}2J", now => 1000, version => '1',
    state => { level => 'warn', text => 'x' },
    troubles => [
        { level => 'warn', since => 940, text => "slow\e[2J", affects =>
            'x' x 5000, remedy => [1], runbook => 'docs/runbook.md#a' },
        { level => 'bad', since => 2000, text => 'worse', affects => 'All.',
            remedy => 'Help.' },
        (map { { level => 'warn', text => "many $_" } } 1 .. 100),
    ],
    attemptsPerSecond => { created => 1.5, limited => 'many',
        replayed => -1, unsent => 1, unknown => 2 },
    service => { created => { count => 8 }, rejected_upstream =>
        { count => 1 }, unsent => { count => 0 }, unknown => { count => 1 } },
    times => { admission => { recentP50Ms => 5, recentP99Ms => 250 },
        service => { recentP50Ms => 2500, recentP99Ms => -1, buckets =>
            [{ upToMs => 60000 }, { upToMs => undef }] } },
    waiting => 3, delayed => 4, forwarding => 5, held => 1e300,
    redis => [{ reachable => 1, unreachable => 1, role => 'master',
        memoryBytes => 3, memoryMaxBytes => 4 }],
);
my %broken = (
    broken => '{"state":{"level":"good"},', array => '[1,2,3]',
    empty => '', deep => '[' x 100_000, huge => ' ' x 1_100_000,
    other => '{"state":{"level":"good"},"attemptsPerSecond":7}',
    hostile => JSON::PP->new->utf8->encode(\%hostile),
);
$t->write_file("$_.json", $broken{$_}) for keys %broken;

$t->run(http => 'jobruns_zone jobruns 1m;', server => <<'END');
        location = /jobruns_status {
            jobruns_status;
        }
        location = /denied {
            deny all;
        }
        location = /moved {
            return 302 /jobruns_status;
        }
        location /files/ {
            jobruns off;
            alias %%TESTDIR%%/;
        }
END

my $gateway = '127.0.0.1:' . $t->port(0);
my $nobody = '127.0.0.1:' . $t->port(8);

sub top {
    my ($status, $text) = ctl('--once', 'top', @_);
    return ($status, $text);
}

# ------------------------------------------------------------------------ once

is($t->create_run->status, 201, 'a job run is created');

my ($status, $said) = top($gateway, "http://$gateway/jobruns_status");
is($status, 0, 'gateways that are well exit with 0');
my $host = hostname();
like($said, qr/^\Q$host\E +good +\S.* +\Q$gateway\E$/m,
    'the row of a gateway has its host and verdict');
is(scalar(() = $said =~ /^\Q$host\E +good /mg), 2, 'each URL has a row');
like($said, qr/^HOST +STATE +REDIS .*CREATED\/S .*CLAIMS +GATEWAY$/m,
    'the first line names the columns');
unlike($said, qr/\e/, 'what is no terminal gets no escape sequence');

my $rows = ctl_json('top', $gateway);
is($rows->[0]{state}, 'good', '--json has the state');
is($rows->[0]{responded}, '1 of 1', '--json has what the service did');
is($rows->[0]{claims}, 0, '--json has the claims held');

my $slow = $t->start_run(stub => { wait_read => 'gate' });
$t->service->wait_at('gate');
is(ctl_json('top', $gateway)->[0]{claims}, 1,
    'an attempt at the service holds a claim');
$t->service->release('gate');
is($slow->response->status, 201, 'the attempt ends');

# ------------------------------------------------------------------- not a page

($status, $said) = top($nobody, $gateway);
is($status, 3, 'a gateway that is unreachable exits with 3');
like($said, qr/^\Q$nobody\E +silent /m, 'it is silent in the table');
like($said, qr/^silent +\Q$nobody\E\n +Failed to connect|refused/m,
    'the reason is there in words');
like($said, qr/^\Q$host\E +good /m, 'the other one is shown all the same');

for (['broken', 'not the JSON'], ['array', 'not the JSON'],
    ['empty', 'not the JSON'], ['deep', 'not the JSON'],
    ['other', 'not the JSON'], ['huge', 'larger than 1048576 bytes'])
{
    my ($name, $why) = @$_;
    ($status, $said) = top("http://$gateway/files/$name.json", $gateway);
    is($status, 3, "$name: a response that cannot be used exits with 3");
    like($said, qr/^ +the response is \Q$why\E/m, "$name: the reason is told");
    like($said, qr/^\Q$host\E +good /m, "$name: the other one is shown");
}

for (['denied', 'status 403: allow this address'],
    ['missing', 'status 404: no jobruns_status'],
    ['moved', 'status 302: this is not the status'])
{
    my ($path, $why) = @$_;
    ($status, $said) = top("http://$gateway/$path");
    is($status, 3, "$path: another status exits with 3");
    like($said, qr/^ +\Q$why\E/m, "$path: the reason is told");
}

# ------------------------------------------------------------------ no trust

($status, $said) = top("http://user:secret\@$gateway/files/hostile.json");
is($status, 1, 'a gateway in trouble exits with 1');
unlike($said, qr/[^\x20-\x7e\n]/, 'nothing of a response reaches a terminal');
unlike($said, qr/secret/, 'a password of a URL is not shown');
like($said, qr/^h\?\]0;x\?\S* +bad +partly, 75% full +9 of 10 /m,
    'the row has what was valid, and the worst level');
like($said, qr{ +1\.5 +- +- +3\.0 +5 ms/250 ms +2\.5 s/>60\.0 s +3 +4 +5 }m,
    'what is invalid is a dash, or left out of a sum');
cmp_ok(index($said, 'worse'), '<', index($said, 'slow?[2J'),
    'the worst trouble is first');
like($said, qr/^warn +h\S+, for 60\.0 s$/m, 'a trouble says since when');
like($said, qr/^bad +h\S+\n +worse\n +All\.\n +Help\.$/m,
    'a time in the future is not shown');
like($said, qr/^ +docs\/runbook\.md#a$/m, 'a trouble names its paragraph');
cmp_ok(length $said, '<', 10_000, 'what is shown of a response has a bound');

for (['ftp://x/y', 'must be a URL'], [undef, 'top needs 1 to 64 URLs']) {
    my ($url, $why) = @$_;
    ($status, $said) = top($url // ());
    is($status, 2, ($url // 'no URL') . ': exits with 2');
    like($said, qr/\Q$why\E/, ($url // 'no URL') . ': says why');
}
($status, $said) = ctl('--interval', '0', 'top', $gateway);
is($status, 2, 'an interval of 0 exits with 2');

# ------------------------------------------------------------------- a terminal

my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "listen: $!\n";
my $mute = '127.0.0.1:' . $silent->sockport;

my $pty = JobRuns::Pty->start([40, 160], $ENV{TEST_JOBRUNSCTL},
    '--interval', '0.2', 'top', $mute, $gateway);
wait_for { $pty->screen =~ /^\Q$host\E +good /m } 'a gateway on the screen';
like($pty->text, qr/\Q$mute\E +\.\.\. .*\n\Q$host\E/,
    'a gateway that is silent does not hold up the others');
like($pty->text, qr/^\e\[\?1049h/, 'it has a screen of its own');
isnt($pty->mode, $pty->before, 'keys are not echoed');
like($pty->screen, qr/CLAIMS  GATEWAY$/m, 'a wide terminal has all columns');

$pty->resize(10, 40);
wait_for {
    my $screen = $pty->screen;
    $screen =~ /^\Q$host\E +good /m && $screen !~ /GATEWAY/;
} 'the screen in its new size';
is((grep { length > 40 } split /\n/, $pty->screen), 0,
    'a narrow terminal has the columns that fit');
cmp_ok(scalar(split /\n/, $pty->screen), '<=', 10,
    'a low terminal has the lines that fit');
$pty->resize(40, 160);

wait_for { $pty->screen =~ /timed out/ } 'a gateway that never responds';
like($pty->screen, qr/^\Q$mute\E +silent /m, 'it becomes silent');

$t->allow_log(qr/redis|Redis/);
$t->redis->stop;
wait_for {
    $t->create_run;
    $pty->screen =~ /^\Q$host\E +bad +unreachable /m
        && $pty->screen =~ /Redis \S+ is unreachable/;
} 'the screen that follows the gateway';
like($pty->screen, qr/docs\/runbook\.md#jobrunsredisunreachable/,
    'the trouble names its paragraph of the runbook');

$pty->type('q');
wait_for { $pty->ended } 'the end by q';
is($pty->status, 0, 'q exits with 0');
is($pty->mode, $pty->before, 'q restores the terminal');
like($pty->text, qr/\e\[\?25h\e\[\?1049l$/, 'q leaves the screen');

$pty = JobRuns::Pty->start([24, 80], $ENV{TEST_JOBRUNSCTL}, 'top', $gateway);
wait_for { $pty->screen =~ /^\Q$host\E +bad /m } 'a screen of 80 columns';
is((grep { length > 80 } split /\n/, $pty->screen), 0,
    'sentences are continued on the next line');
$pty->type("\x03");
wait_for { $pty->ended } 'the end by Ctrl-C';
is($pty->status, 0, 'Ctrl-C exits with 0');
is($pty->mode, $pty->before, 'Ctrl-C restores the terminal');

done_testing;
