/*
 * variant: select(), and whole lines from the terminal; what comes is printed below the half-typed line
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static char typed[4 + FRAME_MAX + 1] = "say ";
static size_t have = 4;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	exit(1);
}

static void print_frame(int phone)
{
	static char frame[FRAME_MAX];
	ssize_t n = recv_frame(phone, frame, sizeof frame);
	if (n == -1 && errno == ENODATA) {
		fprintf(stderr, "\nclient: recv: server hung up\n");
		exit(1);
	}
	if (n == -1)
		die("recv");
	char *bar = memchr(frame, '|', (size_t)n);
	if (bar == NULL)
		return;
	printf("\n%.*s: ", (int)(bar - frame), frame);
	fwrite(bar + 1, 1, (size_t)(frame + n - bar - 1), stdout);
	printf("\n>>: ");
	fflush(stdout);
}

/* False at the end of input. */
static int read_keys(int phone)
{
	ssize_t n = read(STDIN_FILENO, typed + have, sizeof typed - 1 - have);
	if (n == -1)
		die("read");
	have += (size_t)n;
	typed[have] = '\0';
	for (char *end; (end = strchr(typed, '\n')) != NULL;) {
		if (send_frame(phone, typed, (uint32_t)(end - typed)) == -1)
			die("send");
		have -= (size_t)(end + 1 - typed) - 4;
		memmove(typed + 4, end + 1, have - 4 + 1);
		printf(">>: ");
		fflush(stdout);
	}
	return n > 0;
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
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");
	if (send_frame(phone, argv[3], (uint32_t)strlen(argv[3])) == -1)
		die("send");
	printf(">>: ");
	fflush(stdout);
	for (;;) {
		fd_set ready;
		FD_ZERO(&ready);
		FD_SET(phone, &ready);
		FD_SET(STDIN_FILENO, &ready);
		if (select(phone + 1, &ready, NULL, NULL, NULL) == -1)
			die("select");
		if (FD_ISSET(phone, &ready))
			print_frame(phone);
		if (FD_ISSET(STDIN_FILENO, &ready) && !read_keys(phone))
			return 0;
	}
}
