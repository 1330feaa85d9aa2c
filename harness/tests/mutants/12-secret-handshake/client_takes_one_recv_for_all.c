/*
 * mutant: asks recv() once for the challenge, and hashes what it gave
 * fails: takes_all_in_any_pieces
 * code: depends_on_arrival
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <readline/history.h>
#include <readline/readline.h>

enum { CHALLENGE = 32, DIGEST = 32, ANSWER = 2 * DIGEST };

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* The call has failed. Whoever is hung up on before a word was said was not believed; it is told no more than that. */
static _Noreturn void lost(const char *call, bool believed)
{
	if (!believed && (errno == ENODATA || errno == ECONNRESET || errno == EPIPE)) {
		fprintf(stderr, "client: refused\n");
		exit(1);
	}
	if (errno == ENODATA) {
		fprintf(stderr, "client: %s: server hung up\n", call);
		exit(1);
	}
	die(call);
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
	if (*size == 0) {
		fprintf(stderr, "client: %s: the key is empty\n", path); /* anybody could guess it */
		exit(1);
	}
	return key;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *end;
	long port = strtol(argc > 2 ? argv[2] : "", &end, 10);
	if (argc != 4 || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, argv[1], &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client HOST PORT KEYFILE, HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	size_t key_size;
	unsigned char *key = read_key(argv[3], &key_size);

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It returns once the other phone has been reached, picked up or not. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	/* Hear the question: all of it, in however many pieces. It is 32 bytes and no string, a NUL may be among them. */
	unsigned char challenge[CHALLENGE];
	ssize_t heard = recv(phone, challenge, sizeof challenge, 0);
	if (heard == 0)
		errno = ENODATA;
	if (heard <= 0)
		lost("recv", false);

	/* Answer it. Only who has the key can, and the answer does not give the key away. */
	unsigned char digest[DIGEST];
	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_size, challenge, (size_t)heard, digest,
	              sizeof digest, NULL) == NULL) {
		fprintf(stderr, "client: EVP_Q_mac: no HMAC-SHA256 here\n");
		return 1;
	}
	free(key);
	char answer[ANSWER + 1];
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(answer + 2 * i, 3, "%02x", digest[i]);
	if (send_all(phone, answer, ANSWER) == -1) /* without the '\0' behind it */
		lost("send", false);

	char *line;
	bool believed = false;        /* nobody says so: the first reply shows it */
	rl_bind_key('\t', rl_insert); /* Tab is a character here: no file names to complete */
	while ((line = readline(">>: ")) != NULL) {
		if (*line != '\0')
			add_history(line);

		/* Speak. A line with nothing in it is a message like any other; one that is too long is an error. */
		if (send_frame(phone, line, (uint32_t)strlen(line)) == -1)
			lost("send", believed);
		free(line);

		/* Listen. */
		char reply[FRAME_MAX];
		ssize_t n = recv_frame(phone, reply, sizeof reply);
		if (n == -1)
			lost("recv", believed);
		believed = true;
		fwrite(reply, 1, (size_t)n, stdout);
		putchar('\n');
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
