/* SPDX-License-Identifier: Apache-2.0 */
/* gpgv's status lines: nothing counts as valid without GOODSIG and VALIDSIG, and no text escapes. */
#include <stdlib.h>

#include "lib/trust/signature_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(struct assay_span text, const char *word)
{
	size_t found = 0;

	for (size_t at = assay_span_find(text, 0, assay_span_text(word)); at != SIZE_MAX;
	     at = assay_span_find(text, at + 1, assay_span_text(word)))
		found++;
	return found;
}

static void check_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	if (len == size)
		abort();
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_span text = assay_span_of(data, size);
	struct gpgv_status status;

	gpgv_status_parse(text, &status);
	if (status.valid > count(text, "[GNUPG:] GOODSIG") ||
	    status.valid > count(text, "[GNUPG:] VALIDSIG"))
		abort();
	check_text(status.fingerprint, sizeof(status.fingerprint));
	check_text(status.signer, sizeof(status.signer));
	check_text(status.user, sizeof(status.user));
	check_text(status.unknown_key, sizeof(status.unknown_key));
	return 0;
}
