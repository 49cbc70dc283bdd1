#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The Redis client uses TLS: it accepts good certificates and refuses bad
# ones.

use lib 't/lib';

use JobRuns;
use JobRuns::Ports qw(claim_port);
use JobRuns::Tls;
use RedisPeer;
use RedisProbe;

my $t = RedisProbe::harness();
my $dir = $t->testdir;

# logged by NGINX itself, at each probe if the level is debug
$t->allow_log(
    qr/\[crit\].*SSL_\w+\(\) failed .*(?:certificate required|wrong version)/);

JobRuns::Tls::needed();

###############################################################################
# Two authorities, and what they signed

sub openssl { JobRuns::Tls::openssl($dir, @_) }

sub authority {
    my ($name) = @_;

    mkdir "$dir/$name.db";
    $t->write_file("$name.db/index", '');
    $t->write_file("$name.db/serial", "01\n");
    $t->write_file("$name.cnf", <<"END");
[ca]
default_ca = c
[c]
database = $dir/$name.db/index
serial = $dir/$name.db/serial
new_certs_dir = $dir/$name.db
certificate = $dir/$name.crt
private_key = $dir/$name.key
default_md = sha256
policy = p
unique_subject = no
copy_extensions = copy
[p]
commonName = supplied
END
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        . " -subj /CN=$name -days 2 -keyout $name.key -out $name.crt");
}

sub certificate {
    my ($name, $ca, $alt, $start, $end) = @_;

    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        . " -subj /CN=$name -keyout $name.key -out $name.csr"
        . ($alt ? " -addext subjectAltName=$alt" : ''));
    $start //= '20200101000000Z';
    $end //= '20491231000000Z';
    openssl("ca -batch -config $ca.cnf -in $name.csr -out $name.crt -notext"
        . " -startdate $start -enddate $end");
}

authority('good_ca');
authority('other_ca');
certificate('server', 'good_ca', 'DNS:redis.example,IP:127.0.0.1');
certificate('named', 'good_ca', 'DNS:redis.example');
certificate('expired', 'good_ca', 'DNS:redis.example,IP:127.0.0.1',
    '20200101000000Z', '20200102000000Z');
certificate('client', 'good_ca');

my %port;

sub tls_redis {
    my ($name, $certificate, @args) = @_;
    $port{$name} = claim_port();
    return $t->redis($name, args => ['--tls-port', $port{$name},
        '--tls-cert-file', "$dir/$certificate.crt",
        '--tls-key-file', "$dir/$certificate.key",
        '--tls-ca-cert-file', "$dir/good_ca.crt",
        '--tls-auth-clients', 'no', @args]);
}

my $redis = tls_redis('server', 'server');
tls_redis('named', 'named');
tls_redis('expired', 'expired');
tls_redis('picky', 'server', '--tls-auth-clients', 'yes');

# takes connections and says nothing at all
my $deaf = RedisPeer->start($t, 'deaf', sub { $_[0]->wait_end }, tcp => 1);
my $plain = RedisPeer->start($t, 'plain', sub {
    my ($c) = @_;
    $c->fill;
    $c->write("-ERR this is no TLS\r\n");
}, tcp => 1);

my $long = 'timeout=20s connect_timeout=20s tls';
my $ca = "$long tls_ca=$dir/good_ca.crt";
my %where = (
    name => "127.0.0.1:$port{named} $ca tls_name=redis.example",
    ip => "127.0.0.1:$port{server} $ca",
    localhost => "localhost:$port{server} $ca",
    wrong_ca => "127.0.0.1:$port{server} $long tls_ca=$dir/other_ca.crt",
    wrong_name => "127.0.0.1:$port{server} $ca tls_name=other.example",
    wrong_ip => "127.0.0.1:$port{named} $ca",
    expired => "127.0.0.1:$port{expired} $ca",
    'system' => "127.0.0.1:$port{server} $long",
    no_client => "127.0.0.1:$port{picky} $ca",
    client => "127.0.0.1:$port{picky} $ca tls_certificate=$dir/client.crt"
        . " tls_certificate_key=$dir/client.key",
    deaf => $deaf->address . " timeout=20s connect_timeout=200ms tls"
        . " tls_ca=$dir/good_ca.crt",
    deaf_long => $deaf->address . " timeout=300ms connect_timeout=20s tls"
        . " tls_ca=$dir/good_ca.crt",
    plain => $plain->address . " $ca",
    stopped => "127.0.0.1:$port{server} timeout=500ms connect_timeout=20s tls"
        . " tls_ca=$dir/good_ca.crt",
);

$t->run(module => 0, config => probe_config(%where));

###############################################################################

