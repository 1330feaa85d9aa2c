/*
 * lab11.c: the right bytes. A digest of the content, computed at both ends and compared.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "checks/transfer.h"
#include "program/files.h"
#include "program/trouble.h"

#include <stdlib.h>
#include <string.h>

/* --- the server --- */

/* The digest in the header is that of the content. Where it is none, the message says of what it is. */
static void says_digest(Line *line, const char *kind, const char *name, const void *bytes, size_t size)
{
	json_t *header = hear_header_of(line, name, size);
	const char *said = json_string_value(json_object_get(header, kind));
	const char *right = digest_text(kind, bytes, size);
	if (said == NULL)
		story_fail("wrong_digest", line->party, "the header should have a string \"%s\", but it has none.",
		           kind);
	if (strcmp(said, right) != 0) {
		story_bytes("the digest", right, strlen(right), said, strlen(said));
		const char *what = strcasecmp(said, right) == 0                  ? "in upper-case"
		                   : strcmp(said, digest_text(kind, "", 0)) == 0 ? "that of no bytes at all"
		                                                                 : "another";
		story_fail("wrong_digest", line->party,
		           "the \"%s\" in the header should be that of the content, but it is %s.", kind, what);
	}
	story_add("\"%s\" is that of the content", kind);
	json_decref(header);
}

/* Sizes at which a last piece is short, or whole, or not there. */
static void says_digests(const char *kind)
{
	static const size_t sizes[] = {1, 65536, 300001};
	Party *server = a_server();
	says_digest(dial(server), kind, "letter", letter_text, LETTER_SIZE);
	party_kill(server);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		file_put_pattern("bytes", sizes[i]);
		server = a_server_of("bytes");
		says_digest(dial(server), kind, "bytes", pattern(sizes[i]), sizes[i]);
		party_kill(server);
	}
}

CHECK(server, sends_the_md5, 12, "says the content's MD5 in the header",
      "What does EVP_DigestUpdate() have to be given, so that each byte counts once?",
      "The n bytes of each piece, the last one too, and none that were left in the buffer.",
      "EVP_DigestUpdate(sum, piece, n) for each n = read(…) > 0; then EVP_DigestFinal_ex(), two hex digits a byte.")
{
	says_digests("md5");
}
END_CHECK

CHECK(server, sends_the_sha256, 8, "says the content's SHA-256 in the header", "What is different for SHA-256?",
      "The name, and the size: 32 bytes, 64 hex digits.",
      "EVP_DigestInit_ex(sum, EVP_sha256(), NULL), and the same pieces as for MD5.")
{
	says_digests("sha256");
}
END_CHECK

CHECK(server, says_digests_of_an_empty_file, 4, "says the digests of a file of 0 bytes, too",
      "What is the MD5 of nothing?", "d41d8cd98f00b204e9800998ecf8427e: a digest like any other.",
      "EVP_DigestInit_ex() and EVP_DigestFinal_ex(), with no EVP_DigestUpdate() between them.")
{
	the_room();
	file_put("empty", "", 0);
	Party *server = a_server_of("empty");
	says_digest(dial(server), "md5", "empty", "", 0);
	says_digest(dial(server), "sha256", "empty", "", 0);
}
END_CHECK

CHECK(server, says_the_same_to_every_caller, 4, "says the same digests to every caller",
      "Whose bytes are in the sum when the second caller comes?",
      "A sum begins anew with EVP_DigestInit_ex(), and the file is read from its start.",
      "Compute once, at the start; or begin a new sum for each call, and lseek() to 0.")
{
	Party *server = a_server();
	for (int i = 0; i < 3; i++) {
		Line *line = dial(server);
		says_digest(line, "md5", "letter", letter_text, LETTER_SIZE);
		hear_content_of(line, letter_text, LETTER_SIZE);
		hang_up(line);
	}
}
END_CHECK

/* --- the client --- */

/* The header of the letter with another value for a key, or without it (NULL), where it should be "letter". */
static char *header_with(const char *key, json_t *value, const void *bytes, size_t size)
{
	json_t *header = json_loads(header_of("letter", bytes, size), 0, NULL);
	if (header == NULL)
		trouble("no header");
	if (value != NULL)
		json_object_set_new(header, key, value);
	else
		json_object_del(header, key);
	char *json = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	return json;
}

/* A client is told this header and content; it gives them up with the words of the contract. */
static void fails_to_verify(const char *json, const void *bytes, size_t size)
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, json, bytes, size);
	gives_the_transfer_up(client, "ignores_digest");
	prints_somewhere(client, "verification failed");
}

CHECK(client, says_that_it_is_verified, 4, "says `verified` when all is well",
      "How does one learn that the file has been checked?", "The client says so, when both digests agree.",
      "printf(\"verified\\n\"); — behind the comparison, and before return 0.")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, header_of("letter", letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	has_saved(client, "in/letter", letter_text, LETTER_SIZE);
	prints_somewhere(client, "verified");
}
END_CHECK

