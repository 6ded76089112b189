/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recipe, version 1, as tables: one per mapping of DESIGN.md section 6.  A table's rows are the
 * documentation of its keys; what a row cannot say (one of several, only together) stands in the
 * function below it.
 */
#include "assay/recipe.h"

#include <fcntl.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "values.h"
#include "yaml_jail.h"

#define SCALAR ASSAY_YAML_SCALAR
#define LIST ASSAY_YAML_LIST
#define MAPPING ASSAY_YAML_MAPPING
#define ARENA_MAX (64 * ASSAY_MIB) /* 1 MiB of text, 10000 nodes, names and lists */

static const char sha256_want[] = "a SHA-256 (64 hex digits)";
static const char lock_hint[] = "; `assay recipe lock` computes it";

/* A pin that is absent is an error unless it is what the caller came to write. */
static enum assay_code require_pin(struct reader *r, const struct assay_yaml_node *mapping,
				   const char *key, const char *want)
{
	size_t was;

	if (r->allow_unpinned || reader_find(mapping, key))
		return ASSAY_OK;
	was = reader_enter(r, assay_span_text(key));
	reader_refuse(r, mapping, "want %s, have nothing%s", want, lock_hint);
	reader_leave(r, was);
	return r->err->code;
}

static const char *text_of(const struct assay_yaml_node *mapping, const char *key)
{
	const struct assay_yaml_node *value = reader_find(mapping, key);

	return value && !assay_yaml_is_null(value) ? (const char *)value->text.data : NULL;
}

static enum assay_code pin_digest(struct reader *r, const struct assay_yaml_node *mapping,
				  enum assay_pin_kind kind, size_t index, const char *location,
				  const char *beside)
{
	struct assay_recipe_pin pin = { .kind = kind, .index = index, .location = location };

	pin.have = text_of(mapping, "sha256");
	pin.pinned = pin.have != NULL;
	return reader_pin(r, mapping, "sha256", beside, &pin);
}

/* Lists: items of one kind into an array of the arena, by a setter each. */
static enum assay_code read_list(struct reader *r, const struct assay_yaml_node *list,
				 enum assay_yaml_kind kind, const char *want, size_t size,
				 reader_set *set, void *ret_array)
{
	const struct assay_yaml_node *item = list->first;
	/* one more: texts end with NULL */
	char *array = assay_arena_alloc(&r->recipe->arena, (list->count + 1) * size);

	if (!array)
		return reader_refuse_memory(r);
	for (size_t i = 0; item; item = item->next, i++) {
		size_t was = reader_enter_item(r, i);

		if (item->kind != kind || assay_yaml_is_null(item))
			return reader_refuse_value(r, item, want);
		if (set(r, item, array + i * size))
			return r->err->code;
		reader_leave(r, was);
	}
	*(void **)ret_array = array;
	return ASSAY_OK;
}

/* ---- source ---------------------------------------------------------------------------------- */

static enum assay_code set_source_kind(struct reader *r, const struct assay_yaml_node *value,
				       struct assay_recipe_source *source,
				       enum assay_source_kind kind)
{
	if (source->location)
		return reader_refuse(r, value,
				     "want one source (git, archive or apt-source), have two");
	source->kind = kind;
	return ASSAY_OK;
}

static enum assay_code set_git(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_recipe_source *source = field;

	if (set_source_kind(r, value, source, ASSAY_SOURCE_GIT))
		return r->err->code;
	return value_location(r, value, &source->location);
}

static const struct reader_key archive_keys[] = {
	{ "url", SCALAR, "a URL", false, offsetof(struct assay_recipe_source, location),
	  value_location },
	{ "path", SCALAR, "a path", false, offsetof(struct assay_recipe_source, location),
	  value_location },
	{ "sha256", SCALAR, sha256_want, false, offsetof(struct assay_recipe_source, sha256),
	  value_sha256 },
	{ .name = NULL },
};

