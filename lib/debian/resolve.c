/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a package's name to a build: its source, all packages that came out of the same build, and
 * the source's files, each checked against the verified indices.
 *
 * Packages of one source version need not come from one build: a binNMU ("+b1") rebuilds only those
 * of one architecture, so its "all" packages stay those of the first build.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "buildinfo.h"
#include "mirror.h"

#define MAX_FILES 4096
#define BUILD_ROOT ASSAY_DEBIAN_WORKSPACE "/reproducible-path"

/* What is being resolved. */
struct resolution {
	struct debian_mirror mirror;
	struct debian_buildinfo info;
	bool has_info;
	struct assay_debian_build *build;
	const struct debian_stanza *target;
	struct assay_span suffix; /* "+b1", or empty */
	const char *repositories[MAX_FILES];
};

void assay_debian_build_release(struct assay_debian_build *build)
{
	json_decref(build->chain);
	assay_arena_release(&build->arena);
	*build = (struct assay_debian_build){ 0 };
}

/* "Source: name (version)"; by default the package's own name and version. */
static void source_of(const struct debian_stanza *stanza, struct assay_span *name,
		      struct assay_span *version)
{
	struct assay_span field = assay_deb822_field(stanza->text, "Source");

	*version = assay_deb822_field(stanza->text, "Version");
	*name = stanza->name;
	if (field.len)
		debian_source_field(field, name, version);
}

/* "+b1" of a package whose version has it and whose source's has not. */
static struct assay_span binnmu_suffix(const struct debian_stanza *stanza)
{
	struct assay_span version = assay_deb822_field(stanza->text, "Version"), name, source;
	struct assay_span bare = debian_version_without_binnmu(version);

	source_of(stanza, &name, &source);
	if (bare.len == version.len || debian_version_without_binnmu(source).len != source.len)
		return assay_span_cut(version, version.len, 0);
	return assay_span_cut(version, bare.len, version.len);
}

/* What apt would install, by the machine's preferences. */
static enum assay_code candidate(struct resolution *r, const char *name, struct assay_buf *out,
				 struct assay_error *err)
{
	const char *const argv[] = { "apt-cache", "policy", name, NULL };
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	assay_auto(assay_buf_release) struct assay_buf providers = ASSAY_BUF_INIT(1024);
	struct assay_span rest, line;

	if (debian_apt_run(&r->mirror, argv, &text, err))
		return err->code;
	rest = assay_buf_span(&text);
	while (assay_span_next_line(&rest, &line)) {
		line = assay_span_trim(line);
		if (assay_span_starts(line, "Candidate: ") && !assay_span_ends(line, "(none)"))
			assay_buf_add_span(out, assay_span_cut(line, 11, line.len));
	}
	if (out->len)
		return assay_buf_check(out, "candidate", err);
	debian_list_providers(&r->mirror, name, &providers);
	if (providers.len)
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "package %s: a virtual one, which is not built itself; provided by %s",
				  name, assay_buf_text(&providers));
	return assay_fail(err, ASSAY_ENOTFOUND, "package %s: apt offers no version of it; looked in %s",
			  name, debian_mirror_describe(&r->mirror));
}

/* The version a .buildinfo means: that of the package made from its source. */
static const struct debian_stanza *find_by_info(struct resolution *r, const char *name)
{
	const struct debian_stanzas *all = &r->mirror.packages;
	const struct debian_stanza *at = debian_stanzas_find(all, assay_span_text(name));

	for (; at && at < all->list + all->count && assay_span_equal_text(at->name, name); at++) {
		struct assay_span source, version, suffix = binnmu_suffix(at), want;

		source_of(at, &source, &version);
		want = assay_span_text(r->info.version);
		want = assay_span_cut(want, debian_version_without_binnmu(want).len, want.len);
		if (assay_span_equal_text(source, r->info.source) &&
		    assay_span_equal_text(version, r->info.source_version) &&
		    (assay_span_equal(suffix, want) ||
		     assay_span_equal_text(assay_deb822_field(at->text, "Architecture"), "all")))
			return at;
	}
	return NULL;
}

