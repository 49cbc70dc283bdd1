#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Files of keys are looked at again and exchanged whole, without a reload: what
# is broken changes nothing, a revoked key is gone, and a worker that starts
# reads the files itself and answers 503 until it can.

use lib 't/lib';
use JobRuns;
use JobRuns::Signer;

plan(skip_all => 'needs openssl') if system('openssl version >/dev/null 2>&1');

my $t = JobRuns->new;
my $dir = $t->testdir;
my $file = "$dir/keys.json";
my ($ann, $bob) = map { JobRuns::Signer->new($dir, $_) } qw(ann bob);

sub keys_are { JobRuns::Signer::key_file($file, map { $_->entry } @_) }

###############################################################################
# What nginx -t says

sub conf_says {
    my ($name, $ok, $pattern, $lines) = @_;
    my ($right, $said) = $t->check_config(server => $lines);

    is($right ? 1 : 0, $ok, "$name: nginx -t " . ($ok ? 'accepts' : 'refuses'));
    like($said, $pattern, "$name: nginx -t says why");
}

keys_are($ann);
my $on = "jobruns_auth on; jobruns_auth_keys $file;";

conf_says('no keys', 0,
    qr/"jobruns_auth" needs keys: add "jobruns_auth_keys FILE;"/,
    'jobruns_auth on;');
conf_says('a value', 0, qr/invalid value "yes" of "jobruns_auth": expected/,
    'jobruns_auth yes;');
conf_says('a skew', 0, qr/expected a time from 1s to 1h/,
    "$on jobruns_auth_skew 2h;");
conf_says('bits', 0, qr/"512" .*: expected a number of bits from 1024 to 8192/,
    "$on jobruns_auth_min_bits 512;");
conf_says('a file that is not there', 0,
    qr/"\Q$dir\E\/none": cannot be opened: No such file/,
    "jobruns_auth on; jobruns_auth_keys $dir/none;");
conf_says('a folder', 0, qr/"\Q$dir\E": is not a regular file/,
    "jobruns_auth on; jobruns_auth_keys $dir;");
conf_says('an issuer without a file', 0, qr/needs a name.* and jwks=FILE/,
    'jobruns_auth on; jobruns_auth_issuer x audience=y;');
conf_says('an option', 0,
    qr/"jwk=x" of "jobruns_auth_issuer": expected jwks=FILE/,
    'jobruns_auth on; jobruns_auth_issuer x jwk=x;');
conf_says('an issuer that is there twice', 0, qr/each issuer once/,
    "jobruns_auth_issuer x jwks=$dir/jwks;" x 2)
    if JobRuns::Signer::write_whole("$dir/jwks", '{"keys":[]}');
conf_says('keys that are there twice', 0, qr/is entry 1 of .* too; remove/,
    "jobruns_auth on; jobruns_auth_keys $file $file;");

JobRuns::Signer::write_whole("$dir/broken", '{"data":[');
conf_says('a file that was cut', 0, qr/"\Q$dir\E\/broken": line \d+, column/,
    "jobruns_auth on; jobruns_auth_keys $dir/broken;");
JobRuns::Signer::key_file("$dir/broken", $ann->entry,
    $bob->entry('key-value' => 'x'));
conf_says('an entry that is broken', 0,
    qr/"\Q$dir\E\/broken": entry 2, "\Q$bob->{key_id}\E", is not a public key/,
    "jobruns_auth on; jobruns_auth_keys $dir/broken;");

JobRuns::Signer::key_file("$dir/empty");
conf_says('an empty list', 1, qr/\[warn\].*"\Q$dir\E\/empty" has no active key/,
    "jobruns_auth on; jobruns_auth_keys $dir/empty;");
conf_says('good keys', 1, qr/test is successful/, $on);

SKIP: {
    skip 'only root has workers of another user', 2 if $>;

    chmod 0755, $dir;
    chmod 0600, $file;
    my $nginx = $t->new_nginx('check', first_port => 0);
    (my $config = $t->expand($t->default_config(server => $on), $nginx))
        =~ s/user root root;/user nobody nogroup;/;
    my ($right, $said) = $nginx->check($config);
    ok($right, 'keys that workers cannot read: nginx -t accepts');
    like($said,
        qr/\[warn\].*"\Q$file\E" cannot be read by the workers' user "nobody"/,
        'keys that workers cannot read: nginx -t warns');
}
chmod 0644, $file;

###############################################################################
# A running gateway

