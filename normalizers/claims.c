/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the claims of two packages; see the header. */
#include "claims.h"

#include <stdio.h>
#include <stdlib.h>

#include "assay/digest.h"
#include "assay/limits.h"
#include "extract.h"

#define MD5_TEXT 33
#define LIES_SHOWN 100
#define CLAIM_MAX (16 * ASSAY_MIB)

static const struct assay_field field_lie = {
	.name = "deb.md5sums.claim",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.cause = "false_checksum_claim",
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "md5sums names a checksum that the file does not have (deb-md5sums(5))",
};

struct fact {
	char *name; /* without "./" */
	bool present[2];
	char md5[2][MD5_TEXT];
	uint64_t kib[2];
};

enum claim { CLAIM_MD5SUMS, CLAIM_CONTROL, CLAIM_COUNT };

static const char *const claim_names[CLAIM_COUNT] = { "./md5sums", "./control" };

struct assay_package {
	struct assay_package *outer;
	size_t base; /* parts of the path around the package */
	struct fact *facts;
	size_t fact_count, fact_room;
	bool incomplete; /* a fact could not be kept: nothing is called true then */
	struct {
		bool taken;
		struct assay_span text[2];
		struct assay_span path[8];
		size_t path_count;
	} claims[CLAIM_COUNT];
	struct assay_arena arena;
	struct assay_buf md5sums[2]; /* equal on both sides, they are not met by the walk */
};

/* "./a/b", "/a/b" and "a/b" are one file to dpkg. */
static struct assay_span bare_name(struct assay_span name)
{
	while (name.len && (assay_span_starts(name, "./") || name.data[0] == '/')) {
		size_t cut = name.data[0] == '/' ? 1 : 2;

		name = assay_span_of(name.data + cut, name.len - cut);
	}
	return name;
}

static enum assay_code copy_md5sums(void *data, struct assay_span bytes, struct assay_error *err)
{
	assay_buf_add_span(data, bytes);
	return assay_buf_check(data, "md5sums", err);
}

enum assay_code assay_claims_begin(struct assay_walk *walk, struct assay_span left,
				   struct assay_span right, struct assay_error *err)
{
	static const char *const path[] = { "control.tar*", "./md5sums", NULL };
	struct assay_package *package = calloc(1, sizeof(*package));
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct assay_span files[2] = { left, right };

	if (!package)
		return assay_fail(err, ASSAY_ENOMEM, "package: out of memory");
	package->outer = walk->package;
	package->base = walk->path_count;
	package->arena = (struct assay_arena)ASSAY_ARENA_INIT(4 * CLAIM_MAX);
	/* a package without md5sums, or a malformed one, claims nothing */
	for (size_t i = 0; i < 2; i++) {
		package->md5sums[i] = (struct assay_buf)ASSAY_BUF_INIT(CLAIM_MAX);
		if (assay_extract(&walk->spaces[i], files[i], path, copy_md5sums,
				  &package->md5sums[i], &ignored))
			assay_buf_clear(&package->md5sums[i]);
	}
	walk->package = package;
	return ASSAY_OK;
}

void assay_claims_abandon(struct assay_walk *walk)
{
	struct assay_package *package = walk->package;

	walk->package = package->outer;
	for (size_t i = 0; i < package->fact_count; i++)
		free(package->facts[i].name);
	free(package->facts);
	assay_arena_release(&package->arena);
	assay_buf_release(&package->md5sums[0]);
	assay_buf_release(&package->md5sums[1]);
	free(package);
}

/* The path leads from the package through data.tar (or control.tar), decoded or not, to a member. */
static bool lies_in(const struct assay_walk *walk, const char *archive, size_t path_count)
{
	size_t parts = path_count - walk->package->base;

	return path_count > walk->package->base && (parts == 2 || parts == 3) &&
	       assay_span_starts(walk->path[walk->package->base], archive);
}

static struct fact *new_fact(struct assay_package *package, struct assay_span name)
{
	struct fact *fact;

	if (package->fact_count == package->fact_room) {
		size_t room = package->fact_room ? 2 * package->fact_room : 64;
		void *bigger = reallocarray(package->facts, room, sizeof(*package->facts));

		if (!bigger)
			return NULL;
		package->facts = bigger;
		package->fact_room = room;
	}
	fact = &package->facts[package->fact_count];
	*fact = (struct fact){ .name = assay_span_dup(bare_name(name)) };
	if (!fact->name)
		return NULL;
	package->fact_count++;
	return fact;
}

