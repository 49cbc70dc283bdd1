#!/usr/bin/perl

# The audit file that is written is the one on disk: one that is removed, moved
# or replaced, or that a worker cannot open again, is noticed, refused with
# 503, and taken up again.

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

is(create(), 201, 'a creation');
is((stat $log)[2] & 07777, 0640, 'a new file is 0640');

# --------------------------------------------------------------------- removed

my $asked = $t->service->asked;
unlink $log or die $!;

my $answer = $t->create_run(request_id => 'into-nothing');
is($answer->status, 503, 'removed: 503');
is($answer->code, 'ServiceUnavailable', '... which SDKs retry');
is($t->service->asked, $asked, '... and nothing is forwarded');
is(create(), 503, '... and again');
cmp_ok(counter('failures_total'), '>', 0, 'counted as not written');
is(counter('files_lost_total'), 1, '... and once as lost');
is(figures()->{auditLostFiles}, 1, 'shown as lost now');
like($t->get('/status?format=html')->body,
    qr/lost their audit file.*USR1 or reload/s,
    '... on the page, with the remedy');
is(() = $nginx->error_log =~ /\[crit\].*audit file "\Q$log\E" was removed/g, 1,
    'one crit line');
like($nginx->error_log, qr/was removed, .*send USR1 .*or reload/,
    '... with the remedy');
like($nginx->error_log, qr/503.*"\Q$log\E": the file was removed,/,
    '... and why a request is refused');
is(create(to => $lax), 201, 'jobruns_audit_required off: forwarded');
is(-e $log, undef, 'no worker makes a file');

touch($log);
wait_for { create() == 201 } 'a file that is there again to be opened';
is(figures()->{auditLostFiles}, 0, 'found');
like($nginx->error_log, qr/audit file "\Q$log\E" is written again/, 'said');
is(create(request_id => 'found-again'), 201, 'creations go on');
is(scalar(grep { $_ eq 'found-again' } ids()), 2, '... with their records');

# one that stands there when the first record comes takes it

unlink $log or die $!;
touch($log);
is(create(request_id => 'at-once'), 201, 'removed and made: nothing is lost');
is(scalar(grep { $_ eq 'at-once' } ids()), 2, '... both records are there');

for my $how (qw(reopen reload)) {
    unlink $log or die $!;
    is(create(), 503, 'removed again');
    $nginx->$how;
    wait_for { create() == 201 } "$how to bring it back";
    ok(-s $log, "$how brings it back");
    is((stat $log)[2] & 07777, 0640, '... as 0640');
}

# ----------------------------------------------------------------------- moved

rename $log, "$log.1" or die $!;
wait_for { create(request_id => random_id) == 503 } 'a moved file to be missed';
like($nginx->error_log, qr/\[crit\].*"\Q$log\E" was moved away/, 'moved: said');
is(-e $log, undef, 'no file is made in its place');
$nginx->reopen;
wait_for { create() == 201 } 'USR1 to bring it back';

# replaced, as by an editor or a rotation without its signal: it is opened

rename $log, "$log.2" or die $!;
touch($log);
wait_for { create(request_id => 'replaced') == 201 && -s $log }
    'the file in its place to be opened';
is(create(), 201, 'replaced: not a creation is refused');
like($nginx->error_log, qr/another file stands at the path/, 'said');

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
is(create(to => $null), 201, '/dev/null is no file that could be lost');
$null->reopen;
is(create(to => $null), 201, '... after USR1 too');
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
    is(closed(), 201, 'a folder that is closed later: nothing has happened');
    rename $file, "$file.1" or die $!;
    $nginx->reopen;
    wait_for { closed() == 503 } 'a failed reopen to be known';
    like($nginx->error_log, qr/\[crit\].*workers may search its folder/,
        '... with the remedy');
    is($t->get('/status?format=json', to => $nginx)->json
        ->{counters}{jobruns_audit_reopen_failures_total}, 1, 'counted');
    like($t->get('/status?format=prometheus', to => $nginx)->body,
        qr/^jobruns_audit_lost_files 1$/m, 'and shown');

    unlink "$file.1" or die $!;
    is(closed(), 503, 'the rotated file is removed: no difference');

    chmod 0711, $folder;
    wait_for { closed(request_id => 'open-again') == 201 }
        'the folder to be open again';
    is(scalar(grep { $_ eq 'open-again' } ids('closed/audit.log')), 2,
        'its records are in the new file');
    $nginx->quit;

    # a worker that never could look is not stopped by that

    chmod 0700, $folder;
    $nginx->start;
    wait_for { closed() == 201 } 'a creation in a closed folder';
    like($nginx->error_log, qr/\[warn\].*may not search the folder/, 'warned');
    $nginx->quit;
}

done_testing;
