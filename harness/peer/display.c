#include "peer/display.h"

#include "peer/screen.h"
#include "program/trouble.h"

#include <stdio.h>
#include <string.h>
#include <vterm.h>

enum { ROWS = PARTY_TERMINAL_ROWS, COLUMNS = PARTY_TERMINAL_COLUMNS };

static VTerm *terminal;
static VTermScreen *screen;
static const Output *shown; /* whose output it is, and how much of it has been painted */
static size_t painted;

static void paint(const Output *out)
{
	if (terminal == NULL) {
		terminal = vterm_new(ROWS, COLUMNS);
		if (terminal == NULL)
			trouble("no memory");
		vterm_set_utf8(terminal, 1);
		screen = vterm_obtain_screen(terminal);
	}
	if (out != shown || painted == 0 || painted > out->size) {
		vterm_screen_reset(screen, 1);
		shown = out;
		painted = 0;
	}
	vterm_input_write(terminal, out->text + painted, out->size - painted);
	painted = out->size;
}

/* A row's text, without the blanks at its end. */
static const char *row_text(int row, size_t *size)
{
	static char text[4 * COLUMNS + 1]; /* UTF-8 */
	VTermRect whole = {.start_row = row, .end_row = row + 1, .start_col = 0, .end_col = COLUMNS};
	*size = vterm_screen_get_text(screen, text, sizeof text - 1, whole);
	while (*size > 0 && text[*size - 1] == ' ')
		--*size;
	text[*size] = '\0';
	return text;
}

bool display_shows(const Output *out, const char *text, bool alone)
{
	size_t size, prompt = strlen(screen_prompt);
	paint(out);
	for (int row = 0; row < ROWS; row++) {
		const char *line = row_text(row, &size);
		for (; alone && size >= prompt && memcmp(line, screen_prompt, prompt) == 0; line += prompt)
			size -= prompt;
		if (alone ? size == strlen(text) && memcmp(line, text, size) == 0
		          : memmem(line, size, text, strlen(text)) != NULL)
			return true;
	}
	return false;
}

const char *display_seen(const Output *out)
{
	static char text[400];
	size_t used = 0, size;
	text[0] = '\0';
	paint(out);
	for (int row = 0; row < ROWS; row++) {
		const char *line = row_text(row, &size);
		if (size > 0 && used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "\n  %s", line);
	}
	return text;
}
