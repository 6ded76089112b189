/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay attest verify: who signed these statements, and what do they say.  The exit status judges
 * the evidence and not the verdict in it: a well-signed DIVERGENT is valid evidence of a divergence.
 */
#include <fcntl.h>
#include <stdio.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "cli.h"
#include "envelopes.h"

int assay_cli_attest_verify(int argc, char **argv);

#define KEYS_MAX 64

struct check {
	struct assay_key *keys[KEYS_MAX];
	size_t key_count;
	const char *subject_path; /* NULL: any subject */
	struct assay_digest subject;
	json_t *rows;
	unsigned valid, elsewhere, invalid;
};

static void check_release(struct check *check)
{
	for (size_t i = 0; i < check->key_count; i++)
		assay_key_free(check->keys[i]);
	json_decref(check->rows);
}

/* The keys that signed, as ids. */
static json_t *list_keys(const struct check *check, const bool *used)
{
	json_t *list = assay_json_array();
	char id[ASSAY_DIGEST_TEXT];

	for (size_t i = 0; i < check->key_count; i++) {
		if (!used[i])
			continue;
		assay_key_id(check->keys[i], id);
		assay_json_append(list, assay_json_name(assay_span_text(id)));
	}
	return list;
}

static void describe(struct check *check, json_t *row, json_t *statement, const bool *used)
{
	const json_t *predicate = json_object_get(statement, "predicate");
	bool covers = !check->subject_path ||
		      assay_statement_covers(statement, &check->subject);

	assay_json_set_text(row, "status", covers ? "valid" : "other-subject");
	assay_json_set_text(row, "predicateType", assay_json_text(statement, "predicateType", ""));
	assay_json_set(row, "subject", json_incref(json_object_get(statement, "subject")));
	if (*assay_json_text(predicate, "verdict", ""))
		assay_json_set_text(row, "verdict", assay_json_text(predicate, "verdict", ""));
	assay_json_set(row, "keys", list_keys(check, used));
	check->valid += covers;
	check->elsewhere += !covers;
}

static enum assay_code check_envelope(void *data, const char *file, unsigned line,
				      struct assay_span envelope, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *statement = NULL;
	struct assay_error why = ASSAY_ERROR_INIT;
	struct check *check = data;
	json_t *row = assay_json_object();
	bool used[KEYS_MAX] = { false };

	(void)err;
	assay_json_append(check->rows, row);
	assay_json_set(row, "file", assay_json_name(assay_span_text(file)));
	assay_json_set_int(row, "line", line);
	if (assay_dsse_verify_quorum(envelope, check->keys, check->key_count, 1, used, &statement,
				     &why) == ASSAY_OK) {
		describe(check, row, statement, used);
		return ASSAY_OK;
	}
	check->invalid++;
	assay_json_set_text(row, "status",
			    why.code == ASSAY_EUNTRUSTED ? "untrusted" : "invalid");
	assay_json_set_text(row, "reason", why.msg);
	return ASSAY_OK;
}

static enum assay_code load_keys(struct check *check, const struct cli_list *paths,
				 struct assay_error *err)
{
	assay_auto(assay_freep) char *own = assay_key_default_path(), *own_public = NULL;
	const char *fallback[] = { NULL, NULL };
	const char *const *list = paths->count ? paths->items : fallback;

