#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The two that read JSON for the judge of `make chaos` agree, so that it judges
# alike wherever it runs; without the quick one, there is one to look at.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use JobRuns::Json;

my @codecs = map { JobRuns::Json::codec($_) } 'JSON::PP',
    eval { require Cpanel::JSON::XS; 'Cpanel::JSON::XS' } // ();

my @good = ('{"time":1764282238.25,"key":"\u00e9","n":null,"list":[1,true]}',
    '[]', '{"a":{"b":[{}]}}', "{\"a\":\"\xc3\xa9\"}", '{"n":12345678901234}');
my @bad = ('', '{"a":1', '{"a":1}{"b":2}', '{"a":1,}', "{\"a\":\"\xff\"}",
    "{\"a\":\"\n\"}", '{a:1}', "{'a':1}", '{"a":01}', '{"a":NaN}',
    '{"a":"\ud800"', '[1,2', 'x{"a":1}', '{"a":1}x', "{\"a\":1}\0");

for my $codec (@codecs) {
    my $name = ref $codec;

    for my $text (@good) {
        my $value = eval { $codec->decode($text) };

        ok(ref $value, "$name reads $text") or next;
        is_deeply($codec->decode($codec->encode($value)), $value,
            "$name reads what it has written of it");
    }

    for my $text (@bad) {
        is(eval { $codec->decode($text) }, undef,
            "$name refuses " . ($text =~ s/([^ -~])/sprintf '\\x%02x',
                ord $1/ger || 'nothing'));
    }

    is($codec->encode({ b => 1.5, a => 'x' }), '{"a":"x","b":1.5}',
        "$name writes members in order");
}

done_testing;
