/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that talk to a scheduler have in common. */
#ifndef ASSAY_CLI_FARM_H
#define ASSAY_CLI_FARM_H

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/http.h"

/* The scheduler of a store, or at a socket or https://host:port; both may be NULL, then $ASSAY_SCHEDULER comes first.
 * Over https the caller is who enrolled in $ASSAY_IDENTITY, or who $ASSAY_TOKEN (or the file $ASSAY_TOKEN_FILE) names. */
enum assay_code cli_farm_connect(const char *store, const char *socket,
				 struct assay_http_client **ret, struct assay_error *err) ASSAY_CHECKED;
/* Becomes the scheduler's program, beside this one or where it was installed; comes back only when it cannot be started. */
#define CLI_FARM_PROGRAM "assay-scheduler"
void cli_farm_become(const char *const *argv, struct assay_error *err);
/* One call.  Returns 0, or the exit status after saying what was wrong.  *ret_answer may be NULL without one. */
int cli_farm_call(const char *store, const char *socket, const char *method, const char *path,
		  const json_t *body, json_t **ret_answer);
/* A list that comes in pages, as one: what lies at key in the answers. */
int cli_farm_list(const char *store, const char *socket, const char *path, const char *key,
		  json_t **ret_answer);
/* The same about something that has a name: path is what stands before it, the name, and what stands behind. */
int cli_farm_call_on(const char *store, const char *socket, const char *method, const char *const path[3],
		     const json_t *body, json_t **ret_answer);
/* An answer on standard output, as it came or as a table.  Returns the exit status. */
typedef void cli_farm_table(const json_t *answer, struct assay_buf *out);
int cli_farm_print(const json_t *answer, bool json, cli_farm_table *table);
/* The directory of the caller's identity, malloc'ed. */
char *cli_farm_identity(void);
/* A token in a file; "-" is standard input.  malloc'ed; NULL after saying what was wrong. */
char *cli_farm_read_token(const char *path, struct assay_error *err);
/* Text of the scheduler's on a terminal: control bytes escaped. */
const char *cli_farm_shown(const json_t *object, const char *key, char *out, size_t size);
/* "3 min", "2 h", "5 d" since a time in milliseconds; "-" for 0. */
const char *cli_farm_age(int64_t since_ms, char *out, size_t size);

/* A value in a URL. */
void cli_farm_escape(const char *text, struct assay_buf *out);
/* --hours (NULL: fallback) as a time in milliseconds.  Returns 0, or the exit status after saying what was wrong. */
int cli_farm_hours(const char *verb, const char *hours, long fallback, int64_t *ret_since);

#endif
