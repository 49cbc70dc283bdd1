#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# More bodies above 64k arrive than a worker takes: two are checked, 256 wait,
# and what comes then is refused before it costs anything, until there is room
# again.

use lib 't/lib';
use JobRuns;

use JobRuns::Disk;

use constant PLACES => 2 + 256;         # docs/directives.md

plan(skip_all => JobRuns::Disk::library() . ' is not built (make e2e)')
    if !-e JobRuns::Disk::library();

my $t = JobRuns->new;
my $disk = JobRuns::Disk->new($t->testdir . '/disk');

$t->redis;
my $service = $t->service;

$disk->run(sub { $t->run(workers => 1, http => <<'END') });
    jobruns_zone jobruns 1m;
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location = /status { jobruns_status; }
    }
END

sub metric {
    my ($name) = @_;
    my $text = $t->get('/status', to => '127.0.0.1:' . $t->port(2))->body;
    return $text =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}

# NGINX's buffer takes a quarter more than client_body_buffer_size of 128k: a
# thread reads what is above that from its temporary file

sub body {
    return '{"jobKey":"x","parameters":[{"name":"a","value":"'
        . 'v' x 200_000 . '"}]}';
}

sub large { return $t->start_run(body => body(), @_) }

# Those that find a place wait for it: the threads wait for the disk.

$disk->hold_reads;

my @waiting = map { large(token => "large-$_") } 1 .. PLACES;
wait_for { $disk->reads == 2 } 'two to be read by threads';
is($t->create_run(token => undef)->status, 201,
    'small bodies are created while large ones wait');

my $asked = $service->counts->{requests};

# Which of all are refused is up to the event loop, but not how many.

push @waiting, map { large(token => "large-$_") } PLACES + 1 .. PLACES + 4;

my %refused;
wait_for {
    for (grep { !$refused{$_} } 0 .. $#waiting) {
        my $r = $waiting[$_]->try_response(0) or next;
        $refused{$_} = $r;
    }
    keys %refused >= 4;
} 'four to be refused';

my @refused = values %refused;
is(scalar @refused, 4, 'as many large bodies are refused as find no place');
is_deeply([map { $_->status . ' ' . $_->code } @refused],
    [('503 ServiceUnavailable') x 4], 'large bodies without a place get 503');
is_deeply([map { $_->header('retry-after') } @refused], [(1) x 4],
    'large bodies without a place get Retry-After');
like($refused[0]->json->{message}, qr/too many large request bodies/,
    'large bodies without a place get the reason');
is(metric('jobruns_body_checks_refused_total'), 4,
    'metrics count the large bodies without a place');
is($t->wait_log(qr/(\d+) wait for one already; lower client_max_body_size/),
    256, 'error.log has how many bodies wait and what to do');

is($service->counts->{requests}, $asked,
    'no large body without a place is forwarded');
is_deeply([$t->redis->keys('*:token:*')], [],
    'no token of a large body without a place is claimed');

my @records = grep { ($_->{data}{response}{status} // '') eq '503' }
    $t->audit;
is(scalar @records, 4, 'each large body without a place has its audit record');
is_deeply([map { $_->{data}{additionalDetails}{outcome} } @records],
    [('unavailable') x 4], 'the audit records have the outcome unavailable');

# A place is free again: the next body is checked.

$disk->let;

my @served = grep { !$refused{$_} } 0 .. $#waiting;
is(scalar(grep { $waiting[$_]->response->status == 201 } @served), PLACES,
    'all large bodies that had a place are created');
is($t->create_run(body => body(), token => "large-$_")->status, 201,
    "the retry of a refused large body is created: $_")
    for map { $_ + 1 } sort keys %refused;
is(metric('jobruns_body_checks_refused_total'), 4,
    'no more large bodies are refused');

done_testing;
