/*
 * console.h: the stepper at a terminal: the screen of view.h, and a prompt under it.
 *
 * Enter alone does again what was done last; at the start that is `on`, the script's next step. Commands may be cut short as long
 * as they are told apart. Whoever leaves the script (next, NAME, type …) may go on with it later; what it then expects is told, but
 * no longer counts.
 *
 * It works where there is no terminal, too: commands are read from a pipe, and the screen is written out after each.
 */
#ifndef STEP_CONSOLE_H
#define STEP_CONSOLE_H

#include "report/tape.h"

#include <stdbool.h>

/* Until `quit` or the end of input. `live`: there is a stage; else the tape alone is looked at. */
void console(Tape *tape, bool live);

#endif
