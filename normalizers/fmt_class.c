/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java class files (JVMS chapter 4).  Two compilers number the constants of one class differently, and
 * then every reference in it differs.  So the class is compared as text in which each constant is written
 * out where it is used (class_text.c); its bytes are laid out too and follow from that text, or, where
 * the text is equal, differ in nothing but the order of the constants -- which is said and never folded.
 */
#include <stdio.h>

#include "assay/codec.h"
#include "assay/limits.h"
#include "class_read.h"
#include "field_rows.h"

enum {
	CLASS,
	MAGIC,
	VERSION,
	COUNT,
	CONSTANT,
	HEADER,
	MEMBER,
	ATTRIBUTE,
	TRAILING,
};

#define ORDER "random_order_in_java_constant_pool"

static const struct assay_field class_fields[] = {
	[CLASS] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "class", ASSAY_SEVERITY_CODE, NULL,
				  "a class, compared with its constants written out"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "class.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "ca fe ba be (JVMS 4.1)"),
	[VERSION] = ASSAY_ROW_NEVER(ASSAY_METADATA, "class.version", ASSAY_SEVERITY_DATA,
				    "tool_version_differs",
				    "minor and major version: which Java the class is for (JVMS 4.1)"),
	[COUNT] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "class.constant_count", ASSAY_SEVERITY_METADATA,
				  "size_of_changed_content", "number of constants, plus one"),
	[CONSTANT] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "class.constant", ASSAY_SEVERITY_DATA, ORDER,
				     "a constant; which number it has means nothing by itself (JVMS 4.4)"),
	[HEADER] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "class.header", ASSAY_SEVERITY_CODE, ORDER,
				   "access flags, names by number of their constant, counts (JVMS 4.1)"),
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "class.member", ASSAY_SEVERITY_CODE, NULL,
				   "a field or a method (JVMS 4.5, 4.6)"),
	[ATTRIBUTE] = ASSAY_ROW_NEVER(ASSAY_DERIVED, "class.attribute", ASSAY_SEVERITY_CODE, ORDER,
				      "code, annotations and the like, with constants by number (JVMS 4.7)"),
	[TRAILING] = ASSAY_ROW_NEVER(ASSAY_TRAILING, "class.trailing", ASSAY_SEVERITY_STRUCTURE, NULL,
				     "bytes behind the class, which the JVM refuses"),
	{ .name = NULL },
};

#define F(x) (&class_fields[x])

#define TEXT_MAX (256 * ASSAY_MIB)

/* The magic is that of Mach-O binaries for several machines too, which name fewer than 45 of them. */
static unsigned class_bid(struct assay_span file)
{
	if (file.len < CLASS_HEAD + 14 || memcmp(file.data, "\xca\xfe\xba\xbe", 4) != 0)
		return 0;
	return class_get(file, 6, 2) >= 45 && class_get(file, 6, 2) < 200 ? 48 : 0;
}

static enum assay_code cut_short(struct assay_layout *l, const char *what, struct assay_error *err)
{
	return assay_fail(err, ASSAY_EINPUT, "offset %llu: %s: cut short",
			  (unsigned long long)assay_layout_at(l), what);
}

/* A number that stands at bytes from the cursor. */
static bool peek(struct assay_layout *l, uint64_t at, unsigned bytes, uint64_t *ret)
{
	struct assay_span s = assay_layout_peek(l, at, bytes);

	if (s.len < bytes)
		return false;
	*ret = class_get(s, 0, bytes);
	return true;
}

static enum assay_code lay_out_attributes(struct assay_layout *l, const struct class_file *class,
					  struct assay_error *err)
{
	uint64_t count, name, length;

	if (!peek(l, 0, 2, &count))
		return cut_short(l, "number of attributes", err);
	assay_layout_leaf(l, F(HEADER), 2);
	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++) {
		struct assay_node *leaf;

		if (!peek(l, 0, 2, &name) || !peek(l, 2, 4, &length) || length > assay_layout_left(l) - 6)
			return cut_short(l, "attribute", err);
		leaf = assay_layout_leaf(l, F(ATTRIBUTE), 6 + length);
		assay_layout_name(l, leaf, class_utf8(class, name));
	}
	return ASSAY_OK;
}

