#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Refusals by the thousand cost neither the disk nor the creations: each
# record is bounded, and so is their number; the rest is counted in one record
# a second.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $t = JobRuns->new;
my $json = JSON::PP->new->utf8;

my $nginx = $t->run(workers => 1, http => 'jobruns_zone jobruns 1m;',
    server => <<'END');
    jobruns_audit_refusals 5r/s;
    jobruns_retry_wait 0;
    large_client_header_buffers 8 64k;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Client;
    location = /status { jobruns_status; }
END

sub folded {
    return grep { $_->{data}{eventName} eq 'RefusalsFolded' }
        map { $json->decode($_) } $t->read_file('audit.log') =~ /^(.+)\n/mg;
}

sub sum { my $sum = 0; $sum += $_ for @_; return $sum }

# --------------------------------------------------------------- their number

my $first = $t->create_run(token => 'kept', request_id => 'kept');
is($first->status, 201, 'a creation before the flood is created');

my $n = 300;
my $client = $t->client;
for my $i (1 .. $n) {
    my $answer = $t->create_run(on => $client, request_id => "flood-$i",
        body => '{', headers => { 'X-Client' => $i % 10
            ? '192.0.2.1' : '198.51.100.' . ($i % 250) });
    $answer->status == 400 or die 'not refused';
    $t->create_run(request_id => "replay-$i", token => 'kept')
        if $i % 100 == 0;
    $t->create_run(request_id => "made-$i") if $i % 100 == 50;
}

wait_for {
    $n == sum(map { $_->{data}{additionalDetails}{refusals} } folded())
        + grep { $_->{data}{request}{id} =~ /^flood/ } $t->audit
} 'each refusal to be recorded or folded';

my @records = $t->audit;
my %second;
$second{substr $_->{eventTime}, 0, 19}++
    for grep { $_->{data}{request}{id} =~ /^flood/ } @records;
is(scalar(grep { $_ > 5 } values %second), 0,
    'no second has more records of refusals than the limit');
is(scalar(grep { $_->{data}{request}{id} =~ /^replay/ } @records), 3,
    'each replay during the flood has its record');
is(scalar(grep { $_->{data}{request}{id} =~ /^made/ } @records), 6,
    'each creation during the flood has both records');

my @folded = folded();
cmp_ok(scalar @folded, '<=', keys(%second) + 1,
    'folded refusals have one record a second');
is(sum(map { values %{$_->{data}{additionalDetails}{outcomes}} } @folded),
    sum(map { $_->{data}{additionalDetails}{refusals} } @folded),
    'a record of folded refusals counts by outcome');
is(join(' ', map { sort keys %{$_->{data}{additionalDetails}{outcomes}} }
    $folded[0]), 'invalid',
    'a record of folded refusals has the outcome by its name');
my $noisiest = $folded[0]{data}{additionalDetails}{addresses}[0];
is($noisiest->{ipAddress}, '192.0.2.1',
    'a record of folded refusals names the address with the most');
cmp_ok($noisiest->{atLeast}, '<=', $noisiest->{refusals},
    'a record of folded refusals has the refusals of an address');
cmp_ok($_->{data}{additionalDetails}{from}, 'le',
    $_->{data}{additionalDetails}{to},
    'a record of folded refusals has the time from and to')
    for @folded;
is($t->get('/status?format=json')->json
    ->{counters}{jobruns_audit_refusals_folded_total},
    sum(map { $_->{data}{additionalDetails}{refusals} } @folded),
    'metrics count the refusals that were folded');

# many addresses: a bounded number of names

my $had = @folded;
for my $i (1 .. 200) {
    $t->create_run(on => $client, body => '{',
        headers => { 'X-Client' => "203.0.113.$i" });
    $t->create_run(on => $client, body => '{',
        headers => { 'X-Client' => '192.0.2.77' }) if $i % 3 == 0;
}
wait_for { folded() > $had } 'what was folded';
my @addresses = map { @{$_->{data}{additionalDetails}{addresses}} }
    (folded())[$had];
