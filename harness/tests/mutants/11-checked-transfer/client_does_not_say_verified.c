/*
 * mutant: does not say that all is well
 * fails: says_that_it_is_verified
 * code: does_not_print
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
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

static const char *unfinished; /* the name of the file that is being written, while there is one */

static _Noreturn void give_up(const char *call, const char *reason)
{
	fprintf(stderr, "%sclient: %s: %s\n", unfinished != NULL && isatty(STDOUT_FILENO) ? "\n" : "", call, reason);
	if (unfinished != NULL)
		unlink(unfinished);
	exit(1);
}

static _Noreturn void die(const char *call)
{
	give_up(call, strerror(errno));
}

/* At a terminal, a bar that grows: drawn anew only where it would look different. */
static void show_progress(json_int_t done, json_int_t whole)
{
	static const char full[] = "##################################################";
	static int shown = -1;
	int percent = whole == 0 ? 100 : (int)((double)done / (double)whole * 100);
	if (percent == shown)
		return;
	shown = percent;
	if (!isatty(STDOUT_FILENO))
		return;
	printf("\r[%-50.*s] %3d%%%s", percent / 2, full, percent, done == whole ? "\n" : "");
	fflush(stdout);
}

/* A sum that nothing has been added to yet. */
static EVP_MD_CTX *begin(const EVP_MD *kind)
{
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	if (sum == NULL || EVP_DigestInit_ex(sum, kind, NULL) != 1)
		give_up("EVP_DigestInit_ex", "no such digest here");
	return sum;
}

/* Ends the sum, and compares it with the hex digits of the header. */
static bool agrees(EVP_MD_CTX *sum, const char *expected)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;
	char hex[2 * EVP_MAX_MD_SIZE + 1]; /* two digits a byte, and the NUL behind them */
	if (EVP_DigestFinal_ex(sum, digest, &size) != 1)
		give_up("EVP_DigestFinal_ex", "failed");
	for (unsigned i = 0; i < size; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
	EVP_MD_CTX_free(sum);
	return strcmp(hex, expected) == 0;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *end;
	long port = strtol(argc > 2 ? argv[2] : "9000", &end, 10);
	if (argc > 4 || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT [DIR]]], HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	/* Go there: from now on, a name without a slash is a file in DIR. */
	if (chdir(argc > 3 ? argv[3] : ".") == -1)
		die("chdir");

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It returns once the other phone has been reached, picked up or not. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	/* The header. jansson takes no text that is not UTF-8, and no string with a NUL in it. */
	char text[FRAME_MAX];
	ssize_t n = recv_frame(phone, text, sizeof text);
	if (n == -1 && errno == ENODATA)
		give_up("recv", "server hung up");
	if (n == -1)
		die("recv");
	json_t *header = json_loadb(text, (size_t)n, 0, NULL);
	const char *name = json_string_value(json_object_get(header, "filename"));
	json_t *filesize = json_object_get(header, "filesize");
	const char *md5 = json_string_value(json_object_get(header, "md5"));
	json_t *sha256 = json_object_get(header, "sha256"); /* may be missing, but not be something else */
	if (name == NULL || !json_is_integer(filesize) || md5 == NULL || (sha256 != NULL && !json_is_string(sha256)))
		give_up("header", "not an object with a filename, a filesize and an md5");

	/* The name shall be that of a file in this folder: no way out of it, and not the folder itself. */
	if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		give_up("header", "no name for a file");
	json_int_t size = json_integer_value(filesize), done = 0;
	if (size < 0)
		give_up("header", "no size for a file");

	/* A file of ours that nobody else has: the name itself may stand for an older file, and shall until all is well. */
	char ours[40];
	snprintf(ours, sizeof ours, ".unfinished-%ld", (long)getpid());
	int file = open(ours, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (file == -1)
		die("open");
	unfinished = ours; /* from here on, who gives up removes it */

	EVP_MD_CTX *md5_sum = begin(EVP_md5()), *sha256_sum = sha256 != NULL ? begin(EVP_sha256()) : NULL;

	/* The content: whatever comes goes into the file at once, so the memory for one piece is all that it takes. */
	show_progress(done, size);
	while (done < size) {
		static char piece[1024 * 1024];
		size_t left = size - done < (json_int_t)sizeof piece ? (size_t)(size - done) : sizeof piece;
		n = recv(phone, piece, left, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			die("recv");
		if (n == 0)
			give_up("recv", "server hung up before the end of the file");
		if (EVP_DigestUpdate(md5_sum, piece, (size_t)n) != 1 ||
		    (sha256 != NULL && EVP_DigestUpdate(sha256_sum, piece, (size_t)n) != 1))
			give_up("EVP_DigestUpdate", "failed");
		for (ssize_t written = 0; written < n;) {
			ssize_t w = write(file, piece + written, (size_t)(n - written));
			if (w == -1)
				die("write");
			written += w; /* a disk that is almost full takes a part; the next write() tells */
		}
		done += n;
		show_progress(done, size);
	}

	/* Whole. And is it what the server has? */
	if (!agrees(md5_sum, md5) || (sha256 != NULL && !agrees(sha256_sum, json_string_value(sha256))))
		give_up(name, "verification failed");

	/* It gets its name in one step: at any moment there is the older file or the new one, never a half. */
	if (close(file) == -1) /* some file systems tell only now that the disk is full */
		die("close");
	if (rename(ours, name) == -1)
		die("rename");
	unfinished = NULL;
	printf("%s: %lld bytes\n", name, (long long)size);
	json_decref(header);

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
