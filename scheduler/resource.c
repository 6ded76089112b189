/* SPDX-License-Identifier: Apache-2.0 */
/* The rule is in the header. */
#include "resource.h"

#include <string.h>

#include "assay/cleanup.h"
#include "assay/limits.h"

/* "pkg:deb/debian/hello@2.10-3?arch=amd64": up to the version. */
static void name_of(const char *target, struct assay_buf *out)
{
	bool is_package = strncmp(target, "pkg:", 4) == 0;

	assay_buf_add(out, target, is_package ? strcspn(target, "@?#") : strlen(target));
}

enum assay_code resource_read(struct assay_database *db, const char *target, struct resource *ret,
			      struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	name_of(target, &name);
	if (assay_buf_check(&name, "target", err) ||
	    assay_database_run(db, "SELECT memory, duration FROM resource WHERE name = $1",
			       ASSAY_VALUES(assay_text(assay_buf_text(&name))), &rows, err))
		return err->code;
	*ret = (struct resource){ .memory = 0 };
	if (assay_rows_count(rows))
		*ret = (struct resource){ assay_rows_int(rows, 0, 0), assay_rows_int(rows, 0, 1) };
	return ASSAY_OK;
}

enum assay_code resource_learn(struct assay_database *db, const char *target,
			       const struct resource *seen, int64_t now, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);

	name_of(target, &name);
	if (assay_buf_check(&name, "target", err))
		return err->code;
	return assay_database_run(
		db,
		"INSERT INTO resource (name, memory, duration, changed) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO "
		"UPDATE SET memory = CASE WHEN resource.memory - resource.memory / 8 > $2 THEN resource.memory - "
		"resource.memory / 8 ELSE $2 END, duration = CASE WHEN resource.duration - resource.duration / 8 > $3 "
		"THEN resource.duration - resource.duration / 8 ELSE $3 END, changed = $4",
		ASSAY_VALUES(assay_text(assay_buf_text(&name)), assay_int(seen->memory),
			     assay_int(seen->duration_ms), assay_int(now)),
		NULL, err);
}

/* In GiB, a power of two; 0 when nothing is to be wished. */
static int64_t memory_class(const struct resource *known)
{
	int64_t wanted = known->memory > INT64_MAX / 2 ? INT64_MAX : known->memory + known->memory / 4;
	int64_t class = 1;

	while (class < 1024 && class * (int64_t)ASSAY_GIB < wanted)
		class *= 2;
	return class > 1 ? class : 0;
}

void resource_needs(const struct resource *known, const char *needs, struct assay_buf *out)
{
	int64_t class = memory_class(known);

	assay_buf_add_text(out, needs);
	if (class && !strstr(needs, "memory"))
		assay_buf_printf(out, "%smemory~%lldg", *needs ? " " : "", (long long)class);
}

int64_t resource_rank(const struct resource *known, int64_t rank, int64_t deadline)
{
	int64_t latest = deadline - known->duration_ms - known->duration_ms / 4;

	return deadline && latest < rank ? latest : rank;
}
