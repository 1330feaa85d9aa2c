/*
 * lab14.c: the party line. The relay hears from one and passes on to another.
 *
 * Callers have joined when the room is still after their names: whatever the server does about a name, it has done then.
 * Nobody speaks before that.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "peer/cut.h"
#include "peer/display.h"
#include "program/trouble.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names are common.h's, what is typed and said here is not. */
#define client_wrong_usage_exits_2                      client_refuses_a_wrong_line
#define server_is_clean_under_sanitizers                server_relays_cleanly
#define client_is_clean_under_sanitizers                client_chats_cleanly
#define client_sends_what_is_typed                      client_says_what_is_typed
#define client_sends_utf8                               client_says_utf8
#define client_works_in_a_pipe                          client_chats_in_a_pipe
#define client_works_from_a_file                        client_chats_from_a_file
#define client_ends_at_end_of_input                     client_leaves_at_end_of_input
#define client_notices_a_reset                          client_notices_a_reset_at_once
#define client_survives_writing_to_a_closed_call        client_survives_speaking_to_nobody
#define client_leaves_nothing_behind_after_300_messages client_keeps_nothing_of_300_messages

/* --- the callers --- */

static bool has_news_of(void *line)
{
	return has_news(line);
}

static bool has_ended(void *context)
{
	Line *line = context;
	has_news(line);
	return line->ended;
}

static bool unsettled; /* somebody has just said his name */

static void settle(void)
{
	if (unsettled)
		party_watch(NULL, NULL, 0, -1);
	unsettled = false;
}

static Line *joins_as(Party *server, const void *name, size_t size)
{
	Line *line = dial(server);
	say_frame(line, name, size);
	unsettled = true;
	if (size > 0 && size <= 32)
		record_text(line->who, "%.*s", (int)size, (const char *)name); /* so he is called in the story */
	return line;
}

static Line *joins(Party *server, const char *name)
{
	return joins_as(server, name, strlen(name));
}

/* What somebody says who has joined. */
static void says(Line *line, const char *text)
{
	settle();
	say_frame_text(line, text);
}

/* Something is passed on to this caller; `code` is for a server that goes on sleeping. */
static void is_passed_on(Line *line, const char *text, const char *code)
{
	Outcome outcome = has_news(line) ? WATCH_DONE : party_watch(has_news_of, line, WATCH_PATIENT, line->fd);
	if (outcome == WATCH_DONE && line->ended && line->in_size == 0)
		party_watch(NULL, NULL, 0, -1); /* it may be about to end altogether; its end says more */
	if (outcome != WATCH_DONE || (line->ended && line->in_size == 0 && line->party->ended))
		story_fail_watch(outcome, code, line->party, "the %s should pass \"%.60s%s\" on to %s",
		                 line->party->who, text, strlen(text) > 60 ? "…" : "", line->who);
	if (line->ended && line->in_size == 0)
		story_fail("hangs_up_early", line->party, "the %s should keep %s on the line, but it has hung up.",
		           line->party->who, line->who);
}

static void hears(Line *line, const char *text)
{
	is_passed_on(line, text, "passes_on_nothing");
	hear_frame_text(line, text);
}

/* "say NAME|TEXT" by one is heard as "FROM|TEXT" by the other. */
static void talk(Line *from, const char *from_name, Line *to, const char *to_name, const char *text)
{
	char *said = NULL, *heard = NULL;
	if (asprintf(&said, "say %s|%s", to_name, text) == -1 || asprintf(&heard, "%s|%s", from_name, text) == -1)
		trouble("no memory");
	says(from, said);
	hears(to, heard);
	free(said);
	free(heard);
}

/* Everything of a speech comes, in its order, however it is cut. */
static void hears_all(Line *line, Speech *speech)
{
	is_passed_on(line, "…", "passes_on_nothing");
	hear_bytes(line, speech->bytes, speech->size);
	speech_free(speech);
}

static void expect(Speech *speech, const char *text)
{
	speech_frame(speech, text, strlen(text));
}

CHECK(
    server, passes_on_what_is_said, 8, "passes on what one caller says to another",
    "Alice says `say bob|hi`. To which call does what go?",
    "To Bob's, and as `alice|hi`: who it is from stands where it said for whom it was. So the server keeps a name for each call.",
    "Find the first '|' behind \"say \"; look for the call with that name; send_frame(its fd, \"alice|hi\").")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	talk(alice, "alice", bob, "bob", "hi");
	talk(bob, "bob", alice, "alice", "good morning, alice");
	talk(alice, "alice", bob, "bob", "x");
}
END_CHECK

CHECK(server, passes_on_among_three, 5, "passes on to the one it is for, and to nobody else",
      "Who hears what Alice says to Bob?", "Bob. Carol is on the line, too, and hears nothing of it.",
      "One receiver a frame: the one with that name.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	talk(alice, "alice", bob, "bob", "only for bob");
	hear_nothing(carol);
	talk(carol, "carol", alice, "alice", "only for alice");
	hear_nothing(bob);
	talk(bob, "bob", carol, "carol", "only for carol");
	hear_nothing(alice);
}
END_CHECK

CHECK(server, answers_nobody, 4, "answers nobody",
      "What does Alice hear when her name has been taken, or when she has said something to Bob?",
      "Nothing. The relay only passes on; what comes from it was said by somebody.",
      "No \"welcome\", no \"sent\", no echo.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	hear_nothing(alice);
	says(alice, "alice");
	hear_nothing(alice);
	Line *bob = joins(server, "bob");
	hear_nothing(alice);
	talk(alice, "alice", bob, "bob", "hi");
	hear_nothing(alice);
}
END_CHECK

CHECK(server, keeps_the_text_as_it_is, 5, "leaves the text as it is: empty, with bars, UTF-8, newlines and all",
      "Where does the NAME end in `say bob|a|b`, and where the TEXT?",
      "At the first bar, and at the end of the frame. What is in between belongs to Alice.",
      "memchr() for the first '|'; then all that is left of the frame, by its length and not by strlen().")
{
	static const char odd[] = "say bob|a\0b\nc\td", odd_heard[] = "alice|a\0b\nc\td";
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	talk(alice, "alice", bob, "bob", "");
	talk(alice, "alice", bob, "bob", "one|two|three");
	talk(alice, "alice", bob, "bob", "|");
	talk(alice, "alice", bob, "bob", "  spaces  ");
	talk(alice, "alice", bob, "bob", "grüße 你好");
	say_frame(alice, odd, sizeof odd - 1);
	is_passed_on(bob, "alice|a…", "passes_on_nothing");
	hear_frame(bob, odd_heard, sizeof odd_heard - 1);
}
END_CHECK

CHECK(server, passes_on_to_oneself, 2, "passes on what one says to oneself", "Who is `alice` to Alice?",
      "Somebody on the line, like anybody else.", "No exception for the one who speaks.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	talk(alice, "alice", alice, "alice", "do not forget the milk");
}
END_CHECK

CHECK(server, drops_what_is_for_nobody, 4, "drops what is for somebody who is not there",
      "What does your search return when nobody has that name?",
      "No call. There is nobody to pass it on to, and that is no trouble of Alice's: she stays.",
      "if (to == NULL) continue; — before anything is done with it.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	says(alice, "say bob|are you there?");
	says(alice, "say |nobody has no name");
	hear_nothing(alice);
	Line *bob = joins(server, "bob");
	hear_nothing(bob);
	talk(alice, "alice", bob, "bob", "there you are");
}
END_CHECK

