/*
 * variant: the terminal's own line editing is switched off, and done by hand; what comes is printed above the line
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static int is_terminal;
static char line[4 + FRAME_MAX + 1] = "say ";
static size_t size = 4;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\r\n", call, strerror(errno));
	exit(1);
}

static void restore(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void show(void)
{
	if (is_terminal)
		printf("\r\033[2K>>: %.*s", (int)size - 4, line + 4);
	fflush(stdout);
}

static void hear(int phone)
{
	static char frame[FRAME_MAX];
	ssize_t n = recv_frame(phone, frame, sizeof frame);
	if (n == -1 && errno == ENODATA) {
		fprintf(stderr, "client: recv: server hung up\n");
		exit(1);
	}
	if (n == -1)
		die("recv");
	char *bar = memchr(frame, '|', (size_t)n);
	if (bar == NULL)
		return;
	if (is_terminal)
		fputs("\033[1G\033[K", stdout);
	fwrite(frame, 1, (size_t)(bar - frame), stdout);
	fputs(": ", stdout);
	fwrite(bar + 1, 1, (size_t)(frame + n - bar - 1), stdout);
	fputs(is_terminal ? "\r\n" : "\n", stdout);
	show();
}

static void key(int phone, char c)
{
	if (c == '\r' || c == '\n') {
		if (send_frame(phone, line, (uint32_t)size) == -1)
			die("send");
		if (is_terminal)
			fputs("\r\n", stdout);
		size = 4;
	} else if (c == 127 || c == '\b') {
		while (size > 4 && (line[--size] & 0xc0) == 0x80)
			;
	} else if (c == 4) {
		exit(0);
	} else if (size < sizeof line) {
		line[size++] = c;
	}
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
	is_terminal = isatty(STDIN_FILENO);
	if (is_terminal && tcgetattr(STDIN_FILENO, &before) == 0) {
		struct termios raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_iflag &= ~(tcflag_t)ICRNL;
		atexit(restore);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	show();
	for (;;) {
		struct pollfd both[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = phone, .events = POLLIN}};
		if (poll(both, 2, -1) == -1 && errno != EINTR)
			die("poll");
		if (both[1].revents != 0)
			hear(phone);
		if (both[0].revents != 0) {
			char keys[256];
			ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
			if (n <= 0)
				return 0;
			for (ssize_t i = 0; i < n; i++)
				key(phone, keys[i]);
			show();
		}
	}
}
