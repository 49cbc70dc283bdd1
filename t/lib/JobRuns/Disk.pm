# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Disk;

# A disk under one NGINX that can be held up or made to fail: the library of
# tests/disk_preload.c, before fdatasync() of what is started by run(), before
# its write() of audit records, and before pread() in its threads.

use strict;
use warnings;

use Carp qw(croak);
use File::Spec ();

# Where the library stands; a test without it has nothing to try.
sub library { return $ENV{TEST_DISK_PRELOAD} || 'build/disk_preload.so' }

sub new {
    my ($class, $folder) = @_;

    mkdir $folder or croak "$folder: $!";
    return bless { folder => $folder }, $class;
}

# Runs code whose new processes have this disk.

sub run {
    my ($self, $code) = @_;

    local $ENV{LD_PRELOAD} = join ' ', $ENV{LD_PRELOAD} // (),
        File::Spec->rel2abs(library());
    local $ENV{JOBRUNS_DISK} = $self->{folder};
    local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
        'verify_asan_link_order=0';

    return $code->();
}

# From now on a sync does not end, until let().
sub hold { $_[0]->mark('hold') }

# From now on a sync fails with EIO, until let().
sub fail { $_[0]->mark('fail') }

# From now on a write() of records does not end, and with it the event loop,
# until let().
sub hold_writes { $_[0]->mark('hold-writes') }

# From now on there is no space for records, until let().
sub fill { $_[0]->mark('full') }

# From now on a pread() of a thread does not end, until let().
sub hold_reads { $_[0]->mark('hold-reads') }

sub mark {
    my ($self, $name) = @_;

    open my $fh, '>', "$self->{folder}/$name" or croak "$name: $!";
}

sub let {
    my ($self) = @_;

    unlink map { "$self->{folder}/$_" } qw(hold fail full
        hold-writes hold-reads);
}

# How often fdatasync() was called since the beginning, or since forget(), and
# how often write() was for records, and pread() called in a thread.
sub syncs { return -s "$_[0]{folder}/syncs" // 0 }
sub writes { return -s "$_[0]{folder}/writes" // 0 }

sub reads { return -s "$_[0]{folder}/reads" // 0 }

sub forget { unlink map { "$_[0]{folder}/$_" } qw(syncs writes reads) }

1;
