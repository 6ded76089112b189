/* SPDX-License-Identifier: Apache-2.0 */
/* assay verify: rebuild one artifact here, say whether it matches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/job.h"
#include "assay/log.h"
#include "assay/signature.h"
#include "assay/verdict.h"
#include "box_options.h"
#include "cli.h"
#include "output.h"

int assay_cli_verify(int argc, char **argv);

struct arguments {
	struct assay_job_options job;
	struct cli_outputs outputs;
	struct cli_box box;
	struct cli_list mirrors, subjects;
	const char *attempts, *timeout;
	bool quiet;
};

static int check_arguments(struct arguments *a, const char *target)
{
	struct assay_job_options *job = &a->job;
	unsigned long attempts = a->attempts ? strtoul(a->attempts, NULL, 10) : 2;
	unsigned long timeout = a->timeout ? strtoul(a->timeout, NULL, 10) : 0;
	struct assay_digest digest;

	if (attempts < 1 || attempts > 9)
		return cli_usage("verify", "--attempts: want 1 to 9, have \"%s\"", a->attempts);
	if (a->timeout && (timeout < 1 || timeout > 7 * 86400))
		return cli_usage("verify", "--timeout: want 1 to 604800 seconds, have \"%s\"",
				 a->timeout);
	if (job->accept && !assay_accept_is_known(job->accept))
		return cli_usage("verify",
				 "--accept: want reproducible, encoding, container, code or "
				 "equivalent, have \"%s\"",
				 job->accept);
	if (job->subject_scheme && !assay_signature_scheme_is_known(job->subject_scheme))
		return cli_usage("verify",
				 "--subject-scheme: want minisign, signify, raw or openpgp, have "
				 "\"%s\"",
				 job->subject_scheme);
	if (!job->subject_scheme != !job->subject_signature || !job->subject_scheme != !job->subject_key)
		return cli_usage("verify", "--subject-scheme, --subject-signature and --subject-key "
					   "go together");
	if (job->buildinfo_key && !job->buildinfo)
		return cli_usage("verify", "--buildinfo-key: want --buildinfo=FILE to check with it");
	if (job->buildinfo && strncmp(target, "pkg:", 4) != 0)
		return cli_usage("verify", "--buildinfo: want a package URL as target, have \"%s\"",
				 target);
	if (job->recipe_digest && strncmp(target, "pkg:", 4) == 0)
		return cli_usage("verify", "--recipe-digest: want a recipe as target, have \"%s\"", target);
	if (job->recipe_digest && !assay_digest_parse(assay_span_text(job->recipe_digest), &digest))
		return cli_usage("verify", "--recipe-digest: want 64 hexadecimal digits, have \"%s\"", job->recipe_digest);
	if (job->keep && !job->output)
		return cli_usage("verify", "--keep: want --output=DIR to keep it in");
	job->attempts = (unsigned)attempts;
	job->time_s = timeout;
	job->mirrors = a->mirrors.items;
	job->subjects = a->subjects.items;
	return 0;
}

static int verify(struct arguments *a)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_json_freep) json_t *report = NULL;
	int status;

	if (assay_job_run(&a->job, &report, &err))
		return cli_fail(&err);
	a->outputs.accept = assay_json_text(report, "accept", a->job.accept);
	status = cli_outputs_write(&a->outputs, report, &err);
	if (status)
		return status;
	return (int)assay_json_int(report, "exit_status", 3);
}

int assay_cli_verify(int argc, char **argv)
{
	struct arguments a = { .quiet = false };
	const struct cli_option options[] = {
		{ "accept", CLI_TEXT, &a.job.accept },
		{ "allow-runtime", CLI_LIST, &a.box.allow },
		{ "attempts", CLI_TEXT, &a.attempts },
		{ "box", CLI_TEXT, &a.box.driver },
		{ "buildinfo", CLI_TEXT, &a.job.buildinfo },
		{ "buildinfo-key", CLI_TEXT, &a.job.buildinfo_key },
		{ "config", CLI_TEXT, &a.box.config_path },
		{ "html", CLI_TEXT, &a.outputs.html },
		{ "json", CLI_OPTIONAL, &a.outputs.json },
		{ "json-format", CLI_TEXT, &a.outputs.json_format },
		{ "junit", CLI_TEXT, &a.outputs.junit },
		{ "keep", CLI_FLAG, &a.job.keep },
		{ "key", CLI_TEXT, &a.job.key },
		{ "markdown", CLI_TEXT, &a.outputs.markdown },
		{ "mirror", CLI_LIST, &a.mirrors },
		{ "output", CLI_TEXT, &a.job.output },
		{ "quiet", CLI_FLAG, &a.quiet },
		{ "require-signature", CLI_FLAG, &a.job.require_signature },
		{ "recipe-digest", CLI_TEXT, &a.job.recipe_digest },
		{ "runtime", CLI_TEXT, &a.box.runtime },
		{ "sarif", CLI_TEXT, &a.outputs.sarif },
		{ "secrets", CLI_TEXT, &a.job.secrets },
		{ "store", CLI_TEXT, &a.job.store },
		{ "subject", CLI_LIST, &a.subjects },
		{ "subject-key", CLI_TEXT, &a.job.subject_key },
		{ "subject-scheme", CLI_TEXT, &a.job.subject_scheme },
		{ "subject-signature", CLI_TEXT, &a.job.subject_signature },
		{ "timeout", CLI_TEXT, &a.timeout },
		{ "trace", CLI_FLAG, &a.job.trace },
		{ "verbose", CLI_FLAG, &a.job.verbose },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status;

	status = cli_parse("verify", argc, argv, options, 1, 1, &args, &count);
	if (!status)
		status = check_arguments(&a, args[0]);
	if (!status)
		status = cli_box_choose("verify", &a.box);
	if (!status)
		status = cli_outputs_check("verify", &a.outputs);
	if (!status) {
		a.job.target = args[0];
		a.job.box = &a.box.choice;
		a.outputs.verbose = a.job.verbose;
		if (a.quiet)
			assay_log_set_level(ASSAY_LOG_WARNING);
		status = verify(&a);
	}
	cli_box_release(&a.box);
	free(a.mirrors.items);
	free(a.subjects.items);
	return status;
}
