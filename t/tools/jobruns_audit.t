#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns-audit reports files that were tampered with, and shows records;
# nothing in a file reaches a terminal.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
plan(skip_all => "$tool is not built (make tools)") if !-x $tool;

my $t = JobRuns->new;
my $dir = $t->testdir;
my $json = JSON::PP->new->utf8;

$t->write_file('audit.key', 'k' x 40 . "\n");
$t->write_file('other.key', 'o' x 40);
chmod 0600, "$dir/audit.key", "$dir/other.key";
$t->audit_key("$dir/audit.key");

my $nginx = $t->run(workers => 1,
    http => 'jobruns_audit_key %%TESTDIR%%/audit.key;');

# runs the tool: (exit status, standard output, standard error)
sub tool {
    my (@args) = @_;

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/out" or die $!;
        open STDERR, '>', "$dir/err" or die $!;
        exec $tool, @args or die "$tool: $!";
    }
    waitpid $pid, 0;
    return ($? >> 8, $t->read_file('out'), $t->read_file('err'));
}

my $first = $t->create_run(token => 'token-one', request_id => 'one');
$t->create_run(token => 'token-one', request_id => 'again');
$t->create_run(token => 'token-two', request_id => 'two',
    tenancy => 'ocid1.tenancy.oc1..other');
$t->create_run(body => '{', request_id => 'bad');
$nginx->quit;

my $log = "$dir/audit.log";
my @lines = $t->read_file('audit.log') =~ /^(.*)$/mg;
is(scalar @lines, 8,
    'the file has open, two creations, a replay, a refusal and close');

# ---------------------------------------------------------------------- verify

my @key = ('--key', "$dir/audit.key");
my ($status, $out, $err) = tool('verify', @key, $log);
is($status, 0, 'verify of a whole file exits with 0');
is($out, "8 records in 1 chains (0 not closed); 2 attempts begun, "
    . "0 without end: whole\n",
    'verify of a whole file reports that it is whole');
is($err, '', 'verify of a whole file writes nothing to standard error');

($status, $out) = tool('verify', $log);
is($status, 2, 'verify without the key exits with 2');
like($out, qr/cannot be checked without its key/,
    'verify without the key says that it is needed');

($status, $out) = tool('verify', '--key', "$dir/other.key", $log);
is($status, 1, 'verify with another key exits with 1');

my ($chain) = $lines[0] =~ /"chain":\{"id":"([0-9a-f]{32})"/;

# tampered(name, lines, status, what it reports)
sub tampered {
    my ($name, $lines, $want, @patterns) = @_;

    $t->write_file('bad.log', join '', map { "$_\n" } @$lines);
    my ($status, $out) = tool('verify', @key, "$dir/bad.log");
    is($status, $want, "$name: verify exits with $want") or diag($out);
    like($out, $_, "$name: verify reports the fault") for @patterns;

    ($status, $out) = tool('verify', '--quiet', @key, "$dir/bad.log");
    is($status, $want, "$name: verify --quiet exits with the same status");
    is($out, '', "$name: verify --quiet writes nothing");
}

sub record {
    my ($line, $seq, $what) = @_;
    return qr/^\Q$dir\E\/bad\.log:$line: record $seq of chain $chain: $what/m;
}

tampered('a changed record', [@lines[0, 1], $lines[2] =~ s/"one"/"eno"/r,
    @lines[3 .. 7]], 1, record(3, 2, 'changed'));
tampered('a removed record', [@lines[0, 1, 2, 4 .. 7]], 1,
    record(4, 4, 'records 3 to 3 are missing'));
tampered('a moved record', [@lines[0, 1, 3, 2, 4 .. 7]], 1,
    record(4, 2, 'moved or doubled'));
tampered('a doubled record', [@lines[0, 1, 2, 2, 3 .. 7]], 1,
    record(4, 2, 'moved or doubled'));
tampered('a file without its head', [@lines[1 .. 7]], 1,
    record(1, 1, 'records 0 to 0 of its chain are missing'));
tampered('a file without its tail', [@lines[0 .. 5]], 0,
    record(6, 5, 'last of a chain that is not closed'));
tampered('a file cut in an attempt', [@lines[0 .. 4]], 3,
    qr/opc-request-id two, \S+\) has no end: look for its job run$/m);
