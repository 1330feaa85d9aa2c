# variant: Perl, with sysread and syswrite.
use strict;
use warnings;
use IO::Socket::INET;

my $port = @ARGV ? $ARGV[0] : 9000;
if (@ARGV > 1 || $port !~ /^\d+$/ || $port < 1 || $port > 65535) {
	print STDERR "usage: server [PORT]\n";
	exit 2;
}
$SIG{PIPE} = 'IGNORE';
$| = 1;

my $phone = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', Listen => 5);
if (!$phone) {
	print STDERR "server: bind: $!\n";
	exit 1;
}

while (my $call = $phone->accept) {
	while ($call->sysread(my $heard, 1024)) {
		print "$heard\n";
		$heard =~ tr/a-z/A-Z/;
		$call->syswrite($heard) or last;
	}
	close $call;
}
