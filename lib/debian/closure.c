/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages of an environment, as apt resolves them on an empty machine, in stages:
 *	0  the bare build chroot of Debian's builders: essential and required packages, apt,
 *	   build-essential, fakeroot
 *	1  debhelper and what it needs, when the rest needs it
 *	2  the rest
 * The next stage is resolved with the earlier ones installed, as on a builder.  Almost all builds
 * share the first two stages, so their environments share that work too.
 */
#include <fcntl.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "buildinfo.h"
#include "mirror.h"
#include "resolved.h"

#define MAX_ARGUMENTS 1024
#define MERGED_BASE_FILES 13 /* the first version that merges /usr itself */
#define MAX_NAMED 5 /* missing packages listed by name */

struct closure {
	struct debian_mirror mirror;
	struct assay_lock *lock;
	size_t room;
	char *directory; /* for the status file and the .dsc */
	const char *status;
	bool removes; /* the last resolution removed packages of an earlier stage */
};

static enum assay_code out_of_memory(struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOMEM, "environment lock: out of memory");
}

static struct assay_debian_file *find_package(const struct assay_lock *lock, struct assay_span name)
{
	for (size_t i = 0; i < lock->package_count; i++)
		if (assay_span_equal_text(name, lock->packages[i].package))
			return &lock->packages[i];
	return NULL;
}

static enum assay_code add_package(struct closure *c, struct assay_span name,
				   struct assay_span version, unsigned stage,
				   struct assay_error *err)
{
	struct assay_lock *lock = c->lock;
	const struct debian_stanza *stanza =
		debian_mirror_package(&c->mirror, name, version, c->mirror.architecture);

	if (!stanza)
		return assay_fail(err, ASSAY_ENOTFOUND, "package %.*s version %.*s: not carried",
				  ASSAY_SPAN_ARGS(name), ASSAY_SPAN_ARGS(version));
	if (lock->package_count == c->room)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %zu packages", c->room);
	if (debian_file_of_stanza(&lock->arena, stanza, &lock->packages[lock->package_count], err))
		return err->code;
	lock->packages[lock->package_count++].stage = stage;
	return ASSAY_OK;
}

/* "name" of "name:arch" */
static struct assay_span bare_name(struct assay_span word)
{
	const uint8_t *colon = word.len ? memchr(word.data, ':', word.len) : NULL;

	return colon ? assay_span_of(word.data, (size_t)(colon - word.data)) : word;
}

static void remove_package(struct closure *c, struct assay_span name)
{
	struct assay_debian_file *gone = find_package(c->lock, name);

	c->removes = true;
	if (gone)
		*gone = c->lock->packages[--c->lock->package_count];
}

/* "'URL' name_version_arch.deb size [digest]", the colon of an epoch as %3a */
static enum assay_code take_uri(struct closure *c, struct assay_span line, unsigned stage,
				struct assay_error *err)
{
	struct assay_span word, name, version;
	char text[DEBIAN_FIELDS_MAX];
	const char *first, *second, *colon;

	if (!assay_deb822_next_word(&line, &word) || !assay_deb822_next_word(&line, &word) ||
	    word.len >= sizeof(text))
		return assay_fail(err, ASSAY_EIO, "apt-get: want \"'URL' FILE SIZE\"");
	snprintf(text, sizeof(text), "%.*s", ASSAY_SPAN_ARGS(word));
	first = strchr(text, '_');
	second = first ? strchr(first + 1, '_') : NULL;
	if (!second)
		return assay_fail(err, ASSAY_EIO, "apt-get: want NAME_VERSION_ARCH.deb, have %s",
				  text);
	name = assay_span_of(text, (size_t)(first - text));
	version = assay_span_of(first + 1, (size_t)(second - first) - 1);
	colon = strstr(first, "%3a");
	if (colon && colon < second) {
		size_t at = (size_t)(colon - text);

		text[at] = ':';
		memmove(text + at + 1, text + at + 3, strlen(text + at + 3) + 1);
		version.len -= 2;
	}
	return add_package(c, name, version, stage, err);
}

