/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a git checkout that read foreign objects; they run in jails (assay/jail.h). */
#ifndef ASSAY_VCS_LAYER_H
#define ASSAY_VCS_LAYER_H

#include "writer.h"

struct layer_work {
	const char *path;     /* of the repository on this machine */
	const char *location; /* as it is called in messages */
	const char *commit;   /* full id */
	const char *prefix;   /* "" or "vendor/x/": where it is checked out */
	int top;              /* the directory of the whole source */
	struct assay_span written; /* by the layers before it, as writer_put() says it; may be empty */
};

/* data: a struct layer_work.  The answer: text commit, text tree, u64 time, u64 count of submodules, for
 * each text path, text url ("": unknown), text commit, then all that was written so far. */
enum assay_code layer_write(void *data, struct assay_buf *answer, struct assay_error *err);
/* Needs written alone.  The answer: a struct assay_checkout without commit and time. */
enum assay_code layer_finish(void *data, struct assay_buf *answer, struct assay_error *err);

#endif
