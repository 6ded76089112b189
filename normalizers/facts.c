/* SPDX-License-Identifier: Apache-2.0 */
/* What the conditions need to know of all members of one archive: gathered once, kept small. */
#include <stdlib.h>

#include "assay/limits.h"
#include "passes.h"

const char *assay_field_word(const struct assay_field *field)
{
	const char *dot = strrchr(field->name, '.');

	return dot ? dot + 1 : field->name;
}

/* Names by type, sorted: who is a link, and what lies below one. */
struct names {
	struct assay_span *all, *symlinks;
	struct {
		struct assay_span target; /* malloc'ed */
		size_t index;
	} *hardlinks;
	size_t *positions;
	size_t all_count, symlink_count, hardlink_count, room;
};

struct member {
	int64_t time;
	int32_t mode;
	struct assay_span type, linkname;
};

static void note_owner(struct assay_facts *facts, enum assay_owner_field which,
		       struct assay_span value)
{
	if (!facts->owners[which].seen) {
		facts->owners[which].seen = true;
		facts->owners[which].value =
			assay_span_of(assay_span_dup(value), value.len);
		facts->owners[which].varies = !facts->owners[which].value.data;
	} else if (!assay_span_equal(facts->owners[which].value, value)) {
		facts->owners[which].varies = true;
	}
}

static void note_attribute(struct assay_facts *facts, struct member *member,
			   const struct assay_attribute *attribute)
{
	static const char *const owners[ASSAY_OWNER_FIELDS] = { "uid", "gid", "uname", "gname" };
	const char *word = assay_field_word(attribute->field);

	if (strcmp(word, "mtime") == 0)
		member->time = attribute->number;
	else if (strcmp(word, "mode") == 0)
		member->mode = (int32_t)(attribute->number & 07777);
	else if (strcmp(word, "type") == 0)
		member->type = attribute->value;
	else if (strcmp(word, "linkname") == 0)
		member->linkname = attribute->value;
	for (size_t i = 0; i < ASSAY_OWNER_FIELDS; i++)
		if (strcmp(word, owners[i]) == 0)
			note_owner(facts, (enum assay_owner_field)i, attribute->value);
}

static bool note_names(struct names *names, const struct assay_node *node, size_t position,
		       const struct member *member)
{
	size_t at = names->all_count++;

	names->all[at] = node->name;
	names->positions[at] = position;
	if (assay_span_equal_text(member->type, "symlink"))
		names->symlinks[names->symlink_count++] = node->name;
	if (!assay_span_equal_text(member->type, "hardlink"))
		return true;
	names->hardlinks[names->hardlink_count].target = assay_span_of(
		assay_span_dup(member->linkname), member->linkname.len);
	names->hardlinks[names->hardlink_count].index = position;
	return names->hardlinks[names->hardlink_count++].target.data != NULL;
}

static enum assay_code note_member(const struct assay_anatomy *anatomy,
				   const struct assay_node *node, size_t index, size_t position,
				   struct names *names, struct assay_facts *facts,
				   struct assay_error *err)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MAX_TREE);
	struct member member = { .time = INT64_MIN, .mode = -1 };
	const struct assay_node *group;
	enum assay_code code = assay_anatomy_expand(anatomy, node, &arena, &group, err);

	for (const struct assay_attribute *a = code ? NULL : group->attributes; a; a = a->next)
		note_attribute(facts, &member, a);
	if (assay_span_equal_text(member.type, "symlink"))
		member.mode = -1;
	if (member.type.len && !assay_span_equal_text(member.type, "file"))
		member.time = INT64_MIN;
	facts->set_id |= member.mode >= 0 && (member.mode & 07000);
	if (index != SIZE_MAX) {
		facts->times[index] = member.time;
		facts->modes[index] = member.mode;
	}
	if (!code && !note_names(names, node, position, &member))
		code = assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	assay_arena_release(&arena);
	return code;
}

static int by_span(const void *a, const void *b)
{
	return assay_span_compare(*(const struct assay_span *)a, *(const struct assay_span *)b);
}

struct placed {
	struct assay_span name;
	size_t position;
};

static int by_placed(const void *a, const void *b)
{
	return assay_span_compare(((const struct placed *)a)->name,
				  ((const struct placed *)b)->name);
}

