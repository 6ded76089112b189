/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a file into envelopes; nothing here looks into one. */
#include "envelopes.h"

#include <fcntl.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/json.h"
#include "assay/limits.h"

/* An object over several lines, as a pretty printer leaves it. */
static bool is_one_object(struct assay_span text)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *json = NULL;
	bool one = assay_json_parse(text, "envelope", &json, &err) == ASSAY_OK;

	json_decref(json);
	return one;
}

enum assay_code cli_envelopes_walk(const char *file, cli_envelope_fn *visit, void *data,
				   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	struct assay_span rest, line;

	if (assay_file_read(AT_FDCWD, file, &text, err))
		return err->code;
	rest = assay_buf_span(&text);
	if (is_one_object(rest))
		return visit(data, file, 1, rest, err);
	for (unsigned number = 1; assay_span_next_line(&rest, &line); number++) {
		line = assay_span_trim(line);
		if (line.len && visit(data, file, number, line, err))
			return err->code;
	}
	return ASSAY_OK;
}
