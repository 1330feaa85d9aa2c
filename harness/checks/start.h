/*
 * start.h: starts the program that is judged, as the lab's section says it is started.
 *
 * Each opens the check's room if it is not open yet. A program that does not come up as it should
 * fails the check; there is no need to look at what these return.
 */
#ifndef CHECKS_START_H
#define CHECKS_START_H

#include "checks/run.h"
#include "peer/line.h"
#include "peer/screen.h"
#include "peer/story.h"

/* The server on a free port, listening. */
Party *a_server(void);
Party *a_server_at_a_terminal(void);

/* The same with room for hundreds of callers, however it serves them (StartAs). */
Party *a_crowded_server(void);

/* The same built with sanitizers: if a verb fails, what the sanitizer reported comes first. */
Party *a_sanitized_server(void);

/* A phone of ours, in the check's room. */
Phone *a_phone(void);
Phone *a_phone_at(in_port_t port);
Phone *a_phone_elsewhere(const char *host);

/* A sanitized client that calls us; lab 01's is given its message. */
Party *a_sanitized_client(Line **line, const char *message);

/* A server that was started by the_program() listens on server->port. */
void is_up(Party *server);

/* The same for one that was started again: it may have met TIME_WAIT. */
void is_up_again(Party *server);

/* It listens on the number with its two bytes the other way round. */
void fails_if_port_is_swapped(Party *server);

/* A thread of the program sleeps in a call on a connected socket, and none waits for input, or for several things at once:
 * it waits for the other side alone. */
bool waits_on_a_call(const Party *party);

/* The server on this port. */
Party *a_server_on(in_port_t port, StartAs as);

/* A client that calls our phone; the call is answered. Its line is phone->line. */
Party *a_client(Phone *phone, StartAs as);

/* A client at a terminal that calls us, and the line to it. */
Party *a_client_at_a_terminal(Line **line);

/* One whose input is a pipe, still silent. */
Party *a_client_in_a_pipe(Line **line);

/* The program with these arguments and nothing more expected of it; NULL ends. */
Party *the_program(StartAs as, const char *const *arguments);

/* "7007" for a port. */
const char *port_text(in_port_t port);

/* The absolute path of a file in the room, as its programs see it; opens the room if it is not open yet. */
const char *path_text(const char *name);

/* A socket of AF_UNIX listens at that path of the room. */
bool path_has_listener(const char *name);

/* The lab's command line: the address, and what its section wants behind it. Lab 15's is the path "intercom". */
const char *const *server_line(in_port_t port);
const char *const *client_line(const char *host, in_port_t port);

#endif
