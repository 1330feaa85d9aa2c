# variant: Perl, with its own sockets
use strict;
use warnings;
use Socket;

sub fail {
    my ($call, $reason) = @_;
    print STDERR "client: $call: $reason\n";
    exit 1;
}

my $host = $ARGV[0] // '127.0.0.1';
my $port = $ARGV[1] // '9000';
my $message = $ARGV[2] // 'hello';
if (@ARGV > 3 or $port !~ /^\d+$/ or $port < 1 or $port > 65535) {
    print STDERR "usage: client [HOST [PORT [MESSAGE]]]\n";
    exit 2;
}

socket(my $call, PF_INET, SOCK_STREAM, 0) or fail('socket', $!);
connect($call, pack_sockaddr_in($port, inet_aton($host))) or fail('connect', $!);

defined syswrite($call, $message) or fail('send', $!);
my $n = sysread($call, my $reply, 1024);
defined $n or fail('recv', $!);
print "$reply\n";
close($call);