/* What apt-get would install and remove, in its own words. */
static enum assay_code take_answer(struct closure *c, struct assay_span rest, unsigned stage,
				   struct assay_error *err)
{
	struct assay_span line, name;
	bool removed = false;

	while (assay_span_next_line(&rest, &line)) {
		if (assay_span_starts(line, "'") && take_uri(c, line, stage, err))
			return err->code;
		if (!assay_span_starts(line, " "))
			removed = assay_span_starts(line, "The following packages will be REMOVED");
		while (removed && assay_span_starts(line, " ") &&
		       assay_deb822_next_word(&line, &name))
			remove_package(c, bare_name(name));
	}
	return ASSAY_OK;
}

/* Runs apt-get's resolver without installing anything; arguments end with NULL. */
static enum assay_code simulate(struct closure *c, const char *verb, const char *const *arguments,
				unsigned stage, struct assay_error *err)
{
	const char *argv[MAX_ARGUMENTS + 16] = { "apt-get", verb, "--print-uris", "-q", "-y",
						 "--no-install-recommends", "-o",
						 "Debug::NoLocking=true" };
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);
	size_t count = 8;

	if (c->status) {
		argv[count++] = "-o";
		argv[count++] = c->status;
	}
	for (; *arguments && count < MAX_ARGUMENTS + 15; arguments++)
		argv[count++] = *arguments;
	if (*arguments)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %d packages by name",
				  MAX_ARGUMENTS);
	c->removes = false;
	if (debian_apt_run(&c->mirror, argv, &out, err)) {
		/* what the mirror does not carry is lost, not trouble of ours */
		if (err->code == ASSAY_EIO &&
		    (strstr(err->msg, "nmet dep") || strstr(err->msg, "Unable to")))
			err->code = ASSAY_ENOTFOUND;
		return err->code;
	}
	if (assay_buf_check(&out, "apt-get's answer", err))
		return err->code;
	return take_answer(c, assay_buf_span(&out), stage, err);
}

/* Names of essential and required packages, each once: the list is sorted by name. */
static enum assay_code base_names(struct closure *c, const char **names, size_t *count,
				  struct assay_error *err)
{
	const struct debian_stanzas *all = &c->mirror.packages;
	struct assay_span last = { NULL, 0 };

	for (size_t i = 0; i < all->count; i++) {
		const struct debian_stanza *stanza = &all->list[i];

		if (assay_span_equal(stanza->name, last) ||
		    (!assay_span_equal_text(assay_deb822_field(stanza->text, "Priority"),
					    "required") &&
		     !assay_span_equal_text(assay_deb822_field(stanza->text, "Essential"), "yes")))
			continue;
		last = stanza->name;
		if (*count + 1 >= MAX_ARGUMENTS)
			return assay_fail(err, ASSAY_ELIMIT, "too many required packages");
		names[*count] = assay_arena_text(&c->mirror.arena, last);
		if (!names[*count] || !debian_name_is_valid(names[*count]))
			return assay_fail(err, ASSAY_EINPUT, "a required package has no name");
		(*count)++;
	}
	return ASSAY_OK;
}

/* Debian's builders went on with a split /usr until base-files 13 no longer knew it. */
static bool builders_split_usr(const struct debian_mirror *mirror)
{
	const struct debian_stanza *stanza =
		debian_stanzas_find(&mirror->packages, assay_span_text("base-files"));
	struct assay_span version;
	uint64_t major;
	size_t len = 0;

	if (!stanza)
		return false;
	version = assay_deb822_field(stanza->text, "Version");
	while (len < version.len && version.data[len] >= '0' && version.data[len] <= '9')
		len++;
	return assay_span_parse_u64(assay_span_cut(version, 0, len), &major) &&
	       major < MERGED_BASE_FILES;
}

