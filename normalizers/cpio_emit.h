/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of cpio archives. */
#ifndef ASSAY_NORMALIZERS_CPIO_EMIT_H
#define ASSAY_NORMALIZERS_CPIO_EMIT_H

#include "emit.h"

enum assay_code cpio_emit(struct assay_emit *e, const struct assay_anatomy *anatomy,
			  struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

#endif
