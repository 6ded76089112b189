/* SPDX-License-Identifier: Apache-2.0 */
/* Times: wall clock for evidence (RFC 3339, UTC), monotonic for durations. */
#ifndef ASSAY_TIME_H
#define ASSAY_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/span.h"

#define ASSAY_TIME_TEXT 24 /* room for "2026-11-23T12:34:56Z" and NUL */

/* Seconds since the epoch. */
int64_t assay_time_now(void);
double assay_time_monotonic(void);
/* "2026-11-23T12:34:56Z" into out[ASSAY_TIME_TEXT]; returns out. */
char *assay_time_format(int64_t seconds, char *out);
/* RFC 5322 date as in a Debian changelog: "Mon, 23 Nov 2026 12:34:56 +0100". */
bool assay_time_parse_rfc5322(struct assay_span text, int64_t *ret);

#endif