static enum assay_code not_in_info(struct resolution *r, const char *name, struct assay_error *err)
{
	const struct debian_stanza *stanza =
		debian_stanzas_find(&r->mirror.packages, assay_span_text(name));
	struct assay_span source, version;

	if (stanza)
		source_of(stanza, &source, &version);
	if (stanza && !assay_span_equal_text(source, r->info.source))
		return assay_fail(err, ASSAY_EUSAGE, "%s: is about source %s; %s is made from %.*s",
				  r->info.path, r->info.source, name, ASSAY_SPAN_ARGS(source));
	return assay_fail(err, ASSAY_ENOTFOUND,
			  "package %s of source %s %s, as %s has it: not carried; looked in %s", name,
			  r->info.source, r->info.version, r->info.path,
			  debian_mirror_describe(&r->mirror));
}

static enum assay_code check_architecture(struct resolution *r,
					  const struct assay_debian_target *target,
					  struct assay_error *err)
{
	if (!target->architecture[0] || strcmp(target->architecture, "all") == 0 ||
	    strcmp(target->architecture, r->mirror.architecture) == 0)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNSUPPORTED,
			  "architecture %s: this machine builds for %s only", target->architecture,
			  r->mirror.architecture);
}

static enum assay_code find_target(struct resolution *r, const struct assay_debian_target *target,
				   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf version = ASSAY_BUF_INIT(DEBIAN_FIELDS_MAX);
	assay_auto(assay_buf_release) struct assay_buf versions = ASSAY_BUF_INIT(1024);
	const char *architecture =
		target->architecture[0] ? target->architecture : r->mirror.architecture;

	if (check_architecture(r, target, err))
		return err->code;
	if (target->version[0]) {
		assay_buf_add_text(&version, target->version);
	} else if (r->has_info) {
		r->target = find_by_info(r, target->name);
		return r->target ? ASSAY_OK : not_in_info(r, target->name, err);
	} else if (candidate(r, target->name, &version, err)) {
		return err->code;
	}
	r->target = debian_mirror_package(&r->mirror, assay_span_text(target->name),
					  assay_buf_span(&version), architecture);
	if (!r->target) {
		debian_list_versions(&r->mirror.packages, assay_span_text(target->name), &versions);
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "package %s version %s for %s: not carried (%s); looked in %s",
				  target->name, assay_buf_text(&version), architecture,
				  assay_buf_text(&versions), debian_mirror_describe(&r->mirror));
	}
	return ASSAY_OK;
}

static enum assay_code out_of_memory(struct assay_error *err)
{
	return assay_fail(err, ASSAY_ENOMEM, "resolve: out of memory");
}

static enum assay_code name_build(struct resolution *r, struct assay_error *err)
{
	struct assay_debian_build *b = r->build;
	struct assay_span source, version, upstream;

	source_of(r->target, &source, &version);
	r->suffix = binnmu_suffix(r->target);
	b->source = assay_arena_text(&b->arena, source);
	b->source_version = assay_arena_text(&b->arena, version);
	b->architecture = assay_arena_printf(&b->arena, "%s", r->mirror.architecture);
	b->suite = assay_arena_printf(&b->arena, "%s", r->target->index->codename);
	if (!b->source || !b->source_version || !b->architecture || !b->suite)
		return out_of_memory(err);
	if (!debian_name_is_valid(b->source) || !debian_version_is_valid(b->source_version))
		return assay_fail(err, ASSAY_EINPUT, "package %.*s: source \"%s\" \"%s\" is no name "
				  "and version", ASSAY_SPAN_ARGS(r->target->name), b->source,
				  b->source_version);
	upstream = debian_version_upstream(assay_span_text(b->source_version));
	b->is_binnmu = r->suffix.len > 0;
	b->binary_version = assay_arena_printf(&b->arena, "%s%.*s", b->source_version,
					       ASSAY_SPAN_ARGS(r->suffix));
	b->build_path = assay_arena_printf(&b->arena, BUILD_ROOT "/%s-%.*s", b->source,
					   ASSAY_SPAN_ARGS(upstream));
	return b->binary_version && b->build_path ? ASSAY_OK : out_of_memory(err);
}

