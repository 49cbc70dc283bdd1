#!/usr/bin/perl

# An error of the service in which SDKs find no code gives way to JSON with one,
# under the same status; one that has a code passes.

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
    [{ status => 500, body => '{"error":"x"}' }, 500, 'InternalServerError'],
    [{ status => 404, body => '{"code":"Own","message":"x"}' }, 404, 'Own'],
    [{ status => 422 }, 422, 'UnprocessableEntity'],
) {
    my ($stub, $status, $code) = @$_;
    my $name = "$status " . ($stub->{body} // $stub->{kind} // 'its own');
    my $r = $t->create_run(stub => $stub);

    is($r->status, $status, "$name: status");
    is($r->code, $code, "$name: code");
    ok(length $r->json->{message}, "$name: message");
}

done_testing;
