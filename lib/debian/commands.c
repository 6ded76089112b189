/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How Debian's builders build: dpkg-source into /build/reproducible-path/<source>-<upstream>, for a
 * binNMU one changelog entry on top, dpkg-buildpackage as an ordinary user without a home.
 */
#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "debian_int.h"

#define MAX_COMMANDS 16
#define MAX_VARIABLES 64

/* Variables of a .buildinfo may steer the build, not the box or the loader. */
static const char *const kept_variables[] = {
	"DEB_", "LANG=", "LC_", "SOURCE_DATE_EPOCH=", "TZ=", "CFLAGS", "CXXFLAGS", "CPPFLAGS",
	"LDFLAGS", "FFLAGS", "FCFLAGS", "GCJFLAGS", "OBJCFLAGS", "OBJCXXFLAGS", "DFLAGS",
};

static bool is_kept(const char *variable)
{
	for (size_t i = 0; i < sizeof(kept_variables) / sizeof(kept_variables[0]); i++)
		if (strncmp(variable, kept_variables[i], strlen(kept_variables[i])) == 0)
			return true;
	return false;
}

static bool has_variable(const char *const *env, size_t count, const char *variable)
{
	size_t name = (size_t)(strchr(variable, '=') - variable) + 1;

	for (size_t i = 0; i < count; i++)
		if (strncmp(env[i], variable, name) == 0)
			return true;
	return false;
}

/* The build's own variables first (a .buildinfo's), then what Debian's builders set. */
static enum assay_code make_env(const struct assay_debian_build *build,
				const struct assay_debian_command_options *options,
				struct assay_debian_commands *ret, struct assay_error *err)
{
	const char **env = assay_arena_alloc(&ret->arena, (MAX_VARIABLES + 16) * sizeof(*env));
	char *build_options = assay_arena_printf(&ret->arena, "DEB_BUILD_OPTIONS=parallel=%u%s",
						 options->cpus ? options->cpus : 1,
						 options->run_tests ? "" : " nocheck");
	const char *const defaults[] = {
		build_options,
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/sbuild-nonexistent",
		"LANG=C.UTF-8",
		"LC_ALL=C.UTF-8",
		"LOGNAME=build",
		"USER=build",
		"SHELL=/bin/sh",
	};
	size_t count = 0;

	if (!env || !build_options)
		return assay_fail(err, ASSAY_ENOMEM, "build environment: out of memory");
	for (size_t i = 0; build->variables && build->variables[i] && count < MAX_VARIABLES; i++)
		if (strchr(build->variables[i], '=') && is_kept(build->variables[i]))
			env[count++] = build->variables[i];
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!has_variable(env, count, defaults[i]))
			env[count++] = defaults[i];
	ret->env = env;
	return ASSAY_OK;
}

/* text as one word of a shell command */
static enum assay_code quote(struct assay_buf *out, const char *text, struct assay_error *err)
{
	assay_buf_add_text(out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			assay_buf_add_text(out, "'\\''");
		else
			assay_buf_add(out, text, 1);
	}
	assay_buf_add_text(out, "'");
	return assay_buf_check(out, "build command", err);
}

/* The entry is cut to the first of the file, and must be one: "source (version) suite; ..." up to
 * its " -- " line. */
static enum assay_code check_entry(const struct assay_debian_build *build, struct assay_span text,
				   struct assay_span *ret, struct assay_error *err)
{
	struct assay_span rest = text, line;
	char want[DEBIAN_FIELDS_MAX * 2];

	snprintf(want, sizeof(want), "%s (%s) ", build->source, build->binary_version);
	if (text.len > ASSAY_MAX_BINNMU_ENTRY || memchr(text.data, '\0', text.len))
		return assay_fail(err, ASSAY_EINPUT, "binNMU entry: want a text of at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_BINNMU_ENTRY);
	if (!assay_span_starts(text, want))
		return assay_fail(err, ASSAY_EINPUT,
				  "binNMU entry: want it to begin with \"%s\"", want);
	while (assay_span_next_line(&rest, &line))
		if (assay_span_starts(line, " -- ")) {
			*ret = assay_span_of(text.data,
					     (size_t)(line.data + line.len - text.data));
			return ASSAY_OK;
		}
	return assay_fail(err, ASSAY_EINPUT, "binNMU entry: want a line \" -- name  date\" at its end");
}

static enum assay_code binnmu_command(const struct assay_debian_build *build, const char *entry,
				      struct assay_debian_commands *ret, const char **ret_command,
				      struct assay_error *err)
{
	struct assay_buf command = ASSAY_BUF_INIT(4 * ASSAY_MAX_BINNMU_ENTRY + 4096);
	assay_auto(assay_freep) char *text = NULL;
	struct assay_span span;

