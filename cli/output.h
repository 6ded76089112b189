/* SPDX-License-Identifier: Apache-2.0 */
/* Where a verb's report goes: text on stdout unless --json takes it, and files on request. */
#ifndef ASSAY_CLI_OUTPUT_H
#define ASSAY_CLI_OUTPUT_H

#include "assay/json.h"
#include "cli.h"

struct cli_outputs {
	struct cli_optional json; /* --json[=FILE] */
	const char *json_format;  /* NULL: assay */
	const char *html, *junit, *markdown, *sarif;
	const char *accept; /* the grade that passes in --junit */
	bool verbose;
};

/* Returns 0, or 2 after saying which option is wrong. */
int cli_outputs_check(const char *verb, const struct cli_outputs *outputs);
/* Returns 0, or the exit status after saying what could not be written. */
int cli_outputs_write(const struct cli_outputs *outputs, const json_t *report,
		      struct assay_error *err);

#endif
