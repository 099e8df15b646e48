/*
 * command: another program, run to its end.
 *
 * Started without a shell, in a process group of its own, with the bytes given
 * as standard input, default signals, and no descriptor but the first three.
 * It ends with the call: after its time, when *stop becomes true, or when it
 * says more than there is room for, it is killed with whatever it has started.
 */
#ifndef GANTRY_BASE_COMMAND_H
#define GANTRY_BASE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define COMMAND_INPUT_MAX 65536 /* what a pipe takes at once */

struct command {
	char *const *argv;	   /* argv[0] is found on our PATH, or has a '/' */
	char *const *environment;  /* NULL: nothing */
	const char *input;	   /* NULL: nothing */
	bool both;		   /* standard error goes to the answer too, else nowhere */
	bool cut;		   /* what there is no room for is lost, and no error */
	int64_t ms;		   /* how long it may take */
	const volatile bool *stop; /* may be NULL */
};

/* *ret_status: its exit status, 128 + N if signal N ended it.  What it said is
 * added to answer up to that buffer's limit.  ERR_NOTFOUND if there is no such
 * program, ERR_TEMP if it takes too long or *stop came, ERR_DATA if it says
 * too much, ERR_SYS for this machine. */
int command_run(const struct command *c, struct buf *answer, int *ret_status, struct err *e);

#endif
