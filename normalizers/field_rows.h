/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of field tables, so that a table reads as one: kind, name, what may be done with a difference,
 * the cause it has when nothing better is recognised, and the rule with its clause.
 */
#ifndef ASSAY_NORMALIZERS_FIELD_ROWS_H
#define ASSAY_NORMALIZERS_FIELD_ROWS_H

#include "anatomy.h"

#define ASSAY_ROW_NEVER(kind_, name_, severity_, cause_, rule_)                                    \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_NEVER,                      \
		.severity = (severity_), .cause = (cause_), .rule = (rule_)                        \
	}

/* Never hidden by compare; `assay normalize --unsafe=PASS` takes it out. */
#define ASSAY_ROW_UNSAFE(kind_, name_, severity_, pass_, cause_, rule_)                            \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_NEVER, .pass = (pass_),     \
		.severity = (severity_), .cause = (cause_), .rule = (rule_)                        \
	}

#define ASSAY_ROW_SAFE_(kind_, name_, pass_, grade_, cause_, rule_)                                 \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_SAFE, .pass = (pass_),      \
		.grade = (grade_), .severity = ASSAY_SEVERITY_METADATA, .cause = (cause_),         \
		.rule = (rule_)                                                                    \
	}

#define ASSAY_ROW_CHECKED_(kind_, name_, check_, pass_, grade_, cause_, rule_)                      \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_CHECKED, .check = &(check_), \
		.pass = (pass_), .grade = (grade_), .severity = ASSAY_SEVERITY_METADATA,           \
		.cause = (cause_), .rule = (rule_)                                                 \
	}

/* One more step, so that a macro may stand for several columns. */
#define ASSAY_ROW_SAFE(...) ASSAY_ROW_SAFE_(__VA_ARGS__)
#define ASSAY_ROW_CHECKED(...) ASSAY_ROW_CHECKED_(__VA_ARGS__)

#endif