CHECK(server, drops_any_other_frame, 5, "drops any other frame, and the caller stays",
      "What if there is no bar, or no `say `, or nothing at all?",
      "Nobody asked for it: it is dropped. A search that finds nothing returns NULL, and who uses that crashes.",
      "if (size < 4 || memcmp(frame, \"say \", 4) != 0 || (bar = memchr(…)) == NULL) continue;")
{
	static const char *const others[] = {
	    "hello", "",         "say",    "say ",       "say bob", "SAY bob|hi", "saybob|hi", "tell bob|hi",
	    "|",     "alice|hi", "bob|hi", "say|bob|hi", "sa",      "list",       "quit",      NULL};
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	for (const char *const *other = others; *other != NULL; other++)
		says(alice, *other);
	hear_nothing(bob);
	hear_nothing(alice);
	talk(alice, "alice", bob, "bob", "and now something else");
}
END_CHECK

/* --- names --- */

/* The name is good: another caller can speak to its owner. */
static Line *is_taken(Party *server, Line *other, const char *other_name, const char *name)
{
	Line *line = joins(server, name);
	settle();
	has_news(line);
	if (line->ended && !server->ended)
		story_fail("refuses_a_good_name", server,
		           "the %s should take \"%s\" (%zu bytes) for a name, but it hangs up on the caller.",
		           server->who, name, strlen(name));
	talk(other, other_name, line, name, "hello");
	return line;
}

/* The name is bad, or in use: its owner is hung up on. */
static void is_refused(Party *server, const void *name, size_t size, const char *why)
{
	char text[128];
	settle(); /* whoever was there before has his name by now */
	Line *line = dial(server);
	say_frame(line, name, size);
	Outcome outcome = party_watch(has_news_of, line, WATCH_PATIENT, line->fd);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, "takes_a_bad_name", server,
		                 "the %s should hang up on a caller whose name is \"%s\" (%s)", server->who,
		                 record_visible(text, sizeof text, name, size), why);
	hear_hang_up(line);
	hang_up(line);
}

CHECK(
    server, takes_good_names, 4, "takes names of 1 to 32 bytes, spaces and UTF-8 and all",
    "How long may a name be, and what may be in it?",
    "1 to 32 bytes of anything but a bar and ASCII control characters. Bytes above 127 are no ASCII at all.",
    "unsigned char c = name[i]; bad if c < 32 || c == 127 || c == '|'; and char name[33] for the NUL, if you want one.")
{
	static const char *const names[] = {"x",
	                                    "abcdefghijklmnopqrstuvwxyz012345",
	                                    "grüße 你好",
	                                    "two words",
	                                    "a:b/c\\d\"e'~{}",
	                                    "0",
	                                    "äöüäöüäöüäöüäöüä",
	                                    "say",
	                                    NULL};
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	for (const char *const *name = names; *name != NULL; name++)
		talk(is_taken(server, alice, "alice", *name), *name, alice, "alice", "hello yourself");
}
END_CHECK

CHECK(server, refuses_names_of_a_wrong_length, 3, "hangs up on a name of 0 or of more than 32 bytes",
      "How long is the name in an empty frame? And in one of 33 bytes?",
      "Too short and too long. Look at the length before the name is copied anywhere.",
      "if (size < 1 || size > 32) close(call);")
{
	static const char longer[1000] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char much[1000];
	memset(much, 'n', sizeof much);
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	is_refused(server, "", 0, "0 bytes");
	is_refused(server, longer, 33, "33 bytes");
	is_refused(server, much, sizeof much, "1000 bytes");
	talk(alice, "alice", bob, "bob", "still here");
}
END_CHECK

CHECK(server, refuses_a_name_with_a_bar, 2, "hangs up on a name with a bar in it",
      "To whom would `say a|b|hi` go, if somebody were called `a|b`?",
      "To `a`. Nobody could ever speak to `a|b`, and who hears `a|b|hi` takes it for one of `a`.",
      "if (memchr(name, '|', size) != NULL) close(call);")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	is_refused(server, "a|b", 3, "a bar");
	is_refused(server, "|", 1, "a bar");
	is_refused(server, "say bob|hi", 10, "a bar");
	talk(alice, "alice", bob, "bob", "still here");
}
END_CHECK

CHECK(server, refuses_names_with_control_characters, 3, "hangs up on a name with an ASCII control character in it",
      "Which bytes are ASCII control characters?", "0 to 31, and 127. A newline, a tab and a NUL are among them.",
      "for each byte: if (c < 32 || c == 127) it is bad; c being an unsigned char.")
{
	static const char *const names[] = {"a\nb", "a\tb", "\033[2J", "bell\a", "a\177", "\037", "end\r", NULL};
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	for (const char *const *name = names; *name != NULL; name++)
		is_refused(server, *name, strlen(*name), "a control character");
	is_refused(server, "\0", 1, "a control character");
	is_refused(server, "dave\0", 5, "a control character");
	is_refused(server, "da\0ve", 5, "a control character");
	talk(alice, "alice", bob, "bob", "still here");
}
END_CHECK

CHECK(server, refuses_a_name_in_use, 4, "hangs up on a name that is in use",
      "Two are called alice. Who hears what is said to alice?",
      "The first. The second has to find another name: the server hangs up, and nothing changes for the first.",
      "Look for the name before you give it away; then close(call) of the one who comes second.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	is_refused(server, "alice", 5, "in use");
	talk(bob, "bob", alice, "alice", "are you the one?");
	is_refused(server, "alice", 5, "in use");
	talk(alice, "alice", bob, "bob", "i am");
}
END_CHECK

CHECK(server, tells_similar_names_apart, 3, "tells bob from bobby, bo and Bob",
      "How many bytes of two names does your comparison look at?",
      "All of both. Who compares only as many as the one has takes bob for bobby.",
      "Compare lengths and bytes; or strcmp() of two strings, both ended by a NUL.")
{
	static const char *const names[] = {"bobby", "bob", "bo", "Bob"};
	Line *lines[4];
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	for (int i = 0; i < 4; i++)
		lines[i] = is_taken(server, alice, "alice", names[i]);
	for (int i = 0; i < 4; i++)
		talk(alice, "alice", lines[i], names[i], "you and no other");
	for (int i = 0; i < 4; i++)
		hear_nothing(lines[i]);
}
END_CHECK

/* The name can be taken again by somebody else, who then hears what is said to it. */
static void is_free_again(Party *server, Line *other, const char *other_name, const char *name)
{
	party_watch(NULL, NULL, 0, -1); /* the server has noticed that its owner has gone */
	Line *line = joins(server, name);
	settle();
	has_news(line);
	if (line->ended && !server->ended)
		story_fail("keeps_the_name", server,
		           "the name \"%s\" should be free again, but the %s hangs up on the next who takes it.", name,
		           server->who);
	talk(other, other_name, line, name, "you are new here");
}

CHECK(server, frees_the_name_of_one_who_hung_up, 4, "gives a name away again when its owner has hung up",
      "What must be forgotten when recv() returns 0?", "The call, and the name that belonged to it.",
      "Take the entry out of the table where you close(call), on every way out.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	for (int i = 0; i < 3; i++) {
		Line *bob = joins(server, "bob");
		talk(alice, "alice", bob, "bob", "hello");
		hang_up(bob);
		is_free_again(server, alice, "alice", "bob");
		size_t count;
		hang_up(line_all(&count)[count - 1]);
		party_watch(NULL, NULL, 0, -1);
	}
}
END_CHECK

