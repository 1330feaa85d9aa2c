/*
 * lab10.c: a file over a call. A header that says what follows; whom not to trust.
 *
 * Lab 11 asks all of it again, with digests in the header.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "checks/transfer.h"
#include "peer/cut.h"
#include "program/files.h"
#include "program/trouble.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char wolf[] = "战狼.txt";

/* --- the server --- */

SHARED_CHECK(
    0, server, sends_a_header, 8, "sends a header that says what follows",
    "What must a receiver know before the first byte of the file comes?",
    "Its name and its size: {\"filename\": …, \"filesize\": …}, in one frame.",
    "json_pack(\"{s:s, s:I}\", \"filename\", name, \"filesize\", (json_int_t)size), json_dumps(), send_frame().")
{
	json_decref(hear_header_of(dial(a_server()), "letter", LETTER_SIZE));
}
END_CHECK

SHARED_CHECK(0, server, sends_the_content_behind_it, 8, "sends exactly the content behind it, and hangs up",
             "What comes behind the header, and how does the receiver know where it ends?",
             "filesize raw bytes: no frame around them, nothing in front, nothing behind. Then close().",
             "pread(file, piece, …, next) and send_all(call, piece, n) until next == size; close(call).")
{
	fetch_letter(a_server());
}
END_CHECK

SHARED_CHECK(0, server, sends_an_empty_file, 4, "sends a file of 0 bytes", "What is in a file that is empty?",
             "Nothing, and that can be sent: a header with filesize 0, and the hang-up.",
             "A loop that asks `while (next < size)` sends nothing by itself; no special case is needed.")
{
	the_room();
	file_put("empty", "", 0);
	hear_file(dial(a_server_of("empty")), "empty", "", 0);
}
END_CHECK

SHARED_CHECK(0, server, sends_files_of_any_size, 6, "sends every byte of files of any size",
             "What does your loop do with the last piece, which is shorter than the buffer?",
             "Send the n bytes that were read, of whatever value: a NUL ends nothing, and n is not the buffer's size.",
             "n = read(file, piece, sizeof piece); send_all(call, piece, n) — until n is 0.")
{
	static const size_t sizes[] = {1, 65536, 70001};
	the_room();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		file_put_pattern("bytes", sizes[i]);
		Party *server = a_server_of("bytes");
		hear_file(dial(server), "bytes", pattern(sizes[i]), sizes[i]);
		party_kill(server);
	}
}
END_CHECK

CHECK(server, says_sizes_beyond_4_gib, 3, "says sizes beyond 4 GiB as they are", "What does an int make of 5368709121?",
      "Something smaller, or negative. Sizes of files have 64 bits: off_t.", "(json_int_t)is.st_size; %lld, not %d.")
{
	const uint64_t size = 5368709121; /* 5 GiB and a byte */
	the_room();
	file_put_sparse("huge", (off_t)size);
	Line *alice = dial(a_server_of("huge"));
	json_t *header = hear_header(alice);
	if ((uint64_t)json_integer_value(json_object_get(header, "filesize")) != size)
		story_fail("small_integer", alice->party, "the filesize should be %llu, but the header says %lld.",
		           (unsigned long long)size,
		           (long long)json_integer_value(json_object_get(header, "filesize")));
}
END_CHECK

SHARED_CHECK(0, server, names_the_file_without_its_folder, 4, "says the name without the folders in front of it",
             "Is it anybody's business in which folder your file lies?",
             "`filename` is what stands behind the last slash.",
             "const char *slash = strrchr(path, '/'); name = slash ? slash + 1 : path;")
{
	the_room();
	file_make_folder("shelf");
	file_make_folder("shelf/deep");
	file_put_text("shelf/deep/note", "a note\n");
	Party *server = a_server_of("shelf/deep/note");
	hear_file(dial(server), "note", "a note\n", 7);
	party_kill(server);
	hear_file(dial(a_server_of(path_text("letter"))), "letter", letter_text, LETTER_SIZE);
}
END_CHECK

SHARED_CHECK(0, server, keeps_a_chinese_name, 3, "says a Chinese name as it is", "How many bytes has 战?",
             "JSON is UTF-8, and so are file names here: nothing has to be done.",
             "Leave the bytes of the name alone; json_string() takes UTF-8.")
{
	the_room();
	file_put_text(wolf, "a wolf at the door\n");
	hear_file(dial(a_server_of(wolf)), wolf, "a wolf at the door\n", 19);
}
END_CHECK

