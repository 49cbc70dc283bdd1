#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Lines of error.log tell an operator what happened, what to do, and to whom
# it happened; a flood has one line and a count.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

# a user that may do all but run scripts: each admission is refused

my $redis = $t->redis(args => ['--user', 'default', 'on', 'nopass', '~*',
    '+@all', '-eval', '-evalsha']);

my $nginx = $t->run(workers => 1, http => 'jobruns_zone jobruns 1m;',
    server => 'location = /status { jobruns_status; }');

sub folded {
    return $t->get('/status?format=json')
        ->json->{counters}{jobruns_log_lines_folded_total};
}

$t->allow_log(qr/jobruns: Redis "|redis "/);

is($t->create_run(tenancy => 'acme', request_id => "try-$_")->status, 503,
    'an admission that Redis refuses gets 503') for 1 .. 20;

my @lines = $nginx->error_log =~ /^(.*refused an admission.*)$/mg;
is(@lines, 1, 'twenty refused admissions have one line in error.log');
like($lines[0], qr/\[error\].*:[ ]\*\d+[ ]jobruns:[ ]Redis[ ]"[^"]+"[ ]refused
    [ ]an[ ]admission:[ ]NOPERM[ ][^;]*;[ ]check[ ]its[ ]state,[ ]and[ ]the[ ]
    ACL[ ]of[ ]its[ ]user,[ ]request[ ]id:[ ]"try-1",[ ]tenant:[ ]"acme"/x,
    'the line says what happened, what to do, and to whom');
is(folded(), 19, 'metrics count the lines that were folded');

# ten seconds later the next line has the count

$t->allow_log(qr/more like this/);
wait_for {
    $t->create_run(tenancy => 'acme');
    $nginx->error_log =~ /refused an admission: .* \((\d+) more like this\), /
        ? $1 : 0;
} 'the next line';
cmp_ok(($nginx->error_log =~ /\((\d+) more like this\), request id/)[0], '>=',
    19, 'the next line has the count of folded lines');

# what concerns no request is folded too: an audit file on a full disk

my $full = $t->run(name => 'full', workers => 1, audit =>
    'jobruns_audit /dev/full; jobruns_audit_required on;');
$t->allow_log(qr/audit file "\/dev\/full" cannot be written/);
is($t->create_run(to => $full)->status, 503,
    'a creation whose record cannot be written gets 503')
    for 1 .. 5;
is(() = $full->error_log =~ /audit file "\/dev\/full" cannot be written/g, 1,
    'five records that cannot be written have one line');

done_testing;