	if (!entry || !*entry)
		return assay_fail(err, ASSAY_EINPUT,
				  "binNMU %s: want its changelog entry, have none",
				  build->binary_version);
	if (check_entry(build, assay_span_text(entry), &span, err))
		return err->code;
	text = assay_span_dup(span);
	if (!text)
		return assay_fail(err, ASSAY_ENOMEM, "binNMU entry: out of memory");
	assay_buf_add_text(&command, "{ printf '%s\\n\\n' ");
	if (!quote(&command, text, err)) {
		assay_buf_add_text(&command, "; cat debian/changelog; } > ../changelog.new\n"
					     "cat ../changelog.new > debian/changelog\n"
					     "rm ../changelog.new");
		*ret_command = assay_arena_text(&ret->arena, assay_buf_span(&command));
		if (!*ret_command)
			assay_fail(err, ASSAY_ENOMEM, "binNMU entry: out of memory");
	}
	assay_buf_release(&command);
	return *ret_command ? ASSAY_OK : err->code;
}

/* One build, from the source on. */
static enum assay_code add_build(const struct assay_debian_build *build, const char *kind,
				 const char *entry, const char **list, size_t *count,
				 struct assay_debian_commands *ret, struct assay_error *err)
{
	const char *base = assay_path_base(build->build_path);

	list[(*count)++] = assay_arena_printf(&ret->arena, "dpkg-source --no-check -x %s/%s %s",
					      ASSAY_DEBIAN_INPUTS, build->sources[0].name, base);
	list[(*count)++] = assay_arena_printf(&ret->arena, "cd %s", base);
	if (build->is_binnmu && binnmu_command(build, entry, ret, &list[(*count)++], err))
		return err->code;
	list[(*count)++] =
		assay_arena_printf(&ret->arena, "dpkg-buildpackage -us -uc --build=%s", kind);
	return ASSAY_OK;
}

/* What is for one architecture and what is for all is built apart, each from a fresh tree, unless we
 * know better: what one of them leaves lying about is not seen by the other. */
static enum assay_code make_commands(const struct assay_debian_build *build,
				     const struct assay_debian_command_options *options,
				     struct assay_debian_commands *ret, struct assay_error *err)
{
	const char **list = assay_arena_alloc(&ret->arena, MAX_COMMANDS * sizeof(*list));
	int parent = (int)(assay_path_base(build->build_path) - build->build_path) - 1;
	const char *entry = build->binnmu_entry ? build->binnmu_entry : options->binnmu_entry;
	bool apart = strcmp(build->kind, "any,all") == 0 && !build->in_one;
	size_t count = 0;

	if (!list)
		return assay_fail(err, ASSAY_ENOMEM, "build commands: out of memory");
	list[count++] = assay_arena_printf(&ret->arena, "mkdir -p %.*s && cd %.*s", parent,
					   build->build_path, parent, build->build_path);
	if (add_build(build, apart ? "any" : build->kind, entry, list, &count, ret, err))
		return err->code;
	if (apart) {
		const char *base = assay_path_base(build->build_path);

		/* some builds leave directories that cannot be written to */
		list[count++] = assay_arena_printf(&ret->arena, "cd .. && chmod -R u+w %s && rm -rf %s",
						   base, base);
		if (add_build(build, "all", entry, list, &count, ret, err))
			return err->code;
	}
	for (size_t i = 0; i < count; i++)
		if (!list[i])
			return assay_fail(err, ASSAY_ENOMEM, "build commands: out of memory");
	ret->commands = list;
	return ASSAY_OK;
}

/* The path becomes part of a shell command and of the outputs' place. */
static enum assay_code check_path(const char *path, struct assay_error *err)
{
	const char *p = path;

	for (; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.~_/",
			    *p))
			break;
	if (*p || strncmp(path, ASSAY_DEBIAN_WORKSPACE "/", sizeof(ASSAY_DEBIAN_WORKSPACE)) != 0 ||
	    !assay_path_is_contained(assay_span_text(path + 1)) || strstr(path, "//") ||
	    !*assay_path_base(path) || strstr(path, "/-"))
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "build path: want one below " ASSAY_DEBIAN_WORKSPACE
				  ", where Debian's builders build, have %s",
				  path);
	return ASSAY_OK;
}

enum assay_code assay_debian_build_commands(const struct assay_debian_build *build,
					    const struct assay_debian_command_options *options,
					    struct assay_debian_commands *ret,
					    struct assay_error *err)
{
	struct assay_debian_commands made = { .arena = ASSAY_ARENA_INIT(ASSAY_MIB) };
	const char *base = assay_path_base(build->build_path);
	struct assay_span place;

	if (check_path(build->build_path, err))
		return err->code;
	made.directory = ASSAY_DEBIAN_WORKSPACE;
	place = assay_span_text(build->build_path + sizeof(ASSAY_DEBIAN_WORKSPACE));
	place.len -= strlen(base);
	made.outputs = place.len ? assay_arena_text(&made.arena, assay_span_cut(place, 0, place.len - 1))
				 : ".";
	if (!made.outputs)
		assay_fail(err, ASSAY_ENOMEM, "build commands: out of memory");
	if (!made.outputs || make_env(build, options, &made, err) ||
	    make_commands(build, options, &made, err)) {
		assay_debian_commands_release(&made);
		return err->code;
	}
	*ret = made;
	return ASSAY_OK;
}

void assay_debian_commands_release(struct assay_debian_commands *commands)
{
	assay_arena_release(&commands->arena);
	*commands = (struct assay_debian_commands){ 0 };
}

enum assay_code assay_debian_build_inputs(struct assay_store *store,
					  const struct assay_debian_build *build, int dirfd,
					  struct assay_error *err)
{
	for (size_t i = 0; i < build->source_count; i++)
		if (assay_store_copy_to(store, &build->sources[i].sha256, dirfd,
					build->sources[i].name, err))
			return assay_context(err, "inputs of %s", build->source);
	return ASSAY_OK;
}
