/* SPDX-License-Identifier: Apache-2.0 */
/* The index and the manifest of an image name blobs by digest and size.  The digests are verified by
 * fmt_oci.c; here they are claims, so that a manifest which differs in nothing else follows from the blobs. */
#include "claimants.h"
#include "oci_read.h"

#define HEX 64

/* The member whose digest stands at text[at]; NULL when there is none that has it. */
static const struct oci_member *digest_at(const struct oci_image *image, struct assay_span text,
					  size_t at)
{
	struct assay_span hex = assay_span_cut(text, at, HEX);

	for (size_t i = 0; hex.len == HEX && i < image->count; i++)
		if (image->members[i].role && image->members[i].is_true &&
		    assay_span_equal_text(hex, image->members[i].hex))
			return &image->members[i];
	return NULL;
}

/* The layer whose directory, of the time before OCI, has the name at text[at]. */
static const struct oci_member *directory_at(const struct oci_image *image, struct assay_span text,
					     size_t at)
{
	struct assay_span id = assay_span_cut(text, at, HEX);

	for (size_t i = 0; id.len == HEX && i < image->count; i++) {
		const struct oci_member *m = &image->members[i];

		if (m->role && strstr(m->role, "/layer.tar") && m->name.len > HEX &&
		    memcmp(m->name.data, id.data, HEX) == 0)
			return m;
	}
	return NULL;
}

/* "size": 123 -- bytes of it, of which the digits begin at *ret_digits; 0 when it is none. */
static size_t size_at(struct assay_span rest, size_t *ret_digits)
{
	size_t i = 6;

	if (!assay_span_starts(rest, "\"size\""))
		return 0;
	while (i < rest.len && memchr(": \t\r\n", rest.data[i], 5))
		i++;
	*ret_digits = i;
	while (i < rest.len && rest.data[i] >= '0' && rest.data[i] <= '9')
		i++;
	return i > *ret_digits ? i : 0;
}

/* The number is the size of a blob that plays a part. */
static bool is_size_of_blob(const struct oci_image *image, struct assay_span digits)
{
	uint64_t size;

	if (!assay_span_parse_u64(digits, &size))
		return false;
	for (size_t i = 0; i < image->count; i++)
		if (image->members[i].role && image->members[i].data.len == size)
			return true;
	return false;
}

static void read_text(const struct assay_anatomy *package, const char *role, struct assay_claims *ret)
{
	const struct oci_image *image = package->priv;
	const struct oci_member *text_of = oci_find_role(image, role);
	struct assay_span text;

	if (!text_of)
		text_of = oci_find(image, assay_span_text(role));
	if (!text_of)
		return;
	text = text_of->data;
	for (size_t at = 0; at < text.len;) {
		const struct oci_member *member = digest_at(image, text, at);
		const struct oci_member *layer = member ? NULL : directory_at(image, text, at);
		size_t digits = 0, size = size_at(assay_span_cut(text, at, SIZE_MAX), &digits);

		if (member) {
			assay_claims_add(ret, assay_span_text(member->role), ASSAY_SHA256,
					 assay_span_text(member->hex));
			assay_buf_add_text(&ret->masked, member->role);
			at += HEX;
		} else if (layer) {
			assay_buf_add_text(&ret->masked, layer->role);
			at += HEX;
		} else if (size && is_size_of_blob(image, assay_span_cut(text, at + digits, size - digits))) {
			assay_buf_add_span(&ret->masked, assay_span_cut(text, at, digits));
			assay_buf_add_text(&ret->masked, "#");
			at += size;
		} else {
			assay_buf_add(&ret->masked, text.data + at++, 1);
		}
	}
}

void assay_claims_read_oci_index(const struct assay_anatomy *package, struct assay_claims *ret)
{
	read_text(package, "index.json", ret);
}

void assay_claims_read_oci_manifest(const struct assay_anatomy *package, struct assay_claims *ret)
{
	read_text(package, "manifest", ret);
}

void assay_claims_read_docker_manifest(const struct assay_anatomy *package, struct assay_claims *ret)
{
	read_text(package, "manifest.json", ret);
}
