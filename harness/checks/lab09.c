/*
 * lab09.c: framing. The length in front.
 *
 * frame.c by itself is judged in lab09_frame.c; what is here is said to the programs. Labs 12 and 13 ask a part of it
 * again, and list it (lab09.h).
 */
#define _GNU_SOURCE
#include "checks/lab09.h"

#include "checks/common.h"
#include "checks/start.h"
#include "peer/cut.h"
#include "program/trouble.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* So many letters, from a on or from z back; ours until the check ends. */
static char *letters(size_t size, char first)
{
	char *text = malloc(size + 1);
	if (text == NULL)
		trouble("no memory");
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(first == 'z' ? 'z' - (i + i / 26) % 26 : 'a' + (i + i / 26) % 26);
	text[size] = '\0';
	return text;
}

/* Lengths that no frame has. The last three are negative, or more than there is memory, to who takes them for something else. */
static const uint32_t lies[] = {FRAME_MOST + 1, 0x7fffffff, 0x80000000, 0xffffffff};
enum { LIES = sizeof lies / sizeof *lies };

static void say_lie(Line *line, uint32_t length)
{
	unsigned char header[FRAME_HEADER];
	frame_header(header, length);
	story_add("%s says a header: %u bytes are to come", line->who, length);
	transmit(line, header, sizeof header);
}

/* The longest frame, in two pieces for certain: more than one segment can hold comes in several anyway, but nobody knows in how many. */
static void say_longest(Line *line, const char *payload)
{
	unsigned char header[FRAME_HEADER];
	frame_header(header, FRAME_MOST);
	story_add("%s says a frame of 65,536 bytes", line->who);
	transmit(line, header, sizeof header);
	transmit(line, payload, FRAME_MOST / 2);
	party_watch(NULL, NULL, 0, -1);
	transmit(line, payload + FRAME_MOST / 2, FRAME_MOST / 2);
}

typedef struct {
	Line *line;
	size_t size;
} Hope;

static bool has_come(void *context)
{
	Hope *hope = context;
	has_news(hope->line);
	return hope->line->in_size >= hope->size || hope->line->ended;
}

/* The next frame that comes is this one; others may be behind it, and in the same piece. */
static void answers_with(Line *line, const char *text, size_t size)
{
	char *payload = letters(size, 'a');
	Hope hope = {line, FRAME_HEADER + size};
	Outcome outcome = has_come(&hope) ? WATCH_DONE : party_watch(has_come, &hope, WATCH_PATIENT, line->fd);
	if (line->in_size < FRAME_HEADER && line->ended && !line->party->ended) {
		party_watch(NULL, NULL, 0, -1); /* its end, if it is at it, says more */
		if (!line->party->ended)
			story_fail("hangs_up_early", line->party,
			           "the server should answer with a frame of %zu bytes, but it hangs up.", size);
	}
	if (line->in_size < FRAME_HEADER || (line->in_size < hope.size && memcmp(line->in, "\0\0", 2) == 0))
		story_fail_watch(outcome, line->in_size > 0 ? "truncates" : "answers_nothing", line->party,
		                 "the server should answer with a frame of %zu bytes", size);
	if (hear_any_frame(line, payload, size) == size && memcmp(payload, text, size) == 0)
		return;
	story_bytes("the reply", text, size, payload, size);
	story_fail("wrong_bytes", line->party, "the server should answer with another frame of %zu bytes.", size);
}

/* --- the server --- */

SHARED_CHECK(0, server, answers_frames_that_come_together, 5, "answers every frame of several that come together",
             "Two frames are sent, one right after the other. What may a single recv() give?",
             "Both, and a part of a third. Only the length says where one ends.",
             "Ask for 4 bytes, and then for as many as they say, never for more: recv_frame() does.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	Speech together = {0};
	speech_frame(&together, "one", 3);
	speech_frame(&together, "two words", 9);
	speech_frame(&together, "three", 5);
	story_add("%s says three frames in one piece", alice->who);
	transmit(alice, together.bytes, together.size);
	answers_with(alice, "ONE", 3);
	answers_with(alice, "TWO WORDS", 9);
	answers_with(alice, "THREE", 5);
	hear_nothing(alice);
}
END_CHECK

