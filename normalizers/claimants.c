/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in which packages state digests of their own files, one reader each. */
#include "claimants.h"

#include <stdlib.h>

#include "assay/hex.h"

/* ---- the list ---------------------------------------------------------------------------------------- */

void assay_claims_add(struct assay_claims *claims, struct assay_span name, enum assay_hash hash,
		      struct assay_span hex)
{
	static const uint8_t lengths[] = { [ASSAY_MD5] = 32,	 [ASSAY_SHA1] = 40,
					   [ASSAY_SHA224] = 56, [ASSAY_SHA256] = 64,
					   [ASSAY_SHA384] = 96, [ASSAY_SHA512] = 128 };
	const char *copy = NULL;

	if (claims->count == claims->room) {
		size_t room = claims->room ? 2 * claims->room : 64;
		void *bigger = reallocarray(claims->items, room, sizeof(*claims->items));

		if (!bigger) {
			claims->odd = true;
			return;
		}
		claims->items = bigger;
		claims->room = room;
	}
	for (size_t i = 0; i < hex.len; i++)
		if (!memchr("0123456789abcdef", hex.data[i], 16))
			hex.len = 0;
	if (hex.len == lengths[hash])
		copy = assay_arena_text(&claims->arena, hex);
	if (!copy) {
		claims->odd = true;
		return;
	}
	claims->items[claims->count] = (struct assay_claim){ .name = assay_claim_name(name),
							     .hex = copy,
							     .hash = hash,
							     .size = ASSAY_NO_SIZE,
							     .order = claims->count };
	claims->count++;
}

void assay_claims_add_base64(struct assay_claims *claims, struct assay_span name,
			     enum assay_hash hash, struct assay_span base64, uint64_t size)
{
	struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_HASH_TEXT);
	char hex[2 * ASSAY_HASH_TEXT + 1] = "";
	size_t before = claims->count;

	if (assay_base64_decode(base64, &bytes))
		assay_hex_encode(assay_buf_span(&bytes), hex);
	assay_claims_add(claims, name, hash, assay_span_text(hex));
	if (claims->count > before)
		claims->items[before].size = size;
	assay_buf_release(&bytes);
}

/* Appends line with the digest in it blotted out. */
static void mask(struct assay_claims *claims, struct assay_span line, struct assay_span digest)
{
	size_t at = digest.len ? (size_t)(digest.data - line.data) : line.len;

	assay_buf_add_span(&claims->masked, assay_span_cut(line, 0, at));
	assay_buf_add_text(&claims->masked, digest.len ? "#" : "");
	assay_buf_add_span(&claims->masked, assay_span_cut(line, at + digest.len, SIZE_MAX));
	assay_buf_add_text(&claims->masked, "\n");
}

/* Up to the first c; the whole when there is none.  *rest begins behind c. */
static struct assay_span up_to(struct assay_span s, char c, struct assay_span *rest)
{
	const uint8_t *hit = s.len ? memchr(s.data, c, s.len) : NULL;
	size_t at = hit ? (size_t)(hit - s.data) : s.len;

	*rest = assay_span_cut(s, hit ? at + 1 : at, SIZE_MAX);
	return assay_span_cut(s, 0, at);
}

/* ---- deb: md5sums (deb-md5sums(5)) ---------------------------------------------------------------------- */

static void parse_md5sums(struct assay_claims *claims)
{
	struct assay_span rest = assay_buf_span(&claims->text), line;

	while (assay_span_next_line(&rest, &line)) {
		if (line.len < 35 || line.data[32] != ' ' ||
		    (line.data[33] != ' ' && line.data[33] != '*'))
			claims->odd = true;
		else
			assay_claims_add(claims, assay_span_cut(line, 34, SIZE_MAX), ASSAY_MD5,
					 assay_span_cut(line, 0, 32));
	}
}

/* ---- wheel: RECORD (PEP 376: path, hash, size) ------------------------------------------------------------ */

