/* SPDX-License-Identifier: Apache-2.0 */
/* One divergence as HTML: what it is, both values, why, and what to change. */
#include <string.h>

#include "assay/limits.h"
#include "html.h"

static void tags(struct assay_buf *out, const json_t *divergence)
{
	const char *pass = assay_json_text(divergence, "pass", "");

	assay_buf_printf(out, "<p class=\"tags\"><span class=\"chip %s\">",
			 html_tone(html_tone_of(divergence)));
	html_key(out, divergence, "severity", "");
	html_put(out, "</span> <b>");
	html_key(out, divergence, "cause", "unexplained");
	html_put(out, "</b> <span class=\"quiet\">");
	html_key(out, divergence, "confidence", "guess");
	html_put(out, " &middot; ");
	html_key(out, divergence, "field", "bytes");
	html_put(out, " &middot; ");
	view_ranges(divergence, out);
	if (assay_json_int(divergence, "members", 0) > 1) {
		html_put(out, " &middot; in ");
		html_count(out, assay_json_int(divergence, "members", 0), "member");
	}
	if (*pass) {
		html_put(out, " &middot; folded by ");
		html_text(out, pass);
	}
	html_put(out, "</span></p>\n");
}

static void sentence(struct assay_buf *out, const json_t *divergence, const char *key,
		     const char *label)
{
	if (!*assay_json_text(divergence, key, ""))
		return;
	assay_buf_printf(out, "<p class=\"%s\">", key);
	if (label) {
		html_put(out, "<b>");
		html_put(out, label);
		html_put(out, "</b> ");
	}
	html_key(out, divergence, key, "");
	html_put(out, "</p>\n");
}

static void example(struct assay_buf *out, const json_t *path)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	if (!path)
		return;
	html_put(out, "<p class=\"quiet\">such as <span class=\"file\">");
	view_path(path, " \xe2\x80\xba ", &text);
	html_span(out, assay_buf_span(&text));
	html_put(out, "</span></p>\n");
	assay_buf_release(&text);
}

/* What the script filters by: words of ours, whatever the report says. */
static void data_attribute(struct assay_buf *out, const char *name, const char *word)
{
	bool ours = *word && strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(word);

	assay_buf_printf(out, " data-%s=\"%s\"", name, ours ? word : "other");
}

void html_divergence(struct assay_buf *out, const json_t *item, size_t number)
{
	bool folded = json_is_string(json_object_get(item, "pass"));

	html_put(out, "<article class=\"divergence\" tabindex=\"-1\"");
	data_attribute(out, "severity", folded ? "folded" : assay_json_text(item, "severity", ""));
	data_attribute(out, "cause", assay_json_text(item, "cause", "unexplained"));
	assay_buf_printf(out, ">\n<span class=\"place\">%zu</span>\n", number);
	tags(out, item);
	example(out, json_object_get(item, "example"));
	sentence(out, item, "explanation", NULL);
	html_values(out, item);
	sentence(out, item, "condition", folded ? "Folded, since" : "Not folded; wanted:");
	sentence(out, item, "remedy", "Remedy:");
	html_put(out, "</article>\n");
}