/* Whether a package came out of the build that made the target. */
static bool is_sibling(const struct resolution *r, const struct debian_stanza *stanza)
{
	struct assay_span source, version;
	struct assay_span architecture = assay_deb822_field(stanza->text, "Architecture");

	source_of(stanza, &source, &version);
	if (!assay_span_equal_text(source, r->build->source) ||
	    !assay_span_equal_text(version, r->build->source_version))
		return false;
	return (assay_span_equal_text(architecture, "all") ||
		assay_span_equal_text(architecture, r->mirror.architecture)) &&
	       assay_span_equal(binnmu_suffix(stanza), r->suffix);
}

static bool has_file(const struct assay_debian_file *list, size_t count,
		     const struct assay_debian_file *file)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, file->name) == 0)
			return true;
	return false;
}

/* With a .buildinfo only what that build made counts; elsewhere the rest was made. */
static bool is_wanted(struct resolution *r, const struct assay_debian_file *file)
{
	struct assay_digest said;
	char hex[ASSAY_DIGEST_TEXT];

	if (!r->has_info)
		return true;
	if (!debian_buildinfo_has(&r->info, file->name, &said))
		return false;
	if (!assay_digest_equal(&said, &file->sha256))
		debian_chain_add(r->build->chain, "buildinfo", file->name, "contradicts",
				 "the archive's file is another one; the .buildinfo has sha256 %s",
				 assay_digest_hex(&said, hex));
	return true;
}

static enum assay_code collect_subjects(struct resolution *r, struct assay_error *err)
{
	struct assay_debian_build *b = r->build;
	const struct debian_stanzas *all = &r->mirror.packages;
	bool any = false, every = false;

	b->subjects = assay_arena_alloc(&b->arena, MAX_FILES * sizeof(*b->subjects));
	if (!b->subjects)
		return out_of_memory(err);
	for (size_t i = 0; i < all->count; i++) {
		struct assay_debian_file *file = &b->subjects[b->subject_count];

		if (!is_sibling(r, &all->list[i]))
			continue;
		if (b->subject_count + 1 == MAX_FILES)
			return assay_fail(err, ASSAY_ELIMIT, "source %s: want at most %d packages",
					  b->source, MAX_FILES);
		if (debian_file_of_stanza(&b->arena, &all->list[i], file, err))
			return err->code;
		if (has_file(b->subjects, b->subject_count, file) || !is_wanted(r, file))
			continue;
		file->url = debian_file_url(&b->arena, all->list[i].index->repository, file->pool);
		if (!file->url)
			return out_of_memory(err);
		r->repositories[b->subject_count++] = all->list[i].index->repository;
		any = any || strcmp(file->architecture, "all") != 0;
		every = every || strcmp(file->architecture, "all") == 0;
	}
	if (r->has_info) {
		any = r->info.has_any;
		every = r->info.has_all;
		b->in_one = true;
	}
	b->kind = any ? (every ? "any,all" : "any") : "all";
	if (!b->subject_count)
		return assay_fail(err, ASSAY_ENOTFOUND, "%s: the archive carries none of its packages",
				  r->has_info ? r->info.path : b->source);
	return ASSAY_OK;
}

static enum assay_code fetch(struct resolution *r, const struct assay_debian_file *files,
			     size_t count, struct assay_error *err)
{
	struct debian_download *list = assay_arena_alloc(&r->mirror.arena, count * sizeof(*list));
	char hex[ASSAY_DIGEST_TEXT];

	if (!list)
		return out_of_memory(err);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct debian_download){ r->repositories[i], &files[i] };
	if (debian_download_all(&r->mirror, list, count, err))
		return err->code != ASSAY_ENOTFOUND
			       ? err->code
			       : assay_context(err, "%s %s: the mirror lists a file of it and does "
						    "not have it", files->package, files->version);
	for (size_t i = 0; i < count; i++)
		debian_chain_add(r->build->chain, "file", files[i].pool, "verified",
				 "sha256 %s, %" PRIu64 " bytes, as the index says",
				 assay_digest_hex(&files[i].sha256, hex), files[i].size);
	return ASSAY_OK;
}

