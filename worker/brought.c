/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "brought.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"

#define RECIPE "recipe:" /* a target that is no file here, but blobs of the scheduler's */

struct brought {
	struct assay_http_client *client;
	const char *directory, *target;
	const json_t *options;
};

/* A blob of the scheduler's, which must be what it is called, as a file below the task's directory. */
static enum assay_code fetch_file(const struct brought *b, const char *hex, const char *name,
				  char **ret_path, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_MAX_BROUGHT);
	assay_auto(assay_freep) char *file = assay_path_join(b->directory, name);
	assay_auto(assay_freep) char *parent =
		file ? strndup(file, (size_t)(assay_path_base(file) - file)) : NULL;
	struct assay_digest want, have;
	char path[100];

	if (!file || !parent)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!hex || !assay_digest_parse(assay_span_text(hex), &want))
		return assay_fail(err, ASSAY_EUSAGE,
				  "options: %.100s: want a SHA-256, have \"%.70s\"", name,
				  hex ? hex : "");
	snprintf(path, sizeof(path), "/v1/blobs/%s", hex);
	if (assay_http_send(b->client, "GET", path, assay_span_text(""), &bytes, err))
		return assay_context(err, "%.100s", name);
	assay_digest_span(assay_buf_span(&bytes), &have);
	if (!assay_digest_equal(&want, &have))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "%.100s: the scheduler gave other bytes than %s", name, hex);
	if (assay_path_make_dirs(parent, 0700, err) ||
	    assay_file_write(AT_FDCWD, file, assay_buf_span(&bytes), 0600, err))
		return err->code;
	if (ret_path)
		*ret_path = assay_steal(file);
	return ASSAY_OK;
}

/* A recipe from afar, and what lay beside it there; itself last, so that it is what the scheduler looked at. */
static enum assay_code fetch_recipe(const struct brought *b, char **ret, struct assay_error *err)
{
	const char *path, *recipe = b->target + strlen(RECIPE);
	char name[4200];
	json_t *hex;

	if (!assay_path_is_contained(assay_span_text(recipe)) || strchr(recipe, '/'))
		return assay_fail(err, ASSAY_EUSAGE, "target: want " RECIPE "NAME, have \"%.200s\"",
				  b->target);
	json_object_foreach (json_object_get(b->options, "files"), path, hex) {
		if (!assay_path_is_contained(assay_span_text(path)) ||
		    snprintf(name, sizeof(name), "recipe/%s", path) >= (int)sizeof(name))
			return assay_fail(
				err, ASSAY_EUSAGE,
				"options: files: want a path below the recipe, have \"%.200s\"",
				path);
		if (fetch_file(b, json_string_value(hex), name, NULL, err))
			return err->code;
	}
	if (snprintf(name, sizeof(name), "recipe/%s.yaml", recipe) >= (int)sizeof(name))
		return assay_fail(err, ASSAY_EUSAGE, "target: its name is too long");
	return fetch_file(b, assay_json_text(b->options, "recipe", NULL), name, ret, err);
}

enum assay_code brought_fetch(struct assay_http_client *client, const char *directory,
			      const char *target, const json_t *options, char **ret,
			      struct assay_error *err)
{
	const struct brought b = { client, directory, target, options };

	*ret = NULL;
	if (json_object_get(options, "buildinfo") &&
	    fetch_file(&b, assay_json_text(options, "buildinfo", NULL), BROUGHT_BUILDINFO, NULL,
		       err))
		return err->code;
	return strncmp(target, RECIPE, strlen(RECIPE)) == 0 ? fetch_recipe(&b, ret, err) : ASSAY_OK;
}
