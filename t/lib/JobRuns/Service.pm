# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Service;

# The stub service as a child process, steered and questioned over its control
# requests.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();

use JobRuns::Client ();
use JobRuns::Ports qw(claim_port);
use JobRuns::Process ();
use JobRuns::Wait qw(wait_for);

my $json = JSON::PP->new->utf8->canonical;

# new(folder => DIR, name => NAME, script => PATH, unix => 1,
#     ignore_tokens => 1, args => [...])

sub new {
    my ($class, %opt) = @_;

    my $self = bless { args => [], %opt }, $class;
    $self->{address} = $opt{unix} ? "unix:$opt{folder}/$opt{name}.sock"
        : '127.0.0.1:' . claim_port();

    return $self;
}

# As "server" in an upstream block takes it.
sub address { return $_[0]{address} }

sub start {
    my ($self) = @_;
    my $ready = "$self->{folder}/$self->{name}.ready";

    unlink $ready;
    $self->{process} = JobRuns::Process->start(
        name => 'stub service', output => "$self->{folder}/$self->{name}.log",
        argv => [
            $^X, $self->{script}, '--listen', $self->{address}, '--log',
            '--port-file', $ready,
            $self->{ignore_tokens} ? '--ignore-tokens' : (),
            @{$self->{args}},
        ],
    );

    wait_for {
        croak 'the stub service ended: ' . $self->{process}->output
            unless $self->{process}->alive;
        -e $ready;
    } 'the stub service to listen';

    return $self;
}

sub pid { return $_[0]{process}->pid }
sub running { return $_[0]{process} && $_[0]{process}->alive }

# Stopped, its port refuses connections; paused, it accepts and says nothing.
# What it remembers is lost when it stops.

sub stop { $_[0]->end('TERM') }
sub kill { $_[0]->end('KILL') }

sub end {
    my ($self, $signal) = @_;

    return unless $self->{process};
    (delete $self->{process})->stop($signal);
}

sub pause { $_[0]{process}->signal('STOP') }
sub resume { $_[0]{process}->signal('CONT') }

sub control {
    my ($self, $method, $path, $data) = @_;

    my $client = JobRuns::Client->new($self->{address});
    $client->request({ method => $method, path => "/_stub/$path",
        headers => [['Host', 'stub'], ['Connection', 'close']],
        body => defined $data ? $json->encode($data) : undef });
    my $response = $client->response;
    croak "stub service: $method $path: " . $response->body
        unless ($response->status // 0) == 200;

    return $response->header('content-type') eq 'application/json'
        ? $response->json : $response->body;
}

# plan({...}, ...): what to do with the next requests; see t/README.md

sub plan {
    my ($self, @plans) = @_;
    return $self->control('POST', 'plan', \@plans);
}

# Without the bodies of requests, which body() has.
sub ledger { return $_[0]->control('GET', 'ledger?bodies=0') }
sub counts { return $_[0]->ledger->{counts} }
sub requests { return @{$_[0]->ledger->{requests}} }
sub creations { return @{$_[0]->ledger->{creations}} }

# The bytes of the body of one of requests().
sub body { return $_[0]->control('GET', "body/$_[1]{id}") }

# How often a job run was asked for.
sub asked { return scalar grep { $_->{method} eq 'POST' } $_[0]->requests }

# How many job runs were created, all in all or with one token.

sub created {
    my ($self, $token) = @_;

    my $ledger = $self->ledger;
    return $ledger->{counts}{creations} unless defined $token;
    return $ledger->{by_token}{$token}{creations} // 0;
}

# What it got since this was last asked; the whole ledger is long.

sub new_requests {
    my ($self) = @_;

    my $since = $self->{seen} // 0;
    my $ledger = $self->control('GET', "ledger?bodies=0&since=$since");
    my @new = @{$ledger->{requests}};
    $self->{seen} = $new[-1]{id} if @new;

    return @new;
}

sub last_request {
    my ($self) = @_;

    my @new = $self->new_requests;
    $self->{last} = $new[-1] if @new;

    return $self->{last};
}

# The values of a header of one of requests(), of the last one by default.

sub received {
    my ($self, $name, $request) = @_;

    return join '|', map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{($request // $self->last_request)->{headers}};
}

sub waiting {
    my ($self, $gate) = @_;

    my $waiting = $self->control('GET', 'waiting');
    return $waiting unless defined $gate;
    return scalar @{$waiting->{$gate} // []};
}

# Until that many requests (1) wait at a gate.

sub wait_at {
    my ($self, $gate, $number) = @_;

    $number //= 1;
    wait_for { $self->waiting($gate) >= $number }
        "$number request(s) to wait at \"$gate\" in the service";
}

# Until the service has received that many requests since its start or reset.

sub wait_requests {
    my ($self, $number) = @_;

    wait_for { $self->counts->{requests} >= $number }
        "$number request(s) to reach the service";
}

# release(GATE) opens a gate for good, release(GATE, N) lets N through,
# release() opens every gate that is waited at.

sub release {
    my ($self, $gate, $number) = @_;

    my $path = defined $gate ? "release/$gate" : 'release';
    return $self->control('POST', $path . ($number ? "?count=$number" : ''));
}

sub reset {
    my ($self) = @_;
    $self->{seen} = 0;
    return $self->control('POST', 'reset');
}

1;
