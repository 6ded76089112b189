/* SPDX-License-Identifier: Apache-2.0 */
/* One nested member of a file, by globs over the names on the way to it. */
#ifndef ASSAY_NORMALIZERS_EXTRACT_H
#define ASSAY_NORMALIZERS_EXTRACT_H

#include "anatomy.h"
#include "assay/codec.h"

/* Called with the member's bytes, which live until it returns. */
typedef enum assay_code assay_extract_use(void *data, struct assay_span bytes,
					  struct assay_error *err);

/* path ends with NULL.  ASSAY_ENOTFOUND when no member matches; what use says otherwise. */
enum assay_code assay_extract(struct assay_codec_space *space, struct assay_span bytes,
			      const char *const *path, assay_extract_use *use, void *data,
			      struct assay_error *err) ASSAY_CHECKED;

/* The same from a file that is laid out already. */
enum assay_code assay_extract_from(struct assay_codec_space *space,
				   const struct assay_anatomy *anatomy, const char *const *path,
				   assay_extract_use *use, void *data, struct assay_error *err)
	ASSAY_CHECKED;

#endif
