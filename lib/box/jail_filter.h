/* SPDX-License-Identifier: Apache-2.0 */
/* The strict system call filter of jails. */
#ifndef ASSAY_BOX_JAIL_FILTER_H
#define ASSAY_BOX_JAIL_FILTER_H

#include <stdbool.h>

#include "assay/error.h"

/* What may be asked of the kernel; which files and sockets that reaches is Landlock's part. */
enum jail_rights {
	JAIL_CLOSED = 0,
	JAIL_READS = 1 << 0,   /* open files read-only, look at names */
	JAIL_WRITES = 1 << 1,  /* make files, directories and links */
	JAIL_NETWORK = 1 << 2, /* sockets, and all that a fetcher does with files of its own */
	JAIL_KINDS = 1 << 3,
};

/* Compiles a filter; in the parent, once per process and kind. */
enum assay_code jail_filter_prepare(unsigned rights, struct assay_error *err) ASSAY_CHECKED;
/* In the child: no allocation, no way back.  False with errno. */
bool jail_filter_install(unsigned rights);

#endif
