/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ar, written one way: GNU names, long ones in a table in front of the members; the symbol index that
 * ranlib would make; members by name where no name repeats.  A .deb keeps its order, and its list of
 * checksums is made after the members that it speaks of.
 */
#include "ar_emit.h"

#include <stdio.h>
#include <stdlib.h>

#include "ar_index.h"

#define MAGIC "!<arch>\n"
#define HEADER 60
#define NAME_FIELD 16

struct ar_out {
	const struct assay_node *node;
	size_t member; /* its number in the file that was read */
	struct assay_rope payload;
	uint64_t at;	       /* where its header will stand */
	uint64_t symbol_count; /* in the index */
};

struct ar_writer {
	struct assay_emit *e;
	const struct assay_anatomy *a;
	struct assay_rope *rope;
	struct assay_members members;
	struct ar_out *out; /* in the order in which they are written */
	size_t count;
	uint64_t names_size;	   /* of the table of long names */
	struct assay_rope symbols; /* names in the index, each with its NUL */
	uint64_t symbol_count;
	unsigned index_width; /* of an offset; 0 = there is no index */
	bool is_deb;
};

static const struct assay_field *field(const struct ar_writer *w, const char *name)
{
	return assay_emit_field(w->a->format, name);
}

/* What a reader would cut, or take for something else, goes to the table: behind a NUL, "\0a.o/" would be
 * the symbol index. */
static bool is_long(const struct ar_writer *w, struct assay_span name)
{
	if (memchr(name.data, 0, name.len) || assay_span_ends(name, " "))
		return true;
	if (w->is_deb)
		return name.len > NAME_FIELD || assay_span_ends(name, "/");
	return name.len >= NAME_FIELD || memchr(name.data, '/', name.len) ||
	       assay_span_starts(name, "__.SYMDEF");
}

/* ---- the symbol index ------------------------------------------------------------------------------ */

/* A library without an index gets the one that ranlib would make: compare folds one that is true.  None where
 * it cannot be told: an index that was there could not be proven either. */
static enum assay_code make_index(struct ar_writer *w, const struct ar_symbols *symbols,
				  struct assay_error *err)
{
	if (!symbols->told)
		return ASSAY_OK;
	for (size_t i = 0; i < w->count; i++) {
		size_t at = symbols->first[w->out[i].member], end = symbols->first[w->out[i].member + 1];

		w->out[i].symbol_count = end - at;
		for (; at < end; at++) {
			struct assay_span name = symbols->list[at].name;

			name.len++; /* its NUL */
			if (assay_rope_add(&w->symbols, name, err))
				return err->code;
		}
	}
	w->symbol_count = symbols->count;
	w->index_width = w->symbol_count ? 4 : 0;
	return ASSAY_OK;
}

static uint64_t index_size(const struct ar_writer *w)
{
	return w->index_width * (w->symbol_count + 1) + w->symbols.size;
}

/* ---- places ---------------------------------------------------------------------------------------- */

/* Linkers would take the same definitions as before. */
static enum assay_code links_alike(const struct ar_writer *w, const struct ar_definer *members,
				   const struct ar_symbols *symbols, const size_t *order, bool *ret,
				   struct assay_error *err)
{
	const struct assay_attribute *before = w->a->root->attributes;
	char digest[ASSAY_DIGEST_TEXT];

	*ret = !before;
	if (!before)
		return ASSAY_OK;
	if (ar_first_definitions(members, w->count, symbols, order, digest, err))
		return err->code;
	*ret = assay_span_equal_text(before->value, digest);
	return ASSAY_OK;
}

struct placing {
	const struct assay_node **nodes; /* as they stand */
	struct ar_definer *members;
	struct assay_placed *list;
	size_t *order;
};

static void placing_release(struct placing *p)
{
	free(p->nodes);
	free(p->members);
	free(p->list);
	free(p->order);
}

static enum assay_code find_members(struct ar_writer *w, struct placing *p, struct assay_error *err)
{
	size_t room = 1;

	for (const struct assay_node *n = w->a->root->first; n; n = n->next)
		room++;
	w->out = calloc(room, sizeof(*w->out));
	p->nodes = calloc(room, sizeof(*p->nodes));
	p->members = calloc(room, sizeof(*p->members));
	p->list = calloc(room, sizeof(*p->list));
	p->order = calloc(room, sizeof(*p->order));
	if (!w->out || !p->nodes || !p->members || !p->list || !p->order)
		return assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	for (const struct assay_node *n = w->a->root->first; n; n = n->next) {
		if (!(n->flags & ASSAY_NODE_MEMBER))
			continue;
		p->members[w->count] =
			(struct ar_definer){ n->name, assay_node_payload(w->a, n), n->offset };
		p->list[w->count] = (struct assay_placed){ .name = n->name, .index = w->count };
		p->nodes[w->count++] = n;
	}
	return ASSAY_OK;
}

/* By name, where that is allowed and changes no link. */
static enum assay_code sort_members(struct ar_writer *w, struct placing *p, const struct ar_symbols *symbols,
				    struct assay_error *err)
{
	bool alike = false;

