/* SPDX-License-Identifier: Apache-2.0 */
/* See job_body.h. */
#include "job_body.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

int cli_job_check(const char *verb, const struct cli_job_wish *wish)
{
	char *end = NULL;

	if (wish->priority && (strtol(wish->priority, &end, 10), *end || !*wish->priority))
		return cli_usage(verb, "--priority: want a number, have \"%s\"", wish->priority);
	return 0;
}

json_t *cli_job_body(const struct cli_job_wish *wish)
{
	const struct passwd *user = getpwuid(getuid());
	json_t *body = assay_json_object(), *options = assay_json_object();

	assay_json_set_text(body, "submitter", user ? user->pw_name : "unknown");
	if (wish->needs)
		assay_json_set_text(body, "needs", wish->needs);
	if (wish->pool)
		assay_json_set_text(body, "pool", wish->pool);
	assay_json_set_int(body, "priority", wish->priority ? strtol(wish->priority, NULL, 10) : 0);
	assay_json_set_bool(body, "again", wish->again);
	if (wish->accept)
		assay_json_set_text(options, "accept", wish->accept);
	if (wish->require_signature)
		assay_json_set_bool(options, "require_signature", true);
	assay_json_set(body, "options", options);
	return body;
}

char *cli_job_target(const char *given)
{
	return strncmp(given, "pkg:", 4) == 0 ? strdup(given) : realpath(given, NULL);
}
