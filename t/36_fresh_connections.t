#!/usr/bin/perl

# A creation leaves on a connection that was not used before, whatever the
# upstream keeps: one that the service has closed meanwhile would make it
# unknown.  Other requests use connections again.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

$t->run(workers => 1,
    http => 'upstream kept { server %%SERVICE%%; keepalive 8; }',
    servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_2%%;
        jobruns on;
        jobruns_retry_unknown refuse;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://kept;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_3%%;
        jobruns on;
        jobruns_retry_unknown refuse;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://%%SERVICE%%;
        }
    }
END

my $to = "127.0.0.1:" . $t->port(2);

for (1 .. 3) {
    is($t->get("/other", to => $to)->status, 404, 'a GET') for 1 .. 2;
    is($t->create_run(token => "t$_", to => $to)->status, 201,
        'a creation');
}

my @posts = grep { $_->{method} eq 'POST' } $t->service->requests;
my @gets = grep { $_->{method} eq 'GET' } $t->service->requests;

is(scalar @posts, 3, 'three creations');
is_deeply([map { $_->{request_of_connection} } @posts], [1, 1, 1],
    'each the first of its connection');
ok((grep { $_->{request_of_connection} > 1 } @gets) >= 5,
    'GETs use connections again, those of creations too');

# an upstream without "keepalive" keeps connections by default since 1.29.7

my $service = $t->service;
$service->reset;
$to = "127.0.0.1:" . $t->port(3);

for (1 .. 6) {
    is($t->get("/other", to => $to)->status, 404, 'a GET') for 1 .. 2;
    is($t->create_run(token => "d$_", to => $to)->status, 201,
        'a creation where connections are kept by default');
}

@posts = grep { $_->{method} eq 'POST' } $service->requests;
@gets = grep { $_->{method} eq 'GET' } $service->requests;
is_deeply([map { $_->{request_of_connection} } @posts], [(1) x 6],
    'each the first of its connection');
ok(JobRuns::Nginx::version() < 1_029_007
    || (grep { $_->{request_of_connection} > 1 } @gets) >= 11,
    'while GETs use them again');

done_testing();