	if (assay_members_hold(&w->members, w->a->format->order)) {
		assay_members_sort(p->list, w->count);
		for (size_t i = 0; i < w->count; i++)
			p->order[i] = p->list[i].index;
		if (links_alike(w, p->members, symbols, p->order, &alike, err))
			return err->code;
	}
	for (size_t i = 0; i < w->count; i++) {
		w->out[i].member = alike ? p->order[i] : i;
		w->out[i].node = p->nodes[w->out[i].member];
	}
	return ASSAY_OK;
}

static enum assay_code collect(struct ar_writer *w, struct assay_error *err)
{
	struct placing p = { .nodes = NULL };
	struct ar_symbols symbols = { .count = 0 };
	enum assay_code code = find_members(w, &p, err);

	if (!code && !w->is_deb)
		code = ar_symbols_read(p.members, w->count, &symbols, err);
	if (!code)
		code = sort_members(w, &p, &symbols, err);
	if (!code && !w->is_deb)
		code = make_index(w, &symbols, err);
	ar_symbols_release(&symbols);
	placing_release(&p);
	return code;
}

/* The members of a thin archive are files elsewhere; an index that cannot be proven would point elsewhere
 * afterwards. */
static enum assay_code refuse_unproven(struct ar_writer *w, struct assay_error *err)
{
	const struct assay_field *unproven = field(w, "ar.symbol_index.unproven");

	if (assay_span_starts(w->a->bytes, "!<thin>\n"))
		return assay_fail(err, ASSAY_EUNSUPPORTED, "thin archive: its members are files elsewhere");
	for (const struct assay_node *n = w->a->root->first; n; n = n->next) {
		if (n->field == unproven)
			return assay_fail(err, ASSAY_EUNSUPPORTED,
					  "symbol index (offset %llu): does not say what the members "
					  "define, or cannot be checked",
					  (unsigned long long)n->offset);
	}
	return ASSAY_OK;
}

static uint64_t even(uint64_t n)
{
	return n + n % 2;
}

static enum assay_code place(struct ar_writer *w, struct assay_error *err)
{
	uint64_t first = sizeof(MAGIC) - 1, at;

	for (size_t i = 0; i < w->count; i++)
		if (is_long(w, w->out[i].node->name))
			w->names_size += w->out[i].node->name.len + 2;
	if (w->is_deb && w->names_size)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "member whose name does not fit its header");
	for (;;) {
		at = first;
		if (w->index_width)
			at += HEADER + even(index_size(w));
		if (w->names_size)
			at += HEADER + even(w->names_size);
		for (size_t i = 0; i < w->count; i++) {
			w->out[i].at = at;
			at += HEADER + even(w->out[i].payload.size);
		}
		if (w->index_width != 4 || at <= UINT32_MAX)
			return ASSAY_OK;
		w->index_width = 8;
	}
}

/* ---- writing --------------------------------------------------------------------------------------- */

struct numbers {
	int64_t mtime;
	uint64_t uid, gid, mode;
};

static enum assay_code write_header(struct ar_writer *w, const char *name, const struct numbers *n,
				    uint64_t size, struct assay_error *err)
{
	char text[HEADER + 8], number[4][24] = { "", "", "", "" };
	int used;

	if (n) {
		snprintf(number[0], sizeof(number[0]), "%lld", (long long)n->mtime);
		snprintf(number[1], sizeof(number[1]), "%llu", (unsigned long long)n->uid);
		snprintf(number[2], sizeof(number[2]), "%llu", (unsigned long long)n->gid);
		snprintf(number[3], sizeof(number[3]), "%llo", (unsigned long long)n->mode);
	}
	used = snprintf(text, sizeof(text), "%-16s%-12s%-6s%-6s%-8s%-10llu`\n", name, number[0], number[1],
			number[2], number[3], (unsigned long long)size);
	if (used != HEADER)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "member \"%s\": a number does not fit its header",
				  name);
	return assay_emit_make(w->e, w->rope, text, HEADER, err);
}

static enum assay_code pad(struct ar_writer *w, uint64_t size, const char *with, struct assay_error *err)
{
	return size % 2 ? assay_emit_make(w->e, w->rope, with, 1, err) : ASSAY_OK;
}

static enum assay_code put_be(struct ar_writer *w, uint64_t value, struct assay_error *err)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < w->index_width; i++)
		bytes[i] = (uint8_t)(value >> (8 * (w->index_width - 1 - i)));
	return assay_emit_make(w->e, w->rope, bytes, w->index_width, err);
}

static enum assay_code write_index(struct ar_writer *w, struct assay_error *err)
{
	static const struct numbers zeros = { 0, 0, 0, 0 };
	uint64_t size = index_size(w);

	if (!w->index_width)
		return ASSAY_OK;
	/* ranlib's padding is part of the index */
	if (write_header(w, w->index_width == 4 ? "/" : "/SYM64/", &zeros, even(size), err) ||
	    put_be(w, w->symbol_count, err))
		return err->code;
	for (size_t i = 0; i < w->count; i++)
		for (uint64_t k = 0; k < w->out[i].symbol_count; k++)
			if (put_be(w, w->out[i].at, err))
				return err->code;
	if (assay_rope_join(w->rope, &w->symbols, err))
		return err->code;
	return pad(w, size, "", err);
}

