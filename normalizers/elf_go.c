/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Go linker writes down of a program (section .go.buildinfo; package debug/buildinfo of Go 1.18
 * and later): version, main module, each dependency with its sum, each setting of the build.  Programs
 * can read all of it (runtime/debug.ReadBuildInfo), so nothing is folded.
 */
#include "elf_fields.h"
#include "elf_go.h"

#define HEADER_SIZE 32
#define INLINE_STRINGS 2 /* flag: before it, the header held pointers */
#define MARKER 16	 /* in front of and behind the module information */

static const char magic[] = "\xff Go buildinf:";

bool assay_elf_go_is(const struct assay_elf_section *s)
{
	return assay_span_equal_text(s->name, ".go.buildinfo") && s->bytes.len > HEADER_SIZE &&
	       memcmp(s->bytes.data, magic, sizeof(magic) - 1) == 0 &&
	       s->bytes.data[15] & INLINE_STRINGS;
}

/* A string with its length in front; false when the section does not hold it. */
static bool take_string(struct assay_span s, uint64_t *at, uint64_t *ret_length)
{
	*ret_length = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at >= s.len)
			return false;
		*ret_length |= (uint64_t)(s.data[*at] & 0x7f) << shift;
		if (!(s.data[(*at)++] & 0x80))
			return *ret_length <= s.len - *at;
	}
	return false;
}

static const struct {
	const char *prefix;
	enum assay_elf_field field;
} kinds[] = {
	{ "dep\t", ASSAY_ELF_GO_MODULE },
	{ "=>\t", ASSAY_ELF_GO_MODULE },
	{ "mod\t", ASSAY_ELF_GO_MODULE },
	{ "build\tvcs.revision=", ASSAY_ELF_GO_COMMIT },
	{ "build\tvcs.modified=", ASSAY_ELF_GO_COMMIT },
	{ "build\tvcs.time=", ASSAY_ELF_GO_TIME },
	{ "build\t", ASSAY_ELF_GO_SETTING },
};

static enum assay_elf_field field_of(struct assay_span line)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (assay_span_starts(line, kinds[i].prefix))
			return kinds[i].field;
	return ASSAY_ELF_GO;
}

/* "build vcs.time" of "build<TAB>vcs.time=...", "dep example.org/x" of "dep<TAB>example.org/x<TAB>v1". */
static struct assay_span name_of(struct assay_layout *l, struct assay_span line)
{
	char text[200];
	size_t len = 0;
	bool first = true;
	char *name;

	for (; len < line.len && len + 1 < sizeof(text); len++) {
		uint8_t c = line.data[len];

		if (c == '=' || (c == '\t' && !first))
			break;
		first = c == '\t' ? false : first;
		text[len] = c == '\t' ? ' ' : (char)c;
	}
	text[len] = '\0';
	name = assay_arena_text(&assay_layout_anatomy(l)->arena, assay_span_of(text, len));
	return name ? assay_span_of(name, len) : assay_span_of(NULL, 0);
}

static struct assay_node *leaf(struct assay_layout *l, enum assay_elf_field field, uint64_t length)
{
	return length ? assay_layout_leaf(l, &assay_elf_fields[field], length) : NULL;
}

static void lay_out_lines(struct assay_layout *l, struct assay_span lines)
{
	struct assay_span rest = lines, line;

	while (assay_span_next_line(&rest, &line) && !assay_layout_failed(l)) {
		uint64_t length = (uint64_t)(rest.len ? rest.data - line.data :
							lines.data + lines.len - line.data);
		struct assay_node *node = leaf(l, field_of(line), length);
		char shown[256];

		if (!node)
			continue;
		assay_layout_name(l, node, name_of(l, line));
		assay_layout_value(l, node, "%s", assay_span_show(line, shown, sizeof(shown)));
	}
}

static void lay_out_modules(struct assay_layout *l, struct assay_span info)
{
	if (info.len < 2 * MARKER) {
		leaf(l, ASSAY_ELF_GO, info.len);
		return;
	}
	leaf(l, ASSAY_ELF_GO, MARKER);
	lay_out_lines(l, assay_span_cut(info, MARKER, info.len - 2 * MARKER));
	leaf(l, ASSAY_ELF_GO, MARKER);
}

void assay_elf_go_lay_out(struct assay_layout *l, const struct assay_elf_section *s)
{
	uint64_t at = HEADER_SIZE, before = HEADER_SIZE, length, end;
	struct assay_node *node;
	char shown[256];

	assay_layout_name(l, assay_layout_open(l, &assay_elf_fields[ASSAY_ELF_GO]), s->name);
	end = assay_layout_at(l) + s->bytes.len;
	if (take_string(s->bytes, &at, &length)) {
		leaf(l, ASSAY_ELF_GO, at);
		node = leaf(l, ASSAY_ELF_GO_VERSION, length);
		if (node)
			assay_layout_value(l, node, "%s",
					   assay_span_show(assay_span_cut(s->bytes, at, length),
							   shown, sizeof(shown)));
		at += length;
		before = at;
		if (take_string(s->bytes, &at, &length)) {
			leaf(l, ASSAY_ELF_GO, at - before);
			lay_out_modules(l, assay_span_cut(s->bytes, at, length));
		}
	}
	leaf(l, ASSAY_ELF_GO, end - assay_layout_at(l));
	assay_layout_close(l);
}
