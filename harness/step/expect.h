/*
 * expect.h: what a script says must be true now, looked up on the tape and nowhere else.
 *
 *	NAME blocked [in] CALL         it is in this call, and only somebody else can end that
 *	NAME before CALL               it is about to make this call
 *	NAME ended [STATUS]            "exit status 0", "SIGPIPE": any of its processes that ended last
 *	NAME running                   neither: it computes
 *	NAME line TEXT                 the source line where it stands holds this text
 *	NAME called CALL COUNT         so often it has returned from this call;
 *	NAME called CALL COUNT RESULT  so often with this result ("0", "-1", "EPIPE")
 *	NAME returned CALL RESULT      with that result, the last time
 *	NAME heard TEXT                the last data that it received
 *	NAME printed TEXT              somewhere in all that it printed
 *	NAME got SIGNAL                ever
 *	NAME socket STATE [COUNT]      so many (at least one) of its sockets are in this state now
 *	NAME unread BYTES              in the receive queues of its calls together
 *	NAME unsent BYTES              in the send queues of its calls together
 *	NAME datagrams COUNT           datagrams that wait to be read: an empty one is none of the bytes, but one of these
 *	NAME waiting COUNT             callers that wait in its backlog to be accepted
 *	queues empty                   no bytes anywhere
 *	packets COUNT [FLAGS|data]     in the last step; FLAGS as in "SYN, ACK", or "UDP", "ICMP"
 *	packet FLAGS                   at least one since the start ("SYN", "RST")
 *
 * NAME stands for all threads of the party's; with a dot, as in server.1, for that one alone (whose sockets they are, and
 * who has printed, is known of a party only).
 *
 * Errors: an expectation that cannot be read is told as such, and has not come true.
 */
#ifndef STEP_EXPECT_H
#define STEP_EXPECT_H

#include "report/tape.h"
#include "step/script.h"

/* Whether it has come true; found[] says what is there instead. */
bool expect_holds(const Tape *tape, const Cue *cue, char *found, size_t size);

#endif
