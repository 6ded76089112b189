/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two artifacts: the one call on which everything stands (DESIGN.md section 5).  A plain
 * library call without jobs, network or databases: descriptors in, a report object out.
 */
#ifndef ASSAY_COMPARE_H
#define ASSAY_COMPARE_H

#include "assay/error.h"
#include "assay/json.h"

/* What is known of one side's build, for the causes that need it.  All optional. */
struct assay_build_context {
	const char *path, *hostname, *user, *kernel, *timezone, *locale;
	int64_t started, finished, source_date_epoch;
	unsigned cpus;
};

struct assay_side {
	const char *name; /* shown in the report */
	int fd;           /* a regular file, or a directory (O_RDONLY | O_DIRECTORY) */
	const struct assay_build_context *context; /* NULL: nothing known */
};

struct assay_compare_options {
	/* Decoded payloads beyond ASSAY_MAX_IN_MEMORY go to these: unlinked files opened read-write
	 * (assay_spill_open), one a side, so that a jailed comparison needs no path.  -1: memory. */
	int spill_fd[2];
	unsigned threads; /* 0 or 1: one; 2: both sides at once */
};

/* An unlinked temporary file in $TMPDIR or /var/tmp. */
enum assay_code assay_spill_open(int *ret_fd, struct assay_error *err) ASSAY_CHECKED;

/* Before a jail is entered in which the file will be compared, normalized or taken apart: loads the library that
 * it takes to read it, or that its differences most likely take. */
enum assay_code assay_compare_prepare(int fd, struct assay_error *err) ASSAY_CHECKED;

/* The libraries that only some differences want: libgit2 for those of texts, Capstone for those of code.  A jail
 * opens no file: who enters one either calls this before, or takes ASSAY_EUNSUPPORTED from there as the word that
 * one of them is wanted, and begins again. */
enum assay_code assay_compare_prepare_all(struct assay_error *err) ASSAY_CHECKED;

/* *ret is the report when both are small regular files of the same bytes, else NULL.  Takes nothing apart, and so
 * needs no jail. */
enum assay_code assay_compare_identical(const struct assay_side *left, const struct assay_side *right,
					json_t **ret, struct assay_error *err) ASSAY_CHECKED;

/* *ret is the assay.report/1 object of this pair: verdict, grade, reason, subject (left), candidate
 * (right), accounting, divergences, passes, structure, truncated.  Malformed artifacts are compared
 * as bytes and said so; an error is only our own trouble. */
enum assay_code assay_compare(const struct assay_side *left, const struct assay_side *right,
			      const struct assay_compare_options *options, json_t **ret,
			      struct assay_error *err) ASSAY_CHECKED;

/* The span tree of one file as {"schema": "assay.anatomy/1", ...}. */
enum assay_code assay_anatomy(const struct assay_side *side,
			      const struct assay_compare_options *options, json_t **ret,
			      struct assay_error *err) ASSAY_CHECKED;

/* What a file tells of the build that made it, as {"schema": "assay.context/1", "facts": [...]}: its
 * compilers and generators with their versions, build paths, users, hosts, times and time zones, each
 * with the place where it stands.  Traces, not proofs: whoever builds can write what he likes. */
enum assay_code assay_infer_context(const struct assay_side *side,
				    const struct assay_compare_options *options, json_t **ret,
				    struct assay_error *err) ASSAY_CHECKED;

/* Finds the content of a nested member, such as {"data.tar.*", "./usr/share/doc/x/copyright"} in a
 * .deb (each element a glob over member names; encodings are passed through by themselves).
 * ASSAY_ENOTFOUND when there is none. */
enum assay_code assay_anatomy_extract(const struct assay_side *side, const char *const *path,
				      const struct assay_compare_options *options,
				      struct assay_buf *ret, struct assay_error *err) ASSAY_CHECKED;

#endif