	if (!own || asprintf(&own_public, "%s.pub", own) < 0) {
		own_public = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	fallback[0] = own_public;
	for (; *list; list++) {
		if (check->key_count == KEYS_MAX)
			return assay_fail(err, ASSAY_EUSAGE, "want at most %d keys", KEYS_MAX);
		if (assay_key_load_public(*list, &check->keys[check->key_count], err)) {
			/* which key to trust is the caller's word, so its absence is a wrong one */
			if (err->code == ASSAY_ENOTFOUND)
				err->code = ASSAY_EUSAGE;
			return paths->count ? err->code
					    : assay_context(err, "without --key your own is used");
		}
		check->key_count++;
	}
	return ASSAY_OK;
}

static const char *shown(const json_t *object, const char *key, char *out, size_t size)
{
	return assay_span_show(assay_span_text(assay_json_text(object, key, "?")), out, size);
}

static void print_row(const json_t *row)
{
	const json_t *subjects = json_object_get(row, "subject");
	char a[300], b[300], c[300];

	printf("%-13s %s:%lld\n", shown(row, "status", a, sizeof(a)),
	       shown(row, "file", b, sizeof(b)), (long long)assay_json_int(row, "line", 0));
	if (json_object_get(row, "reason"))
		printf("              %s\n", shown(row, "reason", a, sizeof(a)));
	if (!subjects)
		return;
	printf("    type      %s\n", shown(row, "predicateType", a, sizeof(a)));
	for (size_t i = 0; i < json_array_size(subjects); i++) {
		const json_t *subject = json_array_get(subjects, i);

		printf("    subject   %s sha256:%s\n", shown(subject, "name", a, sizeof(a)),
		       shown(json_object_get(subject, "digest"), "sha256", b, sizeof(b)));
	}
	if (json_object_get(row, "verdict"))
		printf("    verdict   %s\n", shown(row, "verdict", c, sizeof(c)));
	for (size_t i = 0; i < json_array_size(json_object_get(row, "keys")); i++)
		printf("    key       %s\n",
		       json_string_value(json_array_get(json_object_get(row, "keys"), i)));
}

static void print_text(const struct check *check)
{
	for (size_t i = 0; i < json_array_size(check->rows); i++)
		print_row(json_array_get(check->rows, i));
	printf("%u valid, %u about another subject, %u invalid or untrusted\n", check->valid,
	       check->elsewhere, check->invalid);
}

static enum assay_code print_json(const struct check *check, const struct cli_optional *json,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_json_freep) json_t *object = assay_json_object();

	assay_json_set_text(object, "schema", "assay.attest/1");
	assay_json_set(object, "statements", json_incref(check->rows));
	assay_json_set_int(object, "valid", check->valid);
	assay_json_set_int(object, "otherSubject", check->elsewhere);
	assay_json_set_int(object, "invalid", check->invalid);
	assay_json_dump(object, &out);
	if (assay_buf_check(&out, "result", err))
		return err->code;
	if (json->value)
		return assay_file_write(AT_FDCWD, json->value, assay_buf_span(&out), 0644, err);
	if (fwrite(out.data, 1, out.len, stdout) != out.len)
		return assay_fail_errno(err, "standard output");
	return ASSAY_OK;
}

static enum assay_code run(struct check *check, const struct cli_list *keys,
			   const struct cli_optional *json, char **files, int count,
			   struct assay_error *err)
{
	if (load_keys(check, keys, err))
		return err->code;
	if (check->subject_path &&
	    assay_digest_file(check->subject_path, &check->subject, NULL, err))
		return assay_context(err, "--subject");
	for (int i = 0; i < count; i++)
		if (cli_envelopes_walk(files[i], check_envelope, check, err))
			return err->code;
	if (json->given)
		return print_json(check, json, err);
	print_text(check);
	return ASSAY_OK;
}

int assay_cli_attest_verify(int argc, char **argv)
{
	assay_auto(check_release) struct check check = { .rows = assay_json_array() };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct cli_optional json = { .given = false };
	struct cli_list keys = { .count = 0 };
	const struct cli_option options[] = {
		{ "json", CLI_OPTIONAL, &json },
		{ "key", CLI_LIST, &keys },
		{ "subject", CLI_TEXT, &check.subject_path },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count;
	int status = cli_parse("attest verify", argc, argv, options, 1, 100000, &args, &count);

	if (!status && run(&check, &keys, &json, args, count, &err))
		status = cli_fail(&err);
	else if (!status && fflush(stdout))
		status = 3;
	else if (!status)
		status = check.invalid ? 4 : check.valid ? 0 : 3;
	free(keys.items);
	return status;
}
