/*
 * mutant: terminates a message that fills the buffer: one byte is written past its end.
 * fails: is_clean_under_sanitizers
 * code: memory_error undefined_behaviour
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	long port = argc > 1 ? strtol(argv[1], NULL, 10) : 9000;
	if (argc > 2 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		exit(2);
	}

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	struct sockaddr_in number = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 5) == -1)
		die("listen");

	struct sockaddr_in caller;
	socklen_t size = sizeof caller;
	int call = accept(phone, (struct sockaddr *)&caller, &size);
	if (call == -1)
		die("accept");
	printf("call from %s\n", inet_ntoa(caller.sin_addr));
	fflush(stdout);

	char heard[1024];
	ssize_t n;
	while ((n = recv(call, heard, sizeof heard, 0)) > 0) {
		heard[n] = '\0';
		fwrite(heard, 1, n, stdout);
		putchar('\n');
		fflush(stdout);

		for (ssize_t i = 0; i < n; i++)
			if (heard[i] >= 'a' && heard[i] <= 'z')
				heard[i] -= 'a' - 'A';
		if (send(call, heard, n, 0) == -1)
			die("send");
	}
	if (n == -1)
		die("recv");

	close(call);
	close(phone);
	return 0;
}
