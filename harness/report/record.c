#include "report/record.h"

#include "report/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The longest start of the text that has at most `most` of its `size` bytes and ends between two characters. */
static size_t whole_characters(const char *text, size_t size, size_t most)
{
	size_t at = 0, next = 0;

	while (next <= most && next < size) {
		size_t taken = text_character(text + next, size - next, NULL);
		at = next;
		if (taken == 0 && size - next < 4 && ((unsigned char)text[next] & 0xc0) == 0xc0)
			return at; /* the beginning of one that was cut */
		next += taken ? taken : 1;
	}
	return next <= most ? next : at;
}

static void format_into(char *array, size_t size, const char *format, va_list arguments)
{
	static const char more[] = "…";

	if (size == 0)
		return;
	int n = vsnprintf(array, size, format, arguments);
	if (n < 0) {
		array[0] = '\0';
	} else if ((size_t)n >= size) {
		if (size < sizeof more) {
			array[whole_characters(array, size - 1, size - 1)] = '\0';
			return;
		}
		size_t keep = whole_characters(array, size - 1, size - sizeof more);
		memcpy(array + keep, more, sizeof more);
	}
}

void record_format(char *array, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_into(array, size, format, arguments);
	va_end(arguments);
}

void record_append(char *array, size_t size, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	if (size < 2)
		return;
	va_start(arguments, format);
	format_into(line, size - 1 < sizeof line ? size - 1 : sizeof line, format, arguments);
	va_end(arguments);

	size_t used = strnlen(array, size - 1), add = strlen(line) + 1;
	char *from = array;
	while (used > 0 && used + add >= size) { /* drop the oldest line */
		char *end = memchr(from, '\n', used);
		size_t line_size = end ? (size_t)(end - from) + 1 : used;
		from += line_size;
		used -= line_size;
	}
	memmove(array, from, used);
	memcpy(array + used, line, add - 1);
	array[used + add - 1] = '\n';
	array[used + add] = '\0';
}

static void keep_bytes(unsigned char *kept, const void *bytes, size_t size)
{
	if (size > 0 && bytes)
		memcpy(kept, bytes, size < RECORD_BYTES ? size : RECORD_BYTES);
}

void record_bytes(Verdict *v, const char *what, const void *expected, size_t expected_size, const void *heard,
                  size_t heard_size)
{
	record_text(v->bytes.what, "%s", what);
	v->bytes.expected_size = expected_size;
	v->bytes.heard_size = heard_size;
	keep_bytes(v->bytes.expected, expected, expected_size);
	keep_bytes(v->bytes.heard, heard, heard_size);
}

char *record_visible(char *text, size_t size, const void *bytes, size_t count)
{
	static const char more[] = "…";
	const unsigned char *at = bytes;
	size_t used = 0, fits = 0; /* fits: the last length behind which "…" still has room */

	if (size == 0)
		return text;
	while (count > 0) {
		char one[TEXT_VISIBLE_MAX];
		size_t taken = text_visible(one, at, count), length = strlen(one);
		if (used + length + 1 > size) {
			if (fits + sizeof more <= size)
				memcpy(text + fits, more, sizeof more);
			else
				text[used < size ? used : size - 1] = '\0';
			return text;
		}
		memcpy(text + used, one, length);
		used += length;
		if (used + sizeof more <= size)
			fits = used;
		at += taken;
		count -= taken;
	}
	text[used] = '\0';
	return text;
}
