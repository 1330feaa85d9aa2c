#define _GNU_SOURCE
#include "header.h"

#include <dirent.h>
#include <sys/stat.h>

static char above[256], folder[280];
static FakeStory story;
static uint8_t stream[4 + HEADER_MOST];

static const char older[] = "what was there before";

static void put_older(void)
{
	int file = openat(AT_FDCWD, "older", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	expect(file != -1 && write(file, older, sizeof older) == sizeof older && close(file) == 0);
}

static void make_folder(void)
{
	if (above[0] != '\0')
		return;
	const char *room = getenv("FUZZ_ROOM"); /* whoever made it takes it away */
	snprintf(above, sizeof above, "%s/fuzz-XXXXXX", room != NULL ? room : "/tmp");
	expect(mkdtemp(above) != NULL);
	snprintf(folder, sizeof folder, "%s/dir", above);
	expect(mkdir(folder, 0700) == 0 && chdir(folder) == 0);
	put_older();
}

/* The only entry of a folder besides `older`, or "" where there is none. */
static void only_entry(const char *path, char name[NAME_MAX + 1])
{
	DIR *dir = opendir(path);
	expect(dir != NULL);
	name[0] = '\0';
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "older") == 0)
			continue;
		expect(name[0] == '\0');
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
	}
	closedir(dir);
}

static bool holds(const char *name, const void *bytes, size_t size)
{
	static uint8_t found[HEADER_MOST + 1];
	int file = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	expect(file != -1);
	ssize_t n = read(file, found, sizeof found);
	close(file);
	return n == (ssize_t)size && (size == 0 || memcmp(found, bytes, size) == 0);
}

/* The digest in the place of the row. */
static void fill_in(char *text, size_t size, char letter, const char *hash, const uint8_t *content, size_t content_size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char row[2 * EVP_MAX_MD_SIZE + 1];
	size_t n = 0;
	expect(EVP_Q_digest(NULL, hash, NULL, content, content_size, digest, &n) == 1);
	memset(row, letter, 2 * n);
	char *at = memmem(text, size, row, 2 * n);
	for (size_t i = 0; at != NULL && i < n; i++) {
		snprintf(row, sizeof row, "%02x", digest[i]);
		memcpy(at + 2 * i, row, 2);
	}
}

/* The client said that all went well. Did it? */
static void went_well(const char *text, size_t text_size, const uint8_t *content, size_t content_size, bool digests)
{
	char name[NAME_MAX + 1];
	json_t *header = json_loadb(text, text_size, 0, NULL);
	const char *filename = json_string_value(json_object_get(header, "filename"));
	json_int_t size = json_integer_value(json_object_get(header, "filesize"));
	expect(json_is_object(header) && filename != NULL && json_is_integer(json_object_get(header, "filesize")));
	expect(size >= 0 && (uint64_t)size <= content_size);
	expect(filename[0] != '\0' && strchr(filename, '/') == NULL);
	expect(strcmp(filename, ".") != 0 && strcmp(filename, "..") != 0);
	only_entry(folder, name);
	expect(strcmp(filename, "older") == 0 ? name[0] == '\0' : strcmp(filename, name) == 0);
	expect(holds(filename, content, (size_t)size));
	if (digests) {
		char right[65] = "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM";
		fill_in(right, 32, 'M', "MD5", content, (size_t)size);
		expect(strcmp(json_string_value(json_object_get(header, "md5")), right) == 0);
		const json_t *sha256 = json_object_get(header, "sha256");
		memset(right, 'S', 64);
		fill_in(right, 64, 'S', "SHA256", content, (size_t)size);
		expect(sha256 == NULL || strcmp(json_string_value(sha256), right) == 0);
	}
	expect(unlink(filename) == 0);
	if (strcmp(filename, "older") == 0)
		put_older();
	json_decref(header);
}

void header_try(const uint8_t *data, size_t size, int (*program)(int, char **), const char **unfinished, bool digests)
{
	if (size < HEADER_HEAD || size > HEADER_MOST)
		return;
	size_t text_size = (size_t)(data[3] << 8 | data[4]), left = size - HEADER_HEAD;
	text_size = text_size < left ? text_size : left;
	const uint8_t *content = data + HEADER_HEAD + text_size;
	size_t content_size = left - text_size, from = (data[1] & 4) != 0 ? 4 : 0;
	uint32_t length = htonl((uint32_t)text_size);
	memcpy(stream, &length, 4);
	memcpy(stream + 4, data + HEADER_HEAD, left);
	char *text = (char *)stream + 4;
	fill_in(text, text_size, 'M', "MD5", content, content_size);
	fill_in(text, text_size, 'S', "SHA256", content, content_size);

	json_object_seed(1); /* the same bytes, the same run */
	make_folder();
	*unfinished = NULL;
	story = (FakeStory){.seed = data[2], .most = data[0], .signals = data[1] & 1, .callers = 1};
	story.caller[0] = (FakeCaller){.bytes = stream + from,
	                               .size = 4 + left - from,
	                               .ended = true,
	                               .reset = (data[1] & 2) != 0,
	                               .window = (size_t)-1};
	fake_begin(&story);
	char *argv[] = {"client", "127.0.0.1", "9000", folder, NULL};
	int status = fake_run(program, 4, argv);

	char name[NAME_MAX + 1];
	expect(status == 0 || status == 1);
	if (status == 0 && from == 0)
		went_well(text, text_size, content, content_size, digests);
	else if (status == 0) { /* the stream had a length of its own: what it held is not known here */
		only_entry(folder, name);
		expect(unlink(name[0] != '\0' ? name : "older") == 0);
		put_older();
	}
	only_entry(folder, name);
	expect(name[0] == '\0' && holds("older", older, sizeof older));
	only_entry(above, name);
	expect(strcmp(name, "dir") == 0);
}