SHARED_CHECK(0, server, waits_for_the_whole_frame, 5, "answers a frame when it is whole, and not before",
             "Two bytes of the length have come. How long is the frame?",
             "Nobody knows yet. recv() gives what is there; you need four, and then as many as they say.",
             "recv_exact() for the header, and recv_exact() for the payload.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	static const char frame[] = "\0\0\0\5hello";
	static const size_t cuts[] = {0, 2, 4, 7, 9};
	for (size_t i = 0; i + 1 < sizeof cuts / sizeof *cuts; i++) {
		hear_nothing(alice);
		say_bytes(alice, frame + cuts[i], cuts[i + 1] - cuts[i]);
	}
	hear_frame_text(alice, "HELLO");
}
END_CHECK

/* The same bytes in every cut, on a call of its own each. */
static void answers_the_speech(const Cut *cut, void *server)
{
	static Speech speech;
	static char *answers[10];
	static size_t sizes[10];
	if (speech.size == 0) {
		const struct {
			const char *text;
			size_t size;
		} frames[] = {{"hello", 5},
		              {"", 0},
		              {"two words, 2 ü", 15},
		              {"nul\0\n inside", 12},
		              {letters(97, 'z'), 97},
		              {"x", 1},
		              {letters(3000, 'a'), 3000},
		              {"", 0},
		              {letters(300, 'a'), 300},
		              {"the last", 8}};
		for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
			sizes[i] = frames[i].size;
			answers[i] = letters(sizes[i], 'a');
			memcpy(answers[i], frames[i].text, sizes[i]);
			speech_frame(&speech, answers[i], sizes[i]);
			upper_bytes(answers[i], sizes[i]);
		}
	}
	Line *line = dial(server);
	say_speech(line, &speech, cut);
	for (size_t i = 0; i < speech.messages; i++)
		answers_with(line, answers[i], sizes[i]);
	half_close(line);
	hear_hang_up(line);
	hang_up(line);
}

SHARED_CHECK(
    0, server, answers_frames_however_they_come, 8, "answers the same, however the bytes come",
    "Which of your answers depend on where one recv() ends and the next begins?",
    "None should. The same frames are sent one by one, together, byte by byte, and cut inside every header: what each recv() "
    "gives differs, what is in the stream does not.",
    "No recv() outside recv_exact(), and none that asks for more than is missing.")
{
	in_every_cut(answers_the_speech, a_server());
}
END_CHECK

SHARED_CHECK(0, server, answers_the_empty_frame, 5, "answers the empty frame with an empty frame",
             "recv_frame() returned 0. Who has hung up?",
             "Nobody: a frame with nothing in it has come, and its answer is one like it. The end is -1 and ENODATA.",
             "while ((n = recv_frame(…)) >= 0), and not > 0.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_frame_text(alice, "");
	hear_frame_text(alice, "");
	say_frame_text(alice, "still there?");
	hear_frame_text(alice, "STILL THERE?");
	say_frame_text(alice, "");
	hear_frame_text(alice, "");
}
END_CHECK

SHARED_CHECK(0, server, takes_a_frame_of_65536_bytes, 5, "takes a frame of 65,536 bytes, and one of 1",
             "How long may a frame be, and how much of it does one recv() give?",
             "65,536 bytes of payload; they come in many pieces, and go out in many.", "char heard[FRAME_MAX];")
{
	char *longest = letters(FRAME_MOST, 'z');
	Party *server = a_server();
	Line *alice = dial(server);
	say_longest(alice, longest);
	upper_bytes(longest, FRAME_MOST);
	hear_frame(alice, longest, FRAME_MOST);
	say_frame_text(alice, "x");
	hear_frame_text(alice, "X");
}
END_CHECK

