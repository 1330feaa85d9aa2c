#include "program/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print_and_exit(const char *text)
{
	fprintf(stderr, "dialtone: %s\n", text);
	exit(3);
}

void (*trouble_handler)(const char *text) = print_and_exit;

void trouble(const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	trouble_handler(text);
	abort(); /* a handler that returns is a mistake of ours */
}
