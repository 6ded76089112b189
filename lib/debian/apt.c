/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private apt state.  The machine's own configuration is read with apt-config and never
 * written; what decides how files are fetched (Acquire: proxies, timeouts, mirrors' passwords) and
 * which version is the candidate (preferences) is taken over, hooks and whatever lowers trust are
 * not.
 *
 *	<store>/apt/<key>/apt.conf, sources.list.d/, state/, cache/, empty, updated
 *
 * The key is the digest of configuration and sources, so that a machine whose mirror changed begins
 * afresh.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/signature.h"
#include "assay/time.h"
#include "mirror.h"

#define MAX_AGE_S 3600
#define IMPATIENT_AGE_S 300 /* when something was not found in the lists as they are */
#define UPDATE_TIMEOUT_S 900
#define LISTS_MIB 200 /* the lists of a release of Debian, and what apt needs beside them */

/* What the machine says, by apt-config. */
struct machine {
	struct assay_arena arena;
	char *list, *parts, *preferences, *preferences_parts, *netrc, *netrc_parts, *architecture;
	struct assay_buf acquire; /* its Acquire lines */
	struct debian_sources sources;
};

static void machine_release(struct machine *machine)
{
	assay_arena_release(&machine->arena);
	assay_buf_release(&machine->acquire);
	assay_arena_release(&machine->sources.arena);
}

/* apt's first complaint tells more than its last.  A file that the mirror's index lists and its
 * server has not is lost; anything else is trouble that may pass. */
static void first_complaint(const struct assay_buf *text, char *out, size_t size)
{
	struct assay_span rest = assay_buf_span(text), line, best = { NULL, 0 };

	while (assay_span_next_line(&rest, &line))
		if (assay_span_starts(line, "E: ") || assay_span_starts(line, "Err:")) {
			best = line;
			break;
		} else if (line.len && !assay_span_starts(best, "W: ")) {
			best = line;
		}
	assay_span_show(best, out, size);
}

enum assay_code debian_apt_run(const struct debian_mirror *mirror, const char *const *argv,
			       struct assay_buf *out, struct assay_error *err)
{
	struct assay_buf complaints = ASSAY_BUF_INIT(ASSAY_MIB);
	char config[4200], shown[400];
	const char *const env[] = { config, "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
				    NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	int status;

	if ((size_t)snprintf(config, sizeof(config), "APT_CONFIG=%s", mirror->config) >=
	    sizeof(config))
		return assay_fail(err, ASSAY_ELIMIT, "store path: too long for apt");
	process.argv = argv;
	process.env = env;
	process.out = out;
	process.error_out = &complaints;
	process.timeout_s = UPDATE_TIMEOUT_S;
	if (!assay_process_run(&process, &status, err) && status != 0) {
		first_complaint(&complaints, shown, sizeof(shown));
		assay_fail(err, strstr(shown, "404  Not Found") ? ASSAY_ENOTFOUND : ASSAY_EIO,
			   "%s %s: %s", argv[0], argv[1],
			   *shown ? shown : "failed without a word");
	}
	assay_buf_release(&complaints);
	return err->code;
}

/* The value in "NAME='value'"; apt-config quotes a single quote as '\'' which no path here has. */
static char *shell_value(struct machine *machine, struct assay_span line)
{
	const uint8_t *start = line.len ? memchr(line.data, '\'', line.len) : NULL;

	if (!start || line.data[line.len - 1] != '\'' || start == line.data + line.len - 1)
		return NULL;
	return assay_arena_text(&machine->arena,
				assay_span_of(start + 1, (size_t)(line.data + line.len - start) - 2));
}

static enum assay_code read_paths(struct machine *machine, struct assay_error *err)
{
	static const char *const argv[] = { "apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
					    "PARTS", "Dir::Etc::sourceparts/d", "PREF",
					    "Dir::Etc::preferences/f", "PREFPARTS",
					    "Dir::Etc::preferencesparts/d", "NETRC",
					    "Dir::Etc::netrc/f", "NETRCPARTS",
					    "Dir::Etc::netrcparts/d", "ARCH", "APT::Architecture",
					    NULL };
	const struct {
		const char *name;
		char **slot;
	} values[] = {
		{ "LIST=", &machine->list }, { "PARTS=", &machine->parts },
		{ "PREF=", &machine->preferences }, { "PREFPARTS=", &machine->preferences_parts },
		{ "NETRC=", &machine->netrc }, { "NETRCPARTS=", &machine->netrc_parts },
		{ "ARCH=", &machine->architecture },
	};
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_span rest, line;
	enum assay_code code;

	process.argv = argv;
	process.out = &out;
	code = assay_process_must(&process, err);
	rest = assay_buf_span(&out);
	while (!code && assay_span_next_line(&rest, &line))
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			if (assay_span_starts(line, values[i].name))
				*values[i].slot = shell_value(machine, line);
	assay_buf_release(&out);
	for (size_t i = 0; !code && i < sizeof(values) / sizeof(values[0]); i++)
		if (!*values[i].slot)
			code = assay_fail(err, ASSAY_EIO, "apt-config: want a value for %s",
					  values[i].name);
	if (!code && !debian_architecture_is_valid(machine->architecture))
		code = assay_fail(err, ASSAY_EIO, "apt-config: architecture: have \"%s\"",
				  machine->architecture);
	return code;
}

/* Trust is ours to decide, and which indices are fetched and how they are kept. */
static bool is_taken_over(struct assay_span line)
{
	static const char *const not[] = { "Acquire::Allow",	 "Acquire::IndexTargets",
					   "Acquire::Languages", "Acquire::GzipIndexes",
					   "Acquire::cdrom" };

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (assay_span_starts(line, not[i]))
			return false;
	return assay_span_starts(line, "Acquire::");
}

static enum assay_code read_acquire(struct machine *machine, struct assay_error *err)
{
	static const char *const argv[] = { "apt-config", "dump", NULL };
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_span rest, line;
	enum assay_code code;

	process.argv = argv;
	process.out = &out;
	code = assay_process_must(&process, err);
	rest = assay_buf_span(&out);
	while (!code && assay_span_next_line(&rest, &line))
		if (is_taken_over(line)) {
			assay_buf_add_span(&machine->acquire, line);
			assay_buf_add_text(&machine->acquire, "\n");
		}
	assay_buf_release(&out);
	return code ? code : assay_buf_check(&machine->acquire, "apt configuration", err);
}

static enum assay_code read_machine(struct machine *machine, struct assay_error *err)
{
	if (read_paths(machine, err) || read_acquire(machine, err))
		return assay_context(err, "the machine's apt");
	if (debian_sources_read(&machine->sources, machine->list, machine->parts, err))
		return assay_context(err, "the machine's package sources");
	if (!machine->sources.count)
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "the machine's package sources: %s and %s name none",
				  machine->list, machine->parts);
	return ASSAY_OK;
}

static void write_config(const struct machine *machine, const char *root, struct assay_buf *out)
{
	assay_buf_add_span(out, assay_buf_span(&machine->acquire));
	assay_buf_printf(out,
			 "Dir \"/\";\n"
			 "Dir::Etc \"%s/\";\n"
			 "Dir::Etc::main \"none\";\nDir::Etc::parts \"none.d\";\n"
			 "Dir::Etc::sourcelist \"none\";\nDir::Etc::sourceparts \"sources.list.d\";\n"
			 "Dir::Etc::trusted \"none\";\nDir::Etc::trustedparts \"none.d\";\n"
			 "Dir::Etc::preferences \"%s\";\nDir::Etc::preferencesparts \"%s\";\n"
			 "Dir::Etc::netrc \"%s\";\nDir::Etc::netrcparts \"%s\";\n"
			 "Dir::State \"%s/state/\";\nDir::State::status \"%s/empty\";\n"
			 "Dir::Cache \"%s/cache/\";\nDir::Log \"%s/log/\";\n",
			 root, machine->preferences, machine->preferences_parts, machine->netrc,
			 machine->netrc_parts, root, root, root, root);
	assay_buf_printf(out,
			 "APT::Architecture \"%s\";\nAPT::Architectures:: \"%s\";\n"
			 "APT::Sandbox::User \"root\";\nAPT::Install-Recommends \"false\";\n"
			 "APT::Get::List-Cleanup \"true\";\nAPT::Update::Error-Mode \"any\";\n"
			 "Acquire::Languages \"none\";\nAcquire::GzipIndexes \"false\";\n",
			 machine->architecture, machine->architecture);
}

static int is_preferences(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_type != DT_DIR;
}

/* Appends a preferences file, or those of a directory by name; none is as good as an empty one. */
static enum assay_code add_preferences(const char *path, struct assay_buf *out,
				       struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_preferences, alphasort);
	enum assay_code code = ASSAY_OK;

	for (int i = 0; i < count; i++) {
		assay_auto(assay_freep) char *inner = assay_path_join(path, entries[i]->d_name);

		if (!code)
			code = inner ? add_preferences(inner, out, err)
				     : assay_fail(err, ASSAY_ENOMEM, "apt preferences: out of memory");
		free(entries[i]);
	}
	free(entries);
	if (count >= 0 || access(path, F_OK))
		return code;
	if (assay_file_read(AT_FDCWD, path, &text, err))
		return assay_context(err, "apt preferences");
	assay_buf_printf(out, "%s\n", path);
	assay_buf_add_span(out, assay_buf_span(&text));
	return ASSAY_OK;
}

