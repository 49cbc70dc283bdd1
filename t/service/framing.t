#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The service frames its responses, well and badly: the client, a retry and
# the audit log agree on the outcome, with and without buffers, over HTTP/1.1
# and HTTP/2, and the client's connection can be used again.

use lib 't/lib';
use JobRuns;

use IO::Compress::Deflate qw(deflate);
use IO::Compress::Gzip qw(gzip);
use MIME::Base64 qw(encode_base64);

my $t = JobRuns->new;
$t->run(workers => 1, server => <<'CONF');
    location ~ /unbuffered/ {
        include %%ROOT%%/conf/jobruns_proxy.conf;
        proxy_pass http://service;
        proxy_buffering off;
    }
CONF

my $json = '{"key":"one","name":"x","list":[1,{"a":"}\"]"}]}';
my $length = length $json;
my $half = int($length / 2);
my $chunks = sprintf "%x\r\n%s\r\n0\r\n\r\n", $length, $json;
gzip(\$json, \my $gzip) or die;
deflate(\$json, \my $deflate) or die;
my $twice = $gzip . $gzip;

sub chunked { return sprintf "%x\r\n%s\r\n0\r\n\r\n", length $_[0], $_[0] }

# answer('STATUS REASON' or '1.0 STATUS REASON', BODY, HEADER...)

