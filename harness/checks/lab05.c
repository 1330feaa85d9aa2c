/*
 * lab05.c: the next caller. A real server outlives its callers.
 */
#include "checks/common.h"

static const CheckInfo *const checks[] = {SERVER_CHECKS_FROM_05, CLIENT_CHECKS_FROM_04, NULL};

const Lab lab05 = {5, "next-caller", (const char *const[]){"server", "client", NULL}, checks};