CHECK(server, frees_the_name_after_a_reset, 3, "gives a name away again when its owner's call was reset",
      "What does recv() return when the call was torn down?",
      "-1: the caller is gone, this way too, and his name is free.", "The same clean-up for n == 0 and n == -1.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	talk(alice, "alice", bob, "bob", "hello");
	reset_call(bob);
	is_free_again(server, alice, "alice", "bob");
}
END_CHECK

CHECK(
    server, forgets_who_has_gone, 4, "passes nothing on to one who has taken the place of another",
    "Bob hangs up, and Carol calls. Which descriptor does her call have?",
    "The one that Bob's had: the kernel gives the lowest that is free. Who still has it in the table as Bob's tells Carol what was for Bob.",
    "Take Bob's entry out of the table before, or when, his descriptor is closed.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	talk(alice, "alice", bob, "bob", "hello");
	hang_up(bob);
	party_watch(NULL, NULL, 0, -1);
	Line *carol = dial(server);
	party_watch(NULL, NULL, 0, -1);
	says(alice, "say bob|a secret");
	hear_nothing(carol);
	says(carol, "carol");
	party_watch(NULL, NULL, 0, -1);
	says(alice, "say bob|another secret");
	hear_nothing(carol);
	talk(alice, "alice", carol, "carol", "good morning");
}
END_CHECK

/* --- much, long, and in pieces --- */

CHECK(
    server, keeps_the_order, 4, "passes on in the order in which it was said",
    "Alice says one thing after the other to Bob. What may come between?",
    "What others say; never a later sentence of hers before an earlier one. What waits for Bob is a queue, and whoever sends past it jumps it.",
    "If anything waits for Bob already, put the new frame behind it, even if send() had room.")
{
	enum { SENTENCES = 60 };
	Speech said = {0}, to_bob = {0}, to_carol = {0};
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	for (int i = 0; i < SENTENCES; i++) {
		char text[64];
		snprintf(text, sizeof text, "say %s|sentence %d", i % 3 ? "bob" : "carol", i);
		expect(&said, text);
		snprintf(text, sizeof text, "alice|sentence %d", i);
		expect(i % 3 ? &to_bob : &to_carol, text);
	}
	settle();
	say_bytes(alice, said.bytes, said.size);
	speech_free(&said);
	hears_all(bob, &to_bob);
	hears_all(carol, &to_carol);
}
END_CHECK

/* A frame to x of this size, by this caller; `heard` is what x should hear. */
static void say_long(Line *line, size_t size, const char *from, char *heard)
{
	static char said[FRAME_MOST];
	settle();
	memcpy(said, "say x|", 6);
	for (size_t i = 6; i < size; i++)
		said[i] = (char)('a' + i % 26);
	say_frame(line, said, size);
	size_t n = strlen(from);
	memcpy(heard, from, n);
	heard[n] = '|';
	memcpy(heard + n + 1, said + 6, size - 6);
}

CHECK(server, passes_on_the_longest_frame, 3, "passes on a frame of 65,536 bytes",
      "How many bytes may a frame have, and how many does your buffer?",
      "65,536, and 4 for the length in front. They come in many pieces, and may leave in many.",
      "Keep what has come until the frame is whole; send() again what it did not take.")
{
	static char heard[FRAME_MOST + 64];
	Party *server = a_server();
	Line *bob = joins(server, "bob"), *x = joins(server, "x");
	say_long(bob, FRAME_MOST, "bob", heard);
	is_passed_on(x, "bob|…", "passes_on_nothing");
	hear_frame(x, heard, FRAME_MOST - 6 + 4);
	talk(bob, "bob", x, "x", "that was long");
}
END_CHECK

CHECK(server, drops_what_would_grow_too_long, 3, "drops a frame that would grow over 65,536 bytes",
      "`say x|TEXT` becomes `longname|TEXT`. Can that be longer than it was?",
      "Yes, if the name of who speaks is longer than `say x`. Over 65,536 bytes it is no frame any more.",
      "if (strlen(from) + 1 + text_size > 65536) continue; — nobody is hung up on for it.")
{
	static char heard[FRAME_MOST + 64];
	static const char name[] = "a name of exactly thirty bytes";
	Party *server = a_server();
	Line *alice = joins(server, name), *x = joins(server, "x");
	say_long(alice, FRAME_MOST, name, heard);
	hear_nothing(x);
	say_long(alice, FRAME_MOST - 24, name, heard);
	hear_nothing(x);
	say_long(alice, FRAME_MOST - 25, name, heard);
	is_passed_on(x, "a name of…", "passes_on_nothing");
	hear_frame(x, heard, FRAME_MOST);
	talk(alice, name, x, "x", "that was just right");
}
END_CHECK

static void is_hung_up_on(Line *line)
{
	Outcome outcome = party_watch(has_news_of, line, WATCH_PATIENT, line->fd);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, "trusts_length", line->party,
		                 "the %s should hang up at a length over 65,536, and wait for none of those bytes",
		                 line->party->who);
	hear_hang_up(line);
	hang_up(line);
}

CHECK(server, ends_the_call_at_a_length_over_65536, 3, "hangs up on a caller whose frame would be over 65,536 bytes",
      "What does your server do with a length that cannot be right?",
      "It hangs up at once: it waits for none of those bytes, and takes no memory for them.",
      "size = ntohl(size); if (size > 65536) close(call);")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	settle();
	say_bytes(carol, "\0\1\0\1", 4);
	is_hung_up_on(carol);
	Line *nameless = dial(server);
	say_bytes(nameless, "\xff\xff\xff\xff", 4);
	is_hung_up_on(nameless);
	talk(alice, "alice", bob, "bob", "still here");
	is_free_again(server, alice, "alice", "carol");
}
END_CHECK

CHECK(server, survives_an_end_inside_a_frame, 3, "does not mind a caller who hangs up inside a frame",
      "What is half a frame worth when its other half will never come?",
      "Nothing: it is not passed on. The caller is gone, and his name is free.",
      "recv() returned 0: close(call), whatever is in the buffer.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	Line *carol = joins(server, "carol");
	settle();
	say_bytes(carol, "\0\0\0\20say bob|hal", 15);
	party_watch(NULL, NULL, 0, -1);
	hang_up(carol);
	hear_nothing(bob);
	Line *nameless = dial(server);
	say_bytes(nameless, "\0\0", 2);
	hang_up(nameless);
	is_free_again(server, alice, "alice", "carol");
	talk(alice, "alice", bob, "bob", "still here");
}
END_CHECK