static bool has_ended(void *line)
{
	has_news(line);
	return ((Line *)line)->ended;
}

/* The call ends, and no answer came. `code`: it goes on instead. */
static void is_hung_up_on(Line *line, const char *code, const char *what)
{
	Outcome outcome = party_watch(has_ended, line, WATCH_PATIENT, line->fd);
	if (line->in_size > 0) {
		story_bytes("the reply", "", 0, line->in, line->in_size);
		story_fail("answers_unfinished_frame", line->party,
		           "the server should send no answer to %s, but it does.", what);
	}
	if (!line->ended)
		story_fail_watch(outcome, code, line->party, "the server should hang up on %s", what);
	hear_hang_up(line);
	hang_up(line);
}

/* The service goes on. */
static void serves_another(Party *server)
{
	Line *line = dial(server);
	say_frame_text(line, "and me?");
	hear_frame_text(line, "AND ME?");
	hang_up(line);
}

SHARED_CHECK(0, server, hangs_up_on_a_length_over_65536, 8, "hangs up at once on a length over 65,536",
             "A caller says that 4 GiB are to come. What does your server do now?",
             "No frame is that long, so this caller does not talk in frames: there is nothing to wait for.",
             "recv_frame() returned -1 with EMSGSIZE: close(call), and back to accept().")
{
	Party *server = a_server();
	for (size_t i = 0; i < LIES; i++) {
		Line *line = dial(server);
		say_frame_text(line, "hello");
		hear_frame_text(line, "HELLO");
		say_lie(line, lies[i]);
		is_hung_up_on(line, "trusts_length", "a length over 65,536, and wait for none of those bytes");
	}
	serves_another(server);
}
END_CHECK

/* The most address space that each process in the room has had at a time, in KiB, taken together. */
static size_t peak_kib(void)
{
	still_look(&room_now()->scene);
	const TaskList *list = &room_now()->scene.tasks;
	size_t sum = 0;
	for (size_t i = 0; i < list->processes; i++) {
		char path[64], line[128];
		snprintf(path, sizeof path, "/proc/%d/status", list->process[i]);
		FILE *status = fopen(path, "re");
		size_t kib;
		while (status != NULL && fgets(line, sizeof line, status) != NULL)
			if (sscanf(line, "VmPeak: %zu", &kib) == 1)
				sum += kib;
		if (status != NULL)
			fclose(status);
	}
	return sum;
}

SHARED_CHECK(0, server, takes_no_memory_for_a_false_length, 3, "takes no memory for a length over 65,536",
             "What does malloc() do if a stranger says how much?",
             "It takes it, or fails, and either is the stranger's doing. Compare first.",
             "A buffer of 65,536 bytes is enough for every frame there is.")
{
	enum { CLAIM = 1 << 30, ALLOWED_KIB = 512 << 10 }; /* threads and their heaps take some 100 MiB of addresses */
	Party *server = a_server();
	Line *alice = dial(server);
	say_frame_text(alice, "hello");
	hear_frame_text(alice, "HELLO");
	size_t before = peak_kib();
	say_lie(alice, CLAIM);
	party_watch(has_ended, alice, WATCH_PATIENT, alice->fd);
	size_t after = peak_kib();
	if (after > before && after - before >= ALLOWED_KIB)
		story_fail("trusts_length", server,
		           "at a length of 1 GiB the server should take no memory, but it took more than %d MiB.",
		           ALLOWED_KIB >> 10);
}
END_CHECK

/* A beginning of a frame, and then the end of the stream. */
static void ends_inside(Party *server, const char *bytes, size_t size, const char *what)
{
	Line *line = dial(server);
	say_frame_text(line, "hello");
	hear_frame_text(line, "HELLO");
	say_bytes(line, bytes, size);
	half_close(line);
	is_hung_up_on(line, "does_not_hang_up", what);
}