/* The last of the names asserts that /usr is merged, and is content with a note that says it need not
 * be; the package that would else be chosen merges it. */
static enum assay_code resolve_base(struct closure *c, struct assay_error *err)
{
	static const char *const more[] = { "apt", "build-essential", "fakeroot", "usr-is-merged" };
	size_t more_count = sizeof(more) / sizeof(more[0]) - !c->lock->usr_is_split;
	const char **names = calloc(MAX_ARGUMENTS + 8, sizeof(*names));
	enum assay_code code;
	size_t count = 0;

	if (!names)
		return out_of_memory(err);
	code = base_names(c, names, &count, err);
	for (size_t i = 0; i < more_count; i++)
		names[count++] = more[i];
	if (!code)
		code = simulate(c, "install", names, 0, err);
	free(names);
	return code ? assay_context(err, "build chroot") : ASSAY_OK;
}

/* A dpkg status file in which the packages so far are installed. */
static enum assay_code write_status(struct closure *c, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	const char *path;

	for (size_t i = 0; i < c->lock->package_count; i++) {
		const struct assay_debian_file *p = &c->lock->packages[i];
		const struct debian_stanza *stanza = debian_mirror_package(
			&c->mirror, assay_span_text(p->package), assay_span_text(p->version),
			p->architecture);

		if (!stanza)
			return assay_fail(err, ASSAY_EBUG, "package %s lost", p->package);
		assay_buf_add_span(&text, stanza->text);
		assay_buf_add_text(&text, "\nStatus: install ok installed\n\n");
	}
	c->status = assay_arena_printf(&c->mirror.arena, "Dir::State::status=%s/status",
				       c->directory);
	if (!c->status || assay_buf_check(&text, "status", err))
		return out_of_memory(err);
	path = strchr(c->status, '=') + 1;
	return assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
}

/* Marks those of the last stage that debhelper brings, when it is among them. */
static enum assay_code split_debhelper(struct closure *c, size_t first, struct assay_error *err)
{
	static const char *const names[] = { "debhelper", NULL };
	struct assay_lock *lock = c->lock;
	size_t end = lock->package_count;
	bool within = true;

	if (!find_package(lock, assay_span_text("debhelper")))
		return ASSAY_OK;
	if (simulate(c, "install", names, 1, err))
		return err->code;
	for (size_t i = end; within && i < lock->package_count; i++) {
		within = false;
		for (size_t k = first; k < end; k++)
			within = within || (strcmp(lock->packages[i].package,
						   lock->packages[k].package) == 0 &&
					    strcmp(lock->packages[i].version,
						   lock->packages[k].version) == 0);
	}
	for (size_t i = end; within && !c->removes && i < lock->package_count; i++)
		for (size_t k = first; k < end; k++)
			if (strcmp(lock->packages[i].package, lock->packages[k].package) == 0)
				lock->packages[k].stage = 1;
	lock->package_count = end;
	return ASSAY_OK;
}

/* The rest upon the base.  What removes packages of the base cannot be had by adding to it: then
 * all is one stage. */
static enum assay_code resolve_rest(struct closure *c, const char *verb,
				    const char *const *arguments, struct assay_error *err)
{
	size_t first = c->lock->package_count;

	if (write_status(c, err) || simulate(c, verb, arguments, 2, err))
		return err->code;
	if (!c->removes)
		return split_debhelper(c, first, err);
	for (size_t i = 0; i < c->lock->package_count; i++)
		c->lock->packages[i].stage = 0;
	return ASSAY_OK;
}

static enum assay_code seal(struct closure *c, struct assay_error *err)
{
	struct assay_lock *lock = c->lock;

	qsort(lock->packages, lock->package_count, sizeof(*lock->packages), debian_file_compare);
	lock->epoch = c->mirror.newest;
	return debian_lock_seal(lock, err);
}

static enum assay_code begin(struct closure *c, const char *suite, struct assay_error *err)
{
	struct assay_lock *lock = c->lock;

