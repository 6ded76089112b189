/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a package URL to a recipe: the first stages of its job are run, and what they found out is
 * written down as data.  All text is quoted as JSON does it, which YAML reads the same.
 */
#include "job_int.h"

#include <string.h>

#include "assay/cleanup.h"

static void add_quoted(struct assay_buf *out, const char *text)
{
	assay_auto(assay_json_freep) json_t *value = json_string(text);
	assay_auto(assay_freep) char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	if (quoted)
		assay_buf_add_text(out, quoted);
	else
		out->failed = ASSAY_EINPUT; /* not UTF-8: a recipe cannot say it */
}

static void add_line(struct assay_buf *out, const char *key, const char *text)
{
	assay_buf_add_text(out, key);
	add_quoted(out, text);
	assay_buf_add_text(out, "\n");
}

/* Those that a recipe has otherwise, or not at all. */
static void add_variables(const struct assay_job *job, struct assay_buf *out)
{
	static const char *const own[] = { "DEB_", "PATH=", "HOME=" };

	assay_buf_add_text(out, "  variables:\n");
	for (const char *const *v = job->plan.env; *v; v++)
		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			if (strncmp(*v, own[i], strlen(own[i])) == 0) {
				const char *equals = strchr(*v, '=');

				assay_buf_printf(out, "    %.*s: ", (int)(equals - *v), *v);
				add_line(out, "", equals + 1);
			}
}

/* The source is unpacked and entered by the recipe's own rules: what comes after "cd <tree>". */
static void add_commands(const struct assay_job *job, struct assay_buf *out)
{
	const char *const *command = job->plan.commands;

	while (*command && strncmp(*command, "cd ", 3) != 0)
		command++;
	assay_buf_add_text(out, "build:\n");
	/* dpkg-buildpackage then takes it from the changelog, which the next command changes */
	if (job->build.is_binnmu)
		assay_buf_add_text(out, "  - unset SOURCE_DATE_EPOCH\n");
	for (command += *command != NULL; *command; command++)
		add_line(out, "  - ", *command);
	for (size_t i = 0; i < job->build.subject_count; i++) {
		assay_buf_add_text(out, "  - ");
		assay_buf_printf(out, "cp ../%s .\n", job->build.subjects[i].name);
	}
}

static void add_artifacts(const struct assay_job *job, struct assay_buf *out)
{
	char hex[ASSAY_DIGEST_TEXT];

	assay_buf_add_text(out, "artifacts:\n");
	for (size_t i = 0; i < job->build.subject_count; i++) {
		const struct assay_debian_file *file = &job->build.subjects[i];

		add_line(out, "  - built: ", file->name);
		add_line(out, "    published: ", file->url);
		assay_buf_printf(out, "    sha256: %s\n", assay_digest_hex(&file->sha256, hex));
	}
}

static void write_recipe(const struct assay_job *job, const char *lock_name, struct assay_buf *out)
{
	const struct assay_debian_build *b = &job->build;

	assay_buf_printf(out, "# How %s is rebuilt; written by `assay recipe infer`.\n",
			 job->options->target);
	assay_buf_printf(out, "recipe: 1\nname: %s\nsource:\n  apt-source: ", b->source);
	assay_buf_printf(out, "%s=%s\n", b->source, b->source_version);
	assay_buf_printf(out, "environment:\n  debian:\n    suite: %s\n", job->lock.suite);
	add_line(out, "    lock: ", lock_name);
	add_line(out, "  path: ", b->build_path);
	assay_buf_printf(out, "  cpus: %u\n", job->plan.cpus);
	add_variables(job, out);
	add_commands(job, out);
	add_artifacts(job, out);
	assay_buf_add_text(out, "accept: reproducible\n");
}

static enum assay_code infer(struct assay_job *job, const char *lock_name,
			     struct assay_buf *ret_recipe, struct assay_buf *ret_lock,
			     struct assay_error *err)
{
	if (job->target != &assay_target_debian)
		return assay_fail(err, ASSAY_EUSAGE, "want a package URL, have \"%s\"",
				  job->options->target);
	if (job->target->admit(job, err) || job->target->inputs(job, err) ||
	    job->target->checkout(job, err))
		return err->code;
	write_recipe(job, lock_name, ret_recipe);
	if (ret_recipe->failed == ASSAY_EINPUT)
		return assay_fail(err, ASSAY_EINPUT,
				  "%s: want commands and names in UTF-8, have other bytes",
				  job->options->target);
	assay_lock_write(&job->lock, ret_lock);
	return assay_buf_check(ret_recipe, "recipe", err) ? err->code
							  : assay_buf_check(ret_lock, "lock", err);
}

enum assay_code assay_job_infer(const char *store, const char *target, const char *lock_name,
				struct assay_buf *ret_recipe, struct assay_buf *ret_lock,
				struct assay_error *err)
{
	struct assay_job_options options = { .target = target, .store = store };
	struct assay_job job = ASSAY_JOB_INIT(&options);
	enum assay_code code = assay_job_open(&job, err);

	if (!code)
		code = infer(&job, lock_name, ret_recipe, ret_lock, err);
	assay_job_close(&job);
	return code;
}