static struct assay_span without_slash(struct assay_span name)
{
	while (name.len > 1 && name.data[name.len - 1] == '/')
		name.len--;
	return name;
}

/* A hard link is made to what has been extracted before it. */
static bool judge_hardlinks(const struct names *names, struct assay_facts *facts)
{
	struct placed *sorted;

	if (!names->hardlink_count)
		return true;
	sorted = calloc(names->all_count + 1, sizeof(*sorted));
	if (!sorted)
		return false;
	for (size_t i = 0; i < names->all_count; i++)
		sorted[i] = (struct placed){ names->all[i], names->positions[i] };
	qsort(sorted, names->all_count, sizeof(*sorted), by_placed);
	for (size_t i = 0; i < names->hardlink_count; i++) {
		struct placed key = { names->hardlinks[i].target, 0 };
		const struct placed *hit = bsearch(&key, sorted, names->all_count, sizeof(*sorted),
						   by_placed);

		if (!hit || hit->position >= names->hardlinks[i].index)
			facts->link_before_target = true;
	}
	free(sorted);
	return true;
}

/* With the names sorted, what lies below "a" follows "a/" at once. */
static void judge_symlinks(struct names *names, struct assay_facts *facts)
{
	if (!names->symlink_count)
		return;
	qsort(names->symlinks, names->symlink_count, sizeof(*names->symlinks), by_span);
	for (size_t i = 0; i < names->all_count && !facts->below_symlink; i++) {
		struct assay_span path = without_slash(names->all[i]);

		for (size_t end = 1; end < path.len && !facts->below_symlink; end++) {
			struct assay_span above = assay_span_cut(path, 0, end);

			if (path.data[end] == '/')
				facts->below_symlink =
					bsearch(&above, names->symlinks, names->symlink_count,
						sizeof(*names->symlinks), by_span) != NULL;
		}
	}
}

static bool make_room(const struct assay_pairs *pairs, struct names *names,
		      struct assay_facts *facts)
{
	size_t room = pairs->count + 1;

	facts->times = calloc(room, sizeof(*facts->times));
	facts->modes = calloc(room, sizeof(*facts->modes));
	names->all = calloc(room, sizeof(*names->all));
	names->positions = calloc(room, sizeof(*names->positions));
	names->symlinks = calloc(room, sizeof(*names->symlinks));
	names->hardlinks = calloc(room, sizeof(*names->hardlinks));
	return facts->times && facts->modes && names->all && names->positions &&
	       names->symlinks && names->hardlinks;
}

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->hardlink_count; i++)
		free((void *)(uintptr_t)names->hardlinks[i].target.data);
	free(names->all);
	free(names->positions);
	free(names->symlinks);
	free(names->hardlinks);
}

enum assay_code assay_facts_collect(const struct assay_anatomy *anatomy,
				    const struct assay_pairs *pairs, bool right,
				    struct assay_facts *ret, struct assay_error *err)
{
	struct names names = { 0 };
	enum assay_code code = ASSAY_OK;
	bool ok = make_room(pairs, &names, ret);

	ret->count = pairs->matched;
	for (size_t i = 0; ok && !code && i < pairs->count; i++) {
		const struct assay_pair *pair = &pairs->items[i];
		const struct assay_node *node = right ? pair->right : pair->left;

		if (node && (node->flags & ASSAY_NODE_MEMBER))
			code = note_member(anatomy, node, i < pairs->matched ? i : SIZE_MAX,
					   right ? pair->right_index : pair->left_index, &names,
					   ret, err);
		else if (i < pairs->matched)
			ret->times[i] = INT64_MIN, ret->modes[i] = -1;
	}
	if (ok && !code) {
		ok = judge_hardlinks(&names, ret);
		judge_symlinks(&names, ret);
	}
	names_release(&names);
	if (!ok && !code)
		code = assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	if (code)
		assay_facts_release(ret);
	return code;
}

void assay_facts_release(struct assay_facts *facts)
{
	free(facts->times);
	free(facts->modes);
	for (size_t i = 0; i < ASSAY_OWNER_FIELDS; i++)
		free((void *)(uintptr_t)facts->owners[i].value.data);
	*facts = (struct assay_facts){ 0 };
}
