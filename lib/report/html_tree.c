/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differences of one pair as HTML: the members they lie in, each a fold that opens, coloured by the worst
 * inside.  Members that hold nothing but one other member share a line with it.
 */
#include <string.h>

#include "assay/limits.h"
#include "html.h"
#include "tree.h"

enum { DIVERGENCES_SHOWN = 400 };

enum view_tone html_tone_of(const json_t *divergence)
{
	const char *severity = assay_json_text(divergence, "severity", "");

	if (json_is_string(json_object_get(divergence, "pass")))
		return VIEW_FAIR;
	return strcmp(severity, "code") == 0 || strcmp(severity, "structure") == 0 ? VIEW_BAD :
										     VIEW_UNKNOWN;
}

static const struct view_node *only_child(const struct view_node *node)
{
	return node->child_count == 1 && !node->entry_count ? node->children[0] : NULL;
}

static void names(struct assay_buf *out, const struct view_node *from, const struct view_node *to)
{
	html_put(out, "<span class=\"file\">");
	while (from != to) {
		html_value(out, from->name);
		html_put(out, " <i>&rsaquo;</i> ");
		from = from->children[0];
	}
	html_put(out, "<b>");
	html_value(out, to->name);
	html_put(out, "</b></span>");
}

static void entries(struct assay_buf *out, const struct view_node *node)
{
	for (size_t i = 0; i < node->entry_count; i++)
		html_divergence(out, node->entries[i].divergence, node->entries[i].place + 1);
}

/* Folds are open, but where all of it is folded by passes anyway. */
static void member(struct assay_buf *out, const struct view_node *node, const struct view_list *list)
{
	const struct view_node *last = node;
	enum view_tone tone = html_tone_of(list->items[node->place]);

	while (only_child(last))
		last = only_child(last);
	assay_buf_printf(out, "<details class=\"member %s\"%s><summary>", html_tone(tone),
			 tone == VIEW_FAIR ? "" : " open");
	names(out, node, last);
	assay_buf_printf(out, " <span class=\"count\">%zu</span></summary>\n", last->below);
	entries(out, last);
	for (size_t i = 0; i < last->child_count; i++)
		member(out, last->children[i], list);
	html_put(out, "</details>\n");
}

static void tree(struct assay_buf *out, const struct view_list *list)
{
	struct view_tree tree;

	view_tree_init(&tree, list, DIVERGENCES_SHOWN);
	html_put(out, "<div class=\"tree\">\n");
	entries(out, tree.root);
	for (size_t i = 0; i < tree.root->child_count; i++)
		member(out, tree.root->children[i], list);
	html_put(out, "</div>\n");
	view_tree_release(&tree);
}

static void passes(struct assay_buf *out, const json_t *pair)
{
	const json_t *list = json_object_get(pair, "passes");
	size_t i;
	json_t *pass;

	if (!json_array_size(list))
		return;
	html_put(out, "<div class=\"scroll\"><table>\n<caption>Passes that were applied</caption>\n"
		      "<tr><th>Pass<th>Grade<th>Fields<th>Bytes<th>Condition</tr>\n");
	json_array_foreach(list, i, pass) {
		html_put(out, "<tr><td>");
		html_key(out, pass, "name", "");
		html_put(out, "<td>");
		html_key(out, pass, "grade", "");
		html_put(out, "<td class=\"number\">");
		html_key(out, pass, "fields", "");
		html_put(out, "<td class=\"number\">");
		html_key(out, pass, "bytes", "");
		html_put(out, "<td>");
		html_key(out, pass, "condition", "");
		html_put(out, "</tr>\n");
	}
	html_put(out, "</table></div>\n");
}

static void accounting(struct assay_buf *out, const json_t *pair)
{
	struct assay_buf sums = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	view_accounting(pair, &sums);
	if (sums.len) {
		html_put(out, "<p class=\"accounting\">");
		html_span(out, assay_buf_span(&sums));
		html_put(out, ".</p>\n");
	}
	assay_buf_release(&sums);
}

void html_divergences(struct assay_buf *out, const json_t *pair)
{
	struct view_list list;

	view_list_init(&list, json_object_get(pair, "divergences"));
	if (list.count)
		tree(out, &list);
	if (list.count > DIVERGENCES_SHOWN) {
		html_put(out, "<p class=\"note bad\">Shown are the gravest; ");
		html_count(out, (int64_t)list.count - DIVERGENCES_SHOWN, "divergence");
		html_put(out, " more are in the JSON report only.</p>\n");
	}
	accounting(out, pair);
	if (assay_json_bool(pair, "truncated"))
		html_put(out, "<p class=\"note bad\">A limit cut this comparison short.</p>\n");
	passes(out, pair);
	view_list_release(&list);
}

static bool has_divergences(const json_t *report)
{
	size_t i = 0;

	for (const json_t *pair = view_next_pair(report, &i); pair; pair = view_next_pair(report, &i))
		if (json_array_size(json_object_get(view_story(pair), "divergences")))
			return true;
	return false;
}

void html_tools(struct assay_buf *out, const json_t *report)
{
	static const char *const severities[] = { "structure", "code", "data", "metadata", "folded" };

	if (!has_divergences(report))
		return;
	html_put(out, "<form id=\"tools\" hidden>\n<label>Search <input type=\"search\" id=\"search\" "
		      "placeholder=\"member, field, text\"></label>\n<label>Cause <select id=\"cause\">"
		      "<option value=\"\">all</option></select></label>\n<fieldset><legend>Severity</legend>");
	for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++)
		assay_buf_printf(out, "<label><input type=\"checkbox\" value=\"%s\" checked> %s</label> ",
				 severities[i], severities[i]);
	html_put(out, "</fieldset>\n<button type=\"button\" id=\"fold\">Fold all</button> "
		      "<button type=\"button\" id=\"unfold\">Unfold all</button> "
		      "<output id=\"shown\"></output>\n<p class=\"quiet\"><kbd>/</kbd> search, "
		      "<kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>x</kbd> fold, "
		      "<kbd>Esc</kbd> clear</p>\n</form>\n");
}
