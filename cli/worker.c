/* SPDX-License-Identifier: Apache-2.0 */
/* assay worker: draws jobs from a scheduler and runs them here. */
#include "assay/worker.h"

#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/scheduler.h"
#include "box_options.h"
#include "cli.h"

int assay_cli_worker(int argc, char **argv);
int assay_cli_worker(int argc, char **argv)
{
	struct assay_worker_options o = { .once = false };
	assay_auto(cli_box_release) struct cli_box box = CLI_BOX_INIT;
	const struct cli_option options[] = {
		{ "labels", CLI_TEXT, &o.labels }, { "name", CLI_TEXT, &o.name },
		{ "once", CLI_FLAG, &o.once },	   { "pool", CLI_TEXT, &o.pool },
		{ "socket", CLI_TEXT, &o.socket }, { "store", CLI_TEXT, &o.store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_freep) char *socket = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("worker", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = cli_box_choose("worker", &box);
	if (status)
		return status;
	o.box = &box.choice;
	if (!o.socket && assay_scheduler_socket(o.store, &socket, &err))
		return cli_fail(&err);
	if (!o.socket)
		o.socket = socket;
	return assay_worker_run(&o, &err) ? cli_fail(&err) : 0;
}
