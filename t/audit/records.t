#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Records have every outcome, and no secrets and no values; text cannot break
# a line, forge a record or drive a terminal.

use lib 't/lib';
use JobRuns;

use Encode ();
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 ();

my $t = JobRuns->new;
my $syslog = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "syslog: $@";

my $nginx = $t->run(workers => 1, server => <<"END" . <<'END');
    jobruns_audit syslog:server=127.0.0.1:${\ $syslog->sockport},tag=jobs;
END
    jobruns_audit %%TESTDIR%%/audit.log;
    jobruns_retry_wait 0;
    large_client_header_buffers 8 64k;
    client_header_buffer_size 64k;
END
my $json = JSON::PP->new->utf8;

sub records {
    my ($id) = @_;
    return grep { $_->{data}{request}{id} eq $id } $t->audit;
}

# ------------------------------------------------------------- a creation's two

my $answer = $t->create_run(request_id => 'made', token => 'secret-token',
    headers => { 'User-Agent' => 'sdk/1', 'opc-client-info' => 'info' });
my ($begin, $end) = records('made');
is($begin->{eventType}, 'com.oraclecloud.aidataplatform.CreateJobRun.begin',
    'the first record of a creation is .begin');
is($end->{eventType}, 'com.oraclecloud.aidataplatform.CreateJobRun.end',
    'the second record of a creation is .end');
is($begin->{data}{eventGroupingId}, $end->{data}{eventGroupingId},
    'both records of a creation have one grouping id');
isnt($begin->{eventId}, $end->{eventId},
    'both records of a creation have an event id each');
is($end->{data}{resourceId}, $answer->json->{key},
    '.end has the key of the job run');
is($end->{data}{additionalDetails}{location}, $answer->header('location'),
    '.end has the location of the job run');
is($end->{data}{additionalDetails}{outcome}, 'created', '.end has the outcome');
is($end->{data}{additionalDetails}{kept}, JSON::PP::true,
    '.end says that the response is stored');
is($begin->{data}{additionalDetails}{tokenBefore}, 'absent',
    '.begin has the state of the token before');
is($end->{data}{additionalDetails}{tokenAfter}, 'done',
    '.end has the state of the token after');
is($end->{data}{response}{status}, '201', '.end has the status');
is($begin->{data}{identity}{userAgent}, 'sdk/1', '.begin has the user agent');
is($end->{data}{identity}{tenantId}, 'ocid1.tenancy.oc1..test',
    '.end has the tenant');
is_deeply($begin->{data}{request}{headers}{'opc-client-info'}, ['info'],
    '.begin has the headers of the client');
is_deeply([sort keys %{$end->{data}{additionalDetails}}], [qw(attemptId
    durationsMs kept location outcome sent tokenAfter upstreamStatus)],
    '.end has what .begin could not know');
is_deeply([$end->{data}{identity}, $end->{data}{request}],
    [{ tenantId => 'ocid1.tenancy.oc1..test' }, { id => 'made' }],
    '.end has tenant and request id');
is_deeply([grep { exists $begin->{data}{additionalDetails}{$_} }
    qw(outcome tokenAfter durationsMs upstreamStatus sent kept)], [],
    '.begin has nothing of the end');
my $durations = $end->{data}{additionalDetails}{durationsMs};
is_deeply([sort keys %$durations], [qw(admission service settling total)],
    '.end has all durations');

my $again = $t->create_run(request_id => 'replay', token => 'secret-token');
my ($replay, @more) = records('replay');
is(scalar @more, 0, 'a replay has one record');
is($replay->{data}{additionalDetails}{originalRequestId}, 'made',
    'the record of a replay names the first request');
is($replay->{data}{resourceId}, $answer->json->{key},
    'the record of a replay names the job run');

# -------------------------------------------------------------- the syslog copy

$nginx->reload;
my @lines = $t->read_file('audit.log') =~ /^(.*)$/mg;
for my $i (0 .. $#lines) {
    my $ready = '';
    vec($ready, fileno $syslog, 1) = 1;
    select($ready, undef, undef, 20) or die "no datagram $i";
    $syslog->recv(my $datagram, 65536);
    my ($head, $copy) = $datagram =~ /^(<\d+>.*? jobs: )(.*)/s;
    is($copy, $lines[$i], "syslog has the same record as the file: record $i");
}

# ----------------------------------------------------- values of refused bodies

my $canary = 'CANARY-7f3b';
my $number = '918273645546372819';
my @bodies = (
    qq({"jobKey":"x","parameters":[{"name":"p","value":$number}]}),
    qq({"jobKey":"x","parameters":[{"name":"$canary bad","value":"v"}]}),
    qq({"jobKey":"x","parameters":"$canary"}),
    qq({"jobKey":"x","schedule":{"quartzCronExpression":"$canary",)
        . qq("timezoneId":"$canary"}}),
    qq({"jobKey":"x","schedule":{"quartzCronExpression":"0 0 $canary * * ?",)
        . qq("timezoneId":"UTC"}}),
    qq({"jobKey":"$canary","queue":{"isEnabled":"$canary"}}),
    qq({"jobKey":$number$number}), qq({"jobKey":"x",$canary}),
    qq({"jobKey":"x","a":$number$canary}), qq("$canary"), $canary,
    qq({"jobKey":"x","taskParameters":"$canary"}),
);
for my $i (0 .. $#bodies) {
    my $refused = $t->create_run(body => $bodies[$i],
        request_id => "canary-$i");
    if ($refused->status == 201) {
        pass("body $i is valid");
        next;
    }
    is($refused->status, 400, "body $i is refused");
    my ($record) = records("canary-$i");
    my $message = $record->{data}{response}{message};
    ok(length $message, "body $i is recorded with a reason");
    unlike($message, qr/CANARY-|$number/, "body $i is recorded without values");
}

