/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a scheduler. */
#include "farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/scheduler.h"
#include "assay/time.h"
#include "cli.h"

enum assay_code cli_farm_connect(const char *store, const char *socket,
				 struct assay_http_client **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *found = NULL;

	if (!socket && assay_scheduler_socket(store, &found, err))
		return err->code;
	return assay_http_client_new(socket ? socket : found, ret, err);
}

int cli_farm_call(const char *store, const char *socket, const char *method, const char *path,
		  const json_t *body, json_t **ret_answer)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;

	*ret_answer = NULL;
	if (cli_farm_connect(store, socket, &client, &err) ||
	    assay_http_call(client, method, path, body, ret_answer, &err))
		return cli_fail(&err);
	return 0;
}

const char *cli_farm_shown(const json_t *object, const char *key, char *out, size_t size)
{
	return assay_span_show(assay_span_text(assay_json_text(object, key, "")), out, size);
}

const char *cli_farm_age(int64_t since_ms, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	int64_t age = assay_time_now() - since_ms / 1000;
	size_t i = 0;

	if (!since_ms) {
		snprintf(out, size, "-");
		return out;
	}
	if (age < 0)
		age = 0;
	while (i < 3 && age < 2 * units[i].seconds)
		i++;
	snprintf(out, size, "%lld %s", (long long)(age / units[i].seconds), units[i].unit);
	return out;
}

void cli_farm_escape(const char *text, struct assay_buf *out)
{
	for (; *text; text++)
		assay_buf_printf(out, strchr("%&+#?/ ", *text) ? "%%%02X" : "%c", (unsigned char)*text);
}

int cli_farm_hours(const char *verb, const char *hours, long fallback, int64_t *ret_since)
{
	enum { HOURS_MAX = 24 * 366 };
	char *end = NULL;
	long back = hours ? strtol(hours, &end, 10) : fallback;

	if (back < 1 || back > HOURS_MAX || (end && *end))
		return cli_usage(verb, "--hours: want 1 to %d, have \"%s\"", HOURS_MAX, hours);
	*ret_since = (assay_time_now() - back * 3600) * 1000;
	return 0;
}