/* What decides the candidates, beside the indices. */
static enum assay_code note_policy(struct debian_mirror *mirror, const struct machine *machine,
				   struct assay_error *err)
{
	write_config(machine, "", &mirror->policy);
	if (add_preferences(machine->preferences, &mirror->policy, err) ||
	    add_preferences(machine->preferences_parts, &mirror->policy, err))
		return err->code;
	return assay_buf_check(&mirror->policy, "apt configuration", err);
}

/* The state's place, named by what decides its content. */
static enum assay_code choose_root(struct debian_mirror *mirror, const struct machine *machine,
				   struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(4 * ASSAY_MIB);
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	enum assay_code code;

	write_config(machine, "", &text);
	debian_sources_write(&machine->sources, &text);
	code = assay_buf_check(&text, "apt configuration", err);
	assay_digest_span(assay_buf_span(&text), &digest);
	assay_buf_release(&text);
	if (code)
		return code;
	assay_digest_hex(&digest, hex);
	mirror->root = assay_arena_printf(&mirror->arena, "%s/apt/%.16s",
					  assay_store_root(mirror->store), hex);
	mirror->config = assay_arena_printf(&mirror->arena, "%s/apt.conf",
					    mirror->root ? mirror->root : "");
	snprintf(mirror->architecture, sizeof(mirror->architecture), "%s", machine->architecture);
	if (!mirror->root || !mirror->config)
		return assay_fail(err, ASSAY_ENOMEM, "apt state: out of memory");
	/* the path becomes part of apt's configuration, where these mean something */
	if (strpbrk(mirror->root, "\"\n;{}"))
		return assay_fail(err, ASSAY_EUSAGE,
				  "store %s: want a path without quotes, braces and semicolons",
				  assay_store_root(mirror->store));
	return ASSAY_OK;
}

