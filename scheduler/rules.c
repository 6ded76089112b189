/* SPDX-License-Identifier: Apache-2.0 */
/* The rules as a table; see the header. */
#include "rules.h"

#include <stddef.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DOUBLINGS_MAX = 8 };

/* The first is also that of verdicts nobody knows. */
static const struct rule rules[] = {
	{ "farm-error", RULE_RETRY, 6, 30 * SECOND, "our own trouble, again and again", false },
	{ "lost", RULE_RETRY, 6, 10 * SECOND, "its workers were lost, one after another", false },
	{ "inputs-lost", RULE_RETRY, 4, HOUR, "its inputs are not to be had", false },
	{ "timed-out", RULE_RETRY, 2, MINUTE, "it reaches a limit each time", true },
	{ "build-failed", RULE_CONFIRM, 0, 0, NULL, true },
	{ "divergent", RULE_CONFIRM, 0, 0, NULL, true },
	{ "incomplete", RULE_CONFIRM, 0, 0, NULL, true },
	{ "flaky", RULE_FINAL, 0, 0, NULL, true },
	{ "equivalent", RULE_FINAL, 0, 0, NULL, true },
	{ "reproducible", RULE_FINAL, 0, 0, NULL, true },
	{ "rejected", RULE_FINAL, 0, 0, NULL, false },
	{ "cancelled", RULE_FINAL, 0, 0, NULL, false },
};

const struct rule *rule_of(const char *verdict)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].verdict, verdict) == 0)
			return &rules[i];
	return &rules[0];
}

uint64_t rule_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

int64_t rule_next_try(const struct rule *rule, int64_t failures, int64_t job, int64_t now)
{
	int64_t doublings = failures < 1 ? 0 : failures - 1;
	int64_t delay = rule->delay_ms << (doublings > DOUBLINGS_MAX ? DOUBLINGS_MAX : doublings);
	uint64_t spread = rule_mix((uint64_t)job * 1000003 + (uint64_t)failures) % (uint64_t)(delay + 1);

	return now + delay / 2 + (int64_t)spread;
}