static const struct debian_stanza *find_source(struct resolution *r)
{
	const struct debian_stanzas *all = &r->mirror.sources;
	struct assay_span name = assay_span_text(r->build->source);
	const struct debian_stanza *at = debian_stanzas_find(all, name);

	for (; at && at < all->list + all->count && assay_span_equal(at->name, name); at++)
		if (assay_span_equal_text(assay_deb822_field(at->text, "Version"),
					  r->build->source_version))
			return at;
	return NULL;
}

static bool parse_source_file(struct assay_arena *arena, struct assay_span directory,
			      struct assay_span line, const struct assay_debian_build *build,
			      struct assay_debian_file *ret)
{
	struct assay_span sum, size, name;

	if (!assay_deb822_next_word(&line, &sum) || !assay_deb822_next_word(&line, &size) ||
	    !assay_deb822_next_word(&line, &name) || memchr(name.data, '/', name.len) ||
	    name.data[0] == '.' || name.data[0] == '-' || name.len > 250 || directory.len > 500 ||
	    !assay_path_is_contained(directory) || !assay_digest_parse(sum, &ret->sha256) ||
	    !assay_span_parse_u64(size, &ret->size))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= 0x20 || name.data[i] >= 0x7f || strchr("'\"\\$`;&|<>*?",
									  name.data[i]))
			return false;
	ret->pool = assay_arena_printf(arena, "%.*s/%.*s", ASSAY_SPAN_ARGS(directory),
				       ASSAY_SPAN_ARGS(name));
	ret->name = ret->pool ? assay_path_base(ret->pool) : NULL;
	ret->package = build->source;
	ret->version = build->source_version;
	ret->architecture = "source";
	return ret->name != NULL;
}

static enum assay_code list_sources(struct resolution *r, const struct debian_stanza *stanza,
				    struct assay_error *err)
{
	struct assay_debian_build *b = r->build;
	struct assay_span rest = assay_deb822_field(stanza->text, "Checksums-Sha256"), line;
	struct assay_span directory = assay_deb822_field(stanza->text, "Directory");

	b->sources = assay_arena_alloc(&b->arena, MAX_FILES * sizeof(*b->sources));
	if (!b->sources)
		return out_of_memory(err);
	while (assay_deb822_next_line(&rest, &line)) {
		struct assay_debian_file *file = &b->sources[b->source_count];

		if (b->source_count + 1 == MAX_FILES ||
		    !parse_source_file(&b->arena, directory, line, b, file))
			return assay_fail(err, ASSAY_EINPUT, "source %s: Checksums-Sha256: want "
					  "\"sha256 size name\" lines", b->source);
		r->repositories[b->source_count] = stanza->index->repository;
		if (assay_span_ends(assay_span_text(file->name), ".dsc")) {
			struct assay_debian_file first = b->sources[0];

			b->sources[0] = *file;
			if (b->source_count)
				*file = first;
		}
		b->source_count++;
	}
	if (!b->source_count ||
	    !assay_span_ends(assay_span_text(b->sources[0].name), ".dsc"))
		return assay_fail(err, ASSAY_EINPUT, "source %s: want a .dsc, have none", b->source);
	return ASSAY_OK;
}

/* What the .dsc says about the other files must be what the index says; its signature is a second
 * witness when the keys are at hand. */
static enum assay_code check_dsc(struct resolution *r, const char *path, struct assay_error *err)
{
	struct assay_debian_build *b = r->build;
	assay_auto(assay_buf_release) struct assay_buf file = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	struct debian_witness witness = { .path = path, .step = "dsc", .what = b->sources[0].name,
					  .without = "the archive's own chain covers it" };
	struct debian_buildinfo view = { 0 };
	struct assay_span rest, stanza;
	struct assay_digest said;
	bool is_signed;

