#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# There is no way past the checks: however a createJobRun is spelled, and in
# whatever location it ends, it is checked or refused with 404.

use lib 't/lib';
use JobRuns;
use JobRuns::Schemas qw(holds);

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

# "jobruns on" in one location of the second server only; the third has none
$t->run(servers => "
    server {
        listen 127.0.0.1:%%PORT_2%%;
        server_name some;

        location /guarded/ { $proxy jobruns on; }
        location / { $proxy }
        location /20990101/ { $proxy jobruns off; }
        location /old/ {
            rewrite ^ /20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_3%%;
        server_name none;

        location / { $proxy }
    }
", server => '
    location /old/ {
        rewrite ^ /20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns;
    }
');

my %to = map { $_->[0] => '127.0.0.1:' . $t->port($_->[1]) }
    [on => 0], [some => 2], [none => 3];
my $seen = 0;
my %errors;

# requests that came to the service since this was last asked

sub arrived {
    my $ledger = $t->service->control('GET',
        "ledger?bodies=0&since=$seen");
    my @new = @{$ledger->{requests}};
    $seen = $new[-1]{id} if @new;
    return scalar @new;
}

sub refused {
    my ($name, %opt) = @_;

    my $answer = $t->create_run(%opt);
    is($answer->status, 404, "$name: the status is 404");
    is($answer->code, 'NotAuthorizedOrNotFound',
        "$name: the code is NotAuthorizedOrNotFound");
    is(arrived(), 0, "$name: the request was not forwarded");
    $errors{$answer->body} = 1;
}

sub passes {
    my ($name, $status, %opt) = @_;

    is($t->create_run(%opt)->status, $status, "$name: the status is $status");
    is(arrived(), 1, "$name: the request was forwarded");
}

my $plain = '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns';

# somebody reads these as the path of a createJobRun

my @suspect = (
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns//',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/.',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/x/..',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/x/../jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/./jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/%2e/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/x/%2E%2e/jobRuns',
    '//20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430//aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w//jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w%2FjobRuns',
    '/20260430%2faiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns%2F',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRun%73',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/%6aobRuns',
    '/20260430/%61iDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspace%73/w/jobRuns',
    '/2026043%30/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/dataLake%73/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns;a=b',
    '/20260430/aiDataPlatforms;a/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces;a=1/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns%3Ba',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns;/?a',
    '/;/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/%3b/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/;/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/;a=b/jobRuns',
    '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/;',
    '/guarded/../20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns',
);

for my $path (@suspect) {
    for my $server (qw(on some)) {
        refused("$server $path", path => $path, to => $to{$server});
    }
}

# an absolute target is its path to the service

refused('a target in absolute form', path => "http://localhost$suspect[0]");

# where no level says jobruns, of a server that says it elsewhere

refused('a location without jobruns', path => $plain, to => $to{some});
refused('an older path in a location without jobruns',
    path => $plain =~ s/aiDataPlatforms/dataLakes/r,
    to => $to{some});
refused("$_->[0] with $_->[1] in a location without jobruns",
    path => $plain, to => $to{some}, method => $_->[0],
    extra => [[$_->[1], 'POST']])
    for [PUT => 'X-HTTP-Method-Override'], [GET => 'X-HTTP-Method'],
        [PATCH => 'X-Method-Override'], [POST => 'X-HTTP-Method-Override'];
passes('a GET in a location without jobruns',
    200, path => $plain, to => $to{some}, method => 'GET',
    body => undef);
passes('another POST in a location without jobruns',
    404, path => '/20260430/aiDataPlatforms/x',
    to => $to{some});

# a rewrite makes one of what the client never asked for

for my $server (qw(on some)) {
    refused("$server: a path that rewrite makes",
        path => '/old/x', to => $to{$server});
}

# overrides of the method where jobruns is on

for my $name (qw(X-HTTP-Method-Override X-HTTP-Method X-Method-Override)) {
    for my $value ('POST', 'post', 'GET, POST') {
        refused("PUT, $name: $value", path => $plain, method => 'PUT',
            extra => [[$name, $value]]);
    }
    passes("PUT, $name: PATCH", 404, path => $plain, method => 'PUT',
        extra => [[$name, 'PATCH']]);
}

# the only ways out: "jobruns off", and a server without any

passes('jobruns off', 201, to => $to{some},
    path => '/20990101/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns');
passes('a server without jobruns', 201, to => $to{none}, path => $plain);

# spelled plainly: keys may be encoded, and their rules hold

passes('the plain path', 201, path => $plain);
passes('the plain path with encoded keys', 201,
    path => $plain =~ s{ocid1\.x}{%6fcid1%2Ex}r =~ s{/w/}{/a%20b%C3%A9/}r);
passes('the plain path with a key of 255 bytes', 201,
    path => $plain =~ s{/w/}{'/' . 'w' x 255 . '/'}er);

for (
    ['a platform without ocid1.', 's{ocid1\.x}{ocid2.x}'],
    ['a platform with a part of ocid1.', 's{1\.x}{1}'],
    ['a key of 256 bytes', 's{/w/}{"/" . "w" x 256 . "/"}e'],
    ['a key with a control byte', 's{/w/}{/a%01/}'],
    ['a key with NUL', 's{/w/}{/a%00/}'],
) {
    my ($name, $change) = @$_;
    my $path = $plain;
    eval "\$path =~ $change; 1" or die $@;

    my $answer = $t->create_run(path => $path);
    like($answer->status, qr/^40[04]$/, "$name: the creation is refused");
    is(arrived(), 0, "$name: the request was not forwarded");
    $errors{$answer->body} = 1 if length $answer->body;
}

holds('Error', 'refusals', keys %errors);

done_testing;
