# variant: Perl, with buffered lines.
use strict;
use warnings;
use IO::Socket::INET;

my $port = @ARGV ? $ARGV[0] : 9000;
if (@ARGV > 1 || $port !~ /^\d+$/ || $port < 1 || $port > 65535) {
    print STDERR "usage: server [PORT]\n";
    exit 2;
}
$| = 1;
$SIG{PIPE} = 'IGNORE';
my $phone = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1);
if (!$phone) {
    print STDERR "server: bind: $!\n";
    exit 1;
}
while (1) {
    my $call = $phone->accept or next;
    my $rest = '';
  CALL: while (sysread($call, $rest, 4096, length $rest)) {
        while ((my $end = index($rest, "\n")) >= 0) {
            my $line = substr($rest, 0, $end + 1, '');
            last CALL if $end > 4096;
            print $line;
            $line =~ tr/a-z/A-Z/;
            while (length $line) {
                my $sent = syswrite($call, $line);
                last CALL unless defined $sent;
                substr($line, 0, $sent, '');
            }
        }
        last if length $rest > 4096;
    }
    close $call;
}
