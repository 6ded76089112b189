/* SPDX-License-Identifier: Apache-2.0 */
#include "capstone_late.h"

struct capstone_late capstone_late;

static const char *const names[] = {
#define X(name) #name,
	CAPSTONE_LATE(X)
#undef X
};

#define TEXT(x) #x
#define SONAME(major) "libcapstone.so." TEXT(major)

enum assay_code capstone_late_load(struct assay_error *err)
{
	static struct assay_late late = {
		.soname = SONAME(CS_API_MAJOR),
		.names = names,
		.functions = (void **)&capstone_late,
		.count = sizeof(names) / sizeof(names[0]),
	};

	return assay_late_load(&late, err);
}
