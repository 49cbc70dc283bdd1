# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Nginx;

# One NGINX: a master with workers, started from a configuration text.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);

use JobRuns::Process ();
use JobRuns::Wait qw(wait_for);

sub binary { return $ENV{TEST_NGINX_BINARY} || 'nginx' }

my $build;

# What "nginx -V" says.

sub build {
    return $build if defined $build;

    my $binary = binary();
    open my $pipe, '-|', "\Q$binary\E -V 2>&1" or croak "$binary: $!";
    local $/;
    $build = <$pipe> // '';
    close $pipe;
    croak "cannot run $binary (TEST_NGINX_BINARY)"
        unless $build =~ m{version: \S+/\d};

    return $build;
}

# The version as a number that compares: 1022001 for 1.22.1.

sub version {
    my ($major, $minor, $patch)
        = build() =~ m{version: \S+?/(\d+)\.(\d+)\.(\d+)};
    return $major * 1_000_000 + $minor * 1000 + $patch;
}

# new(folder => DIR, name => NAME, address => HOST:PORT, h2_address => ...)

sub new {
    my ($class, %opt) = @_;
    return bless { %opt }, $class;
}

sub address { return $_[0]{address} }
sub h2_address { return $_[0]{h2_address} }

sub file {
    my ($self, $suffix) = @_;
    return "$self->{folder}/$self->{name}.$suffix";
}

sub error_log_path { return $_[0]->file('error.log') }

sub error_log {
    my ($self) = @_;

    open my $fh, '<:raw', $self->error_log_path or return '';
    local $/;
    return <$fh> // '';
}

# Directives every configuration begins with.

