#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A quota that is used up for longer than clients retry is refused with the
# code QuotaExceeded, which Oracle's SDKs do not retry.

use lib 't/lib';
use JobRuns;
use JobRuns::Clock;

my $t = JobRuns->new;
my $clock = JobRuns::Clock->new($t->testdir . '/clock');
my $redis = $clock->run(sub { $t->redis });

$t->run(workers => 1, http => 'jobruns_audit_refusals all;',
    server => 'jobruns_quota hourly key=tenant limit=1 window=hour;',
    servers => jobruns_server(2, <<'END')
    jobruns_quota  dry    key=tenant limit=0 window=month dry_run;
    jobruns_limit  slow   key=tenant rate=1r/h burst=0;
END
    . jobruns_server(3, <<'END'));
    jobruns_limit  slower key=tenant rate=1r/h burst=0;
    jobruns_quota  hourly key=tenant limit=1 window=hour;
END

# Redis' clock says so many seconds before the end of an hour.

sub before_the_hour {
    my ($seconds) = @_;

    $redis->command('FLUSHALL');
    $clock->wrong_by(3600 - $seconds - time % 3600);
    wait_for {
        my $left = 3600 - $redis->command('TIME')->[0] % 3600;
        $left <= $seconds && $left > $seconds - 60;
    } "the clock to be $seconds s before the end of an hour";
}

sub refused {
    my ($what, $code, %opt) = @_;

    is($t->create_run(token => undef, %opt)->status, 201,
        "$what: a creation passes");
    my $response = $t->create_run(token => undef, %opt);
    is($response->status, 429, "$what: the next is refused with 429");
    is($response->code, $code, "$what: the code is $code");
    cmp_ok($response->header('retry-after'), '>=', 1,
        "$what: Retry-After says when it passes");
    my $id = $response->header('opc-request-id');
    my $record = $t->wait_audit(sub {
        $_->{data}{request}{id} eq $id
    });
    is($record->{data}{response}{code}, $code,
        "$what: the audit record has the code $code");
    is($record->{data}{additionalDetails}{outcome}, 'limited',
        "$what: the outcome is limited");
}

before_the_hour(1800);
refused('a quota for half an hour', 'QuotaExceeded');

before_the_hour(100);
refused('a quota for less than two minutes', 'TooManyRequests');

before_the_hour(1800);
refused('a rate beside a quota that is dry_run', 'TooManyRequests',
    to => '127.0.0.1:' . $t->port(2));

before_the_hour(1800);
refused('a quota beside a rate that refuses for longer', 'QuotaExceeded',
    to => '127.0.0.1:' . $t->port(3));

done_testing;
