/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in text: cut into pieces or not, the same comes out; and what comes out holds no declared value. */
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/limits.h"
#include "assay/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sink(void *data, const char *bytes, size_t len)
{
	assay_buf_add(data, bytes, len);
}

static void redact(const uint8_t *data, size_t size, size_t piece, struct assay_buf *out)
{
	struct assay_redactor *r = assay_redactor_new(sink, out);
	struct assay_error err = ASSAY_ERROR_INIT;

	if (!r || assay_redactor_declare(r, assay_span_text("s3cr3t-value"), "x", &err))
		abort();
	for (size_t at = 0; at < size; at += piece)
		assay_redactor_feed(r, (const char *)data + at, size - at < piece ? size - at : piece);
	if (assay_redactor_end(r, &err))
		abort();
	assay_redactor_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_buf whole = ASSAY_BUF_INIT(16 * ASSAY_MIB), pieces = ASSAY_BUF_INIT(16 * ASSAY_MIB);

	/* longer ones are let go when they are held back for too long, which depends on the pieces */
	if (size > 8192)
		return 0;
	redact(data, size, size ? size : 1, &whole);
	redact(data, size, 1 + size % 7, &pieces);
	if (whole.len != pieces.len || (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	if (assay_span_find(assay_buf_span(&whole), 0, assay_span_text("s3cr3t-value")) != SIZE_MAX)
		abort();
	assay_buf_release(&whole);
	assay_buf_release(&pieces);
	return 0;
}