static enum assay_code write_state(struct debian_mirror *mirror, const struct machine *machine,
				   struct assay_error *err)
{
	static const char *const directories[] = { "sources.list.d", "none.d",
						   "state/lists/partial",
						   "cache/archives/partial", "log" };
	struct assay_buf text = ASSAY_BUF_INIT(4 * ASSAY_MIB);
	char path[4200];
	enum assay_code code = ASSAY_OK;

	for (size_t i = 0; !code && i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", mirror->root, directories[i]);
		code = assay_path_make_dirs(path, 0755, err);
	}
	write_config(machine, mirror->root, &text);
	if (!code)
		code = assay_buf_check(&text, "apt configuration", err);
	if (!code)
		code = assay_file_write(AT_FDCWD, mirror->config, assay_buf_span(&text), 0644, err);
	assay_buf_release(&text);
	snprintf(path, sizeof(path), "%s/empty", mirror->root);
	if (!code)
		code = assay_file_write(AT_FDCWD, path, assay_span_of("", 0), 0644, err);
	return code ? assay_context(err, "apt state") : ASSAY_OK;
}

/* Fetches one InRelease and asks whether the distribution has signed it. */
static enum assay_code probe(struct debian_mirror *mirror, const char *uri, const char *suite,
			     bool *ret_ours, struct assay_error *err)
{
	static const char *const keyrings[] = { DEBIAN_KEYRING, NULL };
	char url[1200], path[4200];
	const char *const argv[] = { "/usr/lib/apt/apt-helper", "download-file", "-o",
				     "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o",
				     "Acquire::https::Timeout=10", url, path, NULL };
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_signature_result result = { 0 };
	enum assay_code code;

	snprintf(url, sizeof(url), "%s%sdists/%s/InRelease", uri,
		 assay_span_ends(assay_span_text(uri), "/") ? "" : "/", suite);
	snprintf(path, sizeof(path), "%s/probe", mirror->root);
	code = debian_apt_run(mirror, argv, NULL, err);
	if (!code)
		code = assay_openpgp_open_inline(path, keyrings, &text, &result, err);
	*ret_ours = !code && result.status == ASSAY_SIGNATURE_VALID;
	assay_buf_release(&text);
	unlink(path);
	return code;
}

