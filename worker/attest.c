/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what the report says as signed statements; the key is in another process. */
#include "assay/attest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/time.h"
#include "statements.h"

#define FOLDER "attestations"
#define SUFFIX ".intoto.jsonl"
#define STEM_MAX 180 /* of a file name; the rest is made of suffixes */

struct output {
	struct assay_signer *signer;
	int dirfd;
	json_t *list;
};

static void output_release(struct output *output)
{
	assay_fd_closep(&output->dirfd);
	json_decref(output->list);
}

/* Statements of an earlier run in the same directory would be taken for those of this one. */
static enum assay_code remove_old(int dirfd, struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = NULL;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return assay_fail_errno(err, FOLDER);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (assay_span_ends(assay_span_text(entry->d_name), SUFFIX) &&
		    unlinkat(dirfd, entry->d_name, 0))
			return assay_fail_errno(err, "remove " FOLDER "/%s", entry->d_name);
	return ASSAY_OK;
}

static enum assay_code output_open(struct output *output, const char *directory,
				   struct assay_error *err)
{
	assay_auto(assay_freep) char *path = assay_path_join(directory, FOLDER);
	const char *pem = assay_signer_public_pem(output->signer);

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_path_make_dirs(path, 0755, err))
		return err->code;
	output->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->dirfd < 0)
		return assay_fail_errno(err, "%s", path);
	if (remove_old(output->dirfd, err))
		return err->code;
	return assay_file_write(output->dirfd, "signer.pub", assay_span_text(pem), 0644, err);
}

/* A file name from a name that may hold any byte; two subjects never share one. */
static void file_name(const struct output *output, const json_t *name, const char *kind, char *out,
		      size_t size)
{
	const char *text = json_is_string(name) ? json_string_value(name) : "subject";
	char stem[STEM_MAX + 1];
	size_t len = 0;

	for (text = assay_path_base(text); *text && len < STEM_MAX; text++) {
		bool plain = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
			     (*text >= 'A' && *text <= 'Z') || strchr("+-_~.", *text);

		stem[len] = plain && !(len == 0 && *text == '.') ? *text : '_';
		len++;
	}
	stem[len] = '\0';
	snprintf(out, size, "%s.%s" SUFFIX, stem, kind);
	for (unsigned i = 2; faccessat(output->dirfd, out, F_OK, AT_SYMLINK_NOFOLLOW) == 0; i++)
		snprintf(out, size, "%s.%u.%s" SUFFIX, stem, i, kind);
}

/* Signs, writes, and lists; takes statement over.  *ret_descriptor (may be NULL): {"name",
 * "digest"} of the file. */
static enum assay_code put(struct output *output, json_t *statement, const char *name,
			   json_t **ret_descriptor, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf envelope = ASSAY_BUF_INIT(ASSAY_MAX_ENVELOPE);
	assay_auto(assay_json_freep) json_t *owned = statement;
	char path[512], hex[ASSAY_DIGEST_TEXT];
	struct assay_digest digest;
	json_t *row;

	if (assay_signer_sign(output->signer, statement, &envelope, err) ||
	    assay_file_write(output->dirfd, name, assay_buf_span(&envelope), 0644, err))
		return assay_context(err, FOLDER "/%s", name);
	assay_digest_span(assay_buf_span(&envelope), &digest);
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	row = assay_json_object();
	assay_json_set_text(row, "path", path);
	assay_json_set_text(row, "predicateType", assay_json_text(statement, "predicateType", ""));
	assay_json_set_text(row, "sha256", assay_digest_hex(&digest, hex));
	assay_json_set_text(row, "key", assay_signer_key_id(output->signer));
	assay_json_append(output->list, row);
	if (ret_descriptor)
		*ret_descriptor = assay_statement_subject(assay_span_text(name), &digest);
	return ASSAY_OK;
}

static enum assay_code put_provenances(struct output *output, struct statement_context *context,
				       struct assay_error *err)
{
	const json_t *attempts = json_object_get(context->report, "attempts");

	for (size_t i = 0; i < json_array_size(attempts); i++) {
		json_t *statement = statement_provenance(context, json_array_get(attempts, i));
		json_t *descriptor = NULL;
		char name[64];

		snprintf(name, sizeof(name), "%zu-provenance" SUFFIX, i + 1);
		if (statement && put(output, statement, name, &descriptor, err))
			return err->code;
		assay_json_append(context->provenances, descriptor ? descriptor : json_null());
	}
	return ASSAY_OK;
}

static enum assay_code put_comparisons(struct output *output, struct statement_context *context,
				       struct assay_error *err)
{
	const json_t *subjects = json_object_get(context->report, "subjects");

	for (size_t i = 0; i < json_array_size(subjects); i++) {
		const json_t *subject = json_array_get(subjects, i);
		json_t *statement = statement_comparison(context, subject);
		char name[STEM_MAX + 64];

		file_name(output, json_object_get(json_object_get(subject, "subject"), "name"),
			  "comparison", name, sizeof(name));
		if (statement && put(output, statement, name, NULL, err))
			return err->code;
	}
	return ASSAY_OK;
}

enum assay_code assay_attest_write(const json_t *report, struct assay_signer *signer,
				   const char *output_directory, json_t **ret_list,
				   struct assay_error *err)
{
	assay_auto(output_release) struct output output = { .signer = signer, .dirfd = -1 };
	assay_auto(assay_json_freep) json_t *provenances = assay_json_array();
	struct statement_context context = { .report = report, .provenances = provenances };
	uint8_t nonce[16];

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return assay_fail_errno(err, "getrandom");
	assay_hex_encode(assay_span_of(nonce, sizeof(nonce)), context.invocation);
	assay_time_format(assay_time_now(), context.now);
	context.key_id = assay_signer_key_id(signer);
	output.list = assay_json_array();
	if (output_open(&output, output_directory, err) ||
	    put_provenances(&output, &context, err) || put_comparisons(&output, &context, err))
		return err->code;
	*ret_list = assay_steal(output.list);
	return ASSAY_OK;
}
