# variant: Perl: recv and send.
use strict;
use warnings;
use Socket;

my $port = @ARGV ? $ARGV[0] : 9000;
if (@ARGV > 1 || $port !~ /^\d+$/ || $port < 1 || $port > 65535) {
    print STDERR "usage: server [PORT]\n";
    exit 2;
}
$| = 1;
socket(my $box, PF_INET, SOCK_DGRAM, 0) or die "server: socket: $!\n";
if (!bind($box, pack_sockaddr_in($port, INADDR_LOOPBACK))) {
    print STDERR "server: bind: $!\n";
    exit 1;
}
while (1) {
    my $sender = recv($box, my $card, 65507, 0);
    next unless defined $sender;
    print "$card\n";
    $card =~ tr/a-z/A-Z/;
    send($box, $card, 0, $sender);
}
