#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# make run, as a newcomer uses it: the commands that it prints do what is said
# of them, without AUTH and with it, and nothing is left running.

use lib 't/lib';

use JobRuns;
use JobRuns::Ctl;
use JobRuns::Guardian ();
use JobRuns::Process;

plan(skip_all => 'make run is of the packaged NGINX')
    if !$ENV{TEST_NGINX_MODULE};
# it builds, which is not for where an installed module is tried
plan(skip_all => 'the module is not built here (make module)')
    if !-e ($ENV{BUILD} || 'build')
        . '/nginx-dyn/objs/ngx_http_jobruns_module.so';
JobRuns::Ctl::needed();

my $t = JobRuns->new;
my $dir = $t->testdir;
my @running;

# stops what it has started, which is in sessions of its own

END {
    $_->stop('TERM') for grep { $_->alive } @running;
}

# (exit status, output) of a command of a shell, as it was printed

sub shell {
    my ($command) = @_;

    open my $out, '-|', 'bash', '-c', "$command" or die "bash: $!\n";
    my $text = do { local $/; <$out> } // '';
    close $out;

    return ($? >> 8, $text);
}

# make run with variables, until it has printed everything, or has ended.

sub make_run {
    my ($name, @variables) = @_;

    my $run = JobRuns::Process->start(name => "make run ($name)",
        output => "$dir/$name." . @running . '.out',
        env => { INSTALL => 'no', BUILD => $ENV{BUILD} // 'build' },
        argv => ['make', '--no-print-directory', '-C', $t->root, 'run',
            "WORK=$dir/$name", @variables]);
    push @running, $run;
    wait_for { !$run->alive || $run->output =~ /Ctrl-C stops/ }
        "make run ($name) to be ready", 120;

    # should this test be killed
    $run->{groups} = [map { $t->read_file($_) =~ /(\d+)/ }
        map { "$name/run/$_" } map { s{.*/}{}r } glob "$dir/$name/run/*.pid"];
    JobRuns::Guardian::inform(group => $_) for @{$run->{groups}};

    return $run;
}

# The commands among what it printed.

sub printed {
    my ($run) = @_;
    return $run->output =~ /^  ((?:curl|echo) .*)$/mg;
}

sub ended {
    my ($run, $name) = @_;

    $run->signal('TERM');
    $run->wait_gone(60);
    JobRuns::Guardian::inform(gone => $_) for @{$run->{groups}};
    is_deeply([glob "$dir/$name/run/*.pid"], [],
        "make run ($name) stops what it has started");
    unlike($t->read_file("$name/logs/error.log"), qr/\[(?:emerg|alert|crit)\]/,
        "make run ($name) leaves a clean error.log");
}

# ----------------------------------------------------------------------- plain

my $service = $t->port(1);
my $plain = make_run(plain => 'PORT=' . $t->port(0), "SERVICE_PORT=$service");
my @lines = printed($plain);
is(@lines, 3, 'make run prints three commands') or diag($plain->output);
unlike($plain->output, qr/emerg/, 'and no error of NGINX');

my ($status, $said) = shell($lines[0]);
like($said, qr{^HTTP/1.1 201 }, 'unsigned, a job run is created');
($status, $said) = shell($lines[1]);
like($said, qr/^opc-retry-replayed: true/m, 'a retry is replayed');

# ------------------------------------------------ AUTH=on, and SERVICE= with it

my $auth = make_run(auth => 'PORT=' . $t->port(2), 'AUTH=on',
    "SERVICE=http://127.0.0.1:$service");
@lines = printed($auth);
is(@lines, 4, 'make run AUTH=on prints four commands') or diag($auth->output);

($status, $said) = shell($lines[0]);
like($said, qr{^HTTP/1.1 201 }, 'signed, a job run is created');
like($said, qr/"key" *:/, 'by the service of SERVICE=');
($status, $said) = shell($lines[1]);
like($said, qr/^opc-retry-replayed: true/m, 'a signed retry is replayed');
# and from elsewhere, or a busy machine stays below the limit
($status, $said) = shell("{ $lines[2]; } > /dev/null 2>&1 &" x 3
    . " $lines[2] 2>&1; wait");
like($said, qr{^HTTP/1.1 429 }, 'a hundred are over the limit');
($status, $said) = shell($lines[3]);
like($said, qr{^HTTP/1.1 401 .*"NotAuthenticated"}s, 'unsigned, it is 401');

is((stat "$dir/auth/auth/user.pem")[2] & 07777, 0600,
    'the private key is of the user alone');
my $keys = "$dir/auth/auth/keys.json";
my $key = ctl_json(qw(key list), $keys)->[0];
is($key->{state}, 'active', 'jobrunsctl lists the key');
ended($auth, 'auth');

# the pair stays, with what has become of it

($status) = ctl(qw(--yes key revoke), $keys, $key->{keyId});
is($status, 0, 'the key is revoked');
$auth = make_run(auth => 'PORT=' . $t->port(2), 'AUTH=on',
    "SERVICE=http://127.0.0.1:$service");
($status, $said) = shell((printed($auth))[0]);
like($said, qr{^HTTP/1.1 401 }, 'signed by a revoked key, it is 401');
ended($auth, 'auth');
ended($plain, 'plain');

# ------------------------------------------------------------------------ wrong

my $wrong = make_run(wrong => 'AUTH=yes', 'PORT=' . $t->port(3));
isnt($wrong->wait_gone, 0, 'AUTH=yes ends make run');
like($wrong->output, qr/AUTH=yes is neither on nor off/, 'and is named');

done_testing();
