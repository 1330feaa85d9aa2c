/*
 * command.h: a program given as a command: --program 'server=python3 server.py'.
 *
 * The words are split as a shell would split them, but nothing is run for it. The room that the program will
 * live in has a folder of its own and shows little of the machine, so every word that names a file or a folder here
 * becomes absolute, and `visible` lists what the program must be able to see: the folder of its files (what they
 * import stands next to them), and what an interpreter outside the system's own folders needs.
 *
 * What is never shown whole, though a file in it is: /, the home folder, the project, whatever contains one of
 * them, and folders that belong to everybody (/tmp).
 */
#ifndef PROGRAM_COMMAND_H
#define PROGRAM_COMMAND_H

#include "program/subject.h"

#include <stdbool.h>

/*
 * Fills the Subject. `root` is the project's folder. False: why[] says in a sentence what is wrong
 * with the command.
 */
bool command_parse(Subject *subject, const char *name, const char *command, const char *root, char *why,
                   size_t why_size);

/* Where the shell would find it: absolute, or NULL. `program` may be a path. To be kept. */
char *command_find(const char *program);

#endif
