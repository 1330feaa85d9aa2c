/*
 * transfer.h: labs 10 and 11: a file, and what is said of it first.
 *
 * Towards a server: a_server_of a file; alice dials and hears it, header and content. Towards a client: a_fetching_client
 * saves into the folder "in" of its room, where an older file "letter" lies; it is told a header and a content, and then
 * either has_saved() them, or gives_the_transfer_up() and has left the folder as it was.
 *
 * A header is JSON, put together from what stands for each value, so that one of them may be wrong. In lab 11 it has
 * the digests of the content, too.
 *
 * Ownership: what is returned here is ours until the check ends.
 */
#ifndef CHECKS_TRANSFER_H
#define CHECKS_TRANSFER_H

#include "checks/suite.h"
#include "peer/line.h"

#include <jansson.h>
#include <stdint.h>

/* The file "letter" that lies in every room of these labs: lines of text. */
enum { LETTER_SIZE = 777 };
extern const char *const letter_text;

/* Lab 10 or 11 is judged. The checks that all labs share ask this. */
bool is_transfer(void);

/* start.c calls it. */
void letter_room(void);

/* So many bytes, of every value, a NUL first. */
const unsigned char *pattern(size_t size);

/* The digest of this kind ("md5", "sha256") in lower-case hex. */
const char *digest_text(const char *kind, const void *bytes, size_t size);

/* --- towards a server --- */

/* Opens the room, so that there may be files in it. */
void the_room(void);

/* A server of this file, listening. */
Party *a_server_of(const char *file);

/* The caller hears a frame, and in it an object in JSON. */
json_t *hear_header(Line *line);

/* Which says that a file of this name and size is to come. */
json_t *hear_header_of(Line *line, const char *filename, uint64_t size);

/* All of it: header, exactly this content, and the hang-up. */
void hear_file(Line *line, const char *filename, const void *bytes, size_t size);

/* They hang up: nothing comes behind the content. */
void hear_the_end(Line *line);

/* Exactly this content, and the hang-up. */
void hear_content_of(Line *line, const void *bytes, size_t size);

/* So many bytes of content, whatever they are. */
void hear_content(Line *line, uint64_t size);

/* Somebody calls, hears the letter, and hangs up. */
void fetch_letter(Party *server);

/* The server refuses command lines that are wrong, and those without a FILE. */
void refuses_no_letter(void);

/* The server of the letter, which is built with sanitizers, is called in every way. */
void fetch_in_every_way(Party *server);

/* --- towards a client --- */

/* A client that calls us and saves into "in", at a terminal or not. */
Party *a_fetching_client(Line **line, bool terminal);

/* {"filename":…,"filesize":…} of these two, as they stand there; NULL: without that one. */
char *header_json(const char *filename, const char *filesize, const void *bytes, size_t size);

/* The header of a file of this name, in which nothing is wrong. */
char *header_of(const char *name, const void *bytes, size_t size);

/* The client is told the header, and has read it. */
void say_header(Line *line, const char *json);

/* The client is told all of it, and then the server hangs up. */
void say_transfer(Line *line, const char *json, const void *bytes, size_t size);

/* The client ends with exit status 0. */
void ends_well(Party *client);

/* The client ends well, and the file in the room is exactly this. */
void has_saved(Party *client, const char *file, const void *bytes, size_t size);

/* The client ends with 1, says why, and the folder is as it was. `code` names the mistake of one that ends well instead. */
void gives_the_transfer_up(Party *client, const char *code);

/* A client is told this, the server hangs up, and the client gives it up. */
void must_refuse(const char *json, const void *bytes, size_t size, const char *code);

/* The client, which is built with sanitizers, is told all kinds of things. */
void fetch_all_kinds(void);

/* --- memory --- */

/* What the programs of the room have for themselves, in bytes: no pages of files. */
size_t own_memory(void);

/* hear_header_of(), and until then the memory is never more than 8 MiB above this. */
void hear_header_with_little_memory(Line *line, const char *filename, uint64_t size, size_t before);

/* It is no more than 8 MiB above this. */
void has_grown_little(Party *party, size_t before, const char *when);

/* --- the checks of 10, and 11 again (lab10.c) --- */

