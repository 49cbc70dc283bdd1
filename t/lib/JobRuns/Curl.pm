# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Curl;

# HTTP/2 requests with curl, a client that many people use.  Each has a
# connection of its own: curl 7.88 breaks when prior-knowledge requests share
# one, which JobRuns::H2 is for.

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();

use JobRuns::Process ();
use JobRuns::Response ();
use JobRuns::Wait qw(default_timeout);

# start(folder => DIR, address => HOST:PORT, requests => [...]), the requests
# as JobRuns::Client takes them; responses() waits for them.

sub start {
    my ($class, %opt) = @_;

    my $dir = File::Temp->newdir('curl-XXXXXX', DIR => $opt{folder});
    my @argv = ('curl', '--parallel', '--parallel-max', 200,
        '--parallel-immediate', '--no-progress-meter');
    my $i = 0;

    for my $request (@{$opt{requests}}) {
        push @argv, '--next' if $i;
        push @argv, '--http2-prior-knowledge', '--path-as-is', '--globoff',
            '--max-time', default_timeout(), '--noproxy', '*',
            '--request', $request->{method} // 'GET',
            '--dump-header', "$dir/head.$i", '--output', "$dir/body.$i",
            '--write-out', "$i %{exitcode} %{errormsg}\\n";
        for (@{$request->{headers} // []}) {
            my ($name, $value) = @$_;
            # connection headers do not exist in HTTP/2
            next if $name =~ /^(?:connection|content-length)$/i;
            push @argv, '--header', length $value ? "$name: $value" : "$name;";
        }
        if (defined $request->{body}) {
            write_file("$dir/data.$i", $request->{body});
            push @argv, '--data-binary', "\@$dir/data.$i",
                '--header', 'Expect:';
            push @argv, '--header', 'Content-Type:'
                unless grep { lc $_->[0] eq 'content-type' }
                    @{$request->{headers} // []};
        }
        push @argv, '--head' if ($request->{method} // '') eq 'HEAD';
        push @argv, "http://$opt{address}" . ($request->{path} // '/');
        $i++;
    }

    my $process = JobRuns::Process->start(name => 'curl', argv => \@argv,
        output => "$dir/output");

    return bless { process => $process, dir => $dir, number => $i }, $class;
}

sub write_file {
    my ($path, $data) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $data;
    close $fh or die "$path: $!\n";
}

sub read_file {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return '';
    local $/;
    return <$fh> // '';
}

sub pid { return $_[0]{process}->pid }

# Ends curl, and with it the connection, without waiting for answers.

sub abort {
    my ($self) = @_;
    $self->{process}->stop_group;
}

# One JobRuns::Response per request, in their order.

sub responses {
    my ($self) = @_;
    my $dir = $self->{dir};

    $self->{process}->wait_gone(default_timeout() + 5);
    $self->{process}->stop_group;

    my %report = map { /^(\d+) (\d+) ?(.*)/ ? ($1 => [$2, $3]) : () }
        split /\n/, $self->{process}->output;
    croak 'curl: ' . $self->{process}->output unless %report;

    return map {
        my ($exit, $message) = @{$report{$_} // [-1, 'no report']};
        my @heads = map { JobRuns::Response->parse_head($_) // () }
            split /\r\n\r\n/, read_file("$dir/head.$_");
        my $response = pop @heads // JobRuns::Response->new;
        $response->{interim} = \@heads;
        $response->{body} = read_file("$dir/body.$_");
        $response->{complete} = $exit == 0 ? 1 : 0;
        $response->{error} = "curl $exit: $message" if $exit;
        $response;
    } 0 .. $self->{number} - 1;
}

1;
