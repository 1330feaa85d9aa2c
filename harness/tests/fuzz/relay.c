/*
 * relay.c: lab 14's relay, and up to eight callers who may say anything, at any time.
 *
 * Nobody may hear what nobody has said: every frame that comes to a caller is FROM|TEXT, and somebody of that name has said
 * `say NAME|TEXT` to the name of him who hears it, in this order. And when all have hung up, the relay has hung up too, and
 * holds no memory.
 *
 * Bytes: the longest piece; 1 for signals; the seed; how many things happen between two polls; then what happens,
 * a byte each: in its low three bits what, in the next three who; and what belongs to it.
 */
#include "fakes.h"

#include <search.h>

#include "fakes_on.h"

#include "../../../solutions/14-party-line/frame.c"
#include "../../../solutions/14-party-line/server.c"
#include "fakes_off.h"

enum { HEAD = 4, INBOX = 1 << 18, SAYINGS = 4096, WINDOW = 1 << 15 };

enum { RINGS, SAYS_BYTES, SAYS_A_FRAME, SAYS_HIS_NAME, SAYS_TO_SOMEBODY, READS, HANGS_UP, RESETS };

static FakeStory story;
static const uint8_t *events;
static size_t left_of_events;
static unsigned at_once;

static uint8_t inbox[FAKE_CALLERS][INBOX];

/* "say NAME|TEXT", and the name of who said it. */
typedef struct {
	const uint8_t *from, *to, *text;
	size_t from_size, to_size, text_size;
	int by; /* who said it: of one name there may be several, one after the other */
} Saying;

static Saying sayings[SAYINGS];
static size_t saying_count;

static const char *const names_for_all[] = {"a",       "bob", "carol", "a", "", "a name of exactly thirty-two char",
                                            "no|name", "b"};

static size_t take(void *bytes, size_t size)
{
	size = size < left_of_events ? size : left_of_events;
	memcpy(bytes, events, size);
	events += size;
	left_of_events -= size;
	return size;
}

static void hear(int who, const void *bytes, size_t size)
{
	FakeCaller *caller = &story.caller[who];
	if (!caller->rings || caller->ended || caller->reset || INBOX - caller->size < size)
		return;
	memcpy(inbox[who] + caller->size, bytes, size);
	caller->size += size;
}

static void hear_frame(int who, const void *payload, size_t size)
{
	static uint8_t frame[4 + 66000];
	uint32_t length = htonl((uint32_t)size);
	memcpy(frame, &length, 4);
	memcpy(frame + 4, payload, size);
	hear(who, frame, 4 + size);
}

/* `say NAME|` and a text of up to 65 KiB. */
static void speaks_to_somebody(int who)
{
	static uint8_t text[66000];
	uint8_t how[3] = {0};
	take(how, sizeof how);
	size_t n = (size_t)snprintf((char *)text, sizeof text, "say %s|", names_for_all[how[0] % 8]);
	size_t size = (size_t)how[1] * (how[2] < 200 ? 1 : 257);
	memset(text + n, 'x', size);
	text[n] = how[2];
	hear_frame(who, text, n + size);
}

static void reads(FakeCaller *caller)
{
	uint8_t how = 0;
	take(&how, 1);
	caller->window += (size_t)how << 8;
}

/* One thing happens; false: no more will. */
static bool happens(void)
{
	uint8_t event, size = 0, bytes[256];
	if (take(&event, 1) == 0)
		return false;
	int who = event >> 3 & 7;
	FakeCaller *caller = &story.caller[who];
	switch (event & 7) {
	case RINGS:
		if (story.callers < FAKE_CALLERS)
			story.caller[story.callers++].rings = true;
		break;
	case SAYS_BYTES:
	case SAYS_A_FRAME:
		take(&size, 1);
		if ((event & 7) == SAYS_BYTES)
			hear(who, bytes, take(bytes, size));
		else
			hear_frame(who, bytes, take(bytes, size));
		break;
	case SAYS_HIS_NAME:
		take(&size, 1);
		hear_frame(who, names_for_all[size % 8], strlen(names_for_all[size % 8]));
		break;
	case SAYS_TO_SOMEBODY:
		speaks_to_somebody(who);
		break;
	case READS:
		reads(caller);
		break;
	case HANGS_UP:
		caller->ended = caller->rings;
		break;
	case RESETS:
		caller->reset = caller->rings;
		break;
	}
	return true;
}

