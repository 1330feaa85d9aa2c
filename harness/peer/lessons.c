#include "peer/lessons.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code, *lesson;
} lessons[] = {
    {"answers_nothing",
     "Each waits for the other to speak. A server answers when recv() has given it something; if it "
     "stands in recv() with nothing to read, it has missed the message or swallowed it. Unless it is to speak first, as in "
     "labs 10 to 12: then nothing is to be waited for."},
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
    {"exits_early",
     "The program was over before the conversation was. A server buys its phone with socket(), fits the number "
     "with bind(), switches it on with listen() and picks up with accept(), one call after another; a "
     "client has socket() and connect(). Each returns -1 when it fails, and errno says why: a program that "
     "looks at neither goes on as if it had a line, or ends without a word."},
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
    {"answers_unfinished_line",
     "A line is a message when its newline is there, and not before. What recv() has given may be its beginning: keep it, and "
     "put what comes next behind it. If the stream ends first, it was none."},
    {"loses_lines",
     "One recv() may bring several lines, and the beginning of another. Each whole one is answered; what is behind the last "
     "newline stays for the next recv()."},
    {"takes_too_long_a_line",
     "A buffer has an end, so a line must have one: with the 4097th byte that is no newline the call is over."},
    {"depends_on_arrival",
     "TCP carries a stream of bytes, and forgets where a send() ended: the same bytes may come out of one recv() or of many. "
     "What a message is must be seen from the bytes, and never from how they came."},
    {"takes_any_sender",
     "Anybody can send a datagram to this port. It is the reply only if it comes from the address and port that were asked: connect() the socket, or compare what recvfrom() says."},
    {"prints_late_reply",
     "A reply that nobody waited for any more lies in the socket's queue, in front of the next one. Empty the socket before asking, or each answer is one question late from then on."},
    {"answers_from_elsewhere",
     "An answer is known by where it comes from. It goes out through the socket that the question came in by."},
    {"ignores_hang_up", "recv() returned 0, which is no message but the end of the call."},
    {"wrong_caller",
     "The kernel notes at connect() who calls, and tells it of the call: getsockopt(call, SOL_SOCKET, SO_PEERCRED, …). Asked "
     "of the socket that listens, it tells of the server itself."},
    {"takes_what_is_not_its_own",
     "unlink() removes whatever is there. Only what is a socket itself (lstat() and S_ISSOCK), and nobody answers, was left "
     "behind by a dead server; everything else at that path is somebody's."},
    {"takes_a_live_path",
     "A server listens there, and loses its path without noticing: it runs on, and nobody finds it. Only a call tells: "
     "connect() fails with ECONNREFUSED where nobody listens."},
    {"cuts_the_path",
     "sun_path has 108 bytes, the NUL among them. A path that is cut to fit is another path: perhaps somebody else's."},
    {"leaves_path_behind",
     "The file of a socket stays when its program ends, however it ends. Whoever made it has to unlink() it, in a handler for "
     "the signals that ask a program to go."},
    {"waits_for_ever",
     "A call that waits for somebody else waits as long as he likes, unless it is told for how long: poll() with a time "
     "before it, or SO_RCVTIMEO and SO_SNDTIMEO."},
    {"waits_too_long",
     "A time that begins again with every byte never ends for one who trickles. Fix the moment at which the time is up, and "
     "wait only for what is left until then. And mind the unit: poll() counts in milliseconds."},
    {"gives_up_early",
     "The time was not yet up. Mind the unit (poll() counts in milliseconds, a struct timeval in seconds and microseconds), "
     "and from which moment on the time runs."},
    {"sends_no_challenge",
     "Whoever is to prove that they know the key must be asked something first: 32 random bytes, as soon as the call is "
     "answered. Without a question the right answer would be the same for ever."},
    {"repeats_challenge",
     "A challenge that comes again makes an old answer right again: whoever has listened to one call "
     "can send what was sent there. It must be made anew after every accept()."},
    {"foreseeable_challenge",
     "Who can foretell the challenge can have the right answer to it worked out beforehand, or wait until an old one comes "
     "again. rand() is made for dice, not for secrets: its bytes follow from its seed. getrandom() asks the kernel."},
    {"believes_wrong_digest",
     "Only who knows the key can send HMAC-SHA256(key, challenge) for the challenge of this very call. All 64 bytes must be "
     "there and be the same before anything else is read or said."},
    {"refuses_right_digest",
     "The server works out another digest than the caller. Look at what goes into it: the key's bytes and their number, "
     "the 32 bytes of the challenge that was sent, and at how the 64 digits are received and compared."},
    {"tells_a_stranger",
     "Whoever is not believed hears nothing more: no reason, no greeting, no reply. All of it would help somebody who guesses."},
    {"swallows_what_follows",
     "recv() gives what is there, up to what it was asked for. Whoever asks for more than the 64 bytes of the digest gets "
     "the beginning of the first frame as well, and it is lost to recv_frame()."},
    {"deadline_moves",
     "A time for each recv() begins anew with every byte: 64 bytes, each just in time, take 64 times as long. Take one "
     "moment as the end for all of them, and wait for what is left until then."},
    {"wrong_key",
     "The key is every byte of the file, however many and whatever they are, but for one newline at the very end. "
     "fgets() and strlen() are for text."},
    {"takes_an_empty_key", "An empty key is one that everybody knows. A program that starts with it guards nothing."},
    {"sends_no_digest",
     "The server has asked, and waits for 64 hex digits. They go out at once, before anything is typed: the "
     "server waits for them no longer than its time."},
    {"wrong_digest",
     "One byte more or less anywhere in what goes in, and all of the digest is another. For the handshake: HMAC-SHA256, the key's "
     "bytes as the key, the 32 bytes of the challenge as the data. For a file: every byte of it, once and in order, those of the "
     "last read() too. Written as hex: two lower-case digits a byte."},
    {"gives_the_key_away",
     "What goes over the wire can be read on the way. The digest proves that one has the key, and does "
     "not tell it; that is what all the arithmetic is for."},
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
    {"sends_no_length",
     "A frame begins with its length: four bytes, of which the other side makes a number before it looks at anything else. What comes without them is taken for one."},
    {"length_byte_order",
     "The four bytes of the length are the wrong way round: on the wire the big end comes first. htonl() turns the host's order into the network's, and ntohl() back."},
    {"length_counts_itself", "The length says how many bytes of payload follow. Its own four are not among them."},
    {"wrong_length", "The length is a promise: exactly so many bytes follow, and the next frame begins behind them."},
    {"answers_unfinished_frame",
     "What was cut off is no message. It is whole when as many bytes are there as its length says, and until then there is nothing to answer."},
    {"sends_too_much", "What is too long for a frame must be refused before the first byte of it has left."},
    {"wrong_header", "The header is one frame that holds an object in JSON, with a string \"filename\" and an integer "
                     "\"filesize\": json_pack(), json_dumps(), send_frame()."},
    {"wrong_name", "The name in the header is what the receiver will call the file: the last component of FILE, as it "
                   "is. What is special in JSON (\" and \\), json_dumps() takes care of."},
    {"wrong_size", "filesize is how many bytes of content come behind the header, neither more nor fewer."},
    {"sends_behind_the_end",
     "Behind the content there is nothing: the server hangs up. What comes there is a buffer's rest, or a "
     "newline that somebody thought useful."},
    {"frames_the_content",
     "The content is no frame: its length is in the header already, and it may be larger than a frame. The "
     "bytes of the file come as they are."},
    {"small_integer",
     "An int has 32 bits and ends at 2 GiB; what is larger loses its upper half. Sizes of files have 64: off_t, "
     "json_int_t, and %lld to print them."},
    {"sends_the_path",
     "In which folder a file lies is the sender's own business: the name begins behind the last slash."},
    {"offers_no_file", "A server whose file cannot be read has nothing to offer. It finds that out at the start, and "
                       "says so to whoever started it, not to its callers."},
    {"holds_the_file",
     "The whole file is in memory, or a queue of it that grows. It works with every file that one tries, and one day the "
     "file is larger than the machine. A buffer of 64 KiB is enough: the next piece when this one is gone."},
    {"does_not_save",
     "A file is saved as DIR/filename, DIR being the third argument and filename what the header says."},
    {"saves_too_much",
     "The file ends after filesize bytes. What is behind them is an older file's tail (O_TRUNC, or a new "
     "file that takes the name), the rest of a buffer, or the header."},
    {"shows_no_progress",
     "Who waits for a large file wants to see it coming: at a terminal, how much of filesize there is."},
    {"ignores_early_end",
     "recv() returned 0 before filesize bytes had come: the rest never will. Half a file under its "
     "full name is worse than none."},
    {"trusts_the_header",
     "A header is what a stranger says. If it is not an object with a name and a size that a file may "
     "have, there is nothing to be saved, and nothing to wait for."},
    {"trusts_the_name",
     "A name that comes over the wire may be `../.bashrc`. It is used only if it is the name of a file "
     "in this folder: not empty, not `.` or `..`, no `/`, no NUL, and text in UTF-8."},
    {"ignores_full_disk",
     "write() may take a part of what it is given, and the next one say ENOSPC; close() may be the "
     "first to tell. A file of which the end is missing is no success."},
    {"does_not_say_why", "Whoever gives up says on stderr what went wrong, so that somebody can mend it."},
    {"leaves_debris",
     "What was begun and not finished is still there. A temporary file is removed on every way out but "
     "the one on which it gets its name."},
    {"destroys_older_file",
     "The older file was opened for writing before the new one was whole. Write to a file of another "
     "name in the same folder, and rename() it when all is well: that is one step."},
    {"ignores_digest",
     "The digest did not agree, and the file was taken all the same. A sum that is computed and not acted "
     "on is decoration."},
    {"tampers_with_the_judge", "The channel on which the judge hears what your functions returned is not for them."},
    {"keeps_others_waiting",
     "Whoever waits in recv() for one caller can do nothing for the others. Nobody may wait for one caller but what serves "
     "him alone: his child, his thread; or nobody waits but poll(), for all."},
    {"not_one_child_a_call",
     "fork() comes after each accept() and nowhere else: the child serves this call and ends, the parent goes back to the "
     "phone."},
    {"not_one_thread_a_call",
     "pthread_create() comes after each accept() and nowhere else: the thread serves this call and ends, and whoever picks up "
     "goes on picking up."},
    {"more_than_one_thread",
     "poll() waits for all the callers at once, so one thread is enough: what it does between two poll()s never waits."},
    {"child_keeps_the_phone",
     "After fork() two processes hold the listening socket. A child that keeps it keeps the number, too, as long as it "
     "lives: nobody else can listen there when the server has gone."},
    {"parent_keeps_the_call",
     "After fork() two processes hold the call. No FIN goes out until both have closed it, and a parent that never does has "
     "no descriptor left after some 1000 callers."},
    {"mixes_up_callers",
     "What belongs to one call was kept where another call's is kept: a static buffer, a shared one, or the address of a "
     "variable that the next accept() writes to."},
    {"loses_answers",
     "send() may take a part of an answer, or nothing (EAGAIN). What it did not take is still to be sent, when poll() says "
     "POLLOUT: keep it, and how much of it has gone, with the call."},
    {"passes_on_nothing",
     "The relay has heard it, or should have, and the one it was for has heard nothing. Take the frame, find the call with that "
     "name, send it there: each of the three may have failed."},
    {"takes_a_bad_name",
     "A name is what others call by. One that cannot be told from the rest of a sentence, or that somebody has already, is "
     "no name: hang up, before it is written anywhere."},
    {"refuses_a_good_name",
     "1 to 32 bytes, no bar, no ASCII control character (0 to 31, and 127): whatever else it is, it is a name. Bytes above 127 "
     "are negative where char has a sign."},
    {"keeps_the_name",
     "A name belongs to a call and ends with it. Whichever way the call ends (a hang-up, a reset, a limit), its name has to go "
     "out of the table."},
    {"loses_what_waits",
     "send() may take a part, or nothing (EAGAIN), when the receiver does not read. What it did not take belongs to that "
     "receiver all the same: keep it with the call, in order, and send it when poll() says POLLOUT."},
    {"keeps_without_limit",
     "Others decide how much waits for one who does not read. Without a limit that is all the memory there is; so beyond "
     "1 MiB he is hung up on, and what waited is freed."},
    {"spoils_the_line",
     "The half-typed line stands where the message is to be printed. Wipe it off the screen, print, and show it again below: "
     "readline has it in its own buffer."},
};

const char *lesson_for(const char *code)
{
	for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++)
		if (strcmp(lessons[i].code, code) == 0)
			return lessons[i].lesson;
	return "";
}
