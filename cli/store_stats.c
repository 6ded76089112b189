/* SPDX-License-Identifier: Apache-2.0 */
/* assay store stats: what the store holds, by class. */
#include <stdio.h>

#include "assay/cleanup.h"
#include "cli.h"
#include "farm.h"
#include "store_table.h"

int assay_cli_store_stats(int argc, char **argv);

struct row {
	const char *name;
	const struct assay_store_count *count;
};

enum { ROWS = ASSAY_CLASS_COUNT + 4 };

static void list_rows(const struct assay_store_usage *usage, struct row rows[ROWS])
{
	for (int i = 0; i < ASSAY_CLASS_COUNT; i++)
		rows[i] = (struct row){ assay_store_class_name(i), &usage->classes[i] };
	rows[ASSAY_CLASS_COUNT] = (struct row){ "quarantined", &usage->quarantined };
	rows[ASSAY_CLASS_COUNT + 1] = (struct row){ "caches", &usage->caches };
	rows[ASSAY_CLASS_COUNT + 2] = (struct row){ "work", &usage->work };
	rows[ASSAY_CLASS_COUNT + 3] = (struct row){ "remote", &usage->remote };
}

static int print(const struct assay_store *store, const struct row rows[ROWS])
{
	struct assay_store_count all = { 0 };
	char bytes[CLI_BYTES_TEXT], oldest[40], newest[40];

	printf("%s\nclass            count        bytes    oldest    newest\n", assay_store_root(store));
	for (int i = 0; i < ROWS; i++) {
		const struct assay_store_count *count = rows[i].count;

		all.count += count->count;
		all.bytes += count->bytes;
		printf("%-12s  %8llu  %11s  %8s  %8s\n", rows[i].name, (unsigned long long)count->count,
		       cli_bytes(count->bytes, bytes), cli_farm_age(count->oldest * 1000, oldest, sizeof(oldest)),
		       cli_farm_age(count->newest * 1000, newest, sizeof(newest)));
	}
	printf("%-12s  %8llu  %11s\n", "all", (unsigned long long)all.count, cli_bytes(all.bytes, bytes));
	return fflush(stdout) ? 3 : 0;
}

static int print_json(const struct assay_store *store, const struct row rows[ROWS])
{
	assay_auto(assay_json_freep) json_t *object = assay_json_object();
	json_t *classes = assay_json_object();

	for (int i = 0; i < ROWS; i++)
		assay_json_set(i < ASSAY_CLASS_COUNT ? classes : object, rows[i].name, cli_store_count(rows[i].count));
	assay_json_set(object, "classes", classes);
	return cli_store_json(store, object);
}

int assay_cli_store_stats(int argc, char **argv)
{
	const char *root = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json },
		{ "store", CLI_TEXT, &root },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_store_freep) struct assay_store *store = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_store_usage usage;
	struct row rows[ROWS];
	char **args;
	int count, status = cli_parse("store stats", argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	if (assay_store_open(root, &store, &err) || assay_store_stats(store, &usage, &err))
		return cli_fail(&err);
	list_rows(&usage, rows);
	return json ? print_json(store, rows) : print(store, rows);
}
