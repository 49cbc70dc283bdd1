#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Bodies are sent through the gateway: they get the expected status, code and
# places of all violations, and responses have their form.

use lib 't/lib';
use JobRuns;
use JobRuns::Corpus qw(corpus vectors line_body agree places entries);
use JobRuns::Schemas qw(holds);

my $t = JobRuns->new;

$t->write_file('schema.json', '{"type":"object","required":["other"]}');

my $proxy = 'include %%ROOT%%/conf/jobruns_proxy.conf;
    proxy_pass http://service;';

$t->run(server => "
    location /20260430/ {
        $proxy
        location /20260430/aiDataPlatforms/ {
            client_max_body_size 16m;
            proxy_pass http://service;
        }
    }
    location /20260401/ { $proxy jobruns_unknown_properties reject; }
    location /20260402/ {
        $proxy
        location /20260402/aiDataPlatforms/ {
            client_max_body_size 1m;
            proxy_pass http://service;
        }
    }
    location /20260403/ { $proxy jobruns_schema %%TESTDIR%%/schema.json; }
");

my $client = $t->client;
my (%errors, %created);


sub post {
    my (%opt) = @_;

    my $answer = $t->create_run(on => $client, token => undef, %opt);
    $client = $t->client if lc($answer->header('connection') // '') eq 'close';
    $errors{$answer->body} = 1 if $answer->status != 201;

    return $answer;
}

# what is wrong with the response to a line's body

sub judge {
    my ($line) = @_;

    my $policy = $line->{policy} // '';
    my $recommended = $line->{recommended} // '';

    return 'outside' if $policy eq 'map-value-type'
        || $recommended =~ /^accept-or-reject/;

    my $body = line_body($line);
    my $valid = $line->{verdict} eq 'policy' ? $recommended !~ /^reject/
        : $line->{verdict} eq 'valid';

    my $answer = post(body => $body);
    my $code = $answer->status == 201 ? undef : $answer->code;

    return 'answered ' . $answer->status . ' ' . $answer->body
        if $answer->status != ($valid ? 201 : 400);

    # the service repeats reals as Perl prints them, not all of which are
    # integers any more
    $created{$answer->body} = 1 if $valid && $policy !~ /^integral-float/;
    return if $valid;

    my $codes = $line->{expect_code};
    return "code $code" if $codes && $line->{verdict} ne 'policy'
        && !grep { $_ eq $code } @$codes;

    my $message = $answer->json->{message};

    if ($code eq 'CannotParseRequest') {
        # what is not there has no place
        return if $body eq '' && $message eq 'The request body is empty.';
        return $message =~ /at line \d+, column \d+ \(byte \d+\)\.\z/ ? undef
            : "no place: $message";
    }

    my $violations = $line->{violations};
    return if !$violations;

    my @want;
    for my $pointer (map { $_->{pointer} } @$violations) {
        utf8::encode($pointer);
        push @want, $pointer if !@want || $want[-1] ne $pointer;
    }

    if ($message =~ /; and \d+ more\z/) {
        my @first = entries($message);
        return @first == 20 ? undef : @first . ' entries before "and more"';
    }

    utf8::encode($message);
    my $found = join ' ', places($message);
    return $found eq "@want" ? undef : "places $found, not @want: $message";
}

agree('bodies.jsonl', \&judge, vectors('bodies.jsonl'));

my @corpus = corpus('create_job_run_bodies.jsonl');
agree('create_job_run_bodies.jsonl', \&judge, @corpus) if @corpus;

###############################################################################
# Names of parameters

sub judge_name {
    my ($line) = @_;

    my $answer = post(json => { jobKey => 'x',
        parameters => [{ name => $line->{s} }] });
    return if $line->{valid_parameter_name} && $answer->status == 201;

    return 'answered ' . $answer->status . ' ' . $answer->body
        if $answer->status != 400 || $line->{valid_parameter_name};

    my @places = places($answer->json->{message});
    return "@places" eq '/parameters/0/name' ? undef : "places @places";
}

agree('strings.jsonl as names', \&judge_name, vectors('strings.jsonl'));

my @strings = corpus('naughty_strings.jsonl');
agree('naughty_strings.jsonl as names', \&judge_name, @strings) if @strings;

###############################################################################
# Twenty violations, and how many more

sub wrong {
    my ($n) = @_;
    return { jobKey => 'x', parameters => [map { { name => ' ' } } 1 .. $n] };
}

my $message = post(json => wrong(20))->json->{message};
is(scalar entries($message), 20, 'a message names twenty violations');
unlike($message, qr/more\z/, 'a message of twenty violations names no more');

$message = post(json => wrong(23))->json->{message};
is(scalar entries($message), 20, 'a message of 23 violations names twenty');
like($message, qr/; and 3 more\z/,
    'a message of 23 violations says that there are 3 more');

# a found value is cut to 64 characters, its control characters escaped

$message = post(json => { jobKey => 'x', schedule => {
    timezoneId => "\x{e9}\x1b" . 'a' x 100,
    quartzCronExpression => '0 0 0 1 1 ?' } })->json->{message};
my ($value) = $message =~ /found "(.*)\.\.\."/;
is($value, "\x{e9}\\u001b" . 'a' x 62,
    'a message cuts a long value and escapes control characters');

###############################################################################
# jobruns_unknown_properties, jobruns_schema, client_max_body_size

my %unknown = (jobKey => 'x', new => 1, parameters => [{ name => 'a',
    key => 'b' }]);
is(post(json => \%unknown)->status, 201,
    'a body with unknown properties is created');

my $answer = post(json => \%unknown, version => '20260401');
is($answer->status, 400,
    'jobruns_unknown_properties reject refuses unknown properties');
is($answer->code, 'InvalidParameter',
    'jobruns_unknown_properties reject has the code InvalidParameter');
is(join(' ', sort +places($answer->json->{message})),
    '/new /parameters/0/key',
    'jobruns_unknown_properties reject names both properties');
is(post(version => '20260401')->status, 201,
    'jobruns_unknown_properties reject allows a body without any');

$answer = post(version => '20260403');
is($answer->json->{message}, '/other: required',
    'jobruns_schema refuses by its own rules');
is($answer->code, 'MissingParameter',
    'jobruns_schema has the code MissingParameter');
is(post(version => '20260403', body => '{"other":null,"jobKey":1}')->status,
    400, 'jobruns_schema takes null as absent');
is(post(version => '20260403', body => '{"other":0,"jobKey":1}')->status,
    201, 'jobruns_schema replaces all other rules');

$answer = post(body => '');
is($answer->status, 400, 'an empty body is refused');
is($answer->code, 'CannotParseRequest',
    'an empty body has the code CannotParseRequest');
is($answer->json->{message}, 'The request body is empty.',
    'an empty body has a message of its own');
is(post(body => '[]')->json->{message},
    'the request body: must be an object, found an array',
    'a violation of the body itself is named');

my $head = '{"jobKey":"x","parameters":[{"name":"a","value":"';
for my $way ([], [chunked => 50_000]) {
    my $size = 1048576 - length($head) - 4;

    is(post(version => '20260402', body => $head . 'v' x $size . '"}]}',
        @$way)->status, 201,
        "a body of exactly client_max_body_size is created @$way");

    $answer = post(version => '20260402', body => $head . 'v' x ($size + 1)
        . '"}]}', @$way);
    is($answer->status, 413, "a body one byte larger is refused @$way");
    is($answer->code, 'PayloadTooLarge',
        "a body one byte larger has the code PayloadTooLarge @$way");
}

###############################################################################

holds('Error', 'refusals', keys %errors);
holds('JobRun', 'answers of the stub service', keys %created);

done_testing;
