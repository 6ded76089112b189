/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler recorded of itself and of its surroundings: producers and paths in the strings of
 * the debug information.  Sections may be compressed, as they are in Debian's -dbgsym packages.
 */
#include "elf_debug.h"

#include <stdlib.h>

#include "assay/codec.h"
#include "assay/limits.h"

/* ---- compressed sections ---- */

#define ALGORITHM_ZLIB 1
#define ALGORITHM_ZSTD 2
#define ZDEBUG_HEADER 12 /* "ZLIB" and the size, big-endian: before the ABI had a way */

bool assay_elf_compression_of(const struct assay_elf *elf, const struct assay_elf_section *s,
			      struct assay_elf_compression *ret)
{
	uint64_t header = elf->is_64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr), algorithm;

	if (s->loaded)
		return false;
	if (assay_span_starts(s->name, ".zdebug") && s->bytes.len > ZDEBUG_HEADER &&
	    memcmp(s->bytes.data, "ZLIB", 4) == 0) {
		*ret = (struct assay_elf_compression){ ASSAY_CODEC_ZLIB, "zlib", ZDEBUG_HEADER, 0 };
		for (size_t i = 4; i < ZDEBUG_HEADER; i++)
			ret->size = ret->size << 8 | s->bytes.data[i];
		return true;
	}
	if (!(s->flags & SHF_COMPRESSED) || s->bytes.len <= header)
		return false;
	algorithm = assay_elf_get(elf, s->bytes.data, 4);
	*ret = (struct assay_elf_compression){
		.codec = algorithm == ALGORITHM_ZSTD ? ASSAY_CODEC_ZSTD : ASSAY_CODEC_ZLIB,
		.name = algorithm == ALGORITHM_ZSTD ? "zstd" : "zlib",
		.header = header,
		.size = assay_elf_get(elf, s->bytes.data + (elf->is_64 ? 8 : 4), elf->is_64 ? 8 : 4),
	};
	return algorithm == ALGORITHM_ZLIB || algorithm == ALGORITHM_ZSTD;
}

static bool decode(struct assay_arena *arena, const struct assay_elf_compression *c,
		   struct assay_span packed, struct assay_span *ret)
{
	struct assay_codec_space space = { .spill_fd = -1, .max = ASSAY_MAX_ELF_DEBUG_DECODED };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_decoded decoded;
	struct assay_sink sink;
	uint64_t consumed;
	void *copy;

	assay_sink_open(&sink, &space, packed.len, c->size);
	if (assay_codec_decode(c->codec, &packed, 1, &sink, &consumed, &err)) {
		assay_sink_abandon(&sink);
		return false;
	}
	if (assay_sink_close(&sink, &decoded, &err))
		return false;
	copy = assay_arena_alloc(arena, decoded.bytes.len + 1);
	if (copy && decoded.bytes.len)
		memcpy(copy, decoded.bytes.data, decoded.bytes.len);
	*ret = assay_span_of(copy, copy ? decoded.bytes.len : 0);
	assay_decoded_release(&decoded);
	return copy && consumed == packed.len && ret->len == c->size;
}

bool assay_elf_decoded(const struct assay_elf_priv *priv, const struct assay_elf_section *s,
		       struct assay_span *ret)
{
	struct assay_elf_section *kept = &priv->elf.sections[s - priv->elf.sections];
	struct assay_elf_compression c;

	if (!assay_elf_compression_of(&priv->elf, s, &c)) {
		*ret = s->bytes;
		return !(s->flags & SHF_COMPRESSED) || s->loaded;
	}
	if (!kept->decoding) {
		kept->decoding = ASSAY_ELF_UNDECODABLE;
		if (c.size <= ASSAY_MAX_ELF_DEBUG_DECODED &&
		    decode(priv->arena, &c, assay_span_cut(s->bytes, c.header, s->bytes.len),
			   &kept->decoded))
			kept->decoding = ASSAY_ELF_DECODED;
	}
	*ret = kept->decoded;
	return kept->decoding == ASSAY_ELF_DECODED;
}

/* A debug section by its name behind ".debug_", decoded; false when there is none to read. */
bool assay_elf_debug_section(const struct assay_elf_priv *priv, const char *name,
			     struct assay_span *ret)
{
	static const char *const prefixes[] = { ".debug_", ".zdebug_" };

	for (size_t i = 1; i < priv->elf.section_count; i++)
		for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
			const struct assay_elf_section *s = &priv->elf.sections[i];
			size_t len = strlen(prefixes[k]);

			if (assay_span_starts(s->name, prefixes[k]) &&
			    assay_span_equal_text(assay_span_cut(s->name, len, SIZE_MAX), name))
				return assay_elf_decoded(priv, s, ret) && ret->len > 0;
		}
	return false;
}

/* ---- producers ---- */

/* The first string of a debug string section that names a producer. */
static struct assay_span producer_of(const struct assay_elf_priv *priv)
{
	static const char *const words[] = { "GNU C", "clang version", "GNU Fortran", "rustc" };
	struct assay_span s;

