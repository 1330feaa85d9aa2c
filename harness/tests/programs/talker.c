/*
 * talker.c: servers and clients, right and wrong ones, for the tests of the peer's verbs.
 *
 *	talker server WAY PORT
 *	talker client WAY HOST PORT
 *
 * What is wrong with each is in its name.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *way;
static char heard[2048]; /* the last message, and what is left of longer ones before */
static size_t most;

static bool is(const char *name)
{
	return strcmp(way, name) == 0;
}

static void transmit(int call, const void *bytes, size_t size)
{
	if (send(call, bytes, size, 0) == -1)
		perror("talker: send");
}

/* What is sent for a message of n bytes; sets the size. */
static const char *made_of(size_t *n)
{
	static char reply[2048];
	size_t size = *n;

	memset(reply, 0, sizeof reply);
	for (size_t i = 0; i < sizeof reply; i++)
		reply[i] = heard[i] >= 'a' && heard[i] <= 'z' ? (char)(heard[i] - 32) : heard[i];
	most = size > most ? size : most;
	if (is("keeps_letters_small"))
		memcpy(reply, heard, size);
	else if (is("clears_the_high_bit"))
		for (size_t i = 0; i < size; i++)
			reply[i] &= 0x7f;
	else if (is("stops_at_nul"))
		*n = strlen(reply);
	else if (is("says_three_bytes"))
		*n = 3;
	else if (is("adds_a_nul"))
		reply[(*n)++] = '\0';
	else if (is("adds_a_newline"))
		reply[(*n)++] = '\n';
	else if (is("sends_the_whole_buffer"))
		memset(reply + size, 0, 64), *n = 64;
	else if (is("sends_what_was_left"))
		*n = most;
	else if (is("says_another_thing"))
		strcpy(reply, "WRONG"), *n = 5;
	return reply;
}

/* One message of n bytes has come. False: this caller is served. */
static bool answers(int call, ssize_t n)
{
	size_t size = (size_t)n;

	if (is("tells_sizes")) {
		printf("%zd\n", n);
		fflush(stdout);
		return true;
	}
	if (is("never_answers"))
		return true;
	if (is("hangs_up"))
		return false;
	if (is("says_why_and_hangs_up")) {
		transmit(call, "go away", 7);
		return false;
	}
	if (is("exits"))
		exit(0);
	if (is("crashes"))
		*(volatile int *)NULL = 1;
	while (is("prints_for_ever"))
		puts("hello hello hello hello hello hello hello hello");
	if (is("sends_letter_by_letter")) {
		for (ssize_t i = 0; i < n; i++)
			transmit(call, "H", 1);
		return true;
	}
	const char *reply = made_of(&size);
	transmit(call, reply, size);
	return true;
}

static void serve(int call)
{
	static char page[65536];
	ssize_t n;

	if (is("speaks_first"))
		transmit(call, "hello?", 6);
	while (is("pours"))
		transmit(call, page, sizeof page);
	do {
		n = recv(call, heard, sizeof heard, 0);
		if (n > 0 && !answers(call, n))
			break;
	} while (n > 0 || (is("spins") && n == 0));
	if (is("tells_sizes"))
		puts(n == -1 ? strerror(errno) : "end");
	fflush(stdout);
	while (is("never_hangs_up"))
		pause();
	close(call);
}

static int server(const char *port)
{
	in_port_t number = (in_port_t)atoi(port);
	int phone = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	while (is("never_listens"))
		pause();
	if (is("exits_at_once"))
		return 3;
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = is("swaps_the_port") ? number : htons(number),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (is("listens_elsewhere"))
		address.sin_port = 0;
	setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(phone, (struct sockaddr *)&address, sizeof address) == -1 || listen(phone, 16) == -1) {
		perror("talker: bind");
		return 1;
	}
	for (;;) {
		int call = accept(phone, NULL, NULL);
		if (call != -1)
			serve(call);
	}
}

static int client(const char *host, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))};
	int call = socket(AF_INET, SOCK_STREAM, 0);
	char reply[64];
	size_t size = 5;

	inet_pton(AF_INET, host, &address.sin_addr);
	while (is("never_calls"))
		pause();
	if (is("ends_without_a_call"))
		return 0;
	if (connect(call, (struct sockaddr *)&address, sizeof address) == -1) {
		perror("talker: connect");
		return 1;
	}
	if (is("hangs_up_at_once"))
		return 0;
	strcpy(heard, "hello");
	const char *message = made_of(&size);
	if (!is("says_nothing"))
		transmit(call, is("says_another_thing") ? message : heard, size);
	ssize_t n = recv(call, reply, sizeof reply, 0);
	if (n == 0)
		puts("end");
	else if (n == -1)
		puts(strerror(errno));
	else
		printf("%.*s\n", (int)n, reply);
	fflush(stdout);
	while (is("never_ends"))
		pause();
	return is("ends_with_7") ? 7 : 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 99;
	way = argv[2];
	return strcmp(argv[1], "server") == 0 ? server(argv[3]) : client(argv[3], argc > 4 ? argv[4] : "9000");
}
