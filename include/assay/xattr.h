/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of open files and directories (xattr(7)): file capabilities, ACLs, labels, what users set.
 * Only those that the caller may see: trusted.* wants CAP_SYS_ADMIN.  A file system that knows none has none.
 */
#ifndef ASSAY_XATTR_H
#define ASSAY_XATTR_H

#include <stddef.h>

#include "assay/buf.h"
#include "assay/error.h"

/* The names of one file, sorted bytewise. */
struct assay_xattrs {
	char *text; /* what names[] points into */
	const char **names;
	size_t count;
};

/* The caller releases *ret, also after a failure. */
enum assay_code assay_xattrs_list(int fd, struct assay_xattrs *ret, struct assay_error *err) ASSAY_CHECKED;
void assay_xattrs_release(struct assay_xattrs *list);

/* Adds the value, of at most 64 KiB (XATTR_SIZE_MAX). */
enum assay_code assay_xattr_read(int fd, const char *name, struct assay_buf *buf, struct assay_error *err)
	ASSAY_CHECKED;

/* Gives `to` every attribute of `from`, but for names that begin with `except` unless that is NULL; what it has
 * already with the same value is not set again. */
enum assay_code assay_xattrs_copy(int from, int to, const char *except, struct assay_error *err) ASSAY_CHECKED;

#endif