/* Each cut has a caller of its own, and the same receiver. */
static void relay_once(const Cut *cut, void *context)
{
	static const char *const names[] = {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"};
	static unsigned next;
	const char *name = names[next++ % 8];
	struct {
		Party *server;
		Line *bob;
	} *stage = context;
	char long_text[301] = "";
	memset(long_text, 'z', 300);
	Speech said = {0}, heard = {0};
	expect(&said, name);
	for (const char *const *text = (const char *const[]){"one", "two words", long_text, "the end", NULL};
	     *text != NULL; text++) {
		char frame[400];
		snprintf(frame, sizeof frame, "say bob|%s", *text);
		expect(&said, frame);
		snprintf(frame, sizeof frame, "%s|%s", name, *text);
		expect(&heard, frame);
	}
	settle();
	Line *line = dial(stage->server);
	say_speech(line, &said, cut);
	hears_all(stage->bob, &heard);
	speech_free(&said);
	hang_up(line);
}

CHECK(
    server, does_not_depend_on_how_the_bytes_arrive, 8, "passes on the same, however the bytes arrive",
    "What does one recv() give you: a frame, half of one, or three?",
    "As many bytes as there are. The name and the first sentence may come together, and a length in two halves.",
    "Keep what has come for each call; take every whole frame from its front, and leave the rest for the next recv().")
{
	struct {
		Party *server;
		Line *bob;
	} stage = {.server = a_server()};
	stage.bob = joins(stage.server, "bob");
	in_every_cut(relay_once, &stage);
}
END_CHECK

/* --- who keeps whom waiting --- */

static void hears_meanwhile(Line *line, const char *text)
{
	is_passed_on(line, text, "keeps_others_waiting");
	hear_frame_text(line, text);
}

CHECK(server, a_silent_caller_keeps_nobody_waiting, 4, "passes on while somebody says nothing",
      "In which call does your server stand while a caller has not said his name?",
      "If that is recv() on his call, everybody else waits for him. Only what waits for all of them at once may wait.",
      "Hear the name where all other frames are heard, not where accept() is.")
{
	Party *server = a_server();
	Line *silent = dial(server);
	party_watch(NULL, NULL, 0, -1);
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob");
	Line *carol = joins(server, "carol");
	settle();
	say_bytes(carol, "\0\0\0\11say", 7); /* and one in the middle of a frame */
	party_watch(NULL, NULL, 0, -1);
	says(alice, "say bob|shall we begin?");
	hears_meanwhile(bob, "alice|shall we begin?");
	say_bytes(carol, " bob|x", 6);
	hears_meanwhile(bob, "carol|x");
	says(silent, "dave");
	party_watch(NULL, NULL, 0, -1);
	says(silent, "say bob|sorry");
	hears_meanwhile(bob, "dave|sorry");
}
END_CHECK

/*
 * How many bytes the kernel may hold for a caller who does not read, besides what the server keeps. A room of our own
 * gets small buffers, so that what waits soon waits in the server. (The limits belong to the network namespace.) In the shared room the
 * kernel may hold all that two of these checks say: they would prove nothing there, and are not asked.
 */
static size_t kernel_holds_at_most(void)
{
	size_t sum = 0;
	for (const char *const *name = (const char *const[]){"tcp_wmem", "tcp_rmem", NULL}; *name != NULL; name++) {
		char path[64];
		size_t least, usual, most = 8 << 20;
		snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", *name);
		FILE *file = room_is_private() ? fopen(path, "w") : NULL;
		if (file != NULL) {
			fprintf(file, "4096 65536 131072\n");
			fclose(file);
		}
		file = fopen(path, "r");
		if (file != NULL) {
			if (fscanf(file, "%zu %zu %zu", &least, &usual, &most) != 3)
				most = 8 << 20;
			fclose(file);
		}
		sum += most;
	}
	return sum;
}

enum { LONG_TEXT = 50000 };

/* One long sentence to bob, different for each number. */
static void say_much(Line *line, int number, Speech *heard)
{
	static char said[8 + LONG_TEXT], passed[6 + LONG_TEXT];
	settle();
	memcpy(said, "say bob|", 8);
	memcpy(passed, "alice|", 6);
	for (int i = 0; i < LONG_TEXT; i++)
		said[8 + i] = passed[6 + i] = (char)('a' + (i + number) % 26);
	say_frame(line, said, sizeof said);
	let_them_read(line);
	if (heard != NULL)
		speech_frame(heard, passed, sizeof passed);
}

CHECK_NEEDING(
    NEEDS_PRIVATE_ROOM, server, a_receiver_who_does_not_read_delays_nobody, 7,
    "passes on to others while somebody does not read",
    "Where does send() stand when Bob does not read and all buffers are full?",
    "In send(), until Bob reads. Everybody else then waits for Bob, who does not even know.",
    "send(fd, …, MSG_DONTWAIT); keep what it did not take, and try again when poll() says POLLOUT for this call.")
{
	Party *server = a_server();
	kernel_holds_at_most();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	for (int i = 0; i < 16; i++)
		say_much(alice, i, NULL);
	says(alice, "say carol|bob sleeps");
	hears_meanwhile(carol, "alice|bob sleeps");
	says(carol, "say alice|let him");
	hears_meanwhile(alice, "carol|let him");
	(void)bob;
}
END_CHECK

CHECK_NEEDING(NEEDS_PRIVATE_ROOM, server, keeps_what_waits, 5, "keeps what waits for one who reads late, up to 1 MiB",
              "send() took a part, or nothing, and said EAGAIN. Where is the rest?",
              "It waits in the server, in its order, for 1 MiB of it is no reason to drop anything or anybody.",
              "A buffer for each call: behind its end comes what is new, and from its start goes what send() takes.")
{
	Party *server = a_server();
	kernel_holds_at_most();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	Speech heard = {0};
	for (int i = 0; i < 20; i++)
		say_much(alice, i, &heard);
	party_watch(NULL, NULL, 0, -1); /* as much as can be passed on has been, and the rest waits */
	talk(alice, "alice", carol, "carol", "he sleeps");
	rests(server);
	/* Bob wakes, and there is room for more; and in the same moment more is said. It has to wait its turn. */
	party_freeze(server);
	has_news(bob);
	says(alice, "say bob|the end");
	expect(&heard, "alice|the end");
	party_thaw(server);
	is_passed_on(bob, "alice|…", "loses_what_waits");
	party_watch(has_ended, bob, 0, bob->fd);
	if (bob->in_size < heard.size)
		story_fail("loses_what_waits", server,
		           "%zu bytes were said to bob, less than 1 MiB, and when he reads he hears %zu of them%s.",
		           heard.size, bob->in_size, bob->ended ? " and is hung up on" : "");
	hears_all(bob, &heard);
	talk(alice, "alice", bob, "bob", "good morning");
	rests(server);
}
END_CHECK

CHECK(server, hangs_up_on_one_for_whom_too_much_waits, 5, "hangs up on a receiver for whom more than 1 MiB waits",
      "Bob sleeps, and Alice goes on and on. Where does it all go?",
      "Into your memory, for as long as there is some. A limit is needed: beyond 1 MiB Bob is hung up on.",
      "if (waiting + size > 1 << 20) close(his call), take his name out of the table, free() what waits.")
{
	Party *server = a_server();
	size_t much = kernel_holds_at_most() + (3 << 19);
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	size_t said = 0;
	for (int i = 0; said < much; i++) {
		say_much(alice, i, NULL);
		said += LONG_TEXT;
	}
	says(alice, "say carol|where is bob?");
	hears_meanwhile(carol, "alice|where is bob?");
	party_watch(NULL, NULL, 0, -1);
	Outcome outcome = party_watch(has_ended, bob, WATCH_PATIENT, bob->fd);
	if (!bob->ended)
		story_fail_watch(
		    outcome, "keeps_without_limit", server,
		    "the %s should hang up on bob, who has not read while %zu bytes were said to him (he heard %zu)",
		    server->who, said, bob->in_size);
	story_add("bob is hung up on");
	is_free_again(server, alice, "alice", "bob");
}
END_CHECK

CHECK(server, survives_a_receiver_who_is_gone, 4, "does not mind a receiver who is gone when he is to be told",
      "What happens to a program that writes to a call which the other side has torn down?",
      "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
      "send(fd, …, MSG_NOSIGNAL); -1 with EPIPE or ECONNRESET is the end of this call, and of nothing else.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice"), *bob = joins(server, "bob"), *carol = joins(server, "carol");
	talk(alice, "alice", bob, "bob", "hello");
	/* Frozen, so that all of it is there at once when the server looks. */
	party_freeze(server);
	says(alice, "say bob|are you there?");
	says(alice, "say bob|bob?");
	half_close(bob);
	reset_call(bob);
	party_thaw(server);
	party_watch(NULL, NULL, 0, -1);
	says(alice, "say bob|so you are gone");
	party_watch(NULL, NULL, 0, -1);
	talk(alice, "alice", carol, "carol", "he is gone");
	is_free_again(server, alice, "alice", "bob");
}
END_CHECK

