/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as the launcher reads it. */
#ifndef ASSAY_BOX_PACK_H
#define ASSAY_BOX_PACK_H

#include "assay/box.h"
#include "assay/buf.h"
#include "filter.h"

/* What an OCI runtime is told: the bundle's config.json, and command lines of absolute paths. */
struct box_bundle {
	struct assay_buf config;
	const char *const *create, *const *start, *const *remove;
};

struct box_settings {
	uint32_t flags;                /* enum wire_flags, beyond what the policy says */
	uint32_t skip;                 /* layers left out */
	uint32_t map_base, map_count;  /* ids on the host; count 0 = unprivileged */
	uint32_t gid_base;             /* 0 = as map_base, by right */
	uint64_t disk, inodes, memory, processes;
	struct box_filter filter, silent;
	struct box_bundle *bundle; /* or NULL; box_pack writes its config */
};

/* A sealed memfd. */
enum assay_code box_pack(const struct assay_box_policy *policy, const struct box_settings *settings,
			 int *ret_fd, struct assay_error *err) ASSAY_CHECKED;

#endif