SHARED_CHECK(0, server, escapes_the_name, 3, "says a name with a quotation mark in it",
             "What becomes of your JSON if the name has a \" in it?",
             "Inside a JSON string \" and \\ are written with a \\ in front. A library does it.",
             "json_pack() and json_dumps(), and no %s between quotation marks of your own.")
{
	static const char name[] = "a \"quoted\" \\ name";
	the_room();
	file_put_text(name, "a note\n");
	hear_file(dial(a_server_of(name)), name, "a note\n", 7);
}
END_CHECK

/* Who says what belongs to a server's memory before it has a large file? The same server, of a small one. */
SHARED_CHECK(
    0, server, streams_a_large_file, 10, "sends a large file, and holds none of it",
    "How much of a file of 1 GiB has your server in its memory?",
    "A piece at a time is enough: the next is read when the one before has gone.",
    "A loop of read() and send_all() with a buffer of some 100 KiB, or sendfile(). No queue that grows, no malloc(size).")
{
	/* In lab 11 it is read twice, and added up: a smaller one shows as much. */
	const uint64_t size = lab_now->number == 10 ? 1 << 30 : 64 << 20;
	room_want_space((unsigned)(size >> 20) + ROOM_FILE_MIB); /* a server that maps the file fills its holes */
	the_room();
	Party *server = a_server();
	fetch_letter(server);
	size_t before = own_memory();
	party_kill(server);
	file_put_sparse("large", (off_t)size);
	server = a_server_of("large");
	Line *alice = dial(server);
	hear_header_with_little_memory(alice, "large", size, before);
	/* Nobody reads now: what the program has taken in and not got rid of, it has. */
	has_grown_little(server, before, "at the beginning");
	hear_content(alice, size / 2);
	has_grown_little(server, before, "in the middle");
	hear_content(alice, size / 2);
	hear_the_end(alice);
	has_grown_little(server, before, "at the end");
}
END_CHECK

/* More than all buffers between server and caller hold. */
enum { LARGE = 32 << 20 };

static Party *a_server_of_a_large_file(void)
{
	the_room();
	file_put_sparse("large", LARGE);
	return a_server_of("large");
}

static void fetch_large(Line *line)
{
	json_decref(hear_header_of(line, "large", LARGE));
	hear_content(line, LARGE);
	hear_the_end(line);
	hang_up(line);
}

SHARED_CHECK(0, server, serves_who_called_meanwhile, 4, "serves a caller who called while another was served",
             "Where is a caller whom nobody has accepted yet?",
             "The kernel has already connected him: he waits in the backlog, and gets the whole file in his turn.",
             "Begin each call at the start of the file: an offset of its own, or lseek(file, 0, SEEK_SET).")
{
	Party *server = a_server_of_a_large_file();
	Line *alice = dial(server);
	json_decref(hear_header_of(alice, "large", LARGE));
	Line *bob = dial(server);
	party_watch(NULL, NULL, 0, -1);
	hear_content(alice, LARGE);
	hear_the_end(alice);
	hang_up(alice);
	fetch_large(bob);
}
END_CHECK

SHARED_CHECK(0, server, survives_a_caller_who_leaves_in_the_middle, 10,
             "does not mind a caller who leaves in the middle",
             "What happens to a program that writes to a call which the other side has torn down?",
             "The kernel sends it SIGPIPE, which ends it without a word. sendfile() and write() know no MSG_NOSIGNAL.",
             "signal(SIGPIPE, SIG_IGN); then -1 with EPIPE or ECONNRESET ends this call only.")
{
	Party *server = a_server_of_a_large_file();
	Line *alice = dial(server);
	json_decref(hear_header_of(alice, "large", LARGE));
	hear_content(alice, 100000);
	party_watch(NULL, NULL, 0, -1); /* it can send no more: it waits for her */
	reset_call(alice);
	fetch_large(dial(server));
}
END_CHECK

