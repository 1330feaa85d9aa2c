/*
 * 11 checked-transfer: a server that says what the content adds up to.
 *
 * The lesson: a digest stands for the whole content. Whoever works it out at both ends and compares, knows.
 * New since 10: the file is read through once, before it is offered; its MD5 and SHA-256 are in the header.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* Puts a digest into the header, as hex digits. */
static void describe(json_t *header, const char *key, EVP_MD_CTX *sum)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	if (EVP_DigestFinal_ex(sum, digest, &size) != 1) {
		fprintf(stderr, "server: EVP_DigestFinal_ex: no %s\n", key);
		exit(1);
	}
	for (unsigned i = 0; i < size; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
	if (json_object_set_new(header, key, json_string(hex)) == -1)
		die("json_object_set_new");
}

/* Reads the file to its end, a piece at a time, and writes into the header how long it is and what it adds up to. */
static void read_through(int file, json_t *header)
{
	EVP_MD_CTX *md5 = EVP_MD_CTX_new(), *sha256 = EVP_MD_CTX_new();
	if (md5 == NULL || sha256 == NULL || EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1 ||
	    EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) != 1) {
		fprintf(stderr, "server: EVP_DigestInit_ex: no MD5 or no SHA-256 here\n");
		exit(1);
	}
	static char piece[256 * 1024];
	off_t size = 0;
	ssize_t n;
	while ((n = pread(file, piece, sizeof piece, size)) > 0) {
		/* The n bytes that were read, and not the whole buffer: the last piece is shorter. */
		if (EVP_DigestUpdate(md5, piece, (size_t)n) != 1 || EVP_DigestUpdate(sha256, piece, (size_t)n) != 1) {
			fprintf(stderr, "server: EVP_DigestUpdate: failed\n");
			exit(1);
		}
		size += n;
	}
	if (n == -1)
		die("read");
	if (json_object_set_new(header, "filesize", json_integer(size)) == -1)
		die("json_object_set_new");
	describe(header, "md5", md5);
	describe(header, "sha256", sha256);
	EVP_MD_CTX_free(md5);
	EVP_MD_CTX_free(sha256);
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
	read_through(file, header);

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

		/* What is to come. If the file is not the one any more that we know, it is read again. */
		struct stat now;
		if (fstat(file, &now) == -1)
			die("fstat");
		if (now.st_size != is.st_size || now.st_mtim.tv_sec != is.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != is.st_mtim.tv_nsec) {
			is = now;
			read_through(file, header);
		}
		off_t whole = json_integer_value(json_object_get(header, "filesize"));
		char *text = json_dumps(header, JSON_COMPACT);
		if (text == NULL)
			die("json_dumps");

		/* The header, then the content, piece by piece: however large the file is, we never hold more than one of them.
		   pread() leaves the file's own position alone, so that the next caller gets it from the start as well. */
		off_t next = 0;
		bool told = send_frame(call, text, (uint32_t)strlen(text)) == 0;
		if (!told)
			perror("server: send");
		while (told && next < whole) {
			static char piece[512 * 1024]; /* a large one: each costs two calls, and wakes the caller */
			off_t left = whole - next;     /* what was promised, and no more: the file may have grown */
			ssize_t n = pread(file, piece, left < (off_t)sizeof piece ? (size_t)left : sizeof piece, next);
			if (n == -1 && errno == EINTR)
				continue;
			if (n == -1)
				perror("server: pread");
			if (n == 0)
				fprintf(stderr, "server: pread: the file has become shorter\n");
			if (n <= 0)
				break;
			if (send_all(call, piece, (size_t)n) == -1) {
				perror("server: send"); /* the caller left in the middle: that caller's trouble */
				break;
			}
			next += n;
		}
		free(text);

		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
