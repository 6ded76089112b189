/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one member by its way through the archives; encodings are decoded on the way and at the end. */
#include <fnmatch.h>

#include "assay/codec.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "extract.h"
#include "walk.h"

static enum assay_code find(struct assay_codec_space *space, struct assay_span bytes,
			    const char *const *path, unsigned depth, assay_extract_use *use,
			    void *data, struct assay_error *err);

static enum assay_code not_found(const char *const *path, struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOTFOUND, "no member matches %s", *path ? *path : "the path");
}

static enum assay_code find_encoded(struct assay_codec_space *space,
				    const struct assay_anatomy *anatomy,
				    const struct assay_node *node, const char *const *path,
				    unsigned depth, assay_extract_use *use, void *data,
				    struct assay_error *err)
{
	struct assay_decoded decoded;
	enum assay_code code = assay_payload_decode(anatomy, node, space, &decoded, err);

	if (code)
		return code;
	code = find(space, decoded.bytes, path, depth + 1, use, data, err);
	assay_decoded_release(&decoded);
	return code;
}

static bool name_matches(const struct assay_node *node, const char *pattern)
{
	char *name;
	bool matches;

	if (!(node->flags & ASSAY_NODE_MEMBER))
		return false;
	if (!strpbrk(pattern, "*?["))
		return assay_span_equal_text(node->name, pattern);
	if ((node->name.len && memchr(node->name.data, 0, node->name.len)))
		return false;
	name = assay_span_dup(node->name);
	matches = name && fnmatch(pattern, name, FNM_PATHNAME) == 0;
	free(name);
	return matches;
}

static enum assay_code find_member(struct assay_codec_space *space,
				   const struct assay_anatomy *anatomy,
				   const struct assay_node *node, const char *const *path,
				   unsigned depth, assay_extract_use *use, void *data,
				   struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_node *group;
	enum assay_code code = assay_anatomy_expand(anatomy, node, &arena, &group, err);

	if (!code) {
		const struct assay_node *n = group->first;

		while (n && !(n->flags & (ASSAY_NODE_PAYLOAD | ASSAY_NODE_ENCODED)))
			n = n->next;
		if (!n)
			code = not_found(path, err);
		else if (n->flags & ASSAY_NODE_ENCODED)
			code = find_encoded(space, anatomy, n, path + 1, depth, use, data, err);
		else
			code = find(space, assay_node_bytes(anatomy, n), path + 1, depth + 1, use,
				    data, err);
	}
	assay_arena_release(&arena);
	return code;
}

static enum assay_code find_in(struct assay_codec_space *space,
			       const struct assay_anatomy *anatomy, const char *const *path,
			       unsigned depth, assay_extract_use *use, void *data,
			       struct assay_error *err)
{
	if (anatomy->root->flags & ASSAY_NODE_ENCODED)
		return find_encoded(space, anatomy, anatomy->root, path, depth, use, data, err);
	if (!*path)
		return use(data, anatomy->bytes, err);
	for (const struct assay_node *n = anatomy->root->first; n; n = n->next) {
		enum assay_code code;

		if (!name_matches(n, *path))
			continue;
		code = find_member(space, anatomy, n, path, depth, use, data, err);
		if (code != ASSAY_ENOTFOUND)
			return code;
	}
	return not_found(path, err);
}

static enum assay_code find(struct assay_codec_space *space, struct assay_span bytes,
			    const char *const *path, unsigned depth, assay_extract_use *use,
			    void *data, struct assay_error *err)
{
	struct assay_anatomy anatomy;
	enum assay_code code;

	if (depth > ASSAY_MAX_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "archives nested too deeply");
	code = assay_anatomy_open(bytes, &anatomy, err);
	if (code)
		return code;
	code = find_in(space, &anatomy, path, depth, use, data, err);
	assay_anatomy_release(&anatomy);
	return code;
}

enum assay_code assay_extract_from(struct assay_codec_space *space,
				   const struct assay_anatomy *anatomy, const char *const *path,
				   assay_extract_use *use, void *data, struct assay_error *err)
{
	return find_in(space, anatomy, path, 0, use, data, err);
}

enum assay_code assay_extract(struct assay_codec_space *space, struct assay_span bytes,
			      const char *const *path, assay_extract_use *use, void *data,
			      struct assay_error *err)
{
	return find(space, bytes, path, 0, use, data, err);
}

static enum assay_code copy_out(void *data, struct assay_span bytes, struct assay_error *err)
{
	struct assay_buf *out = data;

	assay_buf_add_span(out, bytes);
	return assay_buf_check(out, "extracted member", err);
}

enum assay_code assay_anatomy_extract(const struct assay_side *side, const char *const *path,
				      const struct assay_compare_options *options,
				      struct assay_buf *ret, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map map = { 0 };
	struct assay_codec_space space = {
		.spill_fd = options ? options->spill_fd[0] : -1,
		.max = ASSAY_MAX_DECODED,
	};

	if (assay_map_fd(side->fd, &map, err) ||
	    assay_extract(&space, map.bytes, path, copy_out, ret, err))
		return assay_context(err, "%s", side->name);
	return ASSAY_OK;
}
