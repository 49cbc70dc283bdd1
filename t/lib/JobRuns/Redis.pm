# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Redis;

# A private redis-server and a client for it that speaks RESP itself.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Time::HiRes qw(time);

use JobRuns::Ports qw(claim_port);
use JobRuns::Process ();
use JobRuns::Stored qw(read_record write_record read_counters write_counters);
use JobRuns::Wait qw(wait_for default_timeout);

# new(folder => DIR, name => NAME, tcp => 1, host => where it listens, 127.0.0.1
# unless given, password => ..., args => [...]).
# Data lie in DIR/NAME and survive a restart and a kill -9: each write is in
# the append-only file before its reply.  With "everysec" it need not be: while
# a sync lasts, Redis writes nothing for up to two seconds.

sub new {
    my ($class, %opt) = @_;

    my $self = bless { args => [], host => '127.0.0.1', %opt }, $class;
    $self->{dir} = "$opt{folder}/$opt{name}";
    mkdir $self->{dir} or die "$self->{dir}: $!\n";
    $self->{port} = claim_port() if $opt{tcp};

    return $self;
}

# As jobruns_redis takes it.

sub address {
    my ($self) = @_;
    return $self->{tcp} ? "$self->{host}:$self->{port}"
        : 'unix:' . $self->path;
}

sub path { return "$_[0]{folder}/$_[0]{name}.sock" }

sub start {
    my ($self) = @_;

    unlink $self->path;
    $self->{process} = JobRuns::Process->start(
        name => 'redis-server', output => "$self->{dir}/redis.log",
        argv => [
            $ENV{TEST_REDIS_BINARY} || 'redis-server',
            '--port', $self->{port} // 0, '--bind', $self->{host},
            '--protected-mode', 'no',
            '--unixsocket', $self->path, '--unixsocketperm', '777',
            '--dir', $self->{dir}, '--save', '', '--appendonly', 'yes',
            '--appendfsync', 'no', '--daemonize', 'no',
            defined $self->{password}
                ? ('--requirepass', $self->{password}) : (),
            @{$self->{args}},
        ],
    );

    wait_for {
        croak 'redis-server ended: ' . $self->{process}->output
            unless $self->{process}->alive;
        my $answer = eval { $self->command('PING') } // '';
        # "LOADING" is not yet
        $answer eq 'PONG' || $@ =~ /NOAUTH|NOPERM/;
    } 'redis-server to answer';

    return $self;
}

sub pid { return $_[0]{process}->pid }
sub running { return $_[0]{process} && $_[0]{process}->alive }

sub stop { $_[0]->end('TERM') }
sub kill { $_[0]->end('KILL') }

sub end {
    my ($self, $signal) = @_;

    return unless $self->{process};
    delete $self->{connection};
    (delete $self->{process})->stop($signal);
}

# stop, or kill => 1 for a crash, and start with the same data

sub restart {
    my ($self, %opt) = @_;

    $self->end($opt{kill} ? 'KILL' : 'TERM');
    return $self->start;
}

# A server that neither answers nor closes.

sub pause { $_[0]{process}->signal('STOP') }
sub resume { $_[0]{process}->signal('CONT') }

# The rights that docs/redis.md gives the gateway's user, as ACL SETUSER takes
# them.

sub documented_rights {
    open my $fh, '<', 'docs/redis.md' or croak "docs/redis.md: $!";
    local $/;
    my ($rights) = <$fh> =~ /^    user gateway on >PASSWORD (~jobruns:.+)$/m
        or croak 'docs/redis.md shows no user "gateway"';

    return split ' ', $rights;
}

# command(NAME, ARGUMENT...) returns the reply: arrays as references, nil as
# undef.  Arguments are bytes.  An error reply dies with its text.

sub command {
    my ($self, @words) = @_;

    my $reply = eval {
        $self->connect unless $self->{connection};
        $self->exchange(@words);
    };
    my $error = $@;
    if ($error) {
        delete $self->{connection};             # of unknown state now
        croak $error =~ s/ at \S+ line \d+\.?\n//r;
    }
    croak $$reply if ref $reply eq 'SCALAR';

    return $reply;
}