extern const CheckInfo server_sends_a_header, server_sends_the_content_behind_it, server_sends_an_empty_file,
    server_sends_files_of_any_size, server_names_the_file_without_its_folder, server_keeps_a_chinese_name,
    server_escapes_the_name, server_streams_a_large_file, server_serves_who_called_meanwhile,
    server_survives_a_caller_who_leaves_in_the_middle, server_survives_a_caller_who_hangs_up_at_once,
    server_says_that_the_file_is_not_there, server_says_that_a_folder_is_no_file;
extern const CheckInfo client_saves_the_file, client_saves_where_it_stands, client_prints_name_and_size,
    client_shows_progress_at_a_terminal, client_saves_an_empty_file, client_saves_files_of_any_size,
    client_keeps_a_chinese_name, client_understands_escapes, client_takes_the_keys_in_any_order,
    client_ignores_unknown_keys, client_takes_a_header_of_65536_bytes, client_saves_the_same_however_it_comes,
    client_streams_a_large_file, client_replaces_an_older_file, client_gives_up_on_an_early_end,
    client_knows_sizes_beyond_4_gib, client_gives_up_on_an_end_inside_the_header,
    client_gives_up_on_a_hang_up_without_a_word, client_gives_up_on_a_reset, client_refuses_what_is_not_json,
    client_refuses_what_is_no_object, client_refuses_a_header_without_a_name, client_refuses_a_header_without_a_size,
    client_refuses_a_negative_size, client_refuses_an_empty_name, client_refuses_dot_and_dot_dot,
    client_refuses_a_name_with_a_slash, client_refuses_a_name_with_a_nul, client_refuses_a_name_that_is_not_utf8,
    client_gives_up_on_a_full_disk;

#define TRANSFER_SERVER_CHECKS                                                                                        \
	&server_sends_a_header, &server_sends_the_content_behind_it, &server_sends_an_empty_file,                     \
	    &server_sends_files_of_any_size, &server_names_the_file_without_its_folder, &server_keeps_a_chinese_name, \
	    &server_escapes_the_name, &server_streams_a_large_file, &server_serves_the_next_caller,                   \
	    &server_serves_who_called_meanwhile, &server_survives_a_caller_who_hangs_up_at_once,                      \
	    &server_survives_a_caller_who_leaves_in_the_middle, &server_leaves_nothing_behind_after_200_calls,        \
	    &server_says_that_the_file_is_not_there, &server_says_that_a_folder_is_no_file,                           \
	    &server_binds_loopback_only, &server_says_that_the_port_is_taken, &server_wrong_usage_exits_2,            \
	    &server_is_clean_under_sanitizers

#define TRANSFER_CLIENT_CHECKS                                                                                     \
	&client_saves_the_file, &client_saves_where_it_stands, &client_prints_name_and_size,                       \
	    &client_shows_progress_at_a_terminal, &client_saves_an_empty_file, &client_saves_files_of_any_size,    \
	    &client_keeps_a_chinese_name, &client_understands_escapes, &client_takes_the_keys_in_any_order,        \
	    &client_ignores_unknown_keys, &client_takes_a_header_of_65536_bytes,                                   \
	    &client_saves_the_same_however_it_comes, &client_streams_a_large_file, &client_replaces_an_older_file, \
	    &client_gives_up_on_an_early_end, &client_knows_sizes_beyond_4_gib,                                    \
	    &client_gives_up_on_an_end_inside_the_header, &client_gives_up_on_a_hang_up_without_a_word,            \
	    &client_gives_up_on_a_reset, &client_refuses_what_is_not_json, &client_refuses_what_is_no_object,      \
	    &client_refuses_a_header_without_a_name, &client_refuses_a_header_without_a_size,                      \
	    &client_refuses_a_negative_size, &client_refuses_an_empty_name, &client_refuses_dot_and_dot_dot,       \
	    &client_refuses_a_name_with_a_slash, &client_refuses_a_name_with_a_nul,                                \
	    &client_refuses_a_name_that_is_not_utf8, &client_gives_up_on_a_full_disk,                              \
	    &client_says_that_nobody_answers, &client_calls_the_host_it_is_given, &client_wrong_usage_exits_2,     \
	    &client_is_clean_under_sanitizers

#endif
