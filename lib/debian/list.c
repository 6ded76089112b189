/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of what there is to verify.  A rebuild makes all packages of a source at once, so that each source is listed
 * once, by its first package; by one for an architecture rather than for all, since only those are built anew without
 * a new version of the source.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "buildinfo.h"
#include "mirror.h"

struct listed {
	struct assay_span source, source_version, name, version, architecture;
};

struct list {
	struct listed *items;
	size_t count, room;
};

static enum assay_code add(struct list *list, const struct listed *item, struct assay_error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 1024;
		void *items = reallocarray(list->items, room, sizeof(*list->items));

		if (!items)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = *item;
	return ASSAY_OK;
}

static int compare_sources(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int by_name = assay_span_compare(x->source, y->source);

	return by_name ? by_name : assay_span_compare(x->source_version, y->source_version);
}

static int compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int by_source = compare_sources(a, b);
	bool x_all = assay_span_equal_text(x->architecture, "all");
	bool y_all = assay_span_equal_text(y->architecture, "all");

	if (by_source || x_all != y_all)
		return by_source ? by_source : x_all - y_all;
	by_source = assay_span_compare(x->name, y->name);
	return by_source ? by_source : assay_span_compare(x->version, y->version);
}

static enum assay_code write_list(struct list *list, struct assay_buf *out, struct assay_error *err)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; i++) {
		const struct listed *item = &list->items[i];

		if (i && compare_sources(item - 1, item) == 0)
			continue;
		assay_buf_printf(out, "pkg:deb/debian/%.*s@%.*s", ASSAY_SPAN_ARGS(item->name),
				 ASSAY_SPAN_ARGS(item->version));
		if (!assay_span_equal_text(item->architecture, "all"))
			assay_buf_printf(out, "?arch=%.*s", ASSAY_SPAN_ARGS(item->architecture));
		assay_buf_add_text(out, "\n");
	}
	return assay_buf_check(out, "list of packages", err);
}

enum assay_code assay_debian_list_archive(struct assay_store *store, const char *glob, struct assay_buf *out,
					  struct assay_error *err)
{
	struct debian_mirror mirror = DEBIAN_MIRROR_INIT;
	struct list list = { .items = NULL };
	enum assay_code code = debian_mirror_open(store, &mirror, err);

	for (size_t i = 0; !code && i < mirror.packages.count; i++) {
		const struct debian_stanza *stanza = &mirror.packages.list[i];
		struct listed item = { .name = stanza->name,
				       .source = stanza->name,
				       .version = assay_deb822_field(stanza->text, "Version"),
				       .architecture = assay_deb822_field(stanza->text, "Architecture") };
		struct assay_span source = assay_deb822_field(stanza->text, "Source");
		assay_auto(assay_freep) char *name = assay_span_dup(stanza->name);

		if (!name)
			code = assay_fail(err, ASSAY_ENOMEM, "out of memory");
		if (!name || fnmatch(glob, name, 0) != 0)
			continue;
		item.source_version = item.version;
		if (source.len)
			debian_source_field(source, &item.source, &item.source_version);
		code = add(&list, &item, err);
	}
	if (!code)
		code = write_list(&list, out, err);
	free(list.items);
	debian_mirror_release(&mirror);
	return code;
}

/* "source source-version name version architecture state". */
static bool read_line(struct assay_span line, struct listed *ret)
{
	struct assay_span *const words[] = { &ret->source, &ret->source_version, &ret->name, &ret->version,
					     &ret->architecture };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!assay_deb822_next_word(&line, words[i]))
			return false;
	return assay_span_equal_text(assay_span_trim(line), "installed");
}

enum assay_code assay_debian_list_installed(struct assay_buf *out, struct assay_error *err)
{
	static const char *const argv[] = { "dpkg-query", "-W", "-f",
					    "${source:Package} ${source:Version} ${Package} ${Version} ${Architecture} "
					    "${db:Status-Status}\\n",
					    NULL };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct list list = { .items = NULL };
	struct assay_span rest, line;
	enum assay_code code;

	process.argv = argv;
	process.out = &text;
	if (assay_process_must(&process, err) || assay_buf_check(&text, "package list", err))
		return assay_context(err, "installed packages");
	rest = assay_buf_span(&text);
	code = ASSAY_OK;
	while (!code && assay_span_next_line(&rest, &line)) {
		struct listed item;

		if (read_line(line, &item))
			code = add(&list, &item, err);
	}
	if (!code)
		code = write_list(&list, out, err);
	free(list.items);
	return code;
}
