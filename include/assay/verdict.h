/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts and their exit statuses (DESIGN.md section 2), worst last within a status. */
#ifndef ASSAY_VERDICT_H
#define ASSAY_VERDICT_H

#include <stdbool.h>

#define ASSAY_VERDICTS(X)                                                                          \
	X(ASSAY_REPRODUCIBLE, "reproducible", 0)                                                   \
	X(ASSAY_EQUIVALENT, "equivalent", 1)                                                       \
	X(ASSAY_INPUTS_LOST, "inputs-lost", 3)                                                     \
	X(ASSAY_FARM_ERROR, "farm-error", 3)                                                       \
	X(ASSAY_TIMED_OUT, "timed-out", 3)                                                         \
	X(ASSAY_BUILD_FAILED, "build-failed", 3)                                                   \
	X(ASSAY_INCOMPLETE, "incomplete", 1)                                                       \
	X(ASSAY_FLAKY, "flaky", 1)                                                                 \
	X(ASSAY_DIVERGENT, "divergent", 1)                                                         \
	X(ASSAY_REJECTED, "rejected", 4)

/* Ordered from best to worst: the verdict of a whole is the greatest of its parts. */
enum assay_verdict {
#define X(name, text, status) name,
	ASSAY_VERDICTS(X)
#undef X
};

const char *assay_verdict_name(enum assay_verdict verdict);
bool assay_verdict_parse(const char *name, enum assay_verdict *ret);
/* accept: "reproducible", "equivalent" or a grade ("encoding", "container", "code"; each accepts
 * the ones before it); grade: of the verdict, NULL when it has none. */
int assay_verdict_exit_status(enum assay_verdict verdict, const char *grade, const char *accept);
/* False for a word that is none of the above. */
bool assay_accept_is_known(const char *accept);

#endif
