/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the subset of git-config(1) that .gitmodules is written in.  libgit2's reader is not used: it
 * follows include.path, and with it a hostile source could name files of this machine.
 */
#include "gitmodules.h"

#include <stdlib.h>

#include "assay/cleanup.h"

static struct assay_span unquote(struct assay_span value)
{
	value = assay_span_trim(value);
	if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
		return assay_span_cut(value, 1, value.len - 2);
	return value;
}

/* "key = value"; false when the line is something else. */
static bool read_setting(struct assay_span line, const char *key, struct assay_span *ret)
{
	size_t equals = assay_span_find(line, 0, assay_span_text("="));

	if (equals == SIZE_MAX)
		return false;
	if (!assay_span_equal_text(assay_span_trim(assay_span_cut(line, 0, equals)), key))
		return false;
	*ret = unquote(assay_span_cut(line, equals + 1, line.len));
	return true;
}

struct section {
	struct assay_span path, url;
};

static bool is_wanted(const struct section *section, const char *path)
{
	return section->url.len && assay_span_equal_text(section->path, path);
}

char *gitmodules_url(struct assay_span file, const char *path)
{
	struct section section = { .url = { NULL, 0 } };
	struct assay_span line;

	while (assay_span_next_line(&file, &line)) {
		line = assay_span_trim(line);
		if (assay_span_starts(line, "[")) {
			if (is_wanted(&section, path))
				break;
			section = (struct section){ .url = { NULL, 0 } };
			continue;
		}
		if (!read_setting(line, "path", &section.path))
			(void)read_setting(line, "url", &section.url);
	}
	return is_wanted(&section, path) ? assay_span_dup(section.url) : NULL;
}

/* Takes "./" and "../" off the url, and components off the end of above for the latter. */
static char *join_relative(const char *above, const char *url)
{
	struct assay_span base = assay_span_text(above);
	const char *scheme = strstr(above, "://");
	size_t least = scheme ? (size_t)(scheme - above) + 3 : 0;
	char *joined;

	while (base.len > least && base.data[base.len - 1] == '/')
		base.len--;
	for (;;) {
		if (strncmp(url, "./", 2) == 0) {
			url += 2;
			continue;
		}
		if (strncmp(url, "../", 3) != 0)
			break;
		url += 3;
		while (base.len > least && base.data[base.len - 1] != '/')
			base.len--;
		while (base.len > least && base.data[base.len - 1] == '/')
			base.len--;
	}
	if (base.len == least && least)
		return NULL;
	if (base.len == 0)
		return asprintf(&joined, "%s%s", above[0] == '/' ? "/" : "", url) < 0 ? NULL : joined;
	return asprintf(&joined, "%.*s/%s", ASSAY_SPAN_ARGS(base), url) < 0 ? NULL : joined;
}

static bool is_remote(const char *location)
{
	return strncmp(location, "https://", 8) == 0 || strncmp(location, "http://", 7) == 0;
}

enum assay_code gitmodules_resolve(const char *above, const char *url, char **ret,
				   struct assay_error *err)
{
	bool relative = strncmp(url, "./", 2) == 0 || strncmp(url, "../", 3) == 0;
	assay_auto(assay_freep) char *joined = relative ? join_relative(above, url) : strdup(url);

	if (!joined)
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "hostile submodule: its url leads above the server");
	if (joined[0] == '-' || strstr(joined, "::") ||
	    (!is_remote(joined) && (is_remote(above) || strchr(joined, ':'))))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "hostile submodule: want an https or http url, have \"%.200s\"",
				  url);
	*ret = assay_steal(joined);
	return ASSAY_OK;
}
