#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Prometheus finds what ops/ asks for: each expression of the alert rules and
# of the dashboard finds its series in a gateway that is scraped.

use lib 't/lib';
use JobRuns;

use JSON::PP ();

use JobRuns::Process ();

my $t = JobRuns->new;

sub program {
    my ($name) = @_;
    return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0];
}

my ($prometheus, $promtool) = map { program($_) } qw(prometheus promtool);

plan(skip_all => 'no prometheus, no promtool')
    if !$prometheus || !$promtool;

sub run_tool {
    my @command = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $promtool,
        @command or die "promtool: $!\n";
    my $text = do { local $/; <$out> } // '';
    close $out;

    return ($? >> 8, $text);
}

my $root = $t->root;
my ($status, $said) = run_tool(qw(check rules),
    "$root/ops/prometheus-rules.yml");
is($status, 0, 'promtool finds the rules well-formed') or diag($said);
like($said, qr/SUCCESS: [1-9]\d* rules/, 'promtool finds rules');

$t->run(http => 'jobruns_zone jobruns 1m; jobruns_redis_watch 1s;',
    server => <<'END');
    jobruns_limit one key=tenant rate=1r/h;
    location = /metrics {
        jobruns_status;
    }
END

my $port = $t->port(2);

$t->write_file('prometheus.yml', <<END);
global:
  scrape_interval: 1s
  evaluation_interval: 1s
  scrape_timeout: 1s
rule_files:
  - $root/ops/prometheus-rules.yml
scrape_configs:
  - job_name: jobruns
    static_configs:
      - targets: ['@{[$t->nginx->address]}']
END

my $folder = $t->testdir;
my $server = JobRuns::Process->start(name => 'prometheus',
    output => "$folder/prometheus.log", argv => [$prometheus,
        "--config.file=$folder/prometheus.yml",
        "--storage.tsdb.path=$folder/tsdb",
        "--web.listen-address=127.0.0.1:$port"]);

sub ask {
    my ($expression) = @_;

    my ($failed, $text) = run_tool(qw(query instant -o json),
        "http://127.0.0.1:$port", $expression);
    my $found = !$failed && eval { JSON::PP->new->decode($text) };

    return ref $found eq 'ARRAY' ? scalar @$found : undef;
}

# ----------------------------------------------------------------- expressions

my %expressions;

my $yaml = do {
    open my $fh, '<', "$root/ops/prometheus-rules.yml" or die;
    local $/;
    <$fh>;
};

my @alerts = split /^\s+- alert: /m, $yaml;
shift @alerts;
for (@alerts) {
    my ($name) = /^(\w+)/;
    my ($expression) = /^\s+expr: (?:>-\n)?(.*?)^\s+(?:for|labels):/ms
        or die "no expr of $name";
    $expression =~ s/\s+/ /g;

    # each series that it reads is there, whether or not it fires
    my $n = 0;
    $expressions{"alert $name, " . ++$n . ": $_"} = $_
        for $expression =~ /(\b(?:up|jobruns[\w:]+)\b(?:\{[^}]*\})?)/g;
}

# what alerts compare is recorded by rules

for my $record (split /^\s+- record: /m, $yaml) {
    my ($name) = $record =~ /\A(jobruns:\S+)/ or next;
    $expressions{"record $name"} = $name;
}

my $dashboard = JSON::PP->new->decode(do {
    open my $fh, '<', "$root/ops/grafana-dashboard.json" or die;
    local $/;
    <$fh>;
});
my (%titles, $limited);
for my $panel (@{$dashboard->{panels}}) {
    my $n = 0;
    my $shown = $panel->{fieldConfig}{defaults};
    my ($base, @steps) = @{$shown->{thresholds}{steps}};

    ok(!$titles{$panel->{title}}++,
        "panel $panel->{title}: its title is its own");
    like($panel->{description} // '', qr/^[A-Z].{40,}\.$/,
        "panel $panel->{title}: says what it shows");
    like($shown->{unit} // '', qr/^(?:reqps|ops|s|bytes|short)$/,
        "panel $panel->{title}: has a unit");
    like($shown->{unit} // '', $panel->{targets}[0]{expr} =~ /_seconds_bucket/
        ? qr/^s$/ : $panel->{targets}[0]{expr} =~ /_bytes/ ? qr/^bytes$/
        : $panel->{targets}[0]{expr} =~ /\brate\(/ ? qr/^(?:req|o)ps$/
        : qr/^short$/, "panel $panel->{title}: its unit is that of its series");
    ok(!defined $base->{value} && $base->{color} eq 'green',
        "panel $panel->{title}: what is below all thresholds is green");
    my @values = map { $_->{value} } @steps;
    is_deeply([sort { $a <=> $b } @values], \@values,
        "panel $panel->{title}: thresholds ascend");
    is($steps[-1]{color}, 'red', "panel $panel->{title}: the last is red")
        if @steps;
    $limited += @steps > 0;

    for my $target (@{$panel->{targets}}) {
        (my $expression = $target->{expr}) =~ s/\$instance/.*/g;
        $expression =~ s/\$__rate_interval/1m/g;
        $expressions{"panel $panel->{title}, " . ++$n} = $expression;
    }
}

cmp_ok($limited, '>', 8, 'most panels have thresholds');
cmp_ok(scalar(keys %expressions), '>', 40,
    'rules and dashboard have many expressions');

# something of each kind, so that histograms are not empty

wait_for { (ask('up{job="jobruns"} == 1') // 0) == 1 } 'a scrape';
wait_for {
    $t->create_run(tenancy => random_id(8)) for 1 .. 3;
    ask('rate(jobruns_attempts_total{outcome="created"}[1m]) > 0')
} 'rates';

for my $name (sort keys %expressions) {
    my $found = eval { wait_for { ask($expressions{$name}) } $name };
    ok($found, "$name: Prometheus finds a series") or diag($expressions{$name});
}

$server->stop('TERM');

# the dashboard is what util/gen-dashboard writes

my $made = `$^X $root/util/gen-dashboard`;
is($made, do {
    open my $fh, '<', "$root/ops/grafana-dashboard.json" or die;
    local $/;
    <$fh>;
}, 'grafana-dashboard.json is as util/gen-dashboard writes it');

done_testing;
