/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "labels.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/json.h"
#include "assay/limits.h"
#include "assay/log.h"

static const char *architecture(const struct utsname *host)
{
	static const struct {
		const char *machine, *arch;
	} arches[] = { { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "i686", "i386" } };

	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++)
		if (strcmp(arches[i].machine, host->machine) == 0)
			return arches[i].arch;
	return host->machine;
}

/* A machine sold with 8 GiB tells a little less of them. */
static void add_memory(struct assay_buf *out)
{
	uint64_t have = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	have += have / 8;
	for (uint64_t class = 1; class <= 1024 && class * ASSAY_GIB <= have; class *= 2)
		assay_buf_printf(out, " memory=%dg", (int)class);
}

void worker_labels(const struct assay_box_choice *choice, const char *more, struct assay_buf *out)
{
	assay_auto(assay_json_freep) json_t *isolation = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct utsname host = { .machine = "unknown" };

	uname(&host);
	assay_buf_printf(out, "arch=%s", architecture(&host));
	if (assay_box_check(choice, &isolation, &err))
		assay_log(ASSAY_LOG_WARNING, "no box can be made here: %s", err.msg);
	else
		assay_buf_printf(out, " box=%s isolation=%s", assay_json_text(isolation, "driver", "none"),
				 assay_json_text(isolation, "class", "none"));
	add_memory(out);
	if (more)
		assay_buf_printf(out, " %s", more);
}
