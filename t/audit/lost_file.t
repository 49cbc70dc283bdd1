#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The audit file that is written is the one on disk: when it is removed, moved
# or replaced, or a worker cannot open it again, creations get 503 until it is
# opened again.

use lib 't/lib';
use JobRuns;

use POSIX ();

my $t = JobRuns->new;
my $dir = $t->testdir;
my $tool = $ENV{TEST_JOBRUNS_AUDIT} || 'build/jobruns-audit';
my $log = "$dir/audit.log";

# the files are taken apart here
$t->audit_key(undef);
$t->allow_log(qr/jobruns: the audit file "\S+" (?:was|cannot)/);
$t->allow_log(qr/open\(\) "\S+" failed \(13: Permission denied\)/);

my $status = <<'END';
    location = /status { jobruns_status; }
END
my $nginx = $t->run(workers => 1, http => 'jobruns_zone jobruns 1m;',
    server => $status, servers => <<'END');
    server {
        listen 127.0.0.1:%%PORT_2%%;
        jobruns on;
        jobruns_audit_required off;
        location / {
            include %%ROOT%%/conf/jobruns_proxy.conf;
            proxy_pass http://service;
        }
    }
END
my $lax = '127.0.0.1:' . $t->port(2);

sub figures { return $t->get('/status?format=json')->json }
sub counter { return figures()->{counters}{"jobruns_audit_$_[0]"} }

sub create { return $t->create_run(@_)->status }

sub ids { return map { $_->{data}{request}{id} } $t->audit($_[0]) }

sub touch {
    open my $fh, '>>', $_[0] or die "$_[0]: $!";
    close $fh;
}

is(create(), 201, 'a creation with its audit file is created');
is((stat $log)[2] & 07777, 0640, 'a new audit file has mode 0640');

# --------------------------------------------------------------------- removed

my $asked = $t->service->asked;
unlink $log or die $!;

my $answer = $t->create_run(request_id => 'into-nothing');
is($answer->status, 503, 'a creation with a removed audit file gets 503');
is($answer->code, 'ServiceUnavailable',
    'a creation with a removed audit file gets a code that SDKs retry');
is($t->service->asked, $asked,
    'a creation with a removed audit file is not forwarded');
is(create(), 503, 'another creation with a removed audit file gets 503');
cmp_ok(counter('failures_total'), '>', 0,
    'metrics count records that were not written');
is(counter('files_lost_total'), 1, 'metrics count a removed audit file once');
is(figures()->{auditLostFiles}, 1, 'the status has one lost audit file');
like($t->get('/status?format=html')->body,
    qr/lost their audit file.*USR1 or reload/s,
    'the status page has the remedy of a lost audit file');
is(() = $nginx->error_log =~ /\[crit\].*audit file "\Q$log\E" was removed/g, 1,
    'error.log has one crit line for a removed audit file');
like($nginx->error_log, qr/was removed, .*send USR1 .*or reload/,
    'error.log has the remedy of a removed audit file');
like($nginx->error_log, qr/503.*"\Q$log\E": the file was removed,/,
    'error.log says why a creation is refused');
is(create(to => $lax), 201,
    'jobruns_audit_required off forwards without an audit file');
is(-e $log, undef, 'no worker makes a new audit file');

touch($log);
wait_for { create() == 201 } 'a file that is there again to be opened';
is(figures()->{auditLostFiles}, 0,
    'the status has no lost audit file when it is there again');
like($nginx->error_log, qr/audit file "\Q$log\E" is written again/,
    'error.log reports that the audit file is written again');
is(create(request_id => 'found-again'), 201,
    'creations are created when the audit file is there again');
is(scalar(grep { $_ eq 'found-again' } ids()), 2,
    'a creation has both records when the audit file is there again');

# one that stands there when the first record comes takes it

unlink $log or die $!;
touch($log);
is(create(request_id => 'at-once'), 201,
    'a creation after the audit file was replaced is created');
is(scalar(grep { $_ eq 'at-once' } ids()), 2,
    'a creation after the audit file was replaced has both records');

for my $how (qw(reopen reload)) {
    unlink $log or die $!;
    is(create(), 503,
        'a creation with an audit file that is removed again gets 503');
    $nginx->$how;
    wait_for { create() == 201 } "$how to bring it back";
    ok(-s $log, "$how brings the audit file back");
    is((stat $log)[2] & 07777, 0640, "$how makes an audit file with mode 0640");
}

