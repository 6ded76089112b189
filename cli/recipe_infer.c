/* SPDX-License-Identifier: Apache-2.0 */
/* assay recipe infer: the recipe, and the lock beside it, by which a package URL would be rebuilt. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/job.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/recipe.h"
#include "cli.h"

int assay_cli_recipe_infer(int argc, char **argv);

/* "x.lock" for "dir/x.yaml" */
static char *lock_path(const char *recipe)
{
	const char *dot = strrchr(assay_path_base(recipe), '.');
	char *path = NULL;

	if (asprintf(&path, "%.*s.lock", dot ? (int)(dot - recipe) : (int)strlen(recipe), recipe) < 0)
		return NULL;
	return path;
}

static enum assay_code infer(const char *target, const char *store, const char *output,
			     struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf recipe = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_buf_release) struct assay_buf lock = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	assay_auto(assay_freep) char *beside = lock_path(output);
	struct assay_recipe checked;

	if (!beside)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_job_infer(store, target, assay_path_base(beside), &recipe, &lock, err) ||
	    assay_recipe_parse(assay_buf_span(&recipe), output, false, &checked, err))
		return err->code;
	assay_recipe_release(&checked);
	if (assay_file_write(AT_FDCWD, beside, assay_buf_span(&lock), 0644, err) ||
	    assay_file_write(AT_FDCWD, output, assay_buf_span(&recipe), 0644, err))
		return err->code;
	printf("%s\n%s\n", output, beside);
	return ASSAY_OK;
}

int assay_cli_recipe_infer(int argc, char **argv)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *store = NULL, *output = NULL;
	const struct cli_option options[] = {
		{ "output", CLI_TEXT, &output },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("recipe infer", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	if (!output)
		return cli_usage("recipe infer", "want --output=FILE for the recipe");
	return infer(args[0], store, output, &err) ? cli_fail(&err) : 0;
}
