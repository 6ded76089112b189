/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only one of two directory trees has, kept until both have been walked: a file that the other side has
 * under another name, or in another directory, was moved; the rest is missing or extra.  Size and XXH3 find
 * candidates, bytes and mode decide.
 */
#ifndef ASSAY_NORMALIZERS_STRAY_H
#define ASSAY_NORMALIZERS_STRAY_H

#include <sys/stat.h>

#include "walk.h"

struct assay_stray {
	char *path; /* below the root, with '/' between names */
	uint64_t size, hash;
	mode_t mode;
	bool is_right, is_file, done;
};

struct assay_strays {
	struct assay_stray *items;
	size_t count, room;
};

/* name lies in the directory that the walk is in. */
enum assay_code assay_strays_add(struct assay_strays *strays, const struct assay_walk *walk,
				 const char *name, const struct stat *st, bool is_right,
				 struct assay_error *err) ASSAY_CHECKED;
/* Writes all of them down; roots are the two directories they were found below. */
enum assay_code assay_strays_settle(struct assay_strays *strays, struct assay_walk *walk,
				    const int roots[2], struct assay_error *err) ASSAY_CHECKED;
void assay_strays_release(struct assay_strays *strays);

#endif
