/* SPDX-License-Identifier: Apache-2.0 */
/* Capstone, loaded by the first difference of code (assay/late.h): its tables are most of what the dynamic
 * linker would relocate at each start.  A function that is missing here belongs into the list and below it. */
#ifndef ASSAY_NORMALIZERS_CAPSTONE_LATE_H
#define ASSAY_NORMALIZERS_CAPSTONE_LATE_H

#include <capstone/capstone.h>

#include "assay/late.h"

#define CAPSTONE_LATE(X) \
	X(cs_close) X(cs_disasm_iter) X(cs_free) X(cs_malloc) X(cs_open) X(cs_option)

struct capstone_late {
#define X(name) __typeof__(name) *name;
	CAPSTONE_LATE(X)
#undef X
};

extern struct capstone_late capstone_late;

/* Before the first call of any of them, and before a jail is entered. */
enum assay_code capstone_late_load(struct assay_error *err) ASSAY_CHECKED;

#define cs_close capstone_late.cs_close
#define cs_disasm_iter capstone_late.cs_disasm_iter
#define cs_free capstone_late.cs_free
#define cs_malloc capstone_late.cs_malloc
#define cs_open capstone_late.cs_open
#define cs_option capstone_late.cs_option

#endif
