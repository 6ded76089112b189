/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpio, written one way, in the dialect of its trailer (odc for the binary form): inodes counted from one, one
 * for the members that are links of each other; members by name, links side by side in the order they had,
 * because the first of them names the others and the last one may hold the data; blocks of 512 bytes.
 */
#include "cpio_emit.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK 512
#define MAGIC_SIZE 6

/* What a header says, in the order of neither dialect. */
struct cpio_numbers {
	uint64_t ino, mode, uid, gid, nlink, mtime, size, rdev, name_size, check;
};

struct cpio_member {
	const struct assay_node *node;
	struct assay_span link; /* the first of its links; empty when it has none; copied */
	bool is_symlink;
};

struct cpio_writer {
	struct assay_emit *e;
	const struct assay_anatomy *a;
	struct assay_rope *rope;
	struct assay_members members;
	struct assay_arena arena; /* of the names of links */
	struct cpio_member *list;
	struct assay_placed *order;
	size_t count;
	const struct assay_node *trailer;
	char magic[MAGIC_SIZE + 1];
	struct assay_span *links; /* sorted, one for each linked member */
	size_t link_count;
	uint64_t start, inode;
};

static const struct assay_field *field(const struct cpio_writer *w, const char *name)
{
	return assay_emit_field(w->a->format, name);
}

static const struct assay_attribute *attribute(const struct assay_node *member, const char *word)
{
	const struct assay_attribute *a = member->attributes;

	while (a && strcmp(assay_field_word(a->field), word) != 0)
		a = a->next;
	return a;
}

/* ---- the order ------------------------------------------------------------------------------------- */

static enum assay_code read_member(struct cpio_writer *w, const struct assay_node *node,
				   struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	const struct assay_attribute *link, *type;
	const struct assay_node *member;
	struct cpio_member *m = &w->list[w->count];
	enum assay_code code = assay_anatomy_expand(w->a, node, &arena, &member, err);

	if (!code) {
		*m = (struct cpio_member){ .node = node };
		link = attribute(member, "linkname");
		type = attribute(member, "type");
		m->is_symlink = type && assay_span_equal_text(type->value, "symlink");
		if (link)
			m->link = assay_span_of(assay_arena_text(&w->arena, link->value), link->value.len);
		if (link && !m->link.data)
			code = assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
		w->order[w->count] = (struct assay_placed){
			.name = m->link.data ? m->link : node->name,
			.rank = m->link.data ? 1 : m->is_symlink ? 2 : 0,
			.index = w->count,
		};
		w->count++;
	}
	assay_arena_release(&arena);
	return code;
}

static int by_span(const void *a, const void *b)
{
	return assay_span_compare(*(const struct assay_span *)a, *(const struct assay_span *)b);
}

static enum assay_code collect(struct cpio_writer *w, struct assay_error *err)
{
	const struct assay_field *trailer = field(w, "cpio.trailer");
	size_t room = 1;

	for (const struct assay_node *n = w->a->root->first; n; n = n->next)
		room++;
	w->list = calloc(room, sizeof(*w->list));
	w->order = calloc(room, sizeof(*w->order));
	w->links = calloc(room, sizeof(*w->links));
	if (!w->list || !w->order || !w->links)
		return assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	for (const struct assay_node *n = w->a->root->first; n; n = n->next) {
		if (n->field == trailer && w->trailer)
			return assay_fail(err, ASSAY_EUNSUPPORTED, "several archives, one behind the other");
		if (n->field == trailer)
			w->trailer = n;
		else if (n->flags & ASSAY_NODE_MEMBER && read_member(w, n, err))
			return err->code;
	}
	if (!w->trailer)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "no trailer");
	for (size_t i = 0; i < w->count; i++)
		if (w->list[i].link.data)
			w->links[w->link_count++] = w->list[i].link;
	qsort(w->links, w->link_count, sizeof(*w->links), by_span);
	memcpy(w->magic, w->a->bytes.data + w->trailer->offset, MAGIC_SIZE);
	if (w->magic[0] != '0')
		memcpy(w->magic, "070707", MAGIC_SIZE);
	if (assay_members_hold(&w->members, w->a->format->order))
		assay_members_sort(w->order, w->count);
	return ASSAY_OK;
}

/* ---- one header ------------------------------------------------------------------------------------ */

static bool is_odc(const struct cpio_writer *w)
{
	return strcmp(w->magic, "070707") == 0;
}