/* The server is frozen while they call and leave, so by its first word they are surely gone. */
SHARED_CHECK(0, server, survives_a_caller_who_hangs_up_at_once, 6,
             "does not mind a caller who is gone before the header",
             "What happens if the caller is gone when the header is sent? And what happens then to the content?",
             "The header may seem to go out well; what is sent after it raises SIGPIPE, unless the program ignores it.",
             "signal(SIGPIPE, SIG_IGN), once, or MSG_NOSIGNAL; and nothing more when send_frame() has returned -1.")
{
	Party *server = a_server();
	party_freeze(server);
	hang_up(dial(server));
	reset_call(dial(server));
	party_thaw(server);
	fetch_letter(server);
}
END_CHECK

/* Whatever call it was that found out, the reason is the same. */
static void cannot_read(const char *file, const char *reason)
{
	the_room();
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(room_port()), file, NULL});
	has_exited(server, 1, "offers_no_file");
	if (!complains(server, reason)) {
		const char *said = server->err.size > 0 ? server->err.text : "";
		story_bytes("what it says on stderr", reason, strlen(reason), said, strcspn(said, "\n"));
		story_fail("wrong_error_message", server, "the server should say on stderr: %s", reason);
	}
	story_add("the server says \"%s\"", reason);
}

SHARED_CHECK(0, server, says_that_the_file_is_not_there, 4, "says at once that the file is not there, and ends",
             "When does your server find out that its file is not there?", "At the start, before anybody calls.",
             "int file = open(argv[2], O_RDONLY); if (file == -1) { perror(\"server: open\"); exit(1); }")
{
	cannot_read("nothing", "No such file or directory");
}
END_CHECK

SHARED_CHECK(0, server, says_that_a_folder_is_no_file, 3, "says at once that a folder cannot be sent, and ends",
             "What do open() and fopen() say of a folder?", "That all is well. Only the first read fails, with EISDIR.",
             "fstat() and S_ISREG(), before the first socket call.")
{
	the_room();
	file_make_folder("shelf");
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(room_port()), "shelf", NULL});
	has_exited(server, 1, "offers_no_file");
	if (server->err.size == 0)
		story_fail("does_not_say_why", server,
		           "the server should say on stderr why it gives up, but it says nothing.");
}
END_CHECK

/* --- the client: what it saves --- */

static void saves(const char *json, const char *name, const void *bytes, size_t size)
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	char file[80];
	say_transfer(line, json, bytes, size);
	snprintf(file, sizeof file, "in/%s", name);
	has_saved(client, file, bytes, size);
}

static void saves_letter(const char *json)
{
	saves(json, "note", letter_text, LETTER_SIZE);
}

SHARED_CHECK(0, client, saves_the_file, 8, "saves the file in the folder that it is given",
             "Which bytes that come are the file, and where do they go?",
             "Those behind the header's frame, filesize of them, into DIR/filename.",
             "recv_frame() for the header, json_loadb(); then recv() and write() until filesize bytes have come.")
{
	saves_letter(header_of("note", letter_text, LETTER_SIZE));
}
END_CHECK