tampered('an added line',
    [@lines[0 .. 3], '{"eventType":"made up"}', @lines[4 .. 7]],
    1, qr/bad\.log:5: no record of the gateway$/m);
tampered('a torn record',
    [@lines[0 .. 3], substr($lines[4], 0, 90), @lines[4 .. 7]],
    3, qr/bad\.log:5: a record that was not written whole$/m);
tampered('a torn record in one line with a whole one', [@lines[0 .. 3],
    substr($lines[4], 0, 90) . $lines[4], @lines[5 .. 7]], 3,
    qr/bad\.log:5: a record that was not written whole$/m);

# forged without the key, and with SHA-256 in its place

(my $forged = $lines[7]) =~ s/"hmac":"[0-9a-f]{64}"/"hmac":"${\('0' x 64)}"/;
tampered('a forged record',
    [@lines[0 .. 6], $forged], 1, record(8, 7, 'changed'));

require Digest::SHA;
my ($bare) = $lines[7] =~ /^(.*),"hmac"/;
my $sum = Digest::SHA::sha256_hex($bare);
$forged = qq{$bare,"hash":"$sum"} . '}}';
tampered('a record hashed without a key', [@lines[0 .. 6], $forged], 1,
    record(8, 7, 'hashed without a key'));

# two files, from standard input, and part of a chain

$t->write_file('1.log', join '', map { "$_\n" } @lines[0 .. 3]);
$t->write_file('2.log', join '', map { "$_\n" } @lines[4 .. 7]);
is((tool('verify', @key, "$dir/2.log", "$dir/1.log"))[0], 0,
    'verify accepts two files of one chain');
is((tool('verify', @key, "$dir/1.log", "$dir/2.log", "$dir/2.log"))[0], 1,
    'verify refuses a file that is given twice');
is((tool('verify', @key, "$dir/2.log"))[0], 1,
    'verify refuses the second file alone');
is((tool('verify', '--partial', @key, "$dir/2.log"))[0], 0,
    'verify --partial accepts the second file alone');
is(system("$tool verify --quiet @key - < $log") >> 8, 0,
    'verify reads standard input');

# a schema

is((tool('verify', @key, '--schema',
    $t->root . '/docs/audit-record.schema.json', $log))[0], 0,
    'verify accepts records that fit their schema');
$t->write_file('schema.json', '{"properties":{"source":{"const":"other"}}}');
($status, $out) = tool('verify', @key, '--schema', "$dir/schema.json", $log);
is($status, 1, 'verify with another schema exits with 1');
like($out, qr{audit\.log:1: does not fit the schema: /source: },
    'verify reports what does not fit the schema');

# what cannot be read is not a verdict

for (['absent.log', qr/absent\.log: No such file/],
    ['--key', "$dir/absent.key", $log, qr/absent\.key: No such file/],
    ['--key', "$dir/schema.json", '--schema', "$dir/audit.key", $log,
        qr/audit\.key: /],
    ['--nonsense', qr/unknown option "--nonsense": there are --/],
    ['--schem', qr/--schem: needs a value/],
    ['--qiet', qr/unknown option "--qiet": did you mean "--quiet"/],
    [qr/^Usage: /m])
{
    my $pattern = pop @$_;
    ($status, undef, $err) = tool('verify', @$_);
    is($status, 2, "verify @$_: status 2");
    like($err, $pattern, "verify @$_: the reason is on standard error");
}

($status, undef, $err) = tool('--since', '1h', $log);
is($status, 2, 'an option before the command: status 2');
is($err, 'jobruns-audit: unknown option "--since": options are behind the '
    . qq{command, "jobruns-audit show --help"\n},
    'an option before the command: it says where options are');

# ------------------------------------------------------------------------ show

