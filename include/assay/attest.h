/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the report of a verification to the statements that are signed: SLSA provenance v1 for each
 * attempt that produced something, and a rebuild-comparison statement for each subject, whatever the
 * verdict.  docs/schema/ has the predicates.
 */
#ifndef ASSAY_ATTEST_H
#define ASSAY_ATTEST_H

#include "assay/error.h"
#include "assay/json.h"
#include "assay/signer.h"

/* What a replay is, for SLSA: how externalParameters and internalParameters are to be read. */
#define ASSAY_BUILD_TYPE "https://assay.dev/buildtypes/replay/v1"
/* Followed by /<driver>/<isolation class>: one id for each level of security. */
#define ASSAY_BUILDER "https://assay.dev/builder"
#define ASSAY_VERIFIER "https://assay.dev/verifier"

/* Writes <output_directory>/attestations/<n>-provenance.intoto.jsonl and
 * <subject>.comparison.intoto.jsonl, and signer.pub beside them; statements that an earlier run left
 * there are removed.  *ret_list: [{"path": "attestations/...", "predicateType", "sha256", "key"}].
 * A report without subjects, or whose subjects were never fetched, gives an empty list: there is no
 * digest that a statement could be about. */
enum assay_code assay_attest_write(const json_t *report, struct assay_signer *signer,
				   const char *output_directory, json_t **ret_list,
				   struct assay_error *err) ASSAY_CHECKED;

#endif