SHARED_CHECK(0, client, saves_where_it_stands, 3, "saves the file in `.` if it is given no folder",
             "What is argv[3] when argc is 3?", "DIR is `.` if it is left out.",
             "const char *dir = argc > 3 ? argv[3] : \".\";")
{
	Phone *phone = a_phone();
	Party *client = a_client(phone, (StartAs){0});
	say_transfer(phone->line, header_of("note", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	has_saved(client, "note", letter_text, LETTER_SIZE);
}
END_CHECK

SHARED_CHECK(0, client, prints_name_and_size, 3, "prints the name and the size of the file",
             "How does one learn what has been saved?", "The name and the number of bytes, on a line.",
             "printf(\"%s: %lld bytes\\n\", name, (long long)size);")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, header_of("note", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	ends_well(client);
	prints_somewhere(client, "note");
	prints_somewhere(client, "777");
}
END_CHECK

static size_t shown(const Party *party)
{
	return party->out.size + party->err.size;
}

/* Something is drawn over, or says a percentage. */
static bool has_a_bar(const Output *out)
{
	for (size_t i = 0; i < out->size; i++) {
		char next = i + 1 < out->size ? out->text[i + 1] : '\0';
		if (strchr("%\b\033", out->text[i]) != NULL || (out->text[i] == '\r' && next != '\n' && next != '\0'))
			return out->text[i] != '\0';
	}
	return false;
}

/* How a bar looks and how often it is drawn is the program's own business. */
SHARED_CHECK(0, client, shows_progress_at_a_terminal, 3, "shows progress at a terminal",
             "How does one who waits for a large file know that it is coming?",
             "How much of filesize has come, drawn over and over on one line: \\r goes back to its beginning.",
             "if (isatty(STDOUT_FILENO)) printf(\"\\r%3d%%\", percent); fflush(stdout);")
{
	enum { SIZE = 1 << 20 };
	const unsigned char *bytes = pattern(SIZE);
	Line *line;
	Party *client = a_fetching_client(&line, true);
	say_header(line, header_of("note", bytes, SIZE));
	say_bytes(line, bytes, SIZE / 4);
	party_watch(NULL, NULL, 0, -1);
	size_t at_a_quarter = shown(client);
	say_bytes(line, bytes + SIZE / 4, SIZE / 2);
	party_watch(NULL, NULL, 0, -1);
	bool grew = shown(client) > at_a_quarter;
	say_bytes(line, bytes + SIZE / 4 * 3, SIZE / 4);
	hang_up(line);
	has_saved(client, "in/note", bytes, SIZE);
	if (!grew && !has_a_bar(&client->out) && !has_a_bar(&client->err))
		story_fail("shows_no_progress", client,
		           "the client should show progress at a terminal, but while the file comes it shows nothing.");
	story_add("the client shows progress");
}
END_CHECK

SHARED_CHECK(0, client, saves_an_empty_file, 4, "saves a file of 0 bytes",
             "What does recv() return if nothing is to come?",
             "0: but that is no early end if filesize is 0. Ask for nothing more, and save the empty file.",
             "while (done < size) { … } — a loop that is not entered at all.")
{
	saves(header_of("note", "", 0), "note", "", 0);
}
END_CHECK

SHARED_CHECK(0, client, saves_files_of_any_size, 6, "saves every byte of files of any size",
             "What does your loop do with a piece that is shorter than the buffer, or has a NUL in it?",
             "Write the n bytes that came, whatever their values. A short recv() is no end.",
             "write(file, piece, n) — n of this recv(), not sizeof piece, not strlen().")
{
	static const size_t sizes[] = {1, 65536, 70001};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const unsigned char *bytes = pattern(sizes[i]);
		saves(header_of("note", bytes, sizes[i]), "note", bytes, sizes[i]);
	}
}
END_CHECK

SHARED_CHECK(0, client, keeps_a_chinese_name, 3, "saves a file with a Chinese name",
             "What is a file name to the kernel?", "Bytes: all but / and NUL. UTF-8 needs nothing special.",
             "Use the string as jansson gives it.")
{
	saves(header_of(wolf, letter_text, LETTER_SIZE), wolf, letter_text, LETTER_SIZE);
}
END_CHECK

SHARED_CHECK(0, client, understands_escapes, 3, "understands a name with escapes in it",
             "How else may 战 stand in JSON?",
             "As \\u6218: json.dumps() of Python writes it so. It is the same string.",
             "json_loadb() undoes them; do not look for the quotation marks yourself.")
{
	saves(header_json("\"\\u6218\\u72fc \\\"\\u0031\\\".txt\"", "777", letter_text, LETTER_SIZE), "战狼 \"1\".txt",
	      letter_text, LETTER_SIZE);
}
END_CHECK

SHARED_CHECK(0, client, takes_the_keys_in_any_order, 4, "takes the keys of the header in any order",
             "Is {\"filesize\": 1, \"filename\": \"a\"} another object?", "No: the keys of an object have no order.",
             "json_object_get(header, \"filename\") finds it wherever it stands.")
{
	json_t *header = json_loads(header_of("note", letter_text, LETTER_SIZE), 0, NULL);
	json_t *name = json_incref(json_object_get(header, "filename"));
	json_object_del(header, "filename");
	json_object_set_new(header, "filename", name);
	/* Behind all others, and with white space where JSON allows it. */
	saves_letter(json_dumps(header, JSON_INDENT(2)));
}
END_CHECK

SHARED_CHECK(0, client, ignores_unknown_keys, 4, "ignores the keys that it does not know",
             "What should a client do with a header of next year's server?",
             "What it knows it uses; what it does not know it passes over, of whatever type.",
             "Ask for the keys that you want, and do not count the others.")
{
	json_t *header = json_loads(header_of("note", letter_text, LETTER_SIZE), 0, NULL);
	json_object_set_new(header, "owner", json_pack("{s:s, s:[i,i,n]}", "filename", "evil", "sizes", 1, 2));
	json_object_set_new(header, "mode", json_integer(0644));
	json_object_set_new(header, "filesizes", json_null());
	saves_letter(json_dumps(header, 0));
}
END_CHECK

SHARED_CHECK(0, client, takes_a_header_of_65536_bytes, 3, "takes a header of 65536 bytes", "How long may a frame be?",
             "65536 bytes, and the header is a frame.",
             "char text[FRAME_MAX]; json_loadb(text, n, …), which needs no NUL behind it.")
{
	char *json = header_of("note", letter_text, LETTER_SIZE);
	static unsigned char full[FRAME_HEADER + FRAME_MOST];
	size_t size = strlen(json);
	frame_header(full, FRAME_MOST);
	memset(full + FRAME_HEADER, ' ', FRAME_MOST);
	memcpy(full + FRAME_HEADER, json, size - 1);
	full[sizeof full - 1] = '}';
	Line *line;
	Party *client = a_fetching_client(&line, false);
	/* So much may come in one segment or in two: here it is always two. */
	say_bytes(line, full, sizeof full / 2);
	let_them_read(line);
	say_bytes(line, full + sizeof full / 2, sizeof full - sizeof full / 2);
	let_them_read(line);
	say_bytes(line, letter_text, LETTER_SIZE);
	hang_up(line);
	has_saved(client, "in/note", letter_text, LETTER_SIZE);
}
END_CHECK

static void fetch_cut(const Cut *cut, void *speech)
{
	enum { SIZE = 3000 };
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_speech(line, speech, cut);
	hang_up(line);
	has_saved(client, "in/note", pattern(SIZE), SIZE);
	file_remove("in/note");
}

SHARED_CHECK(0, client, saves_the_same_however_it_comes, 8, "saves the same, in whatever pieces it comes",
             "What else may be in the buffer when recv() was to give you the header?",
             "The beginning of the file; or only half of the header. TCP is a stream.",
             "recv_frame() takes the frame and not one byte more, in however many pieces it comes.")
{
	enum { SIZE = 3000 };
	const unsigned char *bytes = pattern(SIZE);
	char *json = header_of("note", bytes, SIZE);
	Speech speech = {0};
	speech_frame(&speech, json, strlen(json));
	speech_bytes(&speech, bytes, SIZE, 1);
	in_every_cut(fetch_cut, &speech);
}
END_CHECK

SHARED_CHECK(0, client, streams_a_large_file, 10, "saves a large file, and holds none of it",
             "How much of the file has your client in its memory when it writes the first byte of it?",
             "What has come goes into the file at once. A piece at a time is enough.",
             "One buffer of 64 KiB or so: recv() into it, write() from it. No malloc(filesize), no list of pieces.")
{
	const size_t size = lab_now->number == 10 ? 40 << 20 : 24 << 20, block = 1 << 20;
	unsigned char *bytes = malloc(size);
	if (bytes == NULL)
		trouble("no memory");
	for (size_t at = 0; at < size; at += block) {
		if (at == 0)
			memcpy(bytes, pattern(block), block);
		else
			memcpy(bytes + at, bytes, block);
		bytes[at] = (unsigned char)(at >> 20); /* no two are the same */
	}
	Line *line;
	Party *client = a_fetching_client(&line, false);
	size_t before = own_memory();
	say_header(line, header_of("note", bytes, size));
	say_bytes(line, bytes, size / 2);
	has_grown_little(client, before, "in the middle");
	say_bytes(line, bytes + size / 2, size / 2 - 1);
	has_grown_little(client, before, "a byte before the end");
	say_bytes(line, bytes + size - 1, 1);
	hang_up(line);
	has_saved(client, "in/note", bytes, size);
	free(bytes);
}
END_CHECK

SHARED_CHECK(0, client, replaces_an_older_file, 4, "replaces an older file of the same name",
             "What is left of a long old file when a short new one is written over it?",
             "Its tail, if nobody has cut it off (O_TRUNC); nothing at all, if the new file takes its name.",
             "Write to a file of another name in DIR, then rename() it.")
{
	saves(header_of("letter", "new\n", 4), "letter", "new\n", 4);
}
END_CHECK

/* --- the client: what goes wrong --- */

SHARED_CHECK(0, client, gives_up_on_an_early_end, 8, "gives up when the stream ends early",
             "What does recv() returning 0 mean if only half of filesize has come?",
             "That the rest never will: half a file is none. Remove it, and say so.",
             "if (n == 0) { unlink(temporary); fprintf(stderr, …); exit(1); } — and an older file is still there.")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	const unsigned char *bytes = pattern(70001);
	say_transfer(line, header_of("letter", bytes, 70001), bytes, 70000);
	gives_the_transfer_up(client, "ignores_early_end");
}
END_CHECK

