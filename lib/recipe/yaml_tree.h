/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of YAML that a recipe may use, as a tree with the place of every node: one document of
 * mappings with text keys, lists and scalars.  Anchors, aliases, tags, a second document, duplicate
 * keys, NUL in text, and depth or size beyond limits.h are errors here, so that nothing above ever
 * sees them.
 */
#ifndef ASSAY_YAML_TREE_H
#define ASSAY_YAML_TREE_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

enum assay_yaml_kind { ASSAY_YAML_SCALAR, ASSAY_YAML_LIST, ASSAY_YAML_MAPPING };

struct assay_yaml_node {
	enum assay_yaml_kind kind;
	unsigned line, column;  /* from 1; columns count characters */
	size_t start, end;      /* bytes of the text that the node covers */
	bool plain;             /* scalar without quotes */
	bool block;             /* scalar after "|" or ">"; list or mapping by indentation */
	struct assay_span text; /* of a scalar; in the arena, NUL-terminated */
	struct assay_yaml_node *first; /* list: items; mapping: key, value, key, value... */
	struct assay_yaml_node *next;
	size_t count;           /* of items, or of pairs */
};

/* "a mapping", "a list", "text", "nothing" */
const char *assay_yaml_kind_text(const struct assay_yaml_node *node);
/* Absent (the plain scalars "", "~" and "null"). */
bool assay_yaml_is_null(const struct assay_yaml_node *node);
/* Nodes live in the arena.  Errors begin "<path>:<line>:<column>: ". */
enum assay_code assay_yaml_parse(struct assay_span text, const char *path,
				 struct assay_arena *arena, struct assay_yaml_node **ret,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
