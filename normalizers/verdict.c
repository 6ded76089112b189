/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the way: what a run came to, its name, and the status the program exits with. */
#include "assay/verdict.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_status;
} verdicts[] = {
#define X(name, text, status) [name] = { text, status },
	ASSAY_VERDICTS(X)
#undef X
};

/* Each grade accepts those before it. */
static const char *const grades[] = { "encoding", "container", "code" };

#define GRADE_COUNT (sizeof(grades) / sizeof(grades[0]))

static size_t grade_rank(const char *grade)
{
	for (size_t i = 0; i < GRADE_COUNT; i++)
		if (strcmp(grades[i], grade) == 0)
			return i;
	return GRADE_COUNT;
}

const char *assay_verdict_name(enum assay_verdict verdict)
{
	return verdicts[verdict].name;
}

bool assay_verdict_parse(const char *name, enum assay_verdict *ret)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (strcmp(verdicts[i].name, name) == 0) {
			*ret = (enum assay_verdict)i;
			return true;
		}
	}
	return false;
}

static bool grade_is_accepted(const char *grade, const char *accept)
{
	if (!accept || strcmp(accept, "reproducible") == 0)
		return false;
	if (strcmp(accept, "equivalent") == 0)
		return true;
	return grade && grade_rank(grade) < GRADE_COUNT && grade_rank(grade) <= grade_rank(accept);
}

int assay_verdict_exit_status(enum assay_verdict verdict, const char *grade, const char *accept)
{
	if (verdict == ASSAY_EQUIVALENT && grade_is_accepted(grade, accept))
		return 0;
	return verdicts[verdict].exit_status;
}

bool assay_accept_is_known(const char *accept)
{
	return strcmp(accept, "reproducible") == 0 || strcmp(accept, "equivalent") == 0 ||
	       grade_rank(accept) < GRADE_COUNT;
}
