#include <check.h>
Suite *view_suite(void);
Suite *view_suite(void)
{
	return suite_create("view");
}