subtest 'good certificates' => sub {
    for my $path (qw(name ip client)) {
        my @r = steps($path, 'cmd SET k v', 'cmd GET k', 'cmd PING');
        is(replies(@r), '+OK "v" +PONG', "$path: the certificate is accepted");
    }
};

subtest 'bad certificates' => sub {
    my $untrusted = qr/self-signed certificate in|unable to get local issuer/;
    for my $case (
        [wrong_ca => qr/is invalid: $untrusted/],
        [wrong_name => qr/is not for "other.example"/],
        [wrong_ip => qr/is not for "127.0.0.1"/],
        [localhost => qr/is not for "localhost"/],
        [expired => qr/is invalid: certificate has expired/],
        [system => qr/is invalid: $untrusted/],
    ) {
        my ($path, $message) = @$case;
        my $before = length $t->nginx->error_log;
        my $r = steps($path, 'cmd SET stolen x');
        is(brief($r), 'unreachable,0', "$path: the certificate is refused");
        like(substr($t->nginx->error_log, $before), $message,
            "$path: error.log says why the certificate is refused");
        is(steps($path, 'cmd PING')->{rc}, 'declined',
            "$path: the breaker is open");
    }
    is($redis->command('EXISTS', 'stolen'), 0,
        'nothing was sent with a bad certificate');
};

subtest 'a client certificate is wanted' => sub {
    # TLS 1.3 tells the client after its handshake
    my $r = steps('no_client', 'cmd PING');
    is(brief($r), 'unreachable,0',
        'a server that wants a client certificate is unreachable');
    like(join("\n", log_lines(qr/127.0.0.1:$port{picky}/)),
        qr/closed the connection during the greeting|TLS with .* failed/,
        'error.log reports the missing client certificate');
};

subtest 'no TLS there' => sub {
    my $r = steps('plain', 'cmd PING');
    is(brief($r), 'unreachable,0', 'a server without TLS is unreachable');
    like($t->nginx->error_log,
        qr/TLS with \S+ failed, .*check that this port uses TLS/,
        'error.log reports a server without TLS');

    $r = steps('deaf', 'cmd PING');
    is(brief($r), 'unreachable,0',
        'a handshake without a reply ends in unreachable');
    cmp_ok($r->{ms}, '>=', 199,
        'a handshake without a reply ends after connect_timeout');
    like($t->nginx->error_log, qr/within 200ms while SSL handshaking/,
        'error.log reports a handshake without a reply');

    is(brief(steps('deaf_long', 'cmd PING')), 'timeout,0',
        'an operation has its deadline within the handshake');
};

subtest 'much and many' => sub {
    my @r = steps('ip', 'cmd SET big @12000000', 'cmd STRLEN big',
        'cmd GET big', '*3000 cmd INCR n', 'cmd GET n');
    is(replies(@r[0 .. 2]), '+OK :12000000 (12000000 bytes)',
        '12 MB are sent and received over TLS');
    is($r[-1]{reply}, '"3000"', '3000 operations over TLS get their replies');
    steps('ip', 'cmd DEL n');

    my @clients = map { start_steps('ip', '*50 cmd INCR n', 'cmd GET big') }
        1 .. 10;
    results($_) for @clients;
    is(steps('ip', 'cmd GET n')->{reply}, '"500"',
        'operations of ten requests over TLS get their replies');
};

subtest 'a stopped server' => sub {
    steps('stopped', 'cmd PING');
    $redis->pause;
    my @r = steps('stopped', '*20 cmd SET k @1000000');
    is(scalar(grep { $_->{status} =~ /^(?:timeout|lost|unreachable)$/ } @r),
        20, 'all operations to a stopped server end');
    is(scalar(grep { $_->{sent} } grep { $_->{n} == 1 } @r), 1,
        'the first operation to a stopped server was sent');
    is(scalar(grep { $_->{sent} } grep { $_->{n} == 20 } @r), 0,
        'the last operation to a stopped server was not sent');
    $redis->resume;
    until_ok('stopped');
    pass('operations work again when the server goes on');
};

subtest 'the system trusts the certificate' => sub {
    local $ENV{SSL_CERT_FILE} = "$dir/good_ca.crt";
    $t->run(name => 'second', module => 0,
        config => probe_config('system' => $where{'system'}));
    my $r = results($t->client($t->nginx('second'))->request({
        method => 'POST', path => '/system', body => 'cmd PING',
        headers => [['Host', 'localhost']] }));
    is($r->{reply}, '+PONG',
        'a certificate that the system trusts needs no tls_ca');
};

steps($_, 'cmd PING') for qw(name ip client);
is($t->nginx->quit, 0, 'NGINX with TLS exits with 0');

done_testing();
