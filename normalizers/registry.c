/* SPDX-License-Identifier: Apache-2.0 */
/* The formats, as one table, and the words for what their fields say. */
#include <string.h>

#include "anatomy.h"

/* Alphabetical; one line a format. */
#define FORMATS(X)                                                                                 \
	X(adb)                                                                                     \
	X(alpine)                                                                                  \
	X(ar)                                                                                      \
	X(bflt)                                                                                    \
	X(bzip2)                                                                                   \
	X(cab)                                                                                     \
	X(charset)                                                                                 \
	X(class)                                                                                   \
	X(cpio)                                                                                    \
	X(deb)                                                                                     \
	X(deb822)                                                                                  \
	X(dex)                                                                                     \
	X(elf)                                                                                     \
	X(erofs)                                                                                   \
	X(ext4)                                                                                    \
	X(fat)                                                                                     \
	X(fdt)                                                                                     \
	X(gif)                                                                                     \
	X(gitbundle)                                                                               \
	X(gitindex)                                                                                \
	X(gzip)                                                                                    \
	X(html)                                                                                    \
	X(ico)                                                                             \
	X(imageconfig)                                                                             \
	X(inventory)                                                                               \
	X(iso9660)                                                                                 \
	X(jpeg)                                                                                    \
	X(json)                                                                                    \
	X(lz4)                                                                                     \
	X(lzip)                                                                                    \
	X(lzma)                                                                                    \
	X(macho)                                                                                   \
	X(man)                                                                                     \
	X(manifest)                                                                                \
	X(mo)                                                                                      \
	X(oci)                                                                                     \
	X(ogg)                                                                             \
	X(pdf)                                                                                     \
	X(pe)                                                                                      \
	X(png)                                                                                     \
	X(properties)                                                                              \
	X(ps)                                                                                      \
	X(pyc)                                                                                     \
	X(rdb)                                                                                     \
	X(rds)                                                                             \
	X(rpm)                                                                                     \
	X(sevenzip)                                                                                \
	X(sfnt)                                                                                    \
	X(sqlite)                                                                                  \
	X(squashfs)                                                                                \
	X(tar)                                                                                     \
	X(uimage)                                                                                  \
	X(wasm)                                                                                    \
	X(woff)                                                                                    \
	X(xml)                                                                                     \
	X(xz)                                                                                      \
	X(zip)                                                                                     \
	X(zstd)

#define X(name) extern const struct assay_format assay_format_##name;
FORMATS(X)
#undef X

const struct assay_format *const assay_formats[] = {
#define X(name) &assay_format_##name,
	FORMATS(X)
#undef X
	NULL,
};

const struct assay_format *assay_format_detect(struct assay_span file)
{
	const struct assay_format *best = NULL;
	unsigned best_bid = 0;

	for (const struct assay_format *const *format = assay_formats; *format; format++) {
		unsigned bid = (*format)->bid(file);

		if (bid > best_bid) {
			best = *format;
			best_bid = bid;
		}
	}
	if (best)
		return best;
	return assay_format_text.bid(file) ? &assay_format_text : &assay_format_binary;
}

static const struct assay_field *find_in(const struct assay_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

const struct assay_field *assay_field_find(const char *name)
{
	const struct assay_field *found = find_in(assay_format_text.fields, name);

	if (!found)
		found = find_in(assay_format_binary.fields, name);
	for (const struct assay_format *const *format = assay_formats; *format && !found; format++)
		found = find_in((*format)->fields, name);
	return found;
}

const char *assay_kind_name(enum assay_kind kind)
{
	static const char *const names[] = {
		[ASSAY_CONTENT] = "content",   [ASSAY_METADATA] = "metadata",
		[ASSAY_DERIVED] = "derived",   [ASSAY_ENCODING] = "encoding",
		[ASSAY_STRUCTURE] = "structure", [ASSAY_PADDING] = "padding",
		[ASSAY_TRAILING] = "trailing",
	};

	return names[kind];
}

const char *assay_severity_name(enum assay_severity severity)
{
	static const char *const names[] = {
		[ASSAY_SEVERITY_METADATA] = "metadata",
		[ASSAY_SEVERITY_DATA] = "data",
		[ASSAY_SEVERITY_CODE] = "code",
		[ASSAY_SEVERITY_STRUCTURE] = "structure",
	};

	return names[severity];
}

const char *assay_grade_name(enum assay_grade grade)
{
	static const char *const names[] = {
		[ASSAY_GRADE_ENCODING] = "encoding",
		[ASSAY_GRADE_CONTAINER] = "container",
		[ASSAY_GRADE_CODE] = "code",
	};

	return names[grade];
}

const char *assay_rating_name(enum assay_rating rating)
{
	static const char *const names[] = {
		[ASSAY_RATE_NEVER] = "never",
		[ASSAY_RATE_SAFE] = "safe",
		[ASSAY_RATE_CHECKED] = "checked",
	};

	return names[rating];
}