sub ids {
    my (@args) = @_;
    my ($status, $out) = tool('show', '--lines', @args, $log);
    my @records = map { $json->decode($_) } split /\n/, $out;
    return join ',', $status,
        map { $_->{data}{request}{id} . ($_->{eventType} =~ /(\.\w+)$/)[0] }
        @records;
}

my $all = 'one.begin,one.end,again.CreateJobRun,two.begin,two.end,'
    . 'bad.CreateJobRun';
is(ids(), "0,$all", 'show omits records of chains only');
is(ids('--tenant', 'ocid1.tenancy.oc1..other'), '0,two.begin,two.end',
    'show --tenant shows records of one tenant');
is(ids('--outcome', 'replayed'), '0,again.CreateJobRun',
    'show --outcome shows records of one outcome');
is(ids('--request-id', 'one'), '0,one.begin,one.end,again.CreateJobRun',
    'show --request-id shows a request and its replays');
is(ids('--token', 'token-one'), '0,one.begin,one.end,again.CreateJobRun',
    'show --token shows records of one retry token');
is(ids('--token', 'token-none'), '1',
    'show --token of an unknown token exits with 1');
my $hash = $json->decode($lines[1])->{data}{request}{headers}
    {'opc-retry-token-sha256'}[0];
is(ids('--token', $hash), '0,one.begin,one.end,again.CreateJobRun',
    'show --token accepts the digest of a token');
is(ids('--run-key', $first->json->{key}),
    '0,one.begin,one.end,again.CreateJobRun',
    'show --run-key shows records about a job run');
my $attempt = $json->decode($lines[4])->{data}{eventGroupingId};
is(ids('--attempt', $attempt), '0,two.begin,two.end',
    'show --attempt shows records of one attempt');
is(ids('--outcome', 'created', '--tenant', 'ocid1.tenancy.oc1..test'),
    '0,one.begin,one.end', 'all filters of show count together');

# both records of an attempt, in whatever order the files come