SHARED_CHECK(0, server, does_not_answer_an_end_inside_a_header, 3,
             "hangs up, with no answer, when the stream ends inside a header",
             "Two bytes of the length have come, and then the end of the stream. What is to be answered?",
             "Nothing: there is no frame. The call is over.",
             "recv_frame() returned -1: close(call), whatever errno says.")
{
	Party *server = a_server();
	for (size_t n = 1; n < FRAME_HEADER; n++)
		ends_inside(server, "\0\0\0", n, "a stream that ends inside a header");
	serves_another(server);
}
END_CHECK

SHARED_CHECK(0, server, does_not_answer_an_end_inside_a_payload, 4,
             "hangs up, with no answer, when the stream ends inside a payload",
             "The length says 5, three bytes come, and then the end. Is that a message of three bytes?",
             "No: it is a message of five that was cut off. It is not answered, not even in part.",
             "recv() returned 0 before the payload was whole: close(call).")
{
	Party *server = a_server();
	ends_inside(server, "\0\0\0\5hel", 7, "a stream that ends inside a payload");
	ends_inside(server, "\0\0\0\5", 4, "a stream that ends between header and payload");
	serves_another(server);
}
END_CHECK

/* The server is frozen meanwhile, so it finds the frames and the end of the stream together. */
SHARED_CHECK(0, server, answers_frames_after_a_half_close, 5, "answers everything to a caller who has stopped sending",
             "What does recv() return of 0 mean: that the caller is gone, or that no more will come from there?",
             "Only the latter. What came before it is to be answered, and the caller may well still listen.",
             "Answer frame by frame; the end of the stream comes behind the last of them.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_frame_text(alice, "hello");
	hear_frame_text(alice, "HELLO");
	party_freeze(server);
	Speech speech = {0};
	char *text = letters(20000, 'a');
	speech_frame(&speech, "one", 3);
	speech_frame(&speech, "", 0);
	speech_frame(&speech, text, 20000);
	story_add("%s says three frames", alice->who);
	transmit(alice, speech.bytes, speech.size);
	half_close(alice);
	party_thaw(server);
	answers_with(alice, "ONE", 3);
	answers_with(alice, "", 0);
	answers_with(alice, upper(text), 20000);
	hear_hang_up(alice);
}
END_CHECK

/* Says frames of `frame` bytes with a rest in the middle of each. A server that waits until its answers are read need not read on
 * meanwhile: what it leaves is for later. Returns how much it took. */
static size_t say_in_halves(Line *line, const unsigned char *bytes, size_t size, size_t frame)
{
	size_t said = 0, taken, piece = frame / 2;
	do {
		taken = transmit(line, bytes + said, piece < size - said ? piece : size - said);
		said += taken;
		party_watch(NULL, NULL, 0, -1); /* whatever it could do without a reader, it has done */
	} while (taken == piece && said < size);
	return said;
}

