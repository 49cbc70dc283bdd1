#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# jobruns-lint reports what the gateway would refuse, where, and when a
# schedule fires.

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
is($status, 0, 'a valid body exits with 0');
is($out, "-: valid\n", 'a valid body is reported as valid');
is($err, '', 'a valid body writes nothing to standard error');

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
is($status, 1, 'an invalid body exits with 1');

my $result = decode_json($out);
ok(!$result->{valid}, '--json says that the body is not valid');
is($result->{count}, scalar @places, '--json has the number of violations');
is_deeply([ map { [ @$_{qw(pointer line column)} ] }
            @{ $result->{violations} } ],
          \@places, '--json has pointer, line and column of each violation');

open my $fh, '>', "$dir/body.json" or die $!;
print $fh $body;
close $fh;

($status, $out) = lint('', "$dir/body.json");
is($status, 1, 'an invalid body of a file exits with 1');
like($out, qr{^\Q$dir\E/body\.json:2:13: /jobKey: must be a string, found 5$}m,
     'a violation is reported with file, line, column, pointer and reason');
is(() = $out =~ /\n/g, scalar @places, 'each violation has a line of its own');

# the document itself has an empty pointer, and a name for people

($status, $out) = lint('[]');
is($status, 1, 'a violation of the body itself exits with 1');
is($out, "-:1:1: the request body: must be an object, found an array\n",
   'a violation of the body itself is reported by name');

($status, $out) = lint('[]', '--json');
is_deeply(decode_json($out)->{violations},
          [ { line => 1, column => 1, pointer => '',
              message => 'must be an object, found an array' } ],
          'a violation of the body itself has an empty pointer in JSON');

($status, $out) = lint('');
is($status, 1, 'an empty body exits with 1');
is($out, "-:1:1: the request body is empty\n", 'an empty body is reported');

# what is not JSON has one place

($status, $out) = lint("{\"jobKey\":\n \"x\",}");
is($status, 1, 'a body that is not JSON exits with 1');
like($out, qr/^-:2:6: not valid JSON: /,
    'a body that is not JSON is reported with line and column');

# the same rules as the directives

($status) = lint('{"jobKey":"x","new":1}');
is($status, 0, 'a body with an unknown property is valid');
($status, $out) = lint('{"jobKey":"x","new":1}', '--reject-unknown');
is($status, 1, '--reject-unknown refuses a body with an unknown property');
like($out, qr{ /new: }, '--reject-unknown names the property');

open $fh, '>', "$dir/schema.json" or die $!;
print $fh '{"type":"object","required":["other"]}';
close $fh;

($status, $out) = lint('{"jobKey":"x"}', '--schema', "$dir/schema.json");
is($status, 1, '--schema with another schema exits with 1');
like($out, qr{/other: required}, '--schema reports by the rules of the schema');

# fire times: known ones of known expressions, in UTC

($status, $out) = lint('', '--cron', '0 0 12 29 2 ? 2032-2050', '--json');
is($status, 0, '--cron with a valid expression exits with 0');
is_deeply(decode_json($out)->{fires},
          [ map { "$_-02-29T12:00:00Z" } 2032, 2036, 2040, 2044, 2048 ],
          '--cron has the next five fire times, on leap days');

($status, $out) = lint('', '--cron', '0 0 0 1 1 ? 1999');
is($status, 0, '--cron with an expression that is over exits with 0');
like($out, qr/never fires again/,
    '--cron reports an expression that never fires again');

($status, $out) = lint('', '--cron', '0 0 25 * * ?');
is($status, 1, '--cron with an invalid expression exits with 1');
like($out, qr/hour must be 0-23, found 25/,
    '--cron reports the rule of an invalid expression');

($status, $out) = lint('{"jobKey":"x","schedule":{"timezoneId":"UTC",'
                       . '"quartzCronExpression":"0 0 0 1 1 ? 2040-2060"}}');
is($status, 0, 'a body with a schedule is valid');
like($out, qr/^  2040-01-01T00:00:00Z$/m,
    'a body with a schedule is reported with its fire times');

# the clock of the schedule's own time zone, in winter and in summer

sub zone_fires {
    my ($zone, $expr) = @_;
    my (undef, $json) = lint(encode_json({ jobKey => 'x', schedule =>
        { timezoneId => $zone, quartzCronExpression => $expr } }), '--json');

    return decode_json($json);
}

$result = zone_fires('America/Los_Angeles', '0 30 2 1 1,7 ? 2040');
is_deeply($result->{fires},
          [ '2040-01-01T10:30:00Z', '2040-07-01T09:30:00Z' ],
          'fire times are in UTC');
is_deeply($result->{localFires},
          [ '2040-01-01T02:30:00-08:00', '2040-07-01T02:30:00-07:00' ],
          'local fire times are in the time zone');

for my $case ([ 'GMT+5:30', '2040-01-01T02:30:00+05:30' ],
              [ 'UTC-5', '2040-01-01T02:30:00-05:00' ],
              [ 'EST', '2040-01-01T02:30:00-05:00' ],
              [ 'PST', '2040-01-01T02:30:00-08:00' ],
              [ 'Asia/Kolkata', '2040-01-01T02:30:00+05:30' ])
{
    my ($zone, $want) = @$case;

    is_deeply(zone_fires($zone, '0 30 2 1 1 ? 2040')->{localFires}, [ $want ],
              "local fire times of $zone");
}

# a clock that is put forward does not show 02:30; one that is put back
# shows 01:30 twice

is_deeply(zone_fires('America/Los_Angeles', '0 30 2 11 3 ? 2040')->{localFires},
          [ '2040-03-11T03:30:00-07:00' ],
          'a time that is left out fires when the clock is put forward');
is_deeply(zone_fires('America/Los_Angeles', '0 30 1 4 11 ? 2040')->{localFires},
          [ '2040-11-04T01:30:00-08:00' ],
          'a time that comes twice fires once');

# what Quartz drops without a message

($status, $out) = lint('', '--cron', '0 0 0 1 JAN/3 ? 2040-2041');
is($status, 0, 'a step after a name is valid');
like($out, qr{^warning: Quartz ignores "/3" behind a name: "JAN/3" means "JAN"},
     'a step after a name is reported with a warning');
is(() = $out =~ /^  20/gm, 2, 'a step after a name fires in January only');

$result = decode_json((lint('', '--cron', '0 0 0 ? * MON-FRI/2',
                            '--json'))[1]);
like($result->{warnings}[0], qr{"/2".*"MON-FRI/2" means "MON-FRI"},
     'a step after a name has a warning in JSON');
$result = decode_json((lint('', '--cron', '0 0 0 ? SEPT MONDAY',
                            '--json'))[1]);
is_deeply($result->{warnings}, [], 'a name in full has no warning');

# what cannot be read is not a verdict

($status, $out, $err) = lint('', '/nonexistent/body.json');
is($status, 2, 'a missing file exits with 2');
like($err, qr{/nonexistent/body\.json: No such file},
    'a missing file is named');

($status, $out, $err) = lint('{}', '--schema', "$dir/body.json");
is($status, 2, 'an invalid schema exits with 2');
like($err, qr{body\.json}, 'an invalid schema is named');

($status, $out, $err) = lint('{}', '--nonsense');
is($status, 2, 'an unknown option exits with 2');
like($err, qr/^jobruns-lint: unknown option "--nonsense": there are --.*\n\z/,
    'an unknown option is named in one line, with those that there are');
($status, $out, $err) = lint('{}', '--jsno');
is($err, qq{jobruns-lint: unknown option "--jsno": did you mean "--json"?\n},
    'the nearest option is named');

done_testing();
