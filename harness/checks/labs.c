#include "checks/suite.h"

const Lab *const all_labs[] = {&lab01, &lab02, &lab03, &lab04, &lab05, &lab06, &lab07, &lab08, &lab09, &lab10, &lab11, &lab12, &lab13, &lab14, &lab15, &lab16, NULL};

const Lab *lab_by_number(int number)
{
	for (const Lab *const *lab = all_labs; *lab; lab++)
		if ((*lab)->number == number)
			return *lab;
	return NULL;
}
