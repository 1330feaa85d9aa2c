/*
 * doctor.h: what this machine can do for the judging, found out by doing it.
 *
 * A sysctl that says yes proves little: Ubuntu 24.04 lets a user namespace be made and then denies
 * what one wants it for. So every capability is tried whole, in a process of its own, with the very
 * functions that a check uses (doctor_probes.c); where a program is needed in the room, it is `grade` itself,
 * started as a guest (doctor_guest.c).
 *
 * What is missing is told with what that costs (a guarantee, a finding, time) and how to get it.
 *
 * Time: two seconds, the compiler's for the most part. A probe that hangs is ended after ten.
 * Processes: the caller becomes a child subreaper; nothing of a probe is left when the next begins.
 */
#ifndef PROGRAM_DOCTOR_H
#define PROGRAM_DOCTOR_H

#include <stdio.h>

/* Prints what was found. Returns an exit status: 0, programs can be judged here; 3, they cannot. */
int doctor(FILE *out);

/* `grade DOCTOR_GUEST WHAT ...`: main() hands over to doctor_guest(), and returns what it returns. */
#define DOCTOR_GUEST "--as-the-doctors-guest"
int doctor_guest(int argc, char **argv);

#endif
