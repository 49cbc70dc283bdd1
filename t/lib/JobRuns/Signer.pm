# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Signer;

# Signs requests as OCI's SDKs do, with keys made for the test, by openssl; and
# writes the files of keys that a gateway verifies them by.
#
#   my $ann = JobRuns::Signer->new($dir, 'ann');     # bits, tenancy, user
#   $ann->sign($t->run_request(...), ...)            # the request, signed
#
# sign(%opt):  names    what is signed, in that order ("headers")
#              date     seconds since 1970 instead of now; or a text
#              date_in  the header that has it: Date (x-date)
#              key_id, version, algorithm, params (text instead of them)
#              length   of the body, where another is to be signed
#              digest   x-content-sha256, where another is to be sent

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);

our @POST = qw((request-target) date host x-content-sha256 content-type
    content-length);

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class, $dir, $name, %opt) = @_;

    my $bits = $opt{bits} // 2048;
    my $self = bless {
        path => "$dir/$name.pem", name => $name,
        tenancy => $opt{tenancy} // 'ocid1.tenancy.oc1..test',
        user => $opt{user} // "ocid1.user.oc1..$name",
    }, $class;

    $self->openssl("openssl genrsa -out '$self->{path}' $bits");
    $self->{public} = $self->openssl("openssl rsa -in '$self->{path}'"
        . ' -pubout');
    (my $md5 = $self->openssl("openssl rsa -in '$self->{path}' -pubout"
        . ' -outform DER | openssl dgst -md5 -c')) =~ s/.*= *|\s//g;
    $self->{fingerprint} = $md5;
    $self->{key_id} = join '/', @$self{qw(tenancy user fingerprint)};

    return $self;
}

sub openssl {
    my ($self, $command) = @_;

    my $said = `{ $command; } 2>'$self->{path}.log'`;
    croak "$command: failed" if $? || !length $said && $command !~ /genrsa/;

    return $said;
}

# An entry of a file of API keys, as the CLI writes it.

sub entry {
    my ($self, %opt) = @_;

    return { 'key-id' => $self->{key_id}, 'key-value' => $self->{public},
        'lifecycle-state' => 'ACTIVE', %opt };
}

sub key_file {
    my ($path, @entries) = @_;
    return write_whole($path, $json->encode({ data => \@entries }));
}

# A new file in the place of the old one, as tools do it.

sub write_whole {
    my ($path, $text) = @_;

    open my $fh, '>:raw', "$path.new" or croak "$path.new: $!";
    print {$fh} $text;
    close $fh or croak "$path.new: $!";
    rename "$path.new", $path or croak "$path: $!";

    return $path;
}

sub base64url { return encode_base64($_[0], '') =~ tr{+/=}{-_}dr }

sub jwk {
    my ($self, %more) = @_;

    my ($n) = $self->openssl("openssl rsa -in '$self->{path}' -noout"
        . ' -modulus') =~ /Modulus=([0-9A-F]+)/;

    return { kty => 'RSA', n => base64url(pack 'H*', $n), e => 'AQAB', %more };
}

sub signature {
    my ($self, $text) = @_;

    open my $fh, '>:raw', "$self->{path}.txt" or croak "$self->{path}.txt: $!";
    print {$fh} $text;
    close $fh or croak $!;

    return $self->openssl("openssl dgst -sha256 -sign '$self->{path}'"
        . " '$self->{path}.txt'");
}

# A session token of this issuer for the owner of a key.

sub token {
    my ($self, $owner, %opt) = @_;

    my %claims = (
        iss => 'authService.example.com', exp => time + 3600,
        tenant => $owner->{tenancy}, sub => $owner->{user},
        jwk => $json->encode($owner->jwk), %{$opt{claims} // {}},
    );
    delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;
    my $parts = join '.', map { base64url($json->encode($_)) }
        { alg => 'RS256', kid => 'issuer-1', %{$opt{header} // {}} }, \%claims;

    return "ST\$$parts." . base64url($opt{signature}
        // $self->signature($parts));
}

sub imf { return strftime '%a, %d %b %Y %H:%M:%S GMT', gmtime $_[0] }

sub sign {
    my ($self, $request, %opt) = @_;

    my $date = $opt{date} // time;
    my $body = $request->{body} // '';
    my @headers = grep {
        $_->[0] !~ /^(?:date|authorization|x-content-sha256)$/i
    } @{$request->{headers}};

    push @headers,
        [$opt{date_in} // 'Date', $date =~ /\D/ ? $date : imf($date)],
        ['x-content-sha256', $opt{digest} // encode_base64(sha256($body), '')];

    my @names = @{$opt{names} // \@POST};
    my @lines = map {
        my $name = lc;
        my @values = map { $_->[1] =~ s/^[ \t]+|[ \t]+$//gr }
            grep { lc $_->[0] eq $name } @headers;

        "$name: " . ($name eq '(request-target)'
            ? lc($request->{method}) . ' '
                . ($request->{path} =~ s{^https?://[^/?]*}{}r)
            : $name eq 'content-length' && !@values
            ? $opt{length} // length $body : join ', ', @values);
    } @names;

    my $params = $opt{params} // sprintf '%skeyId="%s",algorithm="%s"',
        defined $opt{version} ? qq{version="$opt{version}",} : 'version="1",',
        $opt{key_id} // $self->{key_id}, $opt{algorithm} // 'rsa-sha256';

    push @headers, ['Authorization', sprintf
        'Signature %s,headers="%s",signature="%s"', $params, "@names",
        $opt{signature} // encode_base64($self->signature(join "\n", @lines),
            '')];

    return { %$request, headers => \@headers };
}

1;
