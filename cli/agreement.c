/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who agrees with whom: files with the same bytes, or directories with the same content, are a group, groups are
 * compared with each other, and those found equivalent are one class.  With many groups each is compared with the
 * first only, and that is said.
 */
#include "agreement.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/verdict.h"
#include "pair.h"

enum { GROUPS_HELD_AGAINST_EACH_OTHER = 6 };

struct group {
	const char *members[CLI_MAX_CANDIDATES];
	size_t member_count;
	bool is_directory;
	struct assay_digest digest; /* of a file, and so the size */
	uint64_t size;
	size_t class; /* index of the first group that it is equivalent to */
};

struct agreement {
	struct group groups[CLI_MAX_CANDIDATES];
	size_t count;
	json_t *subjects;
	enum assay_verdict verdict;
};

/* ---- groups -------------------------------------------------------------------------------------- */

/* The digest found the candidate, the bytes decide. */
static enum assay_code have_equal_bytes(const char *a, const char *b, bool *ret,
					struct assay_error *err)
{
	assay_auto(assay_fd_closep) int left = -1;
	assay_auto(assay_fd_closep) int right = -1;
	char l[64 * ASSAY_KIB], r[64 * ASSAY_KIB];
	ssize_t got = 1;

	if (assay_file_open(AT_FDCWD, a, &left, err) || assay_file_open(AT_FDCWD, b, &right, err))
		return err->code;
	*ret = true;
	while (*ret && got > 0) {
		got = read(left, l, sizeof(l));
		if (got < 0)
			return assay_fail_errno(err, "%s", a);
		if (got == 0)
			*ret = read(right, r, 1) == 0;
		else if (assay_fd_read_exact(right, r, (size_t)got, err))
			return assay_context(err, "%s", b);
		else
			*ret = memcmp(l, r, (size_t)got) == 0;
	}
	return ASSAY_OK;
}

static enum assay_code pair_verdict(const char *a, const char *b, json_t **ret_report,
				    enum assay_verdict *ret, struct assay_error *err)
{
	if (cli_pair_compare(a, b, NULL, ret_report, err))
		return err->code;
	*ret = ASSAY_FARM_ERROR;
	assay_verdict_parse(assay_json_text(*ret_report, "verdict", ""), ret);
	return ASSAY_OK;
}

static enum assay_code is_of(const struct group *group, const struct group *candidate, bool *ret,
			     struct assay_error *err)
{
	const char *a = group->members[0], *b = candidate->members[0];
	assay_auto(assay_json_freep) json_t *report = NULL;
	enum assay_verdict verdict;

	*ret = false;
	if (group->is_directory != candidate->is_directory)
		return ASSAY_OK;
	if (!group->is_directory)
		return group->size == candidate->size &&
				       assay_digest_equal(&group->digest, &candidate->digest) ?
			       have_equal_bytes(a, b, ret, err) :
			       ASSAY_OK;
	if (pair_verdict(a, b, &report, &verdict, err))
		return err->code;
	*ret = verdict == ASSAY_REPRODUCIBLE;
	return ASSAY_OK;
}

static enum assay_code look_at(const char *path, struct group *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	struct stat st;

	*ret = (struct group){ .members = { path }, .member_count = 1 };
	if (stat(path, &st))
		return assay_fail_errno(err, "%s", path);
	ret->is_directory = S_ISDIR(st.st_mode);
	if (ret->is_directory)
		return ASSAY_OK;
	if (assay_file_open(AT_FDCWD, path, &fd, err))
		return assay_context(err, "of more than two, each must be a file or a directory");
	if (assay_digest_fd(fd, &ret->digest, &ret->size, err))
		return assay_context(err, "%s", path);
	return ASSAY_OK;
}

static enum assay_code place(struct agreement *all, const char *path, struct assay_error *err)
{
	struct group candidate;

	if (look_at(path, &candidate, err))
		return err->code;
	for (struct group *group = all->groups; group < all->groups + all->count; group++) {
		bool equal;

		if (is_of(group, &candidate, &equal, err))
			return err->code;
		if (equal) {
			group->members[group->member_count++] = path;
			return ASSAY_OK;
		}
	}
	candidate.class = all->count;
	all->groups[all->count++] = candidate;
	return ASSAY_OK;
}

/* ---- classes ------------------------------------------------------------------------------------- */

static void join(struct agreement *all, size_t a, size_t b)
{
	size_t keep = all->groups[a].class, drop = all->groups[b].class;

	if (drop < keep) {
		size_t other = keep;

		keep = drop;
		drop = other;
	}
	for (size_t i = 0; i < all->count; i++)
		if (all->groups[i].class == drop)
			all->groups[i].class = keep;
}