static enum assay_code write_names(struct ar_writer *w, struct assay_error *err)
{
	if (!w->names_size)
		return ASSAY_OK;
	if (write_header(w, "//", NULL, even(w->names_size), err))
		return err->code;
	for (size_t i = 0; i < w->count; i++) {
		struct assay_span name = w->out[i].node->name;

		if (!is_long(w, name))
			continue;
		if (assay_span_find(name, 0, assay_span_text("/\n")) != SIZE_MAX)
			return assay_fail(err, ASSAY_EUNSUPPORTED, "name that ends early in the table");
		if (assay_emit_make(w->e, w->rope, name.data, name.len, err) ||
		    assay_emit_make(w->e, w->rope, "/\n", 2, err))
			return err->code;
	}
	return pad(w, w->names_size, "\n", err);
}

static struct numbers numbers_of(const struct ar_writer *w, const struct assay_node *member)
{
	struct numbers n = { 0, 0, 0, 0 };

	for (const struct assay_attribute *a = member->attributes; a; a = a->next) {
		const char *word = assay_field_word(a->field);
		bool wanted = assay_emit_wants(w->e, a->field);

		if (strcmp(word, "mtime") == 0)
			n.mtime = assay_emit_time(w->e, a->field, a->number);
		else if (strcmp(word, "uid") == 0)
			n.uid = wanted ? 0 : (uint64_t)a->number;
		else if (strcmp(word, "gid") == 0)
			n.gid = wanted ? 0 : (uint64_t)a->number;
		else if (strcmp(word, "mode") == 0)
			n.mode = 0100000U |
				 assay_members_mode(&w->members, a->field, (uint32_t)a->number);
	}
	return n;
}

static enum assay_code write_member(struct ar_writer *w, struct ar_out *out, uint64_t *table_at,
				    struct assay_error *err)
{
	struct assay_span given = out->node->name;
	struct numbers numbers = numbers_of(w, out->node);
	uint64_t size = out->payload.size;
	char name[NAME_FIELD + 8];

	if (is_long(w, given)) {
		snprintf(name, sizeof(name), "/%llu", (unsigned long long)*table_at);
		*table_at += given.len + 2;
	} else {
		snprintf(name, sizeof(name), "%.*s%s", ASSAY_SPAN_ARGS(given), w->is_deb ? "" : "/");
	}
	if (write_header(w, name, &numbers, size, err) || assay_rope_join(w->rope, &out->payload, err))
		return err->code;
	return pad(w, size, "\n", err);
}

static enum assay_code write_all(struct ar_writer *w, struct assay_error *err)
{
	uint64_t table_at = 0;

	if (assay_emit_make(w->e, w->rope, MAGIC, sizeof(MAGIC) - 1, err) || write_index(w, err) ||
	    write_names(w, err))
		return err->code;
	for (size_t i = 0; i < w->count; i++)
		if (write_member(w, &w->out[i], &table_at, err))
			return err->code;
	return ASSAY_OK;
}

/* data.tar first: the checksums of what changes in it stand in control.tar. */
static enum assay_code make_payloads(struct ar_writer *w, bool of_data, struct assay_error *err)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct assay_node *n = w->out[i].node;

		if (assay_span_starts(n->name, "data.tar") == of_data &&
		    assay_emit_payload(w->e, n->name, assay_node_payload(w->a, n), &w->out[i].payload, err))
			return err->code;
	}
	return ASSAY_OK;
}

static enum assay_code emit_archive(struct ar_writer *w, struct assay_error *err)
{
	enum assay_code code = refuse_unproven(w, err);

	if (!code)
		code = collect(w, err);
	if (!code)
		code = make_payloads(w, true, err);
	if (!code)
		code = make_payloads(w, false, err);
	if (!code)
		code = place(w, err);
	if (!code)
		code = write_all(w, err);
	for (size_t i = 0; i < w->count; i++)
		assay_rope_release(&w->out[i].payload);
	free(w->out);
	assay_rope_release(&w->symbols);
	return code;
}

static enum assay_code emit_as(struct assay_emit *e, const struct assay_anatomy *a, bool is_deb,
			       struct assay_rope *rope, struct assay_error *err)
{
	struct ar_writer w = { .e = e, .a = a, .rope = rope, .is_deb = is_deb };
	enum assay_code code;

	if (assay_members_open(e, a, a->root, &w.members, err))
		return err->code;
	code = emit_archive(&w, err);
	assay_members_release(&w.members);
	return code;
}

enum assay_code ar_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
			struct assay_error *err)
{
	return emit_as(e, a, false, rope, err);
}

enum assay_code deb_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
			 struct assay_error *err)
{
	struct assay_vouch vouch;
	enum assay_code code;

	assay_vouch_begin(e, &vouch, ASSAY_VOUCH_MD5SUMS);
	code = emit_as(e, a, true, rope, err);
	assay_vouch_end(e);
	return code;
}