SHARED_CHECK(0, client, knows_sizes_beyond_4_gib, 3, "knows sizes beyond 4 GiB", "What does an int make of 4294968073?",
             "777: the upper half is cut off. Sizes of files have 64 bits.",
             "json_int_t size = json_integer_value(filesize); and a counter as wide.")
{
	/* 4 GiB more are announced than ever come. */
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, header_json("\"letter\"", "4294968073", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	comes_to_its_end(client);
	/* It asked for room for all of it, which is more than a program may have here: so it knows. */
	if (client->ended && WIFSIGNALED(client->status) && WTERMSIG(client->status) == SIGXFSZ)
		return;
	gives_the_transfer_up(client, "small_integer");
}
END_CHECK

SHARED_CHECK(0, client, gives_up_on_an_end_inside_the_header, 3, "gives up when the header ends early",
             "What does your client do with half a header?", "Nothing: it is none. recv_frame() returns -1.",
             "if (recv_frame(…) == -1) { perror(\"client: recv\"); exit(1); }")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	char *json = header_of("letter", letter_text, LETTER_SIZE);
	unsigned char length[FRAME_HEADER];
	frame_header(length, (uint32_t)strlen(json) + 10);
	say_bytes(line, length, sizeof length);
	say_bytes(line, json, strlen(json));
	hang_up(line);
	gives_the_transfer_up(client, "ignores_early_end");
}
END_CHECK

