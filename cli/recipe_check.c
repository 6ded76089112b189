/* SPDX-License-Identifier: Apache-2.0 */
/* assay recipe check: is this recipe complete, and is its environment's lock readable. */
#include <fcntl.h>
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/debian.h"
#include "assay/file.h"
#include "assay/json.h"
#include "assay/limits.h"
#include "assay/recipe.h"
#include "cli.h"

int assay_cli_recipe_check(int argc, char **argv);

static enum assay_code check_lock(const struct assay_recipe *recipe, struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_lock lock = { .package_count = 0 };
	char *path;
	enum assay_code code;

	if (recipe->base != ASSAY_BASE_DEBIAN)
		return ASSAY_OK;
	path = assay_recipe_locate(recipe, recipe->lock);
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	code = assay_file_read(AT_FDCWD, path, &text, err);
	if (code == ASSAY_ENOTFOUND)
		code = assay_fail(err, ASSAY_EINPUT,
				  "%s: environment.debian.lock: want a lock at %s, have no such "
				  "file; `assay recipe lock` writes it",
				  recipe->path, path);
	if (!code)
		code = assay_lock_read(assay_buf_span(&text), path, &lock, err);
	if (!code && strcmp(lock.suite, recipe->suite) != 0)
		code = assay_fail(err, ASSAY_EINPUT,
				  "%s: environment.debian.suite: want \"%s\" as in %s, have \"%s\"",
				  recipe->path, lock.suite, path, recipe->suite);
	assay_lock_release(&lock);
	assay_buf_release(&text);
	free(path);
	return code;
}

static enum assay_code check_file(const char *path, json_t *row, struct assay_error *err)
{
	struct assay_recipe recipe;
	char hex[ASSAY_DIGEST_TEXT];
	enum assay_code code;

	if (assay_recipe_load(path, &recipe, err))
		return err->code;
	assay_json_set_text(row, "name", recipe.name);
	assay_json_set_text(row, "sha256", assay_digest_hex(&recipe.digest, hex));
	code = check_lock(&recipe, err);
	assay_recipe_release(&recipe);
	return code;
}

int assay_cli_recipe_check(int argc, char **argv)
{
	assay_auto(assay_json_freep) json_t *answer = assay_json_object();
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	json_t *rows = assay_json_array();
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json },
		{ NULL, CLI_FLAG, NULL },
	};
	char **files;
	int count, worst = cli_parse("recipe check", argc, argv, options, 1, 10000, &files, &count);

	assay_json_set_text(answer, "schema", "assay.recipe-check/1");
	assay_json_set(answer, "recipes", rows);
	if (worst)
		return worst;
	for (int i = 0; i < count; i++) {
		struct assay_error err = ASSAY_ERROR_INIT;
		json_t *row = assay_json_object();
		enum assay_code code = check_file(files[i], row, &err);
		int status = code ? assay_code_exit_status(code) : 0;

		assay_json_append(rows, row);
		assay_json_set_text(row, "file", files[i]);
		assay_json_set_bool(row, "ok", !code);
		if (code)
			assay_json_set_text(row, "error", err.msg);
		if (!json && code)
			cli_fail(&err);
		else if (!json)
			printf("%s: ok\n", files[i]);
		worst = status > worst ? status : worst;
	}
	if (json) {
		assay_json_dump(answer, &out);
		fputs(assay_buf_text(&out), stdout);
	}
	assay_buf_release(&out);
	return worst;
}
