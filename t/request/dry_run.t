#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns dry_run refuses nothing for validation, and what would have been
# refused is in the audit record, in $jobruns_outcome and in error.log.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->run(jobruns => 'jobruns dry_run;', http => '
    log_format outcome "$jobruns_request_id $jobruns_outcome";
', server => 'access_log %%TESTDIR%%/outcome.log outcome; location /20260401/ {
    jobruns_unknown_properties reject;
    include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;
}');

my $service = $t->service;
my $n = 0;

sub outcome_of {
    my ($id) = @_;
    return wait_for { $t->read_file('outcome.log') =~ /^$id (\S+)$/m && $1 }
        "outcome of $id";
}

# a broken rule, and what its refusal would contain

for (
    ['a broken schema', qr{/jobKey: must be a string, found 1},
        body => '{"jobKey":1}'],
    ['a missing member', qr{/jobKey: required}, body => '{}'],
    ['invalid JSON', qr{not valid JSON: .* line 1, column 2},
        body => '{nonsense'],
    ['an empty body', qr{The request body is empty}, body => ''],
    ['an unknown member', qr{/new: unknown member}, version => '20260401',
        body => '{"jobKey":"x","new":1}'],
    ['another content type', qr{Content-Type must be application/json},
        headers => { 'Content-Type' => 'text/plain' }],
    ['a bad header', qr{should-update-recent must be true or false},
        headers => { 'should-update-recent' => 'perhaps' }],
    ['a bad token', qr{opc-retry-token must be 1 to 64}, token => 'x' x 65],
) {
    my ($name, $why, %opt) = @$_;
    my $id = 'dry-' . ++$n;
    my $before = $service->counts->{creations};

    my $answer = $t->create_run(request_id => $id, %opt);
    is($answer->status, 201, "$name: the request gets 201");
    is($service->counts->{creations}, $before + 1,
        "$name: the request creates a job run");
    is($service->body(($service->requests)[-1]),
        $t->run_request(%opt)->{body},
        "$name: the service gets the body byte by byte");

    my $record = $t->wait_audit(sub {
        $_->{data}{request}{id} eq $id && $_->{eventType} =~ /\.begin$/
            && defined $_->{data}{additionalDetails}{dryRunRefusal} });
    # values are left out of a record
    (my $short = $why) =~ s/, found 1\b|: \.\* line.*(?=\))//;
    like($record->{data}{additionalDetails}{dryRunRefusal}, qr/$short/,
        "$name: the audit record has what would have been refused");
    is(outcome_of($id), 'invalid:created',
        "$name: \$jobruns_outcome has what would have been refused");
    like($t->nginx->error_log,
        qr/\[info\].*jobruns: dry run, would refuse: .*$why/,
        "$name: error.log has what would have been refused");
}

# tokens work as with "on", also with a body that is not JSON: it counts by
# its bytes

for my $body ('{"jobKey":1,"a":2}', '{broken') {
    my $token = random_id;
    my $first = $t->create_run(token => $token, body => $body);
    my $again = $t->create_run(token => $token, body => $body);

    is($again->header('opc-retry-replayed'), 'true',
        "$body: the retry is replayed");
    is($again->body, $first->body, "$body: the retry gets the same job run");
    is($t->create_run(token => $token, body => "$body ")->status,
        $body =~ /broken/ ? 409 : 201,
        "$body: other blanks count only in invalid JSON");
    is($service->created($token), 1, "$body: one job run is created");
}

# paths are not part of validation

is($t->create_run(path => $t->run_request->{path} . '/')->status, 404,
    'a path that is not spelled plainly is refused');

# a good request leaves no line

my $good = $t->create_run(request_id => 'good');
is($good->status, 201, 'a good request gets 201');
my $record = $t->wait_audit(sub { $_->{data}{request}{id} eq 'good'
    && $_->{eventType} =~ /\.begin$/ });
is($record->{data}{additionalDetails}{dryRunRefusal}, undef,
    'a good request has no refusal in its record');
is(outcome_of('good'), 'created', 'a good request has the outcome created');

done_testing;
