/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of an attempt: recorded by the box into the job's directory, kept compressed. */
#include "job_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/codec.h"
#include "assay/file.h"
#include "assay/path.h"

enum assay_code assay_job_trace_start(struct assay_job *job, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;

	assay_job_trace_stop(job);
	if (!job->options->trace)
		return ASSAY_OK;
	path = assay_path_join(job->directory, "trace");
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	job->trace.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (job->trace.fd < 0)
		return assay_fail_errno(err, "%s", path);
	return ASSAY_OK;
}

void assay_job_trace_stop(struct assay_job *job)
{
	if (job->trace.fd >= 0)
		close(job->trace.fd);
	job->trace = (struct assay_box_trace){ .fd = -1 };
}

static json_t *describe(const struct assay_box_trace *trace, const char *name,
			const struct assay_digest *digest)
{
	json_t *object = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(object, "path", name);
	assay_json_set_text(object, "sha256", assay_digest_hex(digest, hex));
	assay_json_set_text(object, "files", trace->files ? trace->files : "none");
	assay_json_set_int(object, "events", (int64_t)trace->events);
	assay_json_set_int(object, "bytes", (int64_t)trace->bytes);
	assay_json_set_int(object, "unwatched", trace->unwatched);
	assay_json_set_bool(object, "lost", trace->lost);
	assay_json_set_bool(object, "truncated", trace->truncated);
	return object;
}

enum assay_code assay_job_trace_keep(struct assay_job *job, json_t *attempt,
				     struct assay_error *err)
{
	assay_auto(assay_draft_release) struct assay_draft draft = ASSAY_DRAFT_INIT;
	assay_auto(assay_freep) char *path = NULL;
	struct assay_digest digest;
	int fd = job->trace.fd;
	char name[64];

	if (fd < 0)
		return ASSAY_OK;
	snprintf(name, sizeof(name), "attempt-%u.trace.zst", job->attempt + 1);
	path = assay_path_join(job->output, name);
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (lseek(fd, 0, SEEK_SET) < 0 || assay_digest_fd(fd, &digest, NULL, err) ||
	    lseek(fd, 0, SEEK_SET) < 0 || assay_draft_open(&draft, AT_FDCWD, path, 0644, err) ||
	    assay_codec_zstd_compress_fd(fd, draft.fd, err) || assay_draft_commit(&draft, err))
		return assay_context(err, "trace");
	assay_json_set(attempt, "trace", describe(&job->trace, name, &digest));
	assay_job_trace_stop(job);
	return ASSAY_OK;
}
