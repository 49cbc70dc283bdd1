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

# the document itself has an empty pointer, and a name for people

($status, $out) = lint('[]');
is($status, 1, 'the document itself: status 1');
is($out, "-:1:1: the request body: must be an object, found an array\n",
   'named for people');

($status, $out) = lint('[]', '--json');
is_deeply(decode_json($out)->{violations},
          [ { line => 1, column => 1, pointer => '',
              message => 'must be an object, found an array' } ],
          'an empty pointer for machines');

($status, $out) = lint('');
is($status, 1, 'an empty body: status 1');
is($out, "-:1:1: the request body is empty\n", 'says so');

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

# the clock of the schedule's own time zone, in winter and in summer

sub zone_fires {
    my ($zone, $expr) = @_;
    my (undef, $json) = lint(encode_json({ jobKey => 'x', schedule =>
        { timezoneId => $zone, quartzCronExpression => $expr } }), '--json');

    return decode_json($json);
}

$result = zone_fires('US/Pacific', '0 30 2 1 1,7 ? 2040');
is_deeply($result->{fires},
          [ '2040-01-01T10:30:00Z', '2040-07-01T09:30:00Z' ], 'in UTC');
is_deeply($result->{localFires},
          [ '2040-01-01T02:30:00-08:00', '2040-07-01T02:30:00-07:00' ],
          'and as the zone shows it');

for my $case ([ 'GMT+5:30', '2040-01-01T02:30:00+05:30' ],
              [ 'UTC-5', '2040-01-01T02:30:00-05:00' ],
              [ 'EST', '2040-01-01T02:30:00-05:00' ],
              [ 'PST', '2040-01-01T02:30:00-08:00' ],
              [ 'Asia/Kolkata', '2040-01-01T02:30:00+05:30' ])
{
    my ($zone, $want) = @$case;

    is_deeply(zone_fires($zone, '0 30 2 1 1 ? 2040')->{localFires}, [ $want ],
              $zone);
}

# a clock that is put forward does not show 02:30; one that is put back
# shows 01:30 twice

is_deeply(zone_fires('US/Pacific', '0 30 2 11 3 ? 2040')->{localFires},
          [ '2040-03-11T03:30:00-07:00' ], 'a time that is left out');
is_deeply(zone_fires('US/Pacific', '0 30 1 4 11 ? 2040')->{localFires},
          [ '2040-11-04T01:30:00-08:00' ], 'a time that comes twice');

# what Quartz drops without a word

($status, $out) = lint('', '--cron', '0 0 0 1 JAN/3 ? 2040-2041');
is($status, 0, 'a step behind a name is valid');
like($out, qr{^warning: Quartz ignores "/3" behind a name: "JAN/3" means "JAN"},
     'with a warning');
is(() = $out =~ /^  20/gm, 2, 'and fires in January only');

$result = decode_json((lint('', '--cron', '0 0 0 ? * MON-FRI/2',
                            '--json'))[1]);
like($result->{warnings}[0], qr{"/2".*"MON-FRI/2" means "MON-FRI"},
     'a warning for machines');
$result = decode_json((lint('', '--cron', '0 0 0 ? SEPT MONDAY',
                            '--json'))[1]);
is_deeply($result->{warnings}, [], 'a name in full is none');

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
