#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Variables with what NGINX has decoded for a client, or has read as it is, may
# have line ends.  Passed on in a header, they do not make two requests of a
# GET.

use lib 't/lib';
use JobRuns;

use MIME::Base64 qw(encode_base64);

my $t = JobRuns->new;
my ($version) = JobRuns::Nginx::build() =~ m{nginx/1\.(\d+\.\d+)};
my $tlvs = $version >= 23.2;

my $proxy = <<'END';
    include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_set_header  Host             $http_host;
    proxy_set_header  Connection       "";
    proxy_set_header  Accept-Encoding  $jobruns_accept_encoding;
    proxy_pass http://service;
END

$t->run(server => <<END, servers => $tlvs ? <<END : '');
    location /user { proxy_set_header X-Value \$remote_user; $proxy }
    location /body { proxy_set_header X-Value \$request_body; $proxy }
END
    server {
        listen 127.0.0.1:%%PORT_2%% proxy_protocol;
        jobruns on;
        location / {
            proxy_set_header X-Value \$proxy_protocol_tlv_authority; $proxy
        }
    }
END

my $service = $t->service;
my $run = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

# how a client of each brings in a value

my %brings = (
    user => sub {
        my ($method, $value) = @_;
        return "$method /user HTTP/1.1\r\nHost: l\r\nAuthorization: Basic "
            . encode_base64("$value:secret", '') . "\r\n\r\n";
    },
    body => sub {
        my ($method, $value) = @_;
        return "$method /body HTTP/1.1\r\nHost: l\r\nContent-Length: "
            . length($value) . "\r\n\r\n$value";
    },
    $tlvs ? (authority => sub {
        my ($method, $value) = @_;
        # PROXY, IPv4 TCP: addresses, ports, and the name of the host
        my $rest = pack 'N2 n2 C n/a', 0x7f000001, 0x7f000001, 1, 2, 2, $value;
        return "\r\n\r\n\0\r\nQUIT\n" . pack('C2 n/a', 0x21, 0x11, $rest)
            . "$method /x HTTP/1.1\r\nHost: l\r\n\r\n";
    }) : (),
);

sub ask {
    my ($kind, $method, $value) = @_;
    my $client = $t->client($kind eq 'authority'
        ? '127.0.0.1:' . $t->port(2) : undef);

    $client->send($brings{$kind}->($method, $value));

    return $method eq 'HEAD' ? $client->read_head : $client->response;
}

for my $kind (sort keys %brings) {
    for my $method (qw(GET HEAD)) {
        my $what = "$kind, $method";
        my $asked = $service->requests;

        is(ask($kind, $method, 'name')->status, 404, "$what: a name passes");
        is($service->received('x-value'), 'name',
            "$what: the service gets the name");

        for my $end ("\r\n", "\n") {
            my $made = $service->created;
            $asked = $service->requests;

            # a user ends at the first colon
            my $second = $kind eq 'user'
                ? "x$end${end}POST $run HTTP/1.0$end$end"
                : "x${end}Content-Length: 0$end${end}POST $run HTTP/1.1$end"
                    . "Host: l${end}Content-Length: 14$end$end"
                    . '{"jobKey":"a"}';

            is(ask($kind, $method, $second)->status, 404,
                "$what: a second request in it gets 404");
            is(scalar $service->requests, $asked,
                "$what: the service is not asked");
            is($service->created, $made, "$what: nothing is created");
        }
    }
}

$t->wait_log(qr/what is sent is more than the head of one request/);

done_testing;
