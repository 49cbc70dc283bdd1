package Bench::Extra;
use strict; use warnings;
sub run {}
1;
