#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# In a server with `jobruns on`, `nginx -t` also checks locations where no
# level sets `jobruns`: it refuses what breaks a guarantee, and accepts what
# any location for other requests may have.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $snippet = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $pass = 'proxy_pass http://service;';

sub server {
    my ($locations, $level) = @_;

    return <<"END";
%%TEST_GLOBALS%%
events {}
http {
    %%TEST_GLOBALS_HTTP%%
    jobruns_redis %%REDIS%%;
    jobruns_audit off;
    proxy_cache_path %%TESTDIR%%/cache keys_zone=zone:1m;
    upstream service { server %%SERVICE%%; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        server_name guarded;
        @{[$level // '']}
        location /on/ { $snippet jobruns on; proxy_store off; $pass }
        $locations
    }
}
END
}

sub check { return $t->check_config(config => server(@_)) }

# what is refused, and the line that fixes it

my %conflicts = (
    'proxy_next_upstream error non_idempotent;' => [
        'proxy_next_upstream ... non_idempotent',
        'proxy_next_upstream error timeout;'],
    'proxy_cache zone; proxy_cache_methods POST;' => [
        'proxy_cache with "proxy_cache_methods POST"',
        'proxy_cache_methods GET HEAD;'],
    'proxy_cache $arg_zone; proxy_cache_methods GET POST;' => [
        'proxy_cache with "proxy_cache_methods POST"',
        'proxy_cache_methods GET HEAD;'],
    'proxy_store on;' => ['proxy_store', 'proxy_store off;'],
    'proxy_store /data$uri;' => ['proxy_store', 'proxy_store off;'],
    'proxy_pass_request_headers off;' => ['proxy_pass_request_headers off',
        'proxy_pass_request_headers on; proxy_pass_request_body on;'],
    'proxy_pass_request_body off;' => ['proxy_pass_request_body off',
        'proxy_pass_request_headers on; proxy_pass_request_body on;'],
);

my %places = (
    'a location' => sub { "location /x { $pass $_[0] }" },
    'an exact location' => sub { "location = /x { $pass $_[0] }" },
    'a regex location' => sub { "location ~ ^/x { $pass $_[0] }" },
    'a named location' => sub { "location \@x { $pass $_[0] }" },
    'a nested location' => sub {
        "location /x { location /x/y { $pass $_[0] } }" },
    'a variable in proxy_pass' => sub {
        "location /x { proxy_pass http://\$arg_to; $_[0] }" },
);

for my $place (sort keys %places) {
    for my $line (sort keys %conflicts) {
        my ($called, $mend) = @{$conflicts{$line}};

        my ($ok, $output) = check($places{$place}->($line));
        ok(!$ok, "nginx -t refuses in $place: $line");
        like($output, qr/\[emerg\]\ "jobruns"\ in\ server\ "guarded"\ does
            \ not\ go\ with\ .*\Q$called\E.*\ in\ its\ location\ "[^"]*x[^"]*":
            .*add\ "\Q$mend\E"\ there.*begins\ in\ \S+:\d+/x,
            "the message has place and remedy in $place: $line");

        my ($cache) = $line =~ /^(proxy_cache [^;]*;)/;
        ($ok, $output) = check($places{$place}->(($cache // '') . $mend));
        ok($ok, "the remedy fixes the conflict in $place: $line")
            or diag($output);

        ($ok, $output) = check($places{$place}->("jobruns off; $line"));
        ok($ok, "nginx -t accepts where jobruns is off in $place: $line")
            or diag($output);
    }
}

# of the server

my ($ok, $output) = check("location /x { $pass }", 'proxy_store on;');
ok(!$ok, 'nginx -t refuses a conflict that a location inherits');
like($output, qr/in its location "\/x"/,
    'the message names the location that inherits a conflict');
($ok, $output) = check('location /x { return 204; }', 'proxy_store on;');
ok($ok, 'nginx -t accepts a conflict where nothing is passed on')
    or diag($output);

# what other requests need stays

for my $line ('',
    'proxy_cache zone;',
    'proxy_cache zone; proxy_cache_methods GET HEAD;',
    'proxy_cache_methods POST;',
    'proxy_intercept_errors on; error_page 404 /404.html;',
    'proxy_ignore_client_abort off;',
    'proxy_ignore_headers Cache-Control;',
    'client_max_body_size 0;',
    'client_max_body_size 1g;',
    'proxy_next_upstream error timeout http_503;',
    'proxy_set_header X-Any 1;',
    'proxy_buffering off;',
    'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;',
) {
    for my $place (sort keys %places) {
        my ($ok, $output) = check($places{$place}->($line));
        ok($ok, "nginx -t accepts in $place: $line") or diag($output);
    }
}

# auth_request sends no body, as is usual

my $asked = "$pass proxy_pass_request_body off;
    proxy_set_header Content-Length '';";

for (
    ['an exact location', 'location = /auth {'],
    ['a location', 'location /au {'],
    ['a regex location', 'location ~ ^/a.th$ {'],
) {
    my ($name, $location) = @$_;

    ($ok, $output) = check("$location $asked }
        location /x { auth_request /auth; $pass }");
    ok($ok, "nginx -t accepts a location of auth_request: $name")
        or diag($output);
    ($ok, $output) = check("$location $asked }", 'auth_request /auth;');
    ok($ok, "nginx -t accepts a location of the server's auth_request: $name")
        or diag($output);

    ok(!(check("$location $asked } location /x { auth_request /other;
        $pass }"))[0],
        "nginx -t refuses a location of another auth_request: $name");
}

ok(!(check("location = /auth/x { $asked } location \@auth { $asked }",
    'auth_request /auth;'))[0],
    'nginx -t refuses locations that auth_request does not lead to');
ok(!(check("location = /auth { $asked proxy_store on; }",
    'auth_request /auth;'))[0],
    'nginx -t refuses other conflicts in a location of auth_request');

done_testing;
