#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# make run: what one that was killed has left is named before anything starts,
# and a service that cannot be used is named before a request finds out.

use lib 't/lib';
use JobRuns;
use JobRuns::Wait qw(wait_for);

use POSIX ();

my $t = JobRuns->new;
my $root = $t->root;
my $work = $t->testdir . '/work';
my $module = ($ENV{BUILD} || "$root/build")
    . '/nginx-dyn/objs/ngx_http_jobruns_module.so';

plan(skip_all => "$module is not built (make module)") if !-e $module;

my %ports = (PORT => $t->port(0), SERVICE_PORT => $t->port(1));
my $runs = 0;
my $run;

# Starts util/run; what it prints goes to a file.

sub start {
    my %setting = (%ports, WORK => $work, INSTALL => 'no', @_);
    my $log = $t->testdir . '/run.' . ++$runs;

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        @ENV{keys %setting} = values %setting;
        open STDOUT, '>', $log or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
        exec "$root/util/run" or POSIX::_exit(1);
    }

    return { pid => $pid, log => $log };
}

# What one that is to refuse has printed.

sub refusal {
    my $run = start(@_);

    waitpid $run->{pid}, 0;
    isnt($?, 0, 'make run fails') or return '';
    return JobRuns::slurp($run->{log});
}

sub left {
    my ($text) = @_;

    my ($pids) = $text =~ /Stop them: kill ([\d ]+)$/m;
    return split ' ', $pids // '';
}

sub kill_all {
    my @pids = @_;

    kill KILL => @pids;
    wait_for { !grep { kill 0 => $_ } @pids } "the end of @pids";
    return;
}

# What a test that died has left: each program leads a group of its own.

END {
    if ($run) {
        kill KILL => $run->{pid}, map { -JobRuns::slurp($_) }
            grep { -s } glob "$work/run/*.pid";
    }
}

###############################################################################
# Killed, and found

$run = start();
wait_for { JobRuns::slurp($run->{log}) =~ /Ctrl-C stops/ } 'make run', 60;
kill KILL => $run->{pid};
waitpid $run->{pid}, 0;

my $text = refusal();
my @left = left($text);

is(@left, 3, 'NGINX, Redis and the stub are found again') or diag($text);
like($text, qr/still running: \d+ nginx: master .*\Q$work\E/,
    'NGINX is named with its folder');

symlink $work, "$work.link" or die "symlink: $!\n";
is_deeply([left(refusal(WORK => "$work.link"))], \@left,
    'under another name of the folder, too');

my ($nginx) = $text =~ /still running: (\d+) nginx/;
kill_all($nginx);
$text = refusal();
@left = left($text);

like($text, qr/still running: \d+ nginx: worker process$/m,
    'workers are found whose master was killed, too');
ok(!grep({ $_ == $nginx } @left), 'the master is not');

kill_all(@left);
$text = refusal(SERVICE => 'https://localhost:1');

unlike($text, qr/still running|port \d+ is in use/,
    'with all of them stopped nothing is found') and undef $run;

###############################################################################
# A service that cannot be used

like($text, qr/SERVICE=https:\/\/localhost:1 cannot be used: /,
    'a service that is not there is named');
like(refusal(SERVICE => 'https://[::1]:1'), qr/add SERVICE_NAME=/,
    'an address needs the name in the certificate');
like(refusal(SERVICE => 'https://[::1]:1', SERVICE_NAME => 'a.example.com'),
    qr/SERVICE=https:\/\/\[::1\]:1 cannot be used: /,
    'with the name the address is tried');
like(refusal(SERVICE => 'http://localhost:65536'), qr/65536 is not a port/,
    'a port that does not exist is named');

done_testing;
