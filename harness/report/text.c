#include "report/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t text_character(const void *bytes, size_t count, unsigned *point)
{
	const unsigned char *b = bytes;
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size;
	unsigned c;

	if (count == 0)
		return 0;
	if (b[0] < 0x80) {
		size = 1;
		c = b[0];
	} else if (b[0] >= 0xc2 && b[0] < 0xe0) {
		size = 2;
		c = b[0] & 0x1fu;
	} else if ((b[0] & 0xf0) == 0xe0) {
		size = 3;
		c = b[0] & 0x0fu;
	} else if (b[0] >= 0xf0 && b[0] < 0xf5) {
		size = 4;
		c = b[0] & 0x07u;
	} else {
		return 0;
	}
	if (size > count)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3fu);
	}
	if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	if (point)
		*point = c;
	return size;
}

typedef struct {
	unsigned first, last;
} Range;

static bool in_ranges(unsigned c, const Range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}
#define IN(c, ranges) in_ranges(c, ranges, sizeof(ranges) / sizeof(ranges)[0])

/* Control characters, and those that are not seen but change what is. */
static bool hides(unsigned c)
{
	static const Range hidden[] = {{0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
	                               {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xfeff, 0xfeff},
	                               {0xfff9, 0xfffb}, {0xe000, 0xf8ff}, {0xe0000, 0x10ffff}};
	return IN(c, hidden);
}

static size_t escape(char one[TEXT_VISIBLE_MAX], const void *bytes, size_t count, bool as_c)
{
	const unsigned char *b = bytes;
	static const char names[] = "a\ab\bt\tn\nv\vf\fr\r";
	unsigned c;
	size_t size = text_character(bytes, count, &c);

	if (size > 0 && !hides(c) && !(as_c && (c == '"' || c == '\\'))) {
		memcpy(one, bytes, size);
		one[size] = '\0';
		return size;
	}
	if (size > 1) {
		snprintf(one, TEXT_VISIBLE_MAX, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
		return size;
	}
	for (size_t i = 1; i < sizeof names - 1; i += 2) {
		if (b[0] == (unsigned char)names[i]) {
			snprintf(one, TEXT_VISIBLE_MAX, "\\%c", names[i - 1]);
			return 1;
		}
	}
	if (b[0] == 0)
		snprintf(one, TEXT_VISIBLE_MAX, "\\0");
	else if (b[0] == '"' || b[0] == '\\')
		snprintf(one, TEXT_VISIBLE_MAX, "\\%c", b[0]);
	else
		snprintf(one, TEXT_VISIBLE_MAX, "\\x%02x", b[0]);
	return 1;
}

size_t text_visible(char one[TEXT_VISIBLE_MAX], const void *bytes, size_t count)
{
	return escape(one, bytes, count, true);
}

size_t text_plain(char one[TEXT_VISIBLE_MAX], const void *bytes, size_t count)
{
	return escape(one, bytes, count, false);
}

char *text_clean(const char *text, int lines)
{
	size_t count = strlen(text), used = 0;
	char *clean = malloc(count * 10 + 1); /* \U0010ffff is the longest */

	if (!clean)
		abort();
	while (count > 0) {
		char one[TEXT_VISIBLE_MAX];
		size_t taken = 1;
		if ((lines && *text == '\n') || *text == '\t')
			snprintf(one, sizeof one, "%c", *text == '\t' ? ' ' : '\n');
		else
			taken = text_plain(one, text, count);
		memcpy(clean + used, one, strlen(one));
		used += strlen(one);
		text += taken;
		count -= taken;
	}
	clean[used] = '\0';
	return clean;
}

int text_width(const char *text)
{
	static const Range combining[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
	                                  {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
	                                  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
	static const Range wide[] = {{0x1100, 0x115f},  {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},
	                             {0xac00, 0xd7a3},  {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
	                             {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
	                             {0x20000, 0x3fffd}};
	int width = 0;
	size_t left = strlen(text);

	while (left > 0) {
		unsigned c;
		size_t size = text_character(text, left, &c);
		if (size == 0) {
			size = 1;
			width++;
		} else if (!IN(c, combining)) {
			width += IN(c, wide) ? 2 : 1;
		}
		text += size;
		left -= size;
	}
	return width;
}
