/* SPDX-License-Identifier: Apache-2.0 */
/* One run of `assay normalize`: what is asked for, and what has come of it. */
#ifndef ASSAY_CLI_NORMALIZE_H
#define ASSAY_CLI_NORMALIZE_H

#include "assay/normalize.h"
#include "cli.h"

enum cli_normalize_mode {
	CLI_NORMALIZE_STDOUT,
	CLI_NORMALIZE_OUTPUT,
	CLI_NORMALIZE_IN_PLACE,
	CLI_NORMALIZE_CHECK,
};

struct cli_normalize {
	struct assay_normalize_options options;
	enum cli_normalize_mode mode;
	const char *output;
	struct cli_optional json;
	bool quiet;
	json_t *files;
	bool changed, kept, failed;
};

/* name is relative to dirfd and shown as shown; inside: it was found in a directory. */
enum assay_code cli_normalize_file(struct cli_normalize *run, int dirfd, const char *name,
				   const char *shown, bool inside, struct assay_error *err)
	ASSAY_CHECKED;
/* All regular files below, in the order of their names; links are not followed.  A file that fails is
 * said and the others go on. */
enum assay_code cli_normalize_directory(struct cli_normalize *run, const char *path,
					struct assay_error *err) ASSAY_CHECKED;

/* One line a file, more for what was left alone or is unsafe. */
void cli_normalize_print(const struct cli_normalize *run, const json_t *result);
/* --json; false when it cannot be written, which has been said. */
bool cli_normalize_report(const struct cli_normalize *run);
/* --passes; the exit status. */
int cli_normalize_list(const struct cli_normalize *run);

#endif