/* A source that names no keyring of the distribution is used when the distribution signed it. */
static enum assay_code probe_source(struct debian_mirror *mirror, struct debian_source *source,
				    struct assay_error *err)
{
	struct assay_span uris = assay_span_text(source->uris);
	struct assay_span suites = assay_span_text(source->suites);
	assay_auto(assay_freep) char *uri = NULL, *suite = NULL;
	struct assay_span first_uri, first_suite;
	bool ours = false;

	if (!assay_deb822_next_word(&uris, &first_uri) ||
	    !assay_deb822_next_word(&suites, &first_suite)) {
		source->skipped = true;
		return ASSAY_OK;
	}
	uri = assay_span_dup(first_uri);
	suite = assay_span_dup(first_suite);
	if (!uri || !suite)
		return assay_fail(err, ASSAY_ENOMEM, "package sources: out of memory");
	if (probe(mirror, uri, suite, &ours, err)) {
		if (source->signed_by == DEBIAN_SIGNED_BY_NOTHING && err->code == ASSAY_EIO)
			return assay_context(err, "package source %s %s", uri, suite);
		if (err->code == ASSAY_EINTERRUPTED)
			return err->code;
		*err = (struct assay_error)ASSAY_ERROR_INIT;
	}
	source->skipped = !ours;
	if (!ours)
		assay_log(ASSAY_LOG_NOTE, "package source %s %s: not signed by Debian, not used", uri,
			  suite);
	return ASSAY_OK;
}

static enum assay_code choose_sources(struct debian_mirror *mirror, struct machine *machine,
				      struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	char path[4200];
	enum assay_code code;

	for (size_t i = 0; i < machine->sources.count; i++)
		if (machine->sources.list[i].signed_by != DEBIAN_SIGNED_BY_DISTRIBUTION &&
		    probe_source(mirror, &machine->sources.list[i], err))
			return err->code;
	debian_sources_write(&machine->sources, &text);
	code = assay_buf_check(&text, "package sources", err);
	if (!code && !text.len)
		code = assay_fail(err, ASSAY_ENOTFOUND,
				  "the machine's package sources: want one signed with a key of %s, "
				  "have none",
				  DEBIAN_KEYRING);
	snprintf(path, sizeof(path), "%s/sources.list.d/debian.sources", mirror->root);
	if (!code)
		code = assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
	assay_buf_release(&text);
	return code;
}

