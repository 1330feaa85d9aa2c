#include "checks/patience.h"

#include <poll.h>
#include <time.h>

int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void let_time_pass(Line *line, int64_t until_ms)
{
	for (int64_t now = now_ms(); now < until_ms && (line == NULL || !has_news(line)); now = now_ms()) {
		struct pollfd look = {.fd = line != NULL ? line->fd : -1, .events = POLLIN};
		poll(&look, 1, (int)(until_ms - now));
	}
}