void assay_claims_note(struct assay_walk *walk, struct assay_span name, struct assay_span left,
		       bool left_present, struct assay_span right, bool right_present)
{
	const struct assay_span contents[2] = { left, right };
	const bool present[2] = { left_present, right_present };
	struct fact *fact;

	if (!walk->package || !lies_in(walk, "data.tar", walk->path_count))
		return;
	fact = new_fact(walk->package, name);
	if (!fact) {
		walk->package->incomplete = true;
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		fact->present[i] = present[i];
		if (!present[i])
			continue;
		assay_md5_hex(contents[i], fact->md5[i]);
		/* as dpkg-gencontrol counts: whole KiB, one for a directory */
		fact->kib[i] = assay_span_ends(name, "/") ? 1 : (contents[i].len + 1023) / 1024;
	}
}

static struct assay_span keep(struct assay_arena *arena, struct assay_span s)
{
	const char *copy = assay_arena_text(arena, s);

	return assay_span_of(copy, copy ? s.len : 0);
}

bool assay_claims_take(struct assay_walk *walk, struct assay_span left, struct assay_span right)
{
	struct assay_package *package = walk->package;
	struct assay_span name;

	if (!package || left.len > CLAIM_MAX || right.len > CLAIM_MAX ||
	    !lies_in(walk, "control.tar", walk->path_count))
		return false;
	name = walk->path[walk->path_count - 1];
	for (size_t i = 0; i < CLAIM_COUNT; i++) {
		if (!assay_span_equal_text(name, claim_names[i]) || package->claims[i].taken)
			continue;
		package->claims[i].text[0] = keep(&package->arena, left);
		package->claims[i].text[1] = keep(&package->arena, right);
		for (size_t k = package->base; k < walk->path_count; k++)
			package->claims[i].path[package->claims[i].path_count++] =
				keep(&package->arena, walk->path[k]);
		if (!package->claims[i].text[0].data || !package->claims[i].text[1].data)
			return false;
		package->claims[i].taken = true;
		walk->recorded++;
		walk->roots++; /* its own size and sums follow from it */
		return true;
	}
	return false;
}

/* ---- md5sums ------------------------------------------------------------------------------------ */

struct line {
	struct assay_span name, md5;
	size_t order;
};

struct lines {
	struct line *items;
	size_t count;
	bool odd; /* a line that is no claim, or a name twice */
};

static int by_line_name(const void *a, const void *b)
{
	return assay_span_compare(((const struct line *)a)->name, ((const struct line *)b)->name);
}

static bool parse_line(struct assay_span text, struct line *ret)
{
	static const char hex[] = "0123456789abcdef";

	if (text.len < 35 || text.data[32] != ' ' || (text.data[33] != ' ' && text.data[33] != '*'))
		return false;
	for (size_t i = 0; i < 32; i++)
		if (!memchr(hex, text.data[i], sizeof(hex) - 1))
			return false;
	ret->md5 = assay_span_cut(text, 0, 32);
	ret->name = bare_name(assay_span_cut(text, 34, SIZE_MAX));
	return true;
}

static bool parse_lines(struct assay_span text, struct lines *ret)
{
	struct assay_span rest = text, line;
	size_t room = 1;

	for (size_t i = 0; i < text.len; i++)
		room += text.data[i] == '\n';
	*ret = (struct lines){ .items = calloc(room + 1, sizeof(*ret->items)) };
	if (!ret->items)
		return false;
	while (assay_span_next_line(&rest, &line)) {
		ret->items[ret->count].order = ret->count;
		if (parse_line(line, &ret->items[ret->count]))
			ret->count++;
		else
			ret->odd = true;
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), by_line_name);
	for (size_t i = 1; i < ret->count; i++)
		ret->odd |= assay_span_equal(ret->items[i - 1].name, ret->items[i].name);
	return true;
}

static const struct line *find_line(const struct lines *lines, struct assay_span name)
{
	struct line key = { .name = name };

	return lines->count ? bsearch(&key, lines->items, lines->count, sizeof(key), by_line_name) :
			      NULL;
}

