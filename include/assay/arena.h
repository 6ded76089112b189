/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory for one job or one anatomy, freed as a whole.  Blocks are zeroed.  The ceiling is
 * given at birth; beyond it, and when memory is exhausted, allocation returns NULL.
 */
#ifndef ASSAY_ARENA_H
#define ASSAY_ARENA_H

#include "assay/error.h"
#include "assay/span.h"

struct assay_arena_block;

struct assay_arena {
	struct assay_arena_block *blocks;
	size_t used; /* bytes handed out in all */
	size_t max;
};

#define ASSAY_ARENA_INIT(maximum) { .blocks = NULL, .max = (maximum) }

void assay_arena_release(struct assay_arena *arena);
void *assay_arena_alloc(struct assay_arena *arena, size_t size) __attribute__((malloc));
char *assay_arena_text(struct assay_arena *arena, struct assay_span s);
char *assay_arena_printf(struct assay_arena *arena, const char *fmt, ...) ASSAY_PRINTF(2, 3);

#endif
