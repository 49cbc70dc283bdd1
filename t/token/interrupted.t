#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Something breaks while an attempt is under way, at each of its states and
# over HTTP/1.1 and HTTP/2: a worker dies, NGINX is reloaded, Redis is
# restarted or dies.  The retry gets one job run, and no claim is left.

use lib 't/lib';
use JobRuns;
use JobRuns::Disk;

my $t = JobRuns->new;
my $disk = JobRuns::Disk->new($t->testdir . '/disk');
my %config = (workers => 1,
    servers => jobruns_server(2, 'jobruns_retry_unknown refuse;',
            '%%SERVICE_forgetful%%')
        . jobruns_server(3, 'jobruns_audit_sync always;'),
    http => <<'END',
    jobruns_zone jobruns 1m;
    jobruns_redis_timeout 5s;
    jobruns_redis_connect_timeout 5s;
    jobruns_retry_lease 3s;
    jobruns_retry_wait 20s;
    jobruns_quota quota key=tenant limit=1000 window=month;
    jobruns_concurrency slots key=tenant limit=10;
END
    server => 'location = /status { jobruns_status; }');
my $forgetful = $t->service('forgetful', ignore_tokens => 1);
my $service = $t->service;
my $redis = $t->redis;

# the one that things happen to, on a disk that can be held up
my $nginx = $disk->run(sub { $t->run(%config) });
my $other = $t->run(%config, name => 'other');
my %synced = (to => '127.0.0.1:' . $t->port(3));

my $h2;                                 # the client speaks HTTP/2

# A token and a tenant for each: an earlier one may still have something to
# tell Redis.

my ($token, $tenancy);

sub mine { return (token => $token, tenancy => $tenancy) }

sub fresh {
    $redis->command('FLUSHALL');
    $token = random_id;
    $tenancy = 'ocid1.tenancy.oc1..' . random_id;
    $_->reset for $service, $forgetful;
}

sub key { return ($redis->keys("*$tenancy*:v1:token:*"))[0] }

