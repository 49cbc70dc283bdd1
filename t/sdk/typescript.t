#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Oracle's SDK for TypeScript creates job runs through the gateway: its real
# signatures, retries, circuit breaker and reading of errors.  The gateway
# verifies each signature, and so does the service, by itself.

use utf8;
use lib 't/lib';

use JobRuns;
use JobRuns::Sdk;

JobRuns::Sdk::needed();

my $t = JobRuns->new;
my $dir = $t->testdir;
my $ids = JobRuns::Sdk::make_keys($t->root, $dir);
my $service = $t->service(args => ['--verify',
    "exec node '" . $t->root . "/t/sdk/verify.js' '$dir'"]);

my %port = (at_once => 2, rate => 3, quota => 4, refuse => 5, short => 6,
    open => 7, delay => 8);
$t->run(http => <<'END', servers => join '',
    jobruns_retry_lease 5s;
    jobruns_auth on;
    jobruns_auth_keys %%TESTDIR%%/keys.json;
    jobruns_auth_issuer jobruns-tests jwks=%%TESTDIR%%/issuer.json;
END
    jobruns_server($port{at_once}, 'jobruns_retry_wait 0;'),
    jobruns_server($port{rate},
        'jobruns_limit rate key=tenant rate=2r/s burst=0;'),
    jobruns_server($port{quota},
        'jobruns_quota monthly key=tenant limit=1 window=month;'),
    jobruns_server($port{refuse}, 'jobruns_retry_unknown refuse;'),
    jobruns_server($port{short}, 'proxy_read_timeout 1s;'),
    jobruns_server($port{open}, 'jobruns_auth off;'),
    jobruns_server($port{delay},
        'jobruns_limit rate key=tenant rate=1r/s burst=1 delay=10s;'));

my $sdk = JobRuns::Sdk->new(root => $t->root, folder => $dir,
    to_address => $t->nginx->address);

sub at_port { return '127.0.0.1:' . $t->port($port{$_[0]}) }

# The service forgets, and each subtest has a client, and so a circuit breaker,
# of its own.

my $part = 0;

sub part {
    my ($what, $code) = @_;

    $part++;
    $service->reset;
    $t->redis->command('FLUSHALL');
    subtest $what => $code;
}

sub start { return $sdk->start(client => "part $part", @_) }
sub call { return start(@_)->result }

# A result that is the one job run of the service.

sub created {
    my ($what, $result, %opt) = @_;

    is_deeply($result->{error}, undef, "$what: the SDK returns a response")
        or diag(explain($result->{error}));
    my ($run) = $service->creations;
    is($service->created, 1, "$what: the service created one job run");
    is($result->{response}{jobRun}{key}, $run->{key},
        "$what: the SDK has the key of the job run");
    for (qw(etag location contentLocation opcWorkRequestId opcRequestId)) {
        ok($result->{response}{$_}, "$what: the SDK has $_");
    }
    is($result->{tries}, $opt{tries}, "$what: after so many tries")
        if $opt{tries};
}

# An error as the SDK has parsed it.

