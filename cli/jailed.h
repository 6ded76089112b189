/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison in the jail, without what most small ones never need. */
#ifndef ASSAY_CLI_JAILED_H
#define ASSAY_CLI_JAILED_H

#include "assay/jail.h"

/* As assay_jail_run.  files: what is compared, ended by -1.  Loading libgit2 and Capstone takes longer than
 * comparing two small files, and only differences of texts and of code need them: small ones go without first, and
 * again with them when one was met.  work is done anew then. */
enum assay_code cli_run_jailed(const struct assay_jail *jail, const int *files, assay_jail_work *work, void *data,
			       struct assay_buf *ret_answer, struct assay_error *err) ASSAY_CHECKED;

#endif