/* --- many --- */

static bool nobody_waits(void *context)
{
	const Party *server = context;
	static SocketList listeners;
	const Socket *phone = NULL;
	if (server->ended || !sockets_look_for_listeners(room_now()->scene.diag, &listeners))
		return true;
	phone = sockets_listener(&listeners, server->port);
	return phone == NULL || phone->rqueue == 0;
}

/* "caller 7"; one of eight that are kept. */
static const char *numbered(const char *words, int number)
{
	static char texts[8][64];
	static unsigned next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0], "%s%d", words, number);
	return text;
}

CHECK(server, serves_500_callers, 5, "passes on among 500 callers",
      "How many callers can your server have, and what is the limit?",
      "A table of fixed size has an end, and who writes past it writes into something else.",
      "Let the table grow, or refuse who does not fit; FD_SETSIZE (1024) is a limit of select(), too.")
{
	enum { CALLERS = 500 };
	static Line *lines[CALLERS];
	Party *server = a_crowded_server();
	for (int i = 0; i < CALLERS; i++) {
		lines[i] = dial(server);
		say_frame_text(lines[i], numbered("caller ", i));
		party_watch(nobody_waits, server, 0, -1); /* whoever has a short backlog may have it */
	}
	party_watch(NULL, NULL, 0, -1);
	for (int i = 0; i < CALLERS; i++) {
		char frame[128];
		snprintf(frame, sizeof frame, "say caller %d|from %d", (i + 7) % CALLERS, i);
		say_frame_text(lines[i], frame);
	}
	for (int i = 0; i < CALLERS; i++) {
		char frame[128];
		int from = (i + CALLERS - 7) % CALLERS;
		snprintf(frame, sizeof frame, "caller %d|from %d", from, from);
		hears(lines[i], frame);
	}
}
END_CHECK

typedef struct {
	Party *server;
	Line *host;
} House;

/* One who comes, talks with the host, and leaves, politely or not. Whether names are free again is asked elsewhere. */
static void visit(void *context)
{
	static int number;
	House *house = context;
	const char *name = numbered("guest ", number);
	Line *guest = dial(house->server);
	say_frame_text(guest, name);
	let_them_read(guest);
	talk(guest, name, house->host, "host", "good morning");
	talk(house->host, "host", guest, name, "come in");
	says(guest, "say nobody|good bye");
	if (number++ % 2)
		reset_call(guest);
	else
		hang_up(guest);
}

CHECK(server, leaves_nothing_behind_after_200_callers, 5, "leaves nothing behind when 200 callers have come and gone",
      "What does your server take for a caller, and when does it give it back?",
      "A descriptor, a name, what has come and what waits; perhaps a thread. All of it ends with the call.",
      "One function that ends a call, and does all of it; called wherever a call ends.")
{
	House house = {.server = a_server()};
	house.host = joins(house.server, "host");
	settle();
	leaves_nothing_behind(house.server, 200, "callers", visit, &house);
}
END_CHECK

CHECK(server, rests_while_nobody_speaks, 3, "rests while nobody speaks",
      "When does poll() with POLLOUT say that there is room?",
      "At once, nearly always. Who asks for it while nothing waits never sleeps again.",
      "events = POLLIN, and POLLOUT only while something waits for this call.")
{
	Party *server = a_server();
	Line *alice = joins(server, "alice");
	rests(server);
	Line *bob = joins(server, "bob");
	talk(alice, "alice", bob, "bob", "hello");
	rests(server);
	hang_up(bob);
	hang_up(dial(server)); /* and one who has never said a word */
	rests(server);
	talk(alice, "alice", joins(server, "carol"), "carol", "he has left");
}
END_CHECK

CHECK_NEEDING(
    NEEDS_SOURCES, server, is_clean_under_sanitizers, 6, "uses only memory that is its own, and gives it back",
    "How many bytes are in your buffer, and how many may a name, a frame, or `FROM|TEXT` have?",
    "A name of 32 bytes and a NUL are 33. What a departed caller had must be freed, and never be looked at again.",
    "Sizes before copies; free() where the call ends, and the pointer out of the table first.")
{
	static char heard[FRAME_MOST + 64];
	static const char name[] = "a name of exactly thirty bytes";
	Party *server = a_sanitized_server();
	Line *alice = joins(server, name), *x = joins(server, "x"), *bob = joins(server, "bob");
	say_long(alice, FRAME_MOST, name, heard);
	let_them_read(alice);
	say_long(alice, FRAME_MOST - 25, name, heard);
	is_passed_on(x, "a name of…", "passes_on_nothing");
	hear_frame(x, heard, FRAME_MOST);
	for (const char *const *frame = (const char *const[]){"", "say", "say ", "say x", "s", "say |", "|", NULL};
	     *frame != NULL; frame++) {
		says(alice, *frame);
		let_them_read(alice);
	}
	char much[1000];
	memset(much, 'n', sizeof much);
	Line *nameless = joins_as(server, much, sizeof much);
	hang_up(nameless);
	hang_up(joins_as(server, "", 0));
	talk(x, "x", bob, "bob", "hello");
	hang_up(bob);
	party_watch(NULL, NULL, 0, -1);
	says(x, "say bob|are you there?");
	let_them_read(x);
	talk(alice, name, x, "x", "good bye");
	reset_call(x);
	party_watch(NULL, NULL, 0, -1);
	says(alice, "say x|are you there?");
	let_them_read(alice);
	talk(alice, name, joins(server, "carol"), "carol", "they have left");
	hang_up(alice);
	asks_for_leaks(server);
	is_clean(server);
}
END_CHECK

/* --- the client --- */

/* It has called and is at rest. If it has said its name, whatever that is, it is heard: another check asks for it. */
static void has_come(Line *relay)
{
	char name[FRAME_MOST];
	party_watch(NULL, NULL, WATCH_START, -1);
	if (has_news(relay) && relay->in_size > 0)
		hear_any_frame(relay, name, sizeof name);
}

static Party *a_chatter(Line **relay, InputKind input)
{
	Phone *phone = a_phone();
	Party *client = a_client(phone, (StartAs){.input = input});
	*relay = phone->line;
	has_come(*relay);
	return client;
}

