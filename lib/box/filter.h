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

/* Compiled once per process.  Calls outside of the list go to the listener, which counts them and
 * answers box_filter_errno().  skip: with LAYER_FAMILIES, sockets of all families pass. */
enum assay_code box_filter_get(uint32_t skip, struct box_filter *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* ctx: a scmp_filter_ctx.  The number of instructions, or a negative errno. */
int box_filter_export(void *ctx, struct sock_filter *program, size_t max);
int box_filter_errno(int number);
/* The call's name in out ("syscall 999" when unknown); returns out. */
const char *box_filter_name(int number, char *out, size_t size);

#endif
