/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical forms of static libraries and of .deb. */
#ifndef ASSAY_NORMALIZERS_AR_EMIT_H
#define ASSAY_NORMALIZERS_AR_EMIT_H

#include "emit.h"

enum assay_code ar_emit(struct assay_emit *e, const struct assay_anatomy *anatomy,
			struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;
enum assay_code deb_emit(struct assay_emit *e, const struct assay_anatomy *anatomy,
			 struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

#endif
