/* test_build.c: does what compiles get built, once, from the right files, and does what must not be seen stay unseen? */
#include "program/build.h"
#include "program/command.h"
#include "program/crew.h"
#include "program/words.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *build_suite(void);

#define MAIN "int main(void) { return 0; }\n"

static const char *const programs[] = {"server", "client", NULL};
static char *root, *folder;
static Build build;

static void put(const char *name, const char *text)
{
	char *path = words_print("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_msg(file, "%s cannot be written", path);
	fputs(text, file);
	fclose(file);
	free(path);
}

/* A project of our own: build/ and the sources that a build takes from the harness. */
static void begin(void)
{
	root = words_print("/tmp/build-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chmod(root, 0755), 0);
	mkdir(words_print("%s/harness", root), 0755);
	mkdir(words_print("%s/harness/program", root), 0755);
	mkdir(words_print("%s/sub", root), 0755);
	folder = words_print("%s/harness/program", root);
	static const char *const own[] = {"leakcheck.c", "frame_driver.c", NULL};
	for (const char *const *name = own; *name; name++) {
		char *text = words_from_file(words_print("harness/program/%s", *name), 1 << 16);
		ck_assert_ptr_nonnull(text);
		put(*name, text);
	}
	folder = words_print("%s/sub/03-silence", root);
	mkdir(folder, 0755);
	put("server.c", MAIN);
	put("client.c", MAIN);
	unsetenv("CC");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void end(void)
{
	chmod(words_print("%s/build", root), 0755);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void built(void)
{
	build = (Build){.number = 3, .programs = programs, .folder = folder, .shown = "sub/03-silence"};
	build_all(&build, 1, root, 2);
	ck_assert_uint_eq(build.count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(build.subjects[i].name, programs[i]);
		ck_assert_str_eq(build.subjects[i].sources, folder);
		ck_assert_str_eq(build.subjects[i].shown, "sub/03-silence");
		ck_assert_uint_eq(build.subjects[i].argc, 1);
	}
}

static void both_work(void)
{
	for (size_t i = 0; i < 2; i++) {
		const Subject *subject = &build.subjects[i];
		ck_assert_msg(!subject->broken, "%s: %s\n%s", subject->name, subject->broken, build.output);
		ck_assert_int_eq(access(subject->argv[0], X_OK), 0);
		ck_assert_str_eq(subject->visible[0], subject->argv[0]);
		ck_assert_ptr_nonnull(subject->sanitized);
		ck_assert_int_eq(access(subject->sanitized, X_OK), 0);
	}
	ck_assert(!build.failed);
}

static void server_is_broken(const char *word)
{
	const Subject *server = &build.subjects[0];
	ck_assert_msg(server->broken, "it compiles, without \"%s\"", word);
	ck_assert_str_eq(server->broken_code, "does_not_compile");
	ck_assert(build.failed);
	ck_assert_msg(strstr(build.output, word), "there is no \"%s\" in: %s", word, build.output);
	ck_assert_ptr_null(build.subjects[1].broken);
}

START_TEST(programs_are_built_both_ways)
{
	built();
	both_work();
	ck_assert_str_eq(build.output, "");
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].argv[0])), 0);
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].sanitized)), 0);
}
END_TEST

START_TEST(a_helper_is_linked_in_and_a_scratch_program_is_not)
{
	put("frame.c", "int frame(void) { return 5; }\n");
	put("frame.h", "int frame(void);\n");
	put("server.c", "#include \"frame.h\"\nint main(void) { return frame(); }\n");
	put("try.c", "/* mine */ int main ( void ) { this is not even C }\n");
	built();
	both_work();
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].argv[0])), 5);
}
END_TEST

#define FRAME_PARTS                                                                                \
	"#include <stdint.h>\n#include <sys/types.h>\n"                                            \
	"int send_all(int fd, const void *data, size_t size) { return fd + !data + (int)size; }\n" \
	"ssize_t recv_exact(int fd, void *data, size_t size) { return fd + !data + (int)size; }\n" \
	"int send_frame(int fd, const void *data, uint32_t size) { return fd + !data + (int)size; }\n"

/* Two programs and a part of both, which is judged by itself. */
static void built_with_frame(void)
{
	static const char *const three[] = {"frame", "server", "client", NULL};
	build = (Build){.number = 9, .programs = three, .folder = folder, .shown = "sub/03-silence"};
	build_all(&build, 1, root, 2);
	ck_assert_uint_eq(build.count, 3);
	ck_assert_str_eq(build.subjects[0].name, "frame");
}

