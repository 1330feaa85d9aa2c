/*
 * main.c: all unit tests of the harness's modules, in one program. Run from the project's folder.
 *
 *	build/unit-tests           all of them
 *	build/unit-tests where     one suite
 *	build/unit-tests --list    their names, those first that take longest (scripts/test runs them side by side)
 *
 * A new test_NAME.c has a Suite *NAME_suite(void), which is named here.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITES(X)  \
	X(still)   \
	X(idle)    \
	X(stage)   \
	X(steady)  \
	X(record)  \
	X(report)  \
	X(command) \
	X(build)   \
	X(crew)    \
	X(where)   \
	X(tasks)   \
	X(calls)   \
	X(sockets) \
	X(room)    \
	X(party)   \
	X(line)    \
	X(peer)    \
	X(screen)  \
	X(tape)    \
	X(script)  \
	X(expect)  \
	X(decode)  \
	X(trace)   \
	X(wire)    \
	X(view)    \
	X(console)

#define DECLARE(name) Suite *name##_suite(void);
SUITES(DECLARE)

int main(int argc, char **argv)
{
#define ENTRY(name) {#name, name##_suite},
	static const struct {
		const char *name;
		Suite *(*suite)(void);
	} suites[] = {SUITES(ENTRY)};
	SRunner *runner = srunner_create(NULL);
	int added = 0;
	bool list = argc == 2 && strcmp(argv[1], "--list") == 0;

	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
		if (list)
			puts(suites[i].name);
		else if (argc < 2 || strcmp(argv[1], suites[i].name) == 0) {
			srunner_add_suite(runner, suites[i].suite());
			added++;
		}
	}
	if (list)
		return EXIT_SUCCESS;
	if (argc > 2 || added == 0) {
		fprintf(stderr, "usage: unit-tests [SUITE | --list]\n");
		return 2;
	}
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
