#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# error_page leads a creation to another location: a page is never the
# response to a creation, a named location may create where no byte was sent
# before, and pages for other requests stay as the operator wrote them.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;';
my $second = "location \@second { $proxy proxy_pass http://second; }";
my $n = 2;
my (%port, @servers);

sub server {
    my ($name, $pass, $more) = @_;
    $port{$name} = $n++;
    push @servers, <<"END";
    server {
        listen 127.0.0.1:%%PORT_$port{$name}%%;
        jobruns on;
        recursive_error_pages on;
        location / {
            $proxy
            proxy_pass http://$pass;
        }
        location = /maint { $proxy proxy_pass http://second; }
        location = /page.html { return 200 "page"; }
        location = /static.html { root %%TESTDIR%%; }
        location \@page { return 201 "page"; }
        $second
        $more
    }
END
}

my %pages = (
    'proxied =' => '= /maint', 'proxied' => '/maint',
    'proxied =201' => '=201 /maint', 'text' => '= /page.html',
    'file' => '=201 /static.html', 'redirect' => '=302 https://other/',
    'named text' => '=201 @page',
);
server("$_, unsent", 'refusing', "error_page 502 504 $pages{$_};"),
server("$_, sent", 'service', "error_page 502 504 $pages{$_};")
    for sort keys %pages;
my %named = ('second =' => '=', 'second' => '', 'second =200' => '=200',
    'second =503' => '=503');
server($_, 'refusing', "error_page 502 504 $named{$_} \@second;"),
server("$_, sent", 'service', "error_page 502 504 $named{$_} \@second;")
    for sort keys %named;
server('try_files to a URI', 'service',
    'location ~ jobRuns { try_files /none /maint; }');
server('try_files to a name', 'service',
    'location ~ jobRuns { try_files /none @second; }');
server('others', 'service', <<'END');
        error_page 404 /static.html;
        error_page 403 /text;
        error_page 405 @words;
        location ~ /jobRuns$ { deny all; error_page 403 /static.html; }
        location = /text { return 200 "<p>operator"; default_type text/html; }
        location @words { return 405 "words"; }
        location /none { root %%TESTDIR%%; }
        location /denied { deny all; }
        location /bare { return 410; }
END

$t->write_file('static.html', 'a file');
$t->run(workers => 1, servers => join "\n",
    'upstream refusing { server 127.0.0.1:%%PORT_90%%; }',
    'upstream second { server %%SERVICE_second%%; }', @servers);

my ($service, $redis) = ($t->service, $t->redis);

sub fresh {
    $redis->command('FLUSHALL');
    $_->reset for $service, $t->service('second');
}

sub at { return '127.0.0.1:' . $t->port($port{$_[0]}) }

sub outcome {
    my ($id) = @_;
    my ($record) = grep { $_->{data}{additionalDetails}{outcome}
        && $_->{data}{request}{id} eq $id } $t->audit;
    return $record ? $record->{data}{additionalDetails}{outcome} : 'none';
}

for my $what (sort keys %pages) {
    for my $sent (0, 1) {
        my $name = $what . ($sent ? ', sent' : ', unsent');
        fresh();
        $service->plan({ end_read => 'reset', times => 1 }) if $sent;
        my ($id, $token) = (random_id(20), random_id());
        my $r = $t->create_run(to => at($name), token => $token,
            request_id => $id);
        is($r->status, 503,
            "$name: the status is 503, not the one of the page");
        is($r->code, $sent ? 'ExternalServerInvalidResponse'
            : 'ServiceUnavailable', "$name: the code fits what was sent");
        is($r->header('location'), undef,
            "$name: the response has no Location");
        is(outcome($id), $sent ? 'unknown' : 'unsent',
            "$name: the audit log has the outcome");
        is($t->service('second')->counts->{requests}, 0,
            "$name: no page was fetched for a creation");

        $r = $t->create_run(token => $token);
        is($r->status, 201, "$name: the retry creates a job run");
        is($r->header('opc-retry-replayed'), undef,
            "$name: the retry is not replayed");
    }
}

for my $name (sort keys(%named), 'try_files to a name') {
    fresh();
    my ($id, $token) = (random_id(20), random_id());
    my $r = $t->create_run(to => at($name), token => $token,
        request_id => $id);
    is($r->status, 201, "$name: a job run is created");
    ok($r->json->{key}, "$name: the response has the body of the service");
    is(outcome($id), 'created', "$name: the audit log has the outcome created");
    is($t->service('second')->created($token), 1,
        "$name: the second service has created the job run");

    my $again = $t->create_run(to => at($name), token => $token);
    is($again->status . ' ' . $again->header('opc-retry-replayed'),
        '201 true', "$name: the retry is replayed");
    is($again->body, $r->body, "$name: the replay has the same body");
    next if $name =~ /try_files/;

    fresh();
    $service->plan({ end_created => 'reset', times => 1 });
    $r = $t->create_run(to => at("$name, sent"), token => $token,
        request_id => $id .= 'x');
    is($r->status, 503, "$name, sent: the creation is not sent again");
    is(outcome($id), 'unknown',
        "$name, sent: the audit log has the outcome unknown");
    is($t->service('second')->counts->{requests}, 0,
        "$name, sent: the second service was not asked");
}

fresh();
my $r = $t->create_run(to => at('try_files to a URI'), request_id => 'tried');
is($r->status, 503, 'a creation that try_files leads to a URI gets 503');
is(outcome('tried'), 'unsent',
    'a creation that try_files leads to a URI is audited as unsent');
is($t->service('second')->counts->{requests}, 0,
    'a creation that try_files leads to a URI is not sent');

for (['/none/x', 404, 'a file'], ['/denied', 403, '<p>operator'],
    ['/static.html', 405, 'words', 'PUT'])
{
    my ($path, $status, $body, $method) = @$_;
    my $r = $t->request(method => $method // 'GET', path => $path,
        to => at('others'));
    is($r->status, $status, "$path: the status is $status");
    is($r->body, $body, "$path: the body is the operator's page");
    ok($r->header('opc-request-id'), "$path: the response has opc-request-id");
}

for (['/bare', 410, 'InvalidParameter']) {
    my ($path, $status, $code) = @$_;
    my $r = $t->get($path, to => at('others'));
    is($r->status . ' ' . ($r->code // ''), "$status $code",
        "$path: a response without a page is JSON");
}

$r = $t->create_run(to => at('others'), request_id => 'denied');
is($r->status . ' ' . $r->code, '403 NotAllowed',
    'a creation gets JSON instead of a page');

done_testing;
