# variant: Perl, with its own sockets and Digest::SHA
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use Socket;

sub fail {
    print STDERR "client: @_\n";
    exit 1;
}

my ($host, $port, $file) = @ARGV;
if (@ARGV != 3 or $port !~ /^\d+$/ or $port < 1 or $port > 65535) {
    print STDERR "usage: client HOST PORT KEYFILE\n";
    exit 2;
}

open(my $in, '<:raw', $file) or fail("open: $!");
my $key = do { local $/; <$in> } // '';
fail("read: $!") if $!{EISDIR};
$key =~ s/\n\z//;
fail('the key is empty') if $key eq '';

$SIG{PIPE} = 'IGNORE';
socket(my $call, PF_INET, SOCK_STREAM, 0) or fail("socket: $!");
connect($call, pack_sockaddr_in($port, inet_aton($host))) or fail("connect: $!");

my $believed = 0;

sub lost {
    fail('refused') unless $believed;
    fail('recv: ' . ($_[0] || 'server hung up'));
}

sub exactly {
    my ($size) = @_;
    my $heard = '';
    while (length $heard < $size) {
        my $n = sysread($call, $heard, $size - length $heard, length $heard);
        lost("$!") unless defined $n;
        lost() if $n == 0;
    }
    return $heard;
}

sub speak {
    my ($bytes) = @_;
    while (length $bytes) {
        my $n = syswrite($call, $bytes);
        lost("$!") unless defined $n;
        substr($bytes, 0, $n) = '';
    }
}

speak(hmac_sha256_hex(exactly(32), $key));
$| = 1;
while (1) {
    print '>>: ';
    my $line = <STDIN>;
    last unless defined $line;
    chomp $line;
    speak(pack('N/a*', $line));
    my $size = unpack('N', exactly(4));
    fail('recv: the reply is too long') if $size > 65536;
    my $reply = exactly($size);
    $believed = 1;
    print $reply, "\n";
}
close $call;
