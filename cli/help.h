/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of the manual as --help shows them: a table that tools/pages writes from docs/man. */
#ifndef ASSAY_CLI_HELP_H
#define ASSAY_CLI_HELP_H

struct cli_page {
	const char *verb; /* "" for assay(1); a page that tells of several verbs has a row for each */
	const char *text;
};

/* Ends with a NULL verb. */
extern const struct cli_page cli_pages[];

#endif
