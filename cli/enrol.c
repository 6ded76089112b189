/* SPDX-License-Identifier: Apache-2.0 */
/* assay enrol: becomes somebody on a farm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/enrolment.h"
#include "assay/time.h"
#include "cli.h"
#include "farm.h"

int assay_cli_enrol(int argc, char **argv);

static enum assay_code run(const char *url, const char *token, const char *directory, bool renew,
			   struct assay_certificate *ret, struct assay_error *err)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;

	if (!renew)
		return assay_enrol(url, token, directory, ret, err);
	if (assay_enrolment_connect(url, directory, &client, NULL, err) || assay_enrolment_renew(client, directory, err))
		return err->code;
	assay_http_client_free(assay_steal(client));
	return assay_enrolment_connect(url, directory, &client, ret, err);
}

int assay_cli_enrol(int argc, char **argv)
{
	const char *identity = NULL, *file = "-";
	bool renew = false;
	const struct cli_option options[] = {
		{ "identity", CLI_TEXT, &identity },
		{ "renew", CLI_FLAG, &renew },
		{ "token", CLI_TEXT, &file },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_freep) char *directory = NULL;
	assay_auto(assay_freep) char *token = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_certificate made;
	char **args, until[ASSAY_TIME_TEXT];
	int count, status = cli_parse("enrol", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	if (strncmp(args[0], "https://", 8) != 0)
		return cli_usage("enrol", "want https://HOST:PORT, have \"%s\"", args[0]);
	directory = identity ? strdup(identity) : cli_farm_identity();
	token = renew ? NULL : cli_farm_read_token(file, &err);
	if (!directory || err.code || run(args[0], token, directory, renew, &made, &err))
		return cli_fail(&err);
	printf("%s %s until %s, in %s\n", made.kind, made.name, assay_time_format(made.expires, until), directory);
	return fflush(stdout) ? 3 : 0;
}
