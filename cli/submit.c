/* SPDX-License-Identifier: Apache-2.0 */
/* assay submit TARGET...: jobs into the queue. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/recipe.h"
#include "buildinfo.h"
#include "cli.h"
#include "farm.h"
#include "job_body.h"

int assay_cli_submit(int argc, char **argv);

struct arguments {
	const char *buildinfos, *file, *key, *socket, *store;
	struct cli_job_wish wish;
	bool upload; /* recipes, for the workers have not got them */
	struct assay_http_client *client;
	size_t new_jobs, known_jobs;
};

static json_t *body_of(const struct arguments *a, const char *target)
{
	json_t *body = cli_job_body(&a->wish);

	assay_json_set_text(body, "target", target);
	if (a->key)
		assay_json_set_text(body, "key", a->key);
	return body;
}

/* A recipe that was edited is another job, though its path is the same. */
static enum assay_code add_recipe(const char *target, json_t *body, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = open(target, O_RDONLY | O_CLOEXEC);
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];

	if (fd < 0)
		return assay_fail_errno(err, "%s", target);
	if (assay_digest_fd(fd, &digest, NULL, err))
		return assay_context(err, "%s", target);
	assay_json_set_text(json_object_get(body, "options"), "recipe", assay_digest_hex(&digest, hex));
	return ASSAY_OK;
}

/* What it reads beside itself goes with it, under the paths by which it names them. */
static enum assay_code upload_files(struct arguments *a, const struct assay_recipe *recipe,
				    json_t *files, struct assay_error *err)
{
	struct assay_recipe_place place;

	for (size_t i = 0; assay_recipe_place(recipe, i, &place); i++) {
		assay_auto(assay_freep) char *path = NULL;
		char hex[ASSAY_DIGEST_TEXT];
		bool beside;

		if (assay_recipe_place_check(recipe, &place, &beside, err))
			return err->code;
		if (!beside || json_object_get(files, place.location))
			continue;
		path = assay_recipe_locate(recipe, place.location);
		if (!path)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (assay_http_upload(a->client, path, hex, err))
			return assay_context(err, "%s: %s", recipe->path, place.what);
		assay_json_set_text(files, place.location, hex);
	}
	return ASSAY_OK;
}

/* *ret: the target that stands for it there. */
static enum assay_code upload_recipe(struct arguments *a, const char *path, json_t *options,
				     char **ret, struct assay_error *err)
{
	json_t *files = assay_json_object();
	struct assay_recipe recipe;
	char hex[ASSAY_DIGEST_TEXT];
	enum assay_code code;

	assay_json_set(options, "files", files);
	if (assay_recipe_load(path, &recipe, err))
		return err->code;
	code = upload_files(a, &recipe, files, err);
	if (!code)
		code = assay_http_upload(a->client, path, hex, err);
	if (!code && asprintf(ret, "recipe:%s", recipe.name) < 0)
		code = assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!code)
		assay_json_set_text(options, "recipe", hex);
	assay_recipe_release(&recipe);
	return code;
}

typedef enum assay_code submit_line(struct arguments *a, const char *line, struct assay_error *err);

static enum assay_code send_job(struct arguments *a, const json_t *body, const char *given, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *answer = NULL;
	const char *how;

	if (assay_http_call(a->client, "POST", "/v1/jobs", body, &answer, err))
		return err->code;
	how = assay_json_text(answer, "admission", "");
	*(strcmp(how, "new") == 0 ? &a->new_jobs : &a->known_jobs) += 1;
	printf("%lld  %s  %s\n", (long long)assay_json_int(answer, "job", 0), how, given);
	return ASSAY_OK;
}

static enum assay_code submit(struct arguments *a, const char *given, struct assay_error *err)
{
	assay_auto(assay_freep) char *target = cli_job_target(given);
	assay_auto(assay_freep) char *stand_in = NULL;
	assay_auto(assay_json_freep) json_t *body = NULL;

