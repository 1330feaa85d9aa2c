/*
 * header10.c: lab 10's client, and a server that may send any header, any content, and any end. header.h says what must hold.
 */
#include "header.h"

#include "fakes_on.h"

#include "../../../solutions/10-file-transfer/client.c"
#include "../../../solutions/10-file-transfer/frame.c"
#include "fakes_off.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	header_try(data, size, program_main, &unfinished, false);
	return 0;
}
