# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Requests;

# The part of the harness that sends requests; JobRuns inherits it.

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use Exporter qw(import);
use JSON::PP ();

use JobRuns::Client ();
use JobRuns::Curl ();
use JobRuns::H2 ();

our @EXPORT_OK = qw(random_id);

my $json = JSON::PP->new->utf8->canonical;

# Letters and digits, as SDKs make retry tokens and keys.

sub random_id {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
    read $fh, my $bytes, $length //= 32;
    my @letters = ('A' .. 'Z', 'a' .. 'z', 0 .. 9);

    return join '', map { $letters[$_ % @letters] } unpack 'C*', $bytes;
}

sub client {
    my ($self, $to) = @_;
    return JobRuns::Client->new($self->address_of($to));
}

# An open HTTP/2 connection.

sub h2 {
    my ($self, $to) = @_;
    return JobRuns::H2->new($self->h2_address_of($to));
}

sub h2_address_of {
    my ($self, $to) = @_;
    return !defined $to ? $self->nginx->h2_address
        : ref $to ? $to->h2_address : $to;
}

sub address_of {
    my ($self, $to) = @_;
    return !defined $to ? $self->nginx->address : ref $to ? $to->address : $to;
}

# The parts of a good createJobRun request, changed by %opt:
#   token, request_id            header values; undef leaves the header out
#   body | json | job_key        bytes, data to encode, or only another job
#   version family platform workspace | path      of the path
#   tenancy user | authorization                  of the signature
#   headers => { name => value }  replaces or adds; undef leaves out
#   extra => [[name, value]...]   added behind, also if it is there already
#   stub => { key => value }      steers the service (X-Stub-* headers)
#   method, http_version, chunked, expect         as JobRuns::Client has them

sub run_request {
    my ($self, %opt) = @_;

    my $body = exists $opt{body} ? $opt{body} : $json->encode(
        $opt{json} // { jobKey => $opt{job_key}
            // '54368733-3a17-47a1-b231-869d8ae2a048' });
    my $path = $opt{path} // sprintf '/%s/%s/%s/workspaces/%s/jobRuns',
        $opt{version} // '20260430', $opt{family} // 'aiDataPlatforms',
        $opt{platform} // 'ocid1.aidataplatform.oc1.iad.test',
        $opt{workspace} // 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f';

    my $key_id = join '/', $opt{tenancy} // 'ocid1.tenancy.oc1..test',
        $opt{user} // 'ocid1.user.oc1..test',
        '20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34';
    my $signed = '(request-target) date host x-content-sha256 content-type'
        . ' content-length';

    my @headers = (
        ['Host', 'localhost'],
        ['Date', 'Thu, 05 Jan 2034 21:31:40 GMT'],
        ['opc-request-id',
            exists $opt{request_id} ? $opt{request_id} : random_id(32)],
        ['opc-retry-token', exists $opt{token} ? $opt{token} : random_id(30)],
        ['Content-Type', 'application/json'],
        ['x-content-sha256', sha256_base64($body // '') . '='],
        ['Authorization', $opt{authorization}
            // qq{Signature version="1",keyId="$key_id",}
                . qq{algorithm="rsa-sha256",headers="$signed",}
                . 'signature="c2ln"'],
    );

    my %wanted = %{$opt{headers} // {}};
    for my $name (sort keys %wanted) {
        my ($found) = grep { lc $_->[0] eq lc $name } @headers;
        if ($found) {
            $found->[1] = $wanted{$name};
        } else {
            push @headers, [$name, $wanted{$name}];
        }
    }

    my $stub = $opt{stub} // {};
    for my $key (sort keys %$stub) {
        (my $name = "X-Stub-$key") =~ tr/_/-/;
        push @headers, map { [$name, $_] }
            ref $stub->{$key} ? @{$stub->{$key}} : $stub->{$key};
    }
    push @headers, @{$opt{extra} // []};

    return {
        method => $opt{method} // 'POST', path => $path, body => $body,
        headers => [grep { defined $_->[1] } @headers],
        version => $opt{http_version}, chunked => $opt{chunked},
        expect => $opt{expect},
    };
}

# create_run(%opt) sends run_request(%opt) and returns the answer.  Besides:
# to => an NGINX or an address, on => a client with an open connection,
# h2 => 1 for HTTP/2 (a connection that was made so by on =>), timeout.

sub create_run {
    my ($self, %opt) = @_;

    return $self->start_run(%opt)->response($opt{timeout});
}

# Only sends; ->response of the returned client has the answer.

sub start_run {
    my ($self, %opt) = @_;

    my $client = $opt{on} // ($opt{h2} ? $self->h2($opt{to})
        : $self->client($opt{to}));
    return $client->request($self->run_request(%opt));
}

# Several at once on one HTTP/2 connection: a stream for each, whose ->response
# has the answer.

sub start_h2 {
    my ($self, @each) = @_;

    my $h2 = $self->h2($each[0]{to});
    return map { $h2->request($self->run_request(%$_)) } @each;
}

# HTTP/2 with curl, each request on a connection of its own; ->responses of the
# returned object has the answers.

sub start_curl {
    my ($self, @each) = @_;

    return JobRuns::Curl->start(folder => $self->{dir},
        address => $self->h2_address_of($each[0]{to}),
        requests => [map { $self->run_request(%$_) } @each]);
}

# Any other request: method, path, headers (pairs), body.

sub request {
    my ($self, %opt) = @_;

    my $client = $opt{on} // $self->client($opt{to});
    $opt{headers} //= [['Host', 'localhost']];
    return $client->request(\%opt)->response($opt{timeout});
}

sub get {
    my ($self, $path, %opt) = @_;
    return $self->request(path => $path, %opt);
}

1;
