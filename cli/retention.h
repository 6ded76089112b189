/* SPDX-License-Identifier: Apache-2.0 */
/* --collect-every, --grace and --keep-for of those who collect their store on their own. */
#ifndef ASSAY_CLI_RETENTION_H
#define ASSAY_CLI_RETENTION_H

#include "assay/buf.h"
#include "cli.h"

struct cli_retention {
	const char *every, *grace;
	struct cli_list keep;
	const char **configured; /* what the configuration says beside keep, which comes before it; or NULL */
};

/* As one text for assay_retention_parse(), checked here, where it is still known which option it was.  Returns 0, or
 * the exit status after saying what is wrong. */
int cli_retention_join(const char *verb, const struct cli_retention *retention, struct assay_buf *out);
void cli_retention_release(struct cli_retention *retention);

#endif
