/* SPDX-License-Identifier: Apache-2.0 */
/* assay normalize FILE...: the canonical form, and which passes made it. */
#include "assay/normalize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/xattr.h"
#include "cli.h"
#include "jailed.h"
#include "normalize.h"

enum { EXIT_WOULD_CHANGE = 1, EXIT_TROUBLE = 2, EXIT_KEPT = 3 };

/* ---- one file -------------------------------------------------------------------------------------- */

struct work {
	struct assay_side file;
	int out;
	const struct assay_normalize_options *options;
};

/* In the jail: the file is hostile. */
static enum assay_code normalize(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct work *work = data;
	assay_auto(assay_json_freep) json_t *result = NULL;

	/* what an attempt before may have left */
	if (lseek(work->out, 0, SEEK_SET) || ftruncate(work->out, 0))
		return assay_fail_errno(err, "output");
	if (assay_normalize(&work->file, work->out, work->options, &result, err))
		return err->code;
	assay_json_dump(result, answer);
	return assay_buf_check(answer, "normalize", err);
}

/* Whoever used it last is dead; what it left there is gone. */
static enum assay_code empty(int fd, struct assay_error *err)
{
	return ftruncate(fd, 0) ? assay_fail_errno(err, "temporary file") : ASSAY_OK;
}

static enum assay_code run_jailed(const struct cli_normalize *run, int fd, int out, const char *shown,
				  json_t **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_jail jail = { .what = shown, .answer_max = ASSAY_MAX_REPORT };
	struct assay_normalize_options options = run->options;
	struct work work = { { .name = shown, .fd = fd }, out, &options };

	if (empty(options.spill_fd, err) || empty(options.scratch_fd, err) ||
	    cli_run_jailed(&jail, (const int[]){ fd, -1 }, normalize, &work, &answer, err))
		return err->code;
	return assay_json_parse(assay_buf_span(&answer), "normalize", ret, err);
}

static bool has_state(const json_t *result, const char *state)
{
	return strcmp(assay_json_text(result, "state", ""), state) == 0;
}

/* The new file is the old one but for its bytes. */
static enum assay_code keep_status(int fd, int old, const struct stat *st, const char *shown,
				   struct assay_error *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	struct stat now;

	if (fstat(fd, &now))
		return assay_fail_errno(err, "%s", shown);
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) && fchown(fd, st->st_uid, st->st_gid))
		return assay_fail_errno(err, "%s: keep the owner", shown);
	if (fchmod(fd, st->st_mode & 07777))
		return assay_fail_errno(err, "%s: keep the mode", shown);
	if (assay_xattrs_copy(old, fd, NULL, err))
		return assay_context(err, "%s: keep the extended attributes", shown);
	if (futimens(fd, times))
		return assay_fail_errno(err, "%s: keep the times", shown);
	return ASSAY_OK;
}

static enum assay_code replace(const struct cli_normalize *run, int dirfd, const char *name,
			       const char *shown, int fd, json_t **ret, struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;
	struct stat st;

	if (fstat(fd, &st))
		return assay_fail_errno(err, "%s", shown);
	if (assay_draft_open(&draft, dirfd, name, 0600, err) ||
	    run_jailed(run, fd, draft.fd, shown, ret, err))
		return err->code;
	if (!has_state(*ret, "changed"))
		return ASSAY_OK;
	if (keep_status(draft.fd, fd, &st, shown, err))
		return err->code;
	return assay_draft_commit(&draft, err);
}

static enum assay_code write_output(const struct cli_normalize *run, int fd, const char *shown,
				    json_t **ret, struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;

	if (assay_draft_open(&draft, AT_FDCWD, run->output, 0644, err) ||
	    run_jailed(run, fd, draft.fd, shown, ret, err))
		return err->code;
	return has_state(*ret, "kept") ? ASSAY_OK : assay_draft_commit(&draft, err);
}

static enum assay_code write_nowhere(const struct cli_normalize *run, int fd, const char *shown,
				     json_t **ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int out = -1;

	if (assay_spill_open(&out, err) || run_jailed(run, fd, out, shown, ret, err))
		return err->code;
	if (run->mode == CLI_NORMALIZE_CHECK || has_state(*ret, "kept"))
		return ASSAY_OK;
	if (lseek(out, 0, SEEK_SET) < 0)
		return assay_fail_errno(err, "%s", shown);
	return assay_fd_copy(out, STDOUT_FILENO, NULL, err);
}

static enum assay_code open_file(const struct cli_normalize *run, int dirfd, const char *name,
				 const char *shown, bool inside, int *ret, struct assay_error *err)
{
	/* a link could lead anywhere, and the name is what would be replaced */
	int follow = inside || run->mode == CLI_NORMALIZE_IN_PLACE ? O_NOFOLLOW : 0;
	struct stat st;

	*ret = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | follow);
	if (*ret < 0 && errno == ELOOP)
		return assay_fail(err, ASSAY_EINPUT, "%s: is a symbolic link; name the file it leads to",
				  shown);
	if (*ret < 0 || fstat(*ret, &st))
		return assay_fail_errno(err, "%s", shown);
	if (!S_ISREG(st.st_mode))
		return assay_fail(err, ASSAY_EINPUT, "%s: want a regular file", shown);
	return ASSAY_OK;
}

