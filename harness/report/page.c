#include "report/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* page.html, as it is in the sources. */
extern const char page_html[], page_html_end[];
__asm__(".section .rodata\n"
        ".global page_html, page_html_end\n"
        "page_html: .incbin \"harness/report/page.html\"\n"
        "page_html_end: .byte 0\n"
        ".section .text\n");

/* "</script>" in a text would end the record, and U+2028 a line of script: so < is written as JSON can write it. */
static void write_safely(FILE *out, const char *json)
{
	for (; *json; json++) {
		if (*json == '<')
			fputs("\\u003c", out);
		else
			fputc(*json, out);
	}
}

bool page_write(const Tape *tape, const char *path)
{
	static const char place[] = "@RECORD@";
	size_t size = (size_t)(page_html_end - page_html);
	const char *at = memmem(page_html, size, place, sizeof place - 1);
	FILE *out = at != NULL ? fopen(path, "we") : NULL;
	if (out == NULL)
		return false;
	fwrite(page_html, 1, (size_t)(at - page_html), out);
	fputs("[\n", out);
	for (size_t i = 0; i < tape_count(tape); i++) {
		char *json = json_dumps(tape_event(tape, i), JSON_COMPACT);
		if (json != NULL) {
			fputs(i > 0 ? ",\n" : "", out);
			write_safely(out, json);
		}
		free(json);
	}
	fputs("\n]", out);
	at += sizeof place - 1;
	fwrite(at, 1, size - (size_t)(at - page_html), out);
	bool done = !ferror(out);
	return fclose(out) == 0 && done;
}
