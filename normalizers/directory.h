/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two directories: names, types, modes, extended attributes (xattr.h) and link targets, and the content of files; what was
 * moved or renamed is found by its content (stray.h).  Owners and times are not looked at, because a directory on disk has those of whoever unpacked it.
 */
#ifndef ASSAY_NORMALIZERS_DIRECTORY_H
#define ASSAY_NORMALIZERS_DIRECTORY_H

#include "walk.h"

enum assay_code assay_directory_compare(struct assay_walk *walk, int left_fd, int right_fd,
					struct assay_error *err) ASSAY_CHECKED;

/* The names of a directory, sorted bytewise, without "." and "..". */
struct assay_names_list {
	char **names;
	size_t count;
};

enum assay_code assay_directory_list(int fd, struct assay_names_list *ret, struct assay_error *err)
	ASSAY_CHECKED;
void assay_directory_list_release(struct assay_names_list *list);

#endif
