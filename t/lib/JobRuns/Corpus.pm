# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Corpus;

# Lines of JSON to run through the gateway: the project's own vectors, and
# larger corpora that need not be there.

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use Cwd qw(abs_path);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use Test::More ();

our @EXPORT_OK = qw(corpus vectors line_body agree entries places);

# disagreeing lines that are shown
my $shown = 20;

my $root = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));


# The lines of $JR_SUITES/NAME (default ../shared/suites), or nothing.

sub corpus {
    my ($name) = @_;

    my $path = ($ENV{JR_SUITES} // "$root/../shared/suites") . "/$name";
    return read_lines($path) if -e $path;

    Test::More::diag("skip: corpus $name is not here");
    return ();
}

# The lines of tests/vectors/NAME, which must be there.

sub vectors {
    my ($name) = @_;
    return read_lines("$root/tests/vectors/$name");
}

sub read_lines {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!\n";
    my $json = JSON::PP->new->utf8;
    my @lines = map { $json->decode($_) } grep { /\S/ } <$fh>;
    die "$path: no line\n" if !@lines;

    return @lines;
}

# The bytes of a line's "body", "b64" or "body_b64", or "body_gen".

sub line_body {
    my ($line) = @_;

    my $gen = $line->{body_gen};
    my $body = defined $line->{body} ? $line->{body}
        : $gen ? $gen->{prefix} . $gen->{unit} x $gen->{count} . $gen->{suffix}
        : return decode_base64($line->{body_b64} // $line->{b64});
    utf8::encode($body);

    return $body;
}

# One test: $check says of each line what is wrong with it, or nothing, or
# 'outside' where the line is about something else.

sub agree {
    my ($name, $check, @lines) = @_;
    my ($agree, $outside, @bad) = (0, 0);

    for my $line (@lines) {
        my $wrong = $check->($line);

        if (!defined $wrong) {
            $agree++;
        } elsif ($wrong eq 'outside') {
            $outside++;
        } else {
            push @bad, ($line->{id} // $line->{s}) . ": $wrong";
        }
    }

    my $judged = $agree + @bad;
    Test::More::diag(sprintf '%s: %d of %d lines agree (%.1f%%), %d of the %d'
        . ' lines are outside', $name, $agree, $judged,
        $judged ? 100 * $agree / $judged : 0, $outside, scalar @lines);

    Test::More::ok($agree && !@bad, "$name: all lines agree")
        or Test::More::diag(join "\n", @bad > $shown
            ? (@bad[0 .. $shown - 1], 'and ' . (@bad - $shown) . ' more')
            : @bad);
}

# The entries of a message that reports violations: [pointer, explanation].
# A pointer begins with a slash or is empty; a found value may hold "; ", but
# then what follows does not read like an entry.

sub entries {
    my ($message) = @_;

    $message =~ s/; and \d+ more\z//;

    return map { s/^the request body: /: /r =~ m{^((?:/.*?)?): (.*)\z}s
                     ? [$1, $2] : [] }
        split m{; (?=(?:/[^\s"]*|the request body): )}, $message;
}

# Where the violations of a message are, as a corpus names them: a required
# member that is not there is its object's; the same place again is one.

sub places {
    my ($message) = @_;
    my @places;

    for my $entry (entries($message)) {
        my ($pointer, $text) = @$entry;

        $pointer = '(no entry)' if !defined $pointer;
        $pointer =~ s{/[^/]*\z}{} if ($text // '') eq 'required';
        push @places, $pointer if !@places || $places[-1] ne $pointer;
    }

    return @places;
}

1;