/* At the end all hang up, and hear what there still is to be heard. */
static bool more(void)
{
	bool happened = false;
	for (unsigned i = 0; i < at_once && happens(); i++)
		happened = true;
	if (happened)
		return true;
	for (int i = 0; i < story.callers; i++) {
		happened = happened || (!story.caller[i].ended && !story.caller[i].reset);
		story.caller[i].ended = true;
	}
	return happened;
}

/* --- what was said, and what was heard --- */

static uint32_t length_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_a_name(const uint8_t *name, size_t size)
{
	if (size < 1 || size > 32)
		return false;
	for (size_t i = 0; i < size; i++)
		if (name[i] < ' ' || name[i] == 0x7f || name[i] == '|')
			return false;
	return true;
}

/* All that this caller has said to anybody. */
static void note_sayings(int who, const uint8_t *bytes, size_t size)
{
	const uint8_t *name = NULL;
	size_t name_size = 0;
	for (size_t at = 0; size - at >= 4;) {
		uint32_t length = length_at(bytes + at);
		if (length > 65536 || size - at - 4 < length)
			return;
		const uint8_t *text = bytes + at + 4;
		const uint8_t *bar = length > 4 ? memchr(text + 4, '|', length - 4) : NULL;
		at += 4 + length;
		if (name == NULL) {
			if (!is_a_name(text, length))
				return;
			name = text;
			name_size = length;
		} else if (bar != NULL && memcmp(text, "say ", 4) == 0 && saying_count < SAYINGS) {
			sayings[saying_count++] = (Saying){.from = name,
			                                   .from_size = name_size,
			                                   .to = text + 4,
			                                   .to_size = (size_t)(bar - text) - 4,
			                                   .text = bar,
			                                   .text_size = (size_t)(text + length - bar),
			                                   .by = who};
		}
	}
}

static bool same(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* He heard only what was said to his name, each saying once, and what one has said in the order in which he said it. */
static void heard_what_was_said(const FakeCaller *caller, const uint8_t *inbox_of, bool *heard)
{
	size_t next[FAKE_CALLERS] = {0}; /* of each of the others, what he may hear */
	uint32_t name_size = caller->size >= 4 ? length_at(inbox_of) : 0;
	for (size_t at = 0; caller->said_size - at >= 4;) {
		uint32_t length = length_at(caller->said + at);
		expect(length <= 65536);
		if (caller->said_size - at - 4 < length)
			return; /* he did not read the rest */
		const uint8_t *frame = caller->said + at + 4, *bar = memchr(frame, '|', length);
		expect(bar != NULL && is_a_name(frame, (size_t)(bar - frame)));
		size_t i = 0, text_size = (size_t)(frame + length - bar);
		while (i < saying_count &&
		       (heard[i] || i < next[sayings[i].by] ||
		        !same(sayings[i].from, sayings[i].from_size, frame, (size_t)(bar - frame)) ||
		        !same(sayings[i].to, sayings[i].to_size, inbox_of + 4, name_size) ||
		        !same(sayings[i].text, sayings[i].text_size, bar, text_size)))
			i++;
		expect(i < saying_count);
		heard[i] = true;
		next[sayings[i].by] = i + 1;
		at += 4 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool heard[SAYINGS];
	if (size < HEAD)
		return 0;
	story = (FakeStory){.seed = data[2], .most = data[0] * 64U, .signals = data[1] & 1, .more = more};
	for (int i = 0; i < FAKE_CALLERS; i++)
		story.caller[i] = (FakeCaller){.bytes = inbox[i], .window = WINDOW};
	story.callers = FAKE_CALLERS; /* so many buffers */
	fake_begin(&story);
	story.callers = 0;
	events = data + HEAD;
	left_of_events = size - HEAD;
	at_once = 1U + data[3] % 16;
	char *argv[] = {"server", "9000", NULL};
	int status = fake_run(program_main, 2, argv);
	expect(status == FAKE_ENDED);
	expect(fake_held == 0 && names == NULL);

	saying_count = 0;
	for (int i = 0; i < story.callers; i++) {
		expect(story.caller[i].answered && story.caller[i].closed);
		note_sayings(i, inbox[i], story.caller[i].size);
	}
	memset(heard, 0, sizeof heard);
	for (int i = 0; i < story.callers && saying_count < SAYINGS; i++)
		heard_what_was_said(&story.caller[i], inbox[i], heard);
	return 0;
}