SHARED_CHECK(0, client, gives_up_on_a_hang_up_without_a_word, 3, "gives up when the server hangs up without a word",
             "What has your client when the call ends before any header came?", "Nothing to save: an error.",
             "recv_frame() returns -1 with ENODATA: say so, exit(1).")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	hang_up(line);
	gives_the_transfer_up(client, "ignores_early_end");
}
END_CHECK

SHARED_CHECK(0, client, gives_up_on_a_reset, 3, "gives up when the call is reset in the middle",
             "What does recv() return when the call was torn down?", "-1, and ECONNRESET: the rest will not come.",
             "n == -1 is an error like the early end: remove what there is, exit(1).")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_header(line, header_of("letter", letter_text, LETTER_SIZE));
	say_bytes(line, letter_text, 100);
	party_watch(NULL, NULL, 0, -1);
	reset_call(line);
	gives_the_transfer_up(client, "ignores_early_end");
}
END_CHECK

SHARED_CHECK(0, client, refuses_what_is_not_json, 3, "refuses a header that is not JSON",
             "What does json_loadb() return for a text that is not JSON?", "NULL. Then there is no header.",
             "if (header == NULL) give up, before anything is saved.")
{
	char *json = header_of("letter", letter_text, LETTER_SIZE);
	must_refuse("letter 777", letter_text, LETTER_SIZE, "trusts_the_header");
	json[strlen(json) - 1] = '\0';
	must_refuse(json, letter_text, LETTER_SIZE, "trusts_the_header");
}
END_CHECK