	if (assay_file_read(AT_FDCWD, path, &file, err) ||
	    assay_deb822_unwrap(assay_buf_span(&file), &text, &is_signed, err))
		return err->code;
	rest = assay_buf_span(&text);
	if (!assay_deb822_next(&rest, &stanza) || assay_deb822_check(stanza, err))
		return assay_fail(err, ASSAY_EINPUT, "%s: want control data", b->sources[0].name);
	view.sums = assay_deb822_field(stanza, "Checksums-Sha256");
	for (size_t i = 1; i < b->source_count; i++)
		if (!debian_buildinfo_has(&view, b->sources[i].name, &said) ||
		    !assay_digest_equal(&said, &b->sources[i].sha256))
			return assay_fail(err, ASSAY_EUNTRUSTED,
					  "%s: want %s with the digest of the Sources index",
					  b->sources[0].name, b->sources[i].name);
	if (is_signed)
		return debian_witness_ask(&witness, b->chain, NULL, err);
	debian_chain_add(b->chain, witness.step, witness.what, "unsigned", "%s", witness.without);
	return ASSAY_OK;
}

static enum assay_code check_dsc_in_store(struct resolution *r, struct assay_error *err)
{
	assay_auto(assay_freep) char *directory = NULL, *path = NULL;
	struct assay_error ignored = ASSAY_ERROR_INIT;
	enum assay_code code;

	if (assay_store_make_temp(r->mirror.store, &directory, err))
		return err->code;
	path = assay_path_join(directory, "dsc");
	code = path ? assay_store_copy_to(r->mirror.store, &r->build->sources[0].sha256, AT_FDCWD,
					  path, err)
		    : out_of_memory(err);
	if (!code)
		code = check_dsc(r, path, err);
	if (assay_path_remove_tree(AT_FDCWD, directory, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	return code;
}

static enum assay_code collect_sources(struct resolution *r, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf versions = ASSAY_BUF_INIT(1024);
	const struct debian_stanza *stanza = find_source(r);

	if (!stanza) {
		debian_list_versions(&r->mirror.sources, assay_span_text(r->build->source), &versions);
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "source %s version %s: not carried (%s); looked in %s",
				  r->build->source, r->build->source_version,
				  assay_buf_text(&versions), debian_mirror_describe(&r->mirror));
	}
	if (list_sources(r, stanza, err) ||
	    fetch(r, r->build->sources, r->build->source_count, err))
		return err->code;
	return check_dsc_in_store(r, err);
}

/* A .buildinfo decides path, variables and the entry of a binNMU. */
static enum assay_code apply_info(struct resolution *r, struct assay_error *err)
{
	struct assay_debian_build *b = r->build;
	size_t count = 0;
	const char **list;

	if (!r->has_info)
		return ASSAY_OK;
	if (strcmp(r->info.source, b->source) != 0 ||
	    strcmp(r->info.source_version, b->source_version) != 0)
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: is about %s %s; the package wanted is of %s %s", r->info.path,
				  r->info.source, r->info.version, b->source, b->binary_version);
	while (r->info.variables[count])
		count++;
	list = assay_arena_alloc(&b->arena, (count + 1) * sizeof(*list));
	if (!list)
		return out_of_memory(err);
	for (size_t i = 0; i < count; i++) {
		list[i] = assay_arena_printf(&b->arena, "%s", r->info.variables[i]);
		if (!list[i])
			return out_of_memory(err);
	}
	b->variables = list;
	b->usr_was_merged = r->info.usr_is_merged;
	b->installed = assay_arena_text(&b->arena, r->info.dependencies);
	if (!b->installed)
		return out_of_memory(err);
	if (r->info.build_path)
		b->build_path = assay_arena_printf(&b->arena, "%s", r->info.build_path);
	if (r->info.binnmu_entry)
		b->binnmu_entry = assay_arena_printf(&b->arena, "%s", r->info.binnmu_entry);
	return b->build_path ? ASSAY_OK : out_of_memory(err);
}

