#include "peer/lessons.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code, *lesson;
} lessons[] = {
    {"answers_nothing", "Each waits for the other to speak. A server answers when recv() has given it something; if it "
                        "stands in recv() with nothing to read, it has missed the message or swallowed it."},
    {"sends_nothing", "The message never left: no byte of it reached the peer. A message goes out with send(), and "
                      "only what is in its third argument goes with it."},
    {"sends_empty_line", "Each waits for the other to speak: send() with no bytes puts nothing on a TCP stream. The "
                         "server never learns that something was \"said\", and the answer never comes."},
    {"hangs", "Nothing will happen any more: every thread waits in a call that only the other side could end."},
    {"spins", "A loop goes round without ever waiting. On a socket that is mostly a return value that nobody looked "
              "at: recv() returned 0 or -1 at once, again and again."},
    {"spins_after_hang_up", "The caller is gone, and recv() says so by returning 0: at once, every time it is asked. "
                            "A loop that does not test for 0 never waits again and burns the whole CPU."},
    {"dies_of_sigpipe",
     "Writing to a call that the other side has closed raises SIGPIPE, and SIGPIPE ends a program "
     "without a word. With MSG_NOSIGNAL (or the signal ignored) send() returns -1 and EPIPE instead."},
    {"crashes", "The kernel ended the program: it touched memory that is not its own, or gave itself up (abort)."},
    {"exits_early", "The program was over before the conversation was."},
    {"pads_message",
     "More went out than was said: sizeof of a whole buffer was sent, where only the first n bytes, those "
     "that recv() counted, belong to the message."},
    {"sends_trailing_nul", "The NUL that ends a C string is not part of the message; strlen() does not count it, and "
                           "neither should send()."},
    {"sends_newline", "The newline ended the line at the keyboard; it is not part of the message here."},
    {"forgets_newline",
     "Here a message ends with a newline, and the newline goes out with it: the other side waits for it, "
     "for without it the message may go on."},
    {"stale_tail", "The end of an earlier message is still in the buffer. recv() ends nothing with a NUL: only its "
                   "return value says how much of the buffer is this message."},
    {"stops_at_nul", "strlen() and %s stop at the first NUL; bytes from a socket may hold one anywhere. Use the count "
                     "that recv() returned."},
    {"truncates", "The message was cut: the buffer was smaller than the message may be, or the count was wrong."},
    {"not_upper_case", "Each byte a-z becomes A-Z, from the first to the last of those that recv() counted."},
    {"mangles_bytes", "Only a-z change. Every other byte, UTF-8 and NUL included, must come back as it was."},
    {"strips_spaces", "Here a line goes out as it was typed: the spaces around it are part of it."},
    {"sends_in_pieces", "One message is one send() in this lab, for the other side takes what one recv() gives it as "
                        "the whole message. (Lab 08 shows how little that is worth.)"},
    {"speaks_first", "The caller speaks first; the server only answers."},
    {"sends_ahead",
     "The next message went out before the last was answered. In these labs one recv() is one message, so two at once "
     "would come out as one."},
    {"keeps_spaces", "What is said is what stands between the spaces."},
    {"repeats_message",
     "The input had ended, and the line of before was still in the buffer. Whoever reads a line must look whether "
     "there was one: NULL from readline() or fgets(), -1 from getline()."},
    {"does_not_print", "What a server hears it prints, each message on a line of its own."},
    {"does_not_flush",
     "stdout to a pipe or a file is kept back in a buffer of 4 KiB or so: printf() has only put it there. "
     "fflush(stdout) (or setvbuf at the start) sends it on at once."},
    {"prints_after_hang_up", "recv() returned 0: no message came, so there is nothing to print."},
    {"no_prompt", "A client asks with the prompt `>>: `, so that one knows it is one's turn."},
    {"does_not_hang_up",
     "The call is still open at this end. Until close() (and the end of every copy of the descriptor) "
     "no FIN goes out, and the other side waits for more."},
    {"hangs_up_early", "The call was closed before the conversation was over."},
    {"does_not_exit", "The work is done, and the program is still there."},
    {"wrong_exit_status",
     "The exit status is how a program tells scripts and parents how it went: 0 success, 1 failure, "
     "2 a wrong command line."},
    {"wrong_error_message",
     "A failed call is reported as PROGRAM: CALL: REASON, the reason being what strerror(errno) says; "
     "perror(\"client: connect\") does just that."},
    {"no_usage", "A wrong command line is answered with the usage on stderr and exit status 2."},
    {"ignores_connect_failure",
     "connect() returned -1: there is no call. Whatever is done with the socket after that fails or hangs."},
    {"ignores_bind_failure",
     "bind() returned -1: the number is not ours. A socket that listens all the same gets a random "
     "port, and nobody will find it."},
    {"does_not_listen",
     "Nobody can call a number that no socket listens on: socket(), bind(), listen(), in this order, and each may fail."},
    {"listens_on_wrong_port", "The server listens, but not at the number that it was given."},
    {"port_byte_order",
     "The two bytes of the port are the wrong way round: on the wire the high byte comes first. htons() turns "
     "the host's order into the network's."},
    {"binds_every_address",
     "0.0.0.0 answers calls from every network this machine is on. These labs stay at home: INADDR_LOOPBACK."},
    {"does_not_call", "No call came: connect() was not made, or to somewhere else."},
    {"calls_elsewhere", "The client called another address or port than the one it was given."},
    {"no_reuseaddr",
     "The side that closes first keeps the port pair in TIME_WAIT for a minute (RFC 9293). bind() refuses the "
     "number meanwhile, unless SO_REUSEADDR is set on this very socket before bind()."},
    {"shares_port",
     "SO_REUSEPORT lets two servers hold one number, and the kernel deals the callers out between them. What is wanted "
     "is SO_REUSEADDR, which passes over TIME_WAIT only."},
    {"stops_serving",
     "A real server outlives its callers: hanging up ends a call, not the service. One caller's trouble is "
     "no reason to go."},
    {"leaks_descriptor",
     "Every accept() gives a new descriptor; each needs its close(), on every way out of the loop. After "
     "some 1000 calls accept() fails with EMFILE."},
    {"leaks_memory",
     "Memory taken for a call must be given back when the call is over, or the server grows until it dies."},
    {"leaves_zombies",
     "A child that has ended stays as a zombie until its parent has asked how it went: waitpid(), for each of them."},
    {"leaks_threads",
     "Threads of callers that are gone are still there: let each return when recv() says that its caller has hung up."},
    {"leaves_process_behind", "The program ended, but a process that it started is still running."},
    {"memory_error",
     "The sanitizer saw memory used that is not the program's: past the end of an array, after free(), or never written."},
    {"undefined_behaviour", "The C standard gives this no meaning, so a compiler may do with it what it likes."},
    {"ignores_hang_up", "recv() returned 0, which is no message but the end of the call."},
    {"floods_output", "The program prints without end."},
    {"short_send",
     "send() returned less than it was given: that is how much it took. What is left begins behind that, and is for "
     "the next send(): go on until nothing is left."},
    {"short_read",
     "recv() returned less than was asked for: that is what had come so far. Ask again, for what is still missing, "
     "and put it behind what is there."},
    {"gives_up_on_a_signal",
     "EINTR is no failure: a signal came while the call waited, and its handler has run. The same call again will do."},
    {"overruns_buffer",
     "More was received than there was room for. What lies behind a buffer belongs to somebody else: ask recv() for "
     "no more than is still missing."},
    {"wrong_result",
     "What a function returns is all that its caller knows of what happened. frame.h says what it must be."},
    {"wrong_errno",
     "errno tells the caller why. recv() sets it when it returns -1; an end of the stream sets nothing, so there it is for "
     "your function to say."},
    {"trusts_length",
     "The length is what a stranger says of the bytes to come. Look at it before anything is done with it: "
     "too long a one is refused at once, and none of those bytes is waited for."},
    {"sends_too_much", "What is too long for a frame must be refused before the first byte of it has left."},
    {"tampers_with_the_judge", "The channel on which the judge hears what your functions returned is not for them."},
};

const char *lesson_for(const char *code)
{
	for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++)
		if (strcmp(lessons[i].code, code) == 0)
			return lessons[i].lesson;
	return "";
}