SHARED_CHECK(0, client, refuses_what_is_no_object, 3, "refuses a header that is JSON, but no object",
             "What does json_object_get() return if it is given a list?",
             "NULL, as for a key that is not there; so does json_string_value() of NULL.",
             "if (!json_is_object(header)), or look whether name and size were found.")
{
	must_refuse("[\"letter\", 777]", letter_text, LETTER_SIZE, "trusts_the_header");
	must_refuse("null", letter_text, LETTER_SIZE, "trusts_the_header");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_header_without_a_name, 3, "refuses a header without a file name",
             "What does json_string_value() return if the key is missing, or is no string?",
             "NULL, and a NULL is no name.", "if (name == NULL) give up.")
{
	must_refuse(header_json(NULL, "777", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE, "trusts_the_header");
	must_refuse(header_json("777", "777", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE, "trusts_the_header");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_header_without_a_size, 3, "refuses a header without a size",
             "How much of the stream is the file, if nobody has said it?", "Nobody knows: so it is no header.",
             "if (!json_is_integer(json_object_get(header, \"filesize\"))) give up.")
{
	must_refuse(header_json("\"letter\"", NULL, letter_text, LETTER_SIZE), letter_text, LETTER_SIZE,
	            "trusts_the_header");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_negative_size, 3, "refuses a negative size",
             "What does `while (done < size)` do if size is -1? And (size_t)size?",
             "The one saves an empty file, the other waits for 18446744073709551615 bytes.", "if (size < 0) give up.")
{
	must_refuse(header_json("\"letter\"", "-1", "", 0), "", 0, "trusts_the_header");
	must_refuse(header_json("\"letter\"", "-777", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE,
	            "trusts_the_header");
}
END_CHECK

static void refuses_name(const char *name)
{
	must_refuse(header_json(name, "777", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE, "trusts_the_name");
}

SHARED_CHECK(0, client, refuses_an_empty_name, 2, "refuses an empty name", "What file is DIR/ and nothing?",
             "None: it is the folder.", "if (name[0] == '\\0') give up.")
{
	refuses_name("\"\"");
}
END_CHECK

SHARED_CHECK(0, client, refuses_dot_and_dot_dot, 3, "refuses `.` and `..` as names", "What are DIR/. and DIR/..?",
             "Folders: this one, and the one above.", "strcmp(name, \".\") == 0 || strcmp(name, \"..\") == 0: give up.")
{
	refuses_name("\".\"");
	refuses_name("\"..\"");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_name_with_a_slash, 8, "refuses a name that leads to another folder",
             "Where does DIR/../.bashrc lie?",
             "Above DIR. A name with a / in it is a path, and paths lead out; there is no need to think which do.",
             "if (strchr(name, '/') != NULL) give up — do not repair it.")
{
	char *absolute = NULL;
	the_room();
	if (asprintf(&absolute, "\"%s\"", path_text("evil")) == -1)
		trouble("no memory");
	refuses_name("\"../evil\"");
	refuses_name(absolute);
	refuses_name("\"sub/evil\"");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_name_with_a_nul, 3, "refuses a name with a NUL in it",
             "Where does the name `letter\\0.txt` end, for open()?",
             "At the NUL: another file than the header says. jansson refuses such a string unless it is told not to.",
             "json_loadb(text, n, 0, NULL), without JSON_ALLOW_NUL.")
{
	refuses_name("\"letter\\u0000.txt\"");
}
END_CHECK

SHARED_CHECK(0, client, refuses_a_name_that_is_not_utf8, 3, "refuses a name that is not UTF-8",
             "Is every byte string a text?", "No. JSON is UTF-8 and nothing else; json_loadb() refuses the rest.",
             "Let jansson read the header, and look whether it returned NULL.")
{
	refuses_name("\"caf\xe9.txt\"");
	refuses_name("\"\xc0\xaf.txt\"");
}
END_CHECK

SHARED_CHECK(NEEDS_PRIVATE_ROOM, client, gives_up_on_a_full_disk, 6, "gives up when the disk is full",
             "What does write() return when only half of a piece fits on the disk? And then?",
             "First half of n, then -1 and ENOSPC. What is there of the file must go.",
             "Look at what write() and close() return; on an error unlink(temporary), perror(), exit(1).")
{
	enum { SIZE = 1 << 20 };
	const unsigned char *bytes = pattern(SIZE);
	Line *line;
	Party *client = a_fetching_client(&line, false);
	if (!file_fill_up(SIZE / 4 + 1000))
		story_skip("needs the private room, whose disk can be filled up");
	story_add("256 KiB are left on the disk");
	say_transfer(line, header_of("letter", bytes, SIZE), bytes, SIZE);
	gives_the_transfer_up(client, "ignores_full_disk");
}
END_CHECK

static const CheckInfo *const checks[] = {TRANSFER_SERVER_CHECKS, &server_says_sizes_beyond_4_gib,
                                          TRANSFER_CLIENT_CHECKS, NULL};

const Lab lab10 = {10, "file-transfer", (const char *const[]){"server", "client", NULL}, checks};