static enum assay_code lay_out_members(struct assay_layout *l, const struct class_file *class,
				       struct assay_error *err)
{
	uint64_t count, name, type;

	if (!peek(l, 0, 2, &count))
		return cut_short(l, "number of members", err);
	assay_layout_leaf(l, F(HEADER), 2);
	for (uint64_t i = 0; i < count && !assay_layout_failed(l); i++) {
		struct assay_node *group;
		const char *label;

		if (!peek(l, 2, 2, &name) || !peek(l, 4, 2, &type))
			return cut_short(l, "member", err);
		group = assay_layout_open(l, F(MEMBER));
		label = assay_arena_printf(&assay_layout_anatomy(l)->arena, "%.*s %.*s",
					   ASSAY_SPAN_ARGS(class_utf8(class, name)),
					   ASSAY_SPAN_ARGS(class_utf8(class, type)));
		if (label)
			assay_layout_name(l, group, assay_span_text(label));
		assay_layout_leaf(l, F(HEADER), 6);
		if (lay_out_attributes(l, class, err))
			return err->code;
		assay_layout_close(l);
	}
	return ASSAY_OK;
}

static void lay_out_constants(struct assay_layout *l, const struct class_file *class)
{
	for (size_t i = 1; i < class->count && !assay_layout_failed(l); i++)
		if (class->pool[i].end > class->pool[i].at)
			assay_layout_leaf(l, F(CONSTANT), class->pool[i].end - class->pool[i].at);
}

static enum assay_code lay_out_class(struct assay_layout *l, const struct class_file *class,
				     struct assay_error *err)
{
	struct assay_node *leaf;
	uint64_t interfaces;

	assay_layout_leaf(l, F(MAGIC), 4);
	leaf = assay_layout_leaf(l, F(VERSION), 4);
	assay_layout_value(l, leaf, "%u.%u", (unsigned)class_get(class->file, 6, 2),
			   (unsigned)class_get(class->file, 4, 2));
	assay_layout_leaf(l, F(COUNT), 2);
	lay_out_constants(l, class);
	if (!peek(l, 6, 2, &interfaces) || assay_layout_left(l) < 8 + 2 * interfaces)
		return cut_short(l, "interfaces", err);
	assay_layout_leaf(l, F(HEADER), 8 + 2 * interfaces);
	for (int i = 0; i < 2; i++)
		if (lay_out_members(l, class, err))
			return err->code;
	return lay_out_attributes(l, class, err);
}

static enum assay_code class_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct class_file *class = assay_arena_alloc(&anatomy->arena, sizeof(*class));

	if (!class)
		return assay_fail(err, ASSAY_ENOMEM, "class: out of memory");
	if (class_read(anatomy->bytes, &anatomy->arena, class, err))
		return err->code;
	anatomy->priv = class;
	assay_layout_encoded(l, assay_layout_open(l, F(CLASS)));
	if (lay_out_class(l, class, err))
		return err->code;
	assay_layout_close(l);
	if (assay_layout_left(l)) {
		assay_layout_ambiguous(l, assay_layout_at(l), "%llu bytes behind the class",
				       (unsigned long long)assay_layout_left(l));
		assay_layout_leaf(l, F(TRAILING), assay_layout_left(l));
	}
	return ASSAY_OK;
}

static enum assay_code class_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				    struct assay_sink *sink, struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(TEXT_MAX);
	enum assay_code code;

	(void)node;
	class_write(anatomy->priv, &text);
	code = assay_buf_check(&text, "class as text", err);
	if (!code)
		code = assay_sink_add(sink, assay_buf_span(&text), err);
	assay_buf_release(&text);
	return code;
}

const struct assay_format assay_format_class = {
	.name = "class",
	.bid = class_bid,
	.lay_out = class_lay_out,
	.decode = class_decode,
	.fields = class_fields,
};
