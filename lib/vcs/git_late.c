/* SPDX-License-Identifier: Apache-2.0 */
#include "git_late.h"

struct git_late git_late;

static const char *const names[] = {
#define X(name) #name,
	GIT_LATE(X)
#undef X
};

#define TEXT(x) #x
#define SONAME(major, minor) "libgit2.so." TEXT(major) "." TEXT(minor)

enum assay_code git_late_load(struct assay_error *err)
{
	static struct assay_late late = {
		.soname = SONAME(LIBGIT2_VER_MAJOR, LIBGIT2_VER_MINOR),
		.names = names,
		.functions = (void **)&git_late,
		.count = sizeof(names) / sizeof(names[0]),
	};

	return assay_late_load(&late, err);
}