sub answer {
    my ($status, $body, @headers) = @_;

    my $version = $status =~ s/^1\.0 // ? '1.0' : '1.1';
    return join("\r\n", "HTTP/$version $status", @headers, '', $body // '');
}

my $type = 'Content-Type: application/json';
my $te = 'Transfer-Encoding: chunked';
my $encoded = 'Content-Encoding: gzip';

sub sized { return 'Content-Length: ' . (ref $_[0] ? length ${$_[0]} : $_[0]) }

# whole: the response, its status, and the body that is passed on

my %whole = (
    'gzip with a length' => [answer('201 C', $gzip, $type, $encoded,
        sized(\$gzip)), 201, $gzip],
    'gzip in chunks' => [answer('201 C', chunked($gzip), $type, $encoded,
        $te), 201, $gzip],
    'gzip to the end of the connection' => [answer('201 C', $gzip, $type,
        $encoded), 201, $gzip],
    'two members of gzip to the end' => [answer('201 C', $twice, $type,
        $encoded), 201, $twice],
    'deflate to the end' => [answer('201 C', $deflate, $type,
        'Content-Encoding: deflate'), 201, $deflate],
    'an identity coding to the end' => [answer('201 C', $json, $type,
        'Content-Encoding: identity'), 201, $json],
    'HTTP/1.0 with a length' => [answer('1.0 201 C', $json, $type,
        sized($length)), 201, $json],
    'HTTP/1.0 without' => [answer('1.0 201 C', $json, $type), 201, $json],
    'no type, to the end' => [answer('201 C', $json), 201, $json],
    'text, to the end' => [answer('201 C', 'made', 'Content-Type: text/plain'),
        201, 'made'],
    'more than its length, JSON whole' => [answer('201 C', "$json\r\nmore",
        $type, sized($length)), 201, $json],
    'more after the last chunk' => [answer('201 C', "${chunks}more", $type,
        $te), 201, $json],
    '204' => [answer('204 N'), 204, ''],
    '204 with a length of 0' => [answer('204 N', '', sized(0)), 204, ''],
    '204 with a body' => [answer('204 N', $json, $type, sized($length)), 204,
        ''],
    '204 with a body to the end' => [answer('204 N', $json, $type), 204, ''],
    '204 with a body in chunks' => [answer('204 N', $chunks, $type, $te), 204,
        ''],
    '205 to the end' => [answer('205 R', '', $type), 205, ''],
    '205 with a length of 0' => [answer('205 R', '', sized(0)), 205, ''],
);

# broken: 503, and the outcome is unknown

my %broken = (
    'gzip cut, with a length' => answer('201 C', substr($gzip, 0, 20), $type,
        $encoded, sized(\$gzip)),
    'gzip cut, in chunks' => answer('201 C', substr(chunked($gzip), 0, 20),
        $type, $encoded, $te),
    (map { ("gzip cut at $_, to the end" => answer('201 C',
        substr($gzip, 0, $_), $type, $encoded)) }
        0, 5, 20, length($gzip) - 9, length($gzip) - 1),
    'deflate cut' => answer('201 C', substr($deflate, 0, -1), $type,
        'Content-Encoding: deflate'),
    'gzip, and more after it' => answer('201 C', "${gzip}x", $type,
        $encoded),
    'invalid gzip' => answer('201 C', $json, $type, $encoded),
    'a coding that cannot be decoded' => answer('201 C', $json, $type,
        'Content-Encoding: br'),
    'an identity coding, cut' => answer('201 C', substr($json, 0, $half),
        $type, 'Content-Encoding: identity'),
    'HTTP/1.0 cut, with a length' => answer('1.0 201 C',
        substr($json, 0, $half), $type, sized($length)),
    'HTTP/1.0 cut, without' => answer('1.0 201 C', substr($json, 0, $half),
        $type),
    'cut, no type' => answer('201 C', substr($json, 0, $half)),
    'cut, another type' => answer('201 C', substr($json, 0, $half),
        'Content-Type: text/plain'),
    'more than its length, JSON cut' => answer('201 C', $json, $type,
        sized($half)),
    'two lengths, the first too short' => answer('201 C', $json, $type,
        sized($half), sized($length)),
    'two lengths, the second too short' => answer('201 C', $json, $type,
        sized($length), sized($half)),
    'an invalid length' => answer('201 C', $json, $type,
        'Content-Length: x'),
    'a negative length' => answer('201 C', $json, $type, sized(-1)),
    'a length in two parts' => answer('201 C', $json, $type,
        sized("$length, $length")),
    'a length too large' => answer('201 C', $json, $type, sized('9' x 30)),
    'a length too short, and chunks' => answer('201 C', $chunks, $type,
        sized($half), $te),
    'chunks, and a length' => answer('201 C', $chunks, $type, $te,
        sized($length)),
    'two codings of transfer, chunks whole' => answer('201 C', $chunks, $type,
        'Transfer-Encoding: gzip, chunked'),
    'chunked twice' => answer('201 C', $chunks, $type, $te, $te),
    'an invalid coding of transfer' => answer('201 C', $json, $type,
        'Transfer-Encoding: gzip, chunked'),
    '100 and no more' => "HTTP/1.1 100 Continue\r\n\r\n",
    '102 and no more' => "HTTP/1.1 102 Processing\r\n\r\n",
    '103 and no more' => "HTTP/1.1 103 Early Hints\r\n\r\n",
    '103, 103 and no more' => "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        x 2,
    '103 and half a response' => "HTTP/1.1 103 Early Hints\r\n\r\n"
        . "HTTP/1.1 201 Created\r\n",
);

# one of another status: passed on, never stored

my %other = (
    '304' => [answer('304 N'), 304],
    '304 with a length' => [answer('304 N', '', sized($length)), 304],
    '304 with a body' => [answer('304 N', $json, $type, sized($length)), 304],
    '500 in more than its length' => [answer('500 I',
        '{"code":"A","message":"b"}more', $type, sized(26)), 500],
);

my ($client, $h2);

sub post {
    my ($token, $raw, %opt) = @_;

    $client //= $h2 ? $t->h2 : $t->client;
    my $r = $t->start_run(on => $client, token => $token, %opt,
        stub => { raw_base64 => encode_base64($raw, '') })->response(5);
    undef $client if lc($r->header('connection') // '') eq 'close';
    return $r;
}

sub outcome {
    my ($id) = @_;

    # written before the response was released
    my ($line) = $t->read_file('audit.log')
        =~ /^(?!.*Run\.begin")(.*"id":"\Q$id\E".*)$/m;
    return ($line // '') =~ /"outcome":"(\w+)"/ ? $1 : 'none';
}

my %expect = ((map { $_ => [@{$whole{$_}}, 'created'] } keys %whole),
    (map { $_ => [$broken{$_}, 503, undef, 'unknown'] } keys %broken),
    (map { $_ => [@{$other{$_}}, undef, 'unknown'] } keys %other));

for my $workspace (qw(buffered unbuffered)) {
    for (0, 1) {
        $h2 = $_;
        undef $client;

        for my $name (sort keys %expect) {
            my ($raw, $status, $body, $outcome) = @{$expect{$name}};
            my $what = "$workspace, " . ($h2 ? 'HTTP/2' : 'HTTP/1.1')
                . ", $name";
            my ($token, $id) = (random_id(), random_id(20));

            my $r = eval { post($token, $raw, workspace => $workspace,
                request_id => $id) };
            if (!$r) {
                fail("$what: the client gets a response: $@");
                undef $client;
                next;
            }
            is($r->status, $status, "$what: the status is $status");
            ok($r->complete, "$what: the response is whole");
            is($r->body, $body, "$what: the body is passed on as it came")
                if defined $body;
            like($r->code // '', qr/^ExternalServer/,
                "$what: the code says that the service's response is at fault")
                if $status == 503;

            is(outcome($id), $outcome,
                "$what: the audit log has the outcome $outcome");

            my $again = eval { post($token, answer('201 C', '{"key":"two"}',
                $type, sized(13)), workspace => $workspace) };
            if (!$again) {
                fail("$what: the retry gets a response: $@");
                undef $client;
                next;
            }
            my $done = $outcome eq 'created';
            is($again->status, $done ? $status : 201,
                "$what: the retry has the expected status");
            is($again->header('opc-retry-replayed'), $done ? 'true' : undef,
                "$what: the retry is replayed only after a creation");
            is($again->body, $done ? $body : '{"key":"two"}',
                "$what: the retry has the expected body");
            is($again->header('content-encoding'),
                $r->header('content-encoding'),
                "$what: the retry has the same content coding")
                if $done;
        }
    }
}

done_testing;
