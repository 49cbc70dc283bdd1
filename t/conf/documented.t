#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# `nginx -t` accepts the configurations that docs/ and debian/examples show,
# once their files are there.

use lib 't/lib';

use JSON::PP qw(encode_json);

use JobRuns;
use JobRuns::Signer;
use JobRuns::Tls;

plan(skip_all => 'needs an NGINX with TLS, and openssl')
    if JobRuns::Nginx::build() !~ /TLS SNI/
        || system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;

mkdir "$dir/tls" or die $!;
JobRuns::Tls::self_signed("$dir/tls", 'gateway');
JobRuns::Tls::self_signed("$dir/tls", 'clients-ca');
JobRuns::Signer::key_file("$dir/jobruns-keys.json",
    JobRuns::Signer->new($dir, 'ann')->entry);
JobRuns::Signer::write_whole("$dir/jwks.json",
    encode_json({ keys =>
        [JobRuns::Signer->new($dir, 'issuer')->jwk(kid => 'issuer')] }));
$t->write_file('redis.pass', "secret\n");
chmod 0640, "$dir/redis.pass";

# [section, text] of each configuration that a page shows: what is fenced as
# nginx, or is indented and begins as one.

sub shown {
    my ($file) = @_;

    my ($section, @shown) = ('');
    my $text = JobRuns::slurp($t->root . "/$file");
    for (split /^(?=## )/m, $text) {
        ($section) = /^## (.*)/;

        my @blocks = /^```nginx\n(.*?)^```/msg;
        push @blocks, grep { /\A\s*(?:jobruns_\w+|location|ssl_\w+) .*[;{]/ }
            /((?:^\x20{4}.*\n|^\n(?=\x20{4}))+)/mg;
        push @shown, map { [$section // 'head', $_] } @blocks;
    }

    return @shown;
}

# The machine's files and names are put in place of those of the reader's.

sub of_this_machine {
    my ($text) = @_;

    for ($text) {
        s{/etc/ssl/\S+?(\.key)?;}{"$dir/tls/gateway" . ($1 // '.crt') . ';'}ge;
        s{/etc/(?:nginx|jobruns)/}{$dir/}g;
        s{/var/log/jobruns/}{$dir/}g;
        s{(include\s+)(?=jobruns_proxy.conf)}{$1%%ROOT%%/conf/};
        s{^(\s*server\s+)[\w.-]+:443;}{${1}127.0.0.1:1;}mg;
        s{^(\s*listen\s+)443 }{${1}127.0.0.1:%%PORT_0%% }mg;
    }

    return $text;
}

sub http {
    my ($text) = @_;
    return "%%TEST_GLOBALS%%\nevents {}\nhttp {\n%%TEST_GLOBALS_HTTP%%\n"
        . "$text\n}\n";
}

# What stands in a server, in the least that is around it.

sub server {
    my ($text) = @_;

    my $location = $text =~ m{^\s*location / }m ? ''
        : 'location / { proxy_pass http://service; }';
    return http(<<"END");
jobruns_redis 127.0.0.1:6379;
jobruns_audit off;
upstream service { server 127.0.0.1:1; }
upstream verifier { server 127.0.0.1:1; }
server {
    listen 127.0.0.1:%%PORT_0%% ssl;
    ssl_certificate $dir/tls/gateway.crt;
    ssl_certificate_key $dir/tls/gateway.key;
    include %%ROOT%%/conf/jobruns_proxy.conf;
    jobruns on;
    $text
    $location
}
END
}

sub accepted {
    my ($name, $config) = @_;

    my ($ok, $output) = $t->check_config(config => $config);
    ok($ok, "nginx -t accepts: $name") or diag($output);
    unlike($output, qr/\[(?:warn|emerg)\]/, "nginx -t does not warn of: $name");
}

my @shown = shown('docs/howto/put-it-in-front.md');
is(@shown, 1, 'put-it-in-front.md has one configuration');
accepted('put-it-in-front.md', http(of_this_machine($_->[1]))) for @shown;

for my $page (qw(howto/choose-a-verifier.md authentication.md)) {
    @shown = shown("docs/$page");
    cmp_ok(@shown, '>', 0, "$page has configurations");
    accepted("$page, $_->[0]", server(of_this_machine($_->[1]))) for @shown;
}

accepted('debian/examples/jobruns.conf',
    http(of_this_machine(JobRuns::slurp(
        $t->root . '/debian/examples/jobruns.conf'))));

done_testing();
