/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that most runs never call is loaded when it is first wanted: libcurl alone brings thirty
 * others, and loading them takes longer than comparing two small files.  The header of the fence
 * (assay/curl_late.h, assay/archive_late.h) lists the functions and gives them their usual names,
 * so that code and compiler see no difference.
 *
 * Loading needs files: a jail is entered afterwards.
 */
#ifndef ASSAY_LATE_H
#define ASSAY_LATE_H

#include <stddef.h>

#include "assay/error.h"

struct assay_late {
	const char *soname;       /* "libcurl.so.4" */
	const char *const *names; /* of functions */
	void **functions;         /* as many places for them */
	size_t count;
	void *handle;             /* private */
};

/* Does nothing the second time.  ASSAY_EUNSUPPORTED when it is not installed here. */
enum assay_code assay_late_load(struct assay_late *late, struct assay_error *err) ASSAY_CHECKED;

#endif
