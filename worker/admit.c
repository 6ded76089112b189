/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: which bytes are under test, and is their signature right?  Nothing is built for a
 * subject that fails here.
 */
#include "job_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/signature.h"

/* Each artifact is looked at, so that each has its own verdict; the first rejected one names the
 * reason of the whole. */
static void ASSAY_PRINTF(3, 4) reject(struct assay_job *job, struct assay_subject *subject,
				      const char *fmt, ...)
{
	char reason[ASSAY_ERROR_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	subject->verdict = ASSAY_REJECTED;
	assay_job_end(job, ASSAY_REJECTED, "%s", reason);
}

/* Runs in the jail: signature, key and artifact are all somebody else's bytes. */
static enum assay_code verify_in_jail(void *data, struct assay_buf *answer, struct assay_error *err)
{
	struct assay_signature_result result = { .key_id = "" };

	if (assay_signature_verify(data, &result, err))
		return err->code;
	assay_buf_add(answer, &result, sizeof(result));
	return assay_buf_check(answer, "signature", err);
}

/* OpenPGP is read by gpgv, a process of its own, which a jail could not start. */
static enum assay_code verify(struct assay_signature_request *request,
			      struct assay_signature_result *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(sizeof(*ret));
	const char *const readable[] = { request->artifact, request->signature, request->key, NULL };
	struct assay_jail jail = { .what = request->signature, .answer_max = sizeof(*ret),
				   .readable = readable };

	if (strcmp(request->scheme, "openpgp") == 0)
		return assay_signature_verify(request, ret, err);
	if (assay_jail_run(&jail, verify_in_jail, request, &answer, err))
		return err->code;
	if (answer.len != sizeof(*ret))
		return assay_fail(err, ASSAY_EINPUT, "signature: the jail's answer is malformed");
	memcpy(ret, answer.data, sizeof(*ret));
	ret->key_id[sizeof(ret->key_id) - 1] = ret->detail[sizeof(ret->detail) - 1] = '\0';
	if (ret->status > ASSAY_SIGNATURE_UNTRUSTED)
		return assay_fail(err, ASSAY_EINPUT, "signature: the jail's answer is malformed");
	return ASSAY_OK;
}

enum assay_code assay_job_check_signature(struct assay_job *job, struct assay_subject *subject,
					  const char *scheme, const char *file, const char *key,
					  struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = assay_path_join(job->directory, "subject");
	struct assay_signature_result result = { .key_id = "" };
	struct assay_signature_request request = { scheme, copy, file, key };

	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	/* the signature is checked over the very bytes that will be compared */
	if (assay_store_copy_to(job->store, &subject->sha256, AT_FDCWD, copy, err) ||
	    verify(&request, &result, err))
		return assay_context(err, "signature of %s", subject->name);
	unlink(copy);
	subject->signature = assay_json_object();
	assay_json_set_text(subject->signature, "scheme", scheme);
	assay_json_set_text(subject->signature, "status",
			    assay_signature_status_name(result.status));
	assay_json_set_text(subject->signature, "key", result.key_id);
	assay_json_set_text(subject->signature, "detail", result.detail);
	if (result.status != ASSAY_SIGNATURE_VALID)
		reject(job, subject, "%s: %s signature %s: %s", subject->name, scheme,
		       assay_signature_status_name(result.status), result.detail);
	return ASSAY_OK;
}

static struct assay_subject *subject_for_file(struct assay_job *job, const char *path)
{
	const char *base = assay_path_base(path);

	for (size_t i = 0; i < job->subject_count; i++)
		if (strcmp(job->subjects[i].name, base) == 0)
			return &job->subjects[i];
	return job->subject_count == 1 ? &job->subjects[0] : NULL;
}

/* What the publisher vouches for is the digest that was signed; a file with another one is only
 * looked at when nobody insists on a signature. */
static void judge_digest(struct assay_job *job, struct assay_subject *subject,
			 const struct assay_digest *published)
{
	char want[ASSAY_DIGEST_TEXT], have[ASSAY_DIGEST_TEXT];
	bool same = assay_digest_equal(published, &subject->sha256);

	if (job->options->subject_scheme)
		return;
	json_decref(subject->signature);
	subject->signature = assay_json_object();
	assay_json_set_text(subject->signature, "scheme", "published-digest");
	assay_json_set_text(subject->signature, "status", same ? "valid" : "untrusted");
	assay_json_set_text(subject->signature, "key", "");
	assay_digest_hex(published, want);
	assay_digest_hex(&subject->sha256, have);
	if (same)
		return;
	json_object_set_new(subject->signature, "detail",
			    json_sprintf("want SHA-256 %s as published, have %s", want, have));
	if (job->options->require_signature)
		reject(job, subject,
		       "%s: a signature is required: want SHA-256 %s as published, have %s",
		       subject->name, want, have);
}

static enum assay_code take_local_subject(struct assay_job *job, const char *path,
					  struct assay_error *err)
{
	struct assay_subject *subject = subject_for_file(job, path);
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest published;

	if (!subject)
		return assay_fail(err, ASSAY_EUSAGE,
				  "--subject=%s: this build has %zu artifacts and none of that name",
				  path, job->subject_count);
	published = subject->sha256;
	if (assay_file_open(AT_FDCWD, path, &fd, err) ||
	    assay_store_put_fd(job->store, fd, NULL, &subject->sha256, &subject->size, err)) {
		/* the user's own file, not an input that got lost */
		err->code = err->code == ASSAY_ENOTFOUND ? ASSAY_EUSAGE : err->code;
		return assay_context(err, "--subject");
	}
	judge_digest(job, subject, &published);
	return ASSAY_OK;
}

enum assay_code assay_job_take_local_subjects(struct assay_job *job, struct assay_error *err)
{
	const struct assay_job_options *o = job->options;
	size_t count = 0;

	for (; o->subjects && o->subjects[count]; count++)
		if (take_local_subject(job, o->subjects[count], err))
			return err->code;
	if (!o->subject_scheme)
		return ASSAY_OK;
	if (count != 1)
		return assay_fail(err, ASSAY_EUSAGE,
				  "--subject-scheme: want exactly one --subject, have %zu", count);
	return assay_job_check_signature(job, subject_for_file(job, o->subjects[0]),
					 o->subject_scheme, o->subject_signature, o->subject_key,
					 err);
}

static void require_signatures(struct assay_job *job)
{
	for (size_t i = 0; i < job->subject_count; i++) {
		struct assay_subject *subject = &job->subjects[i];

		if (subject->verdict != ASSAY_REJECTED &&
		    strcmp(assay_json_text(subject->signature, "status", "missing"), "valid") != 0)
			reject(job, subject, "%s: a signature is required and there is none",
			       subject->name);
	}
}

enum assay_code assay_stage_admit(struct assay_job *job, struct assay_error *err)
{
	assay_progress_start("admit", "%s", job->options->target);
	if (job->target->admit(job, err))
		return err->code;
	if (job->options->require_signature)
		require_signatures(job);
	if (job->has_verdict)
		assay_progress_end("rejected");
	else
		assay_progress_end("%zu artifact%s under test", job->subject_count,
				   job->subject_count == 1 ? "" : "s");
	return ASSAY_OK;
}
