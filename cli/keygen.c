/* SPDX-License-Identifier: Apache-2.0 */
/* assay keygen: a signing key, and its public half in the forms that others read. */
#include <stdio.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "cli.h"

int assay_cli_keygen(int argc, char **argv);

static enum assay_code describe(const char *path, bool json, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf minisign = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_key_freep) struct assay_key *key = NULL;
	assay_auto(assay_json_freep) json_t *object = assay_json_object();
	assay_auto(assay_freep) char *public_path = NULL;
	char id[ASSAY_DIGEST_TEXT];

	if (asprintf(&public_path, "%s.pub", path) < 0) {
		public_path = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	if (assay_key_load(path, &key, err) || assay_key_minisign_public(key, &minisign, err))
		return err->code;
	assay_key_id(key, id);
	if (json) {
		assay_json_set_text(object, "private", path);
		assay_json_set_text(object, "public", public_path);
		assay_json_set_text(object, "id", id);
		assay_json_set_text(object, "minisign", assay_buf_text(&minisign));
		assay_json_dump(object, &out);
	} else {
		assay_buf_printf(&out,
				 "private key   %s (keep it secret; it is not encrypted)\n"
				 "public key    %s\n"
				 "key id        %s\n"
				 "for minisign  %s\n",
				 path, public_path, id, assay_buf_text(&minisign));
	}
	if (assay_buf_check(&out, "key", err))
		return err->code;
	if (fputs(assay_buf_text(&out), stdout) == EOF || fflush(stdout))
		return assay_fail_errno(err, "standard output");
	return ASSAY_OK;
}

int assay_cli_keygen(int argc, char **argv)
{
	assay_auto(assay_freep) char *fallback = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json },
		{ NULL, CLI_FLAG, NULL },
	};
	const char *path;
	char **args;
	int count, status = cli_parse("keygen", argc, argv, options, 0, 1, &args, &count);

	if (status)
		return status;
	fallback = assay_key_default_path();
	path = count ? args[0] : fallback;
	if (!path) {
		assay_fail(&err, ASSAY_ENOMEM, "out of memory");
		return cli_fail(&err);
	}
	if (assay_key_generate(path, &err) || describe(path, json, &err))
		return cli_fail(&err);
	return 0;
}
