#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# A key is introduced and changed, under load and in any order of rotating and
# reloading: the chains of all workers are whole.

use lib 't/lib';
use JobRuns;

my $t = JobRuns->new;
my $dir = $t->testdir;
my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
my $log = "$dir/audit.log";

for (qw(one two)) {
    $t->write_file("$_.key", $_ x 20);
    chmod 0600, "$dir/$_.key";
}
# which files belong together is given below
$t->audit_key(undef);

sub with_key {
    return (workers => 2, http => $_[0] ? "jobruns_audit_key $dir/$_[0].key;"
        : '');
}

my $nginx = $t->run(with_key(''));

# Clients run until they get a signal to stop.

sub client {
    my $parent = $$;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    my $stop = 0;
    local $SIG{TERM} = sub { $stop = 1 };
    my $i = 0;
    while (!$stop && getppid == $parent) {
        # now and then one that spans a reload
        eval { $t->create_run(timeout => 20, stub => {
            delay_read => $i++ % 10 ? 0.01 : 0.5 }) };
    }
    require POSIX;
    POSIX::_exit(0);
}

my @clients = map { client() } 1 .. 4;

sub more {
    my $had = -s $log // 0;
    wait_for { (-s $log // 0) > $had + 20_000 } "records after $_[0]";
}

my $rotations = 0;
sub rotate {
    rename $log, sprintf '%s.%d', $log, ++$rotations or die "rename: $!";
    $nginx->reopen;
    more('a rotation');
}

sub change {
    $t->configure(with_key($_[0]));
    $nginx->reload(draining => 1);
    more("the key $_[0]");
}

more('the start');
change('one');                          # introduced: reload, then rotate
rotate();
rotate();                               # changed: rotate, then reload
change('two');
change('one');                          # and back, without a rotation
rotate();
change('two');

kill TERM => @clients;
waitpid $_, 0 for @clients;
$nginx->quit;

my @files = reverse glob "$log*";
is(scalar @files, 4, 'there are files of all rotations');

sub verify {
    my @command = ($tool, 'verify', @_);
    open my $pipe, '-|', @command or die "$tool: $!";
    my $told = do { local $/; <$pipe> };
    close $pipe;
    return ($? >> 8, $told);
}

my @keys = map { ('--key', "$dir/$_.key") } qw(one two);
for (['oldest first', @files], ['newest first', reverse @files]) {
    my ($order, @order) = @$_;
    for my $given ([@keys], [@keys[2, 3, 0, 1]]) {
        my ($status, $told) = verify(@$given, @order);
        is($status, 0, "$order: verify finds the chains whole") or diag($told);
        like($told, qr/(\d+) attempts begun, 0 without end: whole$/m,
            "$order: verify reports attempts and that all is whole");
        like($told, qr/hashed without a key, since there was none/,
            "$order: verify reports records before the first key");
    }
}

my %chains;
for my $line (map { $t->read_file(s{.*/}{}r) =~ /^(.+)\n/mg } @files) {
    my ($id, $seal)
        = $line =~ /"chain":\{"id":"(\w+)".*"(hash|hmac)":"\w+"\}\}$/;
    $chains{$id}{$seal}++;
}
is(scalar(grep { keys %$_ > 1 } values %chains), 0,
    'no chain has records with a key and without one');
cmp_ok(scalar(grep { $_->{hash} } values %chains), '>', 0,
    'some chains are without a key');

# a key that is not given is named

my ($status, $told) = verify('--key', "$dir/one.key", @files);
is($status, 1, 'verify without the second key exits with 1');
my ($id) = `$tool keyid $dir/two.key` =~ /^([0-9a-f]{16})  /;
like($told, qr/sealed with key $id, which is not among those given/,
    'verify names the missing key by its id');
unlike(join('', map { $t->read_file(s{.*/}{}r) } @files), qr/oneoneone|twotwo/,
    'no audit file contains a key');

# where keys are given, records without one are a fault

($status, $told) = verify(@keys, grep { /\.1$/ } @files);
isnt($status, 1, 'verify accepts the file in which the key was introduced')
    or diag($told);
my $bare = (map { [$_] } grep { $t->read_file(s{.*/}{}r)
    =~ /"hash":"\w+"\}\}$/m } @files)[0][0];
my @hashed = grep { /"hash":"\w+"\}\}$/ }
    $t->read_file($bare =~ s{.*/}{}r) =~ /^(.+)$/mg;
$t->write_file('bare.log', join '', map { "$_\n" } @hashed);
is((verify(@keys, "$dir/bare.log"))[0], 1,
    'verify refuses records without a key alone');
isnt((verify(@keys, '--unkeyed', '--partial', "$dir/bare.log"))[0], 1,
    'verify --unkeyed accepts records without a key');

done_testing;