START_TEST(a_part_is_driven_and_linked_in)
{
	put("frame.c",
	    FRAME_PARTS "ssize_t recv_frame(int fd, void *data, size_t size) { return fd + !data + (int)size; }\n");
	put("frame_driver.c", "int a_file_of_the_students_own;\n");
	put("server.c",
	    "int send_all(int fd, const void *data, unsigned long size);\nint main(void) { return send_all(0, \"\", 0); }\n");
	built_with_frame();
	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(!build.subjects[i].broken, "%s: %s", build.subjects[i].name, build.output);
		ck_assert_ptr_nonnull(build.subjects[i].sanitized);
	}
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].argv[0])), 2); /* it misses its argument */
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].sanitized)), 2);
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[1].argv[0])), 0);
}
END_TEST

START_TEST(a_part_that_is_not_there_is_no_loss_to_the_programs)
{
	built_with_frame();
	ck_assert_str_eq(build.subjects[0].broken_code, "missing_program");
	ck_assert_ptr_null(build.subjects[1].broken);
	ck_assert_ptr_null(build.subjects[2].broken);
	ck_assert(!build.failed);
}
END_TEST

START_TEST(a_part_that_lacks_something)
{
	put("frame.c", FRAME_PARTS);
	built_with_frame();
	ck_assert_str_eq(build.subjects[0].broken_code, "does_not_compile");
	ck_assert_msg(strstr(build.subjects[0].broken, "recv_frame"), "%s", build.subjects[0].broken);
	ck_assert_ptr_null(build.subjects[1].broken);
}
END_TEST

START_TEST(a_second_time_nothing_is_built)
{
	struct stat before, after;
	built();
	char *first = build.subjects[0].argv[0];
	ck_assert_int_eq(stat(first, &before), 0);
	setenv("CC", command_find("gcc"), 1);
	setenv("PATH", "/nonexistent", 1); /* no assembler, no linker: so nothing can be */
	built();
	both_work();
	ck_assert_str_eq(build.subjects[0].argv[0], first);
	ck_assert_int_eq(stat(first, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}
END_TEST

START_TEST(what_changed_is_built_again)
{
	built();
	char *first = build.subjects[0].argv[0];
	put("value.h", "#define VALUE 1\n");
	put("server.c", "#include \"value.h\"\nint main(void) { return VALUE; }\n");
	built();
	ck_assert_str_ne(build.subjects[0].argv[0], first);
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].argv[0])), 1);
	put("value.h", "#define VALUE 2\n");
	built();
	ck_assert_int_eq(WEXITSTATUS(system(build.subjects[0].argv[0])), 2);
	/* the first is still held by us, so it is still there */
	ck_assert_int_eq(access(first, X_OK), 0);
}
END_TEST

START_TEST(a_warning_is_shown_and_is_no_error)
{
	put("server.c", "int main(void) { int unused; return 0; }\n");
	built();
	both_work();
	ck_assert_ptr_nonnull(strstr(build.output, "sub/03-silence/server.c:1:"));
	ck_assert_ptr_nonnull(strstr(build.output, "warning: unused variable"));
	ck_assert_ptr_null(strstr(build.output, root));
	char *once = words_print("%s", build.output);
	built(); /* and again when nothing is built */
	ck_assert_str_eq(build.output, once);
}
END_TEST

START_TEST(an_error_is_the_students_and_the_other_program_works)
{
	put("server.c", "int main(void)\n{\n\treturn 0\n}\n");
	built();
	server_is_broken("sub/03-silence/server.c:3:");
	ck_assert_ptr_nonnull(strstr(build.subjects[0].broken, "sub/03-silence/server.c:3:"));
	built();
	server_is_broken("error: expected");
	put("server.c", "int nothing_here(void);\nint main(void) { return nothing_here(); }\n");
	built();
	server_is_broken("sub/03-silence/server.c:2: undefined reference");
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
	ck_assert_int_eq(unlink(words_print("%s/server.c", folder)), 0);
	built();
	ck_assert_str_eq(build.subjects[0].broken_code, "missing_program");
	ck_assert_ptr_nonnull(strstr(build.subjects[0].broken, "server.c"));
	ck_assert(!build.failed);
	ck_assert_ptr_null(build.subjects[1].broken);
}
END_TEST

static bool can_shut_in(void)
{
	return system("bwrap --unshare-all --ro-bind / / true 2>/dev/null") == 0;
}

