/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a container image in a tar archive -- an OCI image layout or what `docker save` writes --
 * by the part they play: "index.json", "manifest", "config", "layer 1".  Blobs are named by their digest,
 * so that two builds share no name; the parts they play are what can be compared.
 */
#ifndef ASSAY_NORMALIZERS_OCI_READ_H
#define ASSAY_NORMALIZERS_OCI_READ_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

struct oci_member {
	struct assay_span name, data;
	uint64_t offset;   /* of the entry in the archive */
	const char *role;  /* NULL: none but its name */
	const char *hex;   /* the SHA-256 that its name states, or NULL */
	bool is_true;	   /* and that it has */
};

struct oci_image {
	struct oci_member *members;
	size_t count;
	bool is_docker; /* docker's manifest.json and no OCI index */
	struct assay_arena *arena;
	char doubt[200]; /* empty: none */
	uint64_t doubt_at;
};

/* Every member has a name that only images have, and one of them is an index. */
bool oci_is_image(struct assay_span file);
enum assay_code oci_read(struct assay_span file, struct assay_arena *arena, struct oci_image *ret,
			 struct assay_error *err) ASSAY_CHECKED;
struct oci_member *oci_find(const struct oci_image *image, struct assay_span name);
/* The member with that role. */
const struct oci_member *oci_find_role(const struct oci_image *image, const char *role);

#endif