sub token {
    my $key = key() or return 'absent';
    return { c => 'claimed', d => 'done', u => 'unknown' }
        ->{$redis->field($key, 's') // ''} // 'absent';
}

sub slots {
    my ($key) = $redis->keys("*$tenancy*:v1:slots:*") or return 0;
    my $now = $redis->command('TIME')->[0] * 1000;
    return $redis->command('ZCOUNT', $key, $now, '+inf');
}

sub quota {
    my ($quota) = grep { $_->[2] < 1e9 }
        values %{$redis->counters("*$tenancy*:v1:counters*")};
    return $quota ? $quota->[2] : 0;
}

# As if the time of a claim had passed.

sub end_lease {
    my $key = key();
    $redis->set_record($key, l => 1) if $key && token() eq 'claimed';
}

# Until the one worker has seen all that was sent before.

sub seen { $t->get('/x') }

# Until the one worker knows that Redis, which is back, is back.

sub redis_is_known {
    wait_for {
        my @open = $t->get('/status')->body
            =~ /^jobruns_redis_breakers_open\{.*\} (\d+)$/mg
            or die "no breakers on the status page\n";
        !grep { $_ } @open;
    } 'the worker to find Redis again';
}

sub pause { $redis->pause; $redis->{paused} = 1 }

sub resume {
    $redis->resume if delete $redis->{paused};
}

# The states: each begins an attempt and returns its client, and how it goes
# on (undef: the break ends what held it).

my %begin = (
    reading => sub {
        if ($h2) {
            my $c = $t->h2->request($t->run_request(mine()), end => 0);
            seen();
            return ($c, sub { $c->data('', end => 1) });
        }
        my ($head, $body) = JobRuns::Client::format_request(
            $t->run_request(mine()));
        my $request = $head . ($body // '');
        my $c = $t->client;
        $c->send(substr $request, 0, length($request) - 5);
        seen();
        return ($c, sub { $c->send(substr $request, -5) });
    },
    admitting => sub {
        pause();
        my $c = $t->start_run(mine(), h2 => $h2);
        seen();
        return ($c, \&resume);
    },
    recording => sub {
        $disk->hold;
        my $before = $disk->syncs;
        my $c = $t->start_run(mine(), %synced);
        wait_for { $disk->syncs > $before } 'the sync of the beginning';
        return ($c, sub { $disk->let });
    },
    waiting => sub {
        my $first = $t->start_run(mine(), to => $other,
            stub => { wait_created => 'gate' });
        $service->wait_at('gate');
        my $before = $redis->script_calls;
        my $c = $t->start_run(mine(), h2 => $h2);
        wait_for { $redis->script_calls >= $before + 3 } 'polls of the waiter';
        return ($c, sub {
            $service->release('gate');
            is($first->response->status, 201,
                'the attempt before the waiting one is created');
        });
    },
    (map { my $point = $_; ("forwarded, $point" => sub {
        my $c = $t->start_run(mine(), h2 => $h2,
            stub => { "wait_$point" => 'gate' });
        $service->wait_at('gate');
        return ($c, sub { $service->release('gate') });
    }) } qw(head read created answer)),
    settling => sub {
        my $c = $t->start_run(mine(), h2 => $h2,
            stub => { wait_created => 'gate' });
        $service->wait_at('gate');
        pause();
        $service->release('gate');
        wait_for { grep { /^answered 201/ }
            @{($service->requests)[0]{done} // []} } 'the answer to be sent';
        seen();
        return ($c, \&resume);
    },
    sealing => sub {
        my $c = $t->start_run(mine(), %synced,
            stub => { wait_created => 'gate' });
        $service->wait_at('gate');
        $disk->hold;
        my $before = $disk->syncs;
        $service->release('gate');
        wait_for { $disk->syncs > $before } 'the sync of the end';
        return ($c, sub { $disk->let });
    },
    released => sub {
        my $c = $t->start_run(mine(), h2 => $h2, stub => { bytes => 900_000 });
        wait_for { token() eq 'done' } 'the token to be done';
        return ($c, sub { });
    },
);
my @states = ('reading', 'admitting', 'recording', 'waiting',
    map({ "forwarded, $_" } qw(head read created answer)),
    'settling', 'sealing', 'released');

# The states, each with either protocol.  What a disk holds up does not know of
# protocols, nor does a service.

my @both = (map({ [$_, 0] } @states),
    map({ [$_, 1] } qw(reading admitting waiting settling released),
        'forwarded, created'));

sub begin {
    my ($break, $state) = @_;

    ($state, $h2) = ref $state ? @$state : ($state, 0);
    fresh();
    return ("$break, $state" . ($h2 ? ', HTTP/2' : ''), $state,
        $begin{$state}->());
}

sub cut_off { return !eval { $_[0]->response->complete } }

# What must hold in the end, whatever broke.

sub one_run {
    my ($what, %opt) = @_;

    # while the gateway does not know that Redis is back, SDKs get 503 and
    # retry
    my $again = wait_for {
        my $r = $t->create_run(mine());
        $r->status != 503 && $r;
    } "$what: an answer";
    is($again->status, 201, "$what: the retry gets a job run");
    is($service->created($token), 1, "$what: one job run is created");
    is(token(), 'done', "$what: the token is done");
    is($again->header('opc-retry-replayed'), 'true',
        "$what: the retry is replayed")
        if $opt{replay};
    is($service->asked, $opt{asked}, "$what: requests sent: $opt{asked}")
        if $opt{asked};

    my $third = $t->create_run(mine());
    is($third->header('opc-retry-replayed'), 'true',
        "$what: a further retry is replayed");
    is($third->body, $again->body, "$what: a further retry gets the same body");
    wait_for { slots() == 0 } "$what: slots to be free";
    is(quota(), 1, "$what: the quota is used once") or evidence();
}

# What Redis has of the tenant, who has created, and what the gateway logged.

sub evidence {
    for my $key ($redis->keys("*$tenancy*")) {
        my $command = $redis->command('TYPE', $key) eq 'hash' ? 'HGETALL'
            : $redis->command('TYPE', $key) eq 'zset' ? 'ZRANGE' : 'GET';
        my $value = $redis->command($command, $key,
            $command eq 'ZRANGE' ? (0, -1) : ());
        diag("$key: ", ref $value ? join ' ', map { substr $_ // '', 0, 80 }
            @$value : $value // '');
    }

    diag('audit: ', join "\n", map { $_->{eventType} . ' '
        . ($_->{data}{request}{id} // '') } grep { $_ }
        ($t->audit)[-6 .. -1]);
    diag((split /\n/, $nginx->error_log)[-40 .. -1]);
}

###############################################################################
# The worker dies

for my $each (@both) {
    my ($what, $state, $c, $on) = begin('killed', $each);
    $nginx->kill_worker;
    ok(cut_off($c), "$what: the client is cut off") if $state ne 'released';
    $on->() unless $state eq 'reading';

    if ($state =~ /forwarded|settling|admitting|recording/) {
        # no worker renews its claim: it ends within a lease, waited for once
        end_lease() unless $state eq 'forwarded, created';
        one_run($what);
    } elsif ($state =~ /sealing|released/) {
        one_run($what, replay => 1, asked => 1);
    } else {
        one_run($what, asked => 1);
    }
}

# With "refuse" a service that makes a run of every request makes one.

for my $point (qw(head read created answer)) {
    my $what = "killed, forwarded, $point, refuse";
    fresh();

    my %to = (mine(), to => '127.0.0.1:' . $t->port(2));
    my $c = $t->start_run(%to, stub => { "wait_$point" => 'gate' });
    $forgetful->wait_at('gate');
    $nginx->kill_worker;
    $forgetful->release('gate');
    ok(cut_off($c), "$what: the client is cut off");

    is(token(), 'claimed', "$what: the token is still claimed");
    end_lease();
    my $again = $t->create_run(%to);
    is($again->status . ' ' . $again->code, '409 Conflict',
        "$what: the retry gets 409");
    is(scalar($forgetful->requests), 1, "$what: the retry is not forwarded");
    ok($forgetful->created <= 1, "$what: at most one job run is created");
}

###############################################################################
# NGINX is reloaded

for my $each (@both) {
    my ($what, $state, $c, $on) = begin('reloaded', $each);
    $nginx->reload(draining => 1);
    $on->();
    is($c->response->status, 201, "$what: the client gets its response");
    one_run($what, replay => 1, asked => 1);
    ($h2 ? $c->{h2} : $c)->close;
    wait_for { $nginx->all_workers == 1 } 'the old worker to end';
}

###############################################################################
# Redis is restarted, or dies and comes back with what it acknowledged

for my $kill (0, 1) {
    for my $state (@states) {
        my $break = $kill ? 'Redis killed' : 'Redis restarted';
        my ($what, undef, $c, $on) = begin($break, $state);
        delete $redis->{paused};
        $redis->restart(kill => $kill);
        redis_is_known() if $state eq 'reading';
        $on->();

        my $r = $c->response;
        if ($state =~ /admitting|waiting/) {
            # the call that was under way may have been the last one, and
            # nobody may know yet that Redis is back: what is to be taken back
            # asks for it too, and finds it away
            like($r->status, qr/^(?:201|503)$/,
                "$what: the client gets a response");
        } else {
            is($r->status, 201, "$what: the client gets its response");
        }

        wait_for { token() ne 'claimed' } "$what: the claim to end"
            if $state eq 'settling';
        one_run($what,
            $state =~ /admitting|reading/ ? () : (replay => 1, asked => 1));
    }
}

done_testing;
