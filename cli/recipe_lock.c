/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay recipe lock: turns names into pins.  The recipe's text is edited in place, value by value, so
 * that comments, order and style stay as their author wrote them; the result is parsed again by the
 * strict rules before it replaces anything.
 */
#include <fcntl.h>
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/debian.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/recipe.h"
#include "assay/vcs.h"
#include "cli.h"

int assay_cli_recipe_lock(int argc, char **argv);

struct locking {
	const char *path;   /* of the recipe */
	const char *output; /* where the pinned one goes */
	const char *const *mirrors;
	struct assay_store *store;
	struct assay_recipe recipe; /* as it was */
	struct assay_buf text, pinned;
	struct assay_error *err;
};

static const char *const pin_names[] = {
	[ASSAY_PIN_COMMIT] = "source.commit",	   [ASSAY_PIN_SOURCE] = "source.archive.sha256",
	[ASSAY_PIN_INPUT] = "inputs[%zu].sha256",  [ASSAY_PIN_ARTIFACT] = "artifacts[%zu].sha256",
	[ASSAY_PIN_LOCK] = "environment.debian.lock",
};

static const char *pin_name(const struct assay_recipe_pin *pin, char *out, size_t size)
{
	const char *form = pin_names[pin->kind], *mark = strstr(form, "%zu");

	if (!mark)
		return form;
	snprintf(out, size, "%.*s%zu%s", (int)(mark - form), form, pin->index, mark + 3);
	return out;
}

static enum assay_code resolve_commit(struct locking *l, const struct assay_recipe_pin *pin,
				      char *ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *where = assay_recipe_locate(&l->recipe, pin->location);
	assay_auto(assay_freep) char *cache = assay_path_join(assay_store_root(l->store), "git");

	if (!where || !cache)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return assay_vcs_resolve(where, pin->have ? pin->have : "HEAD", l->mirrors, cache, ret, err);
}

static enum assay_code compute_digest(struct locking *l, const struct assay_recipe_pin *pin,
				      char *ret, struct assay_error *err)
{
	assay_auto(assay_freep) char *where = NULL;
	struct assay_digest digest;

	if (assay_vcs_mirror(l->mirrors, pin->location, &where, err))
		return err->code;
	if (!where)
		where = assay_recipe_locate(&l->recipe, pin->location);
	if (!where)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_fetch(l->store, where, NULL, &digest, NULL, err))
		return err->code;
	assay_digest_hex(&digest, ret);
	return ASSAY_OK;
}

static enum assay_code find_value(struct locking *l, const struct assay_recipe_pin *pin,
				  char ret[160])
{
	switch (pin->kind) {
	case ASSAY_PIN_COMMIT:
		return resolve_commit(l, pin, ret, l->err);
	case ASSAY_PIN_LOCK:
		snprintf(ret, 160, "%s.lock", l->recipe.name);
		return ASSAY_OK;
	default:
		return compute_digest(l, pin, ret, l->err);
	}
}

static enum assay_code write_values(struct locking *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->recipe.pin_count; i++) {
		const struct assay_recipe_pin *pin = &l->recipe.pins[i];
		char value[160], name[64];

		if (pin->pinned)
			continue;
		pin_name(pin, name, sizeof(name));
		if (find_value(l, pin, value))
			return assay_context(l->err, "%s: %s", l->path,
					     pin_name(pin, name, sizeof(name)));
		assay_buf_add(&l->pinned, l->text.data + at, pin->offset - at);
		assay_buf_printf(&l->pinned, "%s%s", pin->before, value);
		at = pin->offset + pin->len;
		printf("%s: %s%s%s\n", pin_name(pin, name, sizeof(name)), pin->have ? pin->have : "",
		       pin->have ? " is " : "", value);
	}
	assay_buf_add(&l->pinned, l->text.data + at, l->text.len - at);
	return assay_buf_check(&l->pinned, l->output, l->err);
}

/* The environment's lock lies beside the recipe that names it.  One that is there is kept. */
static enum assay_code write_lock(struct locking *l, const struct assay_recipe *pinned)
{
	assay_auto(assay_freep) char *path = NULL;
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_lock lock = { .package_count = 0 };
	enum assay_code code;

	if (pinned->base != ASSAY_BASE_DEBIAN)
		return ASSAY_OK;
	path = assay_recipe_locate(pinned, pinned->lock);
	if (!path)
		return assay_fail(l->err, ASSAY_ENOMEM, "out of memory");
	if (access(path, F_OK) == 0)
		return ASSAY_OK;
	assay_progress_start("lock", "%s", path);
	code = assay_lock_for_packages(l->store, pinned->suite, pinned->packages, &lock, l->err);
	if (!code) {
		assay_lock_write(&lock, &text);
		code = assay_buf_check(&text, path, l->err);
	}
	if (!code)
		code = assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, l->err);
	assay_progress_end(code ? "failed" : "%zu packages", lock.package_count);
	if (!code)
		printf("%s: %zu packages\n", path, lock.package_count);
	assay_lock_release(&lock);
	assay_buf_release(&text);
	return code;
}

static enum assay_code lock_recipe(struct locking *l)
{
	struct assay_recipe pinned;
	enum assay_code code;

	if (assay_file_read(AT_FDCWD, l->path, &l->text, l->err)) {
		if (l->err->code == ASSAY_ENOTFOUND)
			l->err->code = ASSAY_EUSAGE;
		return l->err->code;
	}
	if (assay_recipe_parse(assay_buf_span(&l->text), l->path, true, &l->recipe, l->err) ||
	    write_values(l) ||
	    assay_recipe_parse(assay_buf_span(&l->pinned), l->output, false, &pinned, l->err))
		return l->err->code;
	code = write_lock(l, &pinned);
	assay_recipe_release(&pinned);
	if (code)
		return code;
	if (strcmp(l->path, l->output) == 0 && l->pinned.len == l->text.len &&
	    memcmp(l->pinned.data, l->text.data, l->text.len) == 0)
		return ASSAY_OK;
	return assay_file_write(AT_FDCWD, l->output, assay_buf_span(&l->pinned), 0644, l->err);
}

int assay_cli_recipe_lock(int argc, char **argv)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct locking l = { .text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE),
			     .pinned = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE),
			     .err = &err };
	struct cli_list mirrors = { .count = 0 };
	const char *store = NULL, *output = NULL;
	const struct cli_option options[] = {
		{ "mirror", CLI_LIST, &mirrors },
		{ "output", CLI_TEXT, &output },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	char **files;
	int count, status = cli_parse("recipe lock", argc, argv, options, 1, 1, &files, &count);
	enum assay_code code;

	if (status)
		return status;
	l.path = files[0];
	l.output = output ? output : files[0];
	l.mirrors = mirrors.items;
	code = assay_store_open(store, &l.store, &err);
	if (!code)
		code = lock_recipe(&l);
	assay_store_free(l.store);
	assay_recipe_release(&l.recipe);
	assay_buf_release(&l.text);
	assay_buf_release(&l.pinned);
	free(mirrors.items);
	return code ? cli_fail(&err) : 0;
}