	if (debian_mirror_open(c->mirror.store, &c->mirror, err))
		return err->code;
	if (suite && strcmp(suite, c->mirror.suite) != 0)
		return assay_fail(err, ASSAY_ENOTFOUND, "suite %s: not carried; looked in %s", suite,
				  debian_mirror_describe(&c->mirror));
	c->room = ASSAY_MAX_LOCK_PACKAGES;
	lock->suite = assay_arena_printf(&lock->arena, "%s", c->mirror.suite);
	lock->architecture = assay_arena_printf(&lock->arena, "%s", c->mirror.architecture);
	lock->packages = assay_arena_alloc(&lock->arena, c->room * sizeof(*lock->packages));
	if (!lock->suite || !lock->architecture || !lock->packages)
		return out_of_memory(err);
	return assay_store_make_temp(c->mirror.store, &c->directory, err);
}

static enum assay_code resolve_build(struct closure *c, const struct assay_debian_build *build,
				     struct assay_error *err)
{
	const char *arguments[3] = { NULL };
	size_t count = 0;
	char *path = assay_arena_printf(&c->mirror.arena, "%s/build.dsc", c->directory);

	if (!path)
		return out_of_memory(err);
	if (strcmp(build->kind, "any") == 0)
		arguments[count++] = "--arch-only";
	else if (strcmp(build->kind, "all") == 0)
		arguments[count++] = "--indep-only";
	arguments[count] = path;
	if (resolve_base(c, err) ||
	    assay_store_copy_to(c->mirror.store, &build->sources[0].sha256, AT_FDCWD, path, err) ||
	    resolve_rest(c, "build-dep", arguments, err))
		return assay_context(err, "build dependencies of %s", build->source);
	return seal(c, err);
}

/* The candidate of a package that a .buildinfo does not list, because builders have it anyway. */
static enum assay_code add_fakeroot(struct closure *c, struct assay_error *err)
{
	static const char *const names[] = { "libfakeroot", "fakeroot" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct assay_span name = assay_span_text(names[i]);
		const struct debian_stanza *stanza =
			debian_stanzas_find(&c->mirror.packages, name);

		if (stanza && !find_package(c->lock, name) &&
		    add_package(c, name, assay_deb822_field(stanza->text, "Version"), 0, err))
			return err->code;
	}
	return ASSAY_OK;
}

/* Names a package that is gone, in the chain and, of the first few, in the error. */
static void note_lost(struct closure *c, json_t *chain, struct assay_span name,
		      struct assay_span version, size_t count, struct assay_buf *lost)
{
	const struct debian_stanza *stanza = debian_stanzas_find(&c->mirror.packages, name);
	struct assay_span have = { (const uint8_t *)"none", 4 };
	char what[DEBIAN_FIELDS_MAX];

	if (stanza)
		have = assay_deb822_field(stanza->text, "Version");
	snprintf(what, sizeof(what), "%.*s (= %.*s)", ASSAY_SPAN_ARGS(name),
		 ASSAY_SPAN_ARGS(version));
	debian_chain_add(chain, "environment", what, "not carried", "the mirror has %.*s",
			 ASSAY_SPAN_ARGS(have));
	if (count < MAX_NAMED)
		assay_buf_printf(lost, "%s%.*s %.*s (there is %.*s)", lost->len ? ", " : "",
				 ASSAY_SPAN_ARGS(name), ASSAY_SPAN_ARGS(version),
				 ASSAY_SPAN_ARGS(have));
}

