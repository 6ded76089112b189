/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extended attributes of two open files or directories: file capabilities, ACLs and what users set
 * (xattr(7)).  Only those that the caller may see: trusted.* wants a capability.  Labels that the host gives
 * by itself (security.selinux, security.ima, security.evm) are left out; links and devices are not opened,
 * and so have none.
 */
#ifndef ASSAY_NORMALIZERS_XATTR_H
#define ASSAY_NORMALIZERS_XATTR_H

#include "walk.h"

/* Records each attribute that differs or is on one side only at the walk's place. */
enum assay_code assay_xattrs_compare(struct assay_walk *walk, int left_fd, int right_fd,
				     struct assay_error *err) ASSAY_CHECKED;

enum assay_code assay_xattrs_equal(int left_fd, int right_fd, bool *ret, struct assay_error *err)
	ASSAY_CHECKED;

#endif
