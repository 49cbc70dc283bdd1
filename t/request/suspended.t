#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# While the gateway waits for Redis, what happens on the client's connection
# does not move the request: not a write event that an earlier large response
# left registered, not bytes after the request, not a client that leaves. A
# call that is made again, since its reply was lost or is not usable, is
# waited for in the same way.

use lib 't/lib';
use JobRuns;
use JobRuns::H2;
use JobRuns::Stored qw(admit_reply write_record);
use RedisPeer;

my $t = JobRuns->new;
my $real = $t->redis;

END { RedisPeer::stop_all() }

# A Redis that spoils the first call of a token and holds the second one until
# it may go on: then the real one replies.

my %spoil = (
    'the reply is lost' => sub { $_[0]->close },
    'the stored response is corrupt' => sub {
        my ($c) = @_;
        my $record = write_record(s => 'd', sum => 'corrupt!', x => 9e12,
            o => '0' x 32, f => '1:' . '0' x 64, r => 'x', i => 'x');
        $c->write(admit_reply($record));
    },
);

sub spoiling {
    my ($name, $spoil) = @_;

    return RedisPeer->start($t, $name, sub {
        my ($c, $n) = @_;

        $c->greet or return;

        if (!$c->allowed('again')) {
            $c->command or return;
            $c->await('again');
            $spoil->($c);
            return if $spoil == $spoil{'the reply is lost'};
        }

        # the whole call, but not taken: it is for the real one
        $c->fill or return until $c->{in} =~ /EVAL/;
        $c->note('asked again');
        $c->await('answer');
        $c->relay($real->path);
    });
}

# What happens meanwhile: [name, HTTP/2?, how, is the client there?]

my @events = (
    ['a byte', 0, sub { $_[0]->send('P') }, 1],
    ['another request', 0,
        sub { $_[0]->request({ path => '/small',
            headers => [['Host', 'localhost']] }) }, 1],
    ['half a close', 0, sub { $_[0]->half_close }, 1],
    ['a close', 0, sub { $_[0]->close }, 0],
    ['a reset', 0, sub { $_[0]->reset }, 0],
    ['a window update', 1, sub { $_[0]{h2}{client}->send(
        JobRuns::H2::frame(JobRuns::H2::WINDOW_UPDATE, 0, 0,
            pack 'N', 1000)) }, 1],
    ['a stream reset', 1, sub { $_[0]->reset }, 0],
    ['a connection closed', 1, sub { $_[0]{h2}->close }, 0],
);

my (@cases, @servers);

for my $why (sort keys %spoil) {
    for my $event (@events) {
        my $n = @cases;
        my $peer = spoiling("peer$n", $spoil{$why});

        push @cases, { why => $why, event => $event, peer => $peer,
            to => '127.0.0.1:' . $t->port(100 + 2 * $n),
            h2_to => '127.0.0.1:' . $t->port(101 + 2 * $n) };
        push @servers, server($peer->address, 100 + 2 * $n);
    }
}

sub server {
    my ($address, $port) = @_;
    my $h2 = $port + 1;

    return <<END;
    server {
        listen 127.0.0.1:%%PORT_$port%%;
        listen 127.0.0.1:%%PORT_$h2%% %%HTTP2_LISTEN%%;
        %%HTTP2_ON%%
        server_name localhost;
        jobruns on;
        jobruns_redis $address;
        jobruns_audit %%TESTDIR%%/audit.log;

        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }

        location = /large { root %%TESTDIR%%; }
        location = /small { return 200 small; }
    }
END
}

$t->run(workers => 1, servers => join("\n", @servers));
$t->allow_log(qr/the value is not ours or damaged/);

open my $fh, '>', $t->testdir . '/large' or die "$!\n";
truncate $fh, 32 << 20 or die "$!\n";
close $fh;

for my $case (@cases) {
    my ($name, $is_h2, $happen, $there) = @{$case->{event}};
    my $peer = $case->{peer};
    my $token = random_id();

    subtest "$case->{why}: $name" => sub {
        my $on = $is_h2 ? $t->h2($case->{h2_to}) : $t->client($case->{to});
        my $large = $t->get('/large', on => $on);
        is(length $large->body, 32 << 20, 'a large response comes before it');

        my $c = $t->start_run(on => $on, token => $token,
            request_id => $token);
        $peer->wait_seen(qr/EVAL/);
        $peer->allow('again');
        $peer->wait_seen(qr/^asked again/);

        $happen->($c);
        # the one worker responds after it, and has seen it by then
        $t->get('/small', to => $case->{to}) for 1 .. 2;
        is($t->service->created($token), 0,
            'nothing is forwarded before Redis replies');
        $peer->allow('answer');

        if ($there) {
            is($c->response->status, 201,
                'the client gets its response when Redis has replied');
            is($t->service->created($token), 1, 'one job run is created');
        }

        my $record = $t->wait_audit(sub {
            $_->{eventType} !~ /begin$/
                && ($_->{data}{request}{id} // '') eq $token });
        my $outcome = $record->{data}{additionalDetails}{outcome};
        like($outcome, $there ? qr/^created$/ : qr/^(?:created|unsent)$/,
            'the audit log has the outcome of the attempt');
        is($t->service->created($token), $outcome eq 'created' ? 1 : 0,
            'the service was asked as the audit log says');

        my $again = wait_for {
            my $r = $t->create_run(token => $token, to => $case->{to});
            $r->status == 201 && $r;
        } 'a retry to be answered';
        is($t->service->created($token), 1,
            'the retry creates no other job run');
    };
}

done_testing;
