/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container image as a tar archive: an OCI image layout, or what `docker save` writes.  The archive is
 * laid out as tar; its members are then called by the part they play (oci_read.c), and the digests in
 * their names are verified.
 */
#include "field_rows.h"
#include "oci_read.h"

enum {
	BLOB_NAME,
	ORDER,
};

static const struct assay_field oci_fields[] = {
	[BLOB_NAME] = ASSAY_ROW_SAFE(ASSAY_DERIVED, "oci.blob_name", "oci-digest",
				     ASSAY_GRADE_CONTAINER, "checksum_of_changed_content",
				     "name of a blob by its digest, verified, or of a layer's directory: the "
				     "part it plays stands for it"),
	[ORDER] = ASSAY_ROW_CHECKED(ASSAY_STRUCTURE, "oci.order", assay_check_member_order, "oci-order",
				    ASSAY_GRADE_CONTAINER, "random_order_in_archive",
				    "order of the members, sorted by digests; the manifest says which layer "
				    "comes first"),
	{ .name = NULL },
};

#define F(x) (&oci_fields[x])

static unsigned oci_bid(struct assay_span file)
{
	unsigned tar = assay_format_tar.bid(file);

	return tar && oci_is_image(file) ? tar + 64 : 0;
}

static void rename_members(struct assay_layout *l, const struct oci_image *image)
{
	size_t i = 0;

	for (struct assay_node *n = assay_layout_root(l)->first; n; n = n->next) {
		while (i < image->count && image->members[i].offset < n->offset)
			i++;
		if (i < image->count && image->members[i].offset == n->offset &&
		    image->members[i].role && n->flags & ASSAY_NODE_MEMBER)
			assay_layout_name(l, n, assay_span_text(image->members[i].role));
	}
}

static enum assay_code oci_lay_out(struct assay_layout *l, struct assay_error *err)
{
	struct assay_anatomy *anatomy = assay_layout_anatomy(l);
	struct oci_image *image = assay_arena_alloc(&anatomy->arena, sizeof(*image));

	if (!image)
		return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	if (oci_read(assay_layout_bytes(l), &anatomy->arena, image, err) ||
	    assay_format_tar.lay_out(l, err))
		return err->code;
	anatomy->priv = image;
	assay_layout_value(l, assay_layout_root(l), "%s",
			   image->is_docker ? "docker archive" : "OCI image layout");
	if (image->doubt[0])
		assay_layout_ambiguous(l, image->doubt_at, "%s", image->doubt);
	rename_members(l, image);
	return ASSAY_OK;
}

/* What a blob is called follows from its content: its role stands for its path. */
static void replace_path(struct assay_layout *l, const char *role)
{
	struct assay_node *root = assay_layout_root(l);
	const struct assay_attribute *a = root->attributes;

	while (a && strcmp(a->field->name, "tar.path") != 0)
		a = a->next;
	if (!a)
		return;
	assay_layout_attribute(l, root, a->field, assay_span_text(role), 0, NULL);
	for (struct assay_node *n = root->first; n; n = n->next) {
		if (n->carries != a->field)
			continue;
		n->field = F(BLOB_NAME);
		n->carries = NULL;
	}
}

static enum assay_code oci_expand(struct assay_layout *l, const struct assay_node *lazy,
				  struct assay_error *err)
{
	const struct oci_image *image = assay_layout_anatomy(l)->priv;

	if (assay_format_tar.expand(l, lazy, err))
		return err->code;
	for (size_t i = 0; i < image->count; i++)
		if (image->members[i].offset == lazy->offset && image->members[i].role)
			replace_path(l, image->members[i].role);
	return ASSAY_OK;
}

const struct assay_format assay_format_oci = {
	.name = "oci",
	.bid = oci_bid,
	.lay_out = oci_lay_out,
	.expand = oci_expand,
	.order = F(ORDER),
	.fields = oci_fields,
};
