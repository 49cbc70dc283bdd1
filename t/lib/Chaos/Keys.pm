# SPDX-License-Identifier: BSD-2-Clause

package Chaos::Keys;

# Keys of the clients of `make chaos`, the file that the gateways know them by,
# which changes under way, and what must be true of who was let in.
#
#   my $keys = Chaos::Keys->new($dir);      # makes the keys and the file
#   $keys->change(\@random)                 # another file; what an event tells
#   $keys->open(\@clocks)           # for signing, in the process of the clients
#   my ($headers, $how) = $keys->sign($client, $request)
#   Chaos::Keys::judge(tries => ..., requests => ..., creations => ...,
#       events => ...)
#
# Each of the tenants has two users, "steady" and "leaving"; the file loses and
# gets back the second one, is cut, removed, written in place, and emptied.

use strict;
use warnings;

use IPC::Open2 qw(open2);
use List::Util qw(min);
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(sleep time);

use Chaos::Times qw(overlap);
use JobRuns::Signer ();

our @ISA = qw(JobRuns::Signer);

use constant TENANTS => 8;

# seconds: a worker looks at the file every three, and may be busy
use constant LOOK => 5;

# how many tries are signed badly, as a part of all
use constant BAD => 0.06;

# For how many seconds nobody is let in.
use constant NOBODY => 2.5;

my @users = qw(steady leaving);
my @bad = qw(signature date digest stranger unsigned other);

# How the file changes in turn, and whom it lists then; undef: it cannot be
# read.  What some do meanwhile: list nobody, or be a file that cannot be read.

my @changes = (
    ['revoked', ['steady']], ['cut', undef], ['all', \@users],
    ['emptied', \@users], ['revoked', ['steady']], ['rewritten', \@users],
    ['revoked', ['steady']], ['removed', undef], ['all', \@users],
);

my %meanwhile = (rewritten => undef, emptied => []);

sub new {
    my ($class, $dir) = @_;
    my $self = bless { dir => $dir, file => "$dir/keys.json" }, $class;

    $self->{pair}{$_} = JobRuns::Signer->new($dir, $_)
        for @users, 'stranger';
    JobRuns::Signer::key_file($self->{file}, $self->entries(@users));

    return $self;
}

sub file { return $_[0]{file} }
sub tenancy { return "ocid1.tenancy.oc1..chaos$_[0]" }

sub key_id {
    my ($self, $tenant, $user) = @_;

    return join '/', tenancy($tenant), "ocid1.user.oc1..$user",
        $self->{pair}{$user}{fingerprint};
}

sub entries {
    my ($self, @listed) = @_;

    return map {
        my $user = $_;
        map { $self->{pair}{$user}->entry('key-id' =>
            $self->key_id($_, $user)) } 0 .. TENANTS - 1;
    } @listed;
}

###############################################################################
# The fault

# Each stays for so long that all workers must have seen it; what comes sooner
# changes nothing.

