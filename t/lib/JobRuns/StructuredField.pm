# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::StructuredField;

# Lists of structured fields (RFC 9651), parsed as strictly as section 4.2
# says; what does not parse dies.

use strict;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(decode_base64);

our @EXPORT_OK = qw(parse_list);

# parse_list(TEXT): items in order, each { value => ..., type => ...,
# parameters => { key => value }, types => { key => type } }; type is integer,
# decimal, string, token, bytes or boolean.

sub parse_list {
    my ($text) = @_;
    my @items;

    local $_ = $text;
    s/^ +//;
    while (length) {
        push @items, item();
        s/^[ \t]+//;
        last unless length;
        s/^,[ \t]*// or die "no comma at \"$_\"\n";
        die "a comma at the end of \"$text\"\n" unless length;
    }

    return @items;
}

sub item {
    my ($value, $type) = bare_item();
    my (%parameters, %types);

    while (s/^; *//) {
        s/^([a-z*][a-z0-9_.*-]*)// or die "no key at \"$_\"\n";
        my $key = $1;
        ($parameters{$key}, $types{$key}) = s/^=// ? bare_item()
            : (1, 'boolean');
    }

    return { value => $value, type => $type, parameters => \%parameters,
        types => \%types };
}

sub bare_item {
    return ($1, 'decimal') if s/^(-?[0-9]{1,12}\.[0-9]{1,3})(?![0-9.])//;
    return ($1 + 0, 'integer') if s/^(-?[0-9]{1,15})(?![0-9.])//;
    return ($1, 'token') if s/^([A-Za-z*][!#\$%&'*+.^_`|~0-9A-Za-z:\/-]*)//;
    return ($1, 'boolean') if s/^\?([01])//;

    my $digit = '[A-Za-z0-9+/]';
    return (decode_base64($1), 'bytes')
        if s/^:((?:$digit{4})*(?:$digit{2}==|$digit{3}=)?)://;

    if (s/^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"//) {
        (my $string = $1) =~ s/\\(["\\])/$1/g;
        return ($string, 'string');
    }

    die "no item at \"$_\"\n";
}

1;
