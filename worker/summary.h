/* SPDX-License-Identifier: Apache-2.0 */
/* What a scheduler is told of a report: which artifacts came out how, which causes were found, how whole the record is. */
#ifndef ASSAY_WORKER_SUMMARY_H
#define ASSAY_WORKER_SUMMARY_H

#include "assay/json.h"

/* Sets "candidate", "isolation", "memory", "subjects", "causes", "fields_present", "fields_required" and "egress_denied" of an
 * outcome. */
void summary_add(const json_t *report, json_t *outcome);

#endif
