/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace (struct assay_box_trace, docs/schema/trace-1.json) tells when its lines are put
 * together: which programs ran, which files were read and of which package they are, what was written,
 * who asked for the network.  The lines are hostile; run this in the jail.
 */
#ifndef ASSAY_TRACE_H
#define ASSAY_TRACE_H

#include "assay/error.h"
#include "assay/json.h"

/* Which package a path of the environment belongs to. */
struct assay_packages;
/* directory: an environment's var/lib/dpkg/info.  *ret NULL when there is none. */
enum assay_code assay_packages_read(const char *directory, struct assay_packages **ret,
				    struct assay_error *err) ASSAY_CHECKED;
/* NULL when it is of none; packages may be NULL. */
const char *assay_packages_find(const struct assay_packages *packages, const char *path);
void assay_packages_free(struct assay_packages *packages);

/* {"schema": "assay.trace-summary/1", "files": "fanotify", "events", "complete", "lost", "truncated",
 *  "unwatched", "programs": [{"path", "package"?, "runs", "first"}], "packages": [{"name", "files":
 *  [...]}], "inputs": [...], "others": [...], "written": [...], "network": [{"program",
 *  "call", "address", "count"}]}.
 * inputs are files below ASSAY_DEBIAN_INPUTS, others of no package, no input and not written.  Lists are in
 * the order of first use.  what names the trace in errors. */
enum assay_code assay_trace_summarize(struct assay_span lines, const char *what,
				      const struct assay_packages *packages, json_t **ret,
				      struct assay_error *err) ASSAY_CHECKED;

#endif
