/*
 * variant: readline() itself, and a thread that listens; with readline's own lines it saves and restores what is typed
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static int phone;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	_exit(1);
}

static void *hear(void *unused)
{
	static char frame[FRAME_MAX];
	ssize_t n;
	(void)unused;
	while ((n = recv_frame(phone, frame, sizeof frame)) >= 0) {
		char *bar = memchr(frame, '|', (size_t)n);
		if (bar == NULL)
			continue;
		printf("\r\033[K%.*s: ", (int)(bar - frame), frame);
		fwrite(bar + 1, 1, (size_t)(frame + n - bar - 1), stdout);
		printf("\n>>: %s", rl_line_buffer != NULL ? rl_line_buffer : "");
		fflush(stdout);
	}
	if (errno != ENODATA && errno != ECONNRESET)
		die("recv");
	fprintf(stderr, "client: recv: server hung up\n");
	_exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *end = "";
	long port = argc == 4 ? strtol(argv[2], &end, 10) : 0;
	if (argc != 4 || *end != '\0' || port < 1 || port > 65535 || inet_aton(argv[1], &number.sin_addr) == 0) {
		fprintf(stderr, "usage: client HOST PORT NAME\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);
	phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");
	if (send_frame(phone, argv[3], (uint32_t)strlen(argv[3])) == -1)
		die("send");
	pthread_t listener;
	if (pthread_create(&listener, NULL, hear, NULL) != 0)
		die("pthread_create");
	for (char *line; (line = readline(">>: ")) != NULL; free(line)) {
		char said[FRAME_MAX + 1];
		int size = snprintf(said, sizeof said, "say %s", line);
		add_history(line);
		if (send_frame(phone, said, (uint32_t)size) == -1)
			die("send");
	}
	return 0;
}