sub failed {
    my ($what, $result, $status, $code, %opt) = @_;

    my $error = $result->{error};
    ok($error && $error->{isOciError}, "$what: the SDK has an OciError")
        or return diag(explain($result));
    is($error->{statusCode}, $status, "$what: the status is $status");
    is($error->{serviceCode}, $code, "$what: the code is $code");
    like($error->{message}, $opt{message} // qr/\S/,
        "$what: there is a message");
    like($error->{opcRequestId} // '', qr{^\Q$result->{requestId}\E(/|$)},
        "$what: the request id is that of the request");
    is($result->{tries}, $opt{tries} // 1, "$what: after so many tries");
}

part 'a creation' => sub {
    created('a creation', call(), tries => 1);
    my ($request) = $service->requests;
    is_deeply($request->{done}[0], 'verified: ok',
        'the service has verified the signature');
    like($service->received('user-agent'), qr/^Oracle-TypeScriptSDK/,
        'the request is that of the SDK');
    is($service->received('opc-client-retries'), 'true',
        'the SDK says that it retries');
};

part 'a session token' => sub {
    created('a session token', call(as => 'session'), tries => 1);
    like($service->received('authorization'), qr/keyId="ST\$/,
        'the request was signed with a session token');
};

part 'unicode, and 600 KB' => sub {
    my $text = "Größe \x{65E5}\x{672C} \x{1F680} \x{202E}";
    my $result = call(params => { createJobRunDetails => { jobKey => 'j',
        parameters => [{ name => 'text', value => $text }] } });
    created('unicode', $result, tries => 1);
    is($result->{response}{jobRun}{parameters}[0]{value}, $text,
        'unicode comes back as it was sent');

    $service->reset;
    my @large = map { { name => "p$_", value => 'x' x 5000 } } 1 .. 120;
    $result = call(params => { createJobRunDetails => { jobKey => 'j',
        parameters => \@large } });
    created('600 KB', $result, tries => 1);
    cmp_ok(($service->requests)[0]{body_length}, '>', 600_000,
        'the body has more than 600 KB');
};

part 'a replay after a response that was cut' => sub {
    $service->plan({ truncate => 20 });
    my $result = call();
    created('a cut response', $result, tries => 2);
    is($service->counts->{replays}, 1,
        'the retry went to the service with the same token');

    $service->reset;
    $t->redis->command('FLUSHALL');
    $service->plan({ end_answer => 'reset' });
    created('a reset connection', call(), tries => 2);
};

part 'a client that times out' => sub {
    $service->plan({ wait_created => 'gate' });
    my $call = start(timeout => 700);
    $service->wait_at('gate');
    # the first try is given up, and the second gets what it began
    $call->wait_try(2);
    $service->release('gate');
    my $result = $call->result;
    created('a timeout', $result);
    cmp_ok($result->{tries}, '>', 1, 'the client has tried again');
    is($result->{response}{opcRetryReplayed}, 'true',
        'the retry gets the stored response');
    is($service->counts->{requests}, 1, 'the service was asked once');
};

part 'a token in flight' => sub {
    $service->plan({ wait_created => 'gate' });
    my $first = start(params => { opcRetryToken => 'in-flight' });
    $service->wait_at('gate');

    failed('without retries', call(to => at_port('at_once'),
        retries => 'none', params => { opcRetryToken => 'in-flight' }),
        409, 'IncorrectState', message => qr/still being processed/);

    my $second = start(to => at_port('at_once'),
        params => { opcRetryToken => 'in-flight' });
    $second->wait_try(2);
    $service->release('gate');
    created('the first', $first->result, tries => 1);
    my $result = $second->result;
    created('with retries', $result);
    is($result->{response}{opcRetryReplayed}, 'true',
        'with retries: the stored response');
};

part '50 parallel calls with one token' => sub {
    my @calls = map { start(params => { opcRetryToken => 'one for all' }) }
        1 .. 50;
    my @results = map { $_->result } @calls;
    is(scalar(grep { $_->{response} } @results), 50, 'all calls succeed');
    is($service->created, 1, 'one job run is created');
    my %keys = map { ($_->{response}{jobRun}{key} // '') => 1 } @results;
    is_deeply([keys %keys], [map { $_->{key} } $service->creations],
        'all calls have the key of this job run');
};

part '50 parallel calls with their own tokens' => sub {
    my @results = map { $_->result } map { start() } 1 .. 50;
    is(scalar(grep { $_->{response} } @results), 50, 'all calls succeed');
    is($service->created, 50, '50 job runs are created');
    my %keys = map { ($_->{response}{jobRun}{key} // '') => 1 } @results;
    is(scalar keys %keys, 50, 'each call has a job run of its own');
    my %tokens = map { ($_->{token} // '') => 1 } @results;
    is(scalar keys %tokens, 50, 'the SDK made a token for each');
};

# 12 of them find a turn within 10 s at once, the others by a retry or two

part '20 parallel calls at 1r/s, which wait for their turns' => sub {
    my @results = map { $_->result(60) }
        map { start(to => at_port('delay')) } 1 .. 20;
    is(scalar(grep { $_->{response} } @results), 20, 'all calls succeed');
    is($service->created, 20, '20 job runs are created');

    my @times = sort { $a <=> $b } map { $_->{time} }
        grep { $_->{method} eq 'POST' } $service->requests;
    cmp_ok($times[-1] - $times[0], '<=', 25,
        'the last reaches the service within 25 s of the first');
    is(scalar(grep { $times[$_ + 1] - $times[0] < $_ - 0.5 } 1 .. 18), 0,
        'none but the burst goes before its turn');
};

part 'a rate' => sub {
    my @calls = map { start(to => at_port('rate')) } 1 .. 3;
    my @results = map { $_->result } @calls;
    is(scalar(grep { $_->{response} } @results), 3,
        'three calls at twice the rate succeed');
    is($service->created, 3, 'three job runs are created');
    cmp_ok((sort { $b <=> $a } map { $_->{tries} } @results)[0], '>', 1,
        'the SDK retries 429 TooManyRequests');

    my @more = map { start(to => at_port('rate'), retries => 'none') } 1 .. 3;
    my ($refused) = grep { $_->{error} } map { $_->result } @more;
    failed('beyond the rate', $refused, 429, 'TooManyRequests',
        message => qr/^Limit rate: at most 2 requests per second/);
};

part 'a quota' => sub {
    created('within the quota', call(to => at_port('quota')), tries => 1);
    my $result = call(to => at_port('quota'));
    failed('beyond the quota', $result, 429, 'QuotaExceeded',
        message => qr/^Limit monthly: 1 job runs per month/, tries => 1);
    cmp_ok($result->{ms}, '<', 5000, 'the SDK does not retry QuotaExceeded');

    # and does not count it in its circuit breaker
    call(to => at_port('quota')) for 1 .. 12;
    is(call(to => at_port('quota'))->{error}{serviceCode}, 'QuotaExceeded',
        'the circuit breaker stays closed');
};

part 'a service that fails' => sub {
    for (500, 502, 503, 504) {
        $service->reset;
        $t->redis->command('FLUSHALL');
        $service->plan({ status => $_ });
        created("a $_", call(retries => 0.1), tries => 2);
    }
};

part 'errors as the SDK reads them' => sub {
    my $none = sub {
        return call(retries => 'none', client => random_id(), @_);
    };

    for (
        [500, 'InternalServerError', {}],
        [503, 'ServiceUnavailable', {}],
        [404, 'NotAuthorizedOrNotFound', {}],
        [429, 'TooManyRequests', {}],
        [409, 'Conflict', { code => 'Conflict' }],
        # pages of whatever stands in front of the service
        [502, 'ExternalServerInvalidResponse', { kind => 'html' }],
        [503, 'ServiceUnavailable', { kind => 'html' }],
        [504, 'ExternalServerTimeout', { kind => 'html' }],
        [404, 'NotAuthorizedOrNotFound', { kind => 'html' }],
        [429, 'TooManyRequests', { kind => 'empty' }],
        [500, 'InternalServerError', { kind => 'empty' }],
    ) {
        my ($status, $code, $more) = @$_;
        $service->plan({ status => $status, create => 0, %$more });
        failed(join(' ', 'the service says', $status, %$more), $none->(),
            $status, $code);
    }

    $service->plan({ end_read => 'close' });
    failed('no response', $none->(), 503, 'ExternalServerInvalidResponse');
    $service->plan({ wait_created => 'late' });
    failed('a slow service', $none->(to => at_port('short')), 503,
        'ExternalServerTimeout');
    $service->release('late');

    failed('a body without jobKey', $none->(params => {
        createJobRunDetails => { parameters => [] } }), 400,
        'MissingParameter', message => qr/jobKey/);
    failed('a wrong type', $none->(params => {
        createJobRunDetails => { jobKey => 5 } }), 400, 'InvalidParameter');
    failed('no JSON', $none->(params => { bodyContent => '{"jobKey":' }),
        400, 'CannotParseRequest');
    failed('a wrong id', $none->(params => { aiDataPlatformId => 'mine' }),
        400, 'InvalidParameter');
    failed('a token too long', $none->(params => {
        opcRetryToken => 'x' x 65 }), 400, 'InvalidParameter');
    failed('a slash in the path', $none->(params => {
        workspaceKey => 'a/b' }), 404, 'NotAuthorizedOrNotFound');
    failed('a body too large', $none->(params => { createJobRunDetails =>
        { jobKey => 'x' x (1 << 20) } }), 413, 'PayloadTooLarge');

    call(params => { opcRetryToken => 'used' });
    failed('a token of another body', $none->(params => {
        opcRetryToken => 'used', createJobRunDetails => { jobKey => 'b' } }),
        409, 'InvalidatedRetryToken');

    $service->plan({ status => 500 });
    $none->(params => { opcRetryToken => 'unknown' });
    failed('a token whose outcome is unknown', $none->(
        to => at_port('refuse'), params => { opcRetryToken => 'unknown' }),
        409, 'Conflict');

    my $asked = $service->asked;
    failed('a signature that is wrong', $none->(as => 'stranger'), 401,
        'NotAuthenticated', message => qr/^Failed to verify/);
    is($service->asked, $asked, 'the gateway has refused it');
    failed('a signature that the service refuses', $none->(as => 'stranger',
        to => at_port('open')), 401, 'NotAuthenticated');
};

part 'Redis is away' => sub {
    $t->redis->stop;
    failed('without Redis', call(retries => 'none'), 503,
        'ServiceUnavailable');
    my $call = start(retries => 'default', client => 'patient');
    $call->wait_try(2);
    $t->redis->start;
    created('Redis is back', $call->result);
};

done_testing;
