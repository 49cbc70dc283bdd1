#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobrunsctl key: files of keys, and why a request is not verified; signed by
# jobruns-sign, which sends what it signs.

use lib 't/lib';

use JobRuns;
use JobRuns::Signer;
use JobRuns::Ctl;

JobRuns::Ctl::needed();

my $t = JobRuns->new;
my $dir = $t->testdir;
my $sign = $ENV{TEST_JOBRUNS_SIGN} || 'tools/ctl/jobruns-sign';
my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.test/'
    . 'workspaces/ws/jobRuns';

# Output of a program that has to succeed.

sub output {
    my @command = @_;

    open my $out, '-|', @command or die "@command: $!\n";
    local $/;
    my $text = <$out>;
    close $out or die "@command: exit status $?\n";

    return $text;
}

sub key_pair {
    my ($name, $bits) = @_;

    output('openssl', 'genrsa', '-out', "$dir/$name.pem", $bits);
    output('openssl', 'pkey', '-in', "$dir/$name.pem", '-pubout', '-out',
        "$dir/$name.pub");

    return;
}

key_pair('ann', 2048);
key_pair('bob', 2048);
key_pair('old', 1024);

my $keys = "$dir/keys.json";
my ($status, $said);

# ------------------------------------------------------------------------- add

($status, $said) = ctl(qw(key add), $keys, 't1/ann', "$dir/ann.pub");
is($status, 0, 'a key is added to a file that is not there');
my ($ann) = $said =~ /^added (\S+)$/m;
like($ann, qr{^t1/ann/(?:[0-9a-f]{2}:){15}[0-9a-f]{2}$},
    'by its fingerprint');
is((stat $keys)[2] & 07777, 0640, 'which others cannot read');

($status, $said) = ctl(qw(key add), $keys, 't1/ann', "$dir/ann.pub");
is($status, 3, 'a key is not added twice');
like($said, qr/nothing was written: "\Q$keys\E": entry 2: "\Q$ann\E" is entry/,
    'and it is said where it is');

chmod 0604, $keys;
($status) = ctl('--not-after', '2100-01-01T00:00:00Z', qw(key add), $keys,
    't2/bob', "$dir/bob.pub");
is($status, 0, 'a second key is added, with an end');
is((stat $keys)[2] & 07777, 0604, 'the file keeps its mode');

my $before = $t->read_file('keys.json');
for my $wrong (['a private key', 't1/ann', 'ann.pem', qr/is a private key/],
    ['a short key', 't1/old', 'old.pub', qr/of 1024 bits, less than the 2048/],
    ['a wrong name', 'ann', 'ann.pub', qr/is not <tenancy>/],
    ['another end', 't1/c', 'ann.pub', qr/"not-after"/, '--not-after', 'x'])
{
    my ($what, $id, $file, $why, @options) = @$wrong;
    ($status, $said) = ctl(@options, qw(key add), $keys, $id, "$dir/$file");
    is($status, 3, "$what is not added");
    like($said, $why, '... and why is said');
}
is($t->read_file('keys.json'), $before, 'by these nothing was written');
is_deeply([glob "$keys.*"], [], 'and nothing was left behind');

# ------------------------------------------------------------------------ list

my @listed = @{ctl_json(qw(key list), $keys)};
is_deeply([map { "$_->{keyId} $_->{bits} $_->{state}" } @listed],
    ["$ann 2048 active", "$listed[1]{keyId} 2048 active"], 'both are listed');
is($listed[1]{notAfter}, 'Fri, 01 Jan 2100 00:00:00 GMT', 'with the end');
is($listed[0]{keyId}, "t1/ann/$listed[0]{fingerprint}", 'and fingerprints');
is(ctl_json('--min-bits', 4096, qw(key list), $keys)->[0]{state}, 'weak',
    'a key that is too short for --min-bits is weak');

$t->write_file('broken.json', substr $before, 0, 300);
($status, $said) = ctl(qw(key list), $keys, "$dir/broken.json");
is($status, 3, 'a file that was cut is not read');
like($said, qr/"\Q$dir\E\/broken.json": line \d+, column \d+: is not JSON/,
    'and it is said where it ends');
($status, $said) = ctl(qw(key list), $dir);
like($said, qr/is not a regular file/, 'nor is a folder');

# ----------------------------------------------------------------------- check

$t->write_file('body.json', '{"jobKey":"nightly"}');

sub signed {
    my ($url, @options) = @_;

    return output($sign, '--key', "$dir/ann.pem", '--key-id', 't1/ann',
        '--data', "$dir/body.json", '--print', @options, $url);
}

sub checked {
    my ($request, @options) = @_;

    $t->write_file('request.http', $request);

    return ctl_json('--request', "$dir/request.http", @options, qw(key check),
        $keys);
}

my $request = signed("http://gateway.example.com$path?a=%20b");
my $result = checked($request);
is($result->{verified} ? 'yes' : $result->{reason}, 'yes', 'verified');
is("$result->{tenancy} $result->{principal}", 't1 ann', 'as its owner');
cmp_ok($result->{ageSeconds}, '<', 60, 'and its age is told');

