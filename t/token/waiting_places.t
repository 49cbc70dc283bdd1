#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# In a worker 1,024 retries may wait for the attempt they repeat, of which no
# tenant takes more than a quarter; one more is refused at once, counted and
# logged, and places are given back.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $nginx = $t->run(workers => 1, http => <<'END');
    jobruns_zone jobruns 1m;
    jobruns_retry_wait 60s;
    http2_max_concurrent_streams 2000;
    keepalive_requests 5000;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END
my $service = $t->service;
my $redis = $t->redis;

sub metric {
    my ($name) = @_;
    my $text = $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body;
    return $text =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}

# until so many wait

sub waiting {
    my ($n) = @_;
    wait_for { metric('jobruns_waiting_requests') == $n } "$n to wait";
}

sub tenancy { return "ocid1.tenancy.oc1..$_[0]" }

# The first of a token, held in the service.

sub hold {
    my ($tenant) = @_;
    my $c = $t->start_run(token => "of $tenant", tenancy => tenancy($tenant),
        stub => { wait_created => "gate-$tenant" });
    $service->wait_at("gate-$tenant");
    return $c;
}

sub retries {
    my ($tenant, $n) = @_;
    return $t->start_h2(map { { token => "of $tenant",
        tenancy => tenancy($tenant) } } 1 .. $n);
}

sub told {
    my ($r, $what) = @_;
    is($r->status . ' ' . $r->code, '409 IncorrectState',
        "$what gets 409 IncorrectState");
    is($r->header('retry-after'), 1, "$what gets Retry-After");
}

# A tenant has a quarter of the places.

my @first = map { hold($_) } qw(a b c d e);
my @waiters = retries('a', 256);

waiting(256);
is(metric('jobruns_waits_refused_total'), 0,
    "none of a tenant's 256 retries is refused");
told((retries('a', 1))[0]->response, 'one retry too many of a tenant');
is(metric('jobruns_waits_refused_total'), 1,
    'metrics count the retry too many of a tenant');
$t->wait_log(qr/\[warn\].*a retry gets 409 at once and does not wait: 256/);
like($nginx->error_log, qr/256 of its tenant wait.*"ocid1\.tenancy\.oc1\.\.a"/,
    'error.log reports the retry too many of a tenant');
is($t->create_run(tenancy => tenancy('a'))->status, 201,
    'a creation of the same tenant that need not wait is created');

# Others' retries wait, until all places are taken.

push @waiters, retries($_, 256) for qw(b c d);
waiting(1024);
is(metric('jobruns_waits_refused_total'), 1,
    "none of the other tenants' retries is refused");
told((retries('e', 1))[0]->response, 'one retry too many of all');
is(metric('jobruns_waits_refused_total'), 2,
    'metrics count the retry too many of all');
is(scalar(grep { defined $_->try_response(0) } @waiters), 0,
    'none of 1,024 waiting retries has a response before its time');

# Those that leave make room.

$_->reset for splice @waiters, 0, 24;
waiting(1000);
push @waiters, retries('e', 24);
waiting(1024);
is(metric('jobruns_waits_refused_total'), 2,
    'other retries wait in the places of those that left');

$service->release("gate-$_") for qw(a b c d e);
is(scalar(grep { $_->response->status == 201 } @first), 5,
    'the first attempt of each tenant is created');
my @answers = map { $_->response } @waiters;
is(scalar(grep { $_->status == 201
    && ($_->header('opc-retry-replayed') // '') eq 'true' } @answers),
    1024, 'all 1,024 waiting retries are replayed');
is($service->created("of $_"), 1, "one job run is created for tenant $_")
    for qw(a b c d e);

# All places are free again.

waiting(0);
@first = map { hold($_) } qw(f g h i);
@waiters = map { retries($_, 256) } qw(f g h i);
waiting(1024);
is(metric('jobruns_waits_refused_total'), 2,
    'as many retries may wait when all places are free again');
$service->release("gate-$_") for qw(f g h i);
is(scalar(grep { $_->response->status == 201 } @first, @waiters), 1028,
    'all retries of the second round get their responses');
is($service->asked, 10, 'the service was asked once for each token');

done_testing;
