/* SPDX-License-Identifier: Apache-2.0 */
/* The chain and its checkpoints; see the header. */
#include "assay/audit.h"

#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/limits.h"

enum { RECORD_MAX = 1 << 20 };

/* Over everything but "hash". */
static void hash_of(const json_t *record, char *out)
{
	struct assay_buf text = ASSAY_BUF_INIT(RECORD_MAX);
	json_t *copy = json_copy((json_t *)record);
	struct assay_digest digest;

	if (!copy)
		abort();
	json_object_del(copy, "hash");
	assay_json_dump_compact(copy, &text);
	assay_digest_span(assay_buf_span(&text), &digest);
	assay_digest_hex(&digest, out);
	assay_buf_release(&text);
	json_decref(copy);
}

void assay_audit_link(struct assay_audit_walk *walk, json_t *record)
{
	walk->seq++;
	assay_json_set_int(record, "seq", walk->seq);
	assay_json_set_text(record, "previous", walk->hash);
	hash_of(record, walk->hash);
	assay_json_set_text(record, "hash", walk->hash);
}

enum assay_code assay_audit_follow(struct assay_audit_walk *walk, const json_t *record, struct assay_error *err)
{
	int64_t seq = assay_json_int(record, "seq", 0);
	char hash[ASSAY_DIGEST_TEXT];

	if (!json_is_object(record))
		return assay_fail(err, ASSAY_EUNTRUSTED, "audit: behind record %lld stands something that is no record",
				  (long long)walk->seq);
	if (seq != walk->seq + 1)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "audit: record %lld is followed by number %lld: records were removed, added or moved",
				  (long long)walk->seq, (long long)seq);
	hash_of(record, hash);
	if (strcmp(assay_json_text(record, "hash", ""), hash) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "audit: record %lld was changed: it has another hash than it says",
				  (long long)seq);
	if (strcmp(assay_json_text(record, "previous", ""), walk->hash) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "audit: record %lld does not follow from record %lld: one of them was replaced",
				  (long long)seq, (long long)walk->seq);
	walk->seq = seq;
	memcpy(walk->hash, hash, sizeof(hash));
	return ASSAY_OK;
}

/* ---- checkpoints --------------------------------------------------------------------------------- */

static json_t *unsigned_checkpoint(int64_t seq, const char *hash, int64_t time, const char *key)
{
	json_t *checkpoint = assay_json_object();

	assay_json_set_text(checkpoint, "schema", ASSAY_AUDIT_CHECKPOINT);
	assay_json_set_int(checkpoint, "seq", seq);
	assay_json_set_text(checkpoint, "hash", hash);
	assay_json_set_int(checkpoint, "time", time);
	assay_json_set_text(checkpoint, "key", key);
	return checkpoint;
}

enum assay_code assay_audit_sign(const struct assay_audit_walk *walk, int64_t now_ms, const struct assay_key *key,
				 json_t **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf signature = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf base64 = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_json_freep) json_t *checkpoint = NULL;
	char id[ASSAY_DIGEST_TEXT];

	assay_key_id(key, id);
	checkpoint = unsigned_checkpoint(walk->seq, walk->hash, now_ms, id);
	assay_json_dump_compact(checkpoint, &text);
	if (assay_key_sign(key, assay_buf_span(&text), &signature, err))
		return err->code;
	assay_base64_encode(assay_buf_span(&signature), &base64);
	assay_json_set_text(checkpoint, "signature", assay_buf_text(&base64));
	*ret = assay_steal(checkpoint);
	return ASSAY_OK;
}

enum assay_code assay_audit_check(const json_t *checkpoint, const struct assay_key *key, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf signature = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_json_freep) json_t *claimed = NULL;
	char id[ASSAY_DIGEST_TEXT];

	assay_key_id(key, id);
	if (strcmp(assay_json_text(checkpoint, "schema", ""), ASSAY_AUDIT_CHECKPOINT) != 0)
		return assay_fail(err, ASSAY_EUNTRUSTED, "checkpoint: want schema " ASSAY_AUDIT_CHECKPOINT);
	/* only what is signed is made again from what it says, so that nothing else in it counts */
	claimed = unsigned_checkpoint(assay_json_int(checkpoint, "seq", -1), assay_json_text(checkpoint, "hash", ""),
				      assay_json_int(checkpoint, "time", -1), id);
	assay_json_dump_compact(claimed, &text);
	if (!assay_base64_decode(assay_span_text(assay_json_text(checkpoint, "signature", "")), &signature) ||
	    !assay_key_verify(key, assay_buf_span(&text), assay_buf_span(&signature)))
		return assay_fail(err, ASSAY_EUNTRUSTED, "checkpoint at record %lld: is not signed by key %.16s",
				  (long long)assay_json_int(checkpoint, "seq", -1), id);
	return ASSAY_OK;
}
