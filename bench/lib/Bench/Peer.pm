# SPDX-License-Identifier: BSD-2-Clause

package Bench::Peer;

# One program under comparison, with its processes, their CPU time and memory.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET ();
use List::Util qw(max sum0);

use JobRuns::Ports qw(claim_port);
use JobRuns::Process ();
use JobRuns::Wait qw(wait_for);

my $root = abs_path(dirname(__FILE__) . '/../../..');

# the peers in OpenResty share a configuration
my %lua = (openresty => 'gateway', equal => 'equal');

# new(name =>, dir => FOLDER, service => PORT, redis => SOCKET, workers => N,
#     module => FILE, single => 1: no master process, wrap => [COMMAND],
#     keys => FILE: of those who may ask the server at port signed)

sub new {
    my ($class, %opt) = @_;

    return bless {
        port    => claim_port(),
        limited => claim_port(),
        signed  => claim_port(),
        lua     => $lua{$opt{name}},
        %opt
    }, $class;
}

sub start {
    my ($self) = @_;

    my @argv = $self->{name} eq 'node' ? $self->node : $self->nginx;

    unshift @argv, @{$self->{wrap} // []};

    $self->{process} = JobRuns::Process->start(
        name   => $self->{name},
        output => "$self->{dir}/$self->{name}.out",
        argv   => \@argv,
        env    => $self->{env} // {},
    );

    for my $port (@$self{ $self->{name} eq 'service' ? 'service' : 'port' }) {
        wait_for {
            die "$self->{name} ended: " . $self->{process}->output
                unless $self->{process}->alive;
            IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
        } "$self->{name} to listen";
    }

    return $self;
}

sub stop { $_[0]{process}->stop('TERM') }

sub nginx {
    my ($self) = @_;
    my $file = "$self->{dir}/$self->{name}.conf";

    my %value = (
        DIR     => $self->{dir},
        ROOT    => $root,
        PORT    => $self->{port},
        LIMITED => $self->{limited},
        SIGNED  => $self->{signed},
        AUTH    => $self->{keys}
            ? "jobruns_auth on; jobruns_auth_keys $self->{keys};" : '',
        SERVICE => $self->{service},
        REDIS   => $self->{redis} // '',
        WORKERS => $self->{workers} // 1,
        JOBRUN  => job_run(),
        REFUSALS => $self->{single} ? '1r/s' : '20r/s',
        NAME    => $self->{name},
        LUA     => $self->{lua} // '',
        USER    => $> == 0 ? 'user  root;' : '',
        LOAD_MODULE => $self->{module} ? "load_module $self->{module};" : '',
    );

    my $text = read_file("$root/bench/peers/"
        . ($self->{lua} ? 'openresty' : $self->{name}) . '.conf');
    # each second the status sums all up, which would be counted to requests
    $text =~ s/^.* # status\n//mg if $self->{single};
    $text =~ s/%%([A-Z_]+)%%/$value{$1} \/\/ die "$1?"/ge;
    write_file($file, $text);
    symlink '/usr/lib/nginx/modules', "$self->{dir}/modules";

    return ($self->{nginx}, '-p', "$self->{dir}/", '-c', $file,
        '-e', "$self->{dir}/$self->{name}-error.log",
        $self->{single} ? ('-g', 'master_process off;') : ());
}

sub node {
    my ($self) = @_;

    $self->{env} = {
        PORT     => $self->{port},
        LIMITED  => $self->{limited},
        SERVICE  => $self->{service},
        REDIS    => $self->{redis},
        WORKERS  => $self->{workers},
        SCRIPTS  => "$root/bench/peers/redis",
        SCHEMA   => "$root/ngx_module/schema/CreateJobRunDetails.json",
        AUDIT    => "$self->{dir}/node-audit.log",
        NODE_ENV => 'production',
    };

    return ('node', "$self->{node_dir}/server.js");
}

# The processes, the main one included: it is idle.

sub pids {
    my ($self) = @_;
    my $main = $self->{process}->pid;

    opendir my $proc, '/proc' or die "/proc: $!\n";

    return $main, grep { /^\d+$/ && (parent($_) // 0) == $main } readdir $proc;
}

sub parent {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return undef;
    my $stat = <$fh> // return undef;

    return $stat =~ /^\d+ \(.*\) \S (\d+)/s ? $1 : undef;
}

# Nanoseconds on a CPU, of all threads, by the scheduler's own count.

sub cpu {
    my ($self) = @_;
    my $sum = 0;

    for my $file (map { glob "/proc/$_/task/*/schedstat" } $self->pids) {
        open my $fh, '<', $file or next;
        $sum += (split ' ', <$fh> // '0')[0];
    }

    return $sum;
}

# Resident memory in bytes: of the largest process, a worker, and of all.

sub memory { return max($_[0]->resident) }
sub memory_sum { return sum0($_[0]->resident) }

sub resident {
    my ($self) = @_;

    return map {
        my $status = eval { read_file("/proc/$_/status") } // '';
        $status =~ /^VmRSS:\s+(\d+) kB/m ? $1 * 1024 : ();
    } $self->pids;
}

# A JobRun as the service answers it, 1 KB.

sub job_run {
    my $text = '{"key":"0b7b3c86-6f39-4c6d-9d52-0a4a5b6c7d8e","jobKey":'
        . '"54368733-3a17-47a1-b231-869d8ae2a048","name":"nightly",'
        . '"state":{"status":"PENDING"},"timeCreated":'
        . '"2026-11-25T12:00:00.000Z","createdBy":"ocid1.user.oc1..bench",'
        . '"path":"';

    return $text . 'x' x (1024 - length($text) - 2) . '"}';
}

sub read_file {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;

    return scalar <$fh>;
}

sub write_file {
    my ($path, $text) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print $fh $text;
    close $fh or die "$path: $!\n";
}

1;
