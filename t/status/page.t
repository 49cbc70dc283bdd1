#!/usr/bin/perl

# The page of jobruns_status: numbers without JavaScript, tables and drawings
# with it, without a resource from outside, and proof against what clients call
# themselves.

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
    'created');
is($t->create_run(headers => { 'X-Tenant' => $hostile })->status, 429,
    'limited');
is($t->create_run(headers => { 'X-Tenant' => 'acme' })->status, 201,
    'another tenant');
is($t->create_run(headers => { 'X-Tenant' => 'acme' })->status, 429,
    'limited, too') for 1 .. 2;

my $answer = page();
my $text = $answer->body;

is($answer->status, 200, 'a page');
is($answer->header('Content-Type'), 'text/html; charset=utf-8', 'of HTML');
is($answer->header('Cache-Control'), 'no-store', 'not to be kept');

# what a client sent is not in it, but for its digest

unlike($text, qr/alert\('x'\)|<img|evil/, 'nothing of a hostile name');
my $digest = '~' . sha256_hex($hostile);

my ($nonce) = ($answer->header('Content-Security-Policy') // '')
    =~ /^default-src 'none'; .*script-src 'nonce-([0-9a-f]{32})'/;
ok($nonce, 'a policy that lets nothing in');
like($answer->header('Content-Security-Policy'),
    qr/style-src 'nonce-$nonce'/, 'the style is let in by the nonce, too');
my @scripts = $text =~ /<script([^>]*)>/g;
is("@scripts", qq{ nonce="$nonce"}, 'one script, the one of the policy');
my @styles = $text =~ /<style([^>]*)>/g;
is("@styles", qq{ nonce="$nonce"}, 'one style, the one of the policy');
unlike($text, qr/<[^>]*\s(?:style|on\w+)=/,
    'no attribute that the policy would stop');
isnt((page()->header('Content-Security-Policy') =~ /nonce-(\w+)/)[0], $nonce,
    'another nonce for each page');
unlike($text, qr/\{\{/, 'every mark of the file is replaced');

# nothing from outside

is(join(' ', $text =~ /(?:src|href)\s*=\s*("[^"]*"|\S+)/g),
    '"?format=prometheus"', 'one link, to the text form');
unlike($text, qr/\burl\(|\@import|https:|http:(?!\/\/www\.w3\.org\/2000\/svg')/,
    'no resource from outside');
like($text, qr/prefers-color-scheme: dark/, 'dark and light');

# without JavaScript: one sentence, and the numbers of the JSON form

like($text, qr{<noscript><meta http-equiv="refresh" content="2"></noscript>},
    'reloaded by a browser without JavaScript');
like($text, qr{<p class="state good">All is well\.</p>}, 'one sentence first');
like($text, qr{<main[^>]* hidden>}, 'tables of the script are not shown');

my ($plain) = $text =~ m{<pre>(.*?)</pre>}s;
unlike($plain, qr/[<>"']/, 'the numbers are escaped');
my %entity = (lt => '<', gt => '>', amp => '&', quot => '"');
$plain =~ s/&(\w+);/$entity{$1}/g;
like($plain, qr/^"limited":3,$/m, 'a number on a line of its own');
$plain = JSON::PP->new->utf8->decode($plain);

my $json = figures();
delete $_->{counters}{jobruns_audit_syncs_total} for $plain, $json;
is_deeply([map { $_->{tenant} } @{$plain->{topRefused}}], ['acme', $digest],
    'tenants: the most refused first, a hostile one by its digest');
is_deeply($plain->{$_}, $json->{$_}, "$_ as in the JSON form")
    for qw(version configuration attempts limits topRefused counters settles);
is_deeply([sort grep { $_ ne 'history' } keys %$json], [sort keys %$plain],
    'nothing of the JSON form is missing, but the history');

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
    is($?, 0, 'the script runs');

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
        'the same address is asked for the JSON form');
    ok(!$first->{main}{hidden}, 'the tables are shown');
    ok($first->{plain}{hidden}, 'in the place of the plain numbers');
    is("$first->{state}{class}: $first->{state}{html}",
        'state good: All is well.', 'one sentence first');
    like($first->{meta}{html}, qr/version \Q$json->{version}\E, NGINX /,
        'what runs');

    my $tenants = $first->{tenants}{html};
    like($tenants, qr{<td class="t">$digest</td><td class="n">1\b},
        'the hostile tenant by its digest');
    like($tenants, qr{<td class="t">acme</td><td class="n">2\b},
        'a plain one by name');
    ok(index($tenants, 'acme') < index($tenants, $digest),
        'the most refused first');
    like($first->{limits}{html}, qr{<td>one</td><td>rate</td>
        <td[ ]class="n">3</td><td[ ]class="n">0</td>}x,
        'the limit that refused');
    ok(!$first->{limits_card}{hidden}, 'limits are shown');

    like($first->{outcomes}{html}, qr{<td>limited<small>[^<]+</small></td>
        <td[ ]class="n">\d+\.\d</td><td[ ]class="n">3</td>
        <td[ ]class="n"><svg[ ]}x, 'an outcome, with its drawing');
    is((grep { !/^<small>[^<]+</ } $first->{outcomes}{html}
        =~ m{<tr><td>\w+(<small>.*?)/}g), 0, 'each outcome in words');
    is(scalar(() = $first->{outcomes}{html} =~ /<tr>/g),
        keys(%{$json->{attempts}}) - 1, 'each outcome has a row');
    like($first->{redis}{html}, qr{<td[ ]class="t">\Q${\$t->redis->address}\E
        </td><td[ ]class="n">[1-9]\d*</td>}x, 'Redis and its connections');
    unlike($first->{counters}{html}, qr/undefined|NaN/,
        'each counter is one of the JSON form');
    like($first->{counters}{html}, qr{audit[ ]records[ ]written</td>
        <td[ ]class="n">$json->{counters}{jobruns_audit_records_total}<}x,
        'a counter');
    like($first->{rate_all}{html}, qr/^\d+\.\d$/, 'a rate');
    like($first->{admission_p99}{html},
        qr{^\x{2264} \d+ <small>ms</small>$}, 'a percentile');

    my $all = join '', map { $first->{$_}{html} } grep { ref $first->{$_} }
        sort keys %$first;
    my @points = $all =~ /points="([^"]*)"/g;
    cmp_ok(@points, '>', 20, 'drawings');
    is((grep { !/^(?:\d+,\d+ ?){120,122}$/ } @points), 0,
        'of 120 seconds each');
    my ($line) = $first->{spark_limited}{html}
        =~ /<polyline points="([^"]*)"/;
    like($line, qr/,2(?: |$)/, 'the second with the most is at the top');
    like($line, qr/,39(?: |$)/, 'one without any at the bottom');

    is($lost->{body}, 'lost', 'a gateway that does not respond is told');
    is($lost->{tenants}{html}, $tenants, 'and the old numbers stay');
    is($refused->{body}, 'lost', 'so is one that refuses');
    is($back->{body}, '', 'until it responds again');

    # before the first response the plain numbers are all there is

    ($lost) = rendered(undef);
    ok($lost->{main}{hidden} && !$lost->{plain}{hidden},
        'the plain numbers stay where the script gets none');

    # names of others become text, should an escape ever be missing

    my $evil = '</td><img src=x onerror="alert(1)">';
    $json->{topRefused}[0]{tenant} = $evil;
    $json->{redis}[0]{server} = $evil;
    $json->{redis}[0]{errors}{timeout} = 7;
    $json->{redis}[0]{breakersOpen} = 1;
    $json->{limits}[0]{name} = $evil;
    $json->{state} = { level => 'bad', text => $evil };
    $json->{counters}{jobruns_second_runs_total} = 1;
    $json->{redisRecentP50Us} = 250;
    $json->{redisRecentP99Us} = -1;
    $json->{times}{service}{recentP99Ms} = 2500;
    $json->{times}{hold}{recentP99Ms} = 0;

    my ($shown) = rendered(ok_response($json));
    my $safe = '&lt;/td&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;';
    like($shown->{$_}{html}, qr/\Q$safe\E/, "a name is text: $_")
        for qw(tenants redis limits state);
    is($shown->{state}{class}, 'state bad', 'the tone of the sentence');
    like($shown->{redis}{html}, qr/<td class="n hot">1<.*7 timeout</,
        'an open breaker and an error stand out');
    like($shown->{counters}{html}, qr/first[ ]of[ ]a[ ]token<\/td><td
        [ ]class="n[ ]hot">1</x, 'so does a counter that calls for a look');
    is($shown->{redis_p50}{html}, "\x{2264} 250 <small>\x{b5}s</small>",
        'microseconds');
    is($shown->{redis_p99}{html}, 'longer than all buckets', 'no bound');
    is($shown->{service_p99}{html}, "\x{2264} 2.5 <small>s</small>",
        'seconds');
    is($shown->{hold_p99}{html}, "\x{2013}", 'nothing was timed');

    # no limits, nobody refused, and an outcome of a later version

    $json->{limits} = [];
    $json->{topRefused} = [];
    $json->{$_}{later} = 5 for qw(attempts attemptsPerSecond);
    $json->{history}{attempts}{later} = [(0) x 120];
    ($shown) = rendered(ok_response($json));
    ok($shown->{limits_card}{hidden}, 'no table of limits without limits');
    like($shown->{tenants}{html}, qr/>none</, 'nobody was refused');
    like($shown->{outcomes}{html}, qr/<td>later</,
        'an outcome without words is shown all the same');
}

like($t->get('/status?format=html')->body, qr/^<!DOCTYPE html>/,
    'also by ?format=html');
like($t->get('/status')->body, qr/^# HELP/, 'Prometheus without Accept');

# without Redis the first sentence says so

$t->allow_log(qr/redis|Redis/);
my $server = $t->redis->address;
$t->redis->stop;
wait_for {
    $t->create_run(headers => { 'X-Tenant' => 'acme' });
    page()->body =~ m{<p class="state bad">Redis \Q$server\E is out of reach}
} 'the sentence of a Redis that is gone';
my $state = figures()->{state};
is($state->{level}, 'bad', 'and the JSON form has it');
like($state->{text}, qr/^Redis \Q$server\E is out of reach of \d+ of \d+ /,
    'in the same words');

done_testing;
