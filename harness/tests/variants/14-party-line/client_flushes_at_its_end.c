/*
 * variant: in a pipe what it prints comes out when it ends
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static int phone;
static bool input_ended;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* readline calls this when Enter has been pressed; at the end of input there is no line. */
static void typed(char *line)
{
	if (line == NULL) {
		input_ended = true;
		rl_callback_handler_remove(); /* or it would ask once more */
		return;
	}
	if (*line != '\0')
		add_history(line);
	char say[FRAME_MAX + 1];
	int size = snprintf(say, sizeof say, "say %s", line);
	if (send_frame(phone, say, (uint32_t)size) == -1) /* a line that did not fit is too long for a frame as well */
		die("send");
	free(line);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *end = "";
	long port = argc == 4 ? strtol(argv[2], &end, 10) : 0;
	if (argc != 4 || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, argv[1], &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client HOST PORT NAME, HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	/* Buy a phone. */
	phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It returns once the other phone has been reached, picked up or not. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	/* Say who calls. Whether the name will do, the relay tells only by hanging up. */
	if (send_frame(phone, argv[3], (uint32_t)strlen(argv[3])) == -1)
		die("send");

	/* Nobody is typing? Then nobody wants to be asked, nor to see the echo. */
	if (!isatty(STDIN_FILENO) && (rl_outstream = fopen("/dev/null", "w")) == NULL)
		die("fopen");
	rl_bind_key('\t', rl_insert);      /* Tab is a character here: no file names to complete */
	rl_persistent_signal_handlers = 1; /* Ctrl-C in poll() must leave the terminal as it was, too */
	rl_callback_handler_install(">>: ", typed);
	atexit(rl_callback_handler_remove); /* and so must everything else that ends us */

	/* What has come of a frame that is not whole yet. */
	static char in[sizeof(uint32_t) + FRAME_MAX];
	size_t have = 0;
	while (!input_ended) {
		/* Wait, for either: this is the only place. */
		struct pollfd either[] = {{.fd = phone, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
		if (poll(either, 2, -1) == -1) {
			if (errno != EINTR)
				die("poll");
			rl_check_signals();
			continue;
		}

		if (either[0].revents != 0) {
			/* Take what there is. recv_frame() would wait for the rest of a frame, with the keyboard dead. */
			ssize_t n = recv(phone, in + have, sizeof in - have, 0);
			rl_clear_visible_line(); /* the line being typed steps aside; readline still knows it */
			fflush(rl_outstream);
			if (n == -1)
				die("recv");
			if (n == 0) {
				fprintf(stderr, "client: recv: server hung up\n");
				return 1;
			}
			have += (size_t)n;

			/* Print every frame that is whole. */
			uint32_t size;
			size_t at = 0;
			for (; have - at >= sizeof size; at += sizeof size + size) {
				memcpy(&size, in + at, sizeof size);
				size = ntohl(size);
				if (size > FRAME_MAX) {
					errno = EMSGSIZE;
					die("recv");
				}
				if (have - at < sizeof size + size)
					break;
				const char *from = in + at + sizeof size, *bar = memchr(from, '|', size);
				if (bar == NULL)
					continue; /* not from a relay */
				fwrite(from, 1, (size_t)(bar - from), stdout);
				fputs(": ", stdout);
				fwrite(bar + 1, 1, (size_t)(from + size - bar - 1), stdout);
				putchar('\n');
			}
			have -= at;
			memmove(in, in + at, have); /* the start of the next one */
			if (isatty(STDOUT_FILENO))
				fflush(stdout);
			rl_on_new_line(); /* and back it comes, below what was printed */
			rl_redisplay();
		}

		/* One key, or one byte of it. It calls typed() if that makes a line. */
		if (either[1].revents != 0)
			rl_callback_read_char();
	}

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
