# SPDX-License-Identifier: BSD-2-Clause

package Bench::Report;

# REPORT.md of the results of one run: every figure comes from there.

use strict;
use warnings;

use Exporter qw(import);

use Bench::Stats qw(median show);

our @EXPORT_OK = qw(report);

my %kind = (
    create  => 'create: a new token each',
    replay  => 'replay: a done token',
    limited => '429: over a quota',
    invalid => 'an invalid body',
    get     => 'GET, passed through',
);

my %peer = (
    plain     => 'plain `proxy_pass`',
    gateway   => '**gateway**',
    openresty => 'OpenResty style',
    node      => 'Node',
);

sub report {
    my ($results) = @_;
    my $machine = $results->{machine};

    return join "\n", '# Speed', '',
        'Made by `make bench`, which ran', '', "    $results->{command}", '',
        "on $machine->{cores} cores ($machine->{cpu}), $machine->{system}, "
        . "$machine->{nginx}, Redis $machine->{redis}"
        . ($machine->{node} ? ", Node $machine->{node}" : '') . '.',
        'Load generator, service and Redis share the machine with what is',
        'measured, so rates say little; ratios within one run, and the CPU',
        'time of the gateways\' own processes, say more. Each figure is the',
        'median of the rounds, with the least and the most.', '',
        '![CPU per request](report.svg)', '',
        targets($results), matrix($results), extra($results);
}


# What is promised against what came out, ratios of medians.

sub targets {
    my ($results) = @_;
    my @connections = split /,/, $results->{options}{connections};
    my $most = $connections[-1];
    my @rows;

    my $cell = sub {
        my ($kind, $peer, $what) = @_;
        my $found = $results->{cells}{"$kind $most $peer"} // {};
        return median(@{$found->{$what} // []});
    };

    my $ratio = sub {
        my ($what, $one, $two, $limit, $at_most) = @_;
        return unless $one && $two;
        my $value = $one / $two;
        push @rows, sprintf '| %s | %s %.2f | %.2f | %s |', $what,
            $at_most ? 'at most' : 'at least', $limit, $value,
            ($at_most ? $value <= $limit : $value >= $limit)
                ? 'met' : 'missed';
    };

    my $proxied = $cell->('create', 'plain', 'cpu');

    $ratio->('CPU per create / plain create',
        $cell->('create', 'gateway', 'cpu'), $proxied, 2, 1);
    $ratio->('CPU per GET / plain GET', $cell->('get', 'gateway', 'cpu'),
        $cell->('get', 'plain', 'cpu'), 1.03, 1);
    $ratio->('CPU per 429 / plain create',
        $cell->('limited', 'gateway', 'cpu'), $proxied, 0.8, 1);
    $ratio->('CPU per invalid body / plain create',
        $cell->('invalid', 'gateway', 'cpu'), $proxied, 0.6, 1);

    for ([openresty => 2.5], [node => 4]) {
        my ($peer, $limit) = @$_;
        $ratio->("creates per second / $peer",
            $cell->('create', 'gateway', 'rate'),
            $cell->('create', $peer, 'rate'), $limit, 0);
        $ratio->("CPU per create of $peer / gateway's",
            $cell->('create', $peer, 'cpu'),
            $cell->('create', 'gateway', 'cpu'), $limit, 0);
        $ratio->("p99 of a create / $peer",
            $cell->('create', 'gateway', 'p99'),
            $cell->('create', $peer, 'p99'), 1, 1);
    }

    if (my $idle = $results->{idle}) {
        my %us = map { $_ => median(@{$idle->{$_}}) } keys %$idle;
        my $added = $us{gateway} - $us{plain};
        my $limit = $us{admit} + $us{settle} + 60;

        push @rows, sprintf '| added latency of a create, idle, us | at most '
            . 'two calls + 60 = %.0f | %.0f | %s |', $limit, $added,
            $added <= $limit ? 'met' : 'missed';
    }

    return () unless @rows;

    return '## Targets', '', "At $most connections where nothing else is said.",
        '', '| what | target | measured | |', '|---|---|---|---|', @rows, '';
}


sub matrix {
    my ($results) = @_;
    my @lines;

    for my $kind (split /,/, $results->{options}{kinds}) {
        push @lines, "## $kind{$kind}", '',
            '| | connections | requests/s | p50, ms | p99, ms | p99.9, ms '
            . '| gateway CPU, us | Redis CPU, us | Redis calls | reads by '
            . 'Redis | worker memory, MB |',
            '|---|---|---|---|---|---|---|---|---|---|---|';

        for my $connections (split /,/, $results->{options}{connections}) {
            for my $name (split /,/, $results->{options}{peers}) {
                my $c = $results->{cells}{"$kind $connections $name"} or next;

                push @lines, '| ' . join(' | ', $peer{$name}, $connections,
                    show(@{$c->{rate}}),
                    (map { show(map { $_ / 1000 } @{$c->{$_}}) }
                        qw(p50 p99 p999)),
                    show(@{$c->{cpu}}), show(@{$c->{redis_cpu}}),
                    (map { sprintf '%.2f', median(@{$c->{$_}}) }
                        qw(calls reads)),
                    sprintf('%.1f', median(@{$c->{memory}}) / 1048576))
                    . ' |';
            }
        }

        push @lines, '';
    }

    return @lines;
}


sub extra {
    my ($results) = @_;
    my @lines;

    if (my $w = $results->{writes}) {
        push @lines, '## Writes to Redis', '',
            sprintf('At 256 connections %.2f calls per creation leave in '
                . '%.3f writes (strace -c of %d creations): operations of '
                . 'one turn of the event loop share a write.', $w->{calls},
                $w->{writes}, $w->{requests}), '';
    }

    if (my $i = $results->{idle}) {
        push @lines, '## Latency on an idle system', '',
            'One connection, p50 in microseconds; the same two calls beside '
            . 'it, made by a C program that does nothing else.', '',
            '| plain create | gateway create | admit.lua | settle.lua |',
            '|---|---|---|---|',
            '| ' . join(' | ', map { show(@{$i->{$_}}) }
                qw(plain gateway admit settle)) . ' |', '';
    }

    if (my $s = $results->{scale}) {
        my %name = (few => 'few tokens, one tenant',
            tokens  => '1,100,000 live tokens',
            tenants => '100,000 tenants');

        push @lines, '## Many tokens, many tenants', '',
            'CPU per creation at 32 connections, microseconds.', '',
            '| | gateway | Redis |', '|---|---|---|',
            (map { my $r = $s->{$_}; "| $name{$_} | " . show(@{$r->{cpu}})
                . ' | ' . show(@{$r->{redis_cpu}}) . ' |' }
                qw(few tokens tenants)), '';
    }

    if (my $h = $results->{held}) {
        push @lines, '## Memory of held answers', '',
            sprintf('With %d answers of 1 KB held at a time, the workers '
                . 'together had grown by %.1f KB for each (%.1f KB while '
                . 'they were forwarded).', $h->{number},
                map { ($h->{$_} - $h->{before}) / $h->{number} / 1024 }
                    qw(held forwarded)), '';
    }

    return @lines;
}

1;