static Party *a_chatter_at_a_terminal(Line **relay)
{
	return a_chatter(relay, INPUT_TERMINAL);
}

static Party *a_chatter_in_a_pipe(Line **relay)
{
	return a_chatter(relay, INPUT_PIPE);
}

CHECK(client, says_its_name_first, 5, "says its name before anything else",
      "What does the relay have to know before it can pass anything on to you?",
      "Your name: the first frame on the call is the NAME of the command line, and nothing but it.",
      "send_frame(phone, argv[3], strlen(argv[3])); — right behind connect().")
{
	Phone *phone = a_phone();
	Party *client =
	    the_program((StartAs){0}, (const char *const[]){"127.0.0.1", port_text(phone->port), "grüße du", NULL});
	client->port = phone->port;
	Line *relay = answer(phone, client);
	hear_frame_text(relay, "grüße du");
	hear_nothing(relay);
	rests(client);
}
END_CHECK

CHECK(client, sends_what_is_typed, 7, "sends what is typed, as `say NAME|TEXT`",
      "`bob|hello` is typed. Which bytes leave your client?",
      "A frame with `say bob|hello` in it: no newline, no NUL, and its length in front.",
      "snprintf(text, sizeof text, \"say %s\", line); send_frame(phone, text, strlen(text));")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	type_line(client, "bob|hello");
	hear_frame_text(relay, "say bob|hello");
	type_line(client, "bob|a somewhat longer line, with  two spaces|and a bar");
	hear_frame_text(relay, "say bob|a somewhat longer line, with  two spaces|and a bar");
	type_line(client, "carol|x");
	hear_frame_text(relay, "say carol|x");
	hear_nothing(relay);
}
END_CHECK

CHECK(client, sends_utf8, 3, "sends UTF-8 as it is typed", "How many bytes has an `ü`?",
      "Two, and both are above 127. They are part of the message like any other.",
      "Nothing special is needed: strlen() counts bytes, and the frame's length is in bytes.")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	type_line(client, "bob|grüße 你好");
	hear_frame_text(relay, "say bob|grüße 你好");
}
END_CHECK

CHECK(client, prints_what_comes_at_once, 7, "prints what comes at once, without a key being pressed",
      "In which call does your client stand when Bob says something?",
      "In readline(), and it will look at the call when you have pressed Enter. It has to wait for both.",
      "poll() for both descriptors; rl_callback_read_char() when there is a key, recv() when there is a frame.")
{
	char said[FRAME_MOST];
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	say_frame_text(relay, "bob|good morning, alice");
	reads(client, "bob: good morning, alice");
	say_frame_text(relay, "carol|hi");
	let_them_read(relay);
	say_frame_text(relay, "bob|hi, carol");
	reads(client, "carol: hi");
	reads(client, "bob: hi, carol");
	type_line(client, "bob|good morning");
	hear_any_frame(relay, said, sizeof said);
	say_frame_text(relay, "bob|how are you?");
	reads(client, "bob: how are you?");
}
END_CHECK

/* "At once" is section 14's word, and Common says of a pipe: by its end. So a client may keep it back until then. */
CHECK(
    client, prints_what_comes_in_a_pipe, 4, "prints what comes when its input and output are pipes",
    "What has your client printed when it ends, if nobody sits at a terminal?",
    "What printf() was given comes out at the end of main() at the latest, but not after _exit(), nor out of a killed thread.",
    "fflush(stdout) behind each message: then somebody at the other end of the pipe has it at once, too.")
{
	Line *relay;
	Party *client = a_chatter_in_a_pipe(&relay);
	for (int i = 1; i <= 3; i++) {
		say_frame_text(relay, numbered("bob|good morning, number ", i));
		party_watch(NULL, NULL, 0, -1); /* it has heard this one when the next one comes */
	}
	end_input(client);
	comes_to_its_end(client);
	for (int i = 1; i <= 3; i++)
		reads(client, numbered("bob: good morning, number ", i));
}
END_CHECK

CHECK(client, prints_the_text_as_it_is, 3, "prints the text as it is, bars and UTF-8 and all",
      "Where does FROM end in `bob|a|b`?", "At the first bar. All the rest is TEXT.",
      "memchr(frame, '|', size); what is before it, \": \", and what is behind it up to the end of the frame.")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	say_frame_text(relay, "bob|one|two|three");
	reads(client, "bob: one|two|three");
	say_frame_text(relay, "two words|x");
	reads(client, "two words: x");
	say_frame_text(relay, "jürgen|grüße 你好");
	reads(client, "jürgen: grüße 你好");
	say_frame_text(relay, "bob|100% sure: %s %d");
	reads(client, "bob: 100% sure: %s %d");
}
END_CHECK

CHECK(client, prints_the_longest_frame, 3, "prints a frame of 65,536 bytes",
      "How long may a frame be that comes from the relay?", "65,536 bytes. They come in several pieces.",
      "A buffer for the longest frame and its header; print when it is whole.")
{
	static char frame[FRAME_MOST + 1], line[FRAME_MOST + 2];
	memcpy(frame, "bob|", 4);
	memcpy(line, "bob: ", 5);
	for (int i = 4; i < FRAME_MOST; i++)
		frame[i] = line[i + 1] = (char)('a' + i % 26);
	Line *relay;
	Party *client = a_chatter_in_a_pipe(&relay);
	say_frame_text(relay, frame);
	let_them_read(relay);
	say_frame_text(relay, "bob|that was long");
	let_them_read(relay);
	party_watch(NULL, NULL, 0, -1);
	end_input(client);
	comes_to_its_end(client);
	reads(client, line);
	reads(client, "bob: that was long");
}
END_CHECK

/* --- the line that is being typed --- */

typedef struct {
	Party *party;
	const char *text;
} Sight;

static bool is_printed_anyhow(void *context)
{
	const Sight *sight = context;
	return display_shows(&sight->party->out, sight->text, false) || sight->party->ended;
}

/* Types without Enter, and sees the echo come to rest. */
static void type_half(Party *client, const char *text)
{
	party_watch(NULL, NULL, WATCH_START, -1);
	story_add("typed \"%s\", and not yet Enter", text);
	party_input(client, text, strlen(text));
	party_watch(NULL, NULL, 0, -1);
}

CHECK(client, sends_the_half_typed_line_whole, 6, "sends the line whole that was half typed when something came",
      "Where is the half-typed line while something else is printed?",
      "In readline's buffer, or the terminal's. On the screen there is only a picture of it.",
      "Do not start the line anew: print, then rl_on_new_line() and rl_redisplay(), and go on reading keys.")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	type_half(client, "bob|half a l");
	say_frame_text(relay, "carol|are you there?");
	Sight sight = {client, "carol: are you there?"};
	Outcome outcome = party_watch(is_printed_anyhow, &sight, WATCH_PATIENT, -1);
	if (outcome != WATCH_DONE || client->ended)
		story_fail_watch(outcome, "does_not_print", client,
		                 "the client should print \"carol: are you there?\" while half a line is typed");
	hear_nothing(relay);
	type_half(client, "inx\177");
	say_frame_text(relay, "carol|hello?");
	hear_nothing(relay);
	type_line(client, "e");
	hear_frame_text(relay, "say bob|half a line");
	type_line(client, "carol|yes");
	hear_frame_text(relay, "say carol|yes");
}
END_CHECK

