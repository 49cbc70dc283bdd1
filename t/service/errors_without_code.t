#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# SDKs find no code in a refusal of the service: JSON with a code and the same
# status replaces it, and a refusal that has a code passes.  SDKs go by the
# status of a 5xx or 408, so that any JSON of it passes; what is not JSON is
# replaced.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
$t->run(workers => 1);

for (
    [{ status => 403, body => '{"error":"x"}' }, 403, 'NotAllowed'],
    [{ status => 400, content_type => 'text/plain', body => 'no' }, 400,
        'CannotParseRequest'],
    [{ status => 403, kind => 'empty' }, 403, 'NotAllowed'],
    [{ status => 404, body => '{"code":"Own","mess', framing => 'close' },
        404, 'NotAuthorizedOrNotFound'],
    [{ status => 404, body => '{"code":null,"message":"x"}' }, 404,
        'NotAuthorizedOrNotFound'],
    [{ status => 409, body => '{"code":"","message":"x"}' }, 409, 'Conflict'],
    [{ status => 409, body => '{"code":"Own\u002e","message":"\"x\""}' }, 409,
        'Own.'],
    [{ status => 500, body => '{"error":"x' }, 500, 'InternalServerError'],
    [{ status => 500, kind => 'empty' }, 500, 'InternalServerError'],
    [{ status => 503, kind => 'html' }, 503, 'ServiceUnavailable'],
    [{ status => 408, body => 'no' }, 408, 'RequestTimeout'],
    [{ status => 404, body => '{"code":"Own","message":"x"}' }, 404, 'Own'],
    [{ status => 422 }, 422, 'UnprocessableEntity'],
) {
    my ($stub, $status, $code) = @$_;
    my $name = "$status " . ($stub->{body} // $stub->{kind} // 'its own');
    my $r = $t->create_run(stub => $stub);

    is($r->status, $status, "$name: the status is passed on");
    is($r->code, $code, "$name: the code is $code");
    ok(length $r->json->{message}, "$name: the response has a message");
}

for my $status (302, 408, 500, 502, 503) {
    for my $body ('{"error":"x"}', '{"code":null,"message":"x"}', '[]') {
        my $r = $t->create_run(token => "$status-$body",
            stub => { status => $status, body => $body });

        is($r->status, $status, "$status $body: the status is passed on");
        is($r->body, $body, "$status $body: the body is passed on as it is");
    }
}

done_testing;
