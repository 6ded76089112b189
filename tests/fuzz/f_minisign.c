/* SPDX-License-Identifier: Apache-2.0 */
/* minisign and signify files: what is accepted lies within the input, and both parsers agree. */
#include <stdlib.h>

#include "lib/trust/signature_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, struct assay_span part)
{
	if (part.len && (part.data < data || part.data + part.len > data + size))
		abort();
	if (part.len && memchr(part.data, '\n', part.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_span text = assay_span_of(data, size);
	struct minisign_file minisign, signify;
	const char *no_minisign = minisign_file_parse(text, &minisign);
	const char *no_signify = signify_file_parse(text, &signify);

	if (!no_minisign)
		check(data, size, minisign.comment);
	/* two lines or four: nothing is both */
	if (!no_minisign && !no_signify)
		abort();
	return 0;
}
