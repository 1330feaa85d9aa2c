/* variant: a second thread listens and prints; the first asks again once it has */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int call;
static sem_t answered; /* one reply has been printed */

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	fflush(stdout);
	_exit(1); /* from either thread, whatever the other is doing */
}

/* Cuts the white space around a line. */
static char *strip(char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	size_t size = strlen(line);
	while (size > 0 && isspace((unsigned char)line[size - 1]))
		size--;
	line[size] = '\0';
	return line;
}

/* The listener: prints what comes in, a reply a line. */
static void *listen_to_the_server(void *nothing)
{
	for (;;) {
		char reply[1024];
		ssize_t n = recv(call, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		if (n == 0) {
			fprintf(stderr, "client: recv: server hung up\n");
			fflush(stdout);
			_exit(1);
		}
		printf("%.*s\n", (int)n, reply);
		fflush(stdout);
		sem_post(&answered);
	}
	return nothing;
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

	call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");

	pthread_t listener;
	sem_init(&answered, 0, 0);
	if ((errno = pthread_create(&listener, NULL, listen_to_the_server, NULL)) != 0)
		die("pthread_create");
	pthread_detach(listener);

	char line[4096];
	for (;;) {
		fputs(">>: ", stdout);
		fflush(stdout);
		if (fgets(line, sizeof line, stdin) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		char *words = strip(line);
		if (*words == '\0')
			continue;

		if (send(call, words, strlen(words), 0) == -1)
			die("send");
		sem_wait(&answered);
	}

	return 0; /* the kernel hangs up, and ends the listener */
}
