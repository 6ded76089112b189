/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a source goes to: opened before the jails that write into it, stamped after them. */
#ifndef ASSAY_VCS_TARGET_H
#define ASSAY_VCS_TARGET_H

#include <stdint.h>

#include "assay/error.h"

/* Creates the directory or takes an empty one. */
enum assay_code target_open(const char *directory, int *ret_fd, struct assay_error *err) ASSAY_CHECKED;
/* Every file, link and directory below it gets this mtime.  No link is followed. */
enum assay_code target_stamp(int top, int64_t mtime, struct assay_error *err) ASSAY_CHECKED;

#endif
