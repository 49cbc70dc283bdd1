#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Sentinels have TLS, with a user of their own, and a master that has neither;
# and sentinels announce names instead of addresses.

use lib 't/lib';

use DnsServer;
use JobRuns;
use JobRuns::Tls;
use Outage;
use RedisSentinel;

my $t = JobRuns->new;
my $dir = $t->testdir;

JobRuns::Tls::needed();
JobRuns::Tls::self_signed($dir, 'sentinel', 'DNS:sentinels.test');
JobRuns::Tls::self_signed($dir, 'other', 'DNS:sentinels.test');

# logged by NGINX itself
$t->allow_log(qr/SSL_do_handshake\(\) failed/);

my $main = RedisSentinel->start($t, name => 'main', host => 'localhost',
    tls => ["tls-cert-file $dir/sentinel.crt",
        "tls-key-file $dir/sentinel.key",
        "tls-ca-cert-file $dir/sentinel.crt", 'tls-auth-clients no']);

my ($rules) = JobRuns::slurp($t->root . '/docs/redis.md')
    =~ /^  `(&\+switch-master .*)`\.$/m;
for my $sentinel ($main->sentinels) {
    $sentinel->command('ACL', 'SETUSER', 'gateway', 'on', '>secret',
        split ' ', $rules);
}
$t->write_file('secret', "secret\n");

my $dns = DnsServer->start($t, 'dns');
$dns->set(localhost => '127.0.0.1');

my $user = 'sentinel_user=gateway sentinel_password_file=%%TESTDIR%%/secret';
my $tls = 'sentinel_tls sentinel_tls_name=sentinels.test'
    . ' sentinel_tls_ca=%%TESTDIR%%/sentinel.crt';

sub gateway {
    my ($name, $parameters, $more) = @_;

    return $t->run(name => $name, workers => 1,
        redis => 'jobruns_redis ' . $main->address . " $parameters;",
        http => 'resolver ' . $dns->address . ' valid=1s ipv6=off;'
            . ($more // ''));
}

# whose commands are of the gateway, not of a sentinel or of replication
sub used {
    eval { $_[0]->command('PING') };
    return $_[0]->command('INFO', 'commandstats') =~ /cmdstat_evalsha/;
}

subtest 'a user over TLS, a name, and a failover' => sub {
    my $gateway = gateway('main', "$user $tls", Outage::TIMEOUTS);
    my ($old, $new) = ($main->master, $main->replica);

    is($t->create_run(to => $gateway)->status, 201,
        'a creation by sentinels with TLS is created');
    ok(used($old) && !used($new),
        'the master found by sentinels with TLS is used');
    ok($dns->count('localhost'), 'the name of the master is looked up');

    # whoever listens, so that the announcement comes over TLS too
    wait_for {
        grep { $_->command('CLIENT', 'LIST') =~ / sub=1 .* user=gateway / }
            $main->sentinels;
    } 'a subscription to +switch-master';
    pass('the user listens to one of the sentinels');

    ($main->sentinels)[0]->command('SENTINEL', 'FAILOVER', 'main');
    wait_for { $main->master == $new } 'the failover', 30;
    wait_for { $gateway->error_log =~ /is now localhost:$new->{port}\b/ }
        'the announcement to be acted upon';
    wait_for { $t->create_run(to => $gateway)->status == 201 }
        'the new master to be used', 30;
    ok(used($new), 'the new master is used after the failover');
    $main->wait_link($old);
};

for (
    ['another authority', "$user " . $tls =~ s/sentinel\.crt/other.crt/r,
        qr/the certificate of \S+ is invalid: self-signed certificate/],
    ['another name', "$user " . $tls =~ s/sentinels\.test/other.test/r,
        qr/the certificate of \S+ is not for "other\.test"/],
    ['no TLS', $user, qr/no sentinel reports the address of master "main"/],
    ['another password', 'sentinel_user=gateway'
        . " sentinel_password_file=%%TESTDIR%%/sentinel.crt $tls",
        qr/WRONGPASS/],
) {
    my ($what, $parameters, $told) = @$_;

    subtest $what => sub {
        my $gateway = gateway($what =~ tr/ /-/r, $parameters);

        is($t->create_run(to => $gateway)->status, 503,
            "$what: the creation is refused");
        like($gateway->error_log, $told, "$what: error.log has the reason");
    };
}

subtest 'a name, and nobody to resolve it' => sub {
    my $gateway = $t->run(name => 'nobody', workers => 1, redis =>
        'jobruns_redis ' . $main->address . " $user $tls;");

    is($t->create_run(to => $gateway)->status, 503,
        'a creation without a resolver is refused');
    like($gateway->error_log, qr/localhost.* set the "resolver" directive/,
        'error.log says to set the resolver');
};

done_testing;