static enum assay_code set_archive(struct reader *r, const struct assay_yaml_node *value,
				   void *field)
{
	struct assay_recipe_source *source = field;

	if (set_source_kind(r, value, source, ASSAY_SOURCE_ARCHIVE) ||
	    reader_mapping(r, value, archive_keys, source))
		return r->err->code;
	if (!source->location)
		return reader_refuse(r, value, "want url or path, have neither");
	if (require_pin(r, value, "sha256", sha256_want))
		return r->err->code;
	return pin_digest(r, value, ASSAY_PIN_SOURCE, 0, source->location,
			  reader_find(value, "url") ? "url" : "path");
}

static enum assay_code set_apt_source(struct reader *r, const struct assay_yaml_node *value,
				      void *field)
{
	struct assay_recipe_source *source = field;
	size_t equals = assay_span_find(value->text, 0, assay_span_text("="));
	struct assay_span name = assay_span_cut(value->text, 0, equals);
	struct assay_span version = assay_span_cut(value->text, equals + 1, value->text.len);

	if (set_source_kind(r, value, source, ASSAY_SOURCE_APT))
		return r->err->code;
	if (equals == SIZE_MAX || name.len == 0 || version.len == 0 || version.data[0] == '-' ||
	    strspn((const char *)value->text.data, "abcdefghijklmnopqrstuvwxyz0123456789.+-") !=
		    equals ||
	    name.data[0] == '-' ||
	    strspn((const char *)version.data,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-~:") !=
		    version.len)
		return reader_refuse_value(r, value, "a source package as name=version");
	source->location = assay_arena_text(&r->recipe->arena, name);
	source->version = (const char *)version.data;
	return source->location ? ASSAY_OK : reader_refuse_memory(r);
}

static const struct reader_key source_keys[] = {
	{ "git", SCALAR, "a URL or path of a git repository", false, 0, set_git },
	{ "commit", SCALAR, "a full commit id", false, offsetof(struct assay_recipe_source, commit),
	  value_commit },
	{ "archive", MAPPING, "a mapping of url or path, and sha256", false, 0, set_archive },
	{ "apt-source", SCALAR, "a source package as name=version", false, 0, set_apt_source },
	{ .name = NULL },
};

static enum assay_code set_source(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_recipe_source *source = field;
	struct assay_recipe_pin pin = { .kind = ASSAY_PIN_COMMIT };

	if (reader_mapping(r, value, source_keys, source))
		return r->err->code;
	if (!source->location)
		return reader_refuse(r, value, "want git, archive or apt-source, have none of them");
	if (source->kind != ASSAY_SOURCE_GIT)
		return source->commit ? reader_refuse(r, reader_find(value, "commit"),
						      "want a commit for git only")
				      : ASSAY_OK;
	if (require_pin(r, value, "commit", "a full commit id"))
		return r->err->code;
	pin.location = source->location;
	pin.have = source->commit;
	pin.pinned = source->commit && value_is_commit(assay_span_text(source->commit));
	return reader_pin(r, value, "commit", "git", &pin);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static const struct reader_key input_keys[] = {
	{ "url", SCALAR, "a URL", false, offsetof(struct assay_recipe_input, location),
	  value_location },
	{ "path", SCALAR, "a path", false, offsetof(struct assay_recipe_input, location),
	  value_location },
	{ "sha256", SCALAR, sha256_want, false, offsetof(struct assay_recipe_input, sha256),
	  value_sha256 },
	{ "to", SCALAR, "a path inside the build directory", true,
	  offsetof(struct assay_recipe_input, to), value_inner_path },
	{ .name = NULL },
};

static enum assay_code set_input(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_recipe_input *input = field;

	if (reader_mapping(r, value, input_keys, input))
		return r->err->code;
	if (!input->location)
		return reader_refuse(r, value, "want url or path, have neither");
	if (require_pin(r, value, "sha256", sha256_want))
		return r->err->code;
	return pin_digest(r, value, ASSAY_PIN_INPUT, r->recipe->input_count++, input->location,
			  reader_find(value, "url") ? "url" : "path");
}

static enum assay_code set_inputs(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return read_list(r, value, MAPPING, "a mapping of url or path, sha256 and to",
			 sizeof(struct assay_recipe_input), set_input, field);
}

/* ---- environment ----------------------------------------------------------------------------- */

static enum assay_code set_base(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	enum assay_base_kind *base = field;

	if (!assay_span_equal_text(value->text, "host"))
		return reader_refuse_value(
			r, value, "\"host\" (for others write debian: or oci: instead of base:)");
	*base = ASSAY_BASE_HOST;
	return ASSAY_OK;
}

static enum assay_code set_package(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (strspn((const char *)value->text.data,
		   "abcdefghijklmnopqrstuvwxyz0123456789.+-:=~ABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
		    value->text.len ||
	    value->text.len < 2 || value->text.data[0] == '-')
		return reader_refuse_value(r, value, "the name of a Debian package");
	return value_text(r, value, field);
}

static enum assay_code set_packages(struct reader *r, const struct assay_yaml_node *value,
				    void *field)
{
	return read_list(r, value, SCALAR, "the name of a Debian package", sizeof(char *),
			 set_package, field);
}

static const struct reader_key debian_keys[] = {
	{ "suite", SCALAR, "a suite, like \"bookworm\"", true, offsetof(struct assay_recipe, suite),
	  value_word },
	{ "lock", SCALAR, "the path of a lock", false, offsetof(struct assay_recipe, lock),
	  value_text },
	{ "packages", LIST, "a list of Debian packages", false,
	  offsetof(struct assay_recipe, packages), set_packages },
	{ .name = NULL },
};

static enum assay_code set_debian(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_recipe *recipe = field;
	struct assay_recipe_pin pin = { .kind = ASSAY_PIN_LOCK };

	recipe->base = ASSAY_BASE_DEBIAN;
	if (reader_mapping(r, value, debian_keys, recipe) ||
	    require_pin(r, value, "lock", "the path of a lock"))
		return r->err->code;
	pin.location = recipe->suite;
	pin.have = recipe->lock;
	pin.pinned = recipe->lock != NULL;
	return reader_pin(r, value, "lock", "suite", &pin);
}

static const struct reader_key oci_keys[] = {
	{ "layout", SCALAR, "the path of an OCI image layout", true,
	  offsetof(struct assay_recipe, oci_layout), value_text },
	{ "digest", SCALAR, "the digest of an image (sha256:...)", true,
	  offsetof(struct assay_recipe, oci_digest), value_oci_digest },
	{ .name = NULL },
};

static enum assay_code set_oci(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_recipe *recipe = field;

	recipe->base = ASSAY_BASE_OCI;
	return reader_mapping(r, value, oci_keys, recipe);
}

static enum assay_code read_variable(struct reader *r, const struct assay_yaml_node *key,
				     const char **ret)
{
	const struct assay_yaml_node *value = key->next;
	size_t was = r->where_len;
	const char *text;
	uint64_t number;

	if (!value_is_variable(key->text))
		return reader_refuse_value(
			r, key, "a variable's name (letters, digits and \"_\", no digit first)");
	reader_enter(r, key->text);
	if (value->kind != SCALAR)
		return reader_refuse_value(r, value, "text");
	if (assay_span_equal_text(key->text, "SOURCE_DATE_EPOCH") &&
	    !assay_span_parse_u64(value->text, &number))
		return reader_refuse_value(r, value, "seconds since 1970");
	if (value_text(r, value, &text))
		return r->err->code;
	*ret = assay_arena_printf(&r->recipe->arena, "%s=%s", (const char *)key->text.data, text);
	reader_leave(r, was);
	return *ret ? ASSAY_OK : reader_refuse_memory(r);
}

static enum assay_code set_variables(struct reader *r, const struct assay_yaml_node *value,
				     void *field)
{
	const char **list =
		assay_arena_alloc(&r->recipe->arena, (value->count + 1) * sizeof(*list));
	size_t count = 0;

	if (!list)
		return reader_refuse_memory(r);
	for (const struct assay_yaml_node *key = value->first; key; key = key->next->next)
		if (read_variable(r, key, &list[count++]))
			return r->err->code;
	*(const char ***)field = list;
	return ASSAY_OK;
}

static const struct reader_key environment_keys[] = {
	{ "base", SCALAR, "\"host\"", false, offsetof(struct assay_recipe, base), set_base },
	{ "debian", MAPPING, "a mapping of suite, lock and packages", false, 0, set_debian },
	{ "oci", MAPPING, "a mapping of layout and digest", false, 0, set_oci },
	{ "path", SCALAR, "an absolute path", false, offsetof(struct assay_recipe, build_path),
	  value_build_path },
	{ "variables", MAPPING, "a mapping of variables", false,
	  offsetof(struct assay_recipe, variables), set_variables },
	{ "hostname", SCALAR, "a host name", false, offsetof(struct assay_recipe, hostname),
	  value_hostname },
	{ "umask", SCALAR, "three octal digits, like \"022\"", false,
	  offsetof(struct assay_recipe, umask), value_umask },
	{ "locale", SCALAR, "a locale", false, offsetof(struct assay_recipe, locale), value_word },
	{ "timezone", SCALAR, "a time zone", false, offsetof(struct assay_recipe, timezone),
	  value_word },
	{ "cpus", SCALAR, "a number from 1 to 1024", false, offsetof(struct assay_recipe, cpus),
	  value_cpus },
	{ .name = NULL },
};

static enum assay_code set_environment(struct reader *r, const struct assay_yaml_node *value,
				       void *field)
{
	static const char *const bases[] = { "base", "debian", "oci" };
	size_t given = 0;

	if (reader_mapping(r, value, environment_keys, field))
		return r->err->code;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		given += reader_find(value, bases[i]) != NULL;
	if (given > 1)
		return reader_refuse(r, value, "want one of base, debian and oci, have %zu", given);
	return ASSAY_OK;
}

/* ---- build, artifacts, limits ---------------------------------------------------------------- */

static enum assay_code set_build(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (value->count == 0)
		return reader_refuse(r, value, "want a list of commands, have an empty list");
	return read_list(r, value, SCALAR, "a shell command", sizeof(char *), value_command, field);
}

static const struct reader_key signature_keys[] = {
	{ "scheme", SCALAR, "minisign, signify, raw or openpgp", true,
	  offsetof(struct assay_recipe_artifact, signature_scheme), value_scheme },
	{ "file", SCALAR, "the path or URL of a signature", true,
	  offsetof(struct assay_recipe_artifact, signature_file), value_location },
	{ "key", SCALAR, "a public key or its path", true,
	  offsetof(struct assay_recipe_artifact, signature_key), value_text },
	{ .name = NULL },
};

static enum assay_code set_signature(struct reader *r, const struct assay_yaml_node *value,
				     void *field)
{
	return reader_mapping(r, value, signature_keys, field);
}

static const struct reader_key artifact_keys[] = {
	{ "built", SCALAR, "a path inside the build directory", true,
	  offsetof(struct assay_recipe_artifact, built), value_inner_path },
	{ "published", SCALAR, "a path or URL", false,
	  offsetof(struct assay_recipe_artifact, published), value_location },
	{ "sha256", SCALAR, sha256_want, false, offsetof(struct assay_recipe_artifact, sha256),
	  value_sha256 },
	{ "signature", MAPPING, "a mapping of scheme, file and key", false, 0, set_signature },
	{ .name = NULL },
};

static enum assay_code set_artifact(struct reader *r, const struct assay_yaml_node *value,
				    void *field)
{
	struct assay_recipe_artifact *artifact = field;

	if (reader_mapping(r, value, artifact_keys, artifact))
		return r->err->code;
	artifact->has_sha256 = text_of(value, "sha256") != NULL;
	r->recipe->artifact_count++;
	if (!artifact->published && !artifact->has_sha256)
		return reader_refuse(r, value, "want published or sha256, have neither");
	if (!artifact->published)
		return artifact->signature_scheme
			       ? reader_refuse(r, reader_find(value, "signature"),
					       "want a signature for a published file only")
			       : ASSAY_OK;
	if (!artifact->signature_scheme && require_pin(r, value, "sha256",
						       "a SHA-256 (64 hex digits) or a signature"))
		return r->err->code;
	return pin_digest(r, value, ASSAY_PIN_ARTIFACT, r->recipe->artifact_count - 1,
			  artifact->published, "published");
}

static enum assay_code set_artifacts(struct reader *r, const struct assay_yaml_node *value,
				     void *field)
{
	if (value->count == 0)
		return reader_refuse(r, value, "want a list of artifacts, have an empty list");
	return read_list(r, value, MAPPING, "a mapping of built and published or sha256",
			 sizeof(struct assay_recipe_artifact), set_artifact, field);
}

#define LIMIT(field) offsetof(struct assay_recipe_limits, field)

static const struct reader_key limit_keys[] = {
	{ "time", SCALAR, "a duration", false, LIMIT(time_s), value_duration },
	{ "memory", SCALAR, "a size", false, LIMIT(memory), value_size },
	{ "disk", SCALAR, "a size", false, LIMIT(disk), value_size },
	{ "processes", SCALAR, "a number", false, LIMIT(processes), value_count },
	{ "log", SCALAR, "a size", false, LIMIT(log), value_size },
	{ .name = NULL },
};

static enum assay_code set_limits(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return reader_mapping(r, value, limit_keys, field);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum assay_code set_version(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	(void)field;
	if (!assay_span_equal_text(value->text, "1"))
		return reader_refuse_value(r, value, "version 1");
	return ASSAY_OK;
}

static const struct reader_key recipe_keys[] = {
	{ "recipe", SCALAR, "version 1", true, 0, set_version },
	{ "name", SCALAR, "a name", true, offsetof(struct assay_recipe, name), value_name },
	{ "source", MAPPING, "a mapping with git, archive or apt-source", true,
	  offsetof(struct assay_recipe, source), set_source },
	{ "inputs", LIST, "a list of inputs", false, offsetof(struct assay_recipe, inputs),
	  set_inputs },
	{ "environment", MAPPING, "a mapping", false, 0, set_environment },
	{ "build", LIST, "a list of commands", true, offsetof(struct assay_recipe, build),
	  set_build },
	{ "artifacts", LIST, "a list of artifacts", true, offsetof(struct assay_recipe, artifacts),
	  set_artifacts },
	{ "accept", SCALAR, "a grade", false, offsetof(struct assay_recipe, accept), value_accept },
	{ "limits", MAPPING, "a mapping of limits", false, offsetof(struct assay_recipe, limits),
	  set_limits },
	{ .name = NULL },
};

static enum assay_code fill_defaults(struct reader *r)
{
	static const char *const none[] = { NULL };
	struct assay_recipe *recipe = r->recipe;

	if (!recipe->variables)
		recipe->variables = none;
	if (!recipe->packages)
		recipe->packages = none;
	if (!recipe->build_path)
		recipe->build_path =
			assay_arena_printf(&recipe->arena, "/build/%s", recipe->name);
	return recipe->build_path ? ASSAY_OK : reader_refuse_memory(r);
}

static enum assay_code name_place(struct reader *r, const char *path)
{
	struct assay_recipe *recipe = r->recipe;
	size_t len = (size_t)(assay_path_base(path) - path);

	recipe->path = assay_arena_text(&recipe->arena, assay_span_text(path));
	if (len == 0)
		recipe->directory = ".";
	else
		recipe->directory = assay_arena_text(
			&recipe->arena, assay_span_of(path, len > 1 ? len - 1 : 1));
	if (recipe->path && recipe->directory)
		return ASSAY_OK;
	return assay_fail(r->err, ASSAY_ENOMEM, "%s: out of memory", path);
}

static enum assay_code read_recipe(struct reader *r, const char *path)
{
	struct assay_yaml_node *root = NULL;

	if (name_place(r, path))
		return r->err->code;
	if (r->text.len > ASSAY_MAX_RECIPE)
		return assay_fail(r->err, ASSAY_EINPUT,
				  "%s: want a recipe of at most %llu bytes, have %zu", path,
				  ASSAY_MAX_RECIPE, r->text.len);
	if (r->parse(r->text, r->recipe->path, &r->recipe->arena, &root, r->err))
		return r->err->code;
	if (root->kind != MAPPING)
		return reader_refuse_value(r, root, "a mapping with the keys of a recipe");
	if (reader_mapping(r, root, recipe_keys, r->recipe))
		return r->err->code;
	assay_digest_span(r->text, &r->recipe->digest);
	return fill_defaults(r);
}

static enum assay_code parse_with(yaml_parser *parse, struct assay_span text, const char *path,
				  bool allow_unpinned, struct assay_recipe *ret,
				  struct assay_error *err)
{
	struct reader r = { .path = path,  .arena = &ret->arena, .recipe = ret, .text = text,
			    .err = err, .parse = parse, .allow_unpinned = allow_unpinned };

	*ret = (struct assay_recipe){ .arena = ASSAY_ARENA_INIT(ARENA_MAX),
				      .hostname = "assay",
				      .locale = "C.UTF-8",
				      .timezone = "UTC",
				      .umask = 022,
				      .cpus = 2,
				      .accept = "reproducible" };
	if (read_recipe(&r, path) == ASSAY_OK)
		return ASSAY_OK;
	assay_recipe_release(ret);
	return err->code;
}

enum assay_code assay_recipe_parse(struct assay_span text, const char *path, bool allow_unpinned,
				   struct assay_recipe *ret, struct assay_error *err)
{
	return parse_with(yaml_jail_parse, text, path, allow_unpinned, ret, err);
}

enum assay_code assay_recipe_parse_here(struct assay_span text, const char *path,
					bool allow_unpinned, struct assay_recipe *ret,
					struct assay_error *err)
{
	return parse_with(assay_yaml_parse, text, path, allow_unpinned, ret, err);
}

enum assay_code assay_recipe_load(const char *path, struct assay_recipe *ret,
				  struct assay_error *err)
{
	/* one byte more than allowed is read, so that the size is refused and not the reading */
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE + 1);
	enum assay_code code;

	*ret = (struct assay_recipe){ .path = NULL };
	code = assay_file_read(AT_FDCWD, path, &text, err);
	/* which recipe is the caller's word, so its absence is a wrong argument and not a lost input */
	if (code == ASSAY_ENOTFOUND)
		err->code = code = ASSAY_EUSAGE;
	if (code == ASSAY_ELIMIT)
		code = assay_fail(err, ASSAY_EINPUT, "%s: want a recipe of at most %llu bytes", path,
				  ASSAY_MAX_RECIPE);
	if (!code)
		code = assay_recipe_parse(assay_buf_span(&text), path, false, ret, err);
	assay_buf_release(&text);
	return code;
}

void assay_recipe_release(struct assay_recipe *recipe)
{
	assay_arena_release(&recipe->arena);
	*recipe = (struct assay_recipe){ .path = NULL };
}

char *assay_recipe_locate(const struct assay_recipe *recipe, const char *location)
{
	if (location[0] == '/' || strstr(location, "://") || strcmp(recipe->directory, ".") == 0)
		return strdup(location);
	return assay_path_join(recipe->directory, location);
}
