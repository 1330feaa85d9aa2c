/*
 * 09 framing: the four functions that make messages out of a stream.
 *
 * The lesson: send() and recv() say how much they did, and it may be less than was asked. Whoever wants all of it asks again.
 *
 * What is to be done: all four, as frame.h says. They are judged by themselves, before the programs that use them.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t size)
{
	/* Your work: send() until nothing is left. What if it takes less than it is given? If a signal comes? If nobody is
	   there any more? What is here believes that one send() is enough. */
	return send(fd, data, size, 0) == -1 ? -1 : 0;
}

ssize_t recv_exact(int fd, void *data, size_t size)
{
	/* Your work: recv() until all of it is there. What if less comes? If the stream ends at the first byte, or later?
	   What is here believes that one recv() is enough. */
	return recv(fd, data, size, 0);
}

int send_frame(int fd, const void *payload, uint32_t size)
{
	/* Your work: the length in front, in network byte order: htonl(). What is here sends a message without one. */
	return send_all(fd, payload, size);
}

ssize_t recv_frame(int fd, void *payload, size_t capacity)
{
	/* Your work: the length first, and then so many bytes, if it is one that may be believed. What is here takes what it
	   gets. */
	return recv_exact(fd, payload, capacity);
}
