# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Stored;

# What the gateway stores in Redis, taken apart and put together: records, and
# the counters of one key (core/api/jr_script.h has their layout).
#
# A record is a hash: v format, s state ("c", "d", "u"), w "u" if claimed over
# an unknown outcome, l end of the lease, t its length, x end of the record,
# b when it was claimed, o owner in hex, f "<version>:<hex>", r first request
# id, i the owner's; k what a claim consumed; of a done one n location, j key of
# the run, a response, sum (right unless it is given).  Strings are bytes.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter qw(import);

our @EXPORT_OK = qw(read_record write_record read_counters
    write_counters call_words admit_reply);

my $head = 81;


# undef where it is none

sub read_record {
    my ($text) = @_;

    return undef if !defined $text || length $text < $head
        || $text !~ /^1[cdu]/;

    my %r = (
        v => substr($text, 0, 1), s => substr($text, 1, 1),
        w => ord(substr $text, 2, 1) ? 'u' : '',
        l => number(substr $text, 3, 7), t => number(substr $text, 10, 4),
        x => number(substr $text, 14, 7), b => number(substr $text, 21, 7),
        o => unpack('H*', substr $text, 28, 16),
        f => ord(substr $text, 44, 1) . ':'
            . unpack('H*', substr $text, 45, 32),
    );
    my ($whole, $first) = unpack 'nn', substr $text, 77, 4;
    my $tail = substr $text, $whole;

    $r{r} = substr $text, $head, $first;
    $r{i} = substr($text, $head + $first, $whole - $head - $first);
    $r{i} = $r{r} if $r{i} eq '';

    if ($r{s} eq 'c') {
        $r{k} = $tail;

    } else {
        delete @r{qw(l t w b)};
    }

    (@r{qw(sum n j)}, $r{a}) = unpack 'a8 n/a n/a a*', $tail if $r{s} eq 'd';

    return \%r;
}


sub write_record {
    my (%r) = @_;
    my ($version, $print) = split /:/, $r{f};
    my $own = $r{i} eq $r{r} ? '' : $r{i};
    my $tail = '';

    if ($r{s} eq 'd') {
        $tail = pack('n/a* n/a*', $r{n} // '', $r{j} // '') . ($r{a} // '');
        $tail = ($r{sum} // substr sha256($tail), 0, 8) . $tail;

    } elsif ($r{s} eq 'c') {
        $tail = $r{k} // '';
    }

    return '1' . $r{s} . chr(($r{w} // '') eq 'u' ? 1 : 0)
        . bytes($r{l} // 0, 7) . bytes($r{t} // 15000, 4) . bytes($r{x}, 7)
        . bytes($r{b} // 0, 7) . pack('H32', $r{o}) . chr($version)
        . pack('H64', $print)
        . pack('nn', $head + length($r{r}) + length $own, length $r{r})
        . $r{r} . $own . $tail;
}


# "rate:name" and "quota:name:window" (its first letter) to [end, since, count]

sub read_counters {
    my ($text) = @_;
    my %counters;

    return {} if !defined $text || $text !~ s/^1//;

    while ($text =~ s/^([rq])(.)(.)//s) {
        my ($kind, $window, $length) = ($1, $2, ord $3);
        my $name = substr $text, 0, $length, '';
        my @numbers = map { number($_) } unpack 'a7 a7 a7', substr $text, 0, 21,
            '';

        $counters{$kind eq 'r' ? "rate:$name" : "quota:$name:$window"}
            = \@numbers;
    }

    return \%counters;
}


sub write_counters {
    my (%counters) = @_;
    my $text = '1';

    for (sort keys %counters) {
        my ($kind, $name, $window) = split /:/;

        $text .= substr($kind, 0, 1) . ($window // '-') . pack('C/a*', $name)
            . join '', map { bytes($_, 7) } @{$counters{$_}};
    }

    return $text;
}


# The reply of admit.lua that tells each attempt one of these, as Redis sends
# it: its clock is one millisecond past 1970, and no override is wrong.

sub admit_reply {
    my @told = (pack('a x6 C n', '1', 1, 0), @_);

    return '*' . @told . "\r\n" . join '',
        map { '$' . length($_) . "\r\n$_\r\n" } @told;
}

# A call of a script as words: KEYS as they are, arguments as they are packed
# with the names of their values.

sub call_words {
    my ($keys, @args) = @_;
    my @words = splice @args, 0, $keys;

    push @words, shift @args if @args && $args[0] =~ /^\d{16}$/;
    my $admits = @words > $keys;

    push @words, shared_words(shift @args) if @args;

    for my $text (@args) {
        push @words, length $text == 16 ? unpack('H32', $text)
            : $admits ? admit_words($text) : settle_words($text);
    }

    return @words;
}


sub shared_words {
    my ($text) = @_;
    my ($format, $refuse, $lease, $slots, $count) = unpack 'aCNCC', $text;
    my @words = ("format=$format",
        'unknown=' . ($refuse ? 'refuse' : 'forward'), "lease=$lease",
        "slots=$slots");

    substr $text, 0, 8, '';

    for (1 .. $count) {
        my ($key, $mode, @values) = unpack 'CCa7a7a7naaC/a', $text;
        my ($delay, $kind, $window, $name) = @values[3 .. 6];

        substr $text, 0, 28 + length $name, '';
        push @words, join ' ', "limit=$kind", $name, $window,
            "key $key", map({ number($_) } @values[0 .. 2]),
            $delay ? "delay $delay" : (),
            $mode == 1 ? 'dry_run' : $mode == 2 ? 'awaited' : ();
    }

    return @words;
}


sub admit_words {
    my ($text) = @_;
    my ($life, $corrupt, $owner, $version, $print, undef, $id)
        = unpack 'a7 C/a H32 C H64 n n/a', $text;

    return "owner=$owner", "fingerprint=$version:$print",
        'life=' . number($life), "id=$id", $corrupt eq '' ? ()
            : 'corrupt=' . unpack('H*', $corrupt);
}


sub settle_words {
    my ($text) = @_;
    my (undef, $letter, $flags, $lost, undef, $end, $begin, $owner, $version,
        $print, undef, $id, $tail)
        = unpack 'a a C a7 N a7 a7 H32 C H64 n n/a a*', $text;
    my %outcome = (d => 'created', r => 'rejected', a => 'unauthorized',
        s => 'unsent', w => 'withdrawn', u => 'unknown');
    my @words = ("outcome=$outcome{$letter}",
        'token=' . ($flags & 2 ? 0 : 1), "owner=$owner",
        "fingerprint=$version:$print",
        'life=' . (number($end) - number($begin)), "id=$id");

    $lost = number($lost);
    push @words, "lost=$lost" if $lost;

    if ($tail ne '') {
        my ($sum, $location, $key, $answer) = unpack 'a8 n/a n/a a*', $tail;
        push @words, "sum=" . ($sum eq substr(sha256(substr $tail, 8), 0, 8)
            ? 'right' : 'wrong'), "location=$location", "run=$key",
            "response=$answer";
    }

    return @words;
}


sub number {
    my ($bytes) = @_;

    return unpack 'Q>', ("\0" x (8 - length $bytes)) . $bytes;
}


sub bytes {
    my ($number, $width) = @_;

    return substr pack('Q>', $number), 8 - $width;
}

1;
