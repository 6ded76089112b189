/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes: what verifies is what the holder of the key signed (the two payloads of the corpus; the
 * private key no longer exists), and what is handed on is what was verified.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/attestation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEAsuePk4uey6i/vOpfUs3SMWBM16B4tateKiZtxsdhFjs=\n"
	"-----END PUBLIC KEY-----\n";

static struct assay_key *load_key(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	int fd = memfd_create("key", MFD_CLOEXEC);
	struct assay_key *loaded = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, pem, strlen(pem)) != (ssize_t)strlen(pem) ||
	    assay_key_load_public(path, &loaded, &err))
		abort();
	close(fd);
	return loaded;
}

static void check(const json_t *verified, const json_t *peeked)
{
	const json_t *predicate = json_object_get(verified, "predicate");

	if (!json_equal(verified, peeked))
		abort();
	if (strcmp(assay_json_text(verified, "predicateType", ""), ASSAY_PREDICATE_COMPARISON) != 0 ||
	    strcmp(assay_json_text(predicate, "verdict", ""), "DIVERGENT") != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct assay_key *key;
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *verified = NULL, *peeked = NULL;
	struct assay_span text = assay_span_of(data, size);
	bool well_formed;

	if (!key)
		key = load_key();
	well_formed = assay_dsse_peek(text, &peeked, &err) == ASSAY_OK;
	if (assay_dsse_verify(text, &key, 1, &verified, &err) == ASSAY_OK) {
		if (!well_formed)
			abort();
		check(verified, peeked);
	}
	json_decref(verified);
	json_decref(peeked);
	return 0;
}
