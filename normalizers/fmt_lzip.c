/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lzip (draft-diaz-lzip).  The trailer of a member holds its size, so members are found from the end;
 * decode() lets liblzma verify sum and sizes.
 */
#include "assay/codec.h"
#include "field_rows.h"
#include "rows.h"

enum {
	MEMBER,
	MAGIC,
	DICTIONARY,
	DATA,
	TRAILER,
};

#define FOLD "lzip-recompress", ASSAY_GRADE_ENCODING, "compression_encoder_differs"

static const struct assay_field lzip_fields[] = {
	[MEMBER] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "lzip.member", ASSAY_SEVERITY_STRUCTURE, NULL,
				   "one member; some readers stop after the first (section 2)"),
	[MAGIC] = ASSAY_ROW_NEVER(ASSAY_STRUCTURE, "lzip.magic", ASSAY_SEVERITY_STRUCTURE, NULL,
				  "LZIP and version 1"),
	[DICTIONARY] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzip.dictionary", assay_check_payload, FOLD,
					 "size of the dictionary, at most 512 MiB"),
	[DATA] = ASSAY_ROW_CHECKED(ASSAY_ENCODING, "lzip.data", assay_check_payload, FOLD,
				   "LZMA stream"),
	[TRAILER] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "lzip.trailer", FOLD,
				   "CRC-32 and size of the payload, size of the member, verified"),
	{ .name = NULL },
};

#define F(x) (&lzip_fields[x])

#define HEADER_SIZE 6
#define TRAILER_SIZE 20
#define MOST_MEMBERS 100000

static bool is_header(struct assay_span file, uint64_t at)
{
	return file.len - at >= HEADER_SIZE + TRAILER_SIZE &&
	       memcmp(file.data + at, "LZIP\1", 5) == 0;
}

static unsigned lzip_bid(struct assay_span file)
{
	return file.len >= HEADER_SIZE + TRAILER_SIZE && is_header(file, 0) ? 40 : 0;
}

static void lay_out_member(struct assay_layout *l, uint64_t length)
{
	assay_layout_open(l, F(MEMBER));
	assay_layout_leaf(l, F(MAGIC), 5);
	assay_layout_leaf(l, F(DICTIONARY), 1);
	if (length > HEADER_SIZE + TRAILER_SIZE)
		assay_layout_leaf(l, F(DATA), length - HEADER_SIZE - TRAILER_SIZE);
	assay_layout_leaf(l, F(TRAILER), TRAILER_SIZE);
	assay_layout_close(l);
}

static enum assay_code lzip_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_span file = assay_layout_bytes(l);
	uint64_t *starts = assay_arena_alloc(&assay_layout_anatomy(l)->arena,
					     MOST_MEMBERS * sizeof(*starts));
	uint64_t end = file.len;
	size_t count = 0;

	if (!starts)
		return assay_fail(err, ASSAY_ELIMIT, "lzip: no memory left");
	while (end) {
		uint64_t size = assay_rows_number(file, end - 8, 8, false);

		if (count == MOST_MEMBERS || size > end || size < HEADER_SIZE + TRAILER_SIZE ||
		    !is_header(file, end - size))
			return assay_fail(err, ASSAY_EINPUT,
					  "offset %llu: trailer: no member of that size ends here",
					  (unsigned long long)end);
		end -= size;
		starts[count++] = end;
	}
	if (count > 1)
		assay_layout_ambiguous(l, starts[count - 2], "more than one member");
	assay_layout_encoded(l, assay_layout_root(l));
	while (count-- && !assay_layout_failed(l))
		lay_out_member(l, (count ? starts[count - 1] : file.len) - starts[count]);
	return ASSAY_OK;
}

static enum assay_code lzip_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				   struct assay_sink *sink, struct assay_error *err)
{
	for (const struct assay_node *member = node->first; member; member = member->next) {
		struct assay_span bytes = assay_node_bytes(anatomy, member);
		uint64_t consumed;

		if (assay_codec_decode(ASSAY_CODEC_LZIP, &bytes, 1, sink, &consumed, err))
			return err->code;
		if (consumed != bytes.len)
			return assay_fail(err, ASSAY_EINPUT, "lzip: member ends before its trailer");
	}
	return ASSAY_OK;
}

const struct assay_format assay_format_lzip = {
	.name = "lzip",
	.bid = lzip_bid,
	.lay_out = lzip_lay_out,
	.decode = lzip_decode,
	.fields = lzip_fields,
};
