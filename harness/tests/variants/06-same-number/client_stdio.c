/* variant: stdio streams on the call: fputs and fflush to say, an unbuffered getc to hear */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
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
	signal(SIGPIPE, SIG_IGN);

	/* Two streams on one call. What is read is not buffered: a stream would wait for more than one reply. */
	FILE *mouth = fdopen(dup(call), "w");
	FILE *ear = fdopen(call, "r");
	if (mouth == NULL || ear == NULL)
		die("fdopen");
	setvbuf(ear, NULL, _IONBF, 0);

	char *line = NULL;
	size_t room = 0;
	for (;;) {
		fputs(">>: ", stdout);
		fflush(stdout);
		if (getline(&line, &room, stdin) == -1)
			break;
		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " ")] == '\0')
			continue;

		if (fputs(line, mouth) == EOF || fflush(mouth) == EOF)
			die("send");

		int first = getc(ear);
		if (first == EOF && ferror(ear))
			die("recv");
		if (first == EOF) {
			fprintf(stderr, "client: recv: server hung up\n");
			exit(1);
		}
		putchar(first);

		int more; /* a reply comes in one piece: the rest of it is there */
		if (ioctl(call, FIONREAD, &more) == -1)
			die("ioctl");
		while (more-- > 0)
			putchar(getc(ear));
		putchar('\n');
		fflush(stdout);
	}
	free(line);

	fclose(mouth);
	fclose(ear);
	return 0;
}
