/*
 * patience.h: the clock, for the times that the contract itself names (labs 07, 12 and 16: "after TIMEOUT_MS").
 *
 * Everywhere else time proves nothing and is not asked. Here it is what is judged: that a program did not give up too soon, which only
 * a clock can tell, and that it did not wait for ever, for which its time must be let go by.
 *
 * Units: milliseconds since some moment in the past (CLOCK_MONOTONIC), cut off, so that two of them may differ by one too many or too few.
 */
#ifndef CHECKS_PATIENCE_H
#define CHECKS_PATIENCE_H

#include "peer/line.h"

#include <stdint.h>

int64_t now_ms(void);

/* Until this moment, or until the line (which may be NULL) has news. Stillness says nothing here: a program may have set itself an
 * alarm, which no look at its threads can show. */
void let_time_pass(Line *line, int64_t until_ms);

#endif
