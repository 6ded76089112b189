/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the builder; formats use anatomy.h, which keeps it opaque. */
#ifndef ASSAY_NORMALIZERS_LAYOUT_H
#define ASSAY_NORMALIZERS_LAYOUT_H

#include "anatomy.h"

/* Groups within groups of one file (archives within archives have an anatomy each). */
#define ASSAY_LAYOUT_LEVELS 16

struct assay_layout_level {
	struct assay_node *group, *last;
};

struct assay_layout {
	struct assay_anatomy *anatomy;
	struct assay_arena *arena; /* of the nodes: the anatomy's, or a scratch one when expanding */
	uint64_t at, end;
	unsigned depth;
	struct assay_layout_level levels[ASSAY_LAYOUT_LEVELS];
	size_t members;
	struct assay_error failed;
	struct assay_node dummy; /* stands in for nodes after a failure */
};

void assay_layout_init(struct assay_layout *l, struct assay_anatomy *anatomy,
		       struct assay_arena *arena, uint64_t start, uint64_t end);
/* Closes the tree: groups left open are a bug, bytes left over become a span of their own. */
enum assay_code assay_layout_finish(struct assay_layout *l, struct assay_node **ret,
				    struct assay_error *err) ASSAY_CHECKED;

#endif