static enum assay_code put_newc(const struct cpio_writer *w, const struct cpio_numbers *n, char *out,
				size_t size, struct assay_error *err)
{
	const uint64_t fields[] = { n->ino, n->mode, n->uid,		 n->gid,	n->nlink,
				    n->mtime, n->size, 0,		 0,		n->rdev >> 32,
				    n->rdev & UINT32_MAX, n->name_size, n->check };
	size_t used = (size_t)snprintf(out, size, "%s", w->magic);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i] > UINT32_MAX)
			return assay_fail(err, ASSAY_EUNSUPPORTED, "number that does not fit its header");
		used += (size_t)snprintf(out + used, size - used, "%08llX", (unsigned long long)fields[i]);
	}
	return ASSAY_OK;
}

static enum assay_code put_odc(const struct cpio_writer *w, const struct cpio_numbers *n, char *out,
			       size_t size, struct assay_error *err)
{
	const struct {
		uint64_t value;
		int width;
	} fields[] = {
		{ 0, 6 },	 { n->ino, 6 },	 { n->mode, 6 },	{ n->uid, 6 },	     { n->gid, 6 },
		{ n->nlink, 6 }, { n->rdev, 6 }, { n->mtime, 11 }, { n->name_size, 6 }, { n->size, 11 },
	};
	size_t used = (size_t)snprintf(out, size, "%s", w->magic);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].value >> (3 * fields[i].width))
			return assay_fail(err, ASSAY_EUNSUPPORTED, "number that does not fit its header");
		used += (size_t)snprintf(out + used, size - used, "%0*llo", fields[i].width,
					 (unsigned long long)fields[i].value);
	}
	return ASSAY_OK;
}

static enum assay_code pad(struct cpio_writer *w, uint64_t unit, struct assay_error *err)
{
	static const char zeros[BLOCK];
	uint64_t size = w->rope->size - w->start;

	return size % unit ? assay_emit_make(w->e, w->rope, zeros, unit - size % unit, err) : ASSAY_OK;
}

static enum assay_code mode_of(const struct cpio_writer *w, const struct assay_node *member,
			       uint64_t *ret, struct assay_error *err)
{
	static const struct {
		const char *type;
		uint64_t bits;
	} types[] = {
		{ "file", 0100000 },		 { "directory", 0040000 },    { "symlink", 0120000 },
		{ "character device", 0020000 }, { "block device", 0060000 }, { "fifo", 0010000 },
		{ "socket", 0140000 },
	};
	const struct assay_attribute *type = attribute(member, "type"), *mode = attribute(member, "mode");

	for (size_t i = 0; type && mode && i < sizeof(types) / sizeof(types[0]); i++) {
		if (!assay_span_equal_text(type->value, types[i].type))
			continue;
		*ret = types[i].bits |
		       (strcmp(types[i].type, "symlink") == 0 ?
				(uint64_t)mode->number :
				assay_members_mode(&w->members, mode->field, (uint32_t)mode->number));
		return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_EUNSUPPORTED, "member of an unknown type");
}

static uint64_t owner_of(const struct cpio_writer *w, const struct assay_node *member, const char *word)
{
	const struct assay_attribute *a = attribute(member, word);

	return !a || assay_members_hold(&w->members, a->field) ? 0 : (uint64_t)a->number;
}

