/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "admission.h"

#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/limits.h"
#include "assay/recipe.h"

/* ---- blobs --------------------------------------------------------------------------------------- */

static enum assay_code parse_digest(const char *what, const char *hex, struct assay_digest *ret,
				    struct assay_error *err)
{
	if (hex && assay_digest_parse(assay_span_text(hex), ret))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUSAGE,
			  "options: %.100s: want a SHA-256 in hex, have \"%.70s\"", what,
			  hex ? hex : "");
}

/* What is not here is to be uploaded first. */
static enum assay_code must_be_here(struct assay_store *store, const char *what, const char *hex,
				    struct assay_error *err)
{
	struct assay_digest digest;

	if (parse_digest(what, hex, &digest, err))
		return err->code;
	return assay_store_has(store, &digest)
		       ? ASSAY_OK
		       : assay_fail(err, ASSAY_EUSAGE,
				    "options: %.100s: there is no blob %s; it is uploaded first",
				    what, hex);
}

/* ---- a recipe ------------------------------------------------------------------------------------ */

static enum assay_code read_recipe(struct assay_store *store, const char *name, const char *hex,
				   struct assay_recipe *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_fd_closep) int fd = -1;
	struct assay_digest digest;
	char path[120];

	snprintf(path, sizeof(path), "%.100s.yaml", name);
	if (must_be_here(store, "recipe", hex, err) || parse_digest("recipe", hex, &digest, err) ||
	    assay_store_get(store, &digest, &fd, err) || assay_buf_read_fd(&text, fd, err) ||
	    assay_recipe_parse(assay_buf_span(&text), path, false, ret, err))
		return err->code;
	if (strcmp(ret->name, name) == 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUSAGE,
			  "target: want " ADMISSION_RECIPE
			  "%s, as its recipe is called, have " ADMISSION_RECIPE "%.100s",
			  ret->name, name);
}

/* Each file that the recipe reads is among them, and none else. */
static enum assay_code check_files(struct assay_store *store, const struct assay_recipe *recipe,
				   const json_t *files, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *unread = files ? json_copy((json_t *)files)
							    : assay_json_object();
	struct assay_recipe_place place;
	const char *key;

	if (json_object_size(unread) > ASSAY_MAX_BROUGHT_FILES)
		return assay_fail(err, ASSAY_ELIMIT, "options: files: want at most %d",
				  ASSAY_MAX_BROUGHT_FILES);
	for (size_t i = 0; assay_recipe_place(recipe, i, &place); i++) {
		bool beside;

		if (assay_recipe_place_check(recipe, &place, &beside, err))
			return err->code;
		if (!beside)
			continue;
		if (must_be_here(store, place.location,
				 json_string_value(json_object_get(files, place.location)), err))
			return err->code;
		json_object_del(unread, place.location);
	}
	key = json_object_iter_key(json_object_iter(unread));
	return key ? assay_fail(err, ASSAY_EUSAGE, "options: files: the recipe reads no \"%.100s\"",
				key)
		   : ASSAY_OK;
}

static enum assay_code check_recipe(struct assay_store *store, const char *name,
				    const json_t *options, struct assay_error *err)
{
	struct assay_recipe recipe = { .path = NULL };
	enum assay_code code;

	if (read_recipe(store, name, assay_json_text(options, "recipe", NULL), &recipe, err)) {
		assay_recipe_release(&recipe);
		return err->code;
	}
	code = check_files(store, &recipe, json_object_get(options, "files"), err);
	assay_recipe_release(&recipe);
	return code;
}

enum assay_code admission_check(struct assay_store *store, const char *target,
				const json_t *options, struct assay_error *err)
{
	const char *buildinfo = assay_json_text(options, "buildinfo", NULL);
	bool package = strncmp(target, "pkg:", 4) == 0;
	size_t prefix = strlen(ADMISSION_RECIPE);

	if (json_object_get(options, package ? "recipe" : "buildinfo"))
		return assay_fail(err, ASSAY_EUSAGE, "options: %s",
				  package ? "recipe: want a recipe as target"
					  : "buildinfo: want a package URL as target");
	if (strncmp(target, ADMISSION_RECIPE, prefix) == 0)
		return check_recipe(store, target + prefix, options, err);
	if (json_object_get(options, "files"))
		return assay_fail(err, ASSAY_EUSAGE,
				  "options: files: want " ADMISSION_RECIPE "NAME as target");
	return buildinfo ? must_be_here(store, "buildinfo", buildinfo, err) : ASSAY_OK;
}

/* ---- needs --------------------------------------------------------------------------------------- */

static bool is_need(struct assay_span word)
{
	size_t name = 0;

	if (word.len > ASSAY_MAX_LABEL)
		return false;
	while (name < word.len && word.data[name] != '=' && word.data[name] != '~')
		name++;
	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] <= 0x20 || word.data[i] >= 0x7f ||
		    (i > name && strchr("=~", word.data[i])))
			return false;
	return name && name + 1 < word.len;
}

enum assay_code admission_check_needs(const char *needs, struct assay_error *err)
{
	struct assay_span rest = assay_span_text(needs);
	size_t at = 0;
	char shown[100];

	if (rest.len > ASSAY_MAX_NEEDS)
		return assay_fail(err, ASSAY_EUSAGE, "needs: want at most %d bytes, have %zu",
				  ASSAY_MAX_NEEDS, rest.len);
	while (rest.len && at <= rest.len) {
		size_t space = assay_span_find(rest, at, assay_span_text(" "));
		struct assay_span word = assay_span_cut(rest, at,
							space == SIZE_MAX ? rest.len : space - at);

		if (!is_need(word))
			return assay_fail(err, ASSAY_EUSAGE,
					  "needs: want words of name=value or name~value, each of "
					  "at most %d bytes, one space "
					  "between them, have \"%s\"",
					  ASSAY_MAX_LABEL,
					  assay_span_show(word, shown, sizeof(shown)));
		at += word.len + 1;
	}
	return ASSAY_OK;
}
