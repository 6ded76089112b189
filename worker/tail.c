/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "tail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/limits.h"

static void add_query(struct assay_buf *path, const char *text)
{
	for (; *text; text++)
		assay_buf_printf(path, "%%%02X", (unsigned char)*text);
}

enum assay_code tail_send(struct assay_http_client *client, struct tail *tail, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_freep) char *part = malloc(ASSAY_MAX_LOG_PART);
	assay_auto(assay_fd_closep) int fd = open(tail->path, O_RDONLY | O_CLOEXEC);
	assay_auto(assay_json_freep) json_t *json = NULL;
	ssize_t len;

	if (!part)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	len = fd < 0 ? -1 : pread(fd, part, ASSAY_MAX_LOG_PART, tail->sent);
	if (len < 0)
		return assay_fail_errno(err, "log");
	if (!len)
		return ASSAY_OK;
	assay_buf_printf(&path, "/v1/jobs/%lld/log?fence=%lld&offset=%lld&worker=", (long long)tail->job,
			 (long long)tail->fence, (long long)tail->sent);
	add_query(&path, tail->worker);
	if (assay_http_send(client, "PUT", assay_buf_text(&path), assay_span_of(part, (size_t)len), &answer, err) ||
	    assay_json_parse(assay_buf_span(&answer), "answer", &json, err))
		return err->code;
	tail->sent = assay_json_int(json, "size", tail->sent);
	return ASSAY_OK;
}
