#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The page of jobruns_status has numbers without JavaScript, tables and
# drawings with it, and no resource from outside; names that clients choose
# cannot harm it.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);
use IPC::Open2 qw(open2);
use JSON::PP ();

my $t = JobRuns->new;

$t->run(
    http => 'jobruns_zone jobruns 1m;',
    server => <<'END',
        jobruns_tenant $http_x_tenant;
        jobruns_limit one key=tenant rate=1r/h;

        location = /status {
            jobruns_status;
        }
END
);

my $accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

sub page {
    return $t->request(path => '/status', headers => [
        [Host => 'localhost'], [Accept => $accept]]);
}

sub figures {
    return $t->get('/status?format=json')->json;
}

# a drawing begins with the first second that is counted
wait_for { figures()->{history}{until} } 'the history begins';

my $hostile = q{"><script>alert('x')</script>&<img src=//evil.example>};
is($t->create_run(headers => { 'X-Tenant' => $hostile })->status, 201,
    'a creation of a tenant with a hostile name is created');
is($t->create_run(headers => { 'X-Tenant' => $hostile })->status, 429,
    'another creation of the hostile tenant is limited');
is($t->create_run(headers => { 'X-Tenant' => 'acme' })->status, 201,
    'a creation of another tenant is created');
is($t->create_run(headers => { 'X-Tenant' => 'acme' })->status, 429,
    'further creations of the other tenant are limited') for 1 .. 2;

my $answer = page();
my $text = $answer->body;

is($answer->status, 200, 'the page has the status 200');
is($answer->header('Content-Type'), 'text/html; charset=utf-8',
    'the page is HTML in UTF-8');
is($answer->header('Cache-Control'), 'no-store',
    'the page is not to be stored');

# what a client sent is not in it, but for its digest

unlike($text, qr/alert\('x'\)|<img|evil/,
    'the page contains nothing of a hostile name');
my $digest = '~' . sha256_hex($hostile);

my ($nonce) = ($answer->header('Content-Security-Policy') // '')
    =~ /^default-src 'none'; .*script-src 'nonce-([0-9a-f]{32})'/;
ok($nonce, 'the policy of the page allows nothing from outside');
like($answer->header('Content-Security-Policy'),
    qr/style-src 'nonce-$nonce'/,
    'the policy of the page allows the style by its nonce');
my @scripts = $text =~ /<script([^>]*)>/g;
is("@scripts", qq{ nonce="$nonce"},
    'the page has one script, with the nonce of the policy');
my @styles = $text =~ /<style([^>]*)>/g;
is("@styles", qq{ nonce="$nonce"},
    'the page has one style, with the nonce of the policy');
unlike($text, qr/<[^>]*\s(?:style|on\w+)=/,
    'the page has no attribute that the policy would stop');
isnt((page()->header('Content-Security-Policy') =~ /nonce-(\w+)/)[0], $nonce,
    'each page has a nonce of its own');
unlike($text, qr/\{\{/, 'every mark of the file is replaced in the page');

# nothing from outside

is(join(' ', $text =~ /(?:src|href)\s*=\s*("[^"]*"|\S+)/g),
    '"?format=prometheus"', 'the page has one link, to the text form');
unlike($text, qr/\burl\(|\@import|https:|http:(?!\/\/www\.w3\.org\/2000\/svg')/,
    'the page has no resource from outside');
like($text, qr/prefers-color-scheme: dark/,
    'the page has dark and light colours');

# without JavaScript: one sentence, and the numbers of the JSON form

like($text, qr{<noscript><meta http-equiv="refresh" content="2"></noscript>},
    'the page is reloaded by a browser without JavaScript');
like($text, qr{<p class="state good">All is well\.</p>},
    'the page begins with one sentence');
like($text, qr{<main[^>]* hidden>},
    'the page hides tables that need the script');

my ($plain) = $text =~ m{<pre>(.*?)</pre>}s;
unlike($plain, qr/[<>"']/, 'the numbers of the page are escaped');
my %entity = (lt => '<', gt => '>', amp => '&', quot => '"');
$plain =~ s/&(\w+);/$entity{$1}/g;
like($plain, qr/^"limited":3,$/m, 'the page has a number on a line of its own');
$plain = JSON::PP->new->utf8->decode($plain);

my $json = figures();
delete $_->{counters}{jobruns_audit_syncs_total} for $plain, $json;
is_deeply([map { $_->{tenant} } @{$plain->{topRefused}}], ['acme', $digest],
    'the page has the most refused tenant first, a hostile one by its digest');
delete $_->{ageMs} for map { @{$_->{fullest}} } map { @{$_->{limits}} } $plain,
    $json;
is_deeply($plain->{$_}, $json->{$_}, "the page has $_ as in the JSON form")
    for qw(version configuration attempts limits topRefused counters settles);
is_deeply([sort grep { $_ ne 'history' } keys %$json], [sort keys %$plain],
    'the page lacks nothing of the JSON form, except the history');

# with JavaScript: the script of the page draws the JSON form

sub rendered {
    my @responses = @_;
    my $coder = JSON::PP->new->utf8;

    my $pid = open2(my $out, my $in, 't/bin/render-page',
        $t->write_file('page.html', $text),
        $t->write_file('responses.json', $coder->encode(\@responses)));
    close $in;
    my $said = do { local $/; <$out> } // '';
    waitpid $pid, 0;
    is($?, 0, 'the script of the page runs');

    return @{$coder->decode($said || '[]')};
}

sub ok_response {
    return { status => 200, body => JSON::PP->new->encode($_[0]) };
}

SKIP: {
    skip 'no node', 1 if !grep { -x "$_/node" } split /:/, $ENV{PATH};

    # the history has the refusals when the second that they are in is over
    wait_for {
        $json = figures();
        my $n = 0;
        $n += $_ for @{$json->{history}{attempts}{limited}};
        $n == 3;
    } 'the drawing has what was counted';

    my ($first, $lost, $refused, $back)
        = rendered(ok_response($json), undef, { status => 403 },
            ok_response($json));

    is($first->{url}, 'http://gateway.example/status?format=json&a=b',
        'the script asks the same address for the JSON form');
    ok(!$first->{main}{hidden}, 'the script shows the tables');
    ok($first->{plain}{hidden}, 'the script hides the plain numbers');
    is($first->{troubles}{html}, '<p class="state good">All is well.</p>',
        'the script shows one sentence first');
    is($first->{redis_now}{html}, 'reachable',
        'the script shows that requests reached Redis');
    like($first->{redis_memory}{html}, qr/^role unknown, memory unknown/,
        'the script shows what is unknown of Redis as such');
    is($first->{service_now}{html}, '2 <small>of 2 responded</small>',
        'the script shows what the service did lately');
    like($first->{service_last}{html}, qr/^the last one \d+ s ago: created/,
        'the script shows the last outcome');
    like($first->{meta}{html}, qr/version \Q$json->{version}\E, NGINX /,
        'the script shows the versions that run');

    my $tenants = $first->{tenants}{html};
    like($tenants, qr{<td class="t">$digest</td><td class="n">1\b},
        'the script shows the hostile tenant by its digest');
    like($tenants, qr{<td class="t">acme</td><td class="n">2\b},
        'the script shows a plain tenant by its name');
    ok(index($tenants, 'acme') < index($tenants, $digest),
        'the script shows the most refused tenant first');
    like($first->{limits}{html}, qr{<td>one</td><td>rate</td><td[ ]class="t">
        <small[ ]class="hot">1[ ]of[ ]1:[ ]
        (?:acme|$digest)</small><small[ ]class="hot">1[ ]of[ ]1:[ ]
        (?:acme|$digest)</small></td>
        <td[ ]class="n">3</td><td[ ]class="n">0</td>}x,
        'the script shows the limit that refused');
    ok(!$first->{limits_card}{hidden}, 'the script shows the table of limits');

    like($first->{outcomes}{html}, qr{<td>limited<small>[^<]+</small></td>
        <td[ ]class="n">\d+\.\d</td><td[ ]class="n">3</td>
        <td[ ]class="n"><svg[ ]}x,
        'the script shows an outcome with its drawing');
    is((grep { !/^<small>[^<]+</ } $first->{outcomes}{html}
        =~ m{<tr><td>\w+(<small>.*?)/}g), 0,
        'the script explains each outcome in words');
    is(scalar(() = $first->{outcomes}{html} =~ /<tr>/g),
        keys(%{$json->{attempts}}) - 1,
        'the script shows a row for each outcome');
    like($first->{redis}{html}, qr{<td[ ]class="t">\Q${\$t->redis->address}\E
        </td><td[ ]class="n">[1-9]\d*</td>}x,
        'the script shows Redis and its connections');
    unlike($first->{counters}{html}, qr/undefined|NaN/,
        'the script shows counters of the JSON form only');
    like($first->{counters}{html}, qr{audit[ ]records[ ]written</td>
        <td[ ]class="n">$json->{counters}{jobruns_audit_records_total}<}x,
        'the script shows a counter');
    like($first->{rate_all}{html}, qr/^\d+\.\d$/, 'the script shows a rate');
    like($first->{admission_p99}{html},
        qr{^\x{2264} \d+ <small>ms</small>$}, 'the script shows a percentile');

    my $all = join '', map { $first->{$_}{html} } grep { ref $first->{$_} }
        sort keys %$first;
    my @points = $all =~ /points="([^"]*)"/g;
    cmp_ok(@points, '>', 20, 'the script shows drawings');
    is((grep { !/^(?:\d+,\d+ ?){120,122}$/ } @points), 0,
        'each drawing has 120 seconds');
    my ($line) = $first->{spark_limited}{html}
        =~ /<polyline points="([^"]*)"/;
    like($line, qr/,2(?: |$)/,
        'the second with the most is at the top of a drawing');
    like($line, qr/,39(?: |$)/,
        'a second without any is at the bottom of a drawing');

    is($lost->{body}, 'lost',
        'the script shows that the gateway does not respond');
    is($lost->{tenants}{html}, $tenants,
        'the script keeps the old numbers when the gateway does not respond');
    is($refused->{body}, 'lost', 'the script shows that the gateway refuses');
    is($back->{body}, '', 'the script shows when the gateway responds again');

    # before the first response the plain numbers are all there is

    ($lost) = rendered(undef);
    ok($lost->{main}{hidden} && !$lost->{plain}{hidden},
        'the plain numbers stay where the script gets no response');

    # names of others become text, should an escape ever be missing

    my $evil = '</td><img src=x onerror="alert(1)">';
    $json->{topRefused}[0]{tenant} = $evil;
    $json->{redis}[0]{server} = $evil;
    $json->{redis}[0]{errors}{timeout} = 7;
    $json->{redis}[0]{breakersOpen} = 1;
    $json->{limits}[0]{name} = $evil;
    $json->{state} = { level => 'bad', text => $evil };
    $json->{troubles} = [{ level => 'bad', text => $evil, since =>
        $json->{now} - 180, affects => 'All.', remedy => 'Help.',
        runbook => 'docs/runbook.md#x' }];
    $json->{counters}{jobruns_second_runs_total} = 1;
    $json->{waiting} = 2;
    $json->{delayed} = 3;
    $json->{limits}[0]{fullest} = [{ tenant => $evil, of => 'w', window =>
        'day', used => 17, inForce => 20 }];
    $json->{redisRecentP50Us} = 250;
    $json->{redisRecentP99Us} = -1;
    $json->{times}{service}{recentP99Ms} = 2500;
    $json->{times}{hold}{recentP99Ms} = 0;

    my ($shown) = rendered(ok_response($json));
    my $safe = '&lt;/td&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;';
    like($shown->{$_}{html}, qr/\Q$safe\E/,
        "a hostile name is shown as text: $_")
        for qw(tenants redis limits troubles);
    like($shown->{troubles}{html}, qr{^<p[ ]class="state[ ]bad">.*
        <small>For[ ]3[ ]min\.[ ]All\.[ ]Help\.[ ]
        <a[ ]href="\?format=runbook\#x">Runbook</a></small></p>$}x,
        'a trouble has since when, whom it affects, what to do, and a link');
    is($shown->{waiting}{html}, '2 <small>and 3</small>',
        'the page has the requests that wait and are delayed');
    like($shown->{limits}{html}, qr{<small>17[ ]of[ ]20:[ ]
        &lt;/td&gt;.*,[ ]w,[ ]this[ ]day</small>}x,
        'a key of a quota is shown with its window, not hot below 90 percent');
    unlike($shown->{zeros}{html}, qr/first of a token/,
        'a counter that is not zero is not folded away');
    like($shown->{zeros}{html}, qr/audit files lost/,
        'one that is zero is folded away');
    like($shown->{redis}{html}, qr/<td class="n hot">1<.*7 timeout</,
        'an open breaker and an error are highlighted');
    like($shown->{counters}{html}, qr/first[ ]of[ ]a[ ]token<\/td><td
        [ ]class="n[ ]hot">1</x,
        'a counter that calls for a look is highlighted');
    is($shown->{redis_p50}{html}, "\x{2264} 250 <small>\x{b5}s</small>",
        'a time can be shown in microseconds');
    is($shown->{redis_p99}{html}, 'longer than all buckets',
        'a time beyond all buckets is shown as such');
    is($shown->{service_p99}{html}, "\x{2264} 2.5 <small>s</small>",
        'a time can be shown in seconds');
    is($shown->{hold_p99}{html}, "\x{2013}",
        'a time is shown as a dash when nothing was timed');

    # no limits, nobody refused, and an outcome of a later version

    $json->{limits} = [];
    $json->{topRefused} = [];
    $json->{$_}{later} = 5 for qw(attempts attemptsPerSecond);
    $json->{history}{attempts}{later} = [(0) x 120];
    ($shown) = rendered(ok_response($json));
    ok($shown->{limits_card}{hidden},
        'no table of limits is shown without limits');
    like($shown->{tenants}{html}, qr/>none</,
        'the table of tenants is empty when none was refused');
    like($shown->{outcomes}{html}, qr/<td>later</,
        'an outcome without words is shown all the same');
}

like($t->get('/status?format=html')->body, qr/^<!DOCTYPE html>/,
    'the page is also returned for ?format=html');
like($t->get('/status')->body, qr/^# HELP/,
    'the text form is returned without Accept');

# without Redis the first sentence says so

$t->allow_log(qr/redis|Redis/);
my $server = $t->redis->address;
$t->redis->stop;
wait_for {
    $t->create_run(headers => { 'X-Tenant' => 'acme' });
    page()->body =~ m{<p class="state bad">Redis \Q$server\E is unreachable}
} 'the sentence of a Redis that is gone';
my $state = figures()->{state};

# the runbook is there without any other server

my ($link) = page()->body =~ /<a href="\?format=runbook#(\w+)">Runbook</;
is($link, 'jobrunsredisunreachable',
    'a trouble links to its paragraph without the script, too');
my $runbook = $t->get('/status?format=runbook');
is($runbook->header('Content-Type'), 'text/html; charset=utf-8',
    'the runbook is HTML');
like($runbook->header('Content-Security-Policy') // '',
    qr/^default-src 'none';/, 'the runbook has the policy of the page');
like($runbook->body, qr{<h2[ ]id="$link">JobrunsRedisUnreachable</h2>\n<p>
    A[ ]worker[ ]cannot[ ]use[ ]Redis}x, 'the runbook has the paragraph');
unlike($runbook->body, qr/href|src=|<script/, 'the runbook needs nothing else');
open my $source, '<', 'docs/runbook.md' or die "docs/runbook.md: $!\n";
my @titles = map { /^## (\w+)$/ } <$source>;
is_deeply([$runbook->body =~ /<h2 id="(\w+)">/g], [map { lc } @titles],
    'the runbook has all paragraphs, by the names of the alerts');

is($state->{level}, 'bad',
    'the JSON form has the level of a Redis that is out of reach');
like($state->{text}, qr/^Redis \Q$server\E is unreachable/,
    'the JSON form has the sentence of a Redis that is out of reach');

done_testing;