	if (!assay_elf_debug_section(priv, "str", &s))
		return assay_span_of("", 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t at = assay_span_find(s, 0, assay_span_text(words[i]));
		struct assay_span found;

		while (at != SIZE_MAX && at > 0 && s.data[at - 1] != 0)
			at--;
		if (at != SIZE_MAX && assay_elf_string(s, at, &found))
			return found;
	}
	return assay_span_of("", 0);
}

static struct assay_span before_options(struct assay_span producer)
{
	size_t at = assay_span_find(producer, 0, assay_span_text(" -"));

	return assay_span_cut(producer, 0, at);
}

void assay_elf_debug_producers(struct assay_elf_story *story, const struct assay_elf_priv *left,
			       const struct assay_elf_priv *right)
{
	struct assay_span a = producer_of(left), b = producer_of(right);

	story->left_producer = a;
	story->right_producer = b;
	if (a.len == 0 || b.len == 0 || assay_span_equal(a, b))
		return;
	if (assay_span_equal(before_options(a), before_options(b)))
		story->flags_recorded = true;
	else
		story->compiler_recorded = true;
}

/* ---- strings ---- */

static const char *const tables[] = { "str", "line_str" };

#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct string_list {
	struct assay_span *items;
	size_t count;
};

static int compare_strings(const void *left, const void *right)
{
	return assay_span_compare(*(const struct assay_span *)left,
				  *(const struct assay_span *)right);
}

static bool collect_strings(const struct assay_elf_priv *priv, struct string_list *ret)
{
	struct assay_span s, table;

	ret->items = calloc(ASSAY_MAX_ELF_DEBUG_STRINGS, sizeof(*ret->items));
	ret->count = 0;
	for (size_t i = 0; ret->items && i < TABLES; i++) {
		uint64_t at = 0;

		if (!assay_elf_debug_section(priv, tables[i], &table))
			continue;
		for (; assay_elf_string(table, at, &s); at += s.len + 1) {
			if (ret->count == ASSAY_MAX_ELF_DEBUG_STRINGS)
				return false;
			ret->items[ret->count++] = s;
		}
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_strings);
	return ret->items != NULL;
}

static bool string_order_differs(const struct assay_elf_priv *left,
				 const struct assay_elf_priv *right)
{
	struct assay_span a, b;

	for (size_t i = 0; i < TABLES; i++)
		if (assay_elf_debug_section(left, tables[i], &a) &&
		    assay_elf_debug_section(right, tables[i], &b) && !assay_span_equal(a, b))
			return true;
	return false;
}

static bool is_producer(struct assay_span s)
{
	return assay_span_starts(s, "GNU ") || assay_span_find(s, 0, assay_span_text("clang version")) !=
							SIZE_MAX ||
	       assay_span_find(s, 0, assay_span_text("rustc version")) != SIZE_MAX;
}

/* A string that only one side has.  Anything but a path or a producer leaves the debug information
 * without an explanation. */
static void note_string(struct assay_elf_story *story, struct assay_span s, bool is_left)
{
	struct assay_span *path = is_left ? &story->left_path : &story->right_path;

	if (is_producer(s))
		return;
	if (!assay_span_starts(s, "/")) {
		story->debug_unexplained = true;
		return;
	}
	if (path->len == 0)
		*path = s;
}

void assay_elf_debug_strings(struct assay_elf_story *story, const struct assay_elf_priv *left,
			     const struct assay_elf_priv *right)
{
	struct string_list a = { NULL, 0 }, b = { NULL, 0 };
	size_t l = 0, r = 0;

	if (!collect_strings(left, &a) || !collect_strings(right, &b))
		story->debug_unexplained = true;
	story->debug_permuted = a.count == b.count && a.count > 0 && !story->debug_unexplained;
	while (l < a.count || r < b.count) {
		int order = l == a.count   ? 1
			    : r == b.count ? -1
					   : assay_span_compare(a.items[l], b.items[r]);

		if (order != 0)
			story->debug_permuted = false;
		if (order < 0)
			note_string(story, a.items[l], true);
		else if (order > 0)
			note_string(story, b.items[r], false);
		l += order <= 0;
		r += order >= 0;
	}
	free(a.items);
	free(b.items);
	if (!string_order_differs(left, right))
		story->debug_permuted = false;
}

const char *assay_elf_story_debug_cause(const struct assay_elf_story *story,
					struct assay_span *ret_left, struct assay_span *ret_right)
{
	*ret_left = story->left_producer;
	*ret_right = story->right_producer;
	if (story->debug_permuted) {
		*ret_left = *ret_right = assay_span_of("", 0);
		return "random_order_of_linked_objects";
	}
	if (story->debug_unexplained)
		return NULL;
	if (story->compiler_recorded)
		return "compiler_version_differs";
	if (story->flags_recorded)
		return "records_build_flags";
	*ret_left = story->left_path;
	*ret_right = story->right_path;
	return story->left_path.len && story->right_path.len ? "gcc_captures_build_path" : NULL;
}
