# SPDX-License-Identifier: BSD-2-Clause

package Bench::Report;

# REPORT.md of the results of one run: every figure comes from there.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(sum0);

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
    equal     => 'OpenResty, equal features',
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
        'measured, so counts say most; then the CPU time per request, of the',
        'gateway\'s own processes and of Redis\'; then ratios within one run;',
        'requests per second least. Each time is the median of the rounds,',
        'with the least and the most. The load average was '
        . ($machine->{load} // 'not read') . ' before it began: above 1, '
        . 'others took', 'a part of the processors, and times are too long.',
        '',
        '![CPU per request](report.svg)', '',
        targets($results), matrix($results), extra($results);
}


# What is promised against what came out: counts, then ratios of medians.

sub targets {
    my ($results) = @_;
    my @connections = split /,/, $results->{options}{connections};
    my $most = $connections[-1];
    my @rows;

    my $row = sub {
        my ($what, $value, $limit, $at_least, $form) = @_;
        return unless defined $value;
        push @rows, sprintf "| %s | %s $form | $form | %s |", $what,
            $at_least ? 'at least' : 'at most', $limit, $value,
            ($at_least ? $value >= $limit : $value <= $limit)
                ? 'met' : 'missed';
    };

    my $counts = $results->{counts}{gateway} // {};

    for (['gateway, instructions of a creation', create => instructions =>
          128000],
         ['of a 429', limited => instructions => 95000],
         ['of an invalid body', invalid => instructions => 60000],
         ['Redis, instructions of a creation, 16 at a time',
          create => redis => 150000],
         ['of a 429', limited => redis => 30000],
         ['of a creation alone, with overrides', spread => redis => 380000],
         ['append-only file of a creation, bytes, 16 at a time',
          create => aof => 2200],
         ['of one alone', spread => aof => 2300])
    {
        my ($what, $kind, $count, $limit) = @$_;
        $row->($what, $counts->{$kind}{$count}, $limit, 0, '%d');
    }

    my $ratio = sub {
        my ($what, $one, $two, $limit, $at_least) = @_;
        $row->($what, $one / $two, $limit, $at_least, '%.2f')
            if $one && $two;
    };

    my $cell = sub {
        my ($kind, $peer, $what, $at) = @_;
        my $found = $results->{cells}{"$kind " . ($at // $most) . " $peer"};
        return median(@{$found->{$what} // []});
    };

    for my $at (@connections[1 .. $#connections]) {
        $ratio->("CPU of a create / plain create, $at connections",
            $cell->('create', 'gateway', 'cpu', $at),
            $cell->('create', 'plain', 'cpu', $at), $at == $most ? 2 : 2.2);
    }

    my $proxied = $cell->('create', 'plain', 'cpu');

    $ratio->('CPU of a 429 / plain create',
        $cell->('limited', 'gateway', 'cpu'), $proxied, 1);
    $ratio->('CPU of an invalid body / plain create',
        $cell->('invalid', 'gateway', 'cpu'), $proxied, 0.75);
    $ratio->('CPU of a GET / plain GET', $cell->('get', 'gateway', 'cpu'),
        $cell->('get', 'plain', 'cpu'), 1.02);
    $ratio->('CPU of Node\'s create / the gateway\'s',
        $cell->('create', 'node', 'cpu'),
        $cell->('create', 'gateway', 'cpu'), 4, 1);

    my $rate = sub {
        my ($peer, $tenants) = @_;
        my $found = $results->{tenants}{"$tenants $peer"};
        return median(@{$found->{rate} // []});
    };

    $ratio->("creates/s / OpenResty's, $_->[0] tenants",
        $rate->('gateway', $_->[0]), $rate->('openresty', $_->[0]), $_->[1],
        1) for [1 => 2.5], [1000 => 2];

    if (my $idle = $results->{idle}) {
        my %us = map { $_ => median(@{$idle->{$_}}) } keys %$idle;

        $row->('idle create, less plain and the two calls, us',
            $us{gateway} - $us{plain} - 2 * $us{call}, 85, 0,
            '%.0f');
    }

    if (my $far = $results->{far}) {
        $ratio->('p50 of a create, Redis 1 ms away, 2000/s: one tenant / many',
            (map { median(@{$far->{$_}{p50}}) } qw(create spread)), 1.15);
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
            '| | connections | gateway CPU, us | Redis CPU, us | Redis calls '
            . '| reads by Redis | AOF bytes | requests/s | p50, ms | p99, ms '
            . '| p99.9, ms | worker memory, MB |',
            '|---|---|---|---|---|---|---|---|---|---|---|---|';

        for my $connections (split /,/, $results->{options}{connections}) {
            for my $name (split /,/, $results->{options}{peers}) {
                my $c = $results->{cells}{"$kind $connections $name"} or next;

                push @lines, '| ' . join(' | ', $peer{$name}, $connections,
                    show(@{$c->{cpu}}), show(@{$c->{redis_cpu}}),
                    (map { sprintf '%.2f', median(@{$c->{$_}}) }
                        qw(calls reads)),
                    sprintf('%.0f', median(@{$c->{aof}})),
                    show(@{$c->{rate}}),
                    (map { show(map { $_ / 1000 } @{$c->{$_}}) }
                        qw(p50 p99 p999)),
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

    push @lines, counts($results->{counts}) if $results->{counts};
    push @lines, syscalls($results->{syscalls}) if $results->{syscalls};
    push @lines, tenants($results->{tenants}) if $results->{tenants};

    if (my $i = $results->{idle}) {
        push @lines, '## Latency on an idle system', '',
            'One connection, means in microseconds; a creation makes two '
            . 'calls to Redis.', '',
            '| plain create | gateway create | a call, from send to reply |',
            '|---|---|---|',
            '| ' . join(' | ', map { show(@{$i->{$_}}) }
                qw(plain gateway call)) . ' |', '';
    }

    if (my $f = $results->{far}) {
        my %name = (create => 'one tenant', spread => 'a thousand tenants');

        push @lines, '## Redis a millisecond away', '',
            'One worker, 2,000 creations a second; from when a request was '
            . 'due.', '',
            '| | p50, ms | p99, ms | calls to Redis |', '|---|---|---|---|',
            (map { my $r = $f->{$_}; "| $name{$_} | " . join(' | ',
                (map { show(map { $_ / 1000 } @{$r->{$_}}) } qw(p50 p99)),
                sprintf '%.2f', median(@{$r->{calls}})) . ' |' }
                qw(create spread)), '';
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

sub counts {
    my ($counts) = @_;
    my @lines;

    for my $name (grep { $counts->{$_} } qw(plain gateway openresty equal)) {
        for my $kind (qw(create spread replay limited invalid get)) {
            my $c = $counts->{$name}{$kind} or next;

            push @lines, '| ' . join(' | ', $peer{$name}, $kind,
                map { $_ // '–' } @$c{qw(instructions sha allocations calls
                    redis scripts aof)}) . ' |';
        }
    }

    return '## Counts', '',
        'Per request, of 16 at a time on 16 connections, with the headers '
        . 'of an SDK (callgrind, user space). spread: a creation of 16 '
        . 'tenants, one each, with overrides. SHA-256 counts apart, because '
        . 'valgrind hides the processor\'s own instructions for it. Redis: '
        . 'the whole process; in scripts: the part of it in EVALSHA.', '',
        '| | request | gateway, instructions | SHA-256 | allocations '
        . '| Redis calls | Redis, instructions | in scripts | AOF bytes |',
        '|---|---|---|---|---|---|---|---|---|', @lines, '',
        'A stored record of the service\'s 1 KB: '
        . join('; ', map { my $r = $counts->{$_}{record};
            "$peer{$_} $r->{bytes} bytes of value, $r->{memory} of memory" }
            grep { $counts->{$_}{record} } qw(gateway openresty equal))
        . '.', '';
}

sub syscalls {
    my ($calls) = @_;
    my @peers = grep { $calls->{$_} } qw(plain gateway openresty equal);
    my %name = map { $_ => 1 } map { keys %{$calls->{$_}} } @peers;

    # what starting to trace and single events make is nobody's
    my @names = grep {
        my $name = $_;
        grep { ($calls->{$_}{$name} // 0) >= 0.005 } @peers;
    } sort keys %name;

    return '## System calls', '',
        'Per creation at 256 connections (strace -c). Of the gateway '
        . '`sendto` is to Redis: operations of one turn of the event loop '
        . 'share one.', '',
        '| | ' . join(' | ', map { $peer{$_} } @peers) . ' |',
        '|---' x (@peers + 1) . '|',
        (map { my $name = $_; "| $name | " . join(' | ', map {
            sprintf '%.2f', $calls->{$_}{$name} // 0 } @peers) . ' |' }
            @names),
        '| all | ' . join(' | ', map { sprintf '%.2f',
            sum0(values %{$calls->{$_}}) } @peers) . ' |', '';
}

sub tenants {
    my ($cells) = @_;
    my @lines;

    for my $number (1, 16, 1000) {
        for my $name (qw(gateway openresty equal)) {
            my $c = $cells->{"$number $name"} or next;

            push @lines, '| ' . join(' | ', $peer{$name}, $number,
                show(@{$c->{cpu}}), show(@{$c->{redis_cpu}}),
                sprintf('%.0f', median(@{$c->{aof}})), show(@{$c->{rate}}),
                show(map { $_ / 1000 } @{$c->{p50}})) . ' |';
        }
    }

    return '## Tenants', '', 'Creations at 256 connections.', '',
        '| | tenants | gateway CPU, us | Redis CPU, us | AOF bytes '
        . '| requests/s | p50, ms |', '|---|---|---|---|---|---|---|',
        @lines, '';
}

1;
