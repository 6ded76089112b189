/* SPDX-License-Identifier: Apache-2.0 */
/* The workspace of a build that is over: looked over, and kept when that is wanted.  No link is followed. */
#ifndef ASSAY_WORKER_WORKSPACE_H
#define ASSAY_WORKER_WORKSPACE_H

#include "job_int.h"

#define ASSAY_MAX_FINDINGS 20 /* of each kind listed in a report; the rest is counted */

/* Below dir, without links, magic links or ".."; does not block on what is no file. */
int assay_open_beneath(int dir, const char *path, int flags);
/* {"path", "kind", "detail"} to an attempt's findings, and one to its finding_counts. */
void assay_job_add_finding(json_t *attempt, const char *path, const char *kind, const char *detail);
/* Counts files, directories, links and bytes into attempt.workspace, and notes what has no business among
 * outputs: devices, FIFOs, sockets, set-id bits, capabilities, names that are not text, depth. */
enum assay_code assay_job_survey(struct assay_job *job, json_t *attempt, struct assay_error *err)
	ASSAY_CHECKED;
/* Copies it to <output>/workspace-N: files with modes 0644 or 0755, directories, links that stay inside;
 * other links are findings with their text, and nothing else is copied. */
enum assay_code assay_job_keep_workspace(struct assay_job *job, json_t *attempt,
					 struct assay_error *err) ASSAY_CHECKED;

#endif
