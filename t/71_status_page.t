#!/usr/bin/perl

# The page of jobruns_status: whole without JavaScript, without a resource
# from outside, and proof against what clients call themselves.

use lib 't/lib';
use JobRuns;

use Digest::SHA qw(sha256_hex);

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
like($text, qr{<td class="t">$digest<td class="n">1\b},
    'the hostile tenant by its digest');
like($text, qr{<td class="t">acme<td class="n">2\b}, 'a plain one by name');
ok(index($text, 'acme') < index($text, $digest), 'the most refused first');
like($text, qr{<td>one<td>rate<td class="n">3<td class="n">0},
    'the limit that refused');

my ($nonce) = ($answer->header('Content-Security-Policy') // '')
    =~ /^default-src 'none'; .*script-src 'nonce-([0-9a-f]{32})'/;
ok($nonce, 'a policy that lets nothing in');
my @scripts = $text =~ /<script([^>]*)>/g;
is("@scripts", qq{ nonce="$nonce"}, 'one script, the one of the policy');
isnt((page()->header('Content-Security-Policy') =~ /nonce-(\w+)/)[0], $nonce,
    'another nonce for each page');

# nothing from outside, whole without JavaScript

unlike($text, qr/(?:src|href)\s*=|url\(|\@import|https?:/i,
    'no resource from outside');
like($text, qr{<noscript><meta http-equiv="refresh" content="2"></noscript>},
    'reloaded by a browser without JavaScript');
like($text, qr/prefers-color-scheme:dark/, 'dark and light');
like($text, qr{<td>limited<small>.*?</small><td\ class="n">\d+\.\d<td[ ]
    class="n">3<td\ class="n"><svg\ }x, 'an outcome, with its drawing');
like($text, qr{<p class="state">All is well\.</p>}, 'one sentence first');

# points of the drawings are numbers

my @points = $text =~ /points="([^"]*)"/g;
cmp_ok(@points, '>', 20, 'drawings');
is((grep { !/^(?:\d+,\d+ ?){120,122}$/ } @points), 0, 'of 120 seconds each');

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

done_testing;
