/* SPDX-License-Identifier: Apache-2.0 */
/* Python byte code: the 16-byte header of PEP 552 (Python 3.7 and later) and the marshalled code. */
#include "emit.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MAGIC,
	FLAGS,
	MTIME,
	SIZE,
	HASH,
	CODE,
};

static const struct assay_field pyc_fields[] = {
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "pyc.magic", ASSAY_SEVERITY_CODE,
				  "tool_version_differs", "version of the byte code, then CR LF"),
	[FLAGS] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pyc.flags", ASSAY_SEVERITY_CODE, NULL,
				  "how the interpreter checks whether the source is newer; 1 means it "
				  "never does (PEP 552)"),
	[MTIME] = ASSAY_ROW_SAFE(ASSAY_METADATA, "pyc.mtime", "pyc-mtime", ASSAY_GRADE_CONTAINER,
				 "timestamps_embedded_in_content",
				 "time of the source: where it does not match, the interpreter compiles "
				 "the source anew (PEP 552, flags 0)"),
	[SIZE] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pyc.source_size", ASSAY_SEVERITY_DATA, NULL,
				 "size of the source: another size is another source (PEP 552)"),
	[HASH] = ASSAY_ROW_NEVER(ASSAY_METADATA, "pyc.source_hash", ASSAY_SEVERITY_DATA, NULL,
				 "SipHash of the source (PEP 552, flags 1 and 3)"),
	[CODE] = ASSAY_ROW_NEVER(ASSAY_CONTENT, "pyc.code", ASSAY_SEVERITY_CODE, NULL,
				 "marshalled code objects"),
	{ .name = NULL },
};

#define F(x) (&pyc_fields[x])

#define HEADER 16
#define FIRST_MAGIC 3390 /* 3.7a1: the first with PEP 552 */
#define LAST_MAGIC 3999

static uint32_t le32(struct assay_span s, uint64_t at)
{
	return (uint32_t)assay_rows_number(s, at, 4, false);
}

static unsigned pyc_bid(struct assay_span file)
{
	unsigned magic;

	if (file.len <= HEADER || file.data[2] != '\r' || file.data[3] != '\n')
		return 0;
	magic = file.data[0] | (unsigned)file.data[1] << 8;
	if (magic < FIRST_MAGIC || magic > LAST_MAGIC || le32(file, 4) > 3 || le32(file, 4) == 2)
		return 0;
	/* a code object, with or without the flag for references */
	return (file.data[HEADER] & 0x7f) == 'c' ? 6 + 16 + 30 + 7 : 0;
}

static enum assay_code pyc_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	struct assay_node *node;
	uint32_t flags = le32(file, 4);

	(void)err;
	assay_layout_leaf(l, F(MAGIC), 4);
	node = assay_layout_leaf(l, F(FLAGS), 4);
	assay_layout_value(l, node, "%u", flags);
	if (flags == 0) {
		node = assay_layout_leaf(l, F(MTIME), 4);
		assay_layout_value(l, node, "%u", le32(file, 8));
		node = assay_layout_leaf(l, F(SIZE), 4);
		assay_layout_value(l, node, "%u", le32(file, 12));
	} else {
		assay_layout_leaf(l, F(HASH), 8);
	}
	assay_layout_leaf(l, F(CODE), assay_layout_left(l));
	return ASSAY_OK;
}

/* The time of a source that was normalized itself: byte code that fitted its source still does. */
static enum assay_code make_mtime(struct assay_emit *e, const struct assay_anatomy *a, const struct assay_node *n,
				  struct assay_rope *rope, struct assay_error *err)
{
	uint8_t mtime[4];

	assay_emit_le(mtime, (uint64_t)assay_emit_time(e, n->field, le32(a->bytes, 8)), 4);
	return assay_emit_make(e, rope, mtime, sizeof(mtime), err);
}

static enum assay_code pyc_emit(struct assay_emit *e, const struct assay_anatomy *a,
				struct assay_rope *rope, struct assay_error *err)
{
	return assay_emit_leaves(e, a, make_mtime, rope, err);
}

const struct assay_format assay_format_pyc = {
	.name = "pyc",
	.bid = pyc_bid,
	.lay_out = pyc_lay_out,
	.emit = pyc_emit,
	.fields = pyc_fields,
};
