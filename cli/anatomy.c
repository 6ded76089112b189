/* SPDX-License-Identifier: Apache-2.0 */
/* assay anatomy FILE: what every byte of a file belongs to, or what it tells of its build. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "cli.h"

#define SHOWN 160

int assay_cli_anatomy(int argc, char **argv);

struct work {
	struct assay_side side;
	struct assay_compare_options options;
	bool context;
};

/* In the jail: the file is hostile. */
static enum assay_code dissect(void *data, struct assay_buf *answer, struct assay_error *err)
{
	const struct work *work = data;
	assay_auto(assay_json_freep) json_t *tree = NULL;

	if (work->context ? assay_infer_context(&work->side, &work->options, &tree, err)
			  : assay_anatomy(&work->side, &work->options, &tree, err))
		return err->code;
	assay_json_dump(tree, answer);
	return assay_buf_check(answer, "anatomy", err);
}

static enum assay_code run(const char *path, bool context, struct assay_buf *ret,
			   struct assay_error *err)
{
	assay_auto(assay_fd_closep) int fd = -1;
	assay_auto(assay_fd_closep) int spill = -1;
	struct assay_jail jail = { .what = path, .answer_max = ASSAY_MAX_REPORT };
	struct work work = { .side = { .name = path }, .context = context };

	if (assay_file_open(AT_FDCWD, path, &fd, err) || assay_spill_open(&spill, err))
		return err->code;
	work.side.fd = fd;
	work.options = (struct assay_compare_options){ .spill_fd = { spill, -1 }, .threads = 1 };
	return assay_jail_run(&jail, dissect, &work, ret, err);
}

static const char *shown(const json_t *object, const char *key, char *out)
{
	const char *text = assay_json_text(object, key, NULL);

	if (!text)
		text = assay_json_text(json_object_get(object, key), "bytes", "");
	return assay_span_show(assay_span_text(text), out, SHOWN);
}

static void print_tree(const json_t *object, int depth, struct assay_buf *out);

static void print_attributes(json_t *attributes, int depth, struct assay_buf *out)
{
	char value[SHOWN];
	const char *key;
	json_t *attribute;

	json_object_foreach(attributes, key, attribute)
		assay_buf_printf(out, "%10s %10s  %-9s %*s. %s = %s\n", "", "", "", 2 * depth + 2, "",
				 key, shown(attributes, key, value));
}

static void print_span(const json_t *span, int depth, struct assay_buf *out)
{
	char name[SHOWN], value[SHOWN];

	assay_buf_printf(out, "%10lld %10lld  %-9s %*s%s",
			 (long long)assay_json_int(span, "offset", 0),
			 (long long)assay_json_int(span, "length", 0),
			 assay_json_text(span, "kind", ""), 2 * depth, "",
			 assay_json_text(span, "field", ""));
	if (json_object_get(span, "name"))
		assay_buf_printf(out, " %s", shown(span, "name", name));
	if (json_object_get(span, "value"))
		assay_buf_printf(out, " = %s", shown(span, "value", value));
	assay_buf_add_text(out, "\n");
	print_attributes(json_object_get(span, "attributes"), depth, out);
	if (json_object_get(span, "undecodable"))
		assay_buf_printf(out, "%10s %10s  %-9s %*s! %s\n", "", "", "", 2 * depth + 2, "",
				 shown(span, "undecodable", value));
	print_tree(span, depth + 1, out);
}

static void print_file(const json_t *file, int depth, struct assay_buf *out)
{
	const json_t *structure = json_object_get(file, "structure");
	char reason[SHOWN], kind[SHOWN];

	if (!file)
		return;
	assay_buf_printf(out, "%10s %10lld  %-9s %*s%s", "",
			 (long long)assay_json_int(file, "size", 0), "file", 2 * depth, "",
			 assay_json_text(file, "format", "not looked into"));
	if (json_object_get(file, "kind"))
		assay_buf_printf(out, " (%s)", shown(file, "kind", kind));
	assay_buf_printf(out, ": %s", assay_json_text(structure, "verdict", ""));
	if (json_object_get(structure, "reason"))
		assay_buf_printf(out, ", %s (offset %lld)", shown(structure, "reason", reason),
				 (long long)assay_json_int(structure, "offset", 0));
	assay_buf_add_text(out, "\n");
	print_attributes(json_object_get(file, "attributes"), depth, out);
	print_tree(file, depth + 1, out);
}

static void print_tree(const json_t *object, int depth, struct assay_buf *out)
{
	size_t i;
	json_t *span;

	json_array_foreach(json_object_get(object, "spans"), i, span)
		print_span(span, depth, out);
	print_file(json_object_get(object, "content"), depth, out);
	print_file(json_object_get(object, "decoded"), depth, out);
}

static void print_fact(const json_t *fact, struct assay_buf *out)
{
	char value[SHOWN];
	size_t i;
	json_t *part;

	assay_buf_printf(out, "%-16s %s", assay_json_text(fact, "kind", ""),
			 shown(fact, "value", value));
	if (assay_json_int(fact, "count", 1) > 1)
		assay_buf_printf(out, " (%lld times)", (long long)assay_json_int(fact, "count", 1));
	if (json_object_get(fact, "field"))
		assay_buf_printf(out, "\n%-16s   %s at %lld", "", assay_json_text(fact, "field", ""),
				 (long long)assay_json_int(fact, "offset", 0));
	json_array_foreach(json_object_get(fact, "path"), i, part) {
		const char *text = json_string_value(part);

		assay_buf_printf(out, "%s%s", i ? " / " : " in ",
				 assay_span_show(assay_span_text(text ? text : "?"), value,
						 sizeof(value)));
	}
	assay_buf_add_text(out, "\n");
}

static void print_context(const json_t *context, struct assay_buf *out)
{
	size_t i;
	json_t *fact;

	json_array_foreach(json_object_get(context, "facts"), i, fact)
		print_fact(fact, out);
	if (json_array_size(json_object_get(context, "facts")) == 0)
		assay_buf_add_text(out, "nothing in the file tells of its build\n");
}

static enum assay_code print(struct assay_span answer, bool context, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *tree = NULL;
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	if (assay_json_parse(answer, "anatomy", &tree, err))
		return err->code;
	if (context) {
		print_context(tree, &out);
	} else {
		assay_buf_printf(&out, "%10s %10s  %-9s %s\n", "offset", "length", "kind", "field");
		print_file(tree, 0, &out);
	}
	if (assay_json_bool(tree, "truncated"))
		assay_buf_add_text(&out, "(cut short by a limit)\n");
	if (assay_buf_check(&out, "anatomy", err))
		return err->code;
	return assay_fd_write(STDOUT_FILENO, out.data, out.len, err);
}

int assay_cli_anatomy(int argc, char **argv)
{
	struct cli_optional json = { 0 };
	bool context = false;
	const struct cli_option options[] = {
		{ "context", CLI_FLAG, &context },
		{ "json", CLI_OPTIONAL, &json },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_error err = ASSAY_ERROR_INIT;
	enum assay_code code;
	char **args;
	int count, status = cli_parse("anatomy", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	code = run(args[0], context, &answer, &err);
	if (!code && !json.given)
		code = print(assay_buf_span(&answer), context, &err);
	else if (!code)
		code = json.value ? assay_file_write(AT_FDCWD, json.value, assay_buf_span(&answer),
						     0644, &err) :
				    assay_fd_write(STDOUT_FILENO, answer.data, answer.len, &err);
	if (code == ASSAY_EIO || code == ASSAY_ENOTFOUND) {
		cli_fail(&err);
		return 2;
	}
	return code ? cli_fail(&err) : 0;
}
