/* SPDX-License-Identifier: Apache-2.0 */
/* What a verdict rests on, as HTML: chain of trust, inputs, environment, isolation, attempts, log. */
#include <string.h>

#include "assay/limits.h"
#include "html.h"

enum { ROWS_SHOWN = 2000, WORDS_SHOWN = 40 };

/* Keys of an object, in its own order of importance, as rows of a list of facts. */
struct fact {
	const char *key, *label;
};

static void fact(struct assay_buf *out, const json_t *object, const char *key, const char *label)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)))
		return;
	assay_buf_printf(out, "<div><dt>%s</dt><dd>", label);
	if (json_is_array(value)) {
		size_t i;
		json_t *item;

		html_put(out, "<ul class=\"entries\">");
		json_array_foreach(value, i, item) {
			if (i == WORDS_SHOWN)
				break;
			html_put(out, "<li><code>");
			if (json_is_object(item) && json_object_get(item, "name"))
				html_key(out, item, "name", "");
			else
				html_value(out, item);
			html_put(out, "</code></li>");
		}
		html_put(out, "</ul>");
		if (json_array_size(value) > WORDS_SHOWN)
			assay_buf_printf(out, "%zu in all", json_array_size(value));
	} else {
		html_value(out, value);
	}
	html_put(out, "</dd></div>\n");
}

static void facts(struct assay_buf *out, const json_t *object, const struct fact *list)
{
	html_put(out, "<dl class=\"facts\">\n");
	for (; list->key; list++)
		fact(out, object, list->key, list->label);
	html_put(out, "</dl>\n");
}

/* ---- sections ------------------------------------------------------------------------------------ */

static void chain(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *step;

	html_put(out, "<ol class=\"chain\">\n");
	json_array_foreach(json_object_get(report, "chain"), i, step) {
		html_put(out, "<li><b>");
		html_key(out, step, "step", "");
		html_put(out, "</b> <span class=\"file\">");
		html_key(out, step, "what", "");
		html_put(out, "</span><br><span class=\"status\">");
		html_key(out, step, "status", "");
		html_put(out, "</span> <span class=\"quiet\">");
		html_key(out, step, "detail", "");
		html_put(out, "</span></li>\n");
	}
	html_put(out, "</ol>\n");
}

