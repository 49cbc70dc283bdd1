#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# HTTP clients that are no SDK create job runs through the gateway, over
# HTTP/1.1 and HTTP/2: curl, Python's urllib with retries, and Java's
# HttpClient.  The gateway verifies each signature, and so does the service.

use lib 't/lib';

use Cwd qw(abs_path);

use JobRuns;
use JobRuns::Sdk;
use JobRuns::Tls;

JobRuns::Sdk::needs_node();

my $t = JobRuns->new;
my $dir = $t->testdir;
my $ids = JobRuns::Sdk::make_keys($t->root, $dir);
my $service = $t->service(args => ['--verify',
    "exec node '" . $t->root . "/t/sdk/verify.js' '$dir'"]);

JobRuns::Tls::self_signed($dir, 'gateway', 'IP:127.0.0.1');

$t->run(http => <<'END', servers => <<'END2');
    jobruns_retry_lease 5s;
    jobruns_auth on;
    jobruns_auth_keys %%TESTDIR%%/keys.json;
END
    server {
        listen 127.0.0.1:%%PORT_2%% ssl %%HTTP2_LISTEN%%;
        %%HTTP2_ON%%
        ssl_certificate gateway.crt;
        ssl_certificate_key gateway.key;
        jobruns on;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END2

my $plain = 'http://' . $t->nginx->address;
my $tls = 'https://127.0.0.1:' . $t->port(2);
my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.test'
    . '/workspaces/f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f/jobRuns';

$t->write_file('least.json', '{"jobKey":"j","parameters":[{"name":"text",'
    . "\"value\":\"Gr\xc3\xb6\xc3\x9fe \xf0\x9f\x9a\x80\"}]}");
$t->write_file('large.json', '{"jobKey":"j","parameters":['
    . join(',', map { qq({"name":"p$_","value":") . 'x' x 5000 . '"}' }
        1 .. 120) . ']}');
$t->write_file('wrong.json', '{"jobKey":5}');

# Each client is a command that creates with a token, a body and retries, and
# prints a line of JSON: status, version (1 or 2), key or code, message and
# request id, and replayed.

sub run_client {
    my ($command, $url, $token, $body) = @_;

    open my $out, '-|', @$command, $url . $path, $token, "$dir/$body.json"
        or die "$command->[0]: $!";
    my $line = do { local $/; <$out> } // '';
    close $out;

    my $result = eval { JSON::PP->new->utf8->decode($line) };
    diag("@$command: $line") if !$result;

    return $result // {};
}

sub tries_it {
    my ($name, $command, %version) = @_;

    for my $url (sort keys %version) {
        my $what = "$name, HTTP/$version{$url}";
        $service->reset;
        $t->redis->command('FLUSHALL');

        my $result = run_client($command, $url, 'first', 'least');
        is($result->{status}, 201, "$what: the job run is created");
        is($result->{version}, $version{$url}, "$what: by this version");
        my ($run) = $service->creations;
        is($result->{key}, $run->{key}, "$what: the key is that of the run");
        is_deeply(($service->requests)[0]{done}[0], 'verified: ok',
            "$what: the service has verified the signature");

        $result = run_client($command, $url, 'first', 'least');
        is($result->{key}, $run->{key}, "$what: a retry gets the same run");
        is($result->{replayed}, 'true', "$what: from the gateway");
        is($service->counts->{requests}, 1, "$what: which asked nobody");

        $result = run_client($command, $url, 'second', 'large');
        is($result->{status}, 201, "$what: 600 KB are created");

        $service->plan({ truncate => 20 });
        $result = run_client($command, $url, 'third', 'least');
        is($result->{status}, 201, "$what: a cut response is retried");
        is($service->created('third'), 1, "$what: and is one job run");

        $service->plan({ status => 502, kind => 'html' });
        $result = run_client($command, $url, 'fourth', 'least');
        is($result->{status}, 201, "$what: a page of HTML is retried");

        $result = run_client($command, $url, 'fifth', 'wrong');
        is($result->{status}, 400, "$what: a wrong body is refused");
        is($result->{code}, 'InvalidParameter', "$what: with the code");
        ok($result->{message}, "$what: with a message");
        ok($result->{request_id}, "$what: with a request id");
        is($service->created, 4, "$what: four job runs were created");
    }
}

my $sdk = $t->root . '/t/sdk';

tries_it('curl', ['perl', "$sdk/curl.pl", $dir, $t->root, '--http1.1'],
    $plain => 1, $tls => 1);
tries_it('curl', ['perl', "$sdk/curl.pl", $dir, $t->root, '--http2'],
    $tls => 2);

SKIP: {
    skip 'no python3', 1 if system('python3 -c "" >/dev/null 2>&1');
    tries_it('Python', ['python3', "$sdk/client.py", $dir],
        $plain => 1, $tls => 1);
}

SKIP: {
    skip 'no JDK', 1 if system('javac --version >/dev/null 2>&1');
    is(system('javac', '-d', $dir, "$sdk/Client.java"), 0,
        'the client in Java compiles');
    my @java = ('java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp',
        $dir, 'Client', $dir);
    tries_it('Java', [@java, '1'], $plain => 1, $tls => 1);
    tries_it('Java', [@java, '2'], $tls => 2);
}

done_testing;
