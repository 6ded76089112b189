/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DSSE v1.0.2.  What is signed is PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP
 * body with lengths in decimal.  The envelope is parsed once; what is handed on is decoded from the
 * very bytes that the signature covers, and payloadType counts only because PAE covers it too.
 */
#include <fnmatch.h>

#include "assay/cleanup.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "key_int.h"

#define SIGNATURES_MAX 64
#define KEYS_MAX 64
#define SIGNATURE_BYTES_MAX 1024

static void pae(struct assay_span type, struct assay_span body, struct assay_buf *out)
{
	assay_buf_printf(out, "DSSEv1 %zu ", type.len);
	assay_buf_add_span(out, type);
	assay_buf_printf(out, " %zu ", body.len);
	assay_buf_add_span(out, body);
}

static json_t *base64_text(struct assay_span bytes)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);

	assay_base64_encode(bytes, &text);
	/* NULL ends the program in assay_json_set rather than make half an envelope */
	return text.failed ? NULL : json_stringn(assay_buf_text(&text), text.len);
}

enum assay_code dsse_sign_payload(struct assay_span payload, const struct assay_key *key,
				  struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf message = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(SIGNATURE_BYTES_MAX);
	json_t *envelope, *signatures, *signature;

	if (payload.len > ASSAY_MAX_ENVELOPE / 2)
		return assay_fail(err, ASSAY_ELIMIT, "statement: want at most %llu bytes, have %zu",
				  ASSAY_MAX_ENVELOPE / 2, payload.len);
	pae(assay_span_text(ASSAY_PAYLOAD_TYPE), payload, &message);
	if (assay_buf_check(&message, "statement", err) ||
	    assay_key_sign(key, assay_buf_span(&message), &bytes, err))
		return err->code;
	envelope = assay_json_object();
	signatures = assay_json_array();
	signature = assay_json_object();
	assay_json_set_text(signature, "keyid", key->id);
	assay_json_set(signature, "sig", base64_text(assay_buf_span(&bytes)));
	assay_json_append(signatures, signature);
	assay_json_set_text(envelope, "payloadType", ASSAY_PAYLOAD_TYPE);
	assay_json_set(envelope, "payload", base64_text(payload));
	assay_json_set(envelope, "signatures", signatures);
	assay_json_dump_compact(envelope, out);
	assay_buf_add_text(out, "\n");
	json_decref(envelope);
	return assay_buf_check(out, "envelope", err);
}

enum assay_code assay_dsse_sign(const json_t *statement, const struct assay_key *key,
				struct assay_buf *out, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf payload = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);

	if (assay_statement_check(statement, err))
		return err->code;
	assay_json_dump_compact(statement, &payload);
	if (assay_buf_check(&payload, "statement", err))
		return err->code;
	return dsse_sign_payload(assay_buf_span(&payload), key, out, err);
}

/* An envelope taken apart. */
struct envelope {
	json_t *json;
	struct assay_buf payload;
	struct assay_buf message; /* PAE */
};

static void envelope_release(struct envelope *e)
{
	json_decref(e->json);
	assay_buf_release(&e->payload);
	assay_buf_release(&e->message);
}

static enum assay_code envelope_parse(struct assay_span text, struct envelope *e,
				      struct assay_error *err)
{
	const json_t *payload, *type;

	if (text.len > ASSAY_MAX_ENVELOPE)
		return assay_fail(err, ASSAY_ELIMIT, "envelope: want at most %llu bytes, have %zu",
				  ASSAY_MAX_ENVELOPE, text.len);
	if (assay_json_parse(text, "envelope", &e->json, err))
		return err->code;
	payload = json_object_get(e->json, "payload");
	type = json_object_get(e->json, "payloadType");
	if (!json_is_string(payload) || !json_is_string(type) ||
	    !json_is_array(json_object_get(e->json, "signatures")))
		return assay_fail(err, ASSAY_EINPUT,
				  "envelope: want payload, payloadType and signatures");
	/* application/vnd.in-toto+json, or ...vnd.in-toto.<predicate>+json */
	if (strcmp(json_string_value(type), ASSAY_PAYLOAD_TYPE) != 0 &&
	    fnmatch("application/vnd.in-toto.*+json", json_string_value(type), 0) != 0)
		return assay_fail(err, ASSAY_EINPUT, "envelope: payloadType: want %s, have \"%s\"",
				  ASSAY_PAYLOAD_TYPE, json_string_value(type));
	if (!assay_base64_decode(assay_span_text(json_string_value(payload)), &e->payload))
		return assay_fail(err, ASSAY_EINPUT, "envelope: payload: want base64");
	pae(assay_span_text(json_string_value(type)), assay_buf_span(&e->payload), &e->message);
	return assay_buf_check(&e->message, "envelope", err);
}

