/*
 * mutant: its key has room in a block of SHA-256, and is cut to it
 * fails: takes_the_bytes_of_the_key_file
 * code: wrong_key
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { CHALLENGE = 32, DIGEST = 32, ANSWER = 2 * DIGEST };

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* The key is every byte of the file, NUL and all, but for one newline at its end: editors leave that there. */
static unsigned char *read_key(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		die("fopen");
	unsigned char *key = NULL;
	size_t n;
	*size = 0;
	do {
		key = realloc(key, *size + 4096);
		if (key == NULL)
			die("realloc");
		n = fread(key + *size, 1, 4096, file);
		*size += n;
	} while (n > 0);
	if (ferror(file))
		die("fread");
	fclose(file);
	if (*size > 0 && key[*size - 1] == '\n')
		--*size;
	if (*size > 64)
		*size = 64;
	if (*size == 0) {
		fprintf(stderr, "server: %s: the key is empty\n", path); /* anybody could guess it */
		exit(1);
	}
	return key;
}

static long long now_ms(void)
{
	struct timespec now; /* since some moment in the past: the time of day may be set while we wait */
	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		die("clock_gettime");
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Is the caller one of us? Asks, and looks at the answer. */
static bool is_one_of_us(int call, const unsigned char *key, size_t key_size, long timeout_ms)
{
	/* One moment for the whole answer. A time for each recv() would begin anew with every byte that trickles in. */
	long long deadline = now_ms() + timeout_ms;

	/* Ask what nobody was asked before: the answer to an old question is worth nothing. */
	unsigned char challenge[CHALLENGE];
	if (getrandom(challenge, sizeof challenge, 0) != sizeof challenge)
		die("getrandom");
	if (send_all(call, challenge, sizeof challenge) == -1)
		return false;

	/* What is the right answer? */
	unsigned char digest[DIGEST];
	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_size, challenge, sizeof challenge, digest,
	              sizeof digest, NULL) == NULL) {
		fprintf(stderr, "server: EVP_Q_mac: no HMAC-SHA256 here\n");
		exit(1);
	}
	char right[ANSWER + 1];
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(right + 2 * i, 3, "%02x", digest[i]);

	/* Listen: until all of it is there, and to nothing behind it. That is the first frame. */
	char answer[ANSWER];
	size_t have = 0;
	while (have < sizeof answer) {
		long long left = deadline - now_ms();
		struct pollfd patience = {.fd = call, .events = POLLIN};
		int ready = left > 0 ? poll(&patience, 1, (int)left) : 0;
		if (ready == -1 && errno == EINTR)
			continue;
		if (ready == -1)
			die("poll");
		if (ready == 0)
			return false; /* too late: others wait */
		ssize_t n = recv(call, answer + have, sizeof answer - have, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}

	/* Every byte is looked at. memcmp() stops at the first wrong one, and how soon it stops tells how many are right. */
	return CRYPTO_memcmp(answer, right, sizeof answer) == 0;
}

int main(int argc, char *argv[])
{
	char *end, *end_of_time;
	long port = strtol(argc > 1 ? argv[1] : "", &end, 10);
	long timeout_ms = strtol(argc > 3 ? argv[3] : "2000", &end_of_time, 10);
	if (argc < 3 || argc > 4 || *end != '\0' || port < 1 || port > 65535 || *end_of_time != '\0' ||
	    timeout_ms < 1 || timeout_ms > INT_MAX) {
		fprintf(stderr, "usage: server PORT KEYFILE [TIMEOUT_MS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	size_t key_size;
	unsigned char *key = read_key(argv[2], &key_size);

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

		/* Whoever is not believed hears no reason either: it would only help to guess. */
		bool believed = is_one_of_us(call, key, key_size, timeout_ms);
		if (!believed)
			fprintf(stderr, "server: refused %s\n", from);

		while (believed) {
			/* Listen. Room for the longest frame there may be: what a caller says of its length takes no more. */
			char heard[FRAME_MAX];
			ssize_t n = recv_frame(call, heard, sizeof heard);
			if (n == -1 && errno != ENODATA)
				perror("server: recv"); /* cut off, or not talking in frames: as good as hung up */
			if (n == -1)
				break;
			fwrite(heard, 1, (size_t)n, stdout);
			putchar('\n');

			/* Speak, in upper-case. (toupper() would ask the locale.) */
			for (ssize_t i = 0; i < n; i++)
				if (heard[i] >= 'a' && heard[i] <= 'z')
					heard[i] = (char)(heard[i] - 'a' + 'A');
			if (send_frame(call, heard, (uint32_t)n) == -1) {
				perror("server: send");
				break;
			}
		}

		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
