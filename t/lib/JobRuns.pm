# SPDX-License-Identifier: BSD-2-Clause

package JobRuns;

# The harness of the end-to-end tests: real NGINX, real Redis and the stub
# service, in a folder of their own for each test file.  t/README.md shows how
# a test is written.
#
# `use JobRuns;` brings strict, warnings, Test::More, wait_for, random_id and
# jobruns_server.
# done_testing (or the end of the file) stops all that was started, checks
# NGINX's logs and exit status, and removes the folder.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(remove_tree);
use File::Temp ();
use JSON::PP ();
use Test::More ();

use JobRuns::Client ();
use JobRuns::Guardian ();
use JobRuns::Nginx ();
use JobRuns::Ports qw(claim_port);
use JobRuns::Redis ();
use JobRuns::Requests qw(random_id);
use JobRuns::Service ();
use JobRuns::Wait qw(wait_for);

our @ISA = qw(JobRuns::Requests);

my $root = dirname(dirname(dirname(abs_path(__FILE__))));
my $json = JSON::PP->new->utf8->canonical;
my $owner = $$;
my @harnesses;

sub import {
    my ($class) = @_;
    my $caller = caller;

    strict->import;
    warnings->import;

    no strict 'refs';
    for (grep { $_ ne 'done_testing' } @Test::More::EXPORT) {
        my ($sigil, $name) = /^([\$\@%]?)(.*)/;
        *{"${caller}::$name"} = $sigil ? \${"Test::More::$name"}
            : \&{"Test::More::$name"};
    }
    *{"${caller}::$_"} = \&{$_} for qw(done_testing wait_for random_id
        jobruns_server);

    # so that the END block runs
    $SIG{$_} //= sub { exit 1 } for qw(HUP INT QUIT TERM);
    $SIG{PIPE} = 'IGNORE';
}

###############################################################################
# Beginning and end

sub new {
    my ($class) = @_;

    JobRuns::Guardian::start();

    # folder and file: t/redis/tls.t is not t/service/tls.t
    my $name = basename(dirname($0)) . '-' . basename($0, '.t');
    my $dir = File::Temp::tempdir("jobruns-$name-XXXXXX", TMPDIR => 1);
    # sockets lie in it
    die "the temporary folder has too long a name: $dir\n" if length $dir > 80;
    JobRuns::Guardian::inform(folder => $dir) unless $ENV{TEST_NGINX_LEAVE};
    # where an NGINX built here looks for its default files
    mkdir "$dir/logs" or die "$dir/logs: $!\n";

    my $self = bless {
        dir => $dir, ports => [], nginx => {}, redis => {}, service => {},
        allowed => [],
    }, $class;
    push @harnesses, $self;

    return $self;
}

sub done_testing {
    $_->finish for splice @harnesses;
    Test::More::done_testing(@_);
}

END {
    if ($$ == $owner) {
        my $status = $?;
        eval { $_->finish; 1 } or Test::More::diag($@)
            for splice @harnesses;
        JobRuns::Guardian::stop();
        $? = $status;
    }
}

# Stops everything; adds the tests that every file ends with.

sub finish {
    my ($self) = @_;

    JobRuns::Client::close_all();
    for my $child (values %{$self->{redis}}, values %{$self->{service}}) {
        $child->resume if $child->running;
    }
    for my $service (values %{$self->{service}}) {
        # whoever is held lets go, so that NGINX can end in peace
        eval { $service->release } if $service->running;
    }

    my @names = sort keys %{$self->{nginx}};
    $_->quit for map { $self->{nginx}{$_} } @names;
    $_->stop for values %{$self->{service}}, values %{$self->{redis}};

    $self->check_end($self->{nginx}{$_}) for @names;
    $self->check_audit;
    $self->show_logs(@names) unless Test::More->builder->is_passing;

    if ($ENV{TEST_NGINX_LEAVE}) {
        Test::More::diag("left: $self->{dir}");
        return;
    }
    remove_tree($self->{dir});
    JobRuns::Guardian::inform(removed => $self->{dir});
}