enum assay_code cli_normalize_file(struct cli_normalize *run, int dirfd, const char *name,
				   const char *shown, bool inside, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	json_t *result = NULL;
	enum assay_code code = open_file(run, dirfd, name, shown, inside, &fd, err);

	if (!code && run->mode == CLI_NORMALIZE_IN_PLACE)
		code = replace(run, dirfd, name, shown, fd, &result, err);
	else if (!code && run->mode == CLI_NORMALIZE_OUTPUT)
		code = write_output(run, fd, shown, &result, err);
	else if (!code)
		code = write_nowhere(run, fd, shown, &result, err);
	if (code) {
		json_decref(result);
		return code;
	}
	run->kept |= has_state(result, "kept");
	run->changed |= has_state(result, "changed");
	if (!inside || !has_state(result, "canonical"))
		cli_normalize_print(run, result);
	assay_json_append(run->files, result);
	return ASSAY_OK;
}

/* ---- the command line ------------------------------------------------------------------------------ */

/* Of the specification: a decimal number of seconds, nothing else. */
static bool read_epoch(struct assay_normalize_options *options)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value;

	if (!text)
		return true;
	if (!assay_span_parse_u64(assay_span_text(text), &value) || value > INT64_MAX)
		return false;
	options->has_epoch = true;
	options->epoch = (int64_t)value;
	return true;
}

static int check_passes(const struct cli_list *list, bool unsafe)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *why = assay_normalize_refuses(list->items[i], unsafe);

		if (why)
			return cli_usage("normalize", "--%s=%s: %s; --passes lists them",
					 unsafe ? "unsafe" : "skip", list->items[i], why);
	}
	return 0;
}

static int run_all(struct cli_normalize *run, char **args, int count)
{
	assay_auto(assay_fd_closep) int spill = -1;
	assay_auto(assay_fd_closep) int scratch = -1;
	struct assay_error none = ASSAY_ERROR_INIT;
	int status = 0;

	run->files = assay_json_array();
	if (assay_spill_open(&spill, &none) || assay_spill_open(&scratch, &none)) {
		cli_fail(&none);
		return EXIT_TROUBLE;
	}
	run->options.spill_fd = spill;
	run->options.scratch_fd = scratch;
	assay_digest_prepare();
	for (int i = 0; i < count; i++) {
		struct assay_error err = ASSAY_ERROR_INIT;
		struct stat st;
		enum assay_code code;

		if (stat(args[i], &st) == 0 && S_ISDIR(st.st_mode))
			code = cli_normalize_directory(run, args[i], &err);
		else
			code = cli_normalize_file(run, AT_FDCWD, args[i], args[i], false, &err);
		if (code) {
			cli_fail(&err);
			status = EXIT_TROUBLE;
		}
	}
	if (run->failed)
		status = EXIT_TROUBLE;
	if (!status && run->mode == CLI_NORMALIZE_CHECK && run->changed)
		status = EXIT_WOULD_CHANGE;
	return !status && run->kept ? EXIT_KEPT : status;
}

static int choose_mode(struct cli_normalize *run, bool check, bool in_place, const char *first, int count)
{
	struct stat st;

	if (check + in_place + (run->output != NULL) > 1)
		return cli_usage("normalize", "--check, --in-place and --output exclude each other");
	run->mode = check		? CLI_NORMALIZE_CHECK :
		    in_place	? CLI_NORMALIZE_IN_PLACE :
		    run->output ? CLI_NORMALIZE_OUTPUT :
				  CLI_NORMALIZE_STDOUT;
	if (check || in_place)
		return 0;
	if (count > 1 || (stat(first, &st) == 0 && S_ISDIR(st.st_mode)))
		return cli_usage("normalize", "several files: want --check or --in-place");
	if (!run->output && isatty(STDOUT_FILENO))
		return cli_usage("normalize", "will not write to a terminal: want --output, --in-place "
					      "or --check");
	return 0;
}

/* What the command line says must fit together before a file is touched. */
static int check_arguments(struct cli_normalize *run, const struct cli_list *skip,
			   const struct cli_list *unsafe, int count)
{
	int status;

	if (count == 0)
		return cli_usage("normalize", "want a file");
	if (!read_epoch(&run->options))
		return cli_usage("normalize", "SOURCE_DATE_EPOCH: want seconds since 1970, have \"%s\"",
				 getenv("SOURCE_DATE_EPOCH"));
	status = check_passes(skip, false);
	return status ? status : check_passes(unsafe, true);
}

int assay_cli_normalize(int argc, char **argv);
int assay_cli_normalize(int argc, char **argv)
{
	struct cli_normalize run = { .json = { 0 } };
	struct cli_list skip = { 0 }, unsafe = { 0 };
	bool check = false, in_place = false, passes = false;
	const struct cli_option options[] = {
		{ "check", CLI_FLAG, &check },
		{ "in-place", CLI_FLAG, &in_place },
		{ "json", CLI_OPTIONAL, &run.json },
		{ "keep-encoding", CLI_FLAG, &run.options.keep_encoding },
		{ "list", CLI_FLAG, &passes },
		{ "o", CLI_TEXT, &run.output },
		{ "output", CLI_TEXT, &run.output },
		{ "passes", CLI_FLAG, &passes },
		{ "quiet", CLI_FLAG, &run.quiet },
		{ "skip", CLI_LIST, &skip },
		{ "unsafe", CLI_LIST, &unsafe },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("normalize", argc, argv, options, 0, 1000000, &args, &count);

	if (status)
		return status;
	if (passes)
		return cli_normalize_list(&run);
	status = check_arguments(&run, &skip, &unsafe, count);
	if (!status)
		status = choose_mode(&run, check, in_place, args[0], count);
	if (!status) {
		run.options.skip = skip.items;
		run.options.unsafe = unsafe.items;
		status = run_all(&run, args, count);
		if (!cli_normalize_report(&run))
			status = EXIT_TROUBLE;
	}
	free(skip.items);
	free(unsafe.items);
	json_decref(run.files);
	return status;
}
