/* SPDX-License-Identifier: Apache-2.0 */
/* assay show JOB: one job of the farm with its attempts, or its report in any form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/process.h"
#include "cli.h"
#include "farm.h"
#include "output.h"

enum { LOG_WAIT_MS = 20000 };

int assay_cli_show(int argc, char **argv);

static void attempt(const json_t *item)
{
	char worker[100], reason[300], age[40];
	const char *verdict = assay_json_text(item, "verdict", "running");

	printf("  attempt %lld  %-13s  %s, %s ago\n", (long long)assay_json_int(item, "number", 0), verdict,
	       cli_farm_shown(item, "worker", worker, sizeof(worker)),
	       cli_farm_age(assay_json_int(item, "started", 0), age, sizeof(age)));
	if (*assay_json_text(item, "reason", ""))
		printf("             %s\n", cli_farm_shown(item, "reason", reason, sizeof(reason)));
}

static void print(const json_t *job)
{
	char text[400];
	size_t i;
	json_t *item;

	printf("job %lld  %s\n  state     %s\n", (long long)assay_json_int(job, "id", 0),
	       cli_farm_shown(job, "target", text, sizeof(text)), assay_json_text(job, "state", ""));
	if (*assay_json_text(job, "verdict", ""))
		printf("  verdict   %s\n", assay_json_text(job, "verdict", ""));
	if (*assay_json_text(job, "reason", ""))
		printf("  reason    %s\n", cli_farm_shown(job, "reason", text, sizeof(text)));
	printf("  pool      %s\n", cli_farm_shown(job, "pool", text, sizeof(text)));
	printf("  submitter %s\n", cli_farm_shown(job, "submitter", text, sizeof(text)));
	json_array_foreach(json_object_get(job, "attempts"), i, item)
		attempt(item);
	if (strcmp(assay_json_text(job, "state", ""), "running") == 0)
		printf("\n  `assay show --follow %lld` shows its log as it grows.\n",
		       (long long)assay_json_int(job, "id", 0));
	if (*assay_json_text(job, "report", ""))
		printf("\n  `assay show --report %lld` shows its report.\n", (long long)assay_json_int(job, "id", 0));
}

/* A log is whatever a build wrote: on a terminal its control bytes are shown, not obeyed. */
static void print_log(struct assay_span text, bool terminal)
{
	struct assay_span line;

	if (!terminal) {
		fwrite(text.data, 1, text.len, stdout);
		return;
	}
	while (assay_span_next_line(&text, &line)) {
		size_t size = line.len * 4 + 8;
		assay_auto(assay_freep) char *shown = malloc(size);

		if (shown)
			puts(assay_span_show(line, shown, size));
	}
}

/* Up to its last whole line when more may come. */
static size_t whole_lines(struct assay_span text)
{
	size_t len = text.len;

	while (len && text.data[len - 1] != '\n')
		len--;
	return len ? len : text.len;
}

static int show_log(const char *store, const char *socket, const char *job, bool follow)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	bool terminal = isatty(STDOUT_FILENO);
	struct assay_error err = ASSAY_ERROR_INIT;
	unsigned long long offset = 0;

	if (cli_farm_connect(store, socket, &client, &err))
		return cli_fail(&err);
	while (!assay_interrupted) {
		char path[200];
		size_t len;

		snprintf(path, sizeof(path), "/v1/jobs/%s/log?offset=%llu&wait_ms=%d", job, offset,
			 follow ? LOG_WAIT_MS : 0);
		if (assay_http_send(client, "GET", path, assay_span_text(""), &text, &err))
			return cli_fail(&err);
		if (assay_http_status(client) == 204 || (!text.len && !follow))
			break;
		len = follow ? whole_lines(assay_buf_span(&text)) : text.len;
		print_log(assay_span_cut(assay_buf_span(&text), 0, len), terminal);
		fflush(stdout);
		offset += len;
	}
	return fflush(stdout) ? 3 : 0;
}

int assay_cli_show(int argc, char **argv)
{
	struct cli_outputs outputs = { .json = { false, NULL } };
	const char *socket = NULL, *store = NULL;
	bool report = false, log = false, follow = false;
	const struct cli_option options[] = {
		{ "follow", CLI_FLAG, &follow },	     { "html", CLI_TEXT, &outputs.html },
		{ "json", CLI_OPTIONAL, &outputs.json },     { "junit", CLI_TEXT, &outputs.junit },
		{ "log", CLI_FLAG, &log },		     { "markdown", CLI_TEXT, &outputs.markdown },
		{ "report", CLI_FLAG, &report },	     { "sarif", CLI_TEXT, &outputs.sarif },
		{ "socket", CLI_TEXT, &socket },	     { "store", CLI_TEXT, &store },
		{ "verbose", CLI_FLAG, &outputs.verbose },   { NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_json_freep) json_t *answer = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args, path[200];
	int count, status = cli_parse("show", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	if (strspn(args[0], "0123456789") != strlen(args[0]) || strlen(args[0]) > 18)
		return cli_usage("show", "want the number of a job, have \"%s\"", args[0]);
	if (log || follow)
		return show_log(store, socket, args[0], follow);
	snprintf(path, sizeof(path), "/v1/jobs/%s%s", args[0], report ? "/report" : "");
	status = cli_farm_call(store, socket, "GET", path, NULL, &answer);
	if (status)
		return status;
	if (report)
		return cli_outputs_write(&outputs, answer, &err);
	if (!outputs.json.given) {
		print(answer);
		return fflush(stdout) ? 3 : 0;
	}
	return cli_farm_print(answer, true, NULL);
}
