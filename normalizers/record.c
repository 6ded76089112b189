/* SPDX-License-Identifier: Apache-2.0 */
/* From a difference to the ledger: may it be folded, what is its cause, what follows from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/limits.h"
#include "walk.h"

#define BLOCK 4096 /* equal blocks are not looked at byte by byte */

struct assay_pending {
	struct assay_ledger_entry entry; /* everything in it lives in the ledger's arena */
};

const struct assay_field assay_field_added = {
	.name = "member.presence",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.cause = ASSAY_CAUSE_ADDED,
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "a member that only one side has is something that only one side installs",
};

const struct assay_field assay_field_renamed = {
	.name = "member.name",
	.kind = ASSAY_METADATA,
	.rating = ASSAY_RATE_NEVER,
	.cause = "member_renamed",
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "the same content under another name is found by other programs",
};

const struct assay_field assay_field_order = {
	.name = "member.order",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.cause = "random_order_in_archive",
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "readers that stream, and readers that take the first of two, see the order",
};

const struct assay_field assay_field_unaccounted = {
	.name = "file.unaccounted",
	.kind = ASSAY_STRUCTURE,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_STRUCTURE,
	.cause = ASSAY_CAUSE_UNACCOUNTED,
	.rule = "the bytes differ and no part of the format says how",
};

const struct assay_field assay_field_format = {
	.name = "file.format",
	.kind = ASSAY_CONTENT,
	.rating = ASSAY_RATE_NEVER,
	.severity = ASSAY_SEVERITY_DATA,
	.rule = "the two sides are files of different formats",
};

bool assay_walk_push(struct assay_walk *walk, struct assay_span name)
{
	if (walk->path_count == ASSAY_MAX_PATH) {
		assay_walk_truncated(walk, "path: too many parts");
		return false;
	}
	walk->path[walk->path_count++] = name;
	return true;
}

void assay_walk_pop(struct assay_walk *walk)
{
	walk->path_count--;
}

void assay_walk_truncated(struct assay_walk *walk, const char *why)
{
	if (!walk->truncated)
		snprintf(walk->why_truncated, sizeof(walk->why_truncated), "%s", why);
	walk->truncated = true;
}

/* "PREFIXpath: what (offset N)" */
static void note(const struct assay_walk *walk, char *out, size_t size, const char *prefix,
		 const char *what, uint64_t offset)
{
	size_t used = (size_t)snprintf(out, size, "%s", prefix);
	char shown[200];

	for (size_t i = 0; i < walk->path_count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s: ",
					 assay_span_show(walk->path[i], shown, sizeof(shown)));
	if (used < size)
		snprintf(out + used, size - used, "%s (offset %llu)", what, (unsigned long long)offset);
}

void assay_walk_ambiguous(struct assay_walk *walk, int side, const char *reason, uint64_t offset)
{
	char *out = walk->structure[side];

	if (!out[0])
		note(walk, out, sizeof(walk->structure[side]), "ambiguous: ", reason, offset);
}

void assay_walk_signed(struct assay_walk *walk, int side, const char *by, uint64_t offset)
{
	char *out = walk->signature[side];

	if (!out[0])
		note(walk, out, sizeof(walk->signature[side]), "", by, offset);
}

struct assay_range assay_range_middle(struct assay_span left, struct assay_span right)
{
	size_t common = left.len < right.len ? left.len : right.len;
	size_t head = 0, tail = 0;

	while (head + 4096 <= common && memcmp(left.data + head, right.data + head, 4096) == 0)
		head += 4096;
	while (head < common && left.data[head] == right.data[head])
		head++;
	while (tail < common - head &&
	       left.data[left.len - tail - 1] == right.data[right.len - tail - 1])
		tail++;
	return (struct assay_range){ head, left.len - head - tail, head, right.len - head - tail };
}

uint64_t assay_bytes_differing(struct assay_span left, struct assay_span right)
{
	struct assay_range middle;
	uint64_t count = 0;

	if (left.len == right.len) {
		for (size_t at = 0; at < left.len; at += BLOCK) {
			size_t len = left.len - at < BLOCK ? left.len - at : BLOCK;

			if (memcmp(left.data + at, right.data + at, len) == 0)
				continue;
			for (size_t i = at; i < at + len; i++)
				count += left.data[i] != right.data[i];
		}
		return count;
	}
	middle = assay_range_middle(left, right);
	return middle.left_length > middle.right_length ? middle.left_length : middle.right_length;
}

