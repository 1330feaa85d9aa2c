#define _GNU_SOURCE
#include "checks/transfer.h"

#include "checks/common.h"
#include "checks/start.h"
#include "program/files.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char older_text[] = "an older letter, that nobody has another copy of\n";

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

#define LINE      "a line of the letter\n"
#define TEN_LINES LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE
const char *const letter_text = TEN_LINES TEN_LINES TEN_LINES LINE LINE LINE LINE LINE LINE LINE;
_Static_assert(sizeof LINE == 22, "37 of them are LETTER_SIZE bytes");

bool is_transfer(void)
{
	return lab_now->number == 10 || lab_now->number == 11;
}

void letter_room(void)
{
	file_put("letter", letter_text, LETTER_SIZE);
}

void the_room(void)
{
	if (room_now() == NULL)
		path_text("");
}

const unsigned char *pattern(size_t size)
{
	unsigned char *bytes = malloc(size + 1);
	need(bytes != NULL, "memory");
	for (size_t i = 0; i < size; i++)
		bytes[i] = file_byte(i);
	return bytes;
}

const char *digest_text(const char *kind, const void *bytes, size_t size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_size = 0;
	const EVP_MD *md = EVP_get_digestbyname(kind);
	char *text = malloc(2 * EVP_MAX_MD_SIZE + 1);
	if (text == NULL || md == NULL || EVP_Digest(bytes, size, digest, &digest_size, md, NULL) != 1)
		trouble("OpenSSL has no %s", kind);
	for (unsigned i = 0; i < digest_size; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
	return text;
}

/* --- towards a server --- */

Party *a_server_of(const char *file)
{
	the_room();
	in_port_t port = room_port();
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(port), file, NULL});
	server->port = port;
	is_up(server);
	return server;
}

static size_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at != NULL ? (size_t)strtoul(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* A page of a file that only this process has mapped counts as private as well, and one that it shares with its parent since
 * the fork as its own. What is both is its alone. */
static size_t own_memory_of(pid_t pid)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	size_t dirty = field(text, "\nPrivate_Dirty:"), anonymous = field(text, "\nAnonymous:");
	return dirty < anonymous ? dirty : anonymous;
}

/* Bytes that are wanted, and not one behind them: a gigabyte may be. Where `bytes` is NULL they are only counted. */
typedef struct {
	Line *line;
	unsigned char *bytes;
	uint64_t size, got;
} Wanted;

/* What a program holds only for a moment is seen by who looks often: here, at every look of the watch. */
static struct {
	bool on;
	size_t most;
} peak;

static void note_peak(void)
{
	const TaskList *list = &room_now()->scene.tasks;
	size_t sum = 0;
	for (size_t i = 0; i < list->processes; i++)
		sum += own_memory_of(list->process[i]);
	peak.most = peak.most > sum ? peak.most : sum;
}