/* Seconds since the last complete update; -1 when there was none. */
static int64_t state_age(const struct debian_mirror *mirror)
{
	char path[4200];
	struct stat st;
	int64_t age;

	snprintf(path, sizeof(path), "%s/updated", mirror->root);
	if (stat(path, &st))
		return -1;
	age = assay_time_now() - st.st_mtime;
	return age < 0 ? MAX_AGE_S : age;
}

/* apt's own methods wait for ever, or nearly, when the disk is full. */
static enum assay_code check_room(const struct debian_mirror *mirror, struct assay_error *err)
{
	struct statvfs fs;
	uint64_t mib;

	if (statvfs(mirror->root, &fs))
		return assay_fail_errno(err, "%s", mirror->root);
	mib = (uint64_t)fs.f_bavail * fs.f_frsize / ASSAY_MIB;
	if (mib < LISTS_MIB)
		return assay_fail(err, ASSAY_EIO, "%s: no space left: want %d MiB, have %llu", mirror->root, LISTS_MIB,
				  (unsigned long long)mib);
	return ASSAY_OK;
}

static enum assay_code update(struct debian_mirror *mirror, struct machine *machine,
			      struct assay_error *err)
{
	static const char *const argv[] = { "apt-get", "update", "-q", NULL };
	char path[4200];

	if (write_state(mirror, machine, err) || choose_sources(mirror, machine, err) ||
	    check_room(mirror, err) || debian_apt_run(mirror, argv, NULL, err))
		return assay_context(err, "package lists");
	snprintf(path, sizeof(path), "%s/updated", mirror->root);
	return assay_file_write(AT_FDCWD, path, assay_span_of("", 0), 0644, err);
}

static enum assay_code refresh(struct debian_mirror *mirror, struct machine *machine,
			       struct assay_error *err)
{
	int64_t age;

	if (access(DEBIAN_KEYRING, R_OK))
		return assay_fail(err, ASSAY_ENOTFOUND,
				  "%s: want the package debian-archive-keyring installed",
				  DEBIAN_KEYRING);
	if (read_machine(machine, err) || note_policy(mirror, machine, err) ||
	    choose_root(mirror, machine, err))
		return err->code;
	age = state_age(mirror);
	if (age >= 0 && age < (mirror->impatient ? IMPATIENT_AGE_S : MAX_AGE_S)) {
		debian_chain_add(mirror->chain, "package lists", mirror->root, "reused",
				 "fetched %lld s ago", (long long)age);
		return ASSAY_OK;
	}
	assay_progress_start("fetch", "package lists");
	if (!update(mirror, machine, err)) {
		assay_progress_end("done");
		debian_chain_add(mirror->chain, "package lists", mirror->root, "fetched", "by apt");
		return ASSAY_OK;
	}
	assay_progress_end("failed");
	if (age < 0 || err->code == ASSAY_EINTERRUPTED)
		return err->code;
	assay_log(ASSAY_LOG_WARNING, "%s; using the lists of %lld s ago", err->msg, (long long)age);
	debian_chain_add(mirror->chain, "package lists", mirror->root, "stale",
			 "fetched %lld s ago; refreshing failed: %s", (long long)age, err->msg);
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	return ASSAY_OK;
}

enum assay_code debian_apt_refresh(struct debian_mirror *mirror, struct assay_error *err)
{
	assay_auto(machine_release) struct machine machine = {
		.arena = ASSAY_ARENA_INIT(ASSAY_MIB),
		.acquire = ASSAY_BUF_INIT(ASSAY_MIB),
		.sources.arena = ASSAY_ARENA_INIT(4 * ASSAY_MIB),
	};

	return refresh(mirror, &machine, err);
}
