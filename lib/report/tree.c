/* SPDX-License-Identifier: Apache-2.0 */
/* Divergences by member: sorted by path, so that a node's divergences stand in a row; see the header. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* A name is a string, or {"bytes": hex}; strings come first. */
static int compare_names(const json_t *a, const json_t *b)
{
	const char *x = json_string_value(a), *y = json_string_value(b);

	if (!x != !y)
		return x ? -1 : 1;
	return x ? strcmp(x, y) :
		   strcmp(assay_json_text(a, "bytes", ""), assay_json_text(b, "bytes", ""));
}

static const json_t *path_of(const struct view_entry *entry)
{
	return json_object_get(entry->divergence, "path");
}

static int compare_entries(const void *a, const void *b)
{
	const struct view_entry *x = a, *y = b;
	const json_t *left = path_of(x), *right = path_of(y);
	size_t l = json_array_size(left), r = json_array_size(right);

	for (size_t i = 0; i < l && i < r; i++) {
		int order = compare_names(json_array_get(left, i), json_array_get(right, i));

		if (order)
			return order;
	}
	if (l != r)
		return l < r ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct view_node *const *x = a, *const *y = b;

	return (*x)->place < (*y)->place ? -1 : (*x)->place > (*y)->place;
}

/* How many names the path begins with that lead to this node. */
static size_t depth_shared(const struct view_node *node, const json_t *path)
{
	size_t depth = 0, shared;
	const struct view_node *at = node;

	for (; at->parent; at = at->parent)
		depth++;
	shared = depth;
	for (at = node; at->parent; at = at->parent, depth--)
		if (depth > json_array_size(path) ||
		    compare_names(at->name, json_array_get(path, depth - 1)) != 0)
			shared = depth - 1;
	return shared;
}

static struct view_node *ancestor_at(struct view_node *node, size_t depth)
{
	size_t own = 0;

	for (const struct view_node *at = node; at->parent; at = at->parent)
		own++;
	for (; own > depth; own--)
		node = node->parent;
	return node;
}

static size_t nodes_needed(const struct view_entry *entries, size_t count)
{
	size_t needed = 1;

	for (size_t i = 0; i < count; i++)
		needed += json_array_size(path_of(&entries[i]));
	return needed;
}

static size_t add_nodes(struct view_tree *tree, size_t count)
{
	struct view_node *node = tree->root;
	size_t used = 1;

	for (size_t i = 0; i < count; i++) {
		const json_t *path = path_of(&tree->entries[i]);
		size_t depth = depth_shared(node, path);

		for (node = ancestor_at(node, depth); depth < json_array_size(path); depth++) {
			struct view_node *child = &tree->nodes[used++];

			*child = (struct view_node){ .name = json_array_get(path, depth),
						     .parent = node,
						     .place = SIZE_MAX };
			node->child_count++;
			node = child;
		}
		if (!node->entry_count++)
			node->entries = &tree->entries[i];
		for (struct view_node *at = node; at; at = at->parent) {
			at->below++;
			if (tree->entries[i].place < at->place)
				at->place = tree->entries[i].place;
		}
	}
	return used;
}

static void link_children(struct view_tree *tree, size_t count)
{
	struct view_node **next = tree->children;

	for (size_t i = 0; i < count; i++) {
		tree->nodes[i].children = next;
		next += tree->nodes[i].child_count;
		tree->nodes[i].child_count = 0;
	}
	for (size_t i = 1; i < count; i++) {
		struct view_node *parent = tree->nodes[i].parent;

		parent->children[parent->child_count++] = &tree->nodes[i];
	}
	for (size_t i = 0; i < count; i++)
		if (tree->nodes[i].child_count > 1)
			qsort(tree->nodes[i].children, tree->nodes[i].child_count,
			      sizeof(*tree->nodes[i].children), compare_nodes);
}

void view_tree_init(struct view_tree *tree, const struct view_list *list, size_t max)
{
	size_t count = list->count < max ? list->count : max, nodes;

	tree->entries = calloc(count + 1, sizeof(*tree->entries));
	if (!tree->entries)
		abort();
	for (size_t i = 0; i < count; i++)
		tree->entries[i] = (struct view_entry){ list->items[i], i };
	qsort(tree->entries, count, sizeof(*tree->entries), compare_entries);
	nodes = nodes_needed(tree->entries, count);
	tree->nodes = calloc(nodes, sizeof(*tree->nodes));
	tree->children = calloc(nodes, sizeof(*tree->children));
	if (!tree->nodes || !tree->children)
		abort();
	tree->root = tree->nodes;
	tree->root->place = SIZE_MAX;
	link_children(tree, add_nodes(tree, count));
}

void view_tree_release(struct view_tree *tree)
{
	free(tree->entries);
	free(tree->nodes);
	free(tree->children);
	*tree = (struct view_tree){ .root = NULL };
}
