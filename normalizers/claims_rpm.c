/* SPDX-License-Identifier: Apache-2.0 */
/* What the header of an rpm claims of its files and of its payload. */
#include <stdio.h>

#include "assay/limits.h"
#include "claimants.h"
#include "rpm_read.h"

enum {
	TAG_FILEDIGESTS = 1035,
	TAG_DIRINDEXES = 1116,
	TAG_BASENAMES = 1117,
	TAG_DIRNAMES = 1118,
	TAG_DIGESTALGO = 5011,
	TAG_PAYLOADDIGESTALT = 5097,
};

/* The next string of an array; false at its end. */
static bool next_string(struct assay_span *rest, struct assay_span *ret)
{
	size_t len = rest->len ? strnlen((const char *)rest->data, rest->len) : 0;

	if (!rest->len)
		return false;
	*ret = assay_span_cut(*rest, 0, len);
	*rest = assay_span_cut(*rest, len + 1, SIZE_MAX);
	return true;
}

/* Numbers of OpenPGP (RFC 4880 section 9.4); the tag is absent where it is MD5. */
static bool hash_of(const struct rpm_header *header, enum assay_hash *ret)
{
	static const struct {
		uint8_t number;
		enum assay_hash hash;
	} known[] = { { 1, ASSAY_MD5 },    { 2, ASSAY_SHA1 },   { 8, ASSAY_SHA256 },
		      { 9, ASSAY_SHA384 }, { 10, ASSAY_SHA512 }, { 11, ASSAY_SHA224 } };
	struct assay_span tag = rpm_header_find(header, TAG_DIGESTALGO, RPM_INT32);
	uint32_t number = tag.len == 4 ? rpm_be32(tag, 0) : 1;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].number == number) {
			*ret = known[i].hash;
			return true;
		}
	}
	return false;
}

static bool read_main_header(const struct assay_anatomy *package, struct assay_claims *claims,
			     struct rpm_header *ret)
{
	struct rpm_header headers[2];
	struct assay_error ignored = ASSAY_ERROR_INIT;

	if (rpm_headers_read(package->bytes, &claims->arena, headers, &ignored))
		return false;
	*ret = headers[1];
	return true;
}

/* Directory names, to be found by their index. */
static size_t split_names(struct assay_span names, struct assay_arena *arena, struct assay_span **ret)
{
	size_t count = 0;
	struct assay_span rest = names, name;

	for (size_t i = 0; i < names.len; i++)
		count += names.data[i] == 0;
	*ret = assay_arena_alloc(arena, (count + 1) * sizeof(**ret));
	if (!*ret)
		return 0;
	for (size_t i = 0; i < count && next_string(&rest, &name); i++)
		(*ret)[i] = name;
	return count;
}

void assay_claims_read_rpm(const struct assay_anatomy *package, struct assay_claims *ret)
{
	struct rpm_header header;
	struct assay_span digests, bases, indexes, digest, base, *directories;
	enum assay_hash hash;
	size_t count;

	if (!read_main_header(package, ret, &header))
		return;
	digests = rpm_header_find(&header, TAG_FILEDIGESTS, RPM_STRINGS);
	bases = rpm_header_find(&header, TAG_BASENAMES, RPM_STRINGS);
	indexes = rpm_header_find(&header, TAG_DIRINDEXES, RPM_INT32);
	count = split_names(rpm_header_find(&header, TAG_DIRNAMES, RPM_STRINGS), &ret->arena,
			    &directories);
	if (!hash_of(&header, &hash)) {
		ret->odd = digests.len > 0;
		return;
	}
	for (size_t i = 0; next_string(&digests, &digest); i++) {
		uint32_t index = 4 * i + 4 <= indexes.len ? rpm_be32(indexes, 4 * i) : UINT32_MAX;
		const char *name;

		if (!next_string(&bases, &base) || index >= count) {
			ret->odd = true;
			return;
		}
		/* directories, links and files that are not in the payload have none */
		if (!digest.len)
			continue;
		name = assay_arena_printf(&ret->arena, "%.*s%.*s", ASSAY_SPAN_ARGS(directories[index]),
					  ASSAY_SPAN_ARGS(base));
		if (name)
			assay_claims_add(ret, assay_span_text(name), hash, digest);
		else
			ret->odd = true;
	}
}

void assay_claims_read_rpm_payload(const struct assay_anatomy *package, struct assay_claims *ret)
{
	struct rpm_header header;
	struct assay_span list, digest;

	if (!read_main_header(package, ret, &header))
		return;
	list = rpm_header_find(&header, TAG_PAYLOADDIGESTALT, RPM_STRINGS);
	if (next_string(&list, &digest))
		assay_claims_add(ret, assay_span_text("payload"), ASSAY_SHA256, digest);
	ret->odd |= list.len > 0;
}
