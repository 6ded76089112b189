/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/curl_late.h"

struct curl_late curl_late;

static const char *const names[] = {
#define X(name) #name,
	CURL_LATE(X)
#undef X
};

enum assay_code curl_late_load(struct assay_error *err)
{
	static struct assay_late late = {
		.soname = "libcurl.so.4",
		.names = names,
		.functions = (void **)&curl_late,
		.count = sizeof(names) / sizeof(names[0]),
	};

	return assay_late_load(&late, err);
}
