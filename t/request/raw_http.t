#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Attackers send requests byte by byte: smuggling, framing, odd methods, odd
# lines.  The same bytes go to the gateway and to a plain NGINX proxy: never
# do more requests reach the service through the gateway, and never a
# createJobRun that was not checked and recorded.

use lib 't/lib';
use JobRuns;
use JobRuns::Corpus qw(corpus vectors);
use JobRuns::Wait qw(default_timeout);

use Encode qw(encode);
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(time);

# connections at once
my $batch = 400;

# NGINX ends each connection soon, so that all of it can be read.
my $http = '
    client_header_timeout 1s;
    client_body_timeout 1s;
    keepalive_timeout 1s;
    lingering_timeout 1s;
';

# Which connection a request came by; the bytes themselves are not touched.
my $location = 'proxy_set_header X-Test-Port $remote_port;';

my $t = JobRuns->new;
$t->run(http => $http, location => $location);
$t->run(name => 'plain', module => 0, http => $http, config => plain());

sub plain {
    my $text = $t->default_config(
        module => 0, http => $http, location => $location);

    $text =~ s/%%SERVICE%%/%%SERVICE_plain%%/;
    return $text;
}

my @lines = map { $_->{raw} = encode('latin-1', $_->{raw}); $_ }
    vectors('http_raw.jsonl');
my @corpus = map { $_->{raw} = decode_base64($_->{raw_b64}); $_ }
    corpus('http_raw_requests.jsonl');

# requests that the service took for a createJobRun, by any reading of theirs
my %created;
my @arrived;
my %last;

my %counts;
my @breaches;

judge($_) for send_all(@lines);
is(join('', @breaches), '',
    scalar @lines . ' requests of this file do no harm');
is($counts{judged}, @lines, 'each raw request was judged');
cmp_ok($counts{forwarded}, '>', 0, 'some raw requests reach the service');

# the control: a gateway that let all through would be noticed
cmp_ok($counts{plain}, '>', $counts{forwarded},
    'a plain proxy lets more raw requests through');

SKIP: {
    skip 'the corpus is not here', 1 if !@corpus;

    @breaches = ();
    judge($_) for send_all(@corpus);
    is(join('', @breaches), '',
        scalar @corpus . ' requests of the corpus do no harm');
    diag("to the service: $counts{plain} through a plain proxy, "
        . "$counts{forwarded} through the gateway");
}

check_records();

is($t->create_run->status, 201, 'the gateway still creates job runs');

done_testing;


# Sends the raw bytes of each line to both; a line gets what was returned and
# the requests that reached the service.

sub send_all {
    my (@all) = @_;
    my @done;

    while (my @some = splice @all, 0, $batch) {
        for my $to ([gateway => 'nginx', 'service'],
                    [plain => 'plain', 'plain'])
        {
            my ($key, $nginx, $service) = @$to;
            my %port = exchange($key, $t->nginx($nginx)->address, @some);

            for my $request (arrived($service)) {
                my $line = $port{header($request, 'x-test-port')};
                push @{$line->{"$key requests"}}, $request;
            }
        }

        push @done, @some;
    }

    return @done;
}

# What has arrived at a service since the last time.

sub arrived {
    my ($service) = @_;

    my $ledger = $t->service($service)->control('GET',
        'ledger?since=' . ($last{$service} // 0));
    my @requests = @{$ledger->{requests}};

    $last{$service} = $requests[-1]{id} if @requests;

    if ($service eq 'service') {
        $created{$_->{request}} = 1 for @{$ledger->{creations}};
        push @arrived, @requests;
    }

    return @requests;
}

sub header {
    my ($request, $name) = @_;

    my ($found) = grep { lc $_->[0] eq $name } @{$request->{headers}};
    return $found ? $found->[1] : '';
}

# One connection each, until NGINX ends it.  Returns the line of each port.

sub exchange {
    my ($key, $address, @some) = @_;

    my %port;
    my %line;
    my $open = IO::Select->new;
    my $deadline = time + default_timeout();

    for my $line (@some) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => $address, Proto => 'tcp') or die "$address: $!\n";
        $socket->blocking(0);
        syswrite $socket, $line->{raw};
        $line->{$key} = '';
        $line{$socket} = $line;
        $port{$socket->sockport} = $line;
        $open->add($socket);
    }

    while ($open->count) {
        die "$key: connections are not ended\n" if time > $deadline;

        for my $socket ($open->can_read(1)) {
            my $n = sysread $socket, my $bytes, 65536;
            next if !defined $n && $!{EAGAIN};

            if ($n) {
                $line{$socket}{$key} .= $bytes;
                next;
            }

            $open->remove($socket);
            close $socket;
        }
    }

    return %port;
}

