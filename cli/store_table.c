/* SPDX-License-Identifier: Apache-2.0 */
#include "store_table.h"

#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/time.h"
#include "cli.h"

const char *cli_bytes(uint64_t bytes, char *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	snprintf(out, CLI_BYTES_TEXT, "%.*f %s", unit && value < 100 ? 1 : 0, value, units[unit]);
	return out;
}

json_t *cli_store_count(const struct assay_store_count *count)
{
	json_t *object = assay_json_object();
	char text[ASSAY_TIME_TEXT];

	assay_json_set_int(object, "count", (int64_t)count->count);
	assay_json_set_int(object, "bytes", (int64_t)count->bytes);
	if (count->count) {
		assay_json_set_text(object, "oldest", assay_time_format(count->oldest, text));
		assay_json_set_text(object, "newest", assay_time_format(count->newest, text));
	}
	return object;
}

int cli_store_json(const struct assay_store *store, json_t *object)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_error err = ASSAY_ERROR_INIT;

	assay_json_set_text(object, "schema", "assay.store/1");
	assay_json_set(object, "store", assay_json_name(assay_span_text(assay_store_root(store))));
	assay_json_dump(object, &text);
	if (assay_buf_check(&text, "answer", &err))
		return cli_fail(&err);
	if (fputs(assay_buf_text(&text), stdout) == EOF || fflush(stdout)) {
		assay_fail_errno(&err, "standard output");
		return cli_fail(&err);
	}
	return 0;
}
