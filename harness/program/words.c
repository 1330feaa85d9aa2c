#include "program/words.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is kept until the process ends is no leak: for our own sanitized builds. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void *needed(void *memory)
{
	if (!memory) {
		perror("grade: malloc");
		_exit(3);
	}
	return memory;
}

static char *print(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) == -1)
		text = NULL;
	return needed(text);
}

char *words_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = print(format, arguments);
	va_end(arguments);
	return text;
}

static char *keep(Words *words, char *word)
{
	if (words->count + 2 > words->room) {
		words->room = words->room ? words->room * 2 : 16;
		words->word = needed(realloc(words->word, words->room * sizeof *words->word));
	}
	words->word[words->count++] = word;
	words->word[words->count] = NULL;
	return word;
}

char *words_add(Words *words, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = print(format, arguments);
	va_end(arguments);
	return keep(words, text);
}

void words_add_all(Words *words, ...)
{
	va_list arguments;
	const char *word;

	va_start(arguments, words);
	while ((word = va_arg(arguments, const char *)))
		keep(words, needed(strdup(word)));
	va_end(arguments);
}

bool words_have(const Words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->word[i], word) == 0)
			return true;
	return false;
}

char *words_from_file(const char *path, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return NULL;
	char *text = needed(malloc(most + 1));
	size_t size = 0;
	ssize_t n = 0;
	while (size < most && (n = read(fd, text + size, most - size)) > 0)
		size += (size_t)n;
	close(fd);
	if (n == -1 && size == 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return needed(realloc(text, size + 1));
}
