# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Clock;

# The wall clock of one NGINX, which may be wrong and may jump: the library of
# tests/clock_preload.c, before the clocks of what is started by run().

use strict;
use warnings;

use Carp qw(croak);
use File::Spec ();

# Where the library stands; a test without it has nothing to try.
sub library { return $ENV{TEST_CLOCK_PRELOAD} || 'build/clock_preload.so' }

sub new {
    my ($class, $path) = @_;

    open my $fh, '+>', $path or croak "$path: $!";
    my $self = bless { path => $path, fh => $fh }, $class;
    $self->wrong_by(0);
    $self->passed(0);

    return $self;
}

# Runs code whose new processes have this clock.

sub run {
    my ($self, $code) = @_;

    local $ENV{LD_PRELOAD} = join ' ', $ENV{LD_PRELOAD} // (),
        File::Spec->rel2abs(library());
    local $ENV{JOBRUNS_CLOCK} = $self->{path};
    local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
        'verify_asan_link_order=0';

    return $code->();
}

# From now on it is so many whole seconds ahead, or behind if negative.

sub wrong_by {
    my ($self, $seconds) = @_;

    sysseek $self->{fh}, 0, 0 or croak "$self->{path}: $!";
    syswrite $self->{fh}, pack 'q', $seconds or croak "$self->{path}: $!";
}

# By how much it is wrong now, whoever has set it.

sub wrong {
    my ($self) = @_;

    sysseek $self->{fh}, 0, 0 or croak "$self->{path}: $!";
    sysread $self->{fh}, my $bytes, 8 or croak "$self->{path}: $!";

    return unpack 'q', $bytes;
}

# So many whole seconds have passed, by the monotonic clock alone.

sub passed {
    my ($self, $seconds) = @_;

    sysseek $self->{fh}, 8, 0 or croak "$self->{path}: $!";
    syswrite $self->{fh}, pack 'q', $seconds or croak "$self->{path}: $!";
}

1;