static bool holds_members(const struct assay_node *group)
{
	for (const struct assay_node *n = group->first; n; n = n->next)
		if (n->flags & ASSAY_NODE_MEMBER)
			return true;
	return false;
}

/* The nearest archive around: conditions over members are asked of it. */
static struct assay_scope *archive_of(struct assay_scope *scope)
{
	while (scope && !(scope->pairs && (holds_members(scope->left_node) ||
					   holds_members(scope->right_node))))
		scope = scope->up;
	return scope;
}

static bool is_in_package(const struct assay_scope *scope)
{
	for (; scope; scope = scope->up)
		if (scope->left->format->is_package || scope->right->format->is_package)
			return true;
	return false;
}

static enum assay_code members_hold(struct assay_scope *archive, const struct assay_field *field,
				    const struct assay_check *check, bool *ret,
				    struct assay_error *err)
{
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; i < archive->judged_count; i++) {
		if (archive->judged[i].check == check && archive->judged[i].field == field) {
			*ret = archive->judged[i].holds;
			return ASSAY_OK;
		}
	}
	if (!archive->facts_ready) {
		code = assay_facts_collect(archive->left, archive->pairs, false,
					   &archive->left_facts, err);
		if (!code)
			code = assay_facts_collect(archive->right, archive->pairs, true,
						   &archive->right_facts, err);
		if (code)
			return code;
		archive->left_facts.in_package = archive->right_facts.in_package =
			is_in_package(archive);
		archive->facts_ready = true;
	}
	*ret = check->members(&archive->left_facts, &archive->right_facts, archive->pairs, field);
	if (archive->judged_count < ASSAY_MAX_JUDGED) {
		archive->judged[archive->judged_count].check = check;
		archive->judged[archive->judged_count].field = field;
		archive->judged[archive->judged_count++].holds = *ret;
	}
	return ASSAY_OK;
}

/* A node around the file that the scope stands in is read as it is: a tar archive that pixels make is no archive. */
static bool is_in_raw(const struct assay_scope *scope)
{
	for (const struct assay_scope *s = scope; s; s = s->up)
		if (s->left != scope->left && (s->left_node->flags | s->right_node->flags) & ASSAY_NODE_RAW)
			return true;
	return false;
}

enum assay_code assay_walk_judge(struct assay_scope *scope, const struct assay_field *field,
				 struct assay_span left, struct assay_span right, bool *ret_folds,
				 const char **ret_condition, struct assay_error *err)
{
	const struct assay_check *check = field->check;
	struct assay_scope *archive;

	*ret_folds = field->rating == ASSAY_RATE_SAFE && field->pass;
	*ret_condition = NULL;
	if (field->rating != ASSAY_RATE_NEVER && is_in_raw(scope)) {
		*ret_folds = false;
		*ret_condition = "a file, not bytes that a reader takes as they are";
		return ASSAY_OK;
	}
	if (field->rating != ASSAY_RATE_CHECKED || !field->pass || !check)
		return ASSAY_OK;
	*ret_condition = check->condition;
	if (check->leaf) {
		*ret_folds = check->leaf(left, right);
		return ASSAY_OK;
	}
	archive = archive_of(scope);
	if (!archive)
		return ASSAY_OK;
	return members_hold(archive, field, check, ret_folds, err);
}

static void fill_cause(const struct assay_scope *scope, const struct assay_difference *d,
		       struct assay_ledger_entry *entry)
{
	entry->cause = d->cause;
	entry->confidence = d->confidence;
	if (d->cause || d->is_unexplained)
		return;
	if (scope && scope->story) {
		entry->cause = scope->story->cause->id;
		entry->confidence = scope->story->confidence;
		if (!entry->explanation || !entry->explanation[0])
			entry->explanation = scope->story->explanation;
	} else if (d->field->cause) {
		entry->cause = d->field->cause;
		if (d->field->kind == ASSAY_CONTENT)
			entry->confidence = ASSAY_LIKELY;
	}
}

static enum assay_code make_entry(const struct assay_walk *walk, struct assay_scope *scope,
				  const struct assay_difference *d,
				  struct assay_ledger_entry *ret, struct assay_error *err)
{
	const char *condition;
	bool folds;
	enum assay_code code =
		assay_walk_judge(scope, d->field, d->left, d->right, &folds, &condition, err);

