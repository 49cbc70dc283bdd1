#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# curl with its own retries, signed by jobruns-sign.
#
#   curl.pl FOLDER ROOT --http1.1|--http2 URL TOKEN FILE

use strict;
use warnings;

use JSON::PP ();

my ($folder, $root, $version, $url, $token, $file) = @ARGV;
my $json = JSON::PP->new->utf8->canonical;

open my $ids, '<', "$folder/ids.json" or die "ids.json: $!\n";
my $key_id = $json->decode(do { local $/; <$ids> })->{keyId};

open my $curl, '-|', "$root/tools/ctl/jobruns-sign", '--key',
    "$folder/user.pem", '--key-id', $key_id, '--data', $file, '--header',
    "opc-retry-token: $token", $url, '--', $version, '--cacert',
    "$folder/gateway.crt", '--retry', 5, '--retry-delay', 1, '--dump-header',
    "$folder/curl.head", '--write-out', '\n%{http_code} %{http_version}'
    or die "jobruns-sign: $!\n";
my $said = do { local $/; <$curl> } // '';
close $curl;

$said =~ s/\n(\d+) ([\d.]+)\z// or die "curl failed: $said\n";
my ($status, $used) = ($1, $2);

# of the last try
my $body = $json->decode((split /(?<=\})(?=\{)/, $said)[-1]);
open my $fh, '<', "$folder/curl.head" or die "curl.head: $!\n";
my ($head) = (split /\r\n\r\n/, do { local $/; <$fh> })[-1];
my %head = map { /^([^:]+):\s*(.*?)\r?$/ ? (lc $1 => $2) : () }
    split /\n/, $head;

print $json->encode({
    status => $status + 0, version => int $used, key => $body->{key},
    code => $body->{code}, message => $body->{message},
    request_id => $head{'opc-request-id'},
    replayed => $head{'opc-retry-replayed'},
}), "\n";
