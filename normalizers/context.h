/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an artifact tells of the build that made it.  context.c walks the anatomy and keeps the facts;
 * context_sources.c knows where they stand: in a field, an attribute, a line, a string.
 */
#ifndef ASSAY_NORMALIZERS_CONTEXT_H
#define ASSAY_NORMALIZERS_CONTEXT_H

#include "anatomy.h"

struct assay_inference;

/* kind: "compiler", "build_path" and so on; an offset counts from the start of the innermost file.
 * The same kind and value again is counted, and its first place kept. */
void assay_inference_add(struct assay_inference *inference, const char *kind,
			 struct assay_span value, const char *field, uint64_t offset);

/* Everything that one leaf or one attribute says; bytes are the leaf's. */
void assay_inference_leaf(struct assay_inference *inference, const struct assay_node *node,
			  struct assay_span bytes, bool is_text);
void assay_inference_attribute(struct assay_inference *inference,
			       const struct assay_attribute *attribute);

#endif
