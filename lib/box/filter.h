/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter of boxes, and what is answered to calls that it does not let through. */
#ifndef ASSAY_BOX_FILTER_H
#define ASSAY_BOX_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define BOX_FILTER_MAX 4096 /* the kernel's limit */

struct box_filter {
	const struct sock_filter *program;
	unsigned count;
};

/* What the listener is shown besides what is refused. */
enum box_observe {
	BOX_OBSERVE_EXEC = 1 << 0,  /* execve, execveat */
	BOX_OBSERVE_OPEN = 1 << 1,  /* open, openat, openat2, creat */
	BOX_SILENT = 1 << 2, /* nothing: for kernels without listeners, refused calls fail with EPERM */
};

/* Compiled once per process and kind.  Calls outside of the list go to the listener, which counts them
 * and answers box_filter_errno(); those that name an address always go there.  skip: with
 * LAYER_FAMILIES, sockets of all families pass, unseen.  observe: enum box_observe. */
enum assay_code box_filter_get(uint32_t skip, unsigned observe, struct box_filter *ret,
			       struct assay_error *err) ASSAY_CHECKED;
/* ctx: a scmp_filter_ctx.  The number of instructions, or a negative errno. */
int box_filter_export(void *ctx, struct sock_filter *program, size_t max);
int box_filter_errno(int number);
/* The call's name in out ("syscall 999" when unknown); returns out. */
const char *box_filter_name(int number, char *out, size_t size);

#endif
