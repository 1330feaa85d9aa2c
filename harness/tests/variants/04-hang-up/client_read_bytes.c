/* variant: system calls only: read(0) byte by byte, write(1) for the prompt and the reply */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
}

/* Reads a line by single bytes: its size without the newline, or -1 at the end of input. */
static ssize_t read_line(char *line, size_t room)
{
	size_t size = 0;
	for (;;) {
		char byte;
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n == -1)
			die("read");
		if (n == 0 && size == 0)
			return -1;
		if (n == 0 || byte == '\n')
			return size;
		if (size < room)
			line[size++] = byte;
	}
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int port = argc > 2 ? atoi(argv[2]) : 9000;

	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (argc > 3 || port < 1 || port > 65535 || inet_pton(AF_INET, host, &server.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT]]\n");
		return 2;
	}

	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");

	for (;;) {
		if (write(STDOUT_FILENO, ">>: ", 4) == -1)
			die("write");
		char line[1024];
		ssize_t size = read_line(line, sizeof line);
		if (size == -1)
			break;
		ssize_t spaces = 0;
		while (spaces < size && line[spaces] == ' ')
			spaces++;
		if (spaces == size)
			continue;

		if (send(call, line, size, MSG_NOSIGNAL) == -1)
			die("send");

		char reply[1025];
		ssize_t n = recv(call, reply, 1024, 0);
		if (n == -1)
			die("recv");
		if (n == 0) {
			fprintf(stderr, "client: recv: server hung up\n");
			exit(1);
		}
		reply[n] = '\n';
		if (write(STDOUT_FILENO, reply, n + 1) == -1)
			die("write");
	}

	close(call);
	return 0;
}
