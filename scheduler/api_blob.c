/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: in at once or in parts, and out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "scheduler.h"
#include "upload.h"

static enum assay_code named(struct api_call *call, struct assay_digest *ret, struct assay_error *err)
{
	if (!assay_digest_parse(assay_span_text(call->argument), ret))
		return assay_fail(err, ASSAY_EUSAGE, "want a SHA-256 in hex, have \"%s\"", call->argument);
	return ASSAY_OK;
}

static void answer(struct api_call *call, unsigned status, uint64_t size)
{
	json_t *body = assay_json_object();

	assay_json_set_int(body, "size", (int64_t)size);
	assay_http_answer(call->response, status, body);
}

static enum assay_code wrong_bytes(struct api_call *call, struct assay_error *err)
{
	call->problem = 422;
	return assay_fail(err, ASSAY_EUNTRUSTED, "the bytes have another SHA-256 than the path says; nothing is kept");
}

/* 202: more is wanted, from "size" on; 409: this was not the next part. */
static enum assay_code put_part(struct api_call *call, const struct assay_digest *want,
				const char *range, struct assay_error *err)
{
	struct assay_store *store = call->scheduler->store;
	struct upload_part part;
	uint64_t size = 0;
	bool whole = false;

	if (!upload_parse_range(range, call->request->body, &part))
		return assay_fail(err, ASSAY_EUSAGE,
				  "Content-Range: want \"bytes FIRST-LAST/TOTAL\" that fits the body, have \"%.60s\"",
				  range);
	if (!identity_may(&call->identity, NEED_WORKER) && part.total > ASSAY_MAX_BROUGHT)
		return assay_fail(err, ASSAY_ELIMIT,
				  "want at most %llu bytes of who submits, have %" PRIu64,
				  ASSAY_MAX_BROUGHT, part.total);
	switch (upload_add(store, want, &part, &size, &whole, err)) {
	case ASSAY_OK:
		break;
	case ASSAY_EUNTRUSTED:
		return wrong_bytes(call, err);
	default:
		return err->code;
	}
	if (size == part.first + part.bytes.len) {
		answer(call, whole ? 201 : 202, size);
		return ASSAY_OK;
	}
	call->problem = 409;
	return assay_fail(err, ASSAY_ENOTFOUND, "want the bytes from %" PRIu64 " on, have those from %" PRIu64, size,
			  part.first);
}

static enum assay_code put(struct api_call *call, struct assay_error *err)
{
	const char *range = assay_http_header(call->request, "Content-Range");
	struct assay_span body = call->request->body;
	struct assay_digest want, have;

	if (named(call, &want, err))
		return err->code;
	if (assay_store_has(call->scheduler->store, &want)) {
		answer(call, 200, body.len);
		return ASSAY_OK;
	}
	if (range)
		return put_part(call, &want, range, err);
	assay_digest_span(body, &have);
	if (!assay_digest_equal(&want, &have))
		return wrong_bytes(call, err);
	if (assay_store_put_span(call->scheduler->store, body, &have, err))
		return err->code;
	answer(call, 201, body.len);
	return ASSAY_OK;
}

static enum assay_code size(struct api_call *call, struct assay_error *err)
{
	struct assay_digest want;
	uint64_t here;

	if (named(call, &want, err) || upload_size(call->scheduler->store, &want, &here, err))
		return err->code;
	answer(call, 200, here);
	return ASSAY_OK;
}

/* "bytes=FIRST-": the rest from there on; other ranges are answered with the whole. */
static bool resumes(struct api_call *call, uint64_t *ret)
{
	const char *range = assay_http_header(call->request, "Range");
	struct assay_span text = assay_span_text(range);

	return range && assay_span_starts(text, "bytes=") && assay_span_ends(text, "-") &&
	       assay_span_parse_u64(assay_span_cut(text, 6, text.len - 7), ret);
}

static enum assay_code get(struct api_call *call, struct assay_error *err)
{
	struct assay_http_response *response = call->response;
	struct assay_digest want;
	uint64_t first = 0;
	struct stat st;
	char range[80];

	if (named(call, &want, err) ||
	    assay_store_get(call->scheduler->store, &want, &response->fd, err))
		return err->code;
	if (fstat(response->fd, &st))
		return assay_fail_errno(err, "blob");
	response->type = "application/octet-stream";
	response->status = 200;
	snprintf(response->etag, sizeof(response->etag), "\"%s\"", call->argument);
	response->fd_size = (uint64_t)st.st_size;
	assay_http_add_header(response, "Accept-Ranges", "bytes");
	if (!resumes(call, &first) || first >= response->fd_size)
		return ASSAY_OK;
	snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, response->fd_size - 1,
		 response->fd_size);
	assay_http_add_header(response, "Content-Range", range);
	response->fd_offset = first;
	response->fd_size -= first;
	response->status = 206;
	return ASSAY_OK;
}

const struct api_endpoint api_blob[] = {
	{ "GET", "/v1/blobs/*", get, "the bytes of a blob", NEED_KNOWN, NULL },
	{ "PUT", "/v1/blobs/*", put, "store bytes under their SHA-256, at once or in parts", NEED_SUPPLIER, NULL },
	{ "GET", "/v1/blobs/*/upload", size, "how much of a blob that comes in parts is here", NEED_SUPPLIER, NULL },
	{ .method = NULL },
};