static const struct {
	const char *name;
	enum assay_hash hash;
} hashes[] = {
	{ "sha256", ASSAY_SHA256 }, { "sha384", ASSAY_SHA384 }, { "sha512", ASSAY_SHA512 },
	{ "sha224", ASSAY_SHA224 }, { "sha1", ASSAY_SHA1 },	{ "md5", ASSAY_MD5 },
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

/* RECORD itself and what signs it have no hash. */
static bool may_lack_hash(struct assay_span name)
{
	return assay_span_ends(name, ".dist-info/RECORD") ||
	       assay_span_ends(name, ".dist-info/RECORD.jws") ||
	       assay_span_ends(name, ".dist-info/RECORD.p7s");
}

/* The path may be quoted, as CSV does; one with quotes inside is left to the comparison of texts. */
static bool parse_record_line(struct assay_claims *claims, struct assay_span line)
{
	struct assay_span rest, name, algorithm, digest;
	uint64_t size = 0;
	size_t i = 0;

	if (line.len && line.data[0] == '"') {
		name = up_to(assay_span_cut(line, 1, SIZE_MAX), '"', &rest);
		if (!assay_span_starts(rest, ","))
			return false;
		rest = assay_span_cut(rest, 1, SIZE_MAX);
	} else {
		name = up_to(line, ',', &rest);
	}
	digest = up_to(rest, ',', &rest);
	if (!digest.len)
		return may_lack_hash(name) && !rest.len;
	algorithm = up_to(digest, '=', &digest);
	while (i < HASHES && !assay_span_equal_text(algorithm, hashes[i].name))
		i++;
	if (i == HASHES || !assay_span_parse_u64(rest, &size))
		return false;
	assay_claims_add_base64(claims, name, hashes[i].hash, digest, size);
	return true;
}

static void parse_record(struct assay_claims *claims)
{
	struct assay_span rest = assay_buf_span(&claims->text), line;

	while (assay_span_next_line(&rest, &line))
		if (line.len && !parse_record_line(claims, line))
			claims->odd = true;
}

/* ---- jar: META-INF/MANIFEST.MF (jar file specification) ------------------------------------------------------ */

static const struct {
	const char *name;
	enum assay_hash hash;
} jar_digests[] = {
	{ "SHA-256-Digest: ", ASSAY_SHA256 }, { "SHA-512-Digest: ", ASSAY_SHA512 },
	{ "SHA-384-Digest: ", ASSAY_SHA384 }, { "SHA1-Digest: ", ASSAY_SHA1 },
	{ "SHA-1-Digest: ", ASSAY_SHA1 },     { "SHA-Digest: ", ASSAY_SHA1 },
	{ "MD5-Digest: ", ASSAY_MD5 },
};

static struct assay_span without_cr(struct assay_span line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* A line and its continuations, which begin with a space, as one. */
static bool next_header(struct assay_claims *claims, struct assay_span *rest, struct assay_span *ret)
{
	struct assay_buf whole = ASSAY_BUF_INIT(claims->text.max);
	struct assay_span line;
	const char *copy;

	if (!assay_span_next_line(rest, &line))
		return false;
	assay_buf_add_span(&whole, without_cr(line));
	while (rest->len && rest->data[0] == ' ' && assay_span_next_line(rest, &line))
		assay_buf_add_span(&whole, assay_span_cut(without_cr(line), 1, SIZE_MAX));
	copy = assay_arena_text(&claims->arena, assay_buf_span(&whole));
	*ret = assay_span_of(copy, copy ? whole.len : 0);
	assay_buf_release(&whole);
	claims->odd |= !copy;
	return copy != NULL;
}

static void parse_manifest(struct assay_claims *claims)
{
	struct assay_span rest = assay_buf_span(&claims->text), line, name = assay_span_of(NULL, 0);

	while (next_header(claims, &rest, &line)) {
		struct assay_span digest = assay_span_of(NULL, 0);

		if (line.len == 0)
			name.len = 0;
		else if (assay_span_starts(line, "Name: "))
			name = assay_span_cut(line, 6, SIZE_MAX);
		for (size_t i = 0; name.len && i < sizeof(jar_digests) / sizeof(jar_digests[0]); i++) {
			if (!assay_span_starts(line, jar_digests[i].name))
				continue;
			digest = assay_span_cut(line, strlen(jar_digests[i].name), SIZE_MAX);
			assay_claims_add_base64(claims, name, jar_digests[i].hash, digest,
						ASSAY_NO_SIZE);
		}
		mask(claims, line, digest);
	}
}

/* ---- gem: checksums.yaml.gz: two levels of "key: value", as Gem::Package writes it ------------------------------ */

static void parse_gem(struct assay_claims *claims)
{
	struct assay_span rest = assay_buf_span(&claims->text), line, value;
	int hash = -1;

	while (assay_span_next_line(&rest, &line)) {
		struct assay_span key = assay_span_trim(up_to(line, ':', &value));
		struct assay_span digest = assay_span_trim(value);

		if (line.len && line.data[0] != ' ') {
			hash = assay_span_equal_text(key, "SHA256") ? ASSAY_SHA256 :
			       assay_span_equal_text(key, "SHA512") ? ASSAY_SHA512 :
			       assay_span_equal_text(key, "SHA1")   ? ASSAY_SHA1 :
								      -1;
			digest.len = 0;
		} else if (hash >= 0) {
			assay_claims_add(claims, key, (enum assay_hash)hash, digest);
		}
		mask(claims, line, digest);
	}
}

/* ---- Arch Linux: .MTREE (mtree(5)) ---------------------------------------------------------------------------- */

/* "./usr/bin/x time=1.0 size=3 sha256digest=..." */
static void parse_mtree(struct assay_claims *claims)
{
	static const struct {
		const char *key;
		enum assay_hash hash;
	} keys[] = { { "sha256digest=", ASSAY_SHA256 }, { "md5digest=", ASSAY_MD5 },
		     { "sha1digest=", ASSAY_SHA1 },	{ "sha512digest=", ASSAY_SHA512 } };
	struct assay_span text = assay_buf_span(&claims->text), line;

	while (assay_span_next_line(&text, &line)) {
		struct assay_span rest, word, name = up_to(line, ' ', &rest);

		while (rest.len) {
			word = up_to(rest, ' ', &rest);
			for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
				if (assay_span_starts(word, keys[i].key))
					assay_claims_add(claims, name, keys[i].hash,
							 assay_span_cut(word, strlen(keys[i].key),
									SIZE_MAX));
		}
	}
}

#define CLAIMANT(format_, label_, ...) { .format = (format_), .label = (label_), __VA_ARGS__ }

const struct assay_claimant assay_claimants[] = {
	CLAIMANT("deb", "md5sums", .files = "data.tar*", .text = { "control.tar*", "./md5sums" },
		 .rule = ASSAY_CLAIM_LINES, .parse = parse_md5sums),
	CLAIMANT("deb", "Installed-Size", .files = "data.tar*", .text = { "control.tar*", "./control" },
		 .rule = ASSAY_CLAIM_SIZE),
	CLAIMANT("oci", "index.json", .text = { "index.json" }, .rule = ASSAY_CLAIM_MASKED,
		 .read = assay_claims_read_oci_index),
	CLAIMANT("oci", "manifest", .text = { "manifest" }, .rule = ASSAY_CLAIM_MASKED,
		 .read = assay_claims_read_oci_manifest),
	CLAIMANT("oci", "manifest.json", .text = { "manifest.json" }, .rule = ASSAY_CLAIM_MASKED,
		 .read = assay_claims_read_docker_manifest),
	CLAIMANT("rpm", "FILEDIGESTS", .files = "payload", .rule = ASSAY_CLAIM_FIELD,
		 .read = assay_claims_read_rpm),
	CLAIMANT("rpm", "PAYLOADDIGESTALT", .rule = ASSAY_CLAIM_FIELD,
		 .read = assay_claims_read_rpm_payload),
	/* .MTREE says more than digests, and is compared as the text it is */
	CLAIMANT("tar", ".MTREE", .text = { ".MTREE" }, .taken = { "" }, .rule = ASSAY_CLAIM_MASKED,
		 .parse = parse_mtree),
	CLAIMANT("tar", "checksums.yaml.gz", .text = { "checksums.yaml.gz" },
		 .taken = { "checksums.yaml.gz", "checksums.yaml" }, .rule = ASSAY_CLAIM_MASKED,
		 .parse = parse_gem),
	CLAIMANT("zip", "RECORD", .text = { "*.dist-info/RECORD" }, .rule = ASSAY_CLAIM_SET,
		 .parse = parse_record),
	CLAIMANT("zip", "MANIFEST.MF", .text = { "META-INF/MANIFEST.MF" }, .rule = ASSAY_CLAIM_MASKED,
		 .parse = parse_manifest),
	{ .format = NULL },
};
