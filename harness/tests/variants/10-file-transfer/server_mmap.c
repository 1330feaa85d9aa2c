/*
 * variant: maps the file and sends it out of the map, all with one send_all()
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "", &end, 10);
	if (argc != 3 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server PORT FILE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */
	signal(SIGPIPE, SIG_IGN);         /* if nobody is there, an error will do */

	/* The file. open() takes a directory, too; only the first read would tell, and that is too late. */
	int file = open(argv[2], O_RDONLY);
	struct stat is;
	if (file == -1 || fstat(file, &is) == -1)
		die("open");
	if (!S_ISREG(is.st_mode)) {
		errno = S_ISDIR(is.st_mode) ? EISDIR : EINVAL;
		die("open");
	}

	/* Its name, without the folders that it lies in: those are nobody's business. JSON is always UTF-8. */
	const char *slash = strrchr(argv[2], '/');
	json_t *header = json_pack("{s:s}", "filename", slash != NULL ? slash + 1 : argv[2]);
	if (header == NULL) {
		fprintf(stderr, "server: json_pack: the name is not UTF-8\n");
		return 1;
	}

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* What is left of our last calls need not keep us from the number. */
	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	/* Fit the number. On the wire the big end comes first: htonl() and htons() see to it. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	if (listen(phone, 16) == -1)
		die("listen");

	for (;;) {
		/* Pick up. The phone stays on the wall: the call is a new descriptor. */
		struct sockaddr_in caller;
		socklen_t size = sizeof caller; /* in: the room there is; out: the room it took */
		int call = accept(phone, (struct sockaddr *)&caller, &size);
		if (call == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue; /* gone before we picked up: one caller's trouble, not ours */
		if (call == -1)
			die("accept");
		char from[INET_ADDRSTRLEN];
		if (inet_ntop(AF_INET, &caller.sin_addr, from, sizeof from) == NULL)
			die("inet_ntop");
		printf("call from %s\n", from);

		/* What is to come: the size as it is now, for the file may have grown since the last call. */
		if (fstat(file, &is) == -1)
			die("fstat");
		char *text = NULL;
		if (json_object_set_new(header, "filesize", json_integer(is.st_size)) == 0)
			text = json_dumps(header, JSON_COMPACT);
		if (text == NULL)
			die("json_dumps");

		/* The header, then the content, which is in no memory of ours. */
		bool told = send_frame(call, text, (uint32_t)strlen(text)) == 0;
		if (!told)
			perror("server: send");
		void *content = MAP_FAILED;
		if (told && is.st_size > 0) {
			content = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, file, 0);
			if (content == MAP_FAILED)
				perror("server: mmap");
			else if (send_all(call, content, (size_t)is.st_size) == -1)
				perror("server: send");
		}
		if (content != MAP_FAILED)
			munmap(content, (size_t)is.st_size);
		free(text);

		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
