# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Hpack;

# Header compression of HTTP/2 (RFC 7541), as little as a test client needs:
# it writes literals only, and it tells the server to keep no dynamic table.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(hpack_encode hpack_decode);

# Appendix A.
my @static = (undef, map { [/^(\S+) ?(.*)/] } split /\n/, <<'END');
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
END

# Appendix B.  The code is canonical, so that the lengths say it all: symbols
# of each length in bits.
my %lengths = (
    5 => '48-50 97 99 101 105 111 115-116',
    6 => '32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117',
    7 => '58 66-87 89 106-107 113 118-122',
    8 => '38 42 44 59 88 90',
    10 => '33-34 40-41 63',
    11 => '39 43 124',
    12 => '35 62',
    13 => '0 36 64 91 93 126',
    14 => '94 125',
    15 => '60 96 123',
    19 => '92 195 208',
    20 => '128 130-131 162 184 194 224 226',
    21 => '153 161 167 172 176-177 179 209 216-217 227 229-230',
    22 => '129 132-134 136 146 154 156 160 163-164 169-170 173 178 181'
        . ' 185-187 189-190 196 198 228 232-233',
    23 => '1 135 137-141 143 147 149-152 155 157-158 165-166 168 174-175'
        . ' 180 182-183 188 191 197 231 239',
    24 => '9 142 144-145 148 159 171 206 215 225 236-237',
    25 => '199 207 234-235',
    26 => '192-193 200-202 205 210 213 218-219 238 240 242-243 255',
    27 => '203-204 211-212 214 221-223 241 244-248 250-254',
    28 => '2-8 11-12 14-21 23-31 127 220 249',
    30 => '10 13 22',
);

my %huffman;                            # bits as text => character

sub build_huffman {
    my ($code, $before) = (0, 0);

    for my $length (sort { $a <=> $b } keys %lengths) {
        $code <<= $length - $before;
        $before = $length;
        for (split / /, $lengths{$length}) {
            my ($from, $to) = /^(\d+)-?(\d*)/;
            $huffman{sprintf '%0*b', $length, $code++} = chr
                for $from .. ($to || $from);
        }
    }
}

build_huffman();

sub integer {
    my ($first, $bits, $value) = @_;
    my $max = (1 << $bits) - 1;

    return chr($first | $value) if $value < $max;
    my $bytes = chr($first | $max);
    $value -= $max;
    while ($value >= 128) {
        $bytes .= chr(128 | $value & 127);
        $value >>= 7;
    }

    return $bytes . chr $value;
}

# [[name, value], ...] to bytes: literals without indexing.

sub hpack_encode {
    my ($headers) = @_;

    return join '', map {
        "\0" . join '', map { integer(0, 7, length) . $_ } lc $_->[0], $_->[1]
    } @$headers;
}

sub take_integer {
    my ($in, $bits) = @_;

    my $max = (1 << $bits) - 1;
    my $value = ord(substr $$in, 0, 1, '') & $max;
    return $value if $value < $max;

    for (my $shift = 0; ; $shift += 7) {
        my $byte = ord substr $$in, 0, 1, '';
        $value += ($byte & 127) << $shift;
        return $value if $byte < 128;
    }
}

sub take_string {
    my ($in) = @_;

    my $packed = ord($$in) & 128;
    my $length = take_integer($in, 7);
    my $bytes = substr $$in, 0, $length, '';
    return $bytes unless $packed;

    my ($text, $bits) = ('', '');
    for (split //, unpack 'B*', $bytes) {
        $bits .= $_;
        my $char = $huffman{$bits} // next;
        $text .= $char;
        $bits = '';
    }
    die "bad Huffman padding\n" if $bits !~ /^1{0,7}\z/;

    return $text;
}

sub hpack_decode {
    my ($in) = @_;
    my @headers;

    while (length $in) {
        my $first = ord $in;

        if ($first & 128) {
            push @headers, [@{entry(take_integer(\$in, 7))}];

        } elsif (($first & 224) == 32) {
            take_integer(\$in, 5);      # size of the table: it stays empty

        } else {
            my $index = take_integer(\$in, $first & 64 ? 6 : 4);
            my $name = $index ? entry($index)->[0] : take_string(\$in);
            push @headers, [$name, take_string(\$in)];
        }
    }

    return \@headers;
}

sub entry {
    my ($index) = @_;
    return $static[$index] // die "header $index is in no table\n";
}

1;
