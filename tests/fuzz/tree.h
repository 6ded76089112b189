/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for every format and every input: the spans tile the file, names and carriers are
 * in order, lazy members can be expanded, and decoding ends in bytes or in an error.
 */
#ifndef ASSAY_TESTS_FUZZ_TREE_H
#define ASSAY_TESTS_FUZZ_TREE_H

#include <stdlib.h>

#include "assay/codec.h"
#include "assay/limits.h"
#include "canon.h"
#include "normalizers/anatomy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_MAX_EXPANDED 2000 /* members of one input that are looked into */

static inline void tree_walk(const struct assay_anatomy *a, const struct assay_node *node,
			     unsigned *expanded);

/* The children of a group tile it; a leaf has none. */
static inline void tree_children(const struct assay_anatomy *a, const struct assay_node *group,
				 unsigned *expanded)
{
	uint64_t at = group->offset;

	for (const struct assay_node *child = group->first; child; child = child->next) {
		if (child->offset != at || child->length > a->bytes.len - at)
			abort();
		at += child->length;
		tree_walk(a, child, expanded);
	}
	if (at != group->offset + group->length)
		abort();
}

static inline void tree_decode(const struct assay_anatomy *a, const struct assay_node *node)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = 16 * ASSAY_MIB };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_decoded decoded;
	struct assay_sink sink;

	assay_sink_open(&sink, &space, node->length, 0);
	if (a->format->decode(a, node, &sink, &err)) {
		if (err.code == ASSAY_EBUG)
			abort();
		assay_sink_abandon(&sink);
	} else if (!assay_sink_close(&sink, &decoded, &err)) {
		assay_decoded_release(&decoded);
	}
}

static inline void tree_walk(const struct assay_anatomy *a, const struct assay_node *node,
			     unsigned *expanded)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_error err = ASSAY_ERROR_INIT;
	const struct assay_node *whole = node;

	if (node->flags & ASSAY_NODE_LAZY) {
		if (++*expanded > TREE_MAX_EXPANDED)
			return;
		/* what lay_out has accepted, expand must be able to take apart */
		if (assay_anatomy_expand(a, node, &arena, &whole, &err))
			abort();
	}
	if (node->field->kind == ASSAY_CONTENT && node->field->rating != ASSAY_RATE_NEVER)
		abort();
	if (node->flags & ASSAY_NODE_GROUP)
		tree_children(a, whole, expanded);
	else if (node->first)
		abort();
	if (whole->flags & ASSAY_NODE_ENCODED)
		tree_decode(a, whole);
	assay_arena_release(&arena);
}

static inline int tree_fuzz(const struct assay_format *format, const uint8_t *data, size_t size)
{
	struct assay_span file = assay_span_of(data, size);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy a;
	unsigned expanded = 0;

	if (size == 0 || format->bid(file) == 0)
		return 0;
	if (assay_anatomy_open_as(format, file, &a, &err)) {
		if (err.code == ASSAY_EBUG)
			abort();
		return 0;
	}
	tree_walk(&a, a.root, &expanded);
	assay_anatomy_release(&a);
	if (format->emit)
		canon_fuzz(data, size);
	return 0;
}

#endif
