/* SPDX-License-Identifier: Apache-2.0 */
/* Control data, package sources, locks and package URLs: no input crashes them, each span lies in
 * the text, and a lock that is read is written back byte for byte. */
#include <stdlib.h>

#include "assay/deb822.h"
#include "assay/debian.h"
#include "assay/limits.h"
#include "lib/debian/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct assay_span part, struct assay_span whole)
{
	if (part.data && (part.data < whole.data || part.len > whole.len ||
			  (size_t)(part.data - whole.data) > whole.len - part.len))
		abort();
}

static void walk(struct assay_span text)
{
	static const char *const fields[] = { "Package", "Version", "SHA256", "Checksums-Sha256" };
	struct assay_span rest = text, stanza;

	while (assay_deb822_next(&rest, &stanza)) {
		struct assay_error err = ASSAY_ERROR_INIT;

		inside(stanza, text);
		(void)!assay_deb822_check(stanza, &err);
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			struct assay_span value = assay_deb822_field(stanza, fields[i]);
			struct assay_span words = value, items = value, lines = value, part;

			inside(value, text);
			while (assay_deb822_next_word(&words, &part))
				inside(part, value);
			while (assay_deb822_next_item(&items, &part))
				inside(part, value);
			while (assay_deb822_next_line(&lines, &part))
				inside(part, value);
		}
	}
}

static void sources(struct assay_span text)
{
	for (int stanzas = 0; stanzas < 2; stanzas++) {
		struct debian_sources s = { .arena = ASSAY_ARENA_INIT(ASSAY_MIB) };
		struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MIB);
		struct assay_error err = ASSAY_ERROR_INIT;

		if (!debian_sources_read_text(&s, text, stanzas, &err))
			debian_sources_write(&s, &out);
		assay_buf_release(&out);
		assay_arena_release(&s.arena);
	}
}

static void lock(struct assay_span text)
{
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_lock read;

	if (!assay_lock_read(text, "fuzz", &read, &err)) {
		assay_lock_write(&read, &out);
		if (!assay_span_equal(assay_buf_span(&out), text))
			abort();
		assay_lock_release(&read);
	}
	assay_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_span text = assay_span_of(data, size);
	struct assay_buf unwrapped = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_debian_target target;
	char *purl = assay_span_dup(text);
	bool is_signed;

	walk(text);
	sources(text);
	lock(text);
	if (!assay_deb822_unwrap(text, &unwrapped, &is_signed, &err))
		walk(assay_buf_span(&unwrapped));
	if (purl)
		assay_debian_target_parse(purl, &target, &err);
	assay_buf_release(&unwrapped);
	free(purl);
	return 0;
}
