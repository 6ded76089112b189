/* SPDX-License-Identifier: Apache-2.0 */
/* Frames one behind the other; see the header. */
#include "frames.h"

#include "rows.h"

#define SKIPPABLE_MAGIC 0x184d2a50U /* the last four bits are free */

enum assay_code assay_frames_lay_out(struct assay_layout *l, const struct assay_frames *frames,
				     struct assay_error *err)
{
	size_t count = 0;

	assay_layout_encoded(l, assay_layout_root(l));
	while (!assay_layout_failed(l) && assay_layout_left(l)) {
		struct assay_span rest = assay_layout_peek(l, 0, UINT64_MAX);
		uint64_t at = assay_layout_at(l), number = assay_rows_number(rest, 0, 4, false);

		if ((number & 0xfffffff0U) == SKIPPABLE_MAGIC && rest.len >= 8) {
			assay_layout_leaf(l, frames->skippable, 8 + assay_rows_number(rest, 4, 4, false));
			continue;
		}
		if (number != frames->magic) {
			assay_layout_ambiguous(l, at, "%zu bytes behind the last frame", rest.len);
			assay_layout_leaf(l, frames->trailing, rest.len);
			break;
		}
		if (count++ == 1)
			assay_layout_ambiguous(l, at, "more than one frame");
		if (frames->lay_out(l, err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code assay_frames_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				    const struct assay_frames *frames, struct assay_sink *sink,
				    struct assay_error *err)
{
	for (const struct assay_node *frame = node->first; frame; frame = frame->next) {
		struct assay_span bytes = assay_node_bytes(anatomy, frame);
		uint64_t consumed;

		if (frame->field != frames->frame)
			continue;
		if (assay_codec_decode(frames->codec, &bytes, 1, sink, &consumed, err))
			return err->code;
		if (consumed != bytes.len)
			return assay_fail(err, ASSAY_EINPUT, "%s: frame ends before its blocks do",
					  anatomy->format->name);
	}
	return ASSAY_OK;
}
