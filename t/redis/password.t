#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The password of Redis is the first line of its file, for the gateway and for
# jobrunsctl alike; both refuse an invalid password file.

use lib 't/lib';
use JobRuns;
use JobRuns::Ctl;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my $file = $t->testdir . '/redis.password';
my $redis = $t->redis(password => 'first-word');

sub password {
    $t->write_file('redis.password', $_[0]);
    chmod 0600, $file or die;
}

my %good = ('one line' => "first-word\n", 'no line end' => 'first-word',
    'CR LF' => "first-word\r\n", 'a second line' => "first-word\nsecond\n",
    'CR LF and a second line' => "first-word\r\nsecond\r\n");
my $n = 0;

for my $user ('', 'user=jobs') {
    $redis->command(qw(ACL SETUSER jobs on >first-word ~* &* +@all)) if $user;
    for my $name (sort keys %good) {
        my $what = join ' ', $user || 'no user,', $name;
        password($good{$name});
        my %config = (workers => 1,
            redis => "jobruns_redis %%REDIS%% $user password_file=$file;");
        if ($n++) {
            $t->configure(%config);
            $t->nginx->reload;
        } else {
            $t->run(%config);
        }
        my ($token, $tenant) = (random_id, random_id);
        is($t->create_run(token => $token, tenancy => $tenant)->status, 201,
            "$what: the gateway creates a job run");
        is($t->create_run(token => $token, tenancy => $tenant)
            ->header('opc-retry-replayed'), 'true',
            "$what: the gateway replays the response");
        my ($status, $said) = ctl('--conf', $t->testdir . '/nginx.conf',
            '--tenant', $tenant, qw(tenant show));
        is($status, 0, "$what: jobrunsctl reads from Redis") or diag($said);
    }
}

my %bad = ('an empty file' => ['', qr/empty first line/],
    'an empty first line' => ["\nfirst-word\n", qr/empty first line/],
    'a NUL byte' => ["first\0word\n", qr/NUL byte in its first line/],
    'UTF-16' => ["f\0i\0r\0s\0t\0", qr/NUL byte in its first line/],
    'too long' => ['x' x 1025, qr/first line that is too long/]);

for my $name (sort keys %bad) {
    my ($text, $fault) = @{$bad{$name}};
    password($text);
    my $line = qr/\Q$file\E" .*$fault.*1 to 1024 bytes/;
    my ($ok, $said) = $t->check_config(
        redis => "jobruns_redis %%REDIS%% password_file=$file;");
    ok(!$ok, "$name: nginx -t refuses the file");
    like($said, $line, "$name: nginx -t reports file, fault and remedy");
    (my $status, $said) = ctl('--redis',
        $redis->address . " password_file=$file", qw(--tenant x tenant show));
    isnt($status, 0, "$name: jobrunsctl refuses the file");
    like($said, $line, "$name: jobrunsctl reports the same");
}

done_testing;