static bool has_come(void *context)
{
	Wanted *w = context;
	if (peak.on)
		note_peak();
	while (w->got < w->size && !w->line->ended) {
		uint64_t left = w->size - w->got;
		size_t piece = left < 1 << 22 ? (size_t)left : 1 << 22;
		/* Of TCP, MSG_TRUNC throws the bytes away where they are (man 7 tcp). */
		ssize_t n = recv(w->line->fd, w->bytes ? w->bytes + w->got : NULL, piece, w->bytes ? 0 : MSG_TRUNC);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return false;
		if (n > 0) {
			w->got += (uint64_t)n;
			int on = 1; /* acknowledge at once */
			setsockopt(w->line->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
			continue;
		}
		w->line->ended = true;
		w->line->was_reset = n == -1;
	}
	return true;
}

/* A server of lab 11 may read a whole file before it says a word: that is no spinning. */
static void hear_exactly(Line *line, void *bytes, uint64_t size, const char *what)
{
	Wanted w = {.line = line, .bytes = bytes, .size = size};
	Outcome outcome = party_watch(has_come, &w, WATCH_PATIENT | WATCH_START, line->fd);
	if (w.got == size)
		return;
	story_add("%s hears %llu bytes", line->who, (unsigned long long)w.got);
	if (w.got > 0 && bytes != NULL)
		story_bytes(what, "", 0, bytes, (size_t)w.got);
	if (line->ended && !line->party->ended)
		party_watch(NULL, NULL, 0, -1);
	if (line->ended && !line->party->ended)
		story_fail(w.got > 0 ? "truncates" : "hangs_up_early", line->party,
		           "the %s should send %s of %llu bytes, but it hung up after %llu.", line->party->who, what,
		           (unsigned long long)size, (unsigned long long)w.got);
	story_fail_watch(outcome, w.got > 0 ? "truncates" : "answers_nothing", line->party,
	                 "the %s should send %s of %llu bytes, of which %llu came", line->party->who, what,
	                 (unsigned long long)size, (unsigned long long)w.got);
}

void hear_content(Line *line, uint64_t size)
{
	hear_exactly(line, NULL, size, "a content");
	story_add("%s hears %llu bytes of content", line->who, (unsigned long long)size);
}

json_t *hear_header(Line *line)
{
	static char text[FRAME_MOST + 1];
	unsigned char length[FRAME_HEADER];
	json_error_t error;
	hear_exactly(line, length, sizeof length, "the length of a header");
	uint32_t size = (uint32_t)length[0] << 24 | (uint32_t)length[1] << 16 | (uint32_t)length[2] << 8 | length[3];
	if (size > FRAME_MOST) {
		story_bytes("the length", "", 0, length, sizeof length);
		bool is_text = length[0] == '{';
		story_fail(is_text                            ? "sends_no_length"
		           : length[2] == 0 && length[3] == 0 ? "length_byte_order"
		                                              : "wrong_length",
		           line->party, "the %s should send a frame, but its length reads %u.", line->party->who, size);
	}
	hear_exactly(line, text, size, "a header");
	json_t *header = json_loadb(text, size, 0, &error);
	if (header == NULL || !json_is_object(header)) {
		story_bytes("the header", "{\"filename\":", strlen("{\"filename\":"), text, size);
		story_fail("wrong_header", line->party, "the header should be an object in JSON, but %s.",
		           header != NULL ? "it is something else" : error.text);
	}
	text[size] = '\0';
	story_add("%s hears the header %s", line->who, text);
	return header;
}

json_t *hear_header_of(Line *line, const char *filename, uint64_t size)
{
	json_t *header = hear_header(line);
	const char *name = json_string_value(json_object_get(header, "filename"));
	const json_t *filesize = json_object_get(header, "filesize");
	if (name == NULL)
		story_fail("wrong_header", line->party,
		           "the header should have a string \"filename\", but it has none.");
	if (strcmp(name, filename) != 0) {
		const char *slash = strrchr(name, '/');
		story_bytes("the filename", filename, strlen(filename), name, strlen(name));
		story_fail(slash != NULL && strcmp(slash + 1, filename) == 0 ? "sends_the_path" : "wrong_name",
		           line->party, "the header should say that the file is called \"%s\", but says \"%s\".",
		           filename, name);
	}
	if (!json_is_integer(filesize))
		story_fail("wrong_header", line->party,
		           "the header should have a \"filesize\" that is an integer, but it has none.");
	if ((uint64_t)json_integer_value(filesize) != size)
		story_fail("wrong_size", line->party,
		           "the header should say that the file has %llu bytes, but says %lld.",
		           (unsigned long long)size, (long long)json_integer_value(filesize));
	return header;
}

/* The content has a frame's length in front of it. */
static bool is_framed(const unsigned char *came, const unsigned char *content, size_t size)
{
	return size > FRAME_HEADER && (came[0] << 24 | came[1] << 16 | came[2] << 8 | came[3]) == (int)size &&
	       memcmp(came + FRAME_HEADER, content, size - FRAME_HEADER) == 0;
}

static bool has_any_news(void *line)
{
	return has_news(line);
}

void hear_the_end(Line *line)
{
	party_watch(has_any_news, line, WATCH_PATIENT, line->fd);
	if (line->in_size > 0) {
		story_bytes("what comes behind it", "", 0, line->in, line->in_size);
		story_fail("sends_behind_the_end", line->party,
		           "the server should hang up behind the content, but there more comes (%zu bytes).",
		           line->in_size);
	}
	hear_hang_up(line);
}

void hear_content_of(Line *line, const void *bytes, size_t size)
{
	unsigned char *came = malloc(size + 1);
	need(came != NULL, "memory");
	hear_exactly(line, came, size, "a content");
	if (memcmp(came, bytes, size) != 0) {
		story_bytes("the content", bytes, size, came, size);
		story_fail(is_framed(came, bytes, size) ? "frames_the_content" : "wrong_bytes", line->party,
		           "the content should be the %zu bytes of the file, but other bytes come.", size);
	}
	free(came);
	story_add("%s hears the content, %zu bytes", line->who, size);
	hear_the_end(line);
}

void hear_file(Line *line, const char *filename, const void *bytes, size_t size)
{
	json_decref(hear_header_of(line, filename, size));
	hear_content_of(line, bytes, size);
	hang_up(line);
}

void fetch_letter(Party *server)
{
	hear_file(dial(server), "letter", letter_text, LETTER_SIZE);
}

void refuses_no_letter(void)
{
	refuses((const char *const *const[]){
	    (const char *const[]){"abc", "letter", NULL}, (const char *const[]){"0", "letter", NULL},
	    (const char *const[]){"65536", "letter", NULL}, (const char *const[]){"-1", "letter", NULL},
	    (const char *const[]){"20001", NULL}, (const char *const[]){"20001", "letter", "more", NULL}, NULL});
}

void fetch_in_every_way(Party *server)
{
	fetch_letter(server);
	party_freeze(server);
	hang_up(dial(server));
	party_thaw(server);
	Line *alice = dial(server);
	json_decref(hear_header(alice));
	reset_call(alice);
	fetch_letter(server);
}

/* --- towards a client --- */

/* All that is to be seen of the folder "in". */
static char *look_into_folder(void)
{
	size_t size = 0;
	char *names = file_list("in"), *deeper = file_list("in/sub"), *all = NULL;
	char *letter = (char *)file_get("in/letter", &size);
	need(asprintf(&all, "in it: %s\nin sub: %s\nletter: %zu bytes, %s", names, deeper, size,
	              letter != NULL ? letter : "gone") != -1,
	     "memory");
	free(names);
	free(deeper);
	free(letter);
	return all;
}

static char *folder_before;

static void make_folder(void)
{
	the_room();
	if (!file_is_there("in"))
		file_make_folder("in");
	if (!file_is_there("in/sub"))
		file_make_folder("in/sub");
	file_put_text("in/letter", older_text);
	file_put_text("in/sub/other", "another letter\n");
	/* It may be written over by whoever the program runs as. */
	need(chmod(room_file("in/letter"), 0666) == 0, "chmod");
	free(folder_before);
	folder_before = look_into_folder();
}

Party *a_fetching_client(Line **line, bool terminal)
{
	make_folder();
	Phone *phone = a_phone();
	Party *client = the_program((StartAs){.input = terminal ? INPUT_TERMINAL : INPUT_PIPE},
	                            (const char *const[]){"127.0.0.1", port_text(phone->port), "in", NULL});
	client->port = phone->port;
	*line = answer(phone, client);
	return client;
}

char *header_json(const char *filename, const char *filesize, const void *bytes, size_t size)
{
	char *json = NULL, name[200] = "", length[100] = "", digests[200] = "";
	if (filename != NULL)
		snprintf(name, sizeof name, "\"filename\":%s,", filename);
	if (filesize != NULL)
		snprintf(length, sizeof length, "\"filesize\":%s,", filesize);
	if (lab_now->number == 11)
		snprintf(digests, sizeof digests, "\"md5\":\"%s\",\"sha256\":\"%s\",", digest_text("md5", bytes, size),
		         digest_text("sha256", bytes, size));
	int n = asprintf(&json, "{%s%s%s", name, length, digests);
	need(n != -1, "memory");
	json[n - 1] = n > 1 ? '}' : '{'; /* in the place of the last comma */
	if (n > 1)
		return json;
	free(json);
	return strdup("{}");
}

char *header_of(const char *name, const void *bytes, size_t size)
{
	char quoted[160], length[24];
	snprintf(quoted, sizeof quoted, "\"%s\"", name);
	snprintf(length, sizeof length, "%zu", size);
	return header_json(quoted, length, bytes, size);
}

void say_header(Line *line, const char *json)
{
	say_frame_text(line, json);
	/* By itself, so that a client is judged here that knows nothing of cuts. */
	let_them_read(line);
}

void say_transfer(Line *line, const char *json, const void *bytes, size_t size)
{
	/* What does not fit into one segment would come as one or as two: here it is always two. */
	const size_t piece = 40000;
	say_header(line, json);
	if (size > 0)
		say_bytes(line, bytes, size < piece ? size : piece);
	if (size > piece) {
		let_them_read(line);
		say_bytes(line, (const unsigned char *)bytes + piece, size - piece);
	}
	hang_up(line);
}

static bool has_ended(void *context)
{
	return ((Party *)context)->ended;
}

void ends_well(Party *client)
{
	party_watch(has_ended, client, WATCH_PATIENT, -1);
	if (client->ended && complains(client, "verification failed"))
		story_fail("wrong_digest", client,
		           "the digest in the header is that of the content, but the client says that it is not.");
	has_exited(client, 0, "does_not_exit");
}

void has_saved(Party *client, const char *file, const void *bytes, size_t size)
{
	size_t got;
	ends_well(client);
	unsigned char *saved = file_get(file, &got);
	if (saved == NULL) {
		char *names = file_list("in");
		for (char *c = names; (c = strchr(c, '\n')) != NULL;)
			*c = ' ';
		story_fail("does_not_save", client,
		           "the client should save the file as %s, but there is no such file. In the folder: %s", file,
		           *names ? names : "nothing");
	}
	size_t common = got < size ? got : size;
	if (got == size && memcmp(saved, bytes, size) == 0) {
		story_add("%s is saved: %zu bytes", file, size);
		free(saved);
		return;
	}
	story_bytes("the saved file", bytes, size, saved, got);
	bool begins_right = memcmp(saved, bytes, common) == 0;
	story_fail(!begins_right ? "wrong_bytes"
	           : got < size  ? "truncates"
	                         : "saves_too_much",
	           client, "the client should save a file of %zu bytes, but it has saved %zu%s.", size, got,
	           begins_right ? "" : ", and others");
}

void gives_the_transfer_up(Party *client, const char *code)
{
	party_watch(has_ended, client, WATCH_PATIENT, -1);
	bool got_out = file_is_there("evil") || file_is_there("in/sub/evil");
	if (client->ended && WIFEXITED(client->status) && (WEXITSTATUS(client->status) == 0 || got_out))
		story_fail(code, client, "the client should give this up with exit status 1, but it ends with %d%s.",
		           WEXITSTATUS(client->status), got_out ? ", and has written outside of its folder" : "");
	has_exited(client, 1, client->ended ? code : "hangs");
	if (client->err.size == 0 && client->out.size == 0)
		story_fail("does_not_say_why", client,
		           "the client should print why it gives up, but it prints nothing.");
	char *now = look_into_folder();
	if (strcmp(now, folder_before) != 0) {
		const char *letter = strstr(folder_before, "\nletter: ");
		bool same_letter = strstr(now, letter) != NULL;
		story_bytes("the folder", folder_before, strlen(folder_before), now, strlen(now));
		story_fail(same_letter ? "leaves_debris" : "destroys_older_file", client,
		           same_letter ? "the client should leave the folder as it was, but it leaves something behind."
		                       : "the client should leave the older file as it was, but that has changed.");
	}
	free(now);
	story_add("the folder is as it was");
}

void must_refuse(const char *json, const void *bytes, size_t size, const char *code)
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, json, bytes, size);
	gives_the_transfer_up(client, code);
}

