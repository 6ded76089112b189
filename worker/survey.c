/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything in the box is dead by now, so nothing changes underneath.  What is noted here changes no
 * verdict by itself: an artifact that is no file has none to compare, and its bits and names are compared
 * as its format has them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "workspace.h"

struct survey {
	json_t *attempt;
	char path[4096]; /* cut when it is longer */
	size_t len;
	unsigned depth;
	uint64_t files, directories, links, bytes, entries;
	bool truncated;
};

void assay_job_add_finding(json_t *attempt, const char *path, const char *kind, const char *detail)
{
	json_t *list = json_object_get(attempt, "findings"), *finding;
	json_t *counts = json_object_get(attempt, "finding_counts");

	if (!list) {
		list = assay_json_array();
		assay_json_set(attempt, "findings", list);
		counts = assay_json_object();
		assay_json_set(attempt, "finding_counts", counts);
	}
	assay_json_set_int(counts, kind, assay_json_int(counts, kind, 0) + 1);
	/* a flood of one kind must not hide another */
	if (assay_json_int(counts, kind, 0) > ASSAY_MAX_FINDINGS)
		return;
	finding = assay_json_object();
	assay_json_set(finding, "path", assay_json_name(assay_span_text(path)));
	assay_json_set_text(finding, "kind", kind);
	assay_json_set(finding, "detail", assay_json_name(assay_span_text(detail)));
	assay_json_append(list, finding);
}

static void note(struct survey *s, const char *kind, const char *detail)
{
	assay_job_add_finding(s->attempt, s->path, kind, detail);
}

/* What a person reads wrongly, or a program takes for something else. */
static const char *name_trouble(const char *name)
{
	struct assay_span text = assay_span_text(name);
	char shown[1100];

	if (!assay_span_is_utf8(text))
		return "not UTF-8";
	if (strcmp(assay_span_show(text, shown, sizeof(shown)), name) != 0)
		return "control or invisible characters";
	if (name[0] == '-')
		return "begins like an option";
	if (name[0] == ' ' || name[text.len - 1] == ' ')
		return "begins or ends with a blank";
	return NULL;
}

static const struct {
	unsigned type;
	const char *kind;
} kinds[] = {
	{ S_IFCHR, "device" }, { S_IFBLK, "device" }, { S_IFIFO, "fifo" }, { S_IFSOCK, "socket" },
};

/* Capabilities make a program what the set-id bit makes it. */
static void look_at_file(struct survey *s, int dir, const char *name, const struct stat *st)
{
	assay_auto(assay_fd_closep) int fd = -1;

	s->files++;
	s->bytes += (uint64_t)st->st_blocks * 512;
	if (st->st_mode & (S_ISUID | S_ISGID))
		note(s, st->st_mode & S_ISUID ? "setuid" : "setgid", "its bits are not kept");
	if (!(st->st_mode & 0111))
		return;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		note(s, "capabilities", "they are not kept");
}

static void look_at_tree(struct survey *s, int dir);

static void look_at_directory(struct survey *s, int dir, const char *name)
{
	assay_auto(assay_fd_closep) int below = -1;

	s->directories++;
	if (s->depth >= ASSAY_MAX_CHECKOUT_DEPTH) {
		note(s, "depth", "not looked into");
		s->truncated = true;
		return;
	}
	below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0) {
		note(s, "unreadable", strerror(errno));
		s->truncated = true;
		return;
	}
	look_at_tree(s, below);
}

static void look_at_entry(struct survey *s, int dir, const char *name)
{
	const char *trouble = name_trouble(name);
	struct stat st;

	if (trouble)
		note(s, "name", trouble);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((st.st_mode & S_IFMT) == kinds[i].type)
			note(s, kinds[i].kind, "not collected");
	if (S_ISLNK(st.st_mode))
		s->links++;
	else if (S_ISDIR(st.st_mode))
		look_at_directory(s, dir, name);
	else if (S_ISREG(st.st_mode))
		look_at_file(s, dir, name, &st);
}

static void look_at_tree(struct survey *s, int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *list = copy < 0 ? NULL : fdopendir(copy);
	size_t before = s->len;
	struct dirent *entry;

	s->depth++;
	while (list && (entry = readdir(list))) {
		int len;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++s->entries > ASSAY_MAX_MEMBERS) {
			s->truncated = true;
			break;
		}
		len = snprintf(s->path + before, sizeof(s->path) - before, "%s%s", before ? "/" : "",
			       entry->d_name);
		s->len = before + (size_t)len < sizeof(s->path) ? before + (size_t)len :
								  sizeof(s->path) - 1;
		look_at_entry(s, dir, entry->d_name);
	}
	s->depth--;
	s->len = before;
	s->path[before] = '\0';
}

enum assay_code assay_job_survey(struct assay_job *job, json_t *attempt, struct assay_error *err)
{
	assay_auto(assay_freep) struct survey *s = calloc(1, sizeof(*s));
	json_t *sums = assay_json_object();

	if (!s)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	s->attempt = attempt;
	if (job->box.workspace_fd >= 0)
		look_at_tree(s, job->box.workspace_fd);
	assay_json_set_int(sums, "files", (int64_t)s->files);
	assay_json_set_int(sums, "directories", (int64_t)s->directories);
	assay_json_set_int(sums, "links", (int64_t)s->links);
	assay_json_set_int(sums, "bytes", (int64_t)s->bytes);
	assay_json_set_bool(sums, "truncated", s->truncated);
	assay_json_set(attempt, "workspace", sums);
	return ASSAY_OK;
}