static int by_fact_name(const void *a, const void *b)
{
	return strcmp(((const struct fact *)a)->name, ((const struct fact *)b)->name);
}

static const struct fact *find_fact(const struct assay_package *package, struct assay_span name)
{
	for (size_t low = 0, high = package->fact_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = assay_span_compare(assay_span_text(package->facts[middle].name), name);

		if (order == 0)
			return &package->facts[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct judgement {
	struct assay_walk *walk;
	struct assay_scope *up;
	struct lines lines[2];
	size_t lies;
	bool all_follow; /* every difference of the two lists follows from content, truly */
};

static enum assay_code record_lie(struct judgement *j, struct assay_span name, const char *what,
				  const struct line *left, const struct line *right,
				  struct assay_error *err)
{
	char text[512], shown[240];
	struct assay_difference d = {
		.field = &field_lie,
		.left_present = left != NULL,
		.right_present = right != NULL,
		.values = { { left ? left->md5 : assay_span_of(NULL, 0),
			      right ? right->md5 : assay_span_of(NULL, 0) },
			    left != NULL,
			    right != NULL },
		.confidence = ASSAY_CERTAIN,
		.severity = field_lie.severity,
		.explanation = text,
	};
	enum assay_code code;

	j->all_follow = false;
	if (++j->lies > LIES_SHOWN)
		return ASSAY_OK;
	snprintf(text, sizeof(text), "md5sums of %s is false for %s: the claim and the content disagree",
		 what, assay_span_show(name, shown, sizeof(shown)));
	if (!assay_walk_push(j->walk, name))
		return ASSAY_OK;
	code = assay_walk_record(j->walk, j->up, &d, NULL, err);
	assay_walk_pop(j->walk);
	return code;
}

static bool is_false(const struct line *line, const struct fact *fact, size_t side)
{
	return line && !(fact->present[side] && assay_span_equal_text(line->md5, fact->md5[side]));
}

/* Of files that differ, each side's claim is held against its content. */
static enum assay_code judge_facts(struct judgement *j, struct assay_error *err)
{
	const struct assay_package *package = j->walk->package;
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < package->fact_count && !code; i++) {
		const struct fact *fact = &package->facts[i];
		struct assay_span name = assay_span_text(fact->name);
		const struct line *left = find_line(&j->lines[0], name);
		const struct line *right = find_line(&j->lines[1], name);
		bool left_lies = is_false(left, fact, 0), right_lies = is_false(right, fact, 1);

		if (left_lies || right_lies)
			code = record_lie(j, name,
					  left_lies && right_lies ? "both sides" :
					  left_lies		  ? "the left side" :
								    "the right side",
					  left, right, err);
	}
	return code;
}

/* Two claims about one content cannot both be true. */
static enum assay_code judge_equal_files(struct judgement *j, struct assay_error *err)
{
	const struct assay_package *package = j->walk->package;
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < j->lines[0].count && !code; i++) {
		const struct line *left = &j->lines[0].items[i];
		const struct line *right = find_line(&j->lines[1], left->name);

		if (find_fact(package, left->name))
			continue;
		if (!right)
			j->all_follow = false;
		else if (!assay_span_equal(left->md5, right->md5))
			code = record_lie(j, left->name, "one side", left, right, err);
	}
	for (size_t i = 0; i < j->lines[1].count; i++)
		if (!find_fact(package, j->lines[1].items[i].name) &&
		    !find_line(&j->lines[0], j->lines[1].items[i].name))
			j->all_follow = false;
	return code;
}

/* Lines that both sides have must stand in one order. */
static bool orders_agree(const struct lines *left, const struct lines *right)
{
	size_t *order = calloc(left->count + 1, sizeof(*order)), last = 0;
	bool agree = order != NULL;

	for (size_t i = 0; agree && i < left->count; i++) {
		const struct line *other = find_line(right, left->items[i].name);

		order[left->items[i].order] = other ? other->order + 1 : 0;
	}
	for (size_t i = 0; agree && i < left->count; i++) {
		agree = order[i] == 0 || order[i] > last;
		last = order[i] ? order[i] : last;
	}
	free(order);
	return agree;
}

static enum assay_code judge_md5sums(struct assay_walk *walk, struct assay_scope *up,
				     bool *ret_follows, struct assay_error *err)
{
	struct assay_package *package = walk->package;
	struct judgement j = { .walk = walk, .up = up, .all_follow = !package->incomplete };
	enum assay_code code = ASSAY_OK;

	if (package->fact_count)
		qsort(package->facts, package->fact_count, sizeof(*package->facts), by_fact_name);
	for (size_t i = 0; i < 2 && !code; i++)
		if (!parse_lines(assay_buf_span(&package->md5sums[i]), &j.lines[i]))
			code = assay_fail(err, ASSAY_ENOMEM, "md5sums: out of memory");
	if (!code)
		code = judge_facts(&j, err);
	if (!code)
		code = judge_equal_files(&j, err);
	*ret_follows = !code && j.all_follow && !j.lines[0].odd && !j.lines[1].odd &&
		       orders_agree(&j.lines[0], &j.lines[1]);
	free(j.lines[0].items);
	free(j.lines[1].items);
	return code;
}

/* ---- Installed-Size ------------------------------------------------------------------------------ */

/* The text before and behind the Installed-Size line, and its number; false when there is none. */
static bool cut_size(struct assay_span control, struct assay_span *before,
		     struct assay_span *behind, uint64_t *ret)
{
	struct assay_span rest = control, line;

	while (assay_span_next_line(&rest, &line)) {
		if (!assay_span_starts(line, "Installed-Size:"))
			continue;
		*before = assay_span_of(control.data, (size_t)(line.data - control.data));
		*behind = rest;
		return assay_span_parse_u64(
			assay_span_trim(assay_span_cut(line, strlen("Installed-Size:"), SIZE_MAX)),
			ret);
	}
	return false;
}

/* Everything else is equal, and the sizes differ by what the files that differ add up to. */
static bool size_follows(const struct assay_package *package)
{
	const struct assay_span *text = package->claims[CLAIM_CONTROL].text;
	struct assay_span before[2], behind[2];
	uint64_t claimed[2], real[2] = { 0, 0 };

	for (size_t i = 0; i < 2; i++)
		if (!cut_size(text[i], &before[i], &behind[i], &claimed[i]))
			return false;
	for (size_t i = 0; i < package->fact_count; i++)
		for (size_t side = 0; side < 2; side++)
			real[side] += package->facts[i].present[side] ?
					      package->facts[i].kib[side] :
					      0;
	return !package->incomplete && package->fact_count &&
	       assay_span_equal(before[0], before[1]) && assay_span_equal(behind[0], behind[1]) &&
	       claimed[0] - claimed[1] == real[0] - real[1];
}

/* ---- what becomes of the texts -------------------------------------------------------------------- */

static enum assay_code settle(struct assay_walk *walk, struct assay_scope *up, enum claim which,
			      bool follows, struct assay_error *err)
{
	const struct assay_package *package = walk->package;
	const struct assay_span *text = package->claims[which].text;
	size_t before = walk->path_count, container = walk->container_count;
	enum assay_code code = ASSAY_OK;

	if (!package->claims[which].taken)
		return ASSAY_OK;
	if (follows) {
		assay_ledger_follow(&walk->ledger, assay_bytes_differing(text[0], text[1]));
		return ASSAY_OK;
	}
	for (size_t i = 0; i < package->claims[which].path_count; i++)
		if (!assay_walk_push(walk, package->claims[which].path[i]))
			break;
	walk->container_count = walk->path_count - 1;
	code = assay_walk_bytes(walk, up, assay_format_text.fields, text[0], text[1], NULL, err);
	walk->path_count = before;
	walk->container_count = container;
	return code;
}

enum assay_code assay_claims_end(struct assay_walk *walk, struct assay_scope *up,
				 struct assay_error *err)
{
	struct assay_package *package = walk->package;
	bool follows = false;
	enum assay_code code = ASSAY_OK;

	if (package->fact_count || package->claims[CLAIM_MD5SUMS].taken)
		code = judge_md5sums(walk, up, &follows, err);
	if (!code)
		code = settle(walk, up, CLAIM_MD5SUMS, follows && package->fact_count, err);
	if (!code)
		code = settle(walk, up, CLAIM_CONTROL, size_follows(package), err);
	assay_claims_abandon(walk);
	return code;
}