CHECK(client, does_not_spoil_the_line_being_typed, 7, "does not spoil the line that is being typed",
      "Half a line stands on the screen. Where does printf() print?",
      "Behind it, in the middle of that line. Wipe it off first, print, and show it again below.",
      "rl_clear_visible_line(); printf(…); fflush(stdout); rl_on_new_line(); rl_redisplay();")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	type_half(client, "bob|half a line");
	say_frame_text(relay, "carol|are you there?");
	Sight sight = {client, "carol: are you there?"};
	Outcome outcome = party_watch(is_printed_anyhow, &sight, WATCH_PATIENT, -1);
	if (outcome != WATCH_DONE || client->ended)
		story_fail_watch(outcome, "does_not_print", client,
		                 "the client should print \"carol: are you there?\" while half a line is typed");
	party_watch(NULL, NULL, 0, -1);
	if (!display_shows(&client->out, "carol: are you there?", true))
		story_fail("spoils_the_line", client,
		           "\"carol: are you there?\" should stand on a line of its own. On the screen:%s",
		           display_seen(&client->out));
	if (!display_shows(&client->out, "bob|half a line", false))
		story_fail("spoils_the_line", client,
		           "\"bob|half a line\" had been typed, and should still be seen. On the screen:%s",
		           display_seen(&client->out));
	story_add("the message stands on a line of its own, and what was typed is still there");
}
END_CHECK

/* --- the relay has gone --- */

/* It ends by itself, and says why: in the contract's words, or with the reason of the call that failed. */
static void tells_the_loss(Party *client, bool reset)
{
	static const char *const reasons[] = {"Connection reset by peer", "Broken pipe",
	                                      "Transport endpoint is not connected", "Software caused connection abort",
	                                      NULL};
	has_exited(client, 1, "ignores_hang_up");
	if (complains_as(client, "server hung up"))
		return;
	for (const char *const *reason = reasons; reset && *reason != NULL; reason++)
		if (complains_as(client, *reason))
			return;
	const char *said = client->err.size > 0 ? client->err.text : "";
	story_bytes("what it says on stderr", "client: recv: server hung up", strlen("client: recv: server hung up"),
	            said, strcspn(said, "\n"));
	story_fail("wrong_error_message", client, "the client should say on stderr: client: recv: server hung up");
}

CHECK(client, notices_at_once_that_the_server_has_gone, 7, "notices at once that the server has gone",
      "The server hangs up, and nobody touches a key. Who tells your client?",
      "poll(): the call can be read, and recv() returns 0. Who waits in readline() does not hear of it.",
      "if (n == 0) { fprintf(stderr, \"client: recv: server hung up\\n\"); exit(1); }")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	hang_up(relay);
	tells_the_loss(client, false);
}
END_CHECK

CHECK(client, notices_it_in_the_middle_of_a_line, 3, "notices that the server has gone while half a line is typed",
      "Does a half-typed line keep your client from looking at the call?",
      "It must not: nobody knows when Enter will be pressed.", "The same poll(), whatever has been typed.")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	type_half(client, "bob|half a line");
	hang_up(relay);
	tells_the_loss(client, false);
}
END_CHECK

CHECK(client, notices_it_in_a_pipe, 3, "notices at once that the server has gone when its input is a pipe",
      "Nothing comes out of the pipe, and the server hangs up. What does your client do?",
      "The same as at a terminal: it says so and ends.", "poll() works for a pipe as well.")
{
	Line *relay;
	Party *client = a_chatter_in_a_pipe(&relay);
	hang_up(relay);
	tells_the_loss(client, false);
}
END_CHECK

CHECK(client, notices_a_reset, 3, "notices at once that the call was reset",
      "What does recv() return when the call was torn down?", "-1, and errno is ECONNRESET.",
      "if (n == -1) { perror(\"client: recv\"); exit(1); }")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	reset_call(relay);
	tells_the_loss(client, true);
}
END_CHECK

/* Frozen, so that what was typed and the end of the call are both there when it looks. */
CHECK(client, survives_writing_to_a_closed_call, 3, "survives writing to a call that is no more",
      "What happens to a program that writes to a call which the other side has torn down?",
      "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
      "send_frame() of lab 09 uses MSG_NOSIGNAL; -1: perror(), exit(1).")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	party_freeze(client);
	half_close(relay);
	reset_call(relay);
	party_input(client, "bob|are you there?\r", strlen("bob|are you there?\r"));
	party_thaw(client);
	tells_the_loss(client, true);
}
END_CHECK

CHECK(client, ends_at_a_length_over_65536, 2, "ends with an error at a length over 65,536",
      "What does your client do with a length that cannot be right?",
      "Who talks so does not talk in frames. It says so and ends with exit status 1.",
      "size = ntohl(size); if (size > 65536) it is an error, before any of it is waited for.")
{
	Line *relay;
	Party *client = a_chatter_in_a_pipe(&relay);
	say_bytes(relay, "\xff\xff\xff\xff", 4);
	has_exited(client, 1, "trusts_length");
}
END_CHECK

static void chat_once(const Cut *cut, void *context)
{
	struct {
		Party *client;
		Line *relay;
	} *stage = context;
	Speech said = {0};
	char long_text[321] = "bob|", long_line[325] = "bob: ";
	memset(long_text + 4, 'z', 300);
	memset(long_line + 5, 'z', 300);
	for (const char *const *text =
	         (const char *const[]){"bob|one", "carol|two words", "x|y", long_text, "bob|the end", NULL};
	     *text != NULL; text++)
		expect(&said, *text);
	say_speech(stage->relay, &said, cut);
	for (const char *const *line =
	         (const char *const[]){"bob: one", "carol: two words", "x: y", long_line, "bob: the end", NULL};
	     *line != NULL; line++)
		reads(stage->client, *line);
	speech_free(&said);
}

CHECK(client, does_not_depend_on_how_the_bytes_arrive, 5, "prints the same, however the bytes arrive",
      "What does one recv() give you: a frame, half of one, or three?",
      "As many bytes as there are. poll() says that there is something, and not that it is a frame.",
      "Keep what has come; print every whole frame from its front, and leave the rest for the next recv().")
{
	struct {
		Party *client;
		Line *relay;
	} stage;
	stage.client = a_chatter_at_a_terminal(&stage.relay);
	in_every_cut(chat_once, &stage);
}
END_CHECK

/* --- its input --- */

/* Three lines, which all go out, and a clean end. */
static void chats_to_the_end(Party *client, Line *relay)
{
	Speech said = {0};
	for (const char *const *text =
	         (const char *const[]){"say bob|one", "say carol|two words", "say bob|and three", NULL};
	     *text != NULL; text++)
		expect(&said, *text);
	hear_bytes(relay, said.bytes, said.size);
	hear_hang_up(relay);
	hang_up(relay); /* as the server would: the client may wait for it */
	has_exited(client, 0, "does_not_exit");
	speech_free(&said);
}

CHECK(client, works_in_a_pipe, 4, "works when its input is a pipe", "What does your client do when the input ends?",
      "Every line has been sent by then. It hangs up and ends with exit status 0.",
      "readline calls your function with NULL, fgets() returns NULL: hang up, return 0.")
{
	Line *relay;
	Party *client = a_chatter_in_a_pipe(&relay);
	feed(client, (const char *const[]){"bob|one", "carol|two words", "bob|and three", NULL});
	end_input(client);
	chats_to_the_end(client, relay);
}
END_CHECK

