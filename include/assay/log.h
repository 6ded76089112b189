/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says while it works, on stderr: log lines, and the progress of long stages.  On a
 * terminal a stage is one line that is rewritten; elsewhere each stage is a plain line when it
 * starts and when it ends.  With ASSAY_LOG=json in the environment a log line is a JSON object.  Results never come this
 * way.  The level is the only global of the
 * program.
 */
#ifndef ASSAY_LOG_H
#define ASSAY_LOG_H

#include <stdint.h>

#include "assay/error.h"

enum assay_log_level { ASSAY_LOG_ERROR, ASSAY_LOG_WARNING, ASSAY_LOG_NOTE, ASSAY_LOG_DEBUG };

void assay_log_set_level(enum assay_log_level level);
/* Colour and rewriting only when stderr is a terminal; colour never with NO_COLOR set. */
void assay_log_init(void);
/* A line about a job begins "job N: ". */
void assay_log(enum assay_log_level level, const char *fmt, ...) ASSAY_PRINTF(2, 3);

/* A stage of work: "rebuild  libcjson1 ... 12 s".  Stages nest. */
void assay_progress_start(const char *stage, const char *fmt, ...) ASSAY_PRINTF(2, 3);
/* Within a stage; total 0 means unknown.  Cheap enough to call for every block of data. */
void assay_progress_update(uint64_t done, uint64_t total, const char *unit);
void assay_progress_note(const char *fmt, ...) ASSAY_PRINTF(1, 2);
/* How many stages are open: what failed inside one closes all that it had begun. */
unsigned assay_progress_depth(void);
/* outcome: a few words, "verified", "cached", "failed". */
void assay_progress_end(const char *fmt, ...) ASSAY_PRINTF(1, 2);

#endif
