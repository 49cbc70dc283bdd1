# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Memory;

# Memory of one NGINX that runs out at one moment: the library of
# tests/memory_preload.c, before the allocator of what is started by run().

use strict;
use warnings;

use Carp qw(croak);
use File::Spec ();

# Where the library stands; a test without it has nothing to try.
sub library { return $ENV{TEST_MEMORY_PRELOAD} || 'build/memory_preload.so' }

sub new {
    my ($class, $path) = @_;

    open my $fh, '+>', $path or croak "$path: $!";
    my $self = bless { path => $path, fh => $fh }, $class;
    $self->enough;

    return $self;
}

# Runs code whose new processes have this memory.

sub run {
    my ($self, $code) = @_;

    local $ENV{LD_PRELOAD} = File::Spec->rel2abs(library());
    local $ENV{JOBRUNS_MEMORY} = $self->{path};
    local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
        'verify_asan_link_order=0', 'allocator_may_return_null=1';

    return $code->();
}

# From now on the n-th allocation fails, and no other.
sub fail { $_[0]->write($_[1]) }

# From now on none fails.
sub enough { $_[0]->write(0) }

# all three at once, before the next is counted: see tests/memory_preload.c
sub write {
    my ($self, $at) = @_;

    for ([0, 0], [8, pack 'q2', 0, 0], [0, $at]) {
        my ($offset, $value) = @$_;
        sysseek $self->{fh}, $offset, 0 or croak "$self->{path}: $!";
        my $bytes = $offset ? $value : pack 'q', $value;
        syswrite $self->{fh}, $bytes or croak "$self->{path}: $!";
    }
}

# How many allocations there were since, and how many of them failed.

sub count { return ($_[0]->read)[1] }
sub failed { return ($_[0]->read)[2] }

sub read {
    my ($self) = @_;

    sysseek $self->{fh}, 0, 0 or croak "$self->{path}: $!";
    sysread($self->{fh}, my $bytes, 24) == 24 or croak "$self->{path}: $!";
    return unpack 'q3', $bytes;
}

1;
