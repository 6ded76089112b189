/* SPDX-License-Identifier: Apache-2.0 */
/* assay worker: draws jobs from a scheduler and runs them here. */
#include "assay/worker.h"

#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/scheduler.h"
#include "box_options.h"
#include "cli.h"
#include "farm.h"
#include "retention.h"

int assay_cli_worker(int argc, char **argv);

/* What no option says, the configuration does. */
static void configure(struct assay_worker_options *o, const char **scheduler, const struct assay_config *config)
{
	const struct {
		const char **option, *configured;
	} words[] = {
		{ &o->store, config->worker.store },	   { &o->pool, config->worker.pool },
		{ &o->labels, config->worker.labels },	   { &o->name, config->worker.name },
		{ &o->identity, config->worker.identity }, { &o->telemetry, config->worker.telemetry },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!*words[i].option)
			*words[i].option = words[i].configured;
	/* these two are one choice */
	if (!*scheduler && !o->socket) {
		*scheduler = config->worker.scheduler;
		o->socket = config->worker.socket;
	}
}

int assay_cli_worker(int argc, char **argv)
{
	struct assay_worker_options o = { .once = false };
	assay_auto(cli_box_release) struct cli_box box = CLI_BOX_INIT;
	assay_auto(assay_buf_release) struct assay_buf retention = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct cli_retention keeping = { .every = NULL };
	const char *enrol = NULL, *scheduler = NULL, *limit = NULL;
	const struct cli_option options[] = {
		{ "collect-every", CLI_TEXT, &keeping.every }, { "grace", CLI_TEXT, &keeping.grace },
		{ "keep-for", CLI_LIST, &keeping.keep },
		{ "config", CLI_TEXT, &box.config_path },
		{ "enrol", CLI_TEXT, &enrol },	       { "identity", CLI_TEXT, &o.identity },
		{ "labels", CLI_TEXT, &o.labels },     { "name", CLI_TEXT, &o.name },
		{ "once", CLI_FLAG, &o.once },	       { "pool", CLI_TEXT, &o.pool },
		{ "scheduler", CLI_TEXT, &scheduler }, { "secrets", CLI_TEXT, &o.secrets }, { "socket", CLI_TEXT, &o.socket },
		{ "store", CLI_TEXT, &o.store },       { "telemetry", CLI_TEXT, &o.telemetry },
		{ "telemetry-limit", CLI_TEXT, &limit }, { NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_freep) char *socket = NULL;
	assay_auto(assay_freep) char *token = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("worker", argc, argv, options, 0, 0, &args, &count);

	if (!status)
		status = cli_retention_join("worker", &keeping, &retention);
	cli_retention_release(&keeping);
	if (!status)
		status = cli_box_choose("worker", &box);
	if (status)
		return status;
	if (limit && !assay_span_parse_u64(assay_span_text(limit), &o.telemetry_limit))
		return cli_usage("worker", "--telemetry-limit: want a number of bytes, have \"%s\"", limit);
	o.box = &box.choice;
	o.retention = retention.len ? assay_buf_text(&retention) : NULL;
	configure(&o, &scheduler, &box.config);
	if (scheduler && o.socket)
		return cli_usage("worker", "want --scheduler or --socket, not both");
	if (scheduler)
		o.socket = scheduler;
	if (enrol && (!o.socket || strncmp(o.socket, "https://", 8) != 0))
		return cli_usage("worker", "--enrol: want --scheduler=https://HOST:PORT with it");
	if (enrol) {
		token = cli_farm_read_token(enrol, &err);
		if (!token)
			return cli_fail(&err);
		o.token = token;
	}
	if (!o.socket && assay_scheduler_socket(o.store, &socket, &err))
		return cli_fail(&err);
	if (!o.socket)
		o.socket = socket;
	return assay_worker_run(&o, &err) ? cli_fail(&err) : 0;
}
