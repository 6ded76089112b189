/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as SARIF 2.1.0 (OASIS): one result a divergence, its cause as the rule, the chain of members as
 * the logical location.  What a pass folds is there as information and fails nothing.
 */
#include "view.h"
#include "writers.h"

#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"

enum { RESULTS_SHOWN = 5000 }; /* what code scanning services take of one run */

struct run {
	json_t *rules, *indices, *results;
	size_t left_out;
};

static json_t *taken(struct assay_buf *text)
{
	json_t *value = assay_json_name(assay_buf_span(text));

	assay_buf_release(text);
	return value;
}

/* {"text": printable} */
static json_t *message(const json_t *object, const char *key, const char *fallback)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	json_t *result = assay_json_object();

	view_key(object, key, fallback, &text);
	assay_json_set(result, "text", taken(&text));
	return result;
}

static json_t *rule_id(const json_t *divergence)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_key(divergence, "cause", "unexplained", &text);
	return taken(&text);
}

static int64_t rule_index(struct run *run, const json_t *divergence)
{
	assay_auto(assay_json_freep) json_t *shown = rule_id(divergence);
	const char *id = json_string_value(shown);
	const json_t *known = json_object_get(run->indices, id);
	int64_t index = (int64_t)json_array_size(run->rules);
	json_t *rule;

	if (known)
		return json_integer_value(known);
	rule = assay_json_object();
	assay_json_set_text(rule, "id", id);
	assay_json_set(rule, "help", message(divergence, "remedy", "see the explanation"));
	assay_json_append(run->rules, rule);
	assay_json_set_int(run->indices, id, index);
	return index;
}

static const char *level_of(const json_t *divergence)
{
	static const struct {
		const char *severity, *level;
	} levels[] = {
		{ "structure", "error" },
		{ "code", "error" },
		{ "data", "warning" },
		{ "metadata", "note" },
	};
	const char *severity = assay_json_text(divergence, "severity", "");

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].severity, severity) == 0)
			return levels[i].level;
	return "warning";
}

/* RFC 3986: what may stand in a path of a relative reference stays, the rest is %XX. */
static json_t *uri_of(const json_t *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/+";
	struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT), uri = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_value(name, &shown);
	for (size_t i = 0; i < shown.len; i++) {
		if (strchr(plain, shown.data[i]) && shown.data[i])
			assay_buf_add(&uri, &shown.data[i], 1);
		else
			assay_buf_printf(&uri, "%%%02X", (unsigned char)shown.data[i]);
	}
	assay_buf_release(&shown);
	return taken(&uri);
}

static json_t *physical(const json_t *pair)
{
	const json_t *name = json_object_get(json_object_get(pair, "subject"), "name");
	json_t *object = assay_json_object(), *artifact = assay_json_object();

	assay_json_set(artifact, "uri", name ? uri_of(name) : json_string("artifact"));
	assay_json_set(object, "artifactLocation", artifact);
	return object;
}

static json_t *logical(const json_t *divergence)
{
	json_t *list = assay_json_array(), *object = assay_json_object();
	struct assay_buf path = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_path(json_object_get(divergence, "path"), " > ", &path);
	assay_json_set(object, "fullyQualifiedName", taken(&path));
	assay_json_set_text(object, "kind", "member");
	assay_json_append(list, object);
	return list;
}

/* The same difference in a later run has the same fingerprint: where it is and why, not which bytes. */
static json_t *fingerprint(const json_t *pair, const json_t *divergence)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	json_t *object = assay_json_object();

	view_key(json_object_get(pair, "subject"), "name", "", &text);
	assay_buf_add_text(&text, "\n");
	view_path(json_object_get(divergence, "path"), "\n", &text);
	assay_buf_printf(&text, "\n%s\n%s", assay_json_text(divergence, "field", ""),
			 assay_json_text(divergence, "cause", ""));
	assay_digest_span(assay_buf_span(&text), &digest);
	assay_buf_release(&text);
	assay_json_set_text(object, "assayDivergence/v1", assay_digest_hex(&digest, hex));
	return object;
}

static json_t *properties(const json_t *divergence)
{
	static const char *const words[] = { "confidence", "field", "left", "pass", "right", "severity" };
	json_t *object = assay_json_object();

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const json_t *value = json_object_get(divergence, words[i]);
		struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

		if (!value || json_is_null(value))
			continue;
		view_value(value, &text);
		assay_json_set(object, words[i], taken(&text));
	}
	assay_json_set_int(object, "bytes", assay_json_int(divergence, "bytes", 0));
	if (json_is_array(json_object_get(divergence, "ranges")))
		assay_json_set(object, "ranges", json_incref(json_object_get(divergence, "ranges")));
	return object;
}