SHARED_CHECK(
    0, server, sends_every_frame_whole, 4, "sends everything, to a slow reader as well",
    "What does send() return, and what does that number mean?",
    "It may take less than it is given. What it did not take must be sent again, or the caller waits for the rest.",
    "send_frame() sends header and payload with send_all().")
{
	enum { FRAMES = 4, SIZE = FRAME_HEADER + FRAME_MOST };
	Party *server = a_server();
	keep_window_shut();
	Line *alice = dial(server);
	char *longest = letters(FRAME_MOST, 'a');
	Speech speech = {0};
	for (int i = 0; i < FRAMES; i++)
		speech_frame(&speech, longest, FRAME_MOST);
	story_add("%s says %d frames of 65,536 bytes, and reads no answer meanwhile", alice->who, FRAMES);
	size_t said = say_in_halves(alice, speech.bytes, speech.size, SIZE);
	story_add("%s reads now", alice->who);
	alice->deaf = false;
	int large = 1 << 20;
	setsockopt(alice->fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
	setsockopt(alice->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &large, sizeof large);
	transmit(alice, speech.bytes + said, speech.size - said);
	upper_bytes(longest, FRAME_MOST);
	for (int i = 0; i < FRAMES; i++)
		answers_with(alice, longest, FRAME_MOST);
}
END_CHECK

SHARED_CHECK(0, server, prints_each_frame_whole, 2, "prints a message whole, however it comes",
             "What does your server print: what recv() gave it, or a message?", "A message, when it is whole.",
             "fwrite(heard, 1, n, stdout); putchar('\\n'); — where the answer is made.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_bytes(alice, "\0\0\0\14good mor", 12);
	hear_nothing(alice);
	say_bytes(alice, "ning\0\0\0\13how are you", 19);
	answers_with(alice, "GOOD MORNING", 12);
	answers_with(alice, "HOW ARE YOU", 11);
	const char *const texts[] = {"good morning", "how are you", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		if (!prints_line(server, *text))
			story_fail(server->out.size > 0 ? "prints_wrong" : "does_not_print", server,
			           "the server should print \"%s\" on a line of its own, but it does not.", *text);
		story_add("the server prints \"%s\"", *text);
	}
}
END_CHECK

/* --- the client --- */

/* One line, its frame, and the reply to it. Spaces around it may be there or not. */
static void says_the_line(Party *client, Line *server, const char *typed)
{
	char payload[64];
	size_t size = hear_any_frame(server, payload, sizeof payload);
	size_t spaces = strspn(typed, " ");
	bool blank = typed[spaces] == '\0';
	bool as_typed = size == strlen(typed) && memcmp(payload, typed, size) == 0;
	if (!as_typed && !(blank && size == 0)) {
		story_bytes("the message", typed, strlen(typed), payload, size);
		story_fail("wrong_bytes", client, "the client should send \"%s\" as one frame.", typed);
	}
	upper_bytes(payload, size);
	say_frame(server, payload, size);
}

SHARED_CHECK(0, client, sends_an_empty_line, 6,
             "sends an empty line as an empty frame, and asks again when it is answered",
             "How many bytes go over the wire for an empty message?",
             "Four: a length of 0. So it can be said now, heard, and answered.",
             "No `continue` for an empty line: send_frame(call, line, 0) and then recv_frame(), which returns 0.")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "hello");
	says_the_line(client, server, "hello");
	reads(client, "HELLO");
	type_line(client, "");
	says_the_line(client, server, "");
	party_watch(NULL, NULL, WATCH_PATIENT, -1);
	asks_again(client);
	type_line(client, "still here");
	says_the_line(client, server, "still here");
	reads(client, "STILL HERE");
}
END_CHECK

SHARED_CHECK(0, client, sends_empty_lines_in_a_pipe, 3, "sends empty lines, and lines of spaces, from a pipe",
             "Is an empty line the end of the input?", "No, and it is a message like any other now.",
             "Every line that readline() gives is sent; NULL is the end.")
{
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	const char *const lines[] = {"one", "", "   ", "", "two", NULL};
	feed(client, lines);
	end_input(client);
	for (const char *const *line = lines; *line != NULL; line++)
		says_the_line(client, server, *line);
	hear_hang_up(server);
	hang_up(server);
	has_exited(client, 0, "does_not_exit");
	reads(client, "ONE");
	reads(client, "TWO");
}
END_CHECK

typedef struct {
	Party *client;
	Line *server;
} Talk;

/* One reply at a time: for what nobody has asked yet there is no answer. */
static void reads_the_replies(const Cut *cut, void *context)
{
	Talk *talk = context;
	const char *const texts[] = {"a question with ü", letters(300, 'a'), "x", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		Speech reply = {0};
		speech_frame(&reply, upper(*text), strlen(*text));
		type_line(talk->client, *text);
		hear_frame_text(talk->server, *text);
		say_speech(talk->server, &reply, cut);
		reads(talk->client, upper(*text));
		speech_free(&reply);
	}
}