/* How many links stand before this one, itself with or_equal. */
static size_t links_before(const struct cpio_writer *w, struct assay_span link, bool or_equal)
{
	size_t low = 0, high = w->link_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (assay_span_compare(w->links[middle], link) < (or_equal ? 1 : 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Linked members share a number below those of the others. */
static void put_inode(struct cpio_writer *w, const struct cpio_member *m, struct cpio_numbers *n)
{
	size_t before = m->link.data ? links_before(w, m->link, false) : 0;

	n->nlink = m->link.data ? links_before(w, m->link, true) - before : 1;
	n->ino = m->link.data ? before + 1 : w->link_count + ++w->inode;
}

static enum assay_code sum_of(struct cpio_writer *w, const struct assay_rope *payload, uint64_t *ret,
			      struct assay_error *err)
{
	struct assay_rope_reader reader;
	struct assay_span bytes;
	uint32_t sum = 0;
	enum assay_code code;

	assay_rope_reader_open(&reader, payload, &w->e->scratch);
	do {
		code = assay_rope_read(&reader, &bytes, err);
		for (size_t i = 0; !code && i < bytes.len; i++)
			sum += bytes.data[i];
	} while (!code && bytes.len);
	assay_rope_reader_release(&reader);
	*ret = sum;
	return code;
}

/* ---- one member ------------------------------------------------------------------------------------ */

static enum assay_code fill(struct cpio_writer *w, const struct cpio_member *m,
			    const struct assay_node *member, const struct assay_rope *payload,
			    struct cpio_numbers *n, struct assay_error *err)
{
	const struct assay_attribute *mtime = attribute(member, "mtime");
	const struct assay_attribute *device = attribute(member, "device");

	*n = (struct cpio_numbers){
		.uid = owner_of(w, member, "uid"),
		.gid = owner_of(w, member, "gid"),
		.mtime = mtime ? (uint64_t)assay_emit_time(w->e, mtime->field, mtime->number) : 0,
		.size = payload->size,
		.rdev = device ? (uint64_t)device->number : 0,
		.name_size = m->node->name.len + 1,
	};
	put_inode(w, m, n);
	if (mode_of(w, member, &n->mode, err))
		return err->code;
	if (strcmp(w->magic, "070702") != 0 || (n->mode & 0170000) != 0100000)
		return ASSAY_OK;
	return sum_of(w, payload, &n->check, err);
}

static enum assay_code write_header(struct cpio_writer *w, const struct cpio_numbers *numbers,
				    struct assay_span name, struct assay_error *err)
{
	char head[128];

	if (is_odc(w) ? put_odc(w, numbers, head, sizeof(head), err) :
			put_newc(w, numbers, head, sizeof(head), err))
		return err->code;
	if (assay_emit_make(w->e, w->rope, head, strlen(head), err) || assay_rope_add(w->rope, name, err) ||
	    assay_emit_make(w->e, w->rope, "", 1, err))
		return err->code;
	return is_odc(w) ? ASSAY_OK : pad(w, 4, err);
}

static enum assay_code write_expanded(struct cpio_writer *w, const struct cpio_member *m,
				      const struct assay_node *member, struct assay_rope *payload,
				      struct assay_error *err)
{
	struct assay_span bytes = assay_node_payload(w->a, member);
	struct cpio_numbers numbers;

	/* a link's target is data like any other, and no file */
	if (m->is_symlink ? assay_rope_add(payload, bytes, err) :
			    assay_emit_payload(w->e, m->node->name, bytes, payload, err))
		return err->code;
	if (fill(w, m, member, payload, &numbers, err))
		return err->code;
	if (write_header(w, &numbers, m->node->name, err) || assay_rope_join(w->rope, payload, err))
		return err->code;
	return is_odc(w) ? ASSAY_OK : pad(w, 4, err);
}

/* What hides in the padding is never folded, and has no place in the canonical form. */
static bool hides_bytes(const struct cpio_writer *w, const struct assay_node *member)
{
	for (const struct assay_node *n = member->first; n; n = n->next) {
		struct assay_span bytes = assay_node_bytes(w->a, n);

		if (n->field->kind == ASSAY_PADDING && !n->field->check->leaf(bytes, bytes))
			return true;
	}
	return false;
}

static enum assay_code write_member(struct cpio_writer *w, const struct cpio_member *m,
				    struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct assay_rope payload = ASSAY_ROPE_INIT;
	const struct assay_node *member;
	enum assay_code code = assay_anatomy_expand(w->a, m->node, &arena, &member, err);

	if (!code && hides_bytes(w, member))
		code = assay_fail(err, ASSAY_EUNSUPPORTED, "bytes in the padding of a member (offset %llu)",
				  (unsigned long long)m->node->offset);
	if (!code)
		code = write_expanded(w, m, member, &payload, err);
	assay_rope_release(&payload);
	assay_arena_release(&arena);
	return code;
}

static enum assay_code write_trailer(struct cpio_writer *w, struct assay_error *err)
{
	const struct cpio_numbers numbers = { .nlink = 1, .name_size = sizeof("TRAILER!!!") };

	if (hides_bytes(w, w->trailer))
		return assay_fail(err, ASSAY_EUNSUPPORTED, "bytes in the padding of the trailer");
	return write_header(w, &numbers, assay_span_text("TRAILER!!!"), err);
}

static enum assay_code emit_archive(struct cpio_writer *w, struct assay_error *err)
{
	w->start = w->rope->size;
	if (collect(w, err))
		return err->code;
	for (size_t i = 0; i < w->count; i++)
		if (write_member(w, &w->list[w->order[i].index], err))
			return err->code;
	if (write_trailer(w, err))
		return err->code;
	return pad(w, BLOCK, err);
}

enum assay_code cpio_emit(struct assay_emit *e, const struct assay_anatomy *a, struct assay_rope *rope,
			  struct assay_error *err)
{
	struct cpio_writer w = { .e = e, .a = a, .rope = rope,
				 .arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE) };
	enum assay_code code;

	if (assay_members_open(e, a, a->root, &w.members, err))
		return err->code;
	code = emit_archive(&w, err);
	free(w.list);
	free(w.order);
	free(w.links);
	assay_arena_release(&w.arena);
	assay_members_release(&w.members);
	return code;
}
