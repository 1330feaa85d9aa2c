#include "report/compare.h"

#include "report/text.h"

#include <stdio.h>
#include <string.h>

enum {
	LABEL = 10,     /* "expected  " */
	COUNTS = 18,    /* "   65536 bytes" and some air */
	HEX_BYTES = 16, /* in a row */
	HEX_BEFORE = 4, /* the first difference, when there is more than a row */
};

typedef struct {
	const unsigned char *bytes;
	size_t kept, size; /* bytes that we have, of how many there were */
} Side;

static size_t first_difference(const Side *a, const Side *b)
{
	size_t i = 0;

	while (i < a->kept && i < b->kept && a->bytes[i] == b->bytes[i])
		i++;
	return i;
}

static int visible_width(const Side *side, size_t at, size_t *taken)
{
	char one[TEXT_VISIBLE_MAX];

	*taken = text_visible(one, side->bytes + at, side->kept - at);
	return text_width(one);
}

/* Of the characters that the sides share: their width up to the one that holds `until`, and where that begins. */
static int shared_width(const Side *side, size_t from, size_t until, size_t *begins)
{
	int width = 0;
	size_t taken;

	*begins = from;
	while (*begins < until) {
		int one = visible_width(side, *begins, &taken);
		if (*begins + taken > until)
			break;
		width += one;
		*begins += taken;
	}
	return width;
}

/* Where to begin, for the difference to be in sight. */
static size_t window_start(const Side *side, size_t until, int columns)
{
	size_t from = 0, taken, begins;
	int width = shared_width(side, 0, until, &begins);

	if (width <= columns * 2 / 3)
		return 0;
	while (from < begins && width > columns / 3) {
		width -= visible_width(side, from, &taken);
		from += taken;
	}
	return from;
}

static int show(char *line, size_t size, const char *label, const Side *side, size_t from, int columns)
{
	size_t used = (size_t)snprintf(line, size, "%-*s%s", LABEL, label, from > 0 ? "…" : "\"");
	size_t at = from, taken;
	int width = 0;

	if (side->size == 0)
		used = (size_t)snprintf(line, size, "%-*snothing", LABEL, label);
	while (at < side->kept) {
		char one[TEXT_VISIBLE_MAX];
		int wide = visible_width(side, at, &taken);
		if (width + wide > columns || used + sizeof one + 16 > size)
			break;
		text_visible(one, side->bytes + at, side->kept - at);
		used += (size_t)snprintf(line + used, size - used, "%s", one);
		width += wide;
		at += taken;
	}
	if (side->size > 0) {
		snprintf(line + used, size - used, "%s", at < side->size ? "…" : "\"");
		width += 2;
	} else {
		width = 7;
	}
	return width;
}

static void add_count(char *line, size_t size, int gap, size_t count)
{
	size_t used = strlen(line);

	if (used < size && count > 0)
		snprintf(line + used, size - used, "%*s%zu byte%s", gap + 3, "", count, count == 1 ? "" : "s");
}

static void name_byte(char *text, size_t size, const Side *side, size_t at)
{
	char one[TEXT_VISIBLE_MAX];

	if (at >= side->size)
		snprintf(text, size, "%s", at == 0 ? "nothing" : "the end");
	else if (at >= side->kept)
		snprintf(text, size, "more");
	else if (side->bytes[at] == ' ')
		snprintf(text, size, "a space");
	else {
		text_visible(one, side->bytes + at, side->kept - at);
		snprintf(text, size, "%s", one);
	}
}

static bool is_printable(const Side *side, size_t at)
{
	return at >= side->kept || (side->bytes[at] >= 0x20 && side->bytes[at] < 0x7f);
}

static void show_hex(char *line, size_t size, const char *label, const Side *side, size_t from)
{
	size_t used = (size_t)snprintf(line, size, "%-*s", LABEL, label);

	for (size_t i = from; i < side->kept && i < from + HEX_BYTES && used < size; i++)
		used += (size_t)snprintf(line + used, size - used, "%s%02x", i > from ? " " : "", side->bytes[i]);
	if (side->size > from + HEX_BYTES && used < size)
		snprintf(line + used, size - used, " …");
	else if (side->size <= from && used < size)
		snprintf(line + used, size - used, "(none)");
}

static void add_hex(Comparison *c, const Side *expected, const Side *heard, size_t differ)
{
	char label[32];
	size_t from = differ >= HEX_BYTES ? differ - HEX_BEFORE : 0;

	if (from > 0)
		snprintf(label, sizeof label, "hex @%zu", from);
	else
		snprintf(label, sizeof label, "hex");
	show_hex(c->hex[0], sizeof c->hex[0], label, expected, from);
	show_hex(c->hex[1], sizeof c->hex[1], "", heard, from);
	snprintf(c->hex_caret, sizeof c->hex_caret, "%*s^^", (int)(LABEL + 3 * (differ - from)), "");
}

void compare(Comparison *c, const Bytes *bytes, int columns)
{
	Side expected = {bytes->expected, bytes->expected_size, bytes->expected_size};
	Side heard = {bytes->heard, bytes->heard_size, bytes->heard_size};

	memset(c, 0, sizeof *c);
	if (expected.kept > RECORD_BYTES)
		expected.kept = RECORD_BYTES;
	if (heard.kept > RECORD_BYTES)
		heard.kept = RECORD_BYTES;
	size_t differ = first_difference(&expected, &heard), begins;
	const Side *longer = heard.kept > expected.kept ? &heard : &expected;
	int most = columns - LABEL - COUNTS > 20 ? columns - LABEL - COUNTS : 20;
	size_t from = window_start(longer, differ, most);

	int a = show(c->expected, sizeof c->expected, "expected", &expected, from, most);
	int b = show(c->heard, sizeof c->heard, "heard", &heard, from, most);
	add_count(c->expected, sizeof c->expected, b > a ? b - a : 0, expected.size);
	add_count(c->heard, sizeof c->heard, a > b ? a - b : 0, heard.size);
	bool same = differ == expected.size && differ == heard.size;
	if (same || expected.size == 0 || heard.size == 0)
		return;

	char want[TEXT_VISIBLE_MAX + 8], got[TEXT_VISIBLE_MAX + 8];
	int column = LABEL + 1 + shared_width(longer, from, differ, &begins);
	name_byte(want, sizeof want, &expected, begins);
	name_byte(got, sizeof got, &heard, begins);
	if (differ >= RECORD_BYTES)
		snprintf(c->caret, sizeof c->caret, "%*s^ the same up to here, and different further on", column, "");
	else
		snprintf(c->caret, sizeof c->caret, "%*s^ after %zu byte%s: expected %s, heard %s", column, "", begins,
		         begins == 1 ? "" : "s", want, got);
	if (expected.size != heard.size || !is_printable(&expected, differ) || !is_printable(&heard, differ))
		if (differ < RECORD_BYTES)
			add_hex(c, &expected, &heard, differ);
}