/* what if a student includes what is not theirs? */
START_TEST(nothing_else_can_be_seen)
{
	if (!can_shut_in())
		return;
	FILE *secret = fopen(words_print("%s/secret.h", root), "w");
	ck_assert_ptr_nonnull(secret);
	fclose(secret);
	put("server.c", words_print("#include \"%s/secret.h\"\n" MAIN, root));
	built();
	server_is_broken("No such file");
	put("server.c", "#include \"../../secret.h\"\n" MAIN);
	built();
	server_is_broken("No such file");
	put("server.c", "__asm__(\".incbin \\\"/etc/passwd\\\"\");\n" MAIN);
	built();
	server_is_broken("/etc/passwd");
	ck_assert_int_eq(symlink("../../secret.h", words_print("%s/elsewhere.h", folder)), 0);
	put("server.c", "#include \"elsewhere.h\"\n" MAIN);
	built();
	server_is_broken("No such file");
}
END_TEST

/* what if it never ends, or is too much? */
START_TEST(a_greedy_source_is_stopped)
{
	put("server.c", "char much[1 << 30] = {1};\n" MAIN);
	built();
	server_is_broken("error");
	put("server.c", "#include \"pipe\"\n" MAIN);
	ck_assert_int_eq(mkfifo(words_print("%s/pipe", folder), 0644), 0);
	built();
	ck_assert_str_eq(build.subjects[0].broken_code, "does_not_compile");
	ck_assert_ptr_nonnull(strstr(build.output, "sub/03-silence/pipe: error"));
}
END_TEST

START_TEST(no_compiler_is_nobodys_mistake)
{
	setenv("CC", "no-such-compiler", 1);
	built();
	ck_assert_ptr_nonnull(build.subjects[0].broken);
	ck_assert_ptr_null(build.subjects[0].broken_code);
	ck_assert(!build.failed);
	unsetenv("CC");
	built();
	both_work();
}
END_TEST

START_TEST(where_the_project_cannot_be_written)
{
	char *path = words_print("%s/build", root);
	FILE *in_the_way = fopen(path, "w"); /* root may write everywhere, but not into a file */
	ck_assert_ptr_nonnull(in_the_way);
	fclose(in_the_way);
	built();
	both_work();
	char *program = words_print("%s", build.subjects[0].argv[0]);
	ck_assert_int_ne(strncmp(program, root, strlen(root)), 0);
	build_end();
	ck_assert_int_eq(access(program, F_OK), -1);
}
END_TEST

/* Two at once, of the same folder, both new: each is to find both programs. */
START_TEST(two_graders_at_once)
{
	pid_t pids[3];
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			built();
			both_work();
			_exit(access(build.subjects[1].argv[0], X_OK) == 0 ? 42 : 1);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	}
}
END_TEST

static const struct {
	const char *source;
	bool defines;
} mains[] = {
    {"int main(void)\n{\n}\n", true},
    {"int\nmain (int argc, char **argv)", true},
    {"// int main(void)\nint f(void) {}", false},
    {"/* int main(void) */ int f(void);", false},
    {"const char *s = \"int main(void)\";", false},
    {"char quote = '\"'; int main(void) {}", true},
    {"void f(void) { main(); }", false},
    {"int domain(void); int mainly(int);", false},
    {"/* never closed int main(void)", false},
    {"char *s = \"\\\" { \"; int main(void) {}", true},
    {"", false},
};

START_TEST(a_main_is_found)
{
	ck_assert_msg(build_defines_main(mains[_i].source) == mains[_i].defines, "%s", mains[_i].source);
}
END_TEST

Suite *build_suite(void)
{
	Suite *suite = suite_create("build");
	TCase *tcase = tcase_create("build");

	tcase_set_timeout(tcase, 120); /* compilers, on whatever machine */
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, programs_are_built_both_ways);
	tcase_add_test(tcase, a_helper_is_linked_in_and_a_scratch_program_is_not);
	tcase_add_test(tcase, a_part_is_driven_and_linked_in);
	tcase_add_test(tcase, a_part_that_is_not_there_is_no_loss_to_the_programs);
	tcase_add_test(tcase, a_part_that_lacks_something);
	tcase_add_test(tcase, a_second_time_nothing_is_built);
	tcase_add_test(tcase, what_changed_is_built_again);
	tcase_add_test(tcase, a_warning_is_shown_and_is_no_error);
	tcase_add_test(tcase, an_error_is_the_students_and_the_other_program_works);
	tcase_add_test(tcase, a_program_that_is_not_there);
	tcase_add_test(tcase, nothing_else_can_be_seen);
	tcase_add_test(tcase, a_greedy_source_is_stopped);
	tcase_add_test(tcase, no_compiler_is_nobodys_mistake);
	tcase_add_test(tcase, where_the_project_cannot_be_written);
	tcase_add_test(tcase, two_graders_at_once);
	suite_add_tcase(suite, tcase);
	TCase *sources = tcase_create("sources");
	tcase_add_loop_test(sources, a_main_is_found, 0, sizeof mains / sizeof mains[0]);
	suite_add_tcase(suite, sources);
	return suite;
}
