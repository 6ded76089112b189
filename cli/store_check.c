/* SPDX-License-Identifier: Apache-2.0 */
/* assay store check: hashes every blob again; wrong bytes are named and moved aside. */
#include <stdio.h>

#include "assay/cleanup.h"
#include "cli.h"
#include "store_table.h"

int assay_cli_store_check(int argc, char **argv);

enum { BROKEN = 4 };

static int print(const struct assay_store_checked *checked)
{
	char bytes[CLI_BYTES_TEXT];
	json_t *problem;
	size_t i;

	json_array_foreach(checked->problems, i, problem)
		printf("bad  %s: %s\n", assay_json_text(problem, "name", "?"), assay_json_text(problem, "problem", ""));
	printf("%llu blobs, %s: ", (unsigned long long)checked->blobs, cli_bytes(checked->bytes, bytes));
	if (checked->bad)
		printf("%llu bad\n", (unsigned long long)checked->bad);
	else
		puts("every one has its bytes");
	if (checked->strange)
		printf("%llu entries are no blobs\n", (unsigned long long)checked->strange);
	return fflush(stdout) ? 3 : 0;
}

static int print_json(const struct assay_store *store, const struct assay_store_checked *checked)
{
	assay_auto(assay_json_freep) json_t *object = assay_json_object();

	assay_json_set_int(object, "blobs", (int64_t)checked->blobs);
	assay_json_set_int(object, "bytes", (int64_t)checked->bytes);
	assay_json_set_int(object, "bad", (int64_t)checked->bad);
	assay_json_set_int(object, "strange", (int64_t)checked->strange);
	assay_json_set(object, "problems", json_incref(checked->problems));
	return cli_store_json(store, object);
}

int assay_cli_store_check(int argc, char **argv)
{
	const char *root = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json },
		{ "store", CLI_TEXT, &root },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_store_freep) struct assay_store *store = NULL;
	struct assay_store_checked checked = { .problems = NULL };
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("store check", argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	if (assay_store_open(root, &store, &err) || assay_store_check(store, &checked, &err))
		status = cli_fail(&err);
	else
		status = json ? print_json(store, &checked) : print(&checked);
	if (!status && (checked.bad || checked.strange))
		status = BROKEN;
	json_decref(checked.problems);
	return status;
}
