/*
 * driver.c: a fuzzer of our own, for a machine that has no libFuzzer.
 *
 *     TARGET [-max_total_time=SECONDS] [-runs=0] [-artifact_prefix=FOLDER/] CORPUS-FOLDER...
 *
 * Runs what is in the folders, then bytes made from it by changes at random, until the time is over. It does not
 * see which lines a run has reached, as libFuzzer does, so it finds less; but whatever it finds, it finds with the same sanitizers.
 * The bytes of a run that died are kept in the file crash-ours. What else libFuzzer can be told is passed over.
 */
#define _GNU_SOURCE
#include "fakes.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

enum { MOST_SEEDS = 4096, MOST_BYTES = 1 << 18 };

void __sanitizer_set_death_callback(void (*callback)(void));
void __sanitizer_set_report_fd(void *fd);

static uint8_t *seeds[MOST_SEEDS];
static size_t sizes[MOST_SEEDS], seed_count;
static uint8_t now[MOST_BYTES];
static size_t now_size;
static char crash[PATH_MAX] = "crash-ours";

static void keep_the_bytes(void)
{
	int file = open(crash, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	for (size_t at = 0; file != -1 && at < now_size;) {
		ssize_t n = write(file, now + at, now_size - at);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
}

static void on_abort(int signal)
{
	keep_the_bytes();
	raise(signal); /* SA_RESETHAND: this time it ends us */
}

static void take_in(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		free(entries[i]);
		struct stat about;
		FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
		if (file == NULL || seed_count == MOST_SEEDS)
			continue;
		uint8_t *bytes = malloc(MOST_BYTES);
		expect(bytes != NULL);
		sizes[seed_count] = fread(bytes, 1, MOST_BYTES, file);
		seeds[seed_count++] = bytes;
		fclose(file);
	}
	if (count >= 0)
		free(entries);
}

static void change(uint64_t *seed)
{
	static const uint32_t numbers[] = {0, 1, 4, 255, 256, 65535, 65536, 65537, 0x7fffffff, 0x80000000, 0xffffffff};
	size_t at = now_size > 0 ? fake_random(seed) % now_size : 0;
	uint64_t dice = fake_random(seed);
	if (now_size == 0 || dice % 7 == 0) { /* one more */
		if (now_size < MOST_BYTES) {
			memmove(now + at + 1, now + at, now_size++ - at);
			now[at] = (uint8_t)(dice >> 8);
		}
	} else if (dice % 7 == 1) { /* some fewer */
		size_t n = 1 + (dice >> 8) % 8;
		n = n < now_size - at ? n : now_size - at;
		memmove(now + at, now + at + n, now_size - at - n);
		now_size -= n;
	} else if (dice % 7 == 2 && now_size - at >= 4) { /* a number that programs stumble over */
		uint32_t number = htonl(numbers[(dice >> 8) % (sizeof numbers / sizeof *numbers)]);
		memcpy(now + at, &number, sizeof number);
	} else if (dice % 7 == 3) { /* the end of another */
		size_t other = (dice >> 8) % seed_count;
		size_t from = sizes[other] > 0 ? (dice >> 32) % sizes[other] : 0;
		size_t n = sizes[other] - from < MOST_BYTES - at ? sizes[other] - from : MOST_BYTES - at;
		memcpy(now + at, seeds[other] + from, n);
		now_size = at + n;
	} else if (dice % 7 == 4) {
		now[at] = (uint8_t)(dice >> 8);
	} else {
		now[at] ^= (uint8_t)(1 << (dice >> 8) % 8);
	}
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char *argv[])
{
	double limit = 20, began = seconds();
	bool replay = false;
	uint64_t seed = (uint64_t)time(NULL);
	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "-max_total_time=%lf", &limit) == 1 || sscanf(argv[i], "-seed=%lu", &seed) == 1)
			continue;
		if (strncmp(argv[i], "-artifact_prefix=", 17) == 0)
			snprintf(crash, sizeof crash, "%scrash-ours", argv[i] + 17);
		else if (strcmp(argv[i], "-runs=0") == 0)
			replay = true;
		else if (argv[i][0] != '-')
			take_in(argv[i]);
	}
	LLVMFuzzerInitialize(&argc, &argv);
	struct sigaction keep = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
	sigaction(SIGABRT, &keep, NULL);
	__sanitizer_set_death_callback(keep_the_bytes);
	int report = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
	FILE *out = fdopen(dup(report), "w");
	__sanitizer_set_report_fd((void *)(intptr_t)report);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);

	unsigned long runs = 0;
	for (; runs < seed_count || (!replay && seed_count > 0 && seconds() - began < limit); runs++) {
		size_t which = runs < seed_count ? runs : fake_random(&seed) % seed_count;
		memcpy(now, seeds[which], sizes[which]);
		now_size = sizes[which];
		for (uint64_t n = runs < seed_count ? 0 : 1 + fake_random(&seed) % 6; n > 0; n--)
			change(&seed);
		LLVMFuzzerTestOneInput(now, now_size);
	}
	fprintf(out, "Done %lu runs in %.0f second(s)\n", runs, seconds() - began);
	fclose(out);
	return 0;
}
