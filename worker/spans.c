/* SPDX-License-Identifier: Apache-2.0 */
/* See the header.  In OTLP's JSON, numbers of 64 bits are strings, numbers of traces hex, and enumerations numbers. */
#include "spans.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/digest.h"

enum { KIND_INTERNAL = 1, STATUS_OK = 1, STATUS_ERROR = 2, TRACE_HEX = 32, SPAN_HEX = 16 };

/* So many hex digits of a hash over what names a thing. */
static void number(char *out, int digits, const char *what, const struct spans_attempt *a, int64_t fence, const char *stage)
{
	char hex[ASSAY_DIGEST_TEXT], text[2000];
	struct assay_digest digest;

	snprintf(text, sizeof(text), "%s\n%.900s\n%" PRId64 "\n%" PRId64 "\n%.80s", what, a->scheduler, a->job, fence, stage);
	assay_digest_span(assay_span_text(text), &digest);
	memcpy(out, assay_digest_hex(&digest, hex), (size_t)digits);
	out[digits] = '\0';
}

static void add_text(json_t *list, const char *key, const char *text)
{
	json_t *value = assay_json_object(), *attribute = assay_json_object();

	assay_json_set_text(value, "stringValue", text);
	assay_json_set_text(attribute, "key", key);
	assay_json_set(attribute, "value", value);
	assay_json_append(list, attribute);
}

static void add_int(json_t *list, const char *key, int64_t count)
{
	json_t *value = assay_json_object(), *attribute = assay_json_object();

	assay_json_set(value, "intValue", json_sprintf("%" PRId64, count));
	assay_json_set_text(attribute, "key", key);
	assay_json_set(attribute, "value", value);
	assay_json_append(list, attribute);
}

static json_t *span(const struct spans_attempt *a, const char *name, const char *parent, int64_t from, int64_t to,
		    json_t *attributes)
{
	char trace[TRACE_HEX + 1], id[SPAN_HEX + 1];
	json_t *object = assay_json_object();

	number(trace, TRACE_HEX, "trace", a, 0, "");
	number(id, SPAN_HEX, "span", a, a->fence, parent ? name : "");
	assay_json_set_text(object, "traceId", trace);
	assay_json_set_text(object, "spanId", id);
	if (parent)
		assay_json_set_text(object, "parentSpanId", parent);
	assay_json_set_text(object, "name", name);
	assay_json_set_int(object, "kind", KIND_INTERNAL);
	assay_json_set(object, "startTimeUnixNano", json_sprintf("%" PRId64, from));
	assay_json_set(object, "endTimeUnixNano", json_sprintf("%" PRId64, to));
	assay_json_set(object, "attributes", attributes);
	return object;
}

/* The conventions for pipelines have six words for how a run ends. */
static const char *result_of(const char *verdict)
{
	static const struct {
		const char *verdict, *result;
	} words[] = {
		{ "reproducible", "success" }, { "equivalent", "success" },  { "timed-out", "timeout" },
		{ "cancelled", "cancellation" }, { "farm-error", "error" }, { "inputs-lost", "error" },
		{ "lost", "error" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].verdict, verdict) == 0)
			return words[i].result;
	return "failure";
}

static json_t *attempt_span(const struct spans_attempt *a)
{
	json_t *attributes = assay_json_array(), *status = assay_json_object(), *object;
	char run[60];

	snprintf(run, sizeof(run), "%" PRId64, a->job);
	add_text(attributes, "cicd.pipeline.name", a->pool);
	add_text(attributes, "cicd.pipeline.run.id", run);
	add_text(attributes, "cicd.pipeline.result", result_of(a->verdict));
	add_text(attributes, "assay.target", a->target);
	add_text(attributes, "assay.verdict", a->verdict);
	add_int(attributes, "assay.attempt", a->fence);
	object = span(a, "attempt", NULL, a->started_ns, a->ended_ns, attributes);
	assay_json_set_int(status, "code", strcmp(result_of(a->verdict), "success") == 0 ? STATUS_OK : STATUS_ERROR);
	assay_json_set(object, "status", status);
	return object;
}

/* Stages follow each other, and a report says how long each took. */
static void add_stages(json_t *list, const struct spans_attempt *a, const char *parent)
{
	int64_t at = a->started_ns;
	size_t i;
	json_t *stage;

	json_array_foreach(json_object_get(a->report, "stages"), i, stage) {
		int64_t took = (int64_t)(json_number_value(json_object_get(stage, "seconds")) * 1e9);
		int64_t end = at + took < a->ended_ns ? at + took : a->ended_ns;
		json_t *attributes = assay_json_array();

		add_text(attributes, "cicd.pipeline.task.name", assay_json_text(stage, "name", ""));
		add_text(attributes, "assay.rights", assay_json_text(stage, "rights", ""));
		assay_json_append(list, span(a, assay_json_text(stage, "name", "stage"), parent, at, end, attributes));
		at = end;
	}
}

static json_t *resource_of(const struct spans_attempt *a)
{
	json_t *attributes = assay_json_array(), *resource = assay_json_object();
	char host[100] = "host";

	gethostname(host, sizeof(host) - 1);
	add_text(attributes, "service.name", "assay-worker");
	add_text(attributes, "service.version", ASSAY_VERSION);
	add_text(attributes, "service.instance.id", a->worker);
	add_text(attributes, "host.name", host);
	add_int(attributes, "assay.telemetry.dropped_spans", a->dropped);
	assay_json_set(resource, "attributes", attributes);
	return resource;
}

json_t *spans_make(const struct spans_attempt *a, int64_t *ret_count)
{
	json_t *spans = assay_json_array(), *scope = assay_json_object(), *scoped = assay_json_object();
	json_t *whole = assay_json_object(), *root = assay_json_object(), *list = assay_json_array();
	char parent[SPAN_HEX + 1];

	number(parent, SPAN_HEX, "span", a, a->fence, "");
	assay_json_append(spans, attempt_span(a));
	add_stages(spans, a, parent);
	*ret_count = (int64_t)json_array_size(spans);
	assay_json_set_text(scope, "name", "assay");
	assay_json_set_text(scope, "version", ASSAY_VERSION);
	assay_json_set(scoped, "scope", scope);
	assay_json_set(scoped, "spans", spans);
	assay_json_append(list, scoped);
	assay_json_set(whole, "resource", resource_of(a));
	assay_json_set(whole, "scopeSpans", list);
	list = assay_json_array();
	assay_json_append(list, whole);
	assay_json_set(root, "resourceSpans", list);
	return root;
}
