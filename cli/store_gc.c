/* SPDX-License-Identifier: Apache-2.0 */
/* assay store gc: removes what the policy lets go, while others work. */
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/retention.h"
#include "cli.h"
#include "retention.h"
#include "store_table.h"

int assay_cli_store_gc(int argc, char **argv);

static int make_policy(const struct cli_retention *keeping, bool dry_run, struct assay_retention *policy)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_error err = ASSAY_ERROR_INIT;
	int status = cli_retention_join("store gc", keeping, &text);

	assay_retention_init(policy);
	policy->dry_run = dry_run;
	if (!status && text.len && assay_retention_parse(policy, assay_buf_text(&text), &err))
		return cli_fail(&err);
	return status;
}

static int print(const struct assay_store_collected *collected, bool dry_run)
{
	char gone[CLI_BYTES_TEXT], kept[CLI_BYTES_TEXT];

	printf("class         %8s  %11s      kept        bytes\n", dry_run ? "would go" : "removed", "bytes");
	for (int i = 0; i < ASSAY_CLASS_COUNT; i++) {
		const struct assay_store_count *r = &collected->removed[i], *k = &collected->kept[i];

		printf("%-12s  %8llu  %11s  %8llu  %11s\n", assay_store_class_name(i), (unsigned long long)r->count,
		       cli_bytes(r->bytes, gone), (unsigned long long)k->count,
		       i == ASSAY_CLASS_ENVIRONMENTS ? "" : cli_bytes(k->bytes, kept));
	}
	printf("%s %s\n", cli_bytes(collected->removed_bytes, gone), dry_run ? "would be freed" : "freed");
	if (collected->removed_remote)
		printf("%llu objects of the remote store %s\n", (unsigned long long)collected->removed_remote,
		       dry_run ? "would go" : "removed");
	if (collected->in_use)
		printf("%llu more may be in use and stay\n", (unsigned long long)collected->in_use);
	return fflush(stdout) ? 3 : 0;
}

static int print_json(const struct assay_store *store, const struct assay_store_collected *collected, bool dry_run)
{
	assay_auto(assay_json_freep) json_t *object = assay_json_object();
	json_t *removed = assay_json_object(), *kept = assay_json_object();

	for (int i = 0; i < ASSAY_CLASS_COUNT; i++) {
		assay_json_set(removed, assay_store_class_name(i), cli_store_count(&collected->removed[i]));
		assay_json_set(kept, assay_store_class_name(i), cli_store_count(&collected->kept[i]));
	}
	assay_json_set(object, "removed", removed);
	assay_json_set(object, "kept", kept);
	assay_json_set_bool(object, "dry_run", dry_run);
	assay_json_set_int(object, "in_use", (int64_t)collected->in_use);
	assay_json_set_int(object, "removed_remote", (int64_t)collected->removed_remote);
	assay_json_set_int(object, "removed_bytes", (int64_t)collected->removed_bytes);
	return cli_store_json(store, object);
}

int assay_cli_store_gc(int argc, char **argv)
{
	const char *root = NULL;
	bool json = false, dry_run = false;
	struct cli_retention keeping = { .every = NULL };
	const struct cli_option options[] = {
		{ "dry-run", CLI_FLAG, &dry_run }, { "grace", CLI_TEXT, &keeping.grace }, { "json", CLI_FLAG, &json },
		{ "keep-for", CLI_LIST, &keeping.keep },   { "store", CLI_TEXT, &root },  { NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_store_freep) struct assay_store *store = NULL;
	struct assay_store_collected collected;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_retention policy;
	char **args;
	int count, status = cli_parse("store gc", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = make_policy(&keeping, dry_run, &policy);
	cli_retention_release(&keeping);
	if (status)
		return status;
	if (assay_store_open(root, &store, &err) || assay_store_collect(store, &policy, &collected, &err))
		return cli_fail(&err);
	return json ? print_json(store, &collected, dry_run) : print(&collected, dry_run);
}
