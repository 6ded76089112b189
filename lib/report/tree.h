/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The divergences of a pair as a tree of the members they lie in.  Siblings stand worst first, as do the
 * divergences of one node; each keeps its place in the worst-first list of the whole pair (view.h), so
 * that a reader finds "number 3" in every form of the report.
 */
#ifndef ASSAY_REPORT_TREE_H
#define ASSAY_REPORT_TREE_H

#include "view.h"

struct view_entry {
	const json_t *divergence;
	size_t place; /* 0 is the worst of the pair */
};

struct view_node {
	const json_t *name; /* borrowed; NULL at the root */
	struct view_node *parent;
	struct view_node **children;
	size_t child_count;
	const struct view_entry *entries; /* those whose path ends here */
	size_t entry_count;
	size_t below; /* divergences here and below */
	size_t place; /* the worst of those */
};

struct view_tree {
	struct view_node *root;
	struct view_node *nodes;	  /* all of them, the root first */
	struct view_node **children; /* the children lists, one behind the other */
	struct view_entry *entries;
};

/* Of the first max divergences of a list.  Aborts when out of memory, as the JSON builders do. */
void view_tree_init(struct view_tree *tree, const struct view_list *list, size_t max);
void view_tree_release(struct view_tree *tree);

#endif
