#include "step/mailbox.h"

#include <string.h>

enum { MOST_BOXES = 32, MOST_WAITING = 256, MOST_NEWS = 1024 };

typedef struct {
	uint64_t inode; /* 0: free */
	size_t size[MOST_WAITING], count;
} Box;

static Box boxes[MOST_BOXES];
static struct {
	in_port_t from, to;
	size_t size;
} sent[MOST_NEWS];
static uint64_t taken[MOST_NEWS];
static size_t sent_count, taken_count;

void mailbox_sent(in_port_t from, in_port_t to, size_t size)
{
	if (sent_count == MOST_NEWS)
		return;
	sent[sent_count].from = from;
	sent[sent_count].to = to;
	sent[sent_count++].size = size;
}

void mailbox_taken(uint64_t inode)
{
	if (taken_count < MOST_NEWS)
		taken[taken_count++] = inode;
}

/* The socket that takes it: one that has this peer before one that takes from anybody. */
static const Socket *addressee(const SocketList *list, in_port_t from, in_port_t to)
{
	const Socket *found = NULL;
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		if (s->kind != SOCKET_UDP || s->port != to || (s->remote_port != 0 && s->remote_port != from))
			continue;
		if (found == NULL || s->remote_port == from)
			found = s;
	}
	return found;
}

static Box *box_of(uint64_t inode)
{
	for (size_t i = 0; inode != 0 && i < MOST_BOXES; i++)
		if (boxes[i].inode == inode)
			return &boxes[i];
	return NULL;
}

static void put_in(uint64_t inode, size_t size)
{
	Box *box = box_of(inode);
	for (size_t i = 0; box == NULL && i < MOST_BOXES; i++)
		if (boxes[i].inode == 0)
			box = &boxes[i];
	if (box == NULL || box->count == MOST_WAITING)
		return;
	box->inode = inode;
	box->size[box->count++] = size;
}

static void take_out(uint64_t inode)
{
	Box *box = box_of(inode);
	if (box == NULL || box->count == 0)
		return;
	box->count--;
	memmove(box->size, box->size + 1, box->count * sizeof box->size[0]);
}

void mailbox_settle(const SocketList *list)
{
	for (size_t i = 0; i < sent_count; i++) {
		const Socket *s = addressee(list, sent[i].from, sent[i].to);
		if (s != NULL && s->inode != 0)
			put_in(s->inode, sent[i].size);
	}
	for (size_t i = 0; i < taken_count; i++)
		take_out(taken[i]);
	sent_count = taken_count = 0;
	for (size_t i = 0; i < MOST_BOXES; i++) {
		const Socket *s = sockets_by_inode(list, boxes[i].inode);
		if (s == NULL || s->rqueue == 0)
			boxes[i] = (Box){0}; /* gone, or empty */
	}
}

bool mailbox_waiting(const Socket *s, size_t *count, size_t *bytes)
{
	const Box *box = box_of(s->inode);
	*count = *bytes = 0;
	for (size_t i = 0; box != NULL && i < box->count; i++)
		*bytes += box->size[i];
	*count = box != NULL ? box->count : 0;
	return (s->rqueue > 0) == (*count > 0);
}
