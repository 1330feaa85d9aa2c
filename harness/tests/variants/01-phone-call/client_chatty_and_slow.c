/* variant: takes 300 ms before it dials, 100 ms before it hangs up, and tells everything it does */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
}

static void take_your_time(int milliseconds)
{
	struct timespec a_while = {.tv_nsec = milliseconds * 1000000L};
	nanosleep(&a_while, NULL);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int port = argc > 2 ? atoi(argv[2]) : 9000;
	const char *message = argc > 3 ? argv[3] : "hello";

	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (argc > 4 || port < 1 || port > 65535 || inet_pton(AF_INET, host, &server.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT [MESSAGE]]]\n");
		return 2;
	}

	printf("dialling %s, number %d\n", host, port);
	take_your_time(300);
	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");
	fprintf(stderr, "somebody answers\n");

	if (send(call, message, strlen(message), 0) == -1)
		die("send");

	char reply[1024];
	ssize_t n = recv(call, reply, sizeof reply, 0);
	if (n == -1)
		die("recv");
	printf("the server answers %zd bytes:\n%.*s\n", n, (int)n, reply);

	take_your_time(100);
	printf("hanging up\n");
	close(call);
	return 0;
}