sub change {
    my ($self, $random) = @_;

    return if time < ($self->{until} // 0);

    $self->{turn} //= int($random->[0] * @changes);
    my ($way, $listed) = @{$changes[$self->{turn}++ % @changes]};
    my $file = $self->{file};

    if ($way eq 'cut') {
        JobRuns::Signer::key_file("$file.whole", $self->entries(@users));
        my $text = JobRuns::Nginx::read_file("$file.whole");
        JobRuns::Signer::write_whole($file,
            substr $text, 0, $random->[1] * length $text);

    } elsif ($way eq 'removed') {
        unlink $file;

    } elsif ($way eq 'rewritten') {
        # as an editor without a new file does it
        JobRuns::Signer::key_file("$file.whole", $self->entries(@$listed));
        rewrite($file, JobRuns::Nginx::read_file("$file.whole"), $random);

    } else {
        if ($way eq 'emptied') {
            JobRuns::Signer::key_file($file);
            sleep NOBODY;
        }

        JobRuns::Signer::key_file($file, $self->entries(@$listed));
    }

    $self->{until} = time + LOOK + 1;

    return { way => $way, listed => $listed };
}

sub rewrite {
    my ($file, $text, $random) = @_;
    my $half = int($random->[1] * length $text);

    open my $out, '>:raw', $file or die "$file: $!\n";
    syswrite $out, substr $text, 0, $half;
    sleep $random->[2];
    syswrite $out, substr $text, $half;
    close $out or die "$file: $!\n";
}

###############################################################################
# Signing

# The clocks of the gateways, by which dates are.

sub open {
    my ($self, $clocks) = @_;

    $self->{clocks} = $clocks;
    $self->{number}{$_} = keys %{$self->{number} // {}}
        for @users, 'stranger';

    my @files = map { $self->{pair}{$_}{path} } sort {
        $self->{number}{$a} <=> $self->{number}{$b} } keys %{$self->{number}};
    open2($self->{from}, $self->{to}, $ENV{TEST_SIGNER} || 'build/signer',
        @files);
}

# A quarter of the calls comes from those that are to leave.

sub user { return rand() < 1 / 4 ? 'leaving' : 'steady' }

sub signature {
    my ($self, $text) = @_;

    print {$self->{to}} $self->{number}{$self->{signs}}, ' ',
        unpack('H*', $text), "\n";
    $self->{to}->flush;
    my $line = readline $self->{from};
    die "the signer has ended\n" if !defined $line;

    return decode_base64($line);
}

# Signs a request to a gateway, mostly well: returns its headers, and how.

sub sign {
    my ($self, $client, $request) = @_;
    my $way = rand() < BAD ? $bad[rand @bad] : 'well';
    my $date = int(time + $self->{clocks}[$client->{gateway}]->wrong);
    my %opt = (key_id => $self->key_id(@$client{qw(tenant user)}),
        date => $date);

    $self->{signs} = $client->{user};
    $self->{signs} = 'stranger' if $way eq 'stranger' || $way eq 'other';
    $opt{key_id} = $self->key_id($client->{tenant}, 'stranger')
        if $way eq 'stranger';
    $opt{signature} = encode_base64("\1" x 256, '') if $way eq 'signature';
    $opt{digest} = encode_base64("\1" x 32, '') if $way eq 'digest';
    $opt{date} = $date - 3600 if $way eq 'date';

    my $headers = $self->SUPER::sign($request, %opt)->{headers};
    $headers = [grep { $_->[0] ne 'Authorization' } @$headers]
        if $way eq 'unsigned';

    return ($headers, $way);
}

###############################################################################
# The judge

# What the file has been: [from, to, whom it lists or undef], in order.

sub contents {
    my (@events) = @_;
    my @all = ([-9 ** 9 ** 9, undef, \@users]);

    for my $event (grep { $_->{way} } @events) {
        $all[-1][1] = $event->{begun};

        my $changes = exists $meanwhile{$event->{way}};

        push @all, [@$event{qw(begun ended)}, $meanwhile{$event->{way}}]
            if $changes;
        push @all, [$event->{$changes ? 'ended' : 'begun'}, undef,
            $event->{listed}];
    }

    $all[-1][1] = 9 ** 9 ** 9;

    return @all;
}

# Whom a worker may know at any time from $from to $to: a list of lists.  It has
# forgotten what the file was once it must have looked at others that it could
# read: a broken one changes nothing.

sub known {
    my ($contents, $from, $to, $stalls) = @_;
    my @known;

    for my $i (0 .. $#$contents) {
        my ($begun, $ended, $listed) = @{$contents->[$i]};

        next if !$listed || $begun > $to;

        my ($since, $forgotten) = ($ended, 0);

        for my $next (@$contents[$i + 1 .. $#$contents]) {
            my $end = min($next->[1], $from);

            $since = $next->[1] if !$next->[2];
            $forgotten ||= $next->[2] && $end - $since
                >= LOOK + overlap($stalls, $since, $end);
        }

        push @known, $listed unless $forgotten;
    }

    return @known;
}

sub lists { return scalar grep { $_ eq $_[1] } @{$_[0]} }

# judge(tries => [lines of the clients' log], requests => {ID => of the ledger},
# creations => [those of the ledger], events => [those of the run]) returns what
# Chaos::Judge::judge() does.

sub judge {
    my (%opt) = @_;
    my @contents = contents(@{$opt{events}});
    my @stalls = grep { $_->{name} =~ /stalled/ } @{$opt{events}};
    my %try = map { $_->{id} => $_ } @{$opt{tries}};
    my ($let_in, $refused, $answered, $signed) = (0, 0, 0, 0);

    return if !grep { $_->{signed} } @{$opt{tries}};

    for my $creation (@{$opt{creations}}) {
        my $request = $opt{requests}{$creation->{request}};
        my $try = $try{Chaos::Judge::request_id($request)} // {};

        $let_in++ if ($try->{signed} // '') ne 'well' || !grep {
            lists($_, $try->{user}) } known(\@contents, $try->{begun},
            $request->{time} // $try->{time}, \@stalls);
    }

    for my $try (@{$opt{tries}}) {
        my $status = $try->{status} // 0;
        my $well = $try->{signed} eq 'well';

        # a clock that is set while a date is on its way
        next if clock_set($try, $opt{events});

        $signed++ if $well;
        $answered++ if !$well && $status && $status != 401 && $status < 500;
        $refused++ if $well && $status == 401 && !grep {
            !lists($_, $try->{user}) } known(\@contents, @$try{qw(begun time)},
            \@stalls);
    }

    return (
        ['answers 401' => scalar(grep { ($_->{status} // 0) == 401 }
            @{$opt{tries}}), undef],
        ['tries that were signed well' => $signed, undef],
        ['job runs of who was not authenticated' => $let_in, 0],
        ['bad signatures not answered 401' => $answered, 0],
        ['good signatures answered 401' => $refused, 0],
    );
}

sub clock_set {
    my ($try, $events) = @_;

    return scalar grep { $_->{name} eq 'gateway-clock'
        && $_->{gateway} == $try->{gateway} && $_->{begun} < $try->{time}
        && $_->{ended} > $try->{begun} - 1 } @$events;
}

1;
