/* variant: four threads, each with an accept loop of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
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

static void *answer_the_phone(void *argument)
{
	int phone = *(int *)argument;
	for (;;) {
		int call = accept(phone, NULL, NULL);
		if (call == -1)
			die("accept");

		char heard[1024];
		ssize_t n;
		while ((n = recv(call, heard, sizeof heard, 0)) > 0) {
			flockfile(stdout);
			fwrite(heard, 1, n, stdout);
			putchar('\n');
			fflush(stdout);
			funlockfile(stdout);

			for (ssize_t i = 0; i < n; i++)
				if (heard[i] >= 'a' && heard[i] <= 'z')
					heard[i] -= 'a' - 'A';
			if (send(call, heard, n, MSG_NOSIGNAL) == -1)
				break; /* gone before the answer */
		}
		if (n == -1)
			perror("server: recv"); /* one caller's trouble: serve the next */
		close(call);
	}
	return NULL;
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

	pthread_t crew[4];
	for (int i = 0; i < 4; i++) {
		int error = pthread_create(&crew[i], NULL, answer_the_phone, &phone);
		if (error != 0) {
			fprintf(stderr, "server: pthread_create: %s\n", strerror(error));
			exit(1);
		}
	}
	for (int i = 0; i < 4; i++)
		pthread_join(crew[i], NULL);
	return 0;
}
