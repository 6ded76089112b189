/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "telemetry.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/http.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/time.h"

#define SUFFIX ".json"
#define DROPPED "dropped" /* a file with a number */

enum { RETRY_S = 10 };

static char *traces_url(const char *endpoint)
{
	const char *traces = endpoint ? endpoint : getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const char *base = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
	char *url = NULL;

	if (traces && *traces)
		return strdup(traces);
	if (!base || !*base)
		return NULL;
	return asprintf(&url, "%s%sv1/traces", base, base[strlen(base) - 1] == '/' ? "" : "/") < 0 ? NULL : url;
}

enum assay_code telemetry_open(const char *store, const char *endpoint, uint64_t limit, struct telemetry *ret,
			       struct assay_error *err)
{
	*ret = (struct telemetry){ .url = traces_url(endpoint), .limit = limit ? limit : ASSAY_MAX_TELEMETRY };
	if (!ret->url)
		return ASSAY_OK;
	ret->folder = assay_path_join(store, "telemetry");
	if (!ret->folder)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_path_make_dirs(ret->folder, 0700, err);
}

void telemetry_close(struct telemetry *telemetry)
{
	free(telemetry->folder);
	free(telemetry->url);
}

/* ---- the buffer ---------------------------------------------------------------------------------- */

/* Whoever looks at the buffer as a whole is alone with it; -1 when somebody else is. */
static int enter(const struct telemetry *t, bool wait)
{
	int fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_record(const struct dirent *entry)
{
	return assay_span_ends(assay_span_text(entry->d_name), SUFFIX) && entry->d_name[0] != '.';
}

/* Names begin with the time, so that the order of names is that of age.  The caller frees all of it. */
static int list(const struct telemetry *t, struct dirent ***ret)
{
	return scandir(t->folder, ret, is_record, by_name);
}

static uint64_t bytes_of(const struct telemetry *t, int dirfd)
{
	struct dirent **entries = NULL;
	int count = list(t, &entries);
	uint64_t sum = 0;

	for (int i = 0; i < count; i++) {
		struct stat st;

		if (fstatat(dirfd, entries[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_size;
		free(entries[i]);
	}
	free(entries);
	return sum;
}

static int64_t read_dropped(int dirfd)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(64);
	struct assay_error ignored = ASSAY_ERROR_INIT;
	uint64_t number = 0;

	if (!assay_file_read(dirfd, DROPPED, &text, &ignored))
		assay_span_parse_u64(assay_span_trim(assay_buf_span(&text)), &number);
	return (int64_t)number;
}

static void add_dropped(int dirfd, int64_t spans, const char *why)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	int64_t sum = read_dropped(dirfd) + spans;
	char text[40];

	snprintf(text, sizeof(text), "%" PRId64 "\n", sum);
	if (assay_file_write(dirfd, DROPPED, assay_span_text(text), 0600, &err))
		assay_log(ASSAY_LOG_ERROR, "telemetry: %s", err.msg);
	assay_log(ASSAY_LOG_WARNING, "telemetry: %s: %" PRId64 " spans dropped, %" PRId64 " in all", why, spans, sum);
}

void telemetry_keep(struct telemetry *t, struct spans_attempt *attempt)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_TELEMETRY);
	assay_auto(assay_json_freep) json_t *request = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_fd_closep) int dirfd = -1;
	int64_t spans = 0;
	char name[120];

	if (!t->url)
		return;
	dirfd = enter(t, true);
	if (dirfd < 0) {
		assay_log(ASSAY_LOG_ERROR, "telemetry: %s cannot be opened", t->folder);
		return;
	}
	attempt->dropped = read_dropped(dirfd);
	request = spans_make(attempt, &spans);
	assay_json_dump_compact(request, &text);
	snprintf(name, sizeof(name), "%020" PRId64 "-%" PRId64 "-%" PRId64 SUFFIX, attempt->ended_ns, attempt->job,
		 attempt->fence);
	if (bytes_of(t, dirfd) + text.len > t->limit)
		add_dropped(dirfd, spans, "the buffer is full");
	else if (assay_buf_check(&text, "trace", &err) ||
		 assay_file_write(dirfd, name, assay_buf_span(&text), 0600, &err))
		add_dropped(dirfd, spans, err.msg);
}

/* ---- the collector ------------------------------------------------------------------------------- */

static int64_t count_spans(const json_t *request)
{
	const json_t *whole = json_array_get(json_object_get(request, "resourceSpans"), 0);
	const json_t *scoped = json_array_get(json_object_get(whole, "scopeSpans"), 0);

	return (int64_t)json_array_size(json_object_get(scoped, "spans"));
}

/* Taken means answered with 2xx; a part that it did not like is gone, for OTLP forbids to send it again. */
static bool is_taken(long status, struct assay_span answer, int64_t spans, int dirfd)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	assay_auto(assay_json_freep) json_t *json = NULL;
	int64_t rejected = 0;

	if (status / 100 != 2) {
		char why[60];

		snprintf(why, sizeof(why), "the collector answers %ld", status);
		add_dropped(dirfd, spans, why);
		return true;
	}
	if (answer.len && !assay_json_parse(answer, "answer", &json, &ignored)) {
		const json_t *part = json_object_get(json_object_get(json, "partialSuccess"), "rejectedSpans");

		rejected = json_is_string(part) ? strtoll(json_string_value(part), NULL, 10) : json_integer_value(part);
	}
	if (rejected > 0)
		add_dropped(dirfd, rejected, "the collector rejects some");
	return true;
}

/* False: the collector is away, or asks to come again. */
static bool send_record(struct telemetry *t, int dirfd, const char *name)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_TELEMETRY);
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	assay_auto(assay_json_freep) json_t *request = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	long status = 0;

	if (assay_file_read(dirfd, name, &text, &err) || assay_json_parse(assay_buf_span(&text), name, &request, &err)) {
		assay_log(ASSAY_LOG_WARNING, "telemetry: %s", err.msg);
		unlinkat(dirfd, name, 0);
		return true;
	}
	if (assay_http_post(t->url, headers, assay_buf_span(&text), &answer, &status, &err)) {
		assay_log(ASSAY_LOG_DEBUG, "telemetry: %s", err.msg);
		return false;
	}
	if (status == 429 || status == 502 || status == 503 || status == 504)
		return false;
	if (is_taken(status, assay_buf_span(&answer), count_spans(request), dirfd))
		unlinkat(dirfd, name, 0);
	return true;
}

void telemetry_send(struct telemetry *t)
{
	assay_auto(assay_fd_closep) int dirfd = -1;
	struct dirent **entries = NULL;
	bool reached = true;
	int count;

	if (!t->url || assay_time_monotonic() < (double)t->retry_at)
		return;
	dirfd = enter(t, false);
	if (dirfd < 0)
		return;
	count = list(t, &entries);
	for (int i = 0; i < count; i++) {
		reached = reached && send_record(t, dirfd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!reached)
		t->retry_at = (int64_t)assay_time_monotonic() + RETRY_S;
}
