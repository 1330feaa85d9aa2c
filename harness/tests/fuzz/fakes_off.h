/*
 * fakes_off.h: the fakes of fakes_on.h have no other names any more.
 */
#ifndef TESTS_FUZZ_FAKES_OFF_H
#define TESTS_FUZZ_FAKES_OFF_H
#undef main
#undef socket
#undef bind
#undef listen
#undef connect
#undef accept
#undef setsockopt
#undef setrlimit
#undef recv
#undef send
#undef poll
#undef close
#undef getrandom
#undef clock_gettime
#undef malloc
#undef realloc
#undef free
#undef fclose
#undef fopen
#undef readline
#undef add_history
#undef rl_bind_key
#undef exit
#endif
