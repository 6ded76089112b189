/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the claims of two packages; see the header. */
#include "claims.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "claimants.h"

#define LIES_SHOWN 100
#define THREAD_WORTH (256 * ASSAY_KIB) /* below, a thread costs more than it saves */
#define CLAIMANTS 12
#define TEXT_PATH 8

static const struct assay_field field_unreadable = {
	.name = "package.claims",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "digests that the package states for its files and that cannot be held against them: an unknown "
		"algorithm, or lists that do not fit each other",
};

static const struct assay_field field_lie = {
	.name = "package.claim",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.cause = "false_checksum_claim",
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.rule = "a digest that the package states for one of its files and that the file does not have",
};

/* A file that differs, with what is claimed of it. */
struct fact {
	char *name;
	const char *hex[2]; /* the claim shown: the false one when there is one */
	bool lies[2];
};

/* One claimant's view of the two packages. */
struct party {
	const struct assay_claimant *who;
	struct assay_claims claims[2];
	struct fact *facts;
	size_t fact_count, fact_room, lies;
	bool follows; /* every difference of the two lists follows from content, truly */
	bool taken;
	struct assay_span text[2];
	struct assay_span path[TEXT_PATH];
	size_t path_count;
	uint64_t kib[2]; /* of the files that differ */
	size_t files;
};

struct assay_package {
	struct assay_package *outer;
	size_t base; /* parts of the path around the package */
	unsigned depth;
	struct party parties[CLAIMANTS];
	size_t count;
	struct assay_arena arena;
};

static void release_party(struct party *party)
{
	for (size_t i = 0; i < party->fact_count; i++)
		free(party->facts[i].name);
	free(party->facts);
	assay_claims_release(&party->claims[0]);
	assay_claims_release(&party->claims[1]);
}

enum assay_code assay_claims_begin(struct assay_walk *walk, const struct assay_anatomy *left,
				   const struct assay_anatomy *right, bool *ret_began,
				   struct assay_error *err)
{
	struct assay_package *package = NULL;

	*ret_began = false;
	for (const struct assay_claimant *who = assay_claimants; who->format; who++) {
		struct party party = { .who = who, .follows = true };

		if (strcmp(who->format, left->format->name) != 0)
			continue;
		assay_claims_read(&walk->spaces[0], left, who, &party.claims[0]);
		assay_claims_read(&walk->spaces[1], right, who, &party.claims[1]);
		if (who->rule != ASSAY_CLAIM_SIZE && assay_claims_are_silent(&party.claims[0]) &&
		    assay_claims_are_silent(&party.claims[1])) {
			release_party(&party);
			continue;
		}
		if (!package)
			package = calloc(1, sizeof(*package));
		if (!package || package->count == CLAIMANTS) {
			release_party(&party);
			return assay_fail(err, ASSAY_ENOMEM, "package: out of memory");
		}
		package->parties[package->count++] = party;
	}
	if (!package)
		return ASSAY_OK;
	package->outer = walk->package;
	package->base = walk->path_count;
	package->depth = walk->depth;
	package->arena = (struct assay_arena)ASSAY_ARENA_INIT(4 * CLAIM_MAX);
	walk->package = package;
	*ret_began = true;
	return ASSAY_OK;
}

void assay_claims_abandon(struct assay_walk *walk)
{
	struct assay_package *package = walk->package;

	walk->package = package->outer;
	for (size_t i = 0; i < package->count; i++)
		release_party(&package->parties[i]);
	assay_arena_release(&package->arena);
	free(package);
}

/* ---- what is met on the way ---------------------------------------------------------------------------- */

static bool part_matches(const struct assay_walk *walk, size_t part, const char *glob)
{
	char *name = assay_span_dup(walk->path[walk->package->base + part]);
	bool matches = name && fnmatch(glob, name, FNM_PATHNAME) == 0;

	free(name);
	return matches;
}

/* Parts of the path from the package to here; 0 when it leads into more files than it names: the parts
 * of a picture have no name of their own and are no files of the package. */
static size_t parts_of_path(const struct assay_walk *walk)
{
	const struct assay_package *package = walk->package;
	size_t parts = walk->path_count > package->base ? walk->path_count - package->base : 0;

	return parts && walk->depth == package->depth + parts - 1 ? parts : 0;
}

/* The path leads from the package through that archive, decoded or not, to a member. */
static bool lies_in(const struct assay_walk *walk, const char *archive)
{
	size_t parts = parts_of_path(walk);

	if (!archive)
		return parts == 1;
	return (parts == 2 || parts == 3) && part_matches(walk, 0, archive);
}

