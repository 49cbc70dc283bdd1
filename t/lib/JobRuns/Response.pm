# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Response;

# An answer as it came: status, headers in order, body, and every interim (1xx)
# answer before it.

use strict;
use warnings;

use JSON::PP ();

sub new {
    my ($class, %fields) = @_;
    return bless { headers => [], interim => [], body => '', %fields }, $class;
}

# From the bytes of a head, without its empty line.

sub parse_head {
    my ($class, $head) = @_;

    my ($line, @lines) = split /\r?\n/, $head;
    my ($version, $status, $reason)
        = $line =~ m{^HTTP/(\S+) +(\d+) ?(.*)} or return;
    my @headers = map { /^([^:]*):[ \t]*(.*?)[ \t]*$/s ? [$1, $2] : () } @lines;

    return $class->new(version => $version, status => $status,
        reason => $reason, headers => \@headers, raw_head => $head);
}

sub status { return $_[0]{status} }
sub reason { return $_[0]{reason} }
sub version { return $_[0]{version} }
sub raw_head { return $_[0]{raw_head} }
sub headers { return $_[0]{headers} }
sub interim { return $_[0]{interim} }
sub body { return $_[0]{body} }

# True when nothing was cut off; else error() says how it ended.
sub complete { return $_[0]{complete} }
sub error { return $_[0]{error} }

sub header_all {
    my ($self, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{$self->{headers}};
}

sub header {
    my ($self, $name) = @_;
    my ($value) = $self->header_all($name);
    return $value;
}

sub json {
    my ($self) = @_;
    return JSON::PP->new->utf8->allow_nonref->decode($self->{body});
}

# "code" of an error body, undef when there is none.

sub code {
    my ($self) = @_;
    my $body = eval { $self->json };
    return ref $body eq 'HASH' ? $body->{code} : undef;
}

1;
