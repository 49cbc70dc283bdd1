#!/usr/bin/perl

# jobruns-lint says what the gateway would say, where, and what comes next.

use strict;
use warnings;

use Test::More;
use File::Temp;
use JSON::PP;

my $lint = $ENV{TEST_JOBRUNS_LINT} || 'build/jobruns-lint';

plan skip_all => "$lint is not built (make tools)" if !-x $lint;

my $dir = File::Temp->newdir;


# runs jobruns-lint: (exit status, standard output, standard error)
sub lint {
    my ($input, @args) = @_;

    open my $in, '+>', "$dir/in" or die $!;
    print $in $input;
    close $in;

    my $pid = fork // die $!;

    if (!$pid) {
        open STDIN, '<', "$dir/in" or die $!;
        open STDOUT, '>', "$dir/out" or die $!;
        open STDERR, '>', "$dir/err" or die $!;
        exec $lint, @args or die $!;
    }

    waitpid $pid, 0;
    my $status = $? >> 8;
    my @text;

    for my $name ('out', 'err') {
        open my $fh, '<', "$dir/$name" or die $!;
        push @text, do { local $/; <$fh> } // '';
    }

    return ($status, @text);
}


my ($status, $out, $err) = lint('{"jobKey":"nightly"}');
is($status, 0, 'a valid body: status 0');
is($out, "-: valid\n", 'says so');
is($err, '', 'and nothing else');

# every violation at the place where its value begins

my $body = <<'JSON';
{
  "jobKey": 5,
  "queue": {},
  "parameters": [
    {"name": "a b"},
    {"value": "x"}
  ],
  "a/b~c": 18446744073709551616
}
JSON

my @places = (
    [ '/jobKey',             2, 13 ],
    [ '/queue/isEnabled',    3, 12 ],
    [ '/parameters/0/name',  5, 14 ],
    [ '/parameters/1/name',  6, 5 ],
    [ '/a~1b~0c',            8, 12 ],
);

($status, $out) = lint($body, '--json');
is($status, 1, 'an invalid body: status 1');

my $result = decode_json($out);
ok(!$result->{valid}, 'not valid, for machines');
is($result->{count}, scalar @places, 'how many');
is_deeply([ map { [ @$_{qw(pointer line column)} ] }
            @{ $result->{violations} } ],
          \@places, 'each with its pointer, line and column');

open my $fh, '>', "$dir/body.json" or die $!;
print $fh $body;
close $fh;

($status, $out) = lint('', "$dir/body.json");
is($status, 1, 'the same from a file');
like($out, qr{^\Q$dir\E/body\.json:2:13: /jobKey: must be a string, found 5$}m,
     'for people: file, line, column, pointer, what is wrong');
is(() = $out =~ /\n/g, scalar @places, 'a line each');

# what is no JSON has one place

($status, $out) = lint("{\"jobKey\":\n \"x\",}");
is($status, 1, 'no JSON: status 1');
like($out, qr/^-:2:6: not valid JSON: /, 'with line and column');

# the same rules as the directives

($status) = lint('{"jobKey":"x","new":1}');
is($status, 0, 'an unknown property passes');
($status, $out) = lint('{"jobKey":"x","new":1}', '--reject-unknown');
is($status, 1, 'or not, as jobruns_unknown_properties');
like($out, qr{ /new: }, 'named');

open $fh, '>', "$dir/schema.json" or die $!;
print $fh '{"type":"object","required":["other"]}';
close $fh;

($status, $out) = lint('{"jobKey":"x"}', '--schema', "$dir/schema.json");
is($status, 1, 'another schema');
like($out, qr{/other: required}, 'has its own rules');

# fire times: known ones of known expressions, in UTC

($status, $out) = lint('', '--cron', '0 0 12 29 2 ? 2032-2050', '--json');
is($status, 0, 'a cron expression');
is_deeply(decode_json($out)->{fires},
          [ map { "$_-02-29T12:00:00Z" } 2032, 2036, 2040, 2044, 2048 ],
          'its next five fire times: leap days');

($status, $out) = lint('', '--cron', '0 0 0 1 1 ? 1999');
is($status, 0, 'one that is over is valid');
like($out, qr/never fires again/, 'but does not fire');

($status, $out) = lint('', '--cron', '0 0 25 * * ?');
is($status, 1, 'a wrong one');
like($out, qr/hour must be 0-23, found 25/, 'with its rule');

($status, $out) = lint('{"jobKey":"x","schedule":{"timezoneId":"UTC",'
                       . '"quartzCronExpression":"0 0 0 1 1 ? 2040-2060"}}');
is($status, 0, 'a body with a schedule');
like($out, qr/^  2040-01-01T00:00:00Z$/m, 'tells when it fires');

# what could not be looked at is not a verdict

($status, $out, $err) = lint('', '/nonexistent/body.json');
is($status, 2, 'no such file: status 2');
like($err, qr{/nonexistent/body\.json: No such file}, 'named');

($status, $out, $err) = lint('{}', '--schema', "$dir/body.json");
is($status, 2, 'a schema that is none: status 2');
like($err, qr{body\.json}, 'named');

($status, $out, $err) = lint('{}', '--nonsense');
is($status, 2, 'a wrong option: status 2');
like($err, qr/^Usage: jobruns-lint/m, 'says how');

done_testing();