static void inputs(struct assay_buf *out, const json_t *report)
{
	const json_t *list = json_object_get(report, "inputs");
	size_t i;
	json_t *input;

	html_put(out, "<p>");
	html_count(out, (int64_t)json_array_size(list), "input");
	html_put(out, ", each pinned by its digest and hashed again when it was read.</p>\n"
		      "<div class=\"scroll tall\"><table>\n<tr><th>Kind<th>Name<th>Size<th>SHA-256</tr>\n");
	json_array_foreach(list, i, input) {
		if (i == ROWS_SHOWN)
			break;
		html_put(out, "<tr><td>");
		html_key(out, input, "kind", "");
		html_put(out, "<td><span class=\"file\">");
		html_key(out, input, "name", "");
		html_put(out, "</span><td class=\"number\">");
		if (json_object_get(input, "size"))
			html_size(out, assay_json_int(input, "size", 0));
		html_put(out, "<td>");
		html_digest(out, assay_json_text(input, "sha256", ""));
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
	if (json_array_size(list) > ROWS_SHOWN)
		html_put(out, "<p class=\"note\">The others are in the JSON report.</p>\n");
}

static void environment(struct assay_buf *out, const json_t *report)
{
	static const struct fact of_environment[] = {
		{ "kind", "Kind" },	      { "suite", "Suite" },
		{ "lock", "Lock" },	      { "digest", "Digest" },
		{ "packages", "Packages" },   { "tools", "Tools" },
		{ "cached", "From the cache" }, { "note", "Note" },
		{ "weaker", "Weaker because" }, { NULL, NULL },
	};
	static const struct fact of_build[] = {
		{ "path", "Build path" },     { "hostname", "Host name" }, { "user", "User" },
		{ "cpus", "CPUs" },	      { "umask", "Umask" },	   { "variables", "Variables" },
		{ "commands", "Commands" },   { NULL, NULL },
	};
	static const struct fact of_source[] = {
		{ "kind", "Source" },	    { "location", "From" },
		{ "version", "Version" },   { "binary_version", "Binary version" },
		{ "commit", "Commit" },	    { "sha256", "SHA-256" },
		{ "tree_sha256", "Tree" },  { "files", "Files" },
		{ "source_date_epoch", "SOURCE_DATE_EPOCH" }, { NULL, NULL },
	};

	facts(out, json_object_get(report, "source"), of_source);
	facts(out, json_object_get(report, "environment"), of_environment);
	facts(out, json_object_get(report, "build"), of_build);
}

/* Both go through the view, whose bytes are printable, and then through HTML's own rules. */
static void network(struct assay_buf *out, const json_t *isolation)
{
	static const struct {
		const char *key, *head;
		void (*view)(const json_t *isolation, struct assay_buf *out);
	} rows[] = {
		{ "network", "Network", view_network },
		{ "refused", "Refused system calls", view_refused },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct assay_buf text = ASSAY_BUF_INIT(64 * ASSAY_KIB);
		const json_t *value = json_object_get(isolation, rows[i].key);

		if (!json_object_size(value) && !json_array_size(value))
			continue;
		rows[i].view(isolation, &text);
		assay_buf_printf(out, "<p>%s: ", rows[i].head);
		html_text(out, assay_buf_text(&text));
		html_put(out, ".</p>\n");
		assay_buf_release(&text);
	}
}

static void isolation(struct assay_buf *out, const json_t *report)
{
	static const struct fact rows[] = {
		{ "class", "Class" },
		{ "driver", "Driver" },
		{ "missing", "Missing layers" },
		{ NULL, NULL },
	};
	const json_t *object = json_object_get(report, "isolation");
	size_t i;
	json_t *layer;

	facts(out, object, rows);
	html_put(out, "<div class=\"scroll\"><table>\n<tr><th>Layer<th>Applied<th>Detail</tr>\n");
	json_array_foreach(json_object_get(object, "layers"), i, layer) {
		bool applied = assay_json_bool(layer, "applied");

		html_put(out, "<tr><td>");
		html_key(out, layer, "name", "");
		assay_buf_printf(out, "<td class=\"%s\">%s<td class=\"quiet\">",
				 applied ? "good" : "bad", applied ? "yes" : "no");
		html_key(out, layer, "detail", "");
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
	network(out, object);
}

static void attempts(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *attempt;

	html_put(out, "<div class=\"scroll\"><table>\n<tr><th>Attempt<th>Result<th>Started<th>Wall"
		      "<th>CPU<th>Memory<th>Ended by</tr>\n");
	json_array_foreach(json_object_get(report, "attempts"), i, attempt) {
		html_put(out, "<tr><td>");
		html_key(out, attempt, "number", "");
		html_put(out, "<td>");
		html_key(out, attempt, "result", "");
		html_put(out, "<td>");
		html_key(out, attempt, "started", "");
		html_put(out, "<td class=\"number\">");
		view_seconds(json_object_get(attempt, "wall_s"), out);
		html_put(out, "<td class=\"number\">");
		view_seconds(json_object_get(attempt, "cpu_s"), out);
		html_put(out, "<td class=\"number\">");
		html_size(out, assay_json_int(attempt, "memory_peak", 0));
		html_put(out, "<td>");
		html_key(out, attempt, "reason", "");
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
}

static void log_tail(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *attempt;

	json_array_foreach(json_object_get(report, "attempts"), i, attempt) {
		const json_t *log = json_object_get(attempt, "log");
		struct assay_span rest = assay_span_text(assay_json_text(log, "tail", "")), line;

		if (!log)
			continue;
		html_put(out, "<h3>Attempt ");
		html_key(out, attempt, "number", "");
		html_put(out, "</h3>\n<p>The end of <span class=\"file\">");
		html_key(out, log, "path", "the log");
		html_put(out, "</span>, ");
		html_count(out, assay_json_int(log, "bytes", 0), "byte");
		html_put(out, assay_json_bool(log, "truncated") ? ", cut at the limit" : "");
		if (json_object_size(json_object_get(log, "redacted")))
			html_put(out, ", with secrets taken out");
		html_put(out, ".</p>\n<pre class=\"log\" tabindex=\"0\">");
		while (assay_span_next_line(&rest, &line)) {
			struct assay_buf shown = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

			view_line(line, &shown);
			html_span(out, assay_buf_span(&shown));
			html_put(out, "\n");
			assay_buf_release(&shown);
		}
		html_put(out, "</pre>\n");
	}
}

static void attestations(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *statement;

	html_put(out, "<p>Signed statements (DSSE); check them with <code>assay attest verify</code>.</p>\n"
		      "<div class=\"scroll\"><table>\n<tr><th>File<th>Predicate<th>SHA-256</tr>\n");
	json_array_foreach(json_object_get(report, "attestations"), i, statement) {
		html_put(out, "<tr><td><span class=\"file\">");
		html_key(out, statement, "path", "");
		html_put(out, "</span><td>");
		html_key(out, statement, "predicateType", "");
		html_put(out, "<td>");
		html_digest(out, assay_json_text(statement, "sha256", ""));
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
}

static void stages(struct assay_buf *out, const json_t *report)
{
	size_t i;
	json_t *stage;

	html_put(out, "<div class=\"scroll\"><table>\n<tr><th>Stage<th>Rights<th>Time</tr>\n");
	json_array_foreach(json_object_get(report, "stages"), i, stage) {
		html_put(out, "<tr><td>");
		html_key(out, stage, "name", "");
		html_put(out, "<td class=\"quiet\">");
		html_key(out, stage, "rights", "");
		html_put(out, "<td class=\"number\">");
		view_seconds(json_object_get(stage, "seconds"), out);
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
}

/* A section is there when its key holds something. */
static const struct {
	const char *key, *id, *title;
	void (*write)(struct assay_buf *out, const json_t *report);
} sections[] = {
	{ "chain", "chain", "Chain of trust", chain },
	{ "environment", "environment", "Source and environment", environment },
	{ "inputs", "inputs", "Inputs", inputs },
	{ "isolation", "isolation", "Isolation", isolation },
	{ "attempts", "attempts", "Attempts", attempts },
	{ "stages", "stages", "Stages", stages },
	{ "attestations", "attestations", "Attestations", attestations },
	{ "attempts", "log", "Log", log_tail },
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static bool is_there(const json_t *report, size_t i)
{
	const json_t *value = json_object_get(report, sections[i].key);

	return json_array_size(value) || json_object_size(value);
}

void html_evidence_links(struct assay_buf *out, const json_t *report)
{
	html_put(out, "<nav><a href=\"#artifacts\">Artifacts</a>");
	for (size_t i = 0; i < SECTIONS; i++)
		if (is_there(report, i))
			assay_buf_printf(out, " <a href=\"#%s\">%s</a>", sections[i].id,
					 sections[i].title);
	html_put(out, "</nav>\n");
}

void html_evidence(struct assay_buf *out, const json_t *report)
{
	for (size_t i = 0; i < SECTIONS; i++) {
		if (!is_there(report, i))
			continue;
		assay_buf_printf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", sections[i].id,
				 sections[i].title);
		sections[i].write(out, report);
		html_put(out, "</section>\n");
	}
}