	if (code)
		return code;
	*ret = (struct assay_ledger_entry){
		.path = walk->path,
		.path_count = walk->path_count,
		.container_count = walk->container_count,
		.field = d->field,
		.severity = d->severity,
		.values = d->values,
		.explanation = d->explanation,
		.diff = d->diff,
		.ranges = d->ranges,
		.range_count = d->range_count,
		.bytes = d->bytes,
		.pass = folds ? d->field->pass : NULL,
		.condition = condition,
	};
	fill_cause(scope, d, ret);
	return ASSAY_OK;
}

enum assay_code assay_walk_record(struct assay_walk *walk, struct assay_scope *scope,
				  const struct assay_difference *difference,
				  struct assay_divergence **ret, struct assay_error *err)
{
	struct assay_ledger_entry entry;
	struct assay_divergence *divergence;
	enum assay_code code = make_entry(walk, scope, difference, &entry, err);

	if (code)
		return code;
	divergence = assay_ledger_add(&walk->ledger, &entry);
	walk->recorded++;
	walk->roots++;
	if (ret)
		*ret = divergence;
	return ASSAY_OK;
}

static bool copy_entry(struct assay_arena *arena, struct assay_ledger_entry *entry)
{
	struct assay_span *path = assay_arena_alloc(arena, (entry->path_count + 1) * sizeof(*path));
	struct assay_range *ranges =
		assay_arena_alloc(arena, (entry->range_count + 1) * sizeof(*ranges));
	struct assay_span *texts[] = { &entry->values.text.left, &entry->values.text.right };
	bool ok = path && ranges;

	for (size_t i = 0; ok && i < entry->path_count; i++) {
		const char *name = assay_arena_text(arena, entry->path[i]);

		path[i] = assay_span_of(name, entry->path[i].len);
		ok = name != NULL;
	}
	for (size_t i = 0; ok && i < entry->range_count; i++)
		ranges[i] = entry->ranges[i];
	for (size_t i = 0; ok && i < 2; i++) {
		*texts[i] = assay_span_cut(*texts[i], 0, ASSAY_MAX_VALUE_SHOWN + 1);
		texts[i]->data = (const uint8_t *)assay_arena_text(arena, *texts[i]);
		ok = texts[i]->data != NULL;
	}
	entry->path = path;
	entry->ranges = ranges;
	if (ok && entry->explanation)
		entry->explanation =
			assay_arena_text(arena, assay_span_text(entry->explanation));
	if (ok && entry->cause)
		entry->cause = assay_arena_text(arena, assay_span_text(entry->cause));
	return ok;
}

enum assay_code assay_walk_defer(struct assay_walk *walk, struct assay_scope *scope,
				 const struct assay_difference *difference, struct assay_error *err)
{
	struct assay_ledger_entry entry;
	enum assay_code code = make_entry(walk, scope, difference, &entry, err);

	if (code)
		return code;
	if (walk->pending_count == walk->pending_room) {
		size_t room = walk->pending_room ? 2 * walk->pending_room : 64;
		void *bigger = reallocarray(walk->pending, room, sizeof(*walk->pending));

		if (!bigger)
			return assay_fail(err, ASSAY_ENOMEM, "derived spans: out of memory");
		walk->pending = bigger;
		walk->pending_room = room;
	}
	if (!copy_entry(&walk->ledger.arena, &entry)) {
		walk->ledger.truncated = true;
		walk->ledger.dropped += difference->bytes;
	} else {
		walk->pending[walk->pending_count++].entry = entry;
	}
	walk->recorded++;
	return ASSAY_OK;
}

void assay_walk_settle(struct assay_walk *walk, size_t pending_before, uint64_t roots_before,
		       bool final)
{
	bool follows = walk->roots > roots_before;

	if (!follows && !final)
		return;
	while (walk->pending_count > pending_before) {
		const struct assay_ledger_entry *entry = &walk->pending[--walk->pending_count].entry;

		if (follows)
			assay_ledger_follow(&walk->ledger, entry->bytes);
		else
			assay_ledger_add(&walk->ledger, entry);
		walk->roots += !follows;
		/* several derived spans without a root do not explain each other */
	}
}
