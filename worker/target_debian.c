/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Debian package as target: the archive says what source it was built from and vouches for every
 * file; the build's own rules say how.
 */
#include "job_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/log.h"
#include "assay/path.h"

#define BUILD_CPUS 2

static enum assay_code add_subject(struct assay_job *job, const struct assay_debian_file *file,
				   struct assay_error *err)
{
	struct assay_subject *subject = assay_job_add_subject(job, err);
	const char *slash = strrchr(job->build.build_path, '/');
	const char *below = job->build.build_path + strlen(ASSAY_DEBIAN_WORKSPACE) + 1;

	if (!subject)
		return err->code;
	subject->name = strdup(file->name);
	subject->sha256 = file->sha256;
	subject->size = file->size;
	if (!subject->name ||
	    asprintf(&subject->purl, "pkg:deb/debian/%s@%s?arch=%s", file->package, file->version,
		     file->architecture) < 0 ||
	    asprintf(&subject->built, "%.*s%s", (int)(slash + 1 - below), below, file->name) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	subject->signature = assay_json_object();
	assay_json_set_text(subject->signature, "scheme", "debian-archive");
	assay_json_set_text(subject->signature, "status", "valid");
	assay_json_set_text(subject->signature, "key", "");
	assay_json_set_text(subject->signature, "detail",
			    "InRelease, Packages and SHA-256 checked; see the chain of trust");
	return ASSAY_OK;
}

static enum assay_code admit(struct assay_job *job, struct assay_error *err)
{
	struct assay_debian_claim claim = {
		.path = job->options->buildinfo,
		.keyring = job->options->buildinfo_key,
		.must_be_signed = job->options->require_signature,
	};
	struct assay_debian_target target;
	enum assay_code code;

	if (!assay_debian_target_parse(job->options->target, &target, err))
		return err->code;
	code = assay_debian_resolve(job->store, &target, claim.path ? &claim : NULL, &job->build, err);
	json_decref(job->chain);
	job->chain = job->build.chain ? json_incref(job->build.chain) : assay_json_array();
	if (code)
		return code;
	for (size_t i = 0; i < job->build.subject_count; i++)
		if (add_subject(job, &job->build.subjects[i], err))
			return err->code;
	return assay_job_take_local_subjects(job, err);
}

static enum assay_code inputs(struct assay_job *job, struct assay_error *err)
{
	for (size_t i = 0; i < job->build.source_count; i++) {
		const struct assay_debian_file *file = &job->build.sources[i];

		assay_job_add_input(job, "source", file->name, &file->sha256, (int64_t)file->size);
	}
	assay_progress_start("inputs", "build dependencies of %s %s", job->build.source,
			     job->build.source_version);
	if (assay_lock_for_build(job->store, &job->build, &job->lock, err))
		return err->code;
	job->has_lock = true;
	assay_job_add_input(job, "lock", "build environment", &job->lock.digest, -1);
	assay_progress_end("%zu packages, exactly", job->lock.package_count);
	return ASSAY_OK;
}

/* Runs in the jail: the changelog inside a published package. */
struct extraction {
	struct assay_side side;
	struct assay_compare_options options;
	const char *path[3];
};

static enum assay_code extract(void *data, struct assay_buf *answer, struct assay_error *err)
{
	struct extraction *x = data;

	return assay_anatomy_extract(&x->side, x->path, &x->options, answer, err);
}

static enum assay_code extract_changelog(struct assay_job *job, const struct assay_debian_file *deb,
					 struct assay_buf *ret, struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	assay_auto(assay_fd_closep) int spill = -1;
	assay_auto(assay_freep) char *member = NULL;
	struct assay_jail jail = { .what = deb->name, .answer_max = ASSAY_MAX_TOOL_OUTPUT };
	struct extraction x;

	if (asprintf(&member, "./usr/share/doc/%s/changelog.Debian*.gz", deb->package) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_store_get(job->store, &deb->sha256, &fd, err) || assay_spill_open(&spill, err))
		return err->code;
	x = (struct extraction){
		.side = { deb->name, fd, NULL },
		.options = { { spill, -1 }, 1 },
		.path = { "data.tar*", member, NULL },
	};
	return assay_jail_run(&jail, extract, &x, ret, err);
}

/* A changelog entry ends with its trailer line, " -- name <mail>  date". */
static struct assay_span first_entry(struct assay_span changelog)
{
	struct assay_span rest = changelog, line;

	while (assay_span_next_line(&rest, &line))
		if (assay_span_starts(line, " -- "))
			return assay_span_of(changelog.data,
					     (size_t)(line.data + line.len - changelog.data));
	return assay_span_of(NULL, 0);
}

/* A binary-only rebuild is recorded nowhere but in the changelog of what was published: the entry
 * that says binary-only=yes goes before the source's own. */
static enum assay_code find_binnmu_entry(struct assay_job *job, struct assay_buf *ret,
					 struct assay_error *err)
{
	for (size_t i = 0; i < job->build.subject_count; i++) {
		assay_auto(assay_buf_release) struct assay_buf text =
			ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);
		struct assay_span entry;

		if (extract_changelog(job, &job->build.subjects[i], &text, err)) {
			if (err->code != ASSAY_ENOTFOUND)
				return err->code;
			continue;
		}
		entry = first_entry(assay_buf_span(&text));
		if (assay_span_find(entry, 0, assay_span_text("binary-only=yes")) == SIZE_MAX)
			continue;
		assay_buf_add_span(ret, entry);
		return assay_buf_check(ret, "changelog entry", err);
	}
	return assay_fail(err, ASSAY_ENOTFOUND,
			  "%s: binary-only rebuild: no published package carries its changelog entry",
			  job->build.binary_version);
}

