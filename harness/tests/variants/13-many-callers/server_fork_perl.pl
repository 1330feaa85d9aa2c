#!/usr/bin/perl
# variant: perl, with its children ignored
use strict;
use warnings;
use IO::Socket::INET;

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
my $port = @ARGV ? $ARGV[0] : 9000;
if (@ARGV > 1 || $port !~ /^\d+$/ || $port < 1 || $port > 65535) {
	print STDERR "usage: server_fork [PORT]\n";
	exit 2;
}
my $phone = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 128, ReuseAddr => 1);
if (!$phone) {
	print STDERR "server: bind: $!\n";
	exit 1;
}

sub exactly {
	my ($call, $size) = @_;
	my $data = '';
	while (length $data < $size) {
		my $n = sysread $call, $data, $size - length $data, length $data;
		return undef if !$n;
	}
	return $data;
}

while (1) {
	my $call = $phone->accept or next;
	my $child = fork;
	if (defined $child && $child == 0) {
		close $phone;
		while (defined(my $header = exactly($call, 4))) {
			my $size = unpack 'N', $header;
			last if $size > 65536;
			my $text = exactly($call, $size);
			last if !defined $text;
			syswrite STDOUT, "$text\n";
			$text =~ tr/a-z/A-Z/;
			my $frame = $header . $text;
			my $sent = 0;
			while ($sent < length $frame) {
				my $n = syswrite $call, $frame, length($frame) - $sent, $sent;
				exit 0 if !defined $n;
				$sent += $n;
			}
		}
		exit 0;
	}
	close $call;
}
