/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store keeps, and for how long.
 *
 * Everything in it is of a class:
 *
 *	reports		runs/NAME (report, attestations), and the blobs that a farm's database names
 *	logs		of a run: attempt-N.log.zst, attempt-N.trace.zst
 *	candidates	of a run: candidates/, workspace-N/; and the blobs that a report calls built
 *	locks		resolved/, and the blobs they name
 *	environments	environments/
 *	blobs		all other blobs: packages, sources, whatever was fetched
 *
 * An entry is kept until it was unused for as long as its class says.  A blob is held by what names it: a report
 * holds what was built, and the other blobs it names, for as long as the classes "candidates" and "blobs" say,
 * counted from the report; a lock holds its packages while it is kept itself.  A blob that nothing holds goes once
 * it was unused for as long as "blobs" says.
 *
 * Nothing goes that may be in use.  Each use of a blob or an environment sets its time, under a lock; each process
 * says in its folder under tmp since when it depends on what it used (assay_store_renew); and what was used after
 * the oldest process that lives began, or less than the grace ago, stays whatever the policy says.  An environment
 * in use is locked besides.  A collection may be killed anywhere and run again.
 *
 * A remote store is collected where a scheduler keeps its list: what nothing on it holds goes by the time of its last
 * put, after a fortnight at least, and uploads that were never finished are ended.
 */
#ifndef ASSAY_RETENTION_H
#define ASSAY_RETENTION_H

#include "assay/json.h"
#include "assay/store.h"

enum assay_store_class {
	ASSAY_CLASS_BLOBS,
	ASSAY_CLASS_LOGS,
	ASSAY_CLASS_CANDIDATES,
	ASSAY_CLASS_ENVIRONMENTS,
	ASSAY_CLASS_LOCKS,
	ASSAY_CLASS_REPORTS,
	ASSAY_CLASS_COUNT,
};

const char *assay_store_class_name(enum assay_store_class class);

#define ASSAY_KEEP_FOREVER INT64_C(-1)

struct assay_retention {
	int64_t keep_s[ASSAY_CLASS_COUNT];
	int64_t grace_s;
	int64_t every_s; /* for who collects on its own; ASSAY_KEEP_FOREVER: never */
	bool dry_run;
};

/* Blobs, candidates and environments a month, logs and locks three, reports for ever; one day of grace; every day. */
void assay_retention_init(struct assay_retention *policy);
/* "candidates=7d": a class and an age as below; "grace=12h", "every=1h"; several with commas between them.
 * ASSAY_EUSAGE says what was wanted. */
enum assay_code assay_retention_parse(struct assay_retention *policy, const char *text,
				      struct assay_error *err) ASSAY_CHECKED;
/* "90s", "15min", "12h", "30d", "8w", "forever". */
enum assay_code assay_retention_parse_age(const char *text, int64_t *ret_s, struct assay_error *err)
	ASSAY_CHECKED;

struct assay_store_count {
	uint64_t count, bytes;
	int64_t oldest, newest; /* last use, seconds since 1970; 0 when there is none */
};

struct assay_store_usage {
	struct assay_store_count classes[ASSAY_CLASS_COUNT];
	struct assay_store_count quarantined; /* blobs that had wrong bytes */
	struct assay_store_count caches;      /* apt's lists, git repositories */
	struct assay_store_count work;	      /* of processes that are at work */
	struct assay_store_count remote;      /* objects of a remote store */
};

/* A file that several environments share is divided among them. */
enum assay_code assay_store_stats(struct assay_store *store, struct assay_store_usage *ret,
				  struct assay_error *err) ASSAY_CHECKED;

struct assay_store_collected {
	struct assay_store_count removed[ASSAY_CLASS_COUNT], kept[ASSAY_CLASS_COUNT];
	uint64_t in_use;  /* would have gone, but may be in use */
	uint64_t removed_bytes;
	uint64_t removed_remote; /* objects of a remote store */
};

/* Removes what the policy lets go; one at a time, others wait.  ASSAY_EUNTRUSTED when something stands in the way
 * of knowing what is named: nothing is removed then. */
enum assay_code assay_store_collect(struct assay_store *store, const struct assay_retention *policy,
				    struct assay_store_collected *ret, struct assay_error *err)
	ASSAY_CHECKED;

/* The same when the last one is longer ago than the policy's every_s; else *ret_done is false. */
enum assay_code assay_store_collect_if_due(struct assay_store *store, const struct assay_retention *policy,
					   bool *ret_done, struct assay_store_collected *ret,
					   struct assay_error *err) ASSAY_CHECKED;
bool assay_store_is_due(struct assay_store *store, const struct assay_retention *policy);

struct assay_store_checked {
	uint64_t blobs, bytes, bad, strange; /* in a remote store too */
	json_t *problems; /* array of {"name", "problem"}; the caller drops it */
};

/* Hashes every blob again.  One with wrong bytes is moved aside; that, and names that are no digests, are problems
 * and no error. */
enum assay_code assay_store_check(struct assay_store *store, struct assay_store_checked *ret,
				  struct assay_error *err) ASSAY_CHECKED;

/* The farm's part: which blobs its database names, "CLASS DIGEST SECONDS" a line, as of the time in the first line.
 * A collection keeps what was used since. */
#define ASSAY_STORE_FARM_NAMES_FILE "names" /* in the folder "farm" */
#define ASSAY_STORE_FARM_MAGIC "assay-farm-names 1 "

#endif
