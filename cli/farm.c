/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a scheduler. */
#include "farm.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/enrolment.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/scheduler.h"
#include "assay/time.h"
#include "cli.h"

char *cli_farm_identity(void)
{
	const char *given = getenv("ASSAY_IDENTITY"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int len;

	if (given && *given)
		return strdup(given);
	len = config && config[0] == '/' ? asprintf(&path, "%s/assay/farm", config) :
					   asprintf(&path, "%s/.config/assay/farm", home ? home : "");
	return len < 0 ? NULL : path;
}

char *cli_farm_read_token(const char *path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span token;
	char *copy;

	if (strcmp(path, "-") == 0 ? assay_buf_read_fd(&text, STDIN_FILENO, err) :
				     assay_file_read(AT_FDCWD, path, &text, err))
		return NULL;
	token = assay_span_trim(assay_buf_span(&text));
	if (!token.len || memchr(token.data, '\n', token.len)) {
		assay_fail(err, ASSAY_EUSAGE, "%s: want one line with a token", path);
		return NULL;
	}
	copy = assay_span_dup(token);
	if (!copy)
		assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return copy;
}

/* A token of somebody else's making; the farm's authority beside it, when there is one. */
static enum assay_code connect_bearer(const char *url, const char *directory, const char *token,
				      struct assay_http_client **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *authority = assay_path_join(directory, ASSAY_ENROLMENT_AUTHORITY);
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	struct assay_http_identity who = { .bearer = token };

	if (!authority)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (access(authority, R_OK) == 0)
		who.authority = authority;
	if (assay_http_client_new(url, &client, err) || assay_http_client_identify(client, &who, err))
		return err->code;
	*ret = assay_steal(client);
	return ASSAY_OK;
}

static enum assay_code connect_tls(const char *url, struct assay_http_client **ret, struct assay_error *err)
{
	const char *file = getenv("ASSAY_TOKEN_FILE"), *given = getenv("ASSAY_TOKEN");
	assay_auto(assay_freep) char *directory = cli_farm_identity();
	assay_auto(assay_freep) char *token = NULL;

	if (!directory)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (file && *file) {
		token = cli_farm_read_token(file, err);
		if (!token)
			return err->code;
	}
	if (token || (given && *given))
		return connect_bearer(url, directory, token ? token : given, ret, err);
	return assay_enrolment_connect(url, directory, ret, NULL, err);
}

enum assay_code cli_farm_connect(const char *store, const char *socket,
				 struct assay_http_client **ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *found = NULL;
	const char *place = socket || store ? socket : getenv("ASSAY_SCHEDULER");

	if ((!place || !*place) && assay_scheduler_socket(store, &found, err))
		return err->code;
	place = found ? found : place;
	return strncmp(place, "https://", 8) == 0 ? connect_tls(place, ret, err) : assay_http_client_new(place, ret, err);
}

void cli_farm_become(const char *const *argv, struct assay_error *err)
{
	char self[4000], path[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		strrchr(self, '/')[1] = '\0';
		snprintf(path, sizeof(path), "%s" CLI_FARM_PROGRAM, self);
		execv(path, (char *const *)argv);
	}
	execv(ASSAY_LIBEXECDIR "/" CLI_FARM_PROGRAM, (char *const *)argv);
	assay_fail_errno(err, "no " CLI_FARM_PROGRAM " beside the program or in " ASSAY_LIBEXECDIR);
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

int cli_farm_list(const char *store, const char *socket, const char *path, const char *key,
		  json_t **ret_answer)
{
	assay_auto(assay_buf_release) struct assay_buf next = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	json_t *page;

	*ret_answer = NULL;
	assay_buf_add_text(&next, path);
	do {
		int status = cli_farm_call(store, socket, "GET", assay_buf_text(&next), NULL,
					   &page);
		const char *after = status ? NULL : assay_json_text(page, "after", NULL);

		if (status) {
			json_decref(assay_steal(*ret_answer));
			return status;
		}
		assay_buf_clear(&next);
		if (after) {
			assay_buf_printf(&next, "%s?after=", path);
			cli_farm_escape(after, &next);
		}
		if (*ret_answer)
			json_array_extend(json_object_get(*ret_answer, key),
					  json_object_get(page, key));
		else
			*ret_answer = json_incref(page);
		json_decref(page);
	} while (next.len);
	json_object_del(*ret_answer, "after");
	return 0;
}

int cli_farm_call_on(const char *store, const char *socket, const char *method,
		     const char *const path[3], const json_t *body, json_t **ret_answer)
{
	assay_auto(assay_buf_release) struct assay_buf whole = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_error err = ASSAY_ERROR_INIT;

	*ret_answer = NULL;
	assay_buf_add_text(&whole, path[0]);
	cli_farm_escape(path[1], &whole);
	assay_buf_add_text(&whole, path[2]);
	if (assay_buf_check(&whole, "name", &err))
		return cli_fail(&err);
	return cli_farm_call(store, socket, method, assay_buf_text(&whole), body, ret_answer);
}

int cli_farm_print(const json_t *answer, bool json, cli_farm_table *table)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_error err = ASSAY_ERROR_INIT;

	if (json)
		assay_json_dump(answer, &text);
	else
		table(answer, &text);
	if (assay_buf_check(&text, "answer of the scheduler", &err))
		return cli_fail(&err);
	if (fputs(assay_buf_text(&text), stdout) != EOF && fflush(stdout) == 0)
		return 0;
	assay_fail_errno(&err, "standard output");
	return cli_fail(&err);
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
		assay_buf_printf(out, isalnum((unsigned char)*text) || strchr("-._~", *text) ? "%c" : "%%%02X",
				 (unsigned char)*text);
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
