/*
 * page.h: a record as one page of HTML that needs nothing else: no network, no other file.
 *
 * The page (page.html, which is part of the program) holds the record and shows it a step at a time. The record stands in it as data:
 * nothing of what a student's program said or is called can become markup or script.
 *
 * Errors: false, with errno.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/tape.h"

bool page_write(const Tape *tape, const char *path);

#endif