sub connect {
    my ($self) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $self->path)
        or die 'redis: ' . $self->path . ": $!\n";
    $self->{connection} = { socket => $socket, in => '' };
    return unless defined $self->{password};

    my $reply = $self->exchange('AUTH', $self->{password});
    die "redis: $$reply\n" if ref $reply;
}

sub exchange {
    my ($self, @words) = @_;
    my $c = $self->{connection};

    my $bytes = join '', '*' . @words . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @words;
    local $SIG{PIPE} = 'IGNORE';
    $c->{socket}->syswrite($bytes) or die "redis: $!\n";
    $c->{deadline} = time + default_timeout();

    return reply($c);
}

sub reply {
    my ($c) = @_;

    my $line = take($c, sub { $c->{in} =~ s/^(.*?)\r\n//s ? $1 : undef });
    my ($kind, $rest) = $line =~ /^(.)(.*)/s;

    return $rest if $kind eq '+';
    return $rest + 0 if $kind eq ':';
    return \$rest if $kind eq '-';

    if ($kind eq '$') {
        return if $rest < 0;
        return take($c, sub {
            length $c->{in} >= $rest + 2
                ? substr(substr($c->{in}, 0, $rest + 2, ''), 0, $rest) : undef;
        });
    }

    if ($kind eq '*') {
        return if $rest < 0;
        # an error inside an array is handed out as its text
        return [map { my $r = reply($c); ref $r eq 'SCALAR' ? $$r : $r }
            1 .. $rest];
    }

    die "redis: strange reply \"$line\"\n";
}

sub take {
    my ($c, $try) = @_;

    while (1) {
        my $got = $try->();
        return $got if defined $got;

        my $left = $c->{deadline} - time;
        die "redis: no reply in time\n" if $left <= 0
            || !IO::Select->new($c->{socket})->can_read($left);
        $c->{socket}->sysread($c->{in}, 1 << 16, length $c->{in})
            or die "redis: connection lost\n";
    }
}

# How often a script was called.

sub script_calls {
    my ($self) = @_;

    my $info = $self->command('INFO', 'commandstats');
    my $n = 0;
    $n += $1 while $info =~ /^cmdstat_eval(?:sha)?:calls=(\d+)/mg;
    return $n;
}

# monitor() begins to listen to what Redis runs; monitored() ends it and
# returns a line for each command: the time in seconds by Redis' clock, the
# connection, the words in quotes.  Redis keeps what was not read yet.

sub monitor {
    my ($self) = @_;

    my $calls = { %$self };
    delete @$calls{qw(connection process)};
    $self->{monitor} = bless $calls, ref $self;
    $self->{monitor}->command('MONITOR');
}

sub monitored {
    my ($self) = @_;

    my $c = (delete $self->{monitor})->{connection};
    my $end = "the end of $c";
    $self->command('ECHO', $end);

    my @lines;
    $c->{deadline} = time + default_timeout();
    while ((my $line = reply($c)) !~ /"\Q$end\E"$/) {
        push @lines, $line;
    }
    return @lines;
}

# Keys that match a pattern, sorted.

sub keys {
    my ($self, $pattern) = @_;
    my @keys = sort @{$self->command('KEYS', $pattern // '*')};
    return @keys;
}

# A record as JobRuns::Stored has it; undef where there is none.

sub record {
    my ($self, $key) = @_;

    return read_record($self->command('GET', $key));
}

# One field of it.

sub field {
    my ($self, $key, $field) = @_;
    my $record = $self->record($key) // return undef;

    return $record->{$field};
}

# Sets fields of it, and leaves the end of its key; a record that is not there
# needs them all.

sub set_record {
    my ($self, $key, %fields) = @_;
    my %record = (%{$self->record($key) // {}}, %fields);

    delete $record{sum} unless exists $fields{sum};

    return $self->command('SET', $key, write_record(%record), 'KEEPTTL');
}

# All counters of all keys that match, by default of all tenants.

sub counters {
    my ($self, $pattern) = @_;

    return { map { %{read_counters($self->command('GET', $_))} }
        $self->keys($pattern // '*:v1:counters*') };
}

# Sets one of a key: [end in ms, since, count].

sub set_counter {
    my ($self, $key, $name, $numbers) = @_;
    my $counters = read_counters($self->command('GET', $key));

    $counters->{$name} = $numbers;

    return $self->command('SET', $key, write_counters(%$counters), 'PX',
        3_600_000);
}

1;