# ---------------------------------------------------------------------- secrets

my $jwt = join '.', map { unpack 'H*', $_ } qw(header claims signature);
$t->create_run(request_id => 'jwt', authorization =>
    qq{Signature version="1",keyId="ST\$$jwt",algorithm="rsa-sha256",}
        . 'headers="date",signature="c2VjcmV0LXNpZ25hdHVyZQ=="');
$t->create_run(request_id => 'bearer', authorization => "Bearer $jwt");
my $path = '/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.test'
    . '/workspaces/w/jobRuns';
$t->create_run(request_id => 'query', path => "$path?password=secret-query");
my ($query) = records('query');
is($query->{data}{request}{path}, $path,
    'a record has the path without its query');

unlike($t->read_file('audit.log'), qr/$_/, "no record contains $_")
    for 'secret-token', 'c2VjcmV0', 'signature=', $jwt, 'secret-query';

# -------------------------------------------------------------- naughty strings

my @naughty = ("\x1b[2J\x1b]0;x\x07", "\xc2\x9b31m", "\xe2\x80\xaeevil",
    "\xe2\x80\xa8line", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80",
    '"}' . "\t{\"a\":\"",
    '\\', '\\u0000', "\x7f", "'; DROP TABLE", "\xef\xbb\xbf",
    "\xf0\x9f\x92\xa9", 'a' x 20000, "\xff" x 20000);

my $suites = $ENV{JR_SUITES} || $t->root . '/../shared/suites';
if (open my $fh, '<:raw', "$suites/naughty_strings.jsonl") {
    push @naughty, map { Encode::encode('UTF-8', $json->decode($_)->{s}) }
        <$fh>;
}

# as header values: those that HTTP lets through
sub header_text {
    my ($text) = @_;
    return $text =~ s/[\x00\r\n]//gr;
}

my $sent = 0;
my $client = $t->client;
for my $text (@naughty) {
    my $value = header_text($text);
    my $key_id = $value =~ s/["\\,]//gr;
    $sent++;

    $client = $t->client if $sent % 50 == 0;
    my $got = eval { $t->create_run(request_id => "naughty-$sent",
        job_key => Encode::decode('UTF-8', $text) . 'x',
        headers => { 'User-Agent' => "a$value",
            'opc-client-info' => "b$value", 'opc-client-retries' => "c$value",
            'x-content-sha256' => "d$value" },
        authorization => qq{Signature version="1",keyId="t/$key_id/f",}
            . 'algorithm="rsa-sha256",headers="date",signature="c2ln"') };
    fail("naughty-$sent: $@") if !$got;
}

# in the path, percent-encoded, as platform and workspace
for my $text (@naughty) {
    my $part = substr $text, 0, 200;
    $part =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
    $t->create_run(request_id => 'path-' . ++$sent, path =>
        "/20260430/aiDataPlatforms/ocid1.$part/workspaces/x$part/jobRuns");
}

# from the service: key and location
for my $text (@naughty[0 .. 13]) {
    $t->create_run(request_id => 'service-' . ++$sent, stub => {
        body_base64 => MIME::Base64::encode_base64($json->encode(
            { key => Encode::decode('UTF-8', $text) }), ''),
        header => 'location: /x/' . header_text($text) });
}

my $log = $t->read_file('audit.log');
my @all = split /\n/, $log;
is(scalar(grep { !eval { $json->decode($_); 1 } } @all), 0,
    'every line is JSON');
unlike($log, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/,
    'no record has a control character');
unlike($log, qr/\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]/,
    'no record has a separator of lines, or a character that reorders text');
cmp_ok((sort { $b <=> $a } map { length } @all)[0], '<', 65536,
    'no record is longer than 64 KB');

my %by = map { $_->{data}{request}{id} => $_ } $t->attempts;
my $n = @naughty;
is(scalar(grep { !$by{"naughty-$_"} } 1 .. $n), 0,
    'each naughty string has a record');
ok($by{'naughty-15'}{data}{truncated}, 'a long text is truncated and marked');
is($by{'naughty-15'}{data}{identity}{userAgent}, 'a' x 1024,
    'a long text is truncated to 1 KB');
is($by{'naughty-1'}{data}{identity}{userAgent}, "a$naughty[0]",
    'an escape sequence is escaped in the record');
is($by{'naughty-5'}{data}{identity}{userAgent}, "a\x{fffd}\x{fffd}",
    'bytes that are not UTF-8 are replaced');

done_testing;
