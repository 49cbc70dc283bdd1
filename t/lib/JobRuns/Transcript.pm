# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Transcript;

# What one scenario left behind, as text that can be compared: what clients
# got, what Redis was asked, what the service saw, the audit records and the
# lines of error.log.  What differs from run to run is masked: times and
# durations by their kind, ids and digests by the order in which they appear,
# so that two places that must name the same id still do.

use strict;
use warnings;

use JobRuns::Stored qw(call_words);

# new(HARNESS): of a gateway that runs

sub new {
    my ($class, $t) = @_;
    return bless { t => $t, names => {}, client => [] }, $class;
}

# Forgets what was before, and listens from here on.

sub begin {
    my ($self, %opt) = @_;
    my $t = $self->{t};

    $self->{client} = [];
    $self->{names} = {};
    $t->service->reset if $t->service->running;
    $self->{redis} = $opt{redis} // 1;
    $t->redis->monitor if $self->{redis};
    $self->{audit_at} = length $t->read_file('audit.log');
    $self->{log_at} = length $t->nginx->error_log;
}

# An answer that a client got, or undef where it did not wait for one.

sub answer {
    my ($self, $what, $response) = @_;

    push @{$self->{client}}, "> $what";
    return if !$response;

    # over HTTP/2 a head has no text of its own
    my @head = defined $response->raw_head
        ? split(/\r?\n/, $response->raw_head)
        : ('HTTP/2 ' . $response->status,
            map { "$_->[0]: $_->[1]" } @{$response->headers});

    push @{$self->{client}}, map { "< $_" } grep { length } @head,
        split /\n/, $response->body // '';
}

# The text of it all.

sub text {
    my ($self) = @_;
    my $t = $self->{t};

    my @redis = $self->{redis} ? $t->redis->monitored : ('(not listened to)');
    my $audit = substr $t->read_file('audit.log'), $self->{audit_at};
    my $log = substr $t->nginx->error_log, $self->{log_at};

    my @parts = (
        client => $self->{client},
        redis => [map { called(s/^[\d.]+ \[\d+ \S+\] //r) }
            grep { !/ \[\d+ lua\] |"(?:PING|ECHO|MONITOR|INFO|TIME)"/ } @redis],
        service => [$t->service->running
            ? map { seen($_) } $t->service->requests : '(stopped)'],
        audit => [split /\n/, $audit],
        'error.log' => [map { s/^\S+ \S+ (\[\w+\]) \d+#\d+: (?:\*\d+ )?/$1 /r }
            grep { /\bjobruns: |\bredis "/ } split /\n/, $log],
    );

    my $text = '';
    while (my ($title, $lines) = splice @parts, 0, 2) {
        $text .= join "\n", "## $title", folded(map { $self->mask($_) }
            @$lines), '', '';
    }
    return $text;
}

# A line of MONITOR, with packed arguments taken apart.

sub called {
    my ($line) = @_;

    return $line if $line !~ /^"EVALSHA"/;

    my ($command, $sha, $keys, @args) = map { unescaped($_) }
        $line =~ /"((?:[^"\\]|\\.)*)"/gs;

    return join ' ', map { '"' . s{(["\\])}{\\$1}gr =~ s{\n}{\\n}gr . '"' }
        $command, $sha, $keys, call_words($keys, @args);
}

sub unescaped {
    my ($text) = @_;
    my %of = (n => "\n", r => "\r", t => "\t", a => "\a", b => "\b");

    return $text =~ s{\\(?:x([0-9a-f]{2})|(.))}
        {defined $1 ? chr hex $1 : $of{$2} // $2}gesr;
}

# One request as the service got it.

sub seen {
    my ($request) = @_;

    return "$request->{method} $request->{target} $request->{version}",
        map { "$_->[0]: $_->[1]" } @{$request->{headers}};
}

# A line that is there several times in a row, such as a poll, is one line.

sub folded {
    my @lines;

    for my $line (@_) {
        push @lines, $line unless @lines && $lines[-1] eq $line;
    }
    return @lines;
}

sub mask {
    my ($self, $line) = @_;
    my $dir = $self->{t}->testdir;

    $line =~ s/\Q$dir\E/<dir>/g;
    $line =~ s{\b(?:127\.0\.0\.1|localhost):\d+}{<address>}g;
    $line =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/<time>/g;
    $line =~ s/\w{3}, \d\d \w{3} 20(?!34)\d\d [\d:]{8} GMT/<date>/g;
    $line =~ s{^(< (?:Server|Content-Length): ).*}{$1<any>}i;
    $line =~ s/((?:Retry-After: |[wt]=|in )(?=\d{3}))\d+/$1<n>/g;
    $line =~ s/;pk=:[^:]+:/;pk=<partition>/g;
    $line =~ s/("durationsMs":)\{[^}]*\}/$1<durations>/g;
    $line =~ s/("pid":)\d+/$1<pid>/g;
    $line =~ s/("host":)"[^"]*"/$1"<host>"/g;
    $line =~ s/, client: .*//;
    # how many are under way depends on which of two ended first
    $line =~ s/("at_once";r=)\d+/$1<n>/;
    $line =~ s/\b\d{13}\b/<ms>/g;
    $line =~ s/\b\d{16}\b/<us>/g;
    $line =~ s/"run-\d+"/"run-N"/g;
    $line =~ s/\\"run-\d+\\"/\\"run-N\\"/g;
    $line =~ s/\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}
        |[0-9a-fA-F]{32,})\b/$self->name($1)/gex;

    return $line;
}

# What tests chose themselves stays as it is.

my %fixed = map { $_ => 1 } qw(54368733-3a17-47a1-b231-869d8ae2a048
    f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f
    0000000000000000000000000000000000000000000000000000000000000000);

sub name {
    my ($self, $id) = @_;
    my $names = $self->{names};

    return $id if $fixed{$id};
    $names->{$id} = sprintf '<id%d:%d>', length $id, 1 + keys %$names
        unless $names->{$id};
    return $names->{$id};
}

1;