	if (!target)
		return assay_fail_errno(err, "%s", given);
	body = body_of(a, target);
	if (*target == '/' && !a->upload && add_recipe(target, body, err))
		return err->code;
	if (*target == '/' && a->upload) {
		if (upload_recipe(a, target, json_object_get(body, "options"), &stand_in, err))
			return err->code;
		assay_json_set_text(body, "target", stand_in);
	}
	return send_job(a, body, given, err);
}

/* The worker fetches it from the scheduler's store, by its digest. */
static enum assay_code submit_buildinfo(struct arguments *a, const char *location, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_freep) char *target = NULL;
	assay_auto(assay_json_freep) json_t *body = NULL;
	char hex[ASSAY_DIGEST_TEXT];

	if (cli_buildinfo_read(a->store, location, &path, &target, err) ||
	    assay_http_upload(a->client, path, hex, err))
		return err->code;
	body = body_of(a, target);
	assay_json_set_text(json_object_get(body, "options"), "buildinfo", hex);
	return send_job(a, body, location, err);
}

/* One target a line; empty lines and those that begin with # are passed over. */
static enum assay_code submit_file(struct arguments *a, const char *file, submit_line *line_of, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_span rest, line;

	if (strcmp(file, "-") == 0 ? assay_buf_read_fd(&text, STDIN_FILENO, err) :
				     assay_file_read(AT_FDCWD, file, &text, err))
		return err->code;
	rest = assay_buf_span(&text);
	for (size_t number = 1; assay_span_next_line(&rest, &line); number++) {
		struct assay_span word = assay_span_trim(line);
		assay_auto(assay_freep) char *target = NULL;

		if (!word.len || word.data[0] == '#')
			continue;
		target = assay_span_dup(word);
		if (!target)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (line_of(a, target, err))
			return assay_context(err, "%s:%zu", file, number);
	}
	return ASSAY_OK;
}

static int run(struct arguments *a, char **targets, int count)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	enum assay_code code = cli_farm_connect(a->store, a->socket, &a->client, &err);

	a->upload |= !code && assay_http_is_remote(a->client);
	for (int i = 0; !code && i < count; i++)
		code = submit(a, targets[i], &err);
	if (!code && a->file)
		code = submit_file(a, a->file, submit, &err);
	if (!code && a->buildinfos)
		code = submit_file(a, a->buildinfos, submit_buildinfo, &err);
	assay_http_client_free(a->client);
	if (code)
		return cli_fail(&err);
	if (a->new_jobs + a->known_jobs > 1)
		printf("%zu queued, %zu known before\n", a->new_jobs, a->known_jobs);
	return 0;
}

int assay_cli_submit(int argc, char **argv)
{
	struct arguments a = { .client = NULL };
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &a.wish.accept },
		{ "again", CLI_FLAG, &a.wish.again },
		{ "buildinfo-list", CLI_TEXT, &a.buildinfos },
		{ "file", CLI_TEXT, &a.file },
		{ "key", CLI_TEXT, &a.key },
		{ "needs", CLI_TEXT, &a.wish.needs },
		{ "pool", CLI_TEXT, &a.wish.pool },
		{ "priority", CLI_TEXT, &a.wish.priority },
		{ "require-signature", CLI_FLAG, &a.wish.require_signature },
		{ "socket", CLI_TEXT, &a.socket },
		{ "store", CLI_TEXT, &a.store },
		{ "upload", CLI_FLAG, &a.upload },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("submit", argc, argv, options, 0, 100000, &args, &count);

	if (status)
		return status;
	if (!count && !a.file && !a.buildinfos)
		return cli_usage("submit", "want a target, --file or --buildinfo-list");
	if (a.key && (count > 1 || a.file || a.buildinfos))
		return cli_usage("submit", "--key: want one target, for a key names one submission");
	status = cli_job_check("submit", &a.wish);
	return status ? status : run(&a, args, count);
}
