/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout as a directory: its blobs are called by their digests, so that two builds have no name in
 * common.  It is compared as the tar archive that it would be, where fmt_oci.c names each blob by its part.
 */
#ifndef ASSAY_NORMALIZERS_DIRECTORY_IMAGE_H
#define ASSAY_NORMALIZERS_DIRECTORY_IMAGE_H

#include "walk.h"

/* It has the files oci-layout and index.json. */
bool assay_image_directory_is(int fd);
enum assay_code assay_image_directory_compare(struct assay_walk *walk, int left_fd, int right_fd,
					      struct assay_error *err) ASSAY_CHECKED;

#endif
