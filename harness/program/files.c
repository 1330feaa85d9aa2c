#define _GNU_SOURCE
#include "program/files.h"

#include "program/room.h"
#include "program/trouble.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *room_file(const char *name)
{
	static char paths[16][PATH_MAX];
	static unsigned next;
	const Room *room = room_now();
	char *path = paths[next++ % 16];
	if (room == NULL)
		trouble("files before there is a room");
	if (room->kind == ROOM_PRIVATE)
		snprintf(path, PATH_MAX, "/proc/%d/root%s/%s", (int)room->warden, room->folder, name);
	else
		snprintf(path, PATH_MAX, "%s/%s", room->folder, name);
	return path;
}

/* Opens a file to be written anew, that everybody may read. */
static int create(const char *name)
{
	const char *path = room_file(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1 || fchmod(fd, 0644) == -1)
		trouble("the room's file %s: %s", name, strerror(errno));
	return fd;
}

static void write_all(int fd, const char *name, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	while (size > 0) {
		ssize_t n = write(fd, at, size);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			trouble("the room's file %s: %s", name, strerror(errno));
		at += n;
		size -= (size_t)n;
	}
}

void file_put(const char *name, const void *bytes, size_t size)
{
	int fd = create(name);
	write_all(fd, name, bytes, size);
	close(fd);
}

void file_put_text(const char *name, const char *text)
{
	file_put(name, text, strlen(text));
}

void file_put_sparse(const char *name, off_t size)
{
	int fd = create(name);
	if (ftruncate(fd, size) == -1)
		trouble("the room's file %s: %s", name, strerror(errno));
	close(fd);
}

unsigned char file_byte(uint64_t at)
{
	/* No period that a buffer's size could hide: 251 is a prime. */
	return (unsigned char)(at % 251 + at / 65536);
}

void file_put_pattern(const char *name, size_t size)
{
	unsigned char buffer[65536];
	int fd = create(name);
	for (size_t at = 0; at < size; at += sizeof buffer) {
		size_t n = size - at < sizeof buffer ? size - at : sizeof buffer;
		for (size_t i = 0; i < n; i++)
			buffer[i] = file_byte(at + i);
		write_all(fd, name, buffer, n);
	}
	close(fd);
}

void file_make_folder(const char *name)
{
	const char *path = room_file(name);
	if (mkdir(path, 0777) == -1 || chmod(path, 0777) == -1)
		trouble("the room's folder %s: %s", name, strerror(errno));
}

void file_remove(const char *name)
{
	if (remove(room_file(name)) == -1 && errno != ENOENT)
		trouble("the room's file %s: %s", name, strerror(errno));
}

unsigned char *file_get(const char *name, size_t *size)
{
	struct stat s;
	int fd = open(room_file(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &s) == -1 || !S_ISREG(s.st_mode)) {
		if (fd != -1)
			close(fd);
		return NULL;
	}
	unsigned char *bytes = malloc((size_t)s.st_size + 1);
	size_t got = 0;
	while (bytes != NULL && got < (size_t)s.st_size) {
		ssize_t n = read(fd, bytes + got, (size_t)s.st_size - got);
		if (n <= 0 && !(n == -1 && errno == EINTR))
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (bytes == NULL)
		trouble("no memory");
	bytes[got] = '\0';
	*size = got;
	return bytes;
}

bool file_is_there(const char *name)
{
	struct stat s;
	return lstat(room_file(name), &s) == 0;
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* By the bytes of their names: the order is the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

char *file_list(const char *folder)
{
	struct dirent **entries = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int count = scandir(room_file(folder), &entries, no_dots, by_name);
	for (int i = 0; i < count; i++) {
		if (out != NULL)
			fprintf(out, "%s%s", i ? "\n" : "", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (out == NULL || fclose(out) != 0)
		trouble("no memory");
	return text;
}

bool file_fill_up(size_t remain)
{
	struct statvfs s;
	if (room_now()->kind != ROOM_PRIVATE || statvfs(room_file(""), &s) == -1)
		return false;
	size_t free_bytes = (size_t)s.f_bavail * s.f_frsize;
	if (free_bytes <= remain)
		return true;
	int fd = create("filler");
	if (posix_fallocate(fd, 0, (off_t)(free_bytes - remain)) != 0)
		trouble("the room's folder cannot be filled up");
	close(fd);
	return true;
}
