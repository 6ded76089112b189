/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a file's anatomy: by the format that bids most, or as bytes when it is malformed. */
#include "anatomy.h"

#include "assay/limits.h"
#include "layout.h"

enum assay_code assay_anatomy_open_as(const struct assay_format *format, struct assay_span bytes,
				      struct assay_anatomy *ret, struct assay_error *err)
{
	struct assay_layout l;
	enum assay_code code;

	*ret = (struct assay_anatomy){
		.format = format,
		.bytes = bytes,
		.arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE),
	};
	assay_layout_init(&l, ret, &ret->arena, 0, bytes.len);
	code = assay_layout_failed(&l) ? ASSAY_OK : format->lay_out(&l, err);
	if (!code)
		code = assay_layout_finish(&l, &ret->root, err);
	if (code)
		assay_anatomy_release(ret);
	return code;
}

/* What cannot be read as its format is still compared: as text or bytes. */
static enum assay_code open_malformed(struct assay_span bytes, const char *format_name,
				      struct assay_anatomy *ret, struct assay_error *err)
{
	struct assay_error why = *err;
	const struct assay_format *format = assay_format_text.bid(bytes) ? &assay_format_text :
									    &assay_format_binary;
	enum assay_code code = assay_anatomy_open_as(format, bytes, ret, err);

	if (code)
		return code;
	ret->malformed = assay_arena_printf(&ret->arena, "malformed %s: %s", format_name, why.msg);
	if (!ret->malformed)
		return assay_fail(err, ASSAY_ENOMEM, "anatomy: out of memory");
	*err = (struct assay_error)ASSAY_ERROR_INIT; /* it is a fact of the file now */
	return ASSAY_OK;
}

enum assay_code assay_anatomy_open(struct assay_span bytes, struct assay_anatomy *ret,
				   struct assay_error *err)
{
	const struct assay_format *format = assay_format_detect(bytes);
	enum assay_code code = assay_anatomy_open_as(format, bytes, ret, err);

	if (code == ASSAY_EINPUT || code == ASSAY_EUNSUPPORTED)
		return open_malformed(bytes, format->name, ret, err);
	if (code)
		return assay_context(err, "%s", format->name);
	return ASSAY_OK;
}

void assay_anatomy_release(struct assay_anatomy *anatomy)
{
	assay_arena_release(&anatomy->arena);
	*anatomy = (struct assay_anatomy){ 0 };
}

enum assay_code assay_anatomy_expand(const struct assay_anatomy *anatomy,
				     const struct assay_node *node, struct assay_arena *arena,
				     const struct assay_node **ret, struct assay_error *err)
{
	/* a copy: what expand says of structure is not kept, lay_out has judged it */
	struct assay_anatomy shadow = *anatomy;
	struct assay_node *group;
	struct assay_layout l;
	enum assay_code code;

	if (!(node->flags & ASSAY_NODE_LAZY)) {
		*ret = node;
		return ASSAY_OK;
	}
	assay_layout_init(&l, &shadow, arena, node->offset, node->offset + node->length);
	group = assay_layout_root(&l);
	group->field = node->field;
	group->name = node->name;
	group->aux = node->aux;
	group->value = node->value;
	group->flags |= node->flags & ~(unsigned)ASSAY_NODE_LAZY;
	code = anatomy->format->expand(&l, node, err);
	if (!code)
		code = assay_layout_finish(&l, &group, err);
	*ret = group;
	return code;
}

struct assay_span assay_node_bytes(const struct assay_anatomy *anatomy,
				   const struct assay_node *node)
{
	return assay_span_cut(anatomy->bytes, node->offset, node->length);
}

struct assay_span assay_node_payload(const struct assay_anatomy *anatomy,
				     const struct assay_node *member)
{
	for (const struct assay_node *n = member->first; n; n = n->next)
		if (n->flags & ASSAY_NODE_PAYLOAD)
			return assay_node_bytes(anatomy, n);
	return assay_span_of(NULL, 0);
}
