# SPDX-License-Identifier: BSD-2-Clause

package Outage;

# Clients while something of Redis breaks: rounds of requests, each a new token
# of each tenant and again what has failed, as SDKs do.  How many failed, how
# long the slowest one took, when all is well again, and that every token has
# made one job run in the end.
#
#   my $outage = Outage->new($t, tenants => [ocid, ...]);
#   my @r = $outage->begin;          # a round under way ...
#   $redis->kill;
#   my $failures = $outage->answers(@r);             # ... and its answers
#   my $seconds = $outage->well(SINCE);              # until a round has none
#   $outage->tell('a killed Redis', $seconds);
#   is(join(' ', $outage->wrong), '', ...);
#
# The gateway needs TIMEOUTS, so that it is known what a request may take.

use strict;
use warnings;

use Test::More ();
use Time::HiRes qw(sleep time);

use JobRuns::Wait qw(wait_for);

use constant TIMEOUTS => 'jobruns_redis_timeout 500ms;'
    . 'jobruns_redis_connect_timeout 200ms;'
    . 'jobruns_retry_lease 3s; jobruns_retry_wait 1s;';

# Asking twice for the claim, waiting behind another attempt, asking the
# service and keeping its answer; and the machine may be busy.
use constant LONGEST => 2 * 0.5 + 1 + 0.5 + 0.5 + 2;

# retries at once: behind that many nothing new is begun
use constant OPEN => 40;

# new(HARNESS, tenants => [one for each request of a round])

sub new {
    my ($class, $t, %opt) = @_;

    my $self = bless { t => $t, tokens => [], open => {}, %opt }, $class;
    $self->forget;

    return $self;
}

# What tell() tells begins here.

sub forget {
    my ($self) = @_;
    @$self{qw(asked slowest failed)} = (0, 0, {});
}

# Begins a round for these tenants, or all.

sub begin {
    my ($self, @tenants) = @_;
    my $open = $self->{open};

    @tenants = @{$self->{tenants}} if !@tenants;
    @tenants = () if keys %$open > OPEN;

    my @again = values %$open;
    %$open = ();

    return map { $self->ask(@$_) }
        (map { [$self->new_token, $_] } @tenants), @again;
}

sub new_token {
    my ($self) = @_;
    my $token = 'outage-' . @{$self->{tokens}};

    push @{$self->{tokens}}, $token;

    return $token;
}

sub ask {
    my ($self, $token, $tenant) = @_;

    return { token => $token, tenant => $tenant, at => time,
        client => $self->{t}->start_run(token => $token,
            tenancy => $tenant) };
}

# Waits for the answers to what was begun: how many were no success.

sub answers {
    my ($self, @begun) = @_;
    my $failures = 0;

    for my $r (@begun) {
        my $answer = $r->{client}->response;
        my $took = time - $r->{at};

        $self->{slowest} = $took if $took > $self->{slowest};
        $self->{asked}++;
        $r->{client}->close;
        next if $answer->status == 201;

        $failures++;
        $self->{failed}{$answer->status . ' ' . ($answer->code // '')}++;
        $self->{open}{$r->{token}} = [$r->{token}, $r->{tenant}];
    }

    return $failures;
}

sub round {
    my ($self, @tenants) = @_;
    my $failures = $self->answers($self->begin(@tenants));

    sleep 0.1 if $failures;             # as clients do

    return $failures;
}

# Goes on until all that was asked has succeeded: seconds since then.

sub well {
    my ($self, $since) = @_;

    wait_for { !$self->round } 'all to succeed', 60;

    return time - $since;
}

# Prints what was seen since forget() or the last time, and checks that no
# request hung.

sub tell {
    my ($self, $what, $recovered) = @_;

    my @failed = map { "$self->{failed}{$_} x $_" }
        sort keys %{$self->{failed}};
    Test::More::diag(sprintf '%s: %d requests, failed: %s; slowest %.2f s%s',
        $what, $self->{asked}, @failed ? join(', ', @failed) : 'none',
        $self->{slowest}, !defined $recovered ? ''
            : sprintf '; recovered in %.2f s', $recovered);
    Test::More::cmp_ok($self->{slowest}, '<', LONGEST,
        "$what: no request took longer than its timeouts");
    $self->forget;
}

# Tokens that have not made one job run, and that alone.

sub wrong {
    my ($self) = @_;
    my $made = $self->{t}->service->ledger->{by_token};

    return grep { ($made->{$_}{creations} // 0) != 1 } @{$self->{tokens}};
}

1;
