#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Header values are sent through the gateway: they are accepted or refused
# with the right code, and a refusal comes before the body.

use lib 't/lib';
use JobRuns;
use JobRuns::Corpus qw(corpus vectors agree);
use JobRuns::Schemas qw(holds);

my $t = JobRuns->new;

# every response has the limit it counted against, unless it was refused
$t->run(server => '
    jobruns_limit all key=tenant rate=1000000r/s burst=1000000;
    jobruns_retry_ttl 1m;
');

my $client = $t->client;
my %errors;

sub post {
    my (%opt) = @_;

    my $answer = $t->create_run(on => $client, %opt);
    $client = $t->client if lc($answer->header('connection') // '') eq 'close';
    $errors{$answer->body} = 1 if $answer->status >= 400;

    return $answer;
}

# what is wrong with a response that should have one of these statuses

sub expect_answer {
    my ($answer, $want, $header) = @_;

    my $status = $answer->status;
    my $said = "answered $status " . $answer->body;

    return $status == 201 ? undef : $said if $want eq '2xx';
    return $said if !grep { $_ == $status } split /\|/, $want;
    return "counted: $said" if defined $answer->header('ratelimit');

    my $code = $status == 415 ? 'UnsupportedMediaType' : 'InvalidParameter';
    return $said if $answer->code ne $code;

    # the message names the header
    return $said if $answer->json->{message} !~ /\Q$header\E/i;
    return 'no opc-request-id' if !length $answer->header('opc-request-id');

    return;
}

# The headers of a line are added to a good request, in place of its own.

sub judge {
    my ($line) = @_;

    my %headers;
    my @given = @{$line->{headers}};
    $headers{$_->[0] =~ s/^-//r} = undef for @given;
    my @extra = grep { $_->[0] !~ /^-/ } @given;
    my %seen;
    my ($named) = grep { !/^(?:accept|x-|if-)/i } map { $_->[0] =~ s/^-//r }
        @given;

    my $answer = post(token => undef, headers => \%headers, extra => \@extra,
        job_key => random_id(8) . $line->{id});

    # a good token, but used before in another line
    return if $line->{status} eq '2xx' && $answer->status == 409
        && $given[0][0] =~ /token/i;

    return expect_answer($answer, $line->{status}, $named // '');
}

agree('headers.jsonl', \&judge, vectors('headers.jsonl'));

my @corpus = corpus('http_headers.jsonl');
agree('http_headers.jsonl', \&judge, @corpus) if @corpus;

###############################################################################
# Strings as values; what would end the line is left out, and so are blanks
# around one part of it

sub judge_value {
    my ($line, $header, $valid) = @_;

    utf8::encode(my $value = $line->{s});
    return 'outside' if $value =~ /[\0\r\n]|^[ \t]|[ \t]\z/;

    my $answer = post(token => undef, request_id => undef,
        extra => [[$header, $value]], job_key => random_id(12));

    return if $valid && $answer->status == 409;
    return expect_answer($answer, $valid ? '2xx' : '400', $header);
}

for (['strings.jsonl', vectors('strings.jsonl')],
    ['naughty_strings.jsonl', corpus('naughty_strings.jsonl')])
{
    my ($name, @lines) = @$_;
    next if !@lines;

    agree("$name as tokens", sub {
        judge_value($_[0], 'opc-retry-token', $_[0]{retry_token_ok})
    }, @lines);
    agree("$name as ids", sub {
        judge_value($_[0], 'opc-request-id', $_[0]{request_id_ok})
    }, @lines);
}

###############################################################################
# What headers decide is sent before the body: no 100 Continue, and the
# connection stays open

for (
    [400, token => 'x' x 65], [400, request_id => 'a b'],
    [400, headers => { 'should-update-recent' => 'yes' }],
    [415, headers => { 'Content-Type' => 'text/plain' }],
    [415, headers => { 'Content-Encoding' => 'gzip' }],
    [404, platform => 'ocid1.x', workspace => 'w', path =>
        '/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/'],
) {
    my ($status, %opt) = @$_;

    my $curious = $t->client;
    my $answer = $t->create_run(%opt, on => $curious, expect => 1,
        extra => [['Expect', '100-continue']]);
    is($answer->status, $status,
        "a refusal comes before the body: $status (@{[sort keys %opt]})");
    is(scalar @{$answer->interim}, 0,
        "a refusal has no 100 Continue: $status (@{[sort keys %opt]})");
    $errors{$answer->body} = 1;
}

holds('Error', 'refusals', keys %errors);

done_testing;
