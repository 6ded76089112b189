/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/archive_late.h"

struct archive_late archive_late;

static const char *const names[] = {
#define X(name) #name,
	ARCHIVE_LATE(X)
#undef X
};

static struct assay_late late = {
	.soname = "libarchive.so.13",
	.names = names,
	.functions = (void **)&archive_late,
	.count = sizeof(names) / sizeof(names[0]),
};

enum assay_code archive_late_load(struct assay_error *err)
{
	return assay_late_load(&late, err);
}

bool archive_late_is_loaded(void)
{
	return late.handle != NULL;
}