CHECK(client, works_from_a_file, 3, "works when its input is a file",
      "What is different when standard input is a file?",
      "poll() says of a file that it can always be read. epoll_ctl() refuses it.",
      "poll() or select(); read lines until there is none.")
{
	char name[FRAME_MOST];
	Phone *phone = a_phone();
	Party *client =
	    a_client(phone, (StartAs){.input = INPUT_FILE, .file = "bob|one\ncarol|two words\nbob|and three\n"});
	story_add("its input is a file of three lines");
	hear_any_frame(phone->line, name, sizeof name);
	chats_to_the_end(client, phone->line);
}
END_CHECK

CHECK(client, ends_at_end_of_input, 4, "hangs up and ends at the end of input",
      "What does readline's callback give your function when Ctrl-D is typed?",
      "NULL: there is no line, and there will be none.", "if (line == NULL) the loop is over: close(phone); return 0;")
{
	Line *relay;
	Party *client = a_chatter_at_a_terminal(&relay);
	say_frame_text(relay, "bob|hi");
	reads(client, "bob: hi");
	end_input(client);
	hear_hang_up(relay);
	hang_up(relay); /* as the server would: the client may wait for it */
	has_exited(client, 0, "does_not_exit");
}
END_CHECK

CHECK(client, wrong_usage_exits_2, 4, "refuses a wrong command line",
      "What should a program do with a port like `abc`, with one word too many, or with none for the name?",
      "HOST, PORT and NAME are all wanted, for the NAME has no default. A port is from 1 to 65535.",
      "fprintf(stderr, \"usage: client HOST PORT NAME\\n\"); return 2; — before the first socket call.")
{
	refuses((const char *const *const[]){
	    (const char *const[]){"127.0.0.1", "abc", "alice", NULL},
	    (const char *const[]){"127.0.0.1", "0", "alice", NULL},
	    (const char *const[]){"127.0.0.1", "65536", "alice", NULL},
	    (const char *const[]){"127.0.0.1", "-1", "alice", NULL}, (const char *const[]){"127.0.0.1", "20001", NULL},
	    (const char *const[]){NULL}, (const char *const[]){"127.0.0.1", "20001", "alice", "bob", NULL}, NULL});
}
END_CHECK

typedef struct {
	Party *client;
	Line *relay;
} Chat;

static void chat_a_line(void *context)
{
	char said[FRAME_MOST];
	Chat *chat = context;
	party_input(chat->client, "bob|one line of many\n", strlen("bob|one line of many\n"));
	hear_any_frame(chat->relay, said, sizeof said);
	say_frame_text(chat->relay, "bob|one answer of many");
	let_them_read(chat->relay);
}

CHECK(client, leaves_nothing_behind_after_300_messages, 3, "takes nothing for good, however many lines are typed",
      "What does your client take for each line: memory, descriptors, threads?",
      "readline gives you a line that is yours: free() gives it back.", "free(line) at the end of your function.")
{
	Chat chat;
	chat.client = a_chatter_in_a_pipe(&chat.relay);
	leaves_nothing_behind(chat.client, 300, "lines", chat_a_line, &chat);
}
END_CHECK

CHECK_NEEDING(NEEDS_SOURCES, client, is_clean_under_sanitizers, 5,
              "uses only memory that is its own, and gives it back",
              "How many bytes does your buffer have, and how many may a frame have with its length in front?",
              "65,536 and 4. A NUL behind the text needs a place of its own.",
              "Print the bytes with fwrite() or %.*s, without a NUL; free(line) at the end of your function.")
{
	static char frame[FRAME_MOST + 1], name[FRAME_MOST], line[4100] = "bob|";
	memset(frame, 'x', FRAME_MOST);
	memcpy(frame, "bob|", 4);
	memset(line + 4, 'y', 4000);
	Line *relay;
	Party *client = a_sanitized_client(&relay, NULL);
	has_come(relay);
	feed(client, (const char *const[]){"bob|hello", line, "", NULL});
	hear_any_frame(relay, name, sizeof name);
	say_frame_text(relay, "bob|hi");
	say_frame_text(relay, frame);
	say_frame_text(relay, "bob|");
	let_them_read(relay);
	party_watch(NULL, NULL, 0, -1);
	end_input(client);
	comes_to_its_end(client);
	is_clean(client);
}
END_CHECK

static const CheckInfo *const checks[] = {&server_passes_on_what_is_said,
                                          &server_passes_on_among_three,
                                          &server_answers_nobody,
                                          &server_drops_what_is_for_nobody,
                                          &server_drops_any_other_frame,
                                          &server_takes_good_names,
                                          &server_refuses_names_of_a_wrong_length,
                                          &server_refuses_a_name_with_a_bar,
                                          &server_refuses_names_with_control_characters,
                                          &server_refuses_a_name_in_use,
                                          &server_tells_similar_names_apart,
                                          &server_frees_the_name_of_one_who_hung_up,
                                          &server_frees_the_name_after_a_reset,
                                          &server_forgets_who_has_gone,
                                          &server_keeps_the_text_as_it_is,
                                          &server_passes_on_to_oneself,
                                          &server_keeps_the_order,
                                          &server_does_not_depend_on_how_the_bytes_arrive,
                                          &server_passes_on_the_longest_frame,
                                          &server_drops_what_would_grow_too_long,
                                          &server_ends_the_call_at_a_length_over_65536,
                                          &server_survives_an_end_inside_a_frame,
                                          &server_a_silent_caller_keeps_nobody_waiting,
                                          &server_a_receiver_who_does_not_read_delays_nobody,
                                          &server_keeps_what_waits,
                                          &server_hangs_up_on_one_for_whom_too_much_waits,
                                          &server_survives_a_receiver_who_is_gone,
                                          &server_rests_while_nobody_speaks,
                                          &server_serves_500_callers,
                                          &server_leaves_nothing_behind_after_200_callers,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_under_sanitizers,
                                          &client_says_its_name_first,
                                          &client_sends_what_is_typed,
                                          &client_prints_what_comes_at_once,
                                          &client_sends_the_half_typed_line_whole,
                                          &client_does_not_spoil_the_line_being_typed,
                                          &client_notices_at_once_that_the_server_has_gone,
                                          &client_notices_it_in_the_middle_of_a_line,
                                          &client_notices_it_in_a_pipe,
                                          &client_notices_a_reset,
                                          &client_survives_writing_to_a_closed_call,
                                          &client_asks_with_the_prompt,
                                          &client_sends_utf8,
                                          &client_prints_the_text_as_it_is,
                                          &client_prints_what_comes_in_a_pipe,
                                          &client_prints_the_longest_frame,
                                          &client_does_not_depend_on_how_the_bytes_arrive,
                                          &client_ends_at_a_length_over_65536,
                                          &client_works_in_a_pipe,
                                          &client_works_from_a_file,
                                          &client_ends_at_end_of_input,
                                          &client_leaves_nothing_behind_after_300_messages,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_wrong_usage_exits_2,
                                          &client_is_clean_under_sanitizers,
                                          NULL};

const Lab lab14 = {14, "party-line", (const char *const[]){"server", "client", NULL}, checks};