/* What is wanted of the mirror: a package, perhaps as a .buildinfo has it, or a source. */
struct request {
	const struct assay_debian_target *target; /* NULL: a source */
	const struct assay_debian_claim *claim;   /* or NULL */
	const char *source, *version;
};

static enum assay_code resolve_package(struct resolution *r, const struct request *request,
				       struct assay_error *err)
{
	if (request->claim) {
		if (debian_buildinfo_read(request->claim, &r->info, r->build->chain, err))
			return err->code;
		r->has_info = true;
	}
	if (find_target(r, request->target, err) || name_build(r, err) || apply_info(r, err) ||
	    collect_subjects(r, err) ||
	    fetch(r, r->build->subjects, r->build->subject_count, err))
		return err->code;
	return collect_sources(r, err);
}

static enum assay_code resolve_source(struct resolution *r, const struct request *request,
				      struct assay_error *err)
{
	struct assay_debian_build *b = r->build;

	if (!debian_name_is_valid(request->source) || !debian_version_is_valid(request->version))
		return assay_fail(err, ASSAY_EUSAGE, "want a source package as name=version, have %s=%s",
				  request->source, request->version);
	b->source = assay_arena_printf(&b->arena, "%s", request->source);
	b->source_version = assay_arena_printf(&b->arena, "%s", request->version);
	if (!b->source || !b->source_version)
		return out_of_memory(err);
	return collect_sources(r, err);
}

static enum assay_code resolve(struct resolution *r, const struct request *request,
			       struct assay_error *err)
{
	r->mirror.chain = assay_json_array();
	r->build->chain = json_incref(r->mirror.chain);
	if (debian_mirror_open(r->mirror.store, &r->mirror, err))
		return err->code;
	r->build->basis = r->mirror.basis;
	return request->target ? resolve_package(r, request, err) : resolve_source(r, request, err);
}

static enum assay_code try_resolve(struct assay_store *store, const struct request *request,
				   bool impatient, struct assay_debian_build *ret,
				   struct assay_error *err)
{
	struct assay_debian_build build = { .arena = ASSAY_ARENA_INIT(64 * ASSAY_MIB) };
	struct resolution *r = calloc(1, sizeof(*r));
	const char *name = request->target ? request->target->name : request->source;

	if (!r)
		return out_of_memory(err);
	r->mirror = (struct debian_mirror)DEBIAN_MIRROR_INIT;
	r->mirror.store = store;
	r->mirror.impatient = impatient;
	r->info = (struct debian_buildinfo)DEBIAN_BUILDINFO_INIT;
	r->build = &build;
	*ret = (struct assay_debian_build){ 0 };
	if (resolve(r, request, err)) {
		/* how far it came is part of the report */
		if (build.chain) {
			debian_chain_add(build.chain, "resolve", name, "failed", "%s", err->msg);
			ret->chain = json_incref(build.chain);
		}
		assay_debian_build_release(&build);
		assay_context(err, "%s", name);
	} else {
		*ret = build;
	}
	debian_mirror_release(&r->mirror);
	debian_buildinfo_release(&r->info);
	free(r);
	return err->code;
}

static enum assay_code resolve_twice(struct assay_store *store, const struct request *request,
				     struct assay_debian_build *ret, struct assay_error *err)
{
	if (try_resolve(store, request, false, ret, err) != ASSAY_ENOTFOUND)
		return err->code;
	/* the archive may have moved on since the lists were fetched */
	assay_debian_build_release(ret);
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	return try_resolve(store, request, true, ret, err);
}

enum assay_code assay_debian_resolve(struct assay_store *store,
				     const struct assay_debian_target *target,
				     const struct assay_debian_claim *claim,
				     struct assay_debian_build *ret, struct assay_error *err)
{
	return resolve_twice(store, &(struct request){ .target = target, .claim = claim }, ret, err);
}

enum assay_code assay_debian_resolve_source(struct assay_store *store, const char *name,
					    const char *version, struct assay_debian_build *ret,
					    struct assay_error *err)
{
	return resolve_twice(store, &(struct request){ .source = name, .version = version }, ret, err);
}
