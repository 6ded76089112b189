/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "labels.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

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

static void add_classes(struct assay_buf *out, const char *name, uint64_t have)
{
	for (uint64_t class = 1; class <= 1024 && class * ASSAY_GIB <= have; class *= 2)
		assay_buf_printf(out, " %s=%dg", name, (int)class);
}

/* A machine sold with 8 GiB tells a little less of them.  A box has its disk in memory and what is swapped out of it. */
static void add_sizes(struct assay_buf *out)
{
	struct sysinfo host;
	uint64_t memory;

	if (sysinfo(&host))
		return;
	memory = (uint64_t)host.totalram * host.mem_unit;
	add_classes(out, "disk", memory + memory / 8 + (uint64_t)host.totalswap * host.mem_unit);
	add_classes(out, "memory", memory + memory / 8);
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
	add_sizes(out);
	if (more)
		assay_buf_printf(out, " %s", more);
}
