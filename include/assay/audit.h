/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of audit records.  A record is a JSON object with a number "seq" (1, 2, 3 ...), the hash of the record before
 * it in "previous" (64 zeros in the first), and its own in "hash": the SHA-256 of its compact, sorted form without "hash".
 * So a record that is changed, removed, added in between or moved is found by whoever reads them in order.
 *
 * What a chain cannot show is that its end is missing.  For that there are checkpoints: number and hash of a record,
 * signed by the scheduler.  A checkpoint that is kept elsewhere proves that the chain reached that far.
 */
#ifndef ASSAY_AUDIT_H
#define ASSAY_AUDIT_H

#include "assay/attestation.h"
#include "assay/digest.h"
#include "assay/error.h"
#include "assay/json.h"

#define ASSAY_AUDIT_CHECKPOINT "assay.audit-checkpoint/1"

/* Where a walk along the chain is. */
struct assay_audit_walk {
	int64_t seq; /* of the record read last; 0 before the first */
	char hash[ASSAY_DIGEST_TEXT];
};

#define ASSAY_AUDIT_WALK_INIT                                                                      \
	{                                                                                          \
		0, "0000000000000000000000000000000000000000000000000000000000000000"              \
	}

/* Makes record the next one of the walk: sets seq, previous and hash. */
void assay_audit_link(struct assay_audit_walk *walk, json_t *record);
/* Whether record is the next one; ASSAY_EUNTRUSTED says at which number the chain is broken, and how. */
enum assay_code assay_audit_follow(struct assay_audit_walk *walk, const json_t *record, struct assay_error *err)
	ASSAY_CHECKED;

/* {"schema", "seq", "hash", "time", "key", "signature"} */
enum assay_code assay_audit_sign(const struct assay_audit_walk *walk, int64_t now_ms, const struct assay_key *key,
				 json_t **ret, struct assay_error *err) ASSAY_CHECKED;
/* Its signature: ASSAY_EUNTRUSTED when it is not key's. */
enum assay_code assay_audit_check(const json_t *checkpoint, const struct assay_key *key, struct assay_error *err)
	ASSAY_CHECKED;

#endif