static void result(struct run *run, const json_t *pair, const json_t *divergence)
{
	json_t *object = assay_json_object(), *locations = assay_json_array(),
	       *location = assay_json_object();
	bool folded = json_is_string(json_object_get(divergence, "pass"));

	assay_json_set(object, "ruleId", rule_id(divergence));
	assay_json_set_int(object, "ruleIndex", rule_index(run, divergence));
	assay_json_set_text(object, "kind", folded ? "informational" : "fail");
	assay_json_set_text(object, "level", folded ? "none" : level_of(divergence));
	assay_json_set(object, "message", message(divergence, "explanation", "differs"));
	assay_json_set(location, "physicalLocation", physical(pair));
	assay_json_set(location, "logicalLocations", logical(divergence));
	assay_json_append(locations, location);
	assay_json_set(object, "locations", locations);
	assay_json_set(object, "partialFingerprints", fingerprint(pair, divergence));
	assay_json_set(object, "properties", properties(divergence));
	assay_json_append(run->results, object);
}

static void results(struct run *run, const json_t *pair)
{
	struct view_list list;
	size_t room = RESULTS_SHOWN - json_array_size(run->results);

	view_list_init(&list, json_object_get(view_story(pair), "divergences"));
	for (size_t i = 0; i < list.count && i < room; i++)
		result(run, pair, list.items[i]);
	run->left_out += list.count > room ? list.count - room : 0;
	view_list_release(&list);
}

static json_t *tool(const json_t *report, json_t *rules)
{
	json_t *object = assay_json_object(), *driver = assay_json_object();
	struct assay_buf version = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_key(json_object_get(report, "tool"), "version", ASSAY_VERSION, &version);
	assay_json_set_text(driver, "name", "assay");
	assay_json_set(driver, "version", taken(&version));
	assay_json_set(driver, "rules", rules);
	assay_json_set(object, "driver", driver);
	return object;
}

static void notify(json_t *notifications, const char *level, json_t *text)
{
	json_t *object = assay_json_object();

	assay_json_set_text(object, "level", level);
	assay_json_set(object, "message", text);
	assay_json_append(notifications, object);
}

/* Whether there is evidence at all, and what was cut short. */
static json_t *invocations(const json_t *report, const struct run *run)
{
	json_t *list = assay_json_array(), *object = assay_json_object(),
	       *notifications = assay_json_array();
	bool evidence = view_verdict(report)->tone != VIEW_UNKNOWN;

	assay_json_set_bool(object, "executionSuccessful", evidence);
	notify(notifications, evidence ? "note" : "error", message(report, "reason", ""));
	if (assay_json_bool(report, "truncated"))
		notify(notifications, "warning",
		       message(NULL, "", "a limit cut this comparison short"));
	if (run->left_out) {
		char text[100];

		snprintf(text, sizeof(text), "%zu divergences more are in the JSON report only",
			 run->left_out);
		notify(notifications, "warning", message(NULL, "", text));
	}
	assay_json_set(object, "toolExecutionNotifications", notifications);
	assay_json_append(list, object);
	return list;
}

void report_write_sarif(const json_t *report, const struct assay_report_style *style,
			struct assay_buf *out)
{
	struct run run = { assay_json_array(), assay_json_object(), assay_json_array(), 0 };
	json_t *log = assay_json_object(), *runs = assay_json_array(), *object = assay_json_object(),
	       *about = assay_json_object();
	size_t i = 0;

	(void)style;
	for (const json_t *pair = view_next_pair(report, &i); pair; pair = view_next_pair(report, &i))
		results(&run, pair);
	assay_json_set(object, "invocations", invocations(report, &run));
	assay_json_set(object, "tool", tool(report, run.rules));
	assay_json_set(object, "results", run.results);
	assay_json_set_text(about, "verdict", view_verdict(report)->name);
	assay_json_set(object, "properties", about);
	assay_json_append(runs, object);
	assay_json_set_text(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	assay_json_set_text(log, "version", "2.1.0");
	assay_json_set(log, "runs", runs);
	assay_json_dump(log, out);
	json_decref(run.indices);
	json_decref(log);
}
