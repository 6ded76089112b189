/* SPDX-License-Identifier: Apache-2.0 */
/* assay compare A B: how two files or directories differ, and whether that matters. */
#include "assay/compare.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/textdiff.h"
#include "assay/verdict.h"
#include "cli.h"
#include "output.h"

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

static enum assay_code run(const char *const paths[3], json_t **ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int left_fd = -1;
	assay_auto(assay_fd_closep) int right_fd = -1;
	assay_auto(assay_fd_closep) int left_spill = -1;
	assay_auto(assay_fd_closep) int right_spill = -1;
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	/* directories are opened from inside */
	struct assay_jail jail = { .what = "compare",
				   .answer_max = ASSAY_MAX_REPORT,
				   .readable = paths };
	struct work work = { .options = { .threads = 2 } };

	if (open_side(paths[0], &work.left, &left_fd, err) ||
	    open_side(paths[1], &work.right, &right_fd, err))
		return err->code;
	if (assay_spill_open(&left_spill, err) || assay_spill_open(&right_spill, err))
		return err->code;
	work.options.spill_fd[0] = left_spill;
	work.options.spill_fd[1] = right_spill;
	if (!assay_text_diff_init())
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	if (assay_jail_run(&jail, compare, &work, &answer, err))
		return err->code;
	return assay_json_parse(assay_buf_span(&answer), "report", ret, err);
}

/* Files are still written; only standard output is closed to us. */
static bool silence(void)
{
	assay_auto(assay_fd_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	return null >= 0 && dup2(null, STDOUT_FILENO) >= 0;
}

static int exit_status(const json_t *report, const char *accept)
{
	enum assay_verdict verdict = ASSAY_FARM_ERROR;

	assay_verdict_parse(assay_json_text(report, "verdict", ""), &verdict);
	return assay_verdict_exit_status(verdict, assay_json_text(report, "grade", NULL), accept);
}

int assay_cli_compare(int argc, char **argv);
int assay_cli_compare(int argc, char **argv)
{
	struct cli_outputs outputs = { 0 };
	bool quiet = false;
	const char *accept = "reproducible";
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &accept },
		{ "html", CLI_TEXT, &outputs.html },
		{ "json", CLI_OPTIONAL, &outputs.json },
		{ "json-format", CLI_TEXT, &outputs.json_format },
		{ "junit", CLI_TEXT, &outputs.junit },
		{ "markdown", CLI_TEXT, &outputs.markdown },
		{ "quiet", CLI_FLAG, &quiet },
		{ "sarif", CLI_TEXT, &outputs.sarif },
		{ "verbose", CLI_FLAG, &outputs.verbose },
		{ NULL, CLI_FLAG, NULL },
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("compare", argc, argv, options, 2, 2, &args, &count);
	assay_auto(assay_json_freep) json_t *report = NULL;
	const char *paths[3] = { NULL, NULL, NULL };

	if (status)
		return status;
	if (!assay_accept_is_known(accept))
		return cli_usage("compare",
				 "--accept: want reproducible, equivalent, encoding, container or "
				 "code, have \"%s\"",
				 accept);
	status = cli_outputs_check("compare", &outputs);
	if (status)
		return status;
	outputs.accept = accept;
	paths[0] = args[0];
	paths[1] = args[1];
	if (run(paths, &report, &err)) {
		cli_fail(&err);
		return 2; /* trouble, as in cmp and diff */
	}
	if (quiet && !silence())
		return 2;
	status = cli_outputs_write(&outputs, report, &err);
	return status ? 2 : exit_status(report, accept);
}