/* Exactly the versions of a .buildinfo. */
static enum assay_code resolve_installed(struct closure *c, const struct assay_debian_build *build,
					 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf lost = ASSAY_BUF_INIT(ASSAY_ERROR_MAX / 2);
	struct assay_span rest = assay_span_text(build->installed), name, version;
	enum assay_code code;
	size_t missing = 0;

	while (!(code = debian_buildinfo_next(&rest, &name, &version, err))) {
		code = add_package(c, name, version, 0, err);
		if (code == ASSAY_ENOTFOUND)
			note_lost(c, build->chain, name, version, missing++, &lost);
		else if (code)
			return code;
	}
	if (code != ASSAY_END)
		return code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	if (missing)
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "%zu of the packages of the .buildinfo not carried: %s%s; looked in %s",
				  missing, assay_buf_text(&lost),
				  missing > MAX_NAMED ? ", ... (all in the chain of trust)" : "",
				  debian_mirror_describe(&c->mirror));
	return add_fakeroot(c, err) ? err->code : seal(c, err);
}

static enum assay_code finish(struct closure *c, enum assay_code code, struct assay_lock *ret,
			      struct assay_error *err)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	if (c->directory && assay_path_remove_tree(AT_FDCWD, c->directory, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	free(c->directory);
	debian_mirror_release(&c->mirror);
	if (code) {
		assay_lock_release(c->lock);
		return assay_context(err, "environment");
	}
	*ret = *c->lock;
	return ASSAY_OK;
}

static enum assay_code resolve_anew(struct assay_store *store,
				    const struct assay_debian_build *build, struct assay_lock *ret,
				    struct assay_digest *ret_basis, struct assay_error *err)
{
	struct assay_lock lock = { .arena = ASSAY_ARENA_INIT(64 * ASSAY_MIB) };
	struct closure c = { .mirror = DEBIAN_MIRROR_INIT, .lock = &lock };
	enum assay_code code;

	c.mirror.store = store;
	code = begin(&c, NULL, err);
	if (!code)
		lock.usr_is_split = !build->usr_was_merged && builders_split_usr(&c.mirror);
	if (!code)
		code = build->installed ? resolve_installed(&c, build, err)
					: resolve_build(&c, build, err);
	*ret_basis = c.mirror.basis;
	return finish(&c, code, ret, err);
}

enum assay_code assay_lock_for_build(struct assay_store *store,
				     const struct assay_debian_build *build, struct assay_lock *ret,
				     struct assay_error *err)
{
	struct assay_digest key, basis;

	if (debian_resolved_key(build, &key, err))
		return assay_context(err, "environment");
	if (debian_resolved_get(store, &key, ret))
		return ASSAY_OK;
	if (resolve_anew(store, build, ret, &basis, err))
		return err->code;
	/* the lists may have been refreshed since the key was made */
	if (assay_digest_equal(&basis, &build->basis))
		debian_resolved_put(store, &key, ret);
	return ASSAY_OK;
}

static enum assay_code check_requests(const char *const *packages, struct assay_error *err)
{
	for (; *packages; packages++) {
		const char *equals = strchr(*packages, '=');
		char name[DEBIAN_FIELDS_MAX];

		snprintf(name, sizeof(name), "%.*s",
			 equals ? (int)(equals - *packages) : (int)strlen(*packages), *packages);
		if (!debian_name_is_valid(name) || (equals && !debian_version_is_valid(equals + 1)))
			return assay_fail(err, ASSAY_EUSAGE,
					  "want a package as NAME or NAME=VERSION, have \"%s\"",
					  *packages);
	}
	return ASSAY_OK;
}

enum assay_code assay_lock_for_packages(struct assay_store *store, const char *suite,
					const char *const *packages, struct assay_lock *ret,
					struct assay_error *err)
{
	struct assay_lock lock = { .arena = ASSAY_ARENA_INIT(64 * ASSAY_MIB) };
	struct closure c = { .mirror = DEBIAN_MIRROR_INIT, .lock = &lock };
	enum assay_code code = check_requests(packages, err);

	c.mirror.store = store;
	if (!code)
		code = begin(&c, suite, err);
	if (!code)
		code = resolve_base(&c, err);
	if (!code && *packages)
		code = resolve_rest(&c, "install", packages, err);
	if (!code)
		code = seal(&c, err);
	return finish(&c, code, ret, err);
}