SHARED_CHECK(0, client, reads_a_frame_however_it_comes, 8, "reads a reply, however the bytes come",
             "Where does a reply end?", "Where its length says. It may take one recv() until there, or a hundred.",
             "recv_frame(), and nothing else that receives.")
{
	Talk talk;
	talk.client = a_client_at_a_terminal(&talk.server);
	in_every_cut(reads_the_replies, &talk);
}
END_CHECK

SHARED_CHECK(0, client, sends_65536_bytes, 5, "sends a line of 65,536 bytes, and prints as long a reply",
             "How long may a line be, and how long a reply?", "65,536 bytes each.",
             "readline() has no limit of its own; char reply[FRAME_MAX] for recv_frame().")
{
	char *longest = letters(FRAME_MOST, 'z');
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){longest, NULL});
	hear_frame(server, longest, FRAME_MOST);
	upper_bytes(longest, FRAME_MOST);
	say_longest(server, longest);
	end_input(client);
	hear_hang_up(server);
	hang_up(server); /* as the server would: the client may wait for it */
	has_exited(client, 0, "does_not_exit");
	reads(client, longest);
}
END_CHECK

/* Exit status 1, and something on stderr. */
static void ends_with_an_error(Party *client, const char *code)
{
	has_exited(client, 1, code);
	if (client->err.size == 0 && client->kind != INPUT_TERMINAL)
		story_fail("wrong_error_message", client,
		           "the client should say on stderr what is wrong, but it says nothing.");
}

SHARED_CHECK(0, client, refuses_a_line_of_65537_bytes, 4, "ends with an error on a line of more than 65,536 bytes",
             "What does send_frame() return for a line that is too long?",
             "-1, and errno EMSGSIZE: that is for you to look at.", "if (send_frame(…) == -1) die(\"send\");")
{
	char *too_long = letters(FRAME_MOST + 1, 'a');
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){too_long, NULL});
	ends_with_an_error(client, "sends_too_much");
}
END_CHECK

static Party *a_client_that_asked(Line **server)
{
	Party *client = a_client_in_a_pipe(server);
	feed(client, (const char *const[]){"are you there?", NULL});
	hear_frame_text(*server, "are you there?");
	return client;
}

SHARED_CHECK(0, client, refuses_a_reply_with_a_false_length, 5,
             "ends with an error on a reply with a length over 65,536",
             "The reply's length says 4 GiB. How long does your client wait?",
             "Not at all: no frame is that long, so whoever is there does not talk in frames.",
             "recv_frame() returned -1, errno is EMSGSIZE: perror(\"client: recv\"), exit(1).")
{
	for (size_t i = 0; i < LIES; i += 3) {
		Line *server;
		Party *client = a_client_that_asked(&server);
		say_lie(server, lies[i]);
		ends_with_an_error(client, "trusts_length");
	}
}
END_CHECK

/* A beginning of a reply, and then the end of the stream. */
static void is_cut_off(const char *bytes, size_t size)
{
	Line *server;
	Party *client = a_client_that_asked(&server);
	say_bytes(server, bytes, size);
	hang_up(server);
	ends_with_an_error(client, "ignores_hang_up");
}

SHARED_CHECK(0, client, notices_a_reply_cut_off, 5, "ends with an error on a reply that is cut off",
             "Half a reply has come, and recv() returns 0. What will become of the other half?",
             "It will never come: that is an error, whether the header was cut or the payload.",
             "recv_frame() returned -1: say why, and exit(1).")
{
	is_cut_off("\0\0", 2);
	is_cut_off("\0\0\0\16", 4);
	is_cut_off("\0\0\0\16ARE YO", 10);
}
END_CHECK

static const CheckInfo *const checks[] = {FRAME_CHECKS,
                                          FRAME_SERVER_CHECKS,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          FRAME_CLIENT_CHECKS,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_default_address,
                                          &client_wrong_usage_exits_2,
                                          NULL};

const Lab lab09 = {9, "framing", (const char *const[]){"frame", "server", "client", NULL}, checks};
