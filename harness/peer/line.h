/*
 * line.h: the reference peer's end of a call.
 *
 * A check reads like a phone call. Towards a server: dial, say, hear, hang_up. Towards a client: a Phone
 * that is switched on, answer, hear, say, hang_up. Every verb adds to the story and, where the student's program
 * made it impossible, fails the check.
 *
 * The first caller of a check is alice, then come bob and carol; later ones are numbered.
 *
 * Time: nothing here waits by the clock. A verb returns when it is done, or when the room is known never to let it be
 * done (still.h).
 *
 * Ownership: dial() and answer() give you the line; hang_up() and reset_call() end it. The memory stays until the
 * process ends, for the story may yet be told.
 *
 * Difficult peers: say_in_pieces (each piece waits until the one before has been taken in), say_together
 * (several messages in one segment), say_slowly (byte by byte), keep_window_shut (we do not read, and the buffer for it
 * is as small as the kernel allows), half_close, reset_call at any byte; gone before the answer: freeze the program, say, hang up, thaw.
 * The same bytes cut in every way: cut.h.
 *
 * A line to a path (AF_UNIX) is a line like any other. Its caller is a process in the room, for the server may ask who
 * calls (SO_PEERCRED), and a process outside its pid namespace would have no number there.
 */
#ifndef PEER_LINE_H
#define PEER_LINE_H

#include "program/party.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	char who[16];
	int fd;       /* -1 once the line is ended */
	Party *party; /* with whom */
	bool we_called;
	in_port_t port, remote_port; /* 0: a line to a path */
	bool deaf;                   /* keep_window_shut() was said before it was made */
	pid_t caller_pid;            /* a line to a path: who called, as the room's programs see it */
	unsigned char *in;           /* what has come and has not been heard yet */
	size_t in_size, in_room;
	bool ended, was_reset; /* their end: no more will come */
	bool half_closed;
	char last[1100]; /* what was expected by the last hear(): a stale tail comes from there */
	size_t last_size;
	char said[1100]; /* what we said last */
	size_t said_size;
} Line;

/* From now on every line that is made by dial() or answer() begins with this; NULL: with nothing. */
void line_greet_with(void (*greet)(Line *line));

/* --- towards a server --- */

/* Calls it; fails with stops_serving or does_not_listen where nobody answers. A thousand lines may be open at once. */
Line *dial(Party *server);

/* The same at a path of the room's (files.h): AF_UNIX. */
Line *dial_path(Party *server, const char *name);

/* --- towards a client --- */

typedef struct {
	int fd;
	int swapped; /* listens at the number with its two bytes the other way round; -1 where that is taken */
	in_port_t port;
	char path[32]; /* the file's name in the room, for one at a path */
	Line *line;    /* who has called */
} Phone;

/* A phone at this port of 127.0.0.1, switched on; 0: a free one. */
Phone *phone_on(in_port_t port);

/* The same at another address of this machine: all of 127.0.0.0/8 is. */
Phone *phone_on_host(const char *host, in_port_t port);

/* At a path in the room: a socket of AF_UNIX there, that any program may call. */
Phone *phone_at_path(const char *name);

/* Without a look at who calls the wrong number: that one is somebody else's. */
void phone_mind_own_number(Phone *phone);

/* Takes it off again: who calls that number hears that nobody is there. */
void phone_off(Phone *phone);

/* Waits for the client's call and picks up. Fails with does_not_call. */
Line *answer(Phone *phone, Party *client);

/* The same, and the story says nothing of it. */
Line *answer_untold(Phone *phone, Party *client);

/* --- either way --- */

void say(Line *line, const char *text);
void say_bytes(Line *line, const void *bytes, size_t size);
void say_in_pieces(Line *line, const void *bytes, size_t size, size_t piece);
void say_slowly(Line *line, const char *text);
void say_together(Line *line, const char *const *texts); /* NULL ends */

/* Exactly these bytes come, and no others before or with them. */
void hear(Line *line, const char *text);
void hear_bytes(Line *line, const void *bytes, size_t size);

/* The same for a client that may strip white space around the line: either form is right. Returns the form. */
const char *hear_either(Line *line, const char *text, const char *other);

/* So many bytes come, whatever they are, and perhaps more behind them. */
void hear_some(Line *line, void *bytes, size_t size);

/* --- frames: a length of 4 bytes in network byte order, then so many bytes --- */

enum { FRAME_HEADER = 4, FRAME_MOST = 65536 };

void say_frame(Line *line, const void *payload, size_t size);
void say_frame_text(Line *line, const char *text);

/* Exactly this frame comes, and nothing with it. What is wrong with its header has names of its own. */
void hear_frame(Line *line, const void *payload, size_t size);
void hear_frame_text(Line *line, const char *text);

/* The next frame, whatever is in it and behind it: returns its size. More than `room` bytes fail the check. */
size_t hear_any_frame(Line *line, void *payload, size_t room);

/* The header of a frame of this size. */
void frame_header(unsigned char header[FRAME_HEADER], uint32_t size);

/* Until the room is still, nothing comes and nobody hangs up. */
void hear_nothing(Line *line);

/* The same, but they may have done with speaking. */
void hear_no_more(Line *line);

/* They hang up, and say nothing more before. A reset will do, unless it must be a clean end. */
void hear_hang_up(Line *line);

void hang_up(Line *line);
void half_close(Line *line);
void reset_call(Line *line);

/* Whether something has come, or the end has, without waiting. */
bool has_news(Line *line);

/* Puts bytes on the wire and into no story: for whoever tells it in other words. Returns how many the other side's kernel or ours
 * took: fewer than all when it reads no more. A line that is not deaf listens while it waits to speak. */
size_t transmit(Line *line, const void *bytes, size_t size);

/* That this was said: what comes back is compared with it, to name a mistake. */
void line_remember(Line *line, const void *bytes, size_t size);

/* What has been sent so far has been read by the other side; or the room has come to rest, and it never will be. */
void let_them_read(Line *line);

/* All lines of the check, ended ones too. */
Line *const *line_all(size_t *count);

/* We read nothing until told: what they send stays with them once the buffers are full. Before the call is made. */
void keep_window_shut(void);

/* From here on (or no longer) calls are made with small buffers and small segments: some 400 KB, and not 8 MB, are under way
 * on such a call before a program that nobody reads from can send no more. */
void keep_buffers_small(bool small);

/* How many segments with data they have sent so far (RFC 4898, tcpi_data_segs_in). */
unsigned segments_heard(Line *line);

#endif