sub globals {
    my ($self) = @_;

    my @lines = ('daemon off;',
        'pid ' . $self->file('pid') . ';',
        'error_log ' . $self->error_log_path
            . ' ' . ($ENV{TEST_NGINX_LOG_LEVEL} || 'info') . ';');
    # workers of a root master would become nobody, who may not enter here
    push @lines, 'user root root;' if $> == 0;
    push @lines, 'load_module ' . abs_path($ENV{TEST_NGINX_MODULE}) . ';'
        if length($ENV{TEST_NGINX_MODULE} // '') && $self->{module};
    push @lines, $ENV{TEST_NGINX_GLOBALS} // ();

    return join "\n", @lines;
}

sub globals_http {
    my ($self) = @_;
    my @lines;

    for (qw(client_body proxy fastcgi uwsgi scgi)) {
        next if build() =~ /--without-http_\Q$_\E_module/;
        push @lines, "${_}_temp_path " . $self->file("temp/$_") . ';';
    }
    push @lines, 'access_log off;', $ENV{TEST_NGINX_GLOBALS_HTTP} // ();

    return join "\n", @lines;
}

sub write_config {
    my ($self, $text, $suffix) = @_;

    my $path = $self->file($suffix // 'conf');
    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $text;
    close $fh or die "$path: $!\n";

    return $path;
}

sub environment {
    my ($self) = @_;
    my %env;

    for (qw(ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS)) {
        my $given = length($ENV{$_} // '') ? "$ENV{$_}:" : '';
        $env{$_} = "${given}log_path=" . $self->file('sanitizer');
    }
    $env{UBSAN_OPTIONS} .= ':print_stacktrace=1';

    return \%env;
}

sub command {
    my ($self, $config, $log) = @_;
    return (binary(), '-p', "$self->{folder}/", '-c', $config, '-e', $log);
}

# Runs NGINX; returns once it listens.

sub start {
    my ($self) = @_;

    unlink $self->file('pid');
    mkdir $self->file('temp');
    $self->{ended} = 0;
    $self->{process} = JobRuns::Process->start(
        name => 'nginx', output => $self->file('output'),
        argv => [$self->command($self->file('conf'), $self->error_log_path)],
        env => $self->environment,
    );

    # the pid file is written when the sockets listen
    wait_for {
        croak "nginx ended at its start:\n" . $self->{process}->output
            . $self->error_log unless $self->{process}->alive;
        ($self->read_pid // 0) == $self->pid;
    } 'nginx to write its pid file';

    wait_for { $self->workers } 'a worker';

    return $self;
}

sub read_pid {
    my ($self) = @_;

    open my $fh, '<', $self->file('pid') or return;
    my ($pid) = (<$fh> // '') =~ /^(\d+)$/;
    return $pid;
}

sub pid { return $_[0]{process}->pid }
sub running { return $_[0]{process} && $_[0]{process}->alive }

# pid => title of each worker, from /proc.

sub worker_titles {
    my ($self) = @_;
    my $pid = $self->pid;
    my %titles;

    for my $child (split ' ', read_file("/proc/$pid/task/$pid/children")) {
        my $title = read_file("/proc/$child/cmdline");
        # valgrind's, whose children are all workers here
        $title = 'nginx: worker process' if $title =~ /valgrind/;
        $titles{$child} = $title if $title =~ /^nginx: worker process/;
    }

    return %titles;
}

# Pids of the workers that accept connections.

sub workers {
    my ($self) = @_;

    my %titles = $self->worker_titles;
    my @pids = grep { $titles{$_} !~ /shutting down/ } keys %titles;

    return sort { $a <=> $b } @pids if wantarray;
    return scalar @pids;
}

# All, also those that only finish what they have.

sub all_workers {
    my ($self) = @_;

    my %titles = $self->worker_titles;
    my @pids = keys %titles;

    return sort { $a <=> $b } @pids if wantarray;
    return scalar @pids;
}

# HUP.  Returns when new workers run and the old ones are gone, or with
# draining => 1 when the old ones have stopped to accept.

sub reload {
    my ($self, %opt) = @_;

    my %old = map { $_ => 1 } $self->all_workers;
    my $seen = length $self->error_log;
    $self->{process}->signal('HUP');

    wait_for {
        my $new = substr $self->error_log, $seen;
        croak "reload failed: $1" if $new =~ /(.*\[emerg\].*)/;
        my @old_left = grep { $old{$_} }
            $opt{draining} ? $self->workers : $self->all_workers;
        !@old_left && grep { !$old{$_} } $self->workers;
    } 'workers to be replaced after HUP';
}

# USR1.  Returns when master and workers have the new error.log open.

sub reopen {
    my ($self) = @_;

    my $old = $self->error_log_path . '.reopened';
    rename $self->error_log_path, $old or croak "rename: $!";
    $self->{process}->signal('USR1');

    wait_for {
        -e $self->error_log_path
            && !grep { has_open($_, $old) } $self->pid, $self->all_workers;
    } 'logs to be reopened after USR1';

    # one file again, for the checks at the end
    my $later = $self->error_log;
    open my $fh, '>>:raw', $self->error_log_path or croak "open: $!";
    open my $in, '<:raw', $old or croak "open: $!";
    print {$fh} <$in>;
    unlink $old;
}

sub has_open {
    my ($pid, $path) = @_;
    return grep { (readlink $_ // '') eq $path } glob "/proc/$pid/fd/*";
}

# Ends one worker as a crash would; returns its pid when another has come.

sub kill_worker {
    my ($self, $pid, $signal) = @_;

    ($pid) = $self->workers unless $pid;
    my %before = map { $_ => 1 } $self->all_workers;
    push @{$self->{allowed}}, qr/worker process $pid exited on signal/;
    CORE::kill $signal // 'KILL', $pid;

    wait_for {
        my @now = $self->all_workers;
        !grep({ $_ == $pid } @now) && grep { !$before{$_} } @now;
    } "another worker in place of $pid";

    return $pid;
}

# Graceful end; returns the wait status, undef if it had to be forced.

sub quit { return $_[0]->end('QUIT') }
sub stop { return $_[0]->end('TERM') }

sub end {
    my ($self, $signal) = @_;

    return 0 unless $self->{process};
    my $status = $self->{process}->stop($signal);
    push @{$self->{statuses}}, $status;
    delete $self->{process};

    return $status;
}

# Master and workers at once, as a power cut would.

sub kill {
    my ($self) = @_;

    return unless $self->{process};
    (delete $self->{process})->stop_group;
}

# "nginx -t" of a configuration: returns (success, output).

sub check {
    my ($self, $text) = @_;

    my $config = $self->write_config($text, 'check.conf');
    mkdir $self->file('temp');
    my $process = JobRuns::Process->start(
        name => 'nginx -t', output => $self->file('check.output'),
        argv => [$self->command($config, $self->file('check.log')), '-t'],
        env => $self->environment,
    );
    my $status = $process->wait_gone;
    $process->stop_group;
    my $output = $process->output;
    unlink $self->file('check.output'), $self->file('check.log');

    return ($status == 0, $output);
}

# What error.log, output and sanitizer files hold that must not be there:
# two texts, empty when all is well.

sub complaints {
    my ($self, @allowed) = @_;

    my @lines = grep { /\[(?:alert|emerg|crit)\]|open socket #\d+ left/ }
        split /\n/, $self->error_log . $self->output;
    for my $pattern (@allowed, @{$self->{allowed} // []}) {
        @lines = grep { $_ !~ $pattern } @lines;
    }

    my $reports = join '', map { read_file($_) } glob $self->file('sanitizer*');
    $reports .= join "\n", grep { /Sanitizer|runtime error/ }
        split /\n/, $self->error_log . $self->output;

    return (join("\n", @lines), $reports);
}

sub output { return read_file($_[0]->file('output')) }

sub read_file {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return '';
    local $/;
    return <$fh> // '';
}

1;
