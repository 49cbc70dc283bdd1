# SPDX-License-Identifier: BSD-2-Clause

package JobRuns::Sdk;

# Oracle's SDK for TypeScript as a client: t/sdk/driver.js, which runs beside
# the test.  The packages it needs are those of `make sdk-test`, in the folder
# that TEST_SDK_MODULES names.

use strict;
use warnings;

use Carp qw(croak);
use IO::Handle ();
use IO::Select ();
use IPC::Open3 qw(open3);
use JSON::PP ();
use Test::More ();
use Time::HiRes qw(time);

use JobRuns::Guardian ();

my $json = JSON::PP->new->utf8->canonical;

# They end a test file that cannot run here.

sub needed {
    my $modules = $ENV{TEST_SDK_MODULES} || 'build/sdk/node_modules';

    needs_node();
    Test::More::plan(skip_all => "needs oci-common in $modules: make sdk-test")
        if !-d "$modules/oci-common";
}

sub needs_node {
    Test::More::plan(skip_all => 'needs node')
        if system('node --version >/dev/null 2>&1');
}

# Makes keys in FOLDER; returns what ids.json has.

sub make_keys {
    my ($root, $folder, %who) = @_;

    system('node', "$root/t/sdk/keys.js", $folder,
        $who{tenancy} // 'ocid1.tenancy.oc1..test',
        $who{user} // 'ocid1.user.oc1..test') == 0
        or croak 'keys.js made no keys';

    open my $fh, '<', "$folder/ids.json" or croak "ids.json: $!";
    return $json->decode(do { local $/; <$fh> });
}

# new(root => FOLDER, folder => FOLDER of the keys)

sub new {
    my ($class, %opt) = @_;

    my $modules = $ENV{TEST_SDK_MODULES} || "$opt{root}/build/sdk/node_modules";
    open my $log, '>>', "$opt{folder}/sdk.log" or croak "sdk.log: $!";
    local $ENV{NODE_PATH} = $modules;
    # what others have set is not what is tested
    local @ENV{qw(OCI_SDK_DEFAULT_RETRY_ENABLED http_proxy HTTP_PROXY)};
    delete @ENV{qw(OCI_SDK_DEFAULT_RETRY_ENABLED http_proxy HTTP_PROXY)};

    my $pid = open3(my $to, my $from, '>&' . fileno $log, 'node',
        "$opt{root}/t/sdk/driver.js", $opt{folder});
    $to->autoflush(1);

    return bless { %opt, pid => $pid, to => $to, from => $from, next => 1,
        done => {}, tries => {} }, $class;
}

# Begins a call; result() of what it returns waits for its end.  %opt: to (an
# address), as, client, retries, timeout (ms), and what createJobRun() takes
# (params).

sub start {
    my ($self, %opt) = @_;

    my $call = {
        id => $self->{next}++,
        endpoint => 'http://' . ($opt{to} // $self->{to_address}),
        as => $opt{as} // 'user',
        client => $opt{client} // 'one',
        retries => $opt{retries} // 'default',
        timeout => $opt{timeout},
        params => {
            aiDataPlatformId => 'ocid1.aidataplatform.oc1.iad.test',
            workspaceKey => 'f3f7f1e2-5a7c-4b1e-9c39-1a2b3c4d5e6f',
            createJobRunDetails =>
                { jobKey => '54368733-3a17-47a1-b231-869d8ae2a048' },
            %{$opt{params} // {}},
        },
    };
    print {$self->{to}} $json->encode($call), "\n";

    return bless { sdk => $self, id => $call->{id} }, 'JobRuns::Sdk::Call';
}

sub call { return shift->start(@_)->result }

# Reads what the driver says until CODE is content.

sub read_until {
    my ($self, $what, $timeout, $code) = @_;

    my $end = time + $timeout;
    my $select = IO::Select->new($self->{from});

    until ($code->()) {
        my $left = $end - time;
        croak "waited in vain for $what" if $left <= 0;
        $select->can_read($left) or next;
        sysread $self->{from}, $self->{in}, 1 << 16, length($self->{in} //= '')
            or croak 'driver.js ended; see sdk.log';
        while ($self->{in} =~ s/^(.*)\n//) {
            my $line = $json->decode($1);
            $self->{$line->{try} ? 'tries' : 'done'}{$line->{id}} = $line;
        }
    }
}

# It ends by itself once nobody writes to it.

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    close $self->{to};
    local $?;
    waitpid $pid, 0;
}

sub DESTROY { $_[0]->stop }

package JobRuns::Sdk::Call;

# What became of it, waited for.

sub result {
    my ($self, $timeout) = @_;
    my ($sdk, $id) = @$self{qw(sdk id)};

    $sdk->read_until("the result of call $id", $timeout // 150,
        sub { $sdk->{done}{$id} });
    return $sdk->{done}{$id};
}

# Until it has begun to try for the Nth time.

sub wait_try {
    my ($self, $n) = @_;
    my ($sdk, $id) = @$self{qw(sdk id)};

    $sdk->read_until("try $n of call $id", 60,
        sub { ($sdk->{tries}{$id}{try} // 0) >= $n });
}

1;