static bool signed_by(const struct envelope *e, const struct assay_key *key)
{
	const json_t *signatures = json_object_get(e->json, "signatures");

	for (size_t i = 0; i < json_array_size(signatures); i++) {
		assay_auto(assay_buf_release) struct assay_buf bytes =
			ASSAY_BUF_INIT(SIGNATURE_BYTES_MAX);
		const char *text = assay_json_text(json_array_get(signatures, i), "sig", "");

		if (assay_base64_decode(assay_span_text(text), &bytes) &&
		    assay_key_verify(key, assay_buf_span(&e->message), assay_buf_span(&bytes)))
			return true;
	}
	return false;
}

/* The same key listed twice is one key. */
static bool is_listed_before(struct assay_key *const *keys, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(keys[j]->id, keys[i]->id) == 0)
			return true;
	return false;
}

static enum assay_code take_statement(const struct envelope *e, json_t **ret,
				      struct assay_error *err)
{
	json_t *statement = NULL;

	if (assay_json_parse(assay_buf_span(&e->payload), "statement", &statement, err))
		return err->code;
	if (assay_statement_check(statement, err)) {
		json_decref(statement);
		return err->code;
	}
	*ret = statement;
	return ASSAY_OK;
}

enum assay_code assay_dsse_verify_quorum(struct assay_span envelope, struct assay_key *const *keys,
					 size_t count, size_t threshold, bool *ret_used,
					 json_t **ret_statement, struct assay_error *err)
{
	assay_auto(envelope_release) struct envelope e = {
		.payload = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE),
		.message = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE + ASSAY_MAX_FIELD),
	};
	size_t have = 0;

	if (threshold == 0 || count > KEYS_MAX)
		return assay_fail(err, ASSAY_EUSAGE,
				  "envelope: want a threshold of at least 1 and at most %d keys",
				  KEYS_MAX);
	if (envelope_parse(envelope, &e, err))
		return err->code;
	if (json_array_size(json_object_get(e.json, "signatures")) > SIGNATURES_MAX)
		return assay_fail(err, ASSAY_ELIMIT, "envelope: want at most %d signatures",
				  SIGNATURES_MAX);
	for (size_t i = 0; i < count; i++) {
		bool used = signed_by(&e, keys[i]);

		have += used && !is_listed_before(keys, i);
		if (ret_used)
			ret_used[i] = used;
	}
	if (have < threshold)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "envelope: want signatures by %zu of %zu keys, have %zu (of %zu "
				  "signatures)",
				  threshold, count, have,
				  json_array_size(json_object_get(e.json, "signatures")));
	return take_statement(&e, ret_statement, err);
}

enum assay_code assay_dsse_verify(struct assay_span envelope, struct assay_key *const *keys,
				  size_t count, json_t **ret_statement, struct assay_error *err)
{
	return assay_dsse_verify_quorum(envelope, keys, count, 1, NULL, ret_statement, err);
}

enum assay_code assay_dsse_peek(struct assay_span envelope, json_t **ret_statement,
				struct assay_error *err)
{
	assay_auto(envelope_release) struct envelope e = {
		.payload = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE),
		.message = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE + ASSAY_MAX_FIELD),
	};

	if (envelope_parse(envelope, &e, err))
		return err->code;
	return take_statement(&e, ret_statement, err);
}