$t->allow_log(qr/worker process \d+ exited on signal 9/);
$t->allow_log(qr/\[crit\].*keys cannot be read: /);
$t->run(workers => 1, server => $on . '
    location = /jobruns_status { jobruns_status; }
', http => 'jobruns_zone test 1m;');

sub status_of {
    my ($signer, %opt) = @_;
    return $t->client->request($signer->sign($t->run_request(%opt)))->response
        ->status;
}

sub metric {
    my ($name) = @_;
    return $t->get('/jobruns_status?format=prometheus')->body
        =~ /^\Q$name\E (\d+)$/m ? $1 : undef;
}

# of the files of keys, on the page

sub troubles {
    return grep { $_->{name} eq 'auth_keys_broken' }
        @{$t->get('/jobruns_status?format=json')->json->{troubles}};
}

is(status_of($ann), 201, 'a key that is there is known');
is(status_of($bob), 401, 'a key that is not there is unknown');

keys_are($ann, $bob);
wait_for { status_of($bob) == 201 } 'the new key to be known';
pass('a key that is added is known without a reload');
is(status_of($ann), 201, 'the other key is known as before');

# broken, in each way: the old keys stay

for (
    ['cut', sub { JobRuns::Signer::write_whole($file,
        substr $t->read_file('keys.json'), 0, 500) },
        qr/keys\.json": line \d+/],
    ['empty', sub { JobRuns::Signer::write_whole($file, '') }, qr/line \d+/],
    ['removed', sub { unlink $file }, qr/cannot be opened: No such file/],
    ['a folder', sub { unlink $file; mkdir $file }, qr/is not a regular file/],
) {
    my ($name, $break, $why) = @$_;
    my $failures = metric('jobruns_auth_keys_failures_total');

    $break->();
    wait_for { metric('jobruns_auth_keys_failures_total') > $failures }
        "$name: the failure to be counted";
    is(metric('jobruns_auth_keys_broken'), 1, "$name: the gauge shows it");
    my ($trouble) = troubles();
    like($trouble->{text}, qr/^Files of keys cannot .* 1 of 1 workers\.$/,
        "$name: the page shows it");
    like($trouble->{runbook}, qr/jobrunsauthkeysbroken$/i,
        "$name: the page has its paragraph of the runbook");
    like($t->nginx->error_log,
        qr/\[crit\].*keys cannot be read: .*$why.*; the keys that were read /,
        "$name: a crit line says why");
    is(status_of($ann), 201, "$name: the old keys stay in use");
    is(status_of($bob), 201, "$name: all of them stay in use");

    rmdir $file;
    keys_are($ann, $bob);
    wait_for { metric('jobruns_auth_keys_broken') == 0 }
        "$name: good files to be read";
    is(scalar(my @none = troubles()), 0, "$name: the page no longer shows it");
}

# revoked: gone by itself, and not back with a new worker

JobRuns::Signer::key_file($file, $ann->entry,
    $bob->entry('lifecycle-state' => 'INACTIVE'));
wait_for { status_of($bob) == 401 } 'the key to be revoked';
is(status_of($ann), 201, 'the other key is not revoked');

keys_are($ann, $bob);
wait_for { status_of($bob) == 201 } 'the key to be back';
keys_are($ann);
$t->nginx->reload;
is(status_of($bob), 401,
    'a revoked key does not come back with the worker of a reload');

# a worker that is started again by the master takes what is there, not what
# the master once read

keys_are($bob);
my ($worker) = $t->nginx->workers;
kill 'KILL', $worker;
wait_for { my @now = $t->nginx->workers; @now == 1 && $now[0] != $worker }
    'another worker';
wait_for { (eval { status_of($bob) } // 0) == 201 } 'it to serve';
is(status_of($ann), 401, 'a new worker has the keys of the file as it is');

# what it cannot read: 503, and a client may come again

unlink $file;
($worker) = $t->nginx->workers;
kill 'KILL', $worker;
wait_for { my @now = $t->nginx->workers; @now == 1 && $now[0] != $worker }
    'another worker without keys';
my $answer = wait_for { eval { $t->client->request($bob->sign(
    $t->run_request(request_id => 'no-keys')))->response } } 'its answer';
is($answer->status, 503, 'without keys a request gets 503');
is($answer->json->{code}, 'ServiceUnavailable', 'its code is retried by SDKs');
ok($answer->header('retry-after'), 'it has Retry-After');
is($t->wait_audit(sub { $_->{data}{request}{id} eq 'no-keys' })->{data}
    {additionalDetails}{outcome}, 'unavailable', 'its outcome is unavailable');
is(status_of($ann, authorization => 'x'), 503,
    'an unknown key may be a known one, as long as nobody knows');
keys_are($bob);
wait_for { status_of($bob) == 201 } 'the keys to be read';
pass('keys that can be read again are in use without a reload');

###############################################################################
# Under load: no request sees half a set

keys_are($ann, $bob);
wait_for { status_of($ann) == 201 } 'both keys to be there';

my @signed = map { $_->sign($t->run_request(token => undef)) } $ann, $bob;
my ($exchanged, %seen) = (0);
my @clients = map { $t->client } 1, 2;

# the file is exchanged 1,000 times meanwhile; a key that is in all of them is
# always known

for my $round (1 .. 1000) {
    keys_are($round % 2 ? ($bob, $ann) : ($ann, $bob));
    JobRuns::Signer::write_whole($file, '{') if $round % 97 == 0;
    next if $round % 5;

    for my $i (0, 1) {
        my $status = $clients[$i]->request($signed[$i])->response->status;
        $seen{$status}++;
    }
}
keys_are($ann, $bob);
is_deeply(\%seen, { 201 => 400 },
    'while files are exchanged 1,000 times each request is authenticated');
wait_for { metric('jobruns_auth_keys_broken') == 0 } 'the last file';
like($t->get('/jobruns_status?format=prometheus')->body,
    qr/^jobruns_unauthenticated_total\{reason="key_unknown"\} [1-9]/m,
    'refusals are counted by reason');
cmp_ok(metric('jobruns_authenticated_total'), '>', 400,
    'requests that are verified are counted');

done_testing;
