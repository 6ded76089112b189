/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report in the shape of diffoscope's JSON, version 1 (its presenters/json.py): nested pairs of sources,
 * each with comments and a unified diff.  For readers that exist already; what has no place there (byte
 * ranges, accounting, grades) is in the comments as words, or left to assay.report/1.
 */
#include "tree.h"
#include "writers.h"

#include "assay/limits.h"

static json_t *text_of(struct assay_buf *text)
{
	json_t *value = assay_json_name(assay_buf_span(text));

	assay_buf_release(text);
	return value;
}

static json_t *shown(const json_t *value, const char *fallback)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	if (value)
		view_value(value, &text);
	else
		view_span(assay_span_text(fallback), &text);
	return text_of(&text);
}

static json_t *difference(json_t *source1, json_t *source2)
{
	json_t *object = assay_json_object();

	assay_json_set(object, "source1", source1);
	assay_json_set(object, "source2", source2);
	assay_json_set(object, "unified_diff", json_null());
	return object;
}

static void comment(json_t *object, json_t *text)
{
	json_t *comments = json_object_get(object, "comments");

	if (!comments) {
		comments = assay_json_array();
		assay_json_set(object, "comments", comments);
	}
	assay_json_append(comments, text);
}

static void detail(json_t *object, json_t *child)
{
	json_t *details = json_object_get(object, "details");

	if (!details) {
		details = assay_json_array();
		assay_json_set(object, "details", details);
	}
	assay_json_append(details, child);
}

/* Two values as the smallest unified diff there is. */
static void one_hunk(const json_t *divergence, struct assay_buf *out)
{
	const json_t *left = json_object_get(divergence, "left");
	const json_t *right = json_object_get(divergence, "right");
	bool has_left = left && !json_is_null(left), has_right = right && !json_is_null(right);

	if (!has_left && !has_right)
		return;
	assay_buf_printf(out, "@@ %s %s @@\n", has_left ? "-1" : "-0,0", has_right ? "+1" : "+0,0");
	if (has_left) {
		assay_buf_add_text(out, "-");
		view_value(left, out);
		assay_buf_add_text(out, "\n");
	}
	if (has_right) {
		assay_buf_add_text(out, "+");
		view_value(right, out);
		assay_buf_add_text(out, "\n");
	}
}

static void printable_lines(const char *text, struct assay_buf *out)
{
	struct assay_span rest = assay_span_text(text), line;

	while (assay_span_next_line(&rest, &line)) {
		view_line(line, out);
		assay_buf_add_text(out, "\n");
	}
}

static json_t *of_divergence(const json_t *divergence)
{
	json_t *field = shown(json_object_get(divergence, "field"), "bytes");
	json_t *object = difference(field, json_incref(field));
	struct assay_buf why = ASSAY_BUF_INIT(ASSAY_MAX_REPORT), diff = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	const char *text = assay_json_text(divergence, "diff", "");

	view_key(divergence, "cause", "unexplained", &why);
	assay_buf_add_text(&why, " (");
	view_key(divergence, "severity", "unknown", &why);
	assay_buf_add_text(&why, "): ");
	view_key(divergence, "explanation", "", &why);
	comment(object, text_of(&why));
	if (*text)
		printable_lines(text, &diff);
	else
		one_hunk(divergence, &diff);
	if (diff.len)
		assay_json_set(object, "unified_diff", text_of(&diff));
	return object;
}

static void fill(json_t *object, const struct view_node *node)
{
	for (size_t i = 0; i < node->entry_count; i++)
		detail(object, of_divergence(node->entries[i].divergence));
	for (size_t i = 0; i < node->child_count; i++) {
		const struct view_node *child = node->children[i];
		json_t *name = shown(child->name, "");
		json_t *inner = difference(name, json_incref(name));

		fill(inner, child);
		detail(object, inner);
	}
}

static json_t *of_pair(const json_t *pair)
{
	const json_t *told = view_story(pair);
	json_t *object = difference(
		shown(json_object_get(json_object_get(pair, "subject"), "name"), "published"),
		shown(json_object_get(json_object_get(pair, "candidate"), "name"), "rebuilt"));
	struct view_list list;
	struct view_tree tree;

	comment(object, shown(json_object_get(pair, "reason"), view_verdict(pair)->name));
	view_list_init(&list, json_object_get(told, "divergences"));
	view_tree_init(&tree, &list, list.count);
	fill(object, tree.root);
	view_tree_release(&tree);
	view_list_release(&list);
	return object;
}

void report_write_diffoscope(const json_t *report, const struct assay_report_style *style,
			     struct assay_buf *out)
{
	json_t *root;
	size_t i = 0;

	(void)style;
	if (view_is_whole(report)) {
		root = difference(shown(NULL, "published"), shown(NULL, "rebuilt"));
		comment(root, shown(json_object_get(report, "reason"), view_verdict(report)->name));
		for (const json_t *pair = view_next_pair(report, &i); pair;
		     pair = view_next_pair(report, &i))
			detail(root, of_pair(pair));
	} else {
		root = of_pair(report);
	}
	assay_json_set_int(root, "diffoscope-json-version", 1);
	assay_json_dump(root, out);
	json_decref(root);
}
