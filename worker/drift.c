/* SPDX-License-Identifier: Apache-2.0 */
/* What two artifacts tell of their builds, and the sentences about tools that are not the same. */
#include "drift.h"

#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/jail.h"

#define MOST_SENTENCES 20

struct reading {
	struct assay_side side;
	struct assay_compare_options options;
};

/* Runs in the jail. */
static enum assay_code infer(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct reading *reading = data;
	assay_auto(assay_json_freep) json_t *context = NULL;

	if (assay_infer_context(&reading->side, &reading->options, &context, err))
		return err->code;
	assay_json_dump_compact(context, answer);
	return assay_buf_check(answer, "context", err);
}

static enum assay_code facts_of(struct assay_job *job, const char *name,
				const struct assay_digest *blob, json_t **ret,
				struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	assay_auto(assay_fd_closep) int spill = -1;
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *context = NULL;
	struct assay_jail jail = { .what = name, .answer_max = ASSAY_MAX_REPORT };
	struct reading reading;

	if (assay_store_get(job->store, blob, &fd, err) || assay_spill_open(&spill, err))
		return err->code;
	reading = (struct reading){
		.side = { name, fd, NULL },
		.options = { { spill, -1 }, 1 },
	};
	if (assay_jail_run(&jail, infer, &reading, &answer, err) ||
	    assay_json_parse(assay_buf_span(&answer), "context", &context, err))
		return err->code;
	*ret = json_incref(json_object_get(context, "facts"));
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_EBUG, "a context without facts");
}

static bool has_fact(const json_t *facts, const json_t *wanted)
{
	size_t i;
	json_t *fact;

	json_array_foreach(facts, i, fact)
		if (json_equal(json_object_get(fact, "kind"), json_object_get(wanted, "kind")) &&
		    json_equal(json_object_get(fact, "value"), json_object_get(wanted, "value")))
			return true;
	return false;
}

/* The first fact of a kind that the other side does not have. */
static const char *only_here(const json_t *facts, const json_t *others, const char *kind)
{
	size_t i;
	json_t *fact;

	json_array_foreach(facts, i, fact)
		if (strcmp(assay_json_text(fact, "kind", ""), kind) == 0 && !has_fact(others, fact))
			return assay_json_text(fact, "value", NULL);
	return NULL;
}

static const struct {
	const char *kind, *what;
} tools[] = {
	{ "compiler", "the compiler" },
	{ "compiler_command", "the compiler and its flags" },
	{ "assembler", "the assembler" },
	{ "linker", "the linker" },
	{ "jdk", "the JDK" },
	{ "python_bytecode", "the Python that compiled bytecode" },
	{ "generator", "a generator" },
	{ "commit", "the commit" },
	{ "build_path", "the build path" },
	{ "umask", "the umask" },
	{ "timezone", "the time zone" },
	{ "newline", "the line ends" },
};

static json_t *sentences(const json_t *subject, const json_t *candidate)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		const char *theirs = only_here(subject, candidate, tools[i].kind);
		const char *ours = only_here(candidate, subject, tools[i].kind);

		if ((!theirs && !ours) || json_array_size(list) >= MOST_SENTENCES)
			continue;
		if (theirs && ours)
			assay_json_append(list,
					  json_sprintf("%s: the subject was built with %s, this "
						       "environment has %s",
						       tools[i].what, theirs, ours));
		else
			assay_json_append(list, json_sprintf("%s: only the %s names %s",
							     tools[i].what,
							     theirs ? "subject" : "candidate",
							     theirs ? theirs : ours));
	}
	return list;
}

enum assay_code drift_describe(struct assay_job *job, struct assay_subject *subject,
			       const struct assay_digest *candidate, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *theirs = NULL;
	assay_auto(assay_json_freep) json_t *ours = NULL;
	json_t *context;

	if (facts_of(job, subject->name, &subject->sha256, &theirs, err) ||
	    facts_of(job, subject->name, candidate, &ours, err))
		return err->code;
	context = assay_json_object();
	assay_json_set(context, "drift", sentences(theirs, ours));
	assay_json_set(context, "subject", assay_steal(theirs));
	assay_json_set(context, "candidate", assay_steal(ours));
	assay_json_set(subject->report, "context", context);
	return ASSAY_OK;
}
