/* SPDX-License-Identifier: Apache-2.0 */
/* assay worker check: what this machine can isolate, each layer tried just now. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "assay/box.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "box_options.h"
#include "cli.h"

int assay_cli_worker_check(int argc, char **argv);

static void print_runtime(const json_t *runtime, struct assay_buf *out)
{
	const char *state = assay_json_text(runtime, "state", "?");

	assay_buf_printf(out, "  %-8s  %-13s %-18s", state, assay_json_text(runtime, "name", "?"),
			 assay_json_text(runtime, "version", ""));
	if (strcmp(state, "outdated") == 0)
		assay_buf_printf(out, " want %s: ", assay_json_text(runtime, "minimum", "?"));
	assay_buf_printf(out, "%s\n", assay_json_text(runtime, "detail", ""));
}

static void print_table(const json_t *isolation, struct assay_buf *out)
{
	const json_t *layer;
	size_t i;

	assay_buf_printf(out, "isolation   %s (driver %s, kernel %s)\n\n",
			 assay_json_text(isolation, "class", "?"),
			 assay_json_text(isolation, "driver", "?"),
			 assay_json_text(isolation, "kernel", "?"));
	json_array_foreach (json_object_get(isolation, "layers"), i, layer)
		assay_buf_printf(out, "  %-3s  %-18s %s\n",
				 assay_json_bool(layer, "applied") ? "yes" : "NO",
				 assay_json_text(layer, "name", "?"),
				 assay_json_text(layer, "detail", ""));
	assay_buf_add_text(out, "\nOCI runtimes (--box=oci)\n\n");
	json_array_foreach (json_object_get(isolation, "runtimes"), i, layer)
		print_runtime(layer, out);
}

int assay_cli_worker_check(int argc, char **argv)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MIB);
	assay_auto(assay_json_freep) json_t *isolation = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct utsname host;
	assay_auto(cli_box_release) struct cli_box box = CLI_BOX_INIT;
	bool json = false;
	const struct cli_option options[] = {
		{ "allow-runtime", CLI_LIST, &box.allow },
		{ "box", CLI_TEXT, &box.driver },
		{ "config", CLI_TEXT, &box.config_path },
		{ "json", CLI_FLAG, &json },
		{ "runtime", CLI_TEXT, &box.runtime },
		{ NULL, CLI_FLAG, NULL },
	};
	char **args;
	int count, status = cli_parse("worker check", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = cli_box_choose("worker check", &box);
	if (status)
		return status;
	if (assay_box_check(&box.choice, &isolation, &err))
		return cli_fail(&err);
	assay_json_set(isolation, "runtimes", assay_box_runtimes());
	assay_json_set_text(isolation, "kernel", uname(&host) ? "?" : host.release);
	if (json)
		assay_json_dump(isolation, &out);
	else
		print_table(isolation, &out);
	if (assay_buf_check(&out, "report", &err))
		return cli_fail(&err);
	if (fputs(assay_buf_text(&out), stdout) == EOF || fflush(stdout)) {
		assay_fail_errno(&err, "standard output");
		return cli_fail(&err);
	}
	return 0;
}