# ----------------------------------------------------------------------- moved

rename $log, "$log.1" or die $!;
wait_for { create(request_id => random_id) == 503 } 'a moved file to be missed';
like($nginx->error_log, qr/\[crit\].*"\Q$log\E" was moved away/,
    'error.log reports an audit file that was moved away');
is(-e $log, undef, 'no worker makes a file in place of a moved one');
$nginx->reopen;
wait_for { create() == 201 } 'USR1 to bring it back';

# replaced, as by an editor or a rotation without its signal: it is opened

rename $log, "$log.2" or die $!;
touch($log);
wait_for { create(request_id => 'replaced') == 201 && -s $log }
    'the file in its place to be opened';
is(create(), 201, 'no creation is refused when the audit file is replaced');
like($nginx->error_log, qr/another file stands at the path/,
    'error.log reports another file at the path');

# a FIFO in its place is not opened, which would wait for a reader

rename $log, "$log.3" or die $!;
POSIX::mkfifo($log, 0600) or die $!;
wait_for { create() == 503 } 'a FIFO in its place to be refused';
unlink $log or die $!;
rename "$log.3", $log or die $!;
wait_for { create() == 201 } 'the file to be back';
$nginx->quit;

# --------------------------------------------------- not regular: left alone

my $null = $t->run(name => 'null', workers => 1,
    audit => 'jobruns_audit /dev/null;');
is(create(to => $null), 201,
    'a creation with /dev/null as audit file is created');
$null->reopen;
is(create(to => $null), 201,
    'a creation with /dev/null as audit file is created after USR1');
$null->quit;

# ------------------------------- a worker that may not open its file again

SKIP: {
    skip('needs root', 1) if $> != 0;
    my ($user, $uid, $gid) = (getpwnam 'www-data')[0, 2, 3];
    skip('no www-data', 1) if !defined $uid;

    my $folder = "$dir/closed";
    mkdir $folder;
    chmod 0755, $dir, $folder;
    my $file = "$folder/audit.log";

    my $config = $t->default_config(audit => "jobruns_audit $file;",
        workers => 1, http => 'jobruns_zone jobruns 1m;', server => $status);
    my $nginx = $t->new_nginx('closed');
    (my $globals = $nginx->globals) =~ s/user root root;/user $user;/;
    $config =~ s/%%TEST_GLOBALS%%/$globals/;
    chmod 0777, $t->redis->path if $t->redis->path;
    $nginx = $t->run(name => 'closed', config => $config);

    sub closed { return create(to => $nginx, @_) }
    wait_for { closed() == 201 } 'a creation';

    chmod 0700, $folder;
    is(closed(), 201,
        'a folder that is closed later does not disturb an open file');
    rename $file, "$file.1" or die $!;
    $nginx->reopen;
    wait_for { closed() == 503 } 'a failed reopen to be known';
    like($nginx->error_log, qr/\[crit\].*workers may search its folder/,
        'error.log has the remedy of a folder that is closed');
    is($t->get('/status?format=json', to => $nginx)->json
        ->{counters}{jobruns_audit_reopen_failures_total}, 1,
        'metrics count the failed reopening');
    like($t->get('/status?format=prometheus', to => $nginx)->body,
        qr/^jobruns_audit_lost_files 1$/m,
        'the status has the lost audit file of a closed folder');

    unlink "$file.1" or die $!;
    is(closed(), 503,
        'creations still get 503 when the rotated file is removed');

    chmod 0711, $folder;
    wait_for { closed() == 201 } 'the folder to be open again';
    is(closed(request_id => 'open-again'), 201,
        'creations pass once the folder is open again');
    is(scalar(grep { $_ eq 'open-again' } ids('closed/audit.log')), 2,
        'a creation has both records in the new file of an open folder');
    $nginx->quit;

    # a worker that never could look is not stopped by that

    chmod 0700, $folder;
    $nginx->start;
    wait_for { closed() == 201 } 'a creation in a closed folder';
    like($nginx->error_log, qr/\[warn\].*may not search the folder/,
        'nginx warns of a folder that its workers cannot search');
    $nginx->quit;
}

done_testing;