CHECK(
    client, refuses_a_flipped_byte, 14, "refuses a file in which one byte is another",
    "What does your client do when the digests differ?",
    "A digest that is computed and not acted on is decoration: the file must not stay, and an older one must.",
    "if (strcmp(mine, theirs) != 0) { fprintf(stderr, \"client: verification failed\\n\"); unlink(temporary); exit(1); }")
{
	enum { SIZE = 70001 };
	unsigned char *bytes = malloc(SIZE);
	if (bytes == NULL)
		trouble("no memory");
	/* At the start, in the middle, and the very last one. */
	static const size_t where[] = {0, 35000, SIZE - 1};
	for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
		memcpy(bytes, pattern(SIZE), SIZE);
		char *json = header_of("letter", bytes, SIZE);
		bytes[where[i]] ^= 0x20;
		story_add("byte %zu is another than it was", where[i]);
		fails_to_verify(json, bytes, SIZE);
	}
	free(bytes);
}
END_CHECK

CHECK(client, refuses_a_digest_that_is_right_in_part, 5, "refuses a digest of which only a part is right",
      "How many of the 32 digits does your comparison look at?",
      "All: a digest that is cut off, or differs in its last digit only, is another.",
      "strcmp() of the whole strings; strncmp() with the length of what was sent takes the empty digest.")
{
	char right[33], wrong[33];
	snprintf(right, sizeof right, "%s", digest_text("md5", letter_text, LETTER_SIZE));
	snprintf(wrong, sizeof wrong, "%s", right);
	wrong[31] = wrong[31] == '0' ? '1' : '0';
	fails_to_verify(header_with("md5", json_string(wrong), letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	right[16] = '\0';
	must_refuse(header_with("md5", json_string(right), letter_text, LETTER_SIZE), letter_text, LETTER_SIZE,
	            "ignores_digest");
	must_refuse(header_with("md5", json_string(""), letter_text, LETTER_SIZE), letter_text, LETTER_SIZE,
	            "ignores_digest");
}
END_CHECK

CHECK(client, refuses_a_header_without_an_md5, 6, "refuses a header without an md5",
      "What is verified if there is nothing to compare with?",
      "Nothing: so its absence is an error, not a reason to skip the comparison.",
      "if (json_string_value(json_object_get(header, \"md5\")) == NULL) give up.")
{
	json_t *header = json_loads(header_of("letter", letter_text, LETTER_SIZE), 0, NULL);
	json_object_del(header, "md5");
	must_refuse(json_dumps(header, 0), letter_text, LETTER_SIZE,
	            "ignores_digest"); /* with a sha256 that is right */
	json_object_del(header, "sha256");
	must_refuse(json_dumps(header, 0), letter_text, LETTER_SIZE, "ignores_digest");
	json_decref(header);
}
END_CHECK

CHECK(client, does_without_a_sha256, 5, "does without a sha256", "Is every server of next year's kind?",
      "No: sha256 may be missing, and then md5 alone must agree.",
      "json_object_get(header, \"sha256\") == NULL: nothing to compare, and no error.")
{
	Line *line;
	Party *client = a_fetching_client(&line, false);
	say_transfer(line, header_with("sha256", NULL, letter_text, LETTER_SIZE), letter_text, LETTER_SIZE);
	has_saved(client, "in/letter", letter_text, LETTER_SIZE);
}
END_CHECK

CHECK(client, refuses_a_wrong_sha256, 8, "refuses a wrong sha256, though the md5 is right",
      "What does a sha256 in the header say, if nobody looks at it?",
      "Two files with one MD5 can be made on purpose. Where there is a SHA-256, it must agree as well.",
      "A second EVP_MD_CTX with EVP_sha256(), updated with the same pieces.")
{
	char wrong[65];
	snprintf(wrong, sizeof wrong, "%s", digest_text("sha256", letter_text, LETTER_SIZE));
	wrong[63] = wrong[63] == '0' ? '1' : '0';
	json_t *header = json_loads(header_of("letter", letter_text, LETTER_SIZE), 0, NULL);
	json_object_set_new(header, "sha256", json_string(wrong));
	fails_to_verify(json_dumps(header, 0), letter_text, LETTER_SIZE);
	json_decref(header);
}
END_CHECK

static const CheckInfo *const checks[] = {&server_sends_the_md5,
                                          &server_sends_the_sha256,
                                          &server_says_digests_of_an_empty_file,
                                          &server_says_the_same_to_every_caller,
                                          TRANSFER_SERVER_CHECKS,
                                          &client_says_that_it_is_verified,
                                          &client_refuses_a_flipped_byte,
                                          &client_refuses_a_digest_that_is_right_in_part,
                                          &client_refuses_a_header_without_an_md5,
                                          &client_does_without_a_sha256,
                                          &client_refuses_a_wrong_sha256,
                                          TRANSFER_CLIENT_CHECKS,
                                          NULL};

const Lab lab11 = {11, "checked-transfer", (const char *const[]){"server", "client", NULL}, checks};
