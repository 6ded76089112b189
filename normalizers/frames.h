/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are frames one behind the other, as of LZ4 and zstd, which share the frames that decoders
 * skip (RFC 8878, section 3.1.2).  A format lays out its own frames, the rest is here.
 */
#ifndef ASSAY_NORMALIZERS_FRAMES_H
#define ASSAY_NORMALIZERS_FRAMES_H

#include "anatomy.h"
#include "assay/codec.h"

struct assay_frames {
	enum assay_codec codec;
	uint32_t magic; /* a little-endian number at the start of a frame */
	const struct assay_field *frame, *skippable, *trailing;
	/* The frame at the cursor as one group of the field frame. */
	enum assay_code (*lay_out)(struct assay_layout *l, struct assay_error *err);
};

/* The whole file; more than one frame, or bytes behind the last, make it ambiguous. */
enum assay_code assay_frames_lay_out(struct assay_layout *l, const struct assay_frames *frames,
				     struct assay_error *err) ASSAY_CHECKED;

/* What the frames below node unpack to, one behind the other. */
enum assay_code assay_frames_decode(const struct assay_anatomy *anatomy, const struct assay_node *node,
				    const struct assay_frames *frames, struct assay_sink *sink,
				    struct assay_error *err) ASSAY_CHECKED;

#endif
