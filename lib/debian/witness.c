/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inline signatures of developers and builders.  The archive's own chain covers a .dsc, so its
 * signature is a second witness: it may be silent, because few machines have the keys, but it may not
 * contradict.
 */
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/signature.h"
#include "buildinfo.h"
#include "mirror.h"

static const char *const developer_keyrings[] = {
	"/usr/share/keyrings/debian-keyring.gpg",
	"/usr/share/keyrings/debian-maintainers.gpg",
	"/usr/share/keyrings/debian-nonupload.gpg",
};

enum { KEYRINGS = sizeof(developer_keyrings) / sizeof(developer_keyrings[0]) };

static size_t find_keyrings(const struct debian_witness *witness, const char **list)
{
	size_t count = 0;

	if (witness->keyring)
		list[count++] = witness->keyring;
	for (size_t i = 0; !witness->keyring && i < KEYRINGS; i++)
		if (access(developer_keyrings[i], R_OK) == 0)
			list[count++] = developer_keyrings[i];
	return count;
}

/* Without a valid signature: fine unless one was wanted. */
static enum assay_code go_without(const struct debian_witness *witness, json_t *chain,
				  const char *why, struct assay_error *err)
{
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (witness->is_wanted) {
		debian_chain_add(chain, witness->step, witness->what, "untrusted", "%s", why);
		return assay_fail(err, ASSAY_EUNTRUSTED, "want a valid signature: %s", why);
	}
	debian_chain_add(chain, witness->step, witness->what, "not checked", "%s; %s", why,
			 witness->without);
	return ASSAY_OK;
}

enum assay_code debian_witness_ask(const struct debian_witness *witness, json_t *chain,
				   struct assay_buf *text, struct assay_error *err)
{
	const char *keyrings[KEYRINGS + 1] = { NULL };
	assay_auto(assay_buf_release) struct assay_buf verified = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_signature_result result = { 0 };

	if (!find_keyrings(witness, keyrings))
		return go_without(witness, chain,
				  "no keyring of Debian's developers is installed (package "
				  "debian-keyring)",
				  err);
	if (!assay_openpgp_open_inline(witness->path, keyrings, &verified, &result, err)) {
		debian_chain_add(chain, witness->step, witness->what, "verified", "signed by %s",
				 result.key_id);
		if (!text)
			return ASSAY_OK;
		assay_buf_clear(text);
		assay_buf_add_span(text, assay_buf_span(&verified));
		return assay_buf_check(text, witness->what, err);
	}
	if (err->code != ASSAY_EUNTRUSTED)
		return err->code;
	if (result.status == ASSAY_SIGNATURE_INVALID) {
		debian_chain_add(chain, witness->step, witness->what, "invalid", "%s", result.detail);
		return assay_fail(err, ASSAY_EUNTRUSTED, "%s", result.detail);
	}
	return go_without(witness, chain, result.detail, err);
}