cmp_ok(scalar @addresses, '<=', 8,
    'a record of folded refusals names few addresses');
is($addresses[0]{ipAddress}, '192.0.2.77',
    'a record of folded refusals has the address with the most first');

# what is folded is recorded before the chain is closed

$t->create_run(on => $client, body => '{') for 1 .. 20;
$nginx->quit;
my @types = map { $json->decode($_)->{eventType} }
    $t->read_file('audit.log') =~ /^(.+)\n/mg;
is(join(' ', map { /(\w+)$/ } @types[-2, -1]), 'RefusalsFolded close',
    'folded refusals are recorded before .close');

my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
my $log = $t->testdir . '/audit.log';
my $total = sum(map { $_->{data}{additionalDetails}{refusals} } folded());
like(`$tool verify $log`, qr/$total refusals folded, whole$/,
    'verify reports how many refusals were folded');
unlike(`$tool show $log`, qr/folded/, 'show omits records of folded refusals');
like(`$tool show --chains $log`, qr/RefusalsFolded|folded/i,
    'show --chains has records of folded refusals');

my $ctl = $ENV{TEST_JOBRUNSCTL} || 'build/jobrunsctl';
my ($lost) = grep { my $id = "flood-$_";
    !grep { $_->{data}{request}{id} eq $id } $t->audit } 1 .. $n;
my $said = `$ctl explain flood-$lost $log 2>&1`;
like($said, qr/no record of request "flood-$lost".*$total refusals .*folded/s,
    'explain reports folded refusals for an unknown id');
my $when = substr $folded[0]{data}{additionalDetails}{from}, 0, 19;
like($said, qr/\Q$when\E/, 'explain reports when refusals were folded');

# -------------------------------------------------------------- their length

my $bounded = $t->run(name => 'bounded', workers => 1,
    audit => 'jobruns_audit %%TESTDIR%%/audit-bounded.log;', server => <<'END');
    jobruns_audit_refusals all;
    large_client_header_buffers 8 64k;
END
my %odd = map { ($_ => "\x7f" x 4000) } qw(User-Agent opc-client-info
    opc-client-retries x-content-sha256);
is($t->create_run(to => $bounded, body => '{', headers => \%odd)->status, 400,
    'odd bytes in headers of a refusal are refused');
is($t->create_run(to => $bounded, headers => \%odd)->status, 201,
    'odd bytes in headers of a creation are created');
my $path = '/20260430/aiDataPlatforms/ocid1.' . '%C2%80' x 80 . '/workspaces/'
    . '%E2%80%AE' x 80 . '/jobRuns';
is($t->create_run(to => $bounded, body => '{', path => $path)->status, 400,
    'odd bytes in the path are refused');
is($t->create_run(to => $bounded, body => '{', authorization =>
    'Signature version="1",keyId="' . "\xff" x 3000 . '/b/c",'
        . 'algorithm="rsa-sha256",headers="date",signature="c2ln"')->status,
    400, 'odd bytes in the identity are refused');
is($t->create_run(to => $bounded, json => { jobKey => 'x',
    parameters => [(1) x 400] })->status, 400,
    'a body with many violations is refused');

my @lines = $t->read_file('audit-bounded.log') =~ /^(.+)\n/mg;
my %length;
for my $line (grep { /^\{"eventType":"[^"]*CreateJobRun"/ } @lines) {
    $length{length $1}++ while $line =~ /:\[?"((?:[^"\\]|\\.)*)"/g;
    cmp_ok(length $line, '<', 8192, 'no record of a refusal is long');
}
cmp_ok((sort { $b <=> $a } keys %length)[0], '<=', 512,
    'no text of a refusal is longer than 512 bytes, escapes included');
my ($begin) = grep { /Run\.begin/ } @lines;
cmp_ok(length $begin, '>', 8192, 'a creation is recorded in full');
is(scalar(grep { /^\{"eventType":"[^"]*Run".*"truncated":true/ } @lines), 3,
    'records with text that was cut are truncated: headers, path and identity');

done_testing;