static bool is_claimed(const struct party *party, struct assay_span name)
{
	size_t left, right;

	assay_claims_about(&party->claims[0], name, &left);
	assay_claims_about(&party->claims[1], name, &right);
	return left + right > 0 || party->who->rule == ASSAY_CLAIM_SIZE;
}

bool assay_claims_wanted(const struct assay_walk *walk, struct assay_span name)
{
	const struct assay_package *package = walk->package;

	name = assay_claim_name(name);
	for (size_t i = 0; package && i < package->count; i++)
		if (is_claimed(&package->parties[i], name) &&
		    lies_in(walk, package->parties[i].who->files))
			return true;
	return false;
}

static struct fact *new_fact(struct party *party, struct assay_span name)
{
	struct fact *fact;

	if (party->fact_count == party->fact_room) {
		size_t room = party->fact_room ? 2 * party->fact_room : 64;
		void *bigger = reallocarray(party->facts, room, sizeof(*party->facts));

		if (!bigger)
			return NULL;
		party->facts = bigger;
		party->fact_room = room;
	}
	fact = &party->facts[party->fact_count];
	*fact = (struct fact){ .name = assay_span_dup(name) };
	if (!fact->name)
		return NULL;
	party->fact_count++;
	return fact;
}

/* Every claim of a side about the file must be true of that side's content. */
static void test_side(const struct assay_claims *claims, struct assay_span name,
		      struct assay_span content, bool present, const char **ret_hex, bool *ret_lies)
{
	size_t count;
	const struct assay_claim *claim = assay_claims_about(claims, name, &count);
	char real[ASSAY_HASH_TEXT];

	for (size_t i = 0; i < count && !*ret_lies; i++, claim++) {
		*ret_hex = claim->hex;
		*ret_lies = !present ||
			    (claim->size != ASSAY_NO_SIZE && claim->size != content.len) ||
			    strcmp(claim->hex, assay_hash_hex(claim->hash, content, real)) != 0;
	}
}

/* One side's part of the work; the sides do not meet. */
struct testing {
	const struct assay_claims *claims;
	struct assay_span name, content;
	bool present, lies;
	const char *hex;
};

static void *test_main(void *data)
{
	struct testing *t = data;

	test_side(t->claims, t->name, t->content, t->present, &t->hex, &t->lies);
	return NULL;
}

/* Large files are summed on both cores. */
static void test_both(const struct assay_walk *walk, struct testing sides[2])
{
	pthread_t thread;
	bool started = walk->two_threads && sides[0].present && sides[1].present &&
		       sides[1].content.len >= THREAD_WORTH &&
		       pthread_create(&thread, NULL, test_main, &sides[1]) == 0;

	test_main(&sides[0]);
	if (started)
		pthread_join(thread, NULL);
	else
		test_main(&sides[1]);
}

static void note_fact(const struct assay_walk *walk, struct party *party, struct fact *fact,
		      struct assay_span name, const struct assay_span contents[2],
		      const bool present[2])
{
	struct testing sides[2];

	for (size_t i = 0; i < 2; i++)
		sides[i] = (struct testing){ &party->claims[i], name, contents[i], present[i],
					     false, NULL };
	test_both(walk, sides);
	for (size_t i = 0; i < 2; i++) {
		fact->hex[i] = sides[i].hex;
		fact->lies[i] = sides[i].lies;
		/* as dpkg-gencontrol counts: whole KiB, one for a directory */
		if (present[i])
			party->kib[i] += assay_span_ends(name, "/") ?
						 1 :
						 (contents[i].len + 1023) / 1024;
	}
}

void assay_claims_note(struct assay_walk *walk, struct assay_span name, struct assay_span left,
		       bool left_present, struct assay_span right, bool right_present)
{
	struct assay_package *package = walk->package;
	const struct assay_span contents[2] = { left, right };
	const bool present[2] = { left_present, right_present };

	name = assay_claim_name(name);
	for (size_t i = 0; package && i < package->count; i++) {
		struct party *party = &package->parties[i];
		struct fact *fact;

		if (!is_claimed(party, name) || !lies_in(walk, party->who->files))
			continue;
		fact = new_fact(party, name);
		if (!fact) {
			party->follows = false; /* nothing is called true then */
			continue;
		}
		party->files++;
		note_fact(walk, party, fact, name, contents, present);
	}
}

static struct assay_span keep(struct assay_arena *arena, struct assay_span s)
{
	const char *copy = assay_arena_text(arena, s);

	return assay_span_of(copy, copy ? s.len : 0);
}

