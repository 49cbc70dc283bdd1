# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Schemas;

# The schemas of responses (tests/schema/) against bodies of answers,
# checked with jobruns-lint.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp ();
use JSON::PP ();
use Test::More ();

our @EXPORT_OK = qw(holds);

my $root = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));


# One test: each body holds against the schema, JobRun or Error.  All go into
# one array, so that jobruns-lint runs once.

sub holds {
    my ($name, $what, @bodies) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %seen;
    @bodies = grep { !$seen{$_}++ } @bodies;

    my $dir = File::Temp->newdir;
    my $lint = $ENV{TEST_JOBRUNS_LINT} || "$root/build/jobruns-lint";
    my $json = JSON::PP->new->canonical;
    my $schema = $json->decode(slurp("$root/tests/schema/$name.json"));

    my $defs = delete $schema->{'$defs'} // {};
    delete @$schema{'$schema', '$id'};
    $defs->{$name} = $schema;

    spew("$dir/schema", $json->encode({ '$defs' => $defs, type => 'array',
        items => { '$ref' => "#/\$defs/$name" } }));
    spew("$dir/bodies", '[' . join(',', @bodies) . ']');

    my $said = `'$lint' --schema '$dir/schema' '$dir/bodies' 2>&1`;

    Test::More::ok(@bodies && $? == 0, "$what: as $name.json has it")
        or Test::More::diag($said || 'none');
}

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;
    return <$fh>;
}

sub spew {
    my ($path, $text) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $text;
    close $fh or die "$path: $!\n";
}

1;