# Leaves it to the caller to stop what was started, and to look at it.

sub forget {
    my ($self) = @_;

    @harnesses = grep { $_ != $self } @harnesses;
    JobRuns::Guardian::inform(removed => $self->{dir});
}

sub check_end {
    my ($self, $nginx) = @_;

    my ($lines, $reports) = $nginx->complaints(@{$self->{allowed}});
    my $bad = grep { !defined || $_ } @{$nginx->{statuses} // []};

    # failures are reported at the line of done_testing
    local $Test::Builder::Level = $Test::Builder::Level + 3;
    Test::More::is($lines, '', "$nginx->{name}: error.log is clean");
    Test::More::is($reports, '', "$nginx->{name}: no sanitizer report");
    Test::More::ok(!$bad, "$nginx->{name}: exited with 0")
        or Test::More::diag('wait status ', join ', ',
            map { $_ // 'had to be killed' } @{$nginx->{statuses}});
}

# Every record that was written fits docs/audit-record.schema.json, and every
# chain of records is whole.  Attempts that were never ended are no fault: many
# a test kills its NGINX.

sub check_audit {
    my ($self) = @_;

    my $tool = $ENV{TEST_JOBRUNS_AUDIT} || "$root/build/jobruns-audit";
    my @files = grep { -f && -s } glob "$self->{dir}/*audit*.log*";
    return if $self->{audit_unchecked} || !-x $tool || !@files;

    open my $pipe, '-|', $tool, 'verify', $self->{audit_key} ?
        ('--key', $self->{audit_key}) : (), '--schema',
        "$root/docs/audit-record.schema.json", @files or die "$tool: $!\n";
    my $told = do { local $/; <$pipe> };
    close $pipe;
    my $status = $? >> 8;

    local $Test::Builder::Level = $Test::Builder::Level + 3;
    Test::More::ok($status == 0 || $status == 3, 'the audit is whole')
        or Test::More::diag($told);
}

# The key of this test's audit files, for the check at its end; undef: they are
# not checked, since the test damages them.

sub audit_key {
    my ($self, $path) = @_;

    $self->{audit_key} = $path;
    $self->{audit_unchecked} = !defined $path;
}

sub show_logs {
    my ($self, @names) = @_;

    if (!$ENV{TEST_NGINX_VERBOSE}) {
        Test::More::diag('TEST_NGINX_VERBOSE=1 shows logs, '
            . 'TEST_NGINX_LEAVE=1 leaves the folder');
        return;
    }

    my @logs = map { $self->{nginx}{$_}->error_log_path } @names;
    push @logs, map { "$self->{dir}/$_.log" } keys %{$self->{service}};
    for my $log (@logs) {
        my @lines = split /\n/, slurp($log);
        splice @lines, 0, @lines - 300 if @lines > 300;
        Test::More::diag(join "\n", "--- $log", @lines);
    }
}

# Lines of error.log that match are expected by this test.

sub allow_log {
    my ($self, $pattern) = @_;
    push @{$self->{allowed}}, $pattern;
}

###############################################################################
# What a test works with

sub testdir { return $_[0]{dir} }
sub root { return $root }

sub port {
    my ($self, $n) = @_;
    return $self->{ports}[$n // 0] //= claim_port();
}

# redis(), service(): made and started when first asked for; the options of
# that first call count.  Another name makes another.

sub redis { return shift->child(redis => 'JobRuns::Redis', @_) }

sub service {
    return shift->child(service => 'JobRuns::Service', @_,
        script => "$root/t/bin/stub-service");
}

sub child {
    my ($self, $kind, $class, @args) = @_;

    my $name = @args % 2 ? shift @args : $kind;
    return $self->{$kind}{$name}
        //= $class->new(folder => $self->{dir}, name => $name, @args)->start;
}

sub nginx {
    my ($self, $name) = @_;
    return $self->{nginx}{$name // 'nginx'}
        // croak 'no NGINX named "' . ($name // 'nginx') . '" was run';
}

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return '';
    local $/;
    return <$fh> // '';
}

sub read_file {
    my ($self, $name) = @_;
    return slurp("$self->{dir}/$name");
}

# Writes a file into the folder, placeholders expanded; returns its path.

sub write_file {
    my ($self, $name, $text) = @_;

    my $path = "$self->{dir}/$name";
    open my $fh, '>:raw', $path or croak "$path: $!";
    print {$fh} $self->expand($text);
    close $fh or croak "$path: $!";

    return $path;
}

###############################################################################
# NGINX

# The configuration most tests use.  %opt adds lines to it: main, http,
# server, location, servers (whole server blocks); it replaces others: redis,
# audit, jobruns ('' leaves them out).  workers (2), module => 0 (NGINX without
# the module), proxy => 0 (without conf/jobruns_proxy.conf).

sub default_config {
    my ($self, %opt) = @_;

    my $module = $opt{module} // 1;
    my %usual = (
        redis => 'jobruns_redis %%REDIS%%;',
        audit => 'jobruns_audit %%TESTDIR%%/audit.log;',
        jobruns => 'jobruns on;',
    );
    my %lines = (
        workers => $opt{workers} // 2,
        (map { $_ => $module ? $opt{$_} // $usual{$_} : '' } keys %usual),
        proxy => $module && ($opt{proxy} // 1)
            ? 'include %%ROOT%%/conf/jobruns_proxy.conf;'
            : 'proxy_http_version 1.1; proxy_set_header Connection "";'
                . ' proxy_set_header Host $http_host;',
        map { $_ => $opt{$_} // '' } qw(main http server location servers),
    );

    my $text = <<'END';
%%TEST_GLOBALS%%
worker_processes <workers>;
<main>

events {
    worker_connections 1024;
}

http {
    %%TEST_GLOBALS_HTTP%%

    <redis>
    <patience>
    <audit>
    <http>

    upstream service {
        server %%SERVICE%%;
        keepalive 16;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%HTTP2_LISTEN%%;
        %%HTTP2_ON%%
        server_name localhost;

        <jobruns>
        <server>

        location / {
            <proxy>
            proxy_pass http://service;
            <location>
        }
    }

    <servers>
}
END

    # of a busy machine, where a test says nothing else
    $lines{patience} = join ' ', map { "$_ 10s;" } grep {
        my $name = $_;
        $module && !grep { /\b$name\b/ } values %lines;
    } qw(jobruns_redis_timeout jobruns_redis_connect_timeout);

    # each refusal has its record, where a test says nothing else
    $lines{patience} .= ' jobruns_audit_refusals all;'
        if $module && !grep { /\bjobruns_audit_refusals\b/ } values %lines;

    # Redis is asked what a test asks of it, and nothing else
    $lines{patience} .= ' jobruns_redis_watch off;'
        if $module && !grep { /\bjobruns_redis_watch\b/ } values %lines;

    $text =~ s/<(\w+)>/$lines{$1}/g;

    return $text;
}

# A further server with `jobruns on` at port N of the test, for %opt's servers:
# LINES of its own, and the upstream (service) that it passes to.

sub jobruns_server {
    my ($port, $lines, $upstream) = @_;

    $lines //= '';
    $upstream //= 'service';
    return <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port%%;
        jobruns on;
        $lines
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://$upstream;
        }
    }
END
}

# Replaces the placeholders.  A second NGINX counts its ports from 10 on, a
# third from 20: its %%PORT_0%% is the test's port(10).

sub expand {
    my ($self, $text, $nginx) = @_;

    # HTTP/2 is a parameter of "listen" before 1.25.1, and a directive since
    my $directive = JobRuns::Nginx::version() >= 1_025_001;
    my $first = $nginx ? $nginx->{first_port} : 0;
    my %fixed = (
        TESTDIR => sub { $self->{dir} },
        ROOT => sub { $root },
        TEST_GLOBALS => sub { $nginx->globals },
        TEST_GLOBALS_HTTP => sub { $nginx->globals_http },
        HTTP2_LISTEN => sub { $directive ? '' : 'http2' },
        HTTP2_ON => sub { $directive ? 'http2 on;' : '' },
        REDIS => sub { $self->redis($_[0] // ())->address },
        SERVICE => sub { $self->service($_[0] // ())->address },
        PORT => sub { $self->port($first + $_[0]) },
    );

    $text =~ s{%%([A-Z][A-Z0-9_]*?)(?:_([a-z0-9]+))?%%}
        {($fixed{$1} // croak "unknown placeholder %%$1%%")->($2)}ge;

    return $text;
}

sub new_nginx {
    my ($self, $name, %opt) = @_;

    my $first = $opt{first_port} // 10 * keys %{$self->{nginx}};
    return JobRuns::Nginx->new(
        folder => $self->{dir}, name => $name, first_port => $first,
        module => $opt{module} // 1,
        address => '127.0.0.1:' . $self->port($first),
        h2_address => '127.0.0.1:' . $self->port($first + 1),
    );
}

# run(%opt) starts an NGINX, and the Redis and the service that its
# configuration names.  config => TEXT replaces default_config(%opt);
# name => NAME makes it another than the first, "nginx".

sub run {
    my ($self, %opt) = @_;

    my $name = $opt{name} // 'nginx';
    my $nginx = $self->{nginx}{$name} // $self->new_nginx($name, %opt);
    $self->{nginx}{$name} = $nginx;
    $self->configure(%opt);

    return $nginx->start;
}

# Writes the configuration again, for a reload.

sub configure {
    my ($self, %opt) = @_;

    my $nginx = $self->nginx($opt{name});
    $nginx->write_config(
        $self->expand($opt{config} // $self->default_config(%opt), $nginx));

    return $nginx;
}

# "nginx -t" of what run(%opt) would start: (success, output).

sub check_config {
    my ($self, %opt) = @_;

    my $nginx = $self->new_nginx('check', first_port => 0, %opt);
    return $nginx->check(
        $self->expand($opt{config} // $self->default_config(%opt), $nginx));
}

# Until a line of error.log matches; returns the match's first group or 1.

sub wait_log {
    my ($self, $pattern, $name) = @_;

    return wait_for {
        $self->nginx($name)->error_log =~ $pattern ? $1 // 1 : 0;
    } "$pattern in error.log";
}

# What "location = /status { jobruns_status; }" says.

sub status { return $_[0]->get('/status?format=json')->json }

# Until so many requests wait for a limit; such a test has jobruns_zone.

sub wait_delayed {
    my ($self, $number) = @_;

    return wait_for { $self->status->{delayed} == $number }
        "$number to wait for a limit";
}

# The audit records of attempts so far, oldest first; a line still being
# written is left out, and so are the records that open and close chains.

sub audit {
    my ($self, $file) = @_;

    return grep { $_->{data}{eventName} eq 'CreateJobRun' }
        map { $json->decode($_) }
        $self->read_file($file // 'audit.log') =~ /^(.+)\n/mg;
}

# What the records of each attempt say together: what ".end" has over what
# ".begin" has, in the order in which the attempts began.

sub attempts {
    my ($self, $file) = @_;

    my (%attempt, @all);
    for ($self->audit($file)) {
        my $id = $_->{data}{eventGroupingId};
        if ($attempt{$id}) {
            overlay($attempt{$id}, $_);
        } else {
            push @all, $attempt{$id} = $_;
        }
    }

    return @all;
}

sub overlay {
    my ($under, $over) = @_;

    for my $name (keys %$over) {
        if (ref $over->{$name} eq 'HASH' && ref $under->{$name} eq 'HASH') {
            overlay($under->{$name}, $over->{$name});
        } else {
            $under->{$name} = $over->{$name};
        }
    }
}

# Until a record satisfies the condition (a sub that finds it in $_), or until
# there are that many records; returns the record or all.

sub wait_audit {
    my ($self, $wanted) = @_;

    if (!ref $wanted) {
        wait_for { $self->audit >= $wanted } "$wanted audit records";
        return $self->audit;
    }

    return wait_for { (grep { $wanted->() } $self->audit)[0] }
        'an audit record';
}

1;
