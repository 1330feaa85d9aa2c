/* variant: select() in place of poll(), and a table that is as long as select() can see */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static struct call {
	size_t have, sent, size; /* of the frame; of its answer, size being 0 as long as there is none */
	unsigned char *frame;
} calls[FD_SETSIZE];

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

static void hang_up(int fd)
{
	free(calls[fd].frame);
	calls[fd] = (struct call){0};
	close(fd);
}

/* One frame at a time: first its header, then its payload. */
static void listen_to(int fd)
{
	struct call *c = &calls[fd];
	uint32_t size = 0;
	if (c->have >= 4) {
		memcpy(&size, c->frame, 4);
		size = ntohl(size);
	}
	ssize_t n = recv(fd, c->frame + c->have, (c->have < 4 ? 4 : 4 + size) - c->have, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(fd);
		return;
	}
	c->have += (size_t)n;
	if (c->have < 4)
		return;
	memcpy(&size, c->frame, 4);
	size = ntohl(size);
	if (size > FRAME_MAX) {
		hang_up(fd);
		return;
	}
	if (c->have < 4 + size)
		return;
	fwrite(c->frame + 4, 1, size, stdout);
	putchar('\n');
	fflush(stdout);
	for (uint32_t i = 4; i < 4 + size; i++)
		if (c->frame[i] >= 'a' && c->frame[i] <= 'z')
			c->frame[i] = (unsigned char)(c->frame[i] - 32);
	c->size = 4 + size;
	c->sent = c->have = 0;
}

static void speak_to(int fd)
{
	struct call *c = &calls[fd];
	ssize_t n = send(fd, c->frame + c->sent, c->size - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1) {
		hang_up(fd);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == c->size)
		c->sent = c->size = 0;
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server_poll [PORT]\n");
		return 2;
	}
	int phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
	struct sockaddr_in number = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (phone == -1 || setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("socket");
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, SOMAXCONN) == -1)
		die("listen");
	for (;;) {
		fd_set readable, writable;
		FD_ZERO(&readable);
		FD_ZERO(&writable);
		FD_SET(phone, &readable);
		int most = phone;
		for (int fd = 0; fd < FD_SETSIZE; fd++) {
			if (calls[fd].frame == NULL)
				continue;
			FD_SET(fd, calls[fd].size > 0 ? &writable : &readable);
			most = fd > most ? fd : most;
		}
		if (select(most + 1, &readable, &writable, NULL, NULL) == -1 && errno != EINTR)
			die("select");
		for (int fd = 0; fd <= most; fd++) {
			if (fd != phone && FD_ISSET(fd, &readable))
				listen_to(fd);
			else if (FD_ISSET(fd, &writable))
				speak_to(fd);
		}
		if (!FD_ISSET(phone, &readable))
			continue;
		int call = accept(phone, NULL, NULL);
		if (call == -1 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			die("accept");
		if (call >= FD_SETSIZE)
			close(call);
		else if (call != -1 && (calls[call].frame = malloc(4 + FRAME_MAX)) == NULL)
			die("malloc");
	}
}