$t->write_file('ends.log', join '', map { "$_\n" } @lines[2, 5]);
$t->write_file('begins.log', join '', map { "$_\n" } @lines[1, 4]);
for my $files (['begins.log', 'ends.log'], ['ends.log', 'begins.log']) {
    my @files = map { "$dir/$_" } @$files;
    my ($status, $out) = tool('show', '--lines', '--token', 'token-two',
        @files);
    is(join(',', $out =~ /Run\.(begin|end)"/g), 'begin,end',
        "@$files: show joins records by the attempt's id");
    ($status, $out) = tool('show', '--lines', '--outcome', 'created', @files);
    is(scalar(() = $out =~ /\n/g), 4,
        "@$files: show --outcome shows both records of each attempt");
}
($status, $out) = tool('show', '--lines', '--token', 'token-two',
    "$dir/begins.log");
is(scalar(() = $out =~ /\n/g), 1, 'show shows an attempt without its end');
is((tool('show', '--outcome', 'created', "$dir/begins.log"))[0], 1,
    'an attempt without its end has no outcome to show');

# ----------------------------------------------------------------------- times

my $now = time;
my $stamp = sub { my @t = gmtime shift;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d', $t[5] + 1900, $t[4] + 1,
        @t[3, 2, 1, 0] };
is(ids('--since', $_), "0,$all", "show --since $_ shows all records")
    for '2000-01-01', '1h', '-1h', '90m', '3600s', '1d', '2w', 'yesterday',
        $stamp->($now - 600) . 'Z', $stamp->($now - 600) . '.5Z',
        $stamp->($now - 600 + 7200) . '+02:00',
        $stamp->($now - 600 - 5400) . '-01:30';
is(ids('--until', $_), '1', "show --until $_ shows no record")
    for '2000-01-01', '1h', '-1h', 'yesterday', $stamp->($now - 600) . 'Z',
        $stamp->($now - 600 + 7200) . '+02:00';
is(ids('--since', $_), '1', "show --since $_ shows no record")
    for 'now', $stamp->($now + 600) . 'Z', '9999-12-31T23:59:59Z';
is(ids('--until', 'now'), "0,$all", 'show --until now shows all records');
is(ids('--since', 'yesterday', '--until', 'now'), "0,$all",
    'show with --since and --until shows all records');

# an invalid time is an error: otherwise nothing shown would look like nothing
# there

for (['--since', '1x'], ['--since', '2100'], ['--since', ''],
    ['--until', 'tomorrow'], ['--since', '2026-06-10T12:00'],
    ['--since', '2026-02-30'], ['--until', '12:00'], ['--since', '+1h'],
    ['--since', '1h30m'], ['--since', 'Today'])
{
    ($status, $out, $err) = tool('show', @$_, $log);
    is($status, 2, "show @$_ exits with 2");
    is($out, '', "show @$_ writes no record");
    like($err, qr/\Q$_->[0] "$_->[1]"\E is not a time; give RFC 3339.*today/,
        "show @$_ says what a time is");
}
for ('Limited', 'limit', '', 'none', 'made') {
    ($status, $out, $err) = tool('show', '--outcome', $_, $log);
    is($status, 2, "show --outcome '$_' exits with 2");
    like($err, qr/there are unauthenticated, invalid, .*limited, .*unknown$/m,
        "show --outcome '$_' lists all outcomes");
}
is((tool('show', '--since', 'now', '--until', '1h', $log))[0], 2,
    'show of a time that ends before it begins exits with 2');
is((tool('show', '--attempt', uc $attempt, $log))[0], 2,
    'show of an impossible attempt exits with 2');

($status, $out) = tool('show', $log);
is(scalar(() = $out =~ /\n/g), 7,
    'a table has a heading and a line for each record');
like($out, qr/^\S+Z  end    created            201 .* one /m,
    'a table has a row for an attempt');
like((tool('show', '--chains', $log))[1], qr/^\S+Z  close  /m,
    'show --chains shows records of chains');

($status, $out) = tool('show', '--json', '--request-id', 'two', $log);
is_deeply([$json->incr_parse($out)], [map { $json->decode($_) } @lines[4, 5]],
    'show --json writes JSON');
like($out, qr/^  "eventType": /m, 'show --json indents JSON');

is((tool('show', 'absent.log'))[0], 2, 'show without a file exits with 2');
is((tool('show', '--nonsense', $log))[0], 2,
    'show with an unknown option exits with 2');
is((tool('nonsense'))[0], 2, 'an unknown command exits with 2');
for ([], ['verify'], ['show']) {
    ($status, $out) = tool(@$_, '--help');
    is($status, 0, "@$_ --help exits with 0");
    like($out, qr/^Usage: jobruns-audit/, "@$_ --help shows the usage");
}

# a name that stands twice could be shown as one and meant as the other

$t->write_file('twice.log', $lines[2] =~ s/"id":"one"/"id":"two",$&/r . "\n");
($status, $out) = tool('show', '--lines', "$dir/twice.log");
is("$status$out", 1, 'a record with a name twice is not shown');

$t->write_file('nul.log', $lines[2] =~ s/"id":"one"/"id":"one\\u0000"/r . "\n");
($status, $out) = tool('show', '--lines', "$dir/nul.log");
like($out, qr/"one\\u0000"/, 'a record with an escaped NUL is shown');

# whatever a file holds, no terminal sees it

my $evil = "\x1b]0;x\x07\x1b[2J\xc2\x9b31m\x7f\r";
(my $bad = $lines[2]) =~ s/"id":"one"/"id":"$evil"/;
(my $worse = $lines[2]) =~ s/"id":"one"/"id":"\\u001b[2J\\u009b31m\\u202e"/;
$t->write_file('evil.log', "$lines[0]\n$lines[1]\n$bad\n$worse\n$evil\n"
    . $lines[1] =~ s/"id":"one"/"id":"$evil"/r . "\n");

for (['verify', @key], ['verify'], ['show'], ['show', '--json']) {
    (undef, $out, $err) = tool(@$_, "$dir/evil.log");
    unlike("$out$err",
        qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/,
        "@$_: nothing is written that a terminal obeys");
}

done_testing;
