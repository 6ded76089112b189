/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job after an attempt, by its verdict. */
#ifndef ASSAY_SCHEDULER_RULES_H
#define ASSAY_SCHEDULER_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum rule_kind {
	RULE_FINAL,   /* the verdict stands */
	RULE_CONFIRM, /* once more, on another worker; then it stands */
	RULE_RETRY,   /* no evidence: later, on another worker; parked in the end */
};

struct rule {
	const char *verdict;
	enum rule_kind kind;
	int64_t tries;    /* without evidence, until it is parked */
	int64_t delay_ms; /* before the second try; doubles with each */
	const char *parked; /* why, in words */
	bool boxed;	    /* no attempt ends so without a box */
};

/* An unknown verdict has the rule of our own trouble. */
const struct rule *rule_of(const char *verdict);

/* When to try again after so many failures: between half and one and a half of the delay, so that what failed
 * together does not come back together.  The same arguments give the same time. */
int64_t rule_next_try(const struct rule *rule, int64_t failures, int64_t job, int64_t now);

/* Well spread, and the same everywhere (splitmix64). */
uint64_t rule_mix(uint64_t x);

#endif
