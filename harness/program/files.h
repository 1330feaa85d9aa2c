/*
 * files.h: the files in the room: what a program finds there, and what it leaves.
 *
 * Programs run in the room's folder (room.h), empty at the start, and NAME is a path in it. The check's process stands outside
 * the private room's file system, and reaches it through /proc/WARDEN/root (man 5 proc).
 *
 * Whatever is put there can be read by the program, and files that the program has left are read whatever their mode.
 * The private room's folder is a file system in memory of ROOM_FILE_MIB; a sparse file takes none of it.
 *
 * Errors: trouble(), but file_get() and file_list(), which say that there is none.
 */
#ifndef PROGRAM_FILES_H
#define PROGRAM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The path by which this process reaches the file; "" for the folder itself. One of sixteen texts, used in turn. */
const char *room_file(const char *name);

void file_put(const char *name, const void *bytes, size_t size);
void file_put_text(const char *name, const char *text);

/* A file of this size that is all holes; and one that is not: byte i of it is file_byte(i). */
void file_put_sparse(const char *name, off_t size);
void file_put_pattern(const char *name, size_t size);
unsigned char file_byte(uint64_t at);

/* A folder in which programs may write. */
void file_make_folder(const char *name);
void file_remove(const char *name);

/* Its content, and a NUL behind it; NULL where there is no such file. The caller frees it. */
unsigned char *file_get(const char *name, size_t *size);

/* Whether there is anything by that name, a dangling link too. */
bool file_is_there(const char *name);

/* The names in a folder, sorted, hidden ones too, one a line; "" where it is empty or not there. The caller frees it. */
char *file_list(const char *folder);

/* Only so many bytes remain to be written in the private room's folder. False: this room has no limit. */
bool file_fill_up(size_t remain);

#endif