/* A sanitizer tells of leaks, too, where a program gives up and ends: what the kernel takes back then is no loss. */
static void touches_only_its_own(Party *client)
{
	comes_to_its_end(client);
	if (client->err.size > 0 && (strstr(client->err.text, "ERROR: AddressSanitizer") != NULL ||
	                             strstr(client->err.text, "runtime error:") != NULL))
		is_clean(client);
}

void fetch_all_kinds(void)
{
	enum { SIZE = 70001 };
	const unsigned char *bytes = pattern(SIZE);
	Line *line;
	Party *client = a_sanitized_client(&line, NULL);
	say_transfer(line, header_of("saved", bytes, SIZE), bytes, SIZE);
	comes_to_its_end(client);
	is_clean(client);

	/* The longest header that there may be, and the longest length that can be said. */
	char *full = malloc(FRAME_MOST + 1);
	need(full != NULL, "memory");
	memset(full, ' ', FRAME_MOST);
	full[FRAME_MOST] = '\0';
	memcpy(full, "{\"filename\":\"", 13);
	memset(full + 13, 'x', FRAME_MOST - 13);
	client = a_sanitized_client(&line, NULL);
	say_transfer(line, full, bytes, SIZE);
	touches_only_its_own(client);
	memcpy(full + FRAME_MOST - 15, "\",\"filesize\":1}", 15);
	client = a_sanitized_client(&line, NULL);
	say_transfer(line, full, bytes, SIZE);
	touches_only_its_own(client);
	client = a_sanitized_client(&line, NULL);
	say_bytes(line, "\xff\xff\xff\xff", 4);
	say_bytes(line, bytes, SIZE);
	hang_up(line);
	touches_only_its_own(client);
	free(full);
}

/* --- memory --- */

static void judge_growth(Party *party, size_t before, size_t now, const char *when)
{
	const size_t most = 8 << 20;
	if (now > before + most)
		story_fail("holds_the_file", party,
		           "the memory of the %s should grow by at most 8 MiB, but %s it has grown by %zu MiB.",
		           party->who, when, (now - before) >> 20);
	story_add("%s the memory of the %s has not grown by more than 8 MiB", when, party->who);
}

size_t own_memory(void)
{
	party_watch(NULL, NULL, 0, -1);
	peak.most = 0;
	note_peak();
	return peak.most;
}

void hear_header_with_little_memory(Line *line, const char *filename, uint64_t size, size_t before)
{
	peak.on = true;
	peak.most = 0;
	json_decref(hear_header_of(line, filename, size));
	peak.on = false;
	size_t most = peak.most;
	judge_growth(line->party, before, most, "before the header comes");
}

void has_grown_little(Party *party, size_t before, const char *when)
{
	judge_growth(party, before, own_memory(), when);
}