static enum assay_code hold_against(struct agreement *all, size_t a, size_t b,
				    struct assay_error *err)
{
	json_t *report;
	enum assay_verdict verdict;

	if (pair_verdict(all->groups[a].members[0], all->groups[b].members[0], &report, &verdict, err))
		return err->code;
	if (verdict == ASSAY_EQUIVALENT)
		join(all, a, b);
	if (verdict > all->verdict)
		all->verdict = verdict;
	assay_json_append(all->subjects, report);
	return ASSAY_OK;
}

static enum assay_code compare_groups(struct agreement *all, struct assay_error *err)
{
	size_t rows = all->count <= GROUPS_HELD_AGAINST_EACH_OTHER ? all->count : 1;

	for (size_t a = 0; a < rows; a++)
		for (size_t b = a + 1; b < all->count; b++)
			if (hold_against(all, a, b, err))
				return err->code;
	return ASSAY_OK;
}

/* ---- the report ---------------------------------------------------------------------------------- */

static json_t *groups_json(const struct agreement *all)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < all->count; i++) {
		const struct group *group = &all->groups[i];
		json_t *object = assay_json_object(), *members = assay_json_array();
		char hex[ASSAY_DIGEST_TEXT];

		for (size_t k = 0; k < group->member_count; k++)
			assay_json_append(members, assay_json_name(assay_span_text(group->members[k])));
		assay_json_set(object, "members", members);
		if (!group->is_directory) {
			assay_json_set_text(object, "sha256", assay_digest_hex(&group->digest, hex));
			assay_json_set_int(object, "size", (int64_t)group->size);
		}
		assay_json_set_int(object, "class", (int64_t)group->class);
		assay_json_append(list, object);
	}
	return list;
}

static void reason(const struct agreement *all, size_t candidates, struct assay_buf *out)
{
	size_t classes = 0, directories = 0;

	for (size_t i = 0; i < all->count; i++) {
		classes += all->groups[i].class == i;
		directories += all->groups[i].is_directory;
	}
	if (all->count == 1) {
		assay_buf_printf(out, "all %zu are bit for bit identical", candidates);
		return;
	}
	assay_buf_printf(out, "%zu %s fall into %zu groups of the same bytes", candidates,
			 directories == 0 ? "files" : directories == all->count ? "directories" : "candidates", all->count);
	if (classes < all->count)
		assay_buf_printf(out, ", %zu class%s when what is equivalent counts as the same", classes,
				 classes == 1 ? "" : "es");
	if (all->count > GROUPS_HELD_AGAINST_EACH_OTHER)
		assay_buf_add_text(out, "; each group was compared with the first one only");
}

/* The grade that accepts them all is the widest of theirs. */
static const char *widest_grade(const json_t *subjects)
{
	const char *widest = "encoding";
	size_t i;
	json_t *pair;

	json_array_foreach(subjects, i, pair)
		if (assay_verdict_exit_status(ASSAY_EQUIVALENT, assay_json_text(pair, "grade", widest),
					      widest))
			widest = assay_json_text(pair, "grade", widest);
	return widest;
}

static json_t *report_of(struct agreement *all, size_t files)
{
	json_t *report = assay_json_object();
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	char target[40];

	reason(all, files, &text);
	snprintf(target, sizeof(target), "%zu candidates", files);
	assay_json_set_text(report, "schema", "assay.agreement/1");
	assay_json_set_text(report, "verdict", assay_verdict_name(all->verdict));
	assay_json_set_text(report, "reason", assay_buf_text(&text));
	assay_json_set_text(report, "target", target);
	assay_json_set(report, "groups", groups_json(all));
	assay_json_set(report, "subjects", json_incref(all->subjects));
	assay_json_set_bool(report, "truncated", all->count > GROUPS_HELD_AGAINST_EACH_OTHER);
	if (all->verdict == ASSAY_EQUIVALENT)
		assay_json_set_text(report, "grade", widest_grade(all->subjects));
	assay_buf_release(&text);
	return report;
}

enum assay_code cli_agreement(char *const *paths, size_t count, json_t **ret,
			      struct assay_error *err)
{
	struct agreement *all = calloc(1, sizeof(*all));
	enum assay_code code = ASSAY_OK;

	if (!all)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	all->subjects = assay_json_array();
	all->verdict = ASSAY_REPRODUCIBLE;
	for (size_t i = 0; !code && i < count; i++)
		code = place(all, paths[i], err);
	if (!code)
		code = compare_groups(all, err);
	if (!code)
		*ret = report_of(all, count);
	json_decref(all->subjects);
	free(all);
	return code;
}
