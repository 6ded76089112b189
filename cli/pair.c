/* SPDX-License-Identifier: Apache-2.0 */
/* One comparison of two files or directories, in the jail. */
#include "pair.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "jailed.h"

static enum assay_code open_side(const char *path, struct assay_side *side, int *ret_fd,
				 struct assay_error *err)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*ret_fd < 0)
		return assay_fail_errno(err, "%s", path);
	side->name = path;
	side->fd = *ret_fd;
	return ASSAY_OK;
}

struct work {
	struct assay_side left, right;
	struct assay_compare_options options;
};

/* In the jail: both files are hostile. */
static enum assay_code compare(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct work *work = data;
	assay_auto(assay_json_freep) json_t *report = NULL;

	if (assay_compare(&work->left, &work->right, &work->options, &report, err))
		return err->code;
	assay_json_dump(report, answer);
	return assay_buf_check(answer, "report", err);
}

static bool is_directory(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

enum assay_code cli_pair_compare(const char *left, const char *right,
				 const struct cli_pair_contexts *contexts, json_t **ret,
				 struct assay_error *err)
{
	const char *const paths[3] = { left, right, NULL };
	assay_auto(assay_fd_closep) int left_fd = -1;
	assay_auto(assay_fd_closep) int right_fd = -1;
	assay_auto(assay_fd_closep) int left_spill = -1;
	assay_auto(assay_fd_closep) int right_spill = -1;
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	char what[1024];
	struct assay_jail jail = { .what = what, .answer_max = ASSAY_MAX_REPORT };
	struct work work = { .options = { .threads = 2 } };

	if (open_side(paths[0], &work.left, &left_fd, err) ||
	    open_side(paths[1], &work.right, &right_fd, err))
		return err->code;
	if (assay_compare_identical(&work.left, &work.right, ret, err) || *ret)
		return err->code;
	snprintf(what, sizeof(what), "%s and %s", left, right);
	/* what is in directories is opened from inside */
	if (is_directory(left_fd) || is_directory(right_fd))
		jail.readable = paths;
	if (assay_spill_open(&left_spill, err) || assay_spill_open(&right_spill, err))
		return err->code;
	if (assay_compare_prepare(left_fd, err) || assay_compare_prepare(right_fd, err))
		return err->code;
	if (contexts) {
		work.left.context = contexts->left;
		work.right.context = contexts->right;
	}
	work.options.spill_fd[0] = left_spill;
	work.options.spill_fd[1] = right_spill;
	if (cli_run_jailed(&jail, (const int[]){ left_fd, right_fd, -1 }, compare, &work, &answer, err))
		return err->code;
	return assay_json_parse(assay_buf_span(&answer), "report", ret, err);
}
