/* variant: a second thread has the call, the first waits for it to end */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
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

struct call {
	struct sockaddr_in server;
	const char *message;
	char reply[1024];
	ssize_t size;
};

static void *have_the_call(void *argument)
{
	struct call *it = argument;
	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&it->server, sizeof it->server) == -1)
		die("connect");
	if (send(call, it->message, strlen(it->message), 0) == -1)
		die("send");
	it->size = recv(call, it->reply, sizeof it->reply, 0);
	if (it->size == -1)
		die("recv");
	close(call);
	return NULL;
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

	struct call it = {.server = server, .message = message};
	pthread_t caller;
	if ((errno = pthread_create(&caller, NULL, have_the_call, &it)) != 0)
		die("pthread_create");
	pthread_join(caller, NULL);
	printf("%.*s\n", (int)it.size, it.reply);
	return 0;
}
