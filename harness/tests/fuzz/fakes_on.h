/*
 * fakes_on.h: from here on, the source that is included gets the fakes (fakes.h).
 */
#ifndef TESTS_FUZZ_FAKES_ON_H
#define TESTS_FUZZ_FAKES_ON_H
#define main              program_main
#define socket            fake_socket
#define bind              fake_bind
#define listen            fake_listen
#define connect           fake_connect
#define accept            fake_accept
#define setsockopt        fake_setsockopt
#define setrlimit         fake_setrlimit
#define recv              fake_recv
#define send              fake_send
#define poll              fake_poll
#define close             fake_close
#define getrandom         fake_getrandom
#define clock_gettime     fake_clock_gettime
#define malloc            fake_malloc
#define realloc           fake_realloc
#define free              fake_free
#define fclose            fake_fclose
#define fopen             fake_fopen
#define readline          fake_readline
#define add_history(l)    ((void)(l))
#define rl_bind_key(k, f) ((void)0)
#define exit              fake_exit
#endif
