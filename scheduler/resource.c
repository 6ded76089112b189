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
	    assay_database_run(db, "SELECT memory, disk, duration FROM resource WHERE name = $1",
			       ASSAY_VALUES(assay_text(assay_buf_text(&name))), &rows, err))
		return err->code;
	*ret = (struct resource){ .memory = 0 };
	if (assay_rows_count(rows))
		*ret = (struct resource){ assay_rows_int(rows, 0, 0), assay_rows_int(rows, 0, 1),
					  assay_rows_int(rows, 0, 2) };
	return ASSAY_OK;
}

/* An eighth less than what was known, or what was seen now if that is more. */
#define FADED(column, seen)                                                                        \
	"CASE WHEN resource." column " - resource." column " / 8 > " seen " THEN resource." column \
	" - resource." column " / 8 ELSE " seen " END"

enum assay_code resource_learn(struct assay_database *db, const char *target,
			       const struct resource *seen, int64_t now, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);

	name_of(target, &name);
	if (assay_buf_check(&name, "target", err))
		return err->code;
	return assay_database_run(
		db,
		"INSERT INTO resource (name, memory, disk, duration, changed) VALUES ($1, $2, $3, "
		"$4, $5) ON CONFLICT (name) DO "
		"UPDATE SET memory = " FADED("memory", "$2") ", disk = " FADED(
			"disk", "$3") ", duration = " FADED("duration", "$4") ", changed = $5",
		ASSAY_VALUES(assay_text(assay_buf_text(&name)), assay_int(seen->memory),
			     assay_int(seen->disk), assay_int(seen->duration_ms), assay_int(now)),
		NULL, err);
}

/* In GiB, a power of two; 0 when nothing is to be wished. */
static int64_t class_of(int64_t peak)
{
	int64_t wanted = peak > INT64_MAX / 2 ? INT64_MAX : peak + peak / 4;
	int64_t class = 1;

	while (class < 1024 && class * (int64_t)ASSAY_GIB < wanted)
		class *= 2;
	return class > 1 ? class : 0;
}

static void wish(const char *name, int64_t peak, const char *needs, struct assay_buf *out)
{
	int64_t class = class_of(peak);

	if (class && !strstr(needs, name))
		assay_buf_printf(out, "%s%s~%lldg", out->len ? " " : "", name, (long long)class);
}

void resource_needs(const struct resource *known, const char *needs, struct assay_buf *out)
{
	assay_buf_add_text(out, needs);
	wish("disk", known->disk, needs, out);
	wish("memory", known->memory, needs, out);
}

int64_t resource_rank(const struct resource *known, int64_t rank, int64_t deadline)
{
	int64_t latest = deadline - known->duration_ms - known->duration_ms / 4;

	return deadline && latest < rank ? latest : rank;
}