sub statuses {
    my ($text) = @_;
    return [$text =~ m{HTTP/1\.[01] (\d{3}) }g];
}

sub judge {
    my ($line) = @_;

    my @gateway = @{$line->{'gateway requests'} // []};
    my @plain = @{$line->{'plain requests'} // []};
    my $answers = statuses($line->{gateway});
    my @wrong;

    push @wrong, @gateway . ' requests, but ' . @plain . ' by a plain proxy'
        if @gateway > @plain;

    # a response to HTTP/0.9 has no head
    push @wrong, 'more requests than answers'
        if @gateway > @$answers && $line->{gateway} =~ /^HTTP/;

    # what passes, passes as a plain proxy lets it pass
    for my $i (0 .. $#gateway) {
        push @wrong, map { "request $i: $_" } unchecked($gateway[$i]);
        push @wrong, "request $i has another body"
            if @gateway == @plain
            && $gateway[$i]{body_sha256} ne $plain[$i]{body_sha256};
    }

    push @wrong, expected($line, $answers, scalar @gateway);

    # an error of the gateway is JSON with a code, never a page of NGINX's
    push @wrong, 'an HTML page' if $line->{gateway} =~ /<html>/;

    push @breaches, map { "$line->{id}: $_\n" } @wrong;
    $counts{judged}++;
    $counts{forwarded} += @gateway;
    $counts{plain} += @plain;
}

# What a line itself demands: its status, where that is fixed, and how many
# requests may arrive.

sub expected {
    my ($line, $answers, $requests) = @_;

    my $expect = $line->{expect} // '';
    my $first = $answers->[0] // 'none';
    my @wrong;

    if ($expect =~ /^(?:\d{3}|2xx|none)(?:\|(?:\d{3}|2xx))*$/) {
        my $known = join '|', map { s/2xx/2\\d\\d/r } split /\|/, $expect;
        push @wrong, "answered $first, not $expect"
            if $first !~ /^(?:$known)$/ && !exempt($line, $first);

    } elsif ($expect =~ /^exactly one response/) {
        push @wrong, "answered @$answers" if @$answers != 1;
        push @wrong, 'a second request' if $requests > 1;
    }

    push @wrong, "$requests requests, not $line->{requests}"
        if defined $line->{requests} && $requests != $line->{requests};

    return @wrong;
}

# A fragment does not belong into a request: it is cut by one server and not
# by another, so a path with it is not spelled plainly.

sub exempt {
    my ($line, $first) = @_;
    return $line->{raw} =~ m{/jobRuns#x } && $first eq '404';
}

# A createJobRun as the service reads it has a body that was checked.

sub unchecked {
    my ($request) = @_;

    return if !$created{$request->{id}};

    my $body = eval { decode_json(decode_base64($request->{body_base64})) };

    return 'its body is no JSON' if ref $body ne 'HASH';
    return 'its body has no jobKey' if !length($body->{jobKey} // '');
    return 'it has no opc-request-id' if !header($request, 'opc-request-id');
    return;
}

# Each creation that reached the service has its record, from before it did.

sub check_records {
    my %begun = map { $_->{data}{request}{id} => 1 }
        grep { $_->{eventType} =~ /\.begin$/ } $t->audit;
    my @missing = grep { !$begun{header($_, 'opc-request-id')} }
        grep { $created{$_->{id}} } @arrived;

    is(scalar @missing, 0, 'every creation that was forwarded has a record');
    diag("without: $_->{target}") for @missing[0 .. ($#missing > 4 ? 4
        : $#missing)];
}