for my $changed (
    ['the host has a port', 3, sub { s/^Host: \S+/$&:8443/mr }],
    ['the host is another case', 3, sub { s/^Host: g/Host: G/mr }],
    ['an escape is escaped', 2, sub { s/%20/%2520/r }],
    ['the query is another', undef, sub { s/a=/c=/r }],
    ['two lines are changed', undef,
        sub { s/%20/%2520/r =~ s/^Host: \S+/$&:8443/mr }],
    ['the type has a charset', 5, sub { s/json\r/json; charset=utf-8\r/r }],
    ['the length is another', 4, sub { s/Length: 20/Length: 020/r }])
{
    my ($what, $line, $change) = @$changed;
    my $bad = do { local $_ = $request; $change->() };
    $result = checked($bad);
    is($result->{reason}, 'signature', "$what: not verified");
    is($result->{differs}, $line, $line ? '... and which line it is'
        : '... and no line by itself explains it');
}

$result = checked($request =~ s/nightly/weeklyx/r);
is($result->{reason}, 'digest', 'another body');
$result = checked($request =~ s/^Date: .*\r\n//mr);
is($result->{reason}, 'header_missing:date', 'no date');
$result = checked($request, '--at', '2020-01-01T00:00:00Z');
like($result->{reason}, qr/^skew:\+\d+$/, 'as of another time');
like($result->{message}, qr/^Date '\w{3}, .*' is not within allowed clock skew/,
    'in the words that the client gets');
$result = checked(signed("http://h$path", '--key', "$dir/bob.pem"));
is($result->{reason}, 'key_unknown', 'a key that is not in the file');

$t->write_file('request.http', $request =~ s/^Host: \S+/Host: x.y/mr);
$t->write_file('signed', join "\n", map { s/^host: .*/host: gateway/r }
    @{ctl_json('--request', "$dir/request.http", qw(key check), $keys)
        ->{lines}});
($status, $said) = ctl('--request', "$dir/request.http", '--signed',
    "$dir/signed", qw(key check), $keys);
is($status, 1, 'not verified');
like($said, qr/^differs +3$/m, 'the line that differs from the client\'s');
like($said, qr/^here +host: x\.y$/m, '... here');
like($said, qr/^signed +host: gateway$/m, '... and there');
like($said, qr/^ {3}6  x-content-sha256: \S+$/m, 'all lines are shown');

$t->write_file('request.http', "nonsense\n");
($status, $said) = ctl('--request', "$dir/request.http", qw(key check), $keys);
is($status, 3, 'what is not a request');
like($said, qr/does not begin with a request line/, '... is called so');

# ---------------------------------------------------------------------- revoke

($status, $said) = ctl(qw(key revoke), $keys, $ann);
is($status, 4, 'nothing is revoked unasked');
($status, $said) = ctl(qw(--yes key revoke), $keys, $ann);
is($status, 0, 'revoked');
is(ctl_json(qw(key list), $keys)->[0]{state}, 'inactive', 'listed as such');
is(checked($request)->{reason}, 'key_inactive', 'and verified no more');
# what a link leads to is what the gateway reads, by its name or by the link's

mkdir "$dir/real" or die;
JobRuns::Signer::write_whole("$dir/real/keys.json", '{"data":[]}');
symlink 'real/keys.json', "$dir/link.json" or die;
($status) = ctl(qw(key add), "$dir/link.json", 't1/ann', "$dir/ann.pub");
is($status, 0, 'a key is added by a link');
ok(-l "$dir/link.json", 'the link stays a link');
like(ctl(qw(key list), "$dir/real/keys.json"), qr/\Q$ann\E.*active/,
    'the file that it leads to has the key');
($status) = ctl(qw(--yes key revoke), "$dir/link.json", $ann);
is($status, 0, 'a key is revoked by a link');
like(ctl(qw(key list), "$dir/real/keys.json"), qr/\Q$ann\E.*inactive/,
    'the file that it leads to has it revoked');
is(join(' ', glob "$dir/real/*"), "$dir/real/keys.json",
    'no other file is left there');
symlink 'nowhere.json', "$dir/dangling.json" or die;
($status, $said) = ctl(qw(key add), "$dir/dangling.json", 't1/ann',
    "$dir/ann.pub");
is($status, 3, 'a link to nothing is not replaced by a file');
ok(-l "$dir/dangling.json", 'a link to nothing stays one');

($status, $said) = ctl(qw(--yes key revoke), $keys, 't1/nobody/x');
is($status, 1, 'a key that is not there cannot be revoked');

# ------------------------------------------------------------------------ send

$t->run;
my $body = output($sign, '--key', "$dir/ann.pem", '--key-id', 't1/ann',
    '--data', "$dir/body.json", '--header', 'opc-retry-token: signed',
    'http://' . $t->nginx->address . $path);
like($body, qr/"key" *:/, 'a signed request makes a job run');
is($t->service->created('signed'), 1, 'one');
my ($arrived) = grep { $_->{method} eq 'POST' } $t->service->requests;
my %headers = map { lc $_->[0] => $_->[1] } @{$arrived->{headers}};
like($headers{authorization}, qr{keyId="\Q$ann\E"}, 'by its key');

done_testing();
