/*
 * courier.c: servers of datagrams, frames and paths, right and wrong ones, for the tests of the peer's verbs.
 *
 *	courier udp WAY PORT
 *	courier frames WAY PORT
 *	courier path WAY PATH
 *	courier files WAY
 *
 * What is wrong with each is in its name. All but the last say "up" when they can be written to.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *way;
static unsigned char bytes[70000];

static bool is(const char *name)
{
	return strcmp(way, name) == 0;
}

static void up(void)
{
	puts("up");
	fflush(stdout);
}

static void raise_letters(unsigned char *at, ssize_t n)
{
	for (ssize_t i = 0; i < n && !is("keeps_letters_small"); i++)
		if (at[i] >= 'a' && at[i] <= 'z')
			at[i] -= 32;
}

static struct sockaddr_in number(const char *port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int udp(const char *port)
{
	struct sockaddr_in here = number(port), from;
	int box = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(box, (struct sockaddr *)&here, sizeof here) == -1)
		return 1;
	for (up();;) {
		socklen_t size = sizeof from;
		ssize_t n =
		    recvfrom(box, bytes, is("truncates") ? 3 : sizeof bytes, 0, (struct sockaddr *)&from, &size);
		raise_letters(bytes, n);
		if (is("never_answers"))
			continue;
		if (is("adds_a_nul"))
			bytes[n++] = 0;
		sendto(is("answers_from_elsewhere") ? other : box, bytes, (size_t)n, 0, (struct sockaddr *)&from, size);
		if (is("answers_twice"))
			sendto(box, bytes, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
}

static bool whole(int call, void *to, size_t size)
{
	if (is("one_recv_is_all"))
		return recv(call, to, size, 0) > 0 || size == 0;
	/* To ask for 0 bytes would wait for one. */
	return size == 0 || recv(call, to, size, MSG_WAITALL) == (ssize_t)size;
}

static void answer_frames(int call)
{
	uint32_t header, length;
	while (whole(call, &header, sizeof header)) {
		length = ntohl(header);
		if (length > 65536 || !whole(call, bytes, length))
			break;
		raise_letters(bytes, length);
		if (is("counts_itself"))
			header = htonl(length + 4);
		if (is("little_endian"))
			header = length;
		if (is("lies"))
			header = htonl(length + 1);
		if (!is("sends_no_length"))
			send(call, &header, sizeof header, MSG_MORE | MSG_NOSIGNAL);
		send(call, bytes, length, MSG_NOSIGNAL);
	}
}

static int frames(const char *port)
{
	struct sockaddr_in here = number(port);
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(phone, (struct sockaddr *)&here, sizeof here) == -1 || listen(phone, 16) == -1)
		return 1;
	for (up();;) {
		int call = accept(phone, NULL, NULL);
		answer_frames(call);
		close(call);
	}
}

/* Tells who calls, and how many bytes each recv() gave. */
static int path(const char *name)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	int phone = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(here.sun_path, sizeof here.sun_path, "%s", name);
	if (bind(phone, (struct sockaddr *)&here, sizeof here) == -1 || listen(phone, 16) == -1)
		return 1;
	for (up();;) {
		int call = accept(phone, NULL, NULL);
		struct ucred who = {0};
		socklen_t size = sizeof who;
		getsockopt(call, SOL_SOCKET, SO_PEERCRED, &who, &size);
		printf("pid %d, %s\n", who.pid, who.uid == geteuid() ? "my uid" : "another uid");
		for (ssize_t n; (n = recv(call, bytes, sizeof bytes, 0)) > 0;) {
			printf("%zd\n", n);
			raise_letters(bytes, n);
			send(call, bytes, (size_t)n, MSG_NOSIGNAL);
			fflush(stdout);
		}
		fflush(stdout);
		close(call);
	}
}

/* Copies "given" to "taken", and to a folder. */
static int files(void)
{
	int from = open("given", O_RDONLY), to = open("taken", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0;)
		if (write(to, bytes, (size_t)n) != n)
			return 1;
	return from == -1 || to == -1 || close(open("folder/new", O_WRONLY | O_CREAT, 0600)) == -1;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 99;
	way = argv[2];
	if (strcmp(argv[1], "files") == 0)
		return files();
	if (argc < 4)
		return 99;
	return (strcmp(argv[1], "udp") == 0 ? udp : strcmp(argv[1], "frames") == 0 ? frames : path)(argv[3]);
}