/* The path leads to the text of this claimant. */
static bool is_text_of(const struct assay_walk *walk, const struct assay_claimant *who)
{
	const char *const *way = who->taken[0] ? who->taken : who->text;
	size_t parts = parts_of_path(walk);

	if (!way[0])
		return false;
	if (!way[1])
		return parts == 1 && part_matches(walk, 0, way[0]);
	return (parts == 2 || parts == 3) && part_matches(walk, 0, way[0]) &&
	       part_matches(walk, parts - 1, way[1]);
}

bool assay_claims_take(struct assay_walk *walk, struct assay_span left, struct assay_span right)
{
	struct assay_package *package = walk->package;

	if (!package || left.len > CLAIM_MAX || right.len > CLAIM_MAX ||
	    walk->path_count <= package->base || walk->path_count - package->base > TEXT_PATH)
		return false;
	for (size_t i = 0; i < package->count; i++) {
		struct party *party = &package->parties[i];

		if (party->taken || !is_text_of(walk, party->who))
			continue;
		party->text[0] = keep(&package->arena, left);
		party->text[1] = keep(&package->arena, right);
		for (size_t k = package->base; k < walk->path_count; k++)
			party->path[party->path_count++] = keep(&package->arena, walk->path[k]);
		if (!party->text[0].data || !party->text[1].data)
			return false;
		party->taken = true;
		walk->recorded++;
		walk->roots++; /* its own size and sums follow from it */
		return true;
	}
	return false;
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static int by_fact_name(const void *a, const void *b)
{
	return strcmp(((const struct fact *)a)->name, ((const struct fact *)b)->name);
}

static bool has_fact(const struct party *party, struct assay_span name)
{
	for (size_t low = 0, high = party->fact_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = assay_span_compare(assay_span_text(party->facts[middle].name), name);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static enum assay_code record_lie(struct assay_walk *walk, struct assay_scope *up, struct party *party,
				  struct assay_span name, const char *whose, const char *const hex[2],
				  struct assay_error *err)
{
	char text[512], shown[240];
	struct assay_difference d = {
		.field = &field_lie,
		.left_present = hex[0] != NULL,
		.right_present = hex[1] != NULL,
		.values = { { assay_span_text(hex[0]), assay_span_text(hex[1]) },
			    hex[0] != NULL,
			    hex[1] != NULL },
		.confidence = ASSAY_CERTAIN,
		.severity = field_lie.severity,
		.explanation = text,
	};
	enum assay_code code;

	party->follows = false;
	if (++party->lies > LIES_SHOWN)
		return ASSAY_OK;
	snprintf(text, sizeof(text), "%s of %s is false for %s: the claim and the content disagree",
		 party->who->label, whose, assay_span_show(name, shown, sizeof(shown)));
	if (!assay_walk_push(walk, name))
		return ASSAY_OK;
	code = assay_walk_record(walk, up, &d, NULL, err);
	assay_walk_pop(walk);
	return code;
}

/* Of files that differ, each side's claims are held against its content. */
static enum assay_code judge_facts(struct assay_walk *walk, struct assay_scope *up,
				   struct party *party, struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < party->fact_count && !code; i++) {
		const struct fact *fact = &party->facts[i];

		if (fact->lies[0] || fact->lies[1])
			code = record_lie(walk, up, party, assay_span_text(fact->name),
					  fact->lies[0] && fact->lies[1] ? "both sides" :
					  fact->lies[0]			 ? "the left side" :
									   "the right side",
					  fact->hex, err);
	}
	return code;
}

/* Two claims about one content cannot both be true. */
static enum assay_code judge_equal_files(struct assay_walk *walk, struct assay_scope *up,
					 struct party *party, struct assay_error *err)
{
	const struct assay_claims *left = &party->claims[0], *right = &party->claims[1];
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < left->count && !code; i++) {
		const struct assay_claim *l = &left->items[i], *r = assay_claims_like(right, l);

		if (has_fact(party, l->name))
			continue;
		if (!r)
			party->follows = false;
		else if (strcmp(l->hex, r->hex) != 0 || l->size != r->size)
			code = record_lie(walk, up, party, l->name, "one side",
					  (const char *const[2]){ l->hex, r->hex }, err);
	}
	for (size_t i = 0; i < right->count; i++)
		if (!has_fact(party, right->items[i].name) && !assay_claims_like(left, &right->items[i]))
			party->follows = false;
	return code;
}

/* Lines that both sides have must stand in one order. */
static bool orders_agree(const struct assay_claims *left, const struct assay_claims *right)
{
	size_t *order = calloc(left->count + 1, sizeof(*order)), last = 0;
	bool agree = order != NULL;

	for (size_t i = 0; agree && i < left->count; i++) {
		const struct assay_claim *other = assay_claims_like(right, &left->items[i]);

		order[left->items[i].order] = other ? other->order + 1 : 0;
	}
	for (size_t i = 0; agree && i < left->count; i++) {
		agree = order[i] == 0 || order[i] > last;
		last = order[i] ? order[i] : last;
	}
	free(order);
	return agree;
}

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
static bool size_follows(const struct party *party)
{
	struct assay_span before[2], behind[2];
	uint64_t claimed[2];

	for (size_t i = 0; i < 2; i++)
		if (!cut_size(party->text[i], &before[i], &behind[i], &claimed[i]))
			return false;
	return assay_span_equal(before[0], before[1]) && assay_span_equal(behind[0], behind[1]) &&
	       claimed[0] - claimed[1] == party->kib[0] - party->kib[1];
}

/* White space stands at the same places: digests have one length, and nothing else may move. */
static bool layout_agrees(struct assay_span left, struct assay_span right)
{
	for (size_t i = 0; left.len == right.len && i < left.len; i++) {
		bool l = memchr(" \t\r\n", left.data[i], 4) != NULL;
		bool r = memchr(" \t\r\n", right.data[i], 4) != NULL;

		if (l != r || (l && left.data[i] != right.data[i]))
			return false;
	}
	return left.len == right.len;
}

static bool masked_agree(const struct assay_claims *left, const struct assay_claims *right)
{
	if (!left->masked.len || left->masked.failed || right->masked.failed)
		return false;
	/* what was read from a package itself is masked byte by byte */
	if (left->text.len && !layout_agrees(assay_buf_span(&left->text), assay_buf_span(&right->text)))
		return false;
	return assay_span_equal(assay_buf_span(&left->masked), assay_buf_span(&right->masked));
}

/* The texts are those that the claims were read from, and nothing but true claims differs in them. */
static bool text_follows(const struct party *party)
{
	const struct assay_claims *left = &party->claims[0], *right = &party->claims[1];

	if (!party->follows || !party->files || left->odd || right->odd)
		return false;
	switch (party->who->rule) {
	case ASSAY_CLAIM_SIZE:
		return size_follows(party);
	case ASSAY_CLAIM_LINES:
		return orders_agree(left, right);
	case ASSAY_CLAIM_SET:
		return true;
	case ASSAY_CLAIM_MASKED:
		return masked_agree(left, right);
	default:
		return false;
	}
}

/* Derived fields of a format follow from the files only when they could be held against them. */
static enum assay_code judge_unreadable(struct assay_walk *walk, struct assay_scope *up,
					const struct party *party, struct assay_error *err)
{
	char text[256];
	struct assay_difference d = {
		.field = &field_unreadable,
		.left_present = true,
		.right_present = true,
		.confidence = ASSAY_CERTAIN,
		.severity = field_unreadable.severity,
		.explanation = text,
	};

	if (party->who->rule != ASSAY_CLAIM_FIELD || (!party->claims[0].odd && !party->claims[1].odd))
		return ASSAY_OK;
	snprintf(text, sizeof(text), "%s: %s", party->who->label, field_unreadable.rule);
	return assay_walk_record(walk, up, &d, NULL, err);
}

/* What becomes of a text that was taken. */
static enum assay_code settle(struct assay_walk *walk, struct assay_scope *up,
			      const struct party *party, struct assay_error *err)
{
	size_t before = walk->path_count, container = walk->container_count;
	enum assay_code code;

	if (!party->taken)
		return ASSAY_OK;
	if (text_follows(party)) {
		assay_ledger_follow(&walk->ledger,
				    assay_bytes_differing(party->text[0], party->text[1]));
		return ASSAY_OK;
	}
	for (size_t i = 0; i < party->path_count; i++)
		if (!assay_walk_push(walk, party->path[i]))
			break;
	walk->container_count = walk->path_count - 1;
	code = assay_walk_content(walk, up, party->text[0], party->text[1], err);
	walk->path_count = before;
	walk->container_count = container;
	return code;
}

enum assay_code assay_claims_end(struct assay_walk *walk, struct assay_scope *up,
				 struct assay_error *err)
{
	struct assay_package *package = walk->package;
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < package->count && !code; i++) {
		struct party *party = &package->parties[i];

		if (party->fact_count)
			qsort(party->facts, party->fact_count, sizeof(*party->facts), by_fact_name);
		code = judge_facts(walk, up, party, err);
		if (!code)
			code = judge_equal_files(walk, up, party, err);
		if (!code)
			code = judge_unreadable(walk, up, party, err);
		if (!code)
			code = settle(walk, up, party, err);
	}
	assay_claims_abandon(walk);
	return code;
}