static void describe_source(struct assay_job *job)
{
	job->source = assay_json_object();
	assay_json_set_text(job->source, "kind", "apt-source");
	assay_json_set_text(job->source, "location", job->build.source);
	assay_json_set_text(job->source, "version", job->build.source_version);
	if (job->build.is_binnmu)
		assay_json_set_text(job->source, "binary_version", job->build.binary_version);
}

static enum assay_code make_plan(struct assay_job *job, const char *binnmu_entry,
				 struct assay_error *err)
{
	struct assay_plan *plan = &job->plan;
	struct assay_debian_command_options options = {
		.binnmu_entry = binnmu_entry,
		.cpus = BUILD_CPUS,
	};

	if (assay_debian_build_commands(&job->build, &options, &job->commands, err))
		return err->code;
	plan->workspace = ASSAY_DEBIAN_WORKSPACE;
	plan->build_path = job->build.build_path;
	plan->output_directory = job->commands.outputs;
	plan->output_suffix = ".deb";
	plan->hostname = ASSAY_DEBIAN_HOSTNAME;
	plan->user = "build";
	plan->uid = ASSAY_DEBIAN_UID;
	plan->umask = 022;
	plan->cpus = BUILD_CPUS;
	plan->commands = job->commands.commands;
	plan->env = job->commands.env;
	return ASSAY_OK;
}

/* The entry of a binary-only rebuild: from the .buildinfo, else from what was published. */
static enum assay_code binnmu_entry(struct assay_job *job, struct assay_buf *entry,
				    struct assay_error *err)
{
	if (!job->build.is_binnmu)
		return ASSAY_OK;
	if (!job->build.binnmu_entry)
		return find_binnmu_entry(job, entry, err);
	assay_buf_add_text(entry, job->build.binnmu_entry);
	return assay_buf_check(entry, "changelog entry", err);
}

static enum assay_code checkout(struct assay_job *job, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf entry = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_fd_closep) int dir = -1;

	assay_progress_start("checkout", "%s %s", job->build.source, job->build.source_version);
	dir = open(job->sources, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return assay_fail_errno(err, "%s", job->sources);
	if (binnmu_entry(job, &entry, err) ||
	    assay_debian_build_inputs(job->store, &job->build, dir, err) ||
	    make_plan(job, entry.len ? assay_buf_text(&entry) : NULL, err))
		return err->code;
	describe_source(job);
	assay_progress_end("%zu files", job->build.source_count);
	return ASSAY_OK;
}

/* The date of the subjects' build, at the earliest: that of their changelog. */
static int64_t build_date(struct assay_job *job)
{
	int64_t latest = 0, date;

	for (size_t i = 0; i < job->build.subject_count; i++)
		if (assay_debian_package_date(job->store, &job->build.subjects[i].sha256, &date) &&
		    date > latest)
			latest = date;
	return latest;
}

/* The first few of the younger packages that are known to leave their mark on what is built. */
static void name_tools(const json_t *packages, char *out, size_t size)
{
	static const char *const tools[] = { "gcc-",	    "rustc",	 "golang-1", "ghc",
					     "ocaml",	    "debhelper", "dpkg-dev", "binutils",
					     "perl",	    "python3.",	 "ruby3.",   "meson",
					     "python3-sphinx", "doxygen", "gettext", "libc6-dev" };
	size_t len = 0, named = 0;

	out[0] = '\0';
	for (size_t t = 0; t < sizeof(tools) / sizeof(tools[0]) && named < 3; t++)
		for (size_t i = 0; i < json_array_size(packages); i++) {
			const json_t *p = json_array_get(packages, i);
			const char *name = assay_json_text(p, "name", "");

			if (strncmp(name, tools[t], strlen(tools[t])) != 0 || strstr(name, "-base"))
				continue;
			len += (size_t)snprintf(out + len, size - len, "%s%s %s", named ? ", " : "",
						name, assay_json_text(p, "version", ""));
			named++;
			break;
		}
}

/* The mirror has one version of each tool: where it is younger than the subject, the publisher built
 * with another one, and that is the first suspect; but not for a file that somebody brought along. */
static void remark(struct assay_job *job)
{
	int64_t since = job->environment.record ? build_date(job) : 0;
	size_t len = strlen(job->reason), count;
	char tools[400];
	json_t *newer;

	if (!since)
		return;
	newer = assay_debian_newer(job->store, &job->lock, since);
	count = json_array_size(json_object_get(newer, "packages"));
	assay_json_set(job->environment.record, "newer", newer);
	if (!count || job->options->subjects)
		return;
	name_tools(json_object_get(newer, "packages"), tools, sizeof(tools));
	snprintf(job->reason + len, sizeof(job->reason) - len,
		 "; %zu of the %zu packages of the environment are younger than the subject%s%s: its "
		 "builder had older ones",
		 count, job->lock.package_count, *tools ? ", such as " : "", tools);
}

static void release(struct assay_job *job)
{
	assay_debian_commands_release(&job->commands);
	assay_debian_build_release(&job->build);
}

const struct assay_target_ops assay_target_debian = {
	.kind = "debian",
	.admit = admit,
	.inputs = inputs,
	.checkout = checkout,
	.remark = remark,
	.release = release,
};
