/* SPDX-License-Identifier: Apache-2.0 */
/* assay show trace FILE|RUN: what a build read, ran, wrote and asked of the network. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/codec.h"
#include "assay/compare.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/store.h"
#include "assay/trace.h"
#include "cli.h"

#define SHOWN 20 /* rows of each list, unless all are wanted */

int assay_cli_show_trace(int argc, char **argv);

struct arguments {
	const char *environment, *attempt, *store;
	bool verbose, json;
};

/* What the jail works on. */
struct work {
	const char *what;
	int fd, spill;
	const char *lists; /* of packages; NULL: unknown */
};

/* ---- in the jail ------------------------------------------------------------------------------- */

static enum assay_code decode(const struct work *work, struct assay_span file,
			      struct assay_decoded *ret, struct assay_error *err)
{
	struct assay_codec_space space = { .spill_fd = work->spill, .max = ASSAY_MAX_TRACE + ASSAY_MIB };
	struct assay_sink sink;
	uint64_t consumed;

	assay_sink_open(&sink, &space, file.len, 0);
	if (assay_codec_decode(ASSAY_CODEC_ZSTD, &file, 1, &sink, &consumed, err)) {
		assay_sink_abandon(&sink);
		return assay_context(err, "%s", work->what);
	}
	return assay_sink_close(&sink, ret, err);
}

static enum assay_code summarize(void *data, struct assay_buf *answer, struct assay_error *err)
{
	static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	const struct work *work = data;
	struct assay_packages *packages = NULL;
	struct assay_decoded decoded;
	json_t *summary = NULL;
	struct assay_span lines;
	struct assay_map map;

	if (assay_map_fd(work->fd, &map, err) ||
	    (work->lists && assay_packages_read(work->lists, &packages, err)))
		return err->code;
	lines = map.bytes;
	if (lines.len >= sizeof(zstd_magic) &&
	    memcmp(lines.data, zstd_magic, sizeof(zstd_magic)) == 0) {
		if (decode(work, map.bytes, &decoded, err))
			return err->code;
		lines = decoded.bytes;
	}
	if (assay_trace_summarize(lines, work->what, packages, &summary, err))
		return err->code;
	assay_json_dump(summary, answer);
	return assay_buf_check(answer, "summary", err);
}

/* ---- text -------------------------------------------------------------------------------------- */

static const char *shown(const char *text, char out[400])
{
	return assay_span_show(assay_span_text(text), out, 400);
}

static size_t rows(const struct arguments *a, const json_t *list)
{
	size_t count = json_array_size(list);

	return a->verbose || count < SHOWN ? count : SHOWN;
}

static void print_more(const struct arguments *a, const json_t *list, struct assay_buf *out)
{
	if (rows(a, list) < json_array_size(list))
		assay_buf_printf(out, "  and %zu more; --verbose shows them\n",
				 json_array_size(list) - rows(a, list));
}

static void print_programs(const struct arguments *a, const json_t *summary, struct assay_buf *out)
{
	const json_t *list = json_object_get(summary, "programs");
	char text[400], owner[400];

	assay_buf_printf(out, "\nran (%zu files)\n", json_array_size(list));
	for (size_t i = 0; i < rows(a, list); i++) {
		const json_t *program = json_array_get(list, i);

		assay_buf_printf(out, "  %6lld  %s", (long long)assay_json_int(program, "runs", 0),
				 shown(assay_json_text(program, "path", ""), text));
		if (json_object_get(program, "package"))
			assay_buf_printf(out, "  (%s)",
					 shown(assay_json_text(program, "package", ""), owner));
		assay_buf_add_text(out, "\n");
	}
	print_more(a, list, out);
}

static void print_paths(const struct arguments *a, const json_t *list, const char *head,
			struct assay_buf *out)
{
	char text[400];

	if (!json_array_size(list))
		return;
	assay_buf_printf(out, "\n%s (%zu files)\n", head, json_array_size(list));
	for (size_t i = 0; i < rows(a, list); i++)
		assay_buf_printf(out, "  %s\n", shown(json_string_value(json_array_get(list, i)), text));
	print_more(a, list, out);
}

static void print_packages(const struct arguments *a, const json_t *summary, struct assay_buf *out)
{
	const json_t *list = json_object_get(summary, "packages");
	char text[400];

	if (!json_array_size(list))
		return;
	assay_buf_printf(out, "\nread, of the environment's packages (%zu)\n", json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *package = json_array_get(list, i);
		const json_t *files = json_object_get(package, "files");

		assay_buf_printf(out, "  %6zu  %s\n", json_array_size(files),
				 shown(assay_json_text(package, "name", ""), text));
		for (size_t k = 0; a->verbose && k < json_array_size(files); k++)
			assay_buf_printf(out, "          %s\n",
					 shown(json_string_value(json_array_get(files, k)), text));
	}
}

static void print_network(const struct arguments *a, const json_t *summary, struct assay_buf *out)
{
	const json_t *list = json_object_get(summary, "network");
	char program[400], address[400];

	if (!json_array_size(list)) {
		assay_buf_add_text(out, "\nnetwork: no call\n");
		return;
	}
	assay_buf_add_text(out, "\nnetwork (no call got out; unix sockets are the box's own)\n");
	for (size_t i = 0; i < rows(a, list); i++) {
		const json_t *call = json_array_get(list, i);

		assay_buf_printf(out, "  %6lld  %s %s %s\n",
				 (long long)assay_json_int(call, "count", 0),
				 shown(assay_json_text(call, "program", ""), program),
				 assay_json_text(call, "call", ""),
				 shown(assay_json_text(call, "address", ""), address));
	}
	print_more(a, list, out);
}

static void print(const struct arguments *a, const char *what, const json_t *summary,
		  struct assay_buf *out)
{
	assay_buf_printf(out, "%s: %lld events; files %s\n", what,
			 (long long)assay_json_int(summary, "events", 0),
			 strcmp(assay_json_text(summary, "files", ""), "fanotify") == 0 ?
				 "as the kernel opened them" :
				 "as processes asked for them (a hostile build can falsify this)");
	if (!assay_json_bool(summary, "complete"))
		assay_buf_add_text(out, "INCOMPLETE: the trace has no end\n");
	if (assay_json_bool(summary, "lost"))
		assay_buf_add_text(out, "INCOMPLETE: the kernel dropped events\n");
	if (assay_json_bool(summary, "truncated"))
		assay_buf_add_text(out, "INCOMPLETE: cut at the limit\n");
	if (assay_json_int(summary, "unwatched", 0))
		assay_buf_add_text(out, "INCOMPLETE: some mounts were not watched\n");
	print_programs(a, summary, out);
	print_packages(a, summary, out);
	print_paths(a, json_object_get(summary, "inputs"), "read, of the inputs", out);
	print_paths(a, json_object_get(summary, "others"), "read, of no package and no input", out);
	print_paths(a, json_object_get(summary, "written"), "written", out);
	print_network(a, summary, out);
}

/* ---- where the trace is ------------------------------------------------------------------------ */

/* Of a run: the trace of an attempt, and the environment it ran in. */
static enum assay_code look_into_run(const struct arguments *a, const char *run, char **ret_file,
				     char **ret_root, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_freep) char *path = assay_path_join(run, "report.json");
	assay_auto(assay_json_freep) json_t *report = NULL;
	size_t number = a->attempt ? strtoul(a->attempt, NULL, 10) : 1;
	const char *name, *lock;

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (assay_file_read(AT_FDCWD, path, &text, err) ||
	    assay_json_parse(assay_buf_span(&text), path, &report, err))
		return err->code;
	name = assay_json_text(
		json_object_get(json_array_get(json_object_get(report, "attempts"), number - 1), "trace"),
		"path", NULL);
	if (!name || strchr(name, '/'))
		return assay_fail(err, ASSAY_EUSAGE,
				  "%s: attempt %zu has no trace; `assay verify --trace` makes one", run,
				  number);
	lock = assay_json_text(json_object_get(report, "environment"), "lock", NULL);
	if (lock && !strchr(lock, '/') && asprintf(ret_root, "environments/%s/root", lock) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	*ret_file = assay_path_join(run, name);
	return *ret_file ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

/* The package lists of an environment: that of the command line, else the run's in the store. */
static enum assay_code find_lists(const struct arguments *a, const char *root, char **ret,
				  struct assay_error *err)
{
	struct assay_store *store = NULL;

	if (a->environment) {
		*ret = assay_path_join(a->environment, "var/lib/dpkg/info");
	} else if (root) {
		assay_auto(assay_freep) char *full = NULL;

		if (assay_store_open(a->store, &store, err))
			return err->code;
		full = assay_path_join(assay_store_root(store), root);
		*ret = full ? assay_path_join(full, "var/lib/dpkg/info") : NULL;
		assay_store_free(store);
	} else {
		return ASSAY_OK;
	}
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum assay_code show(const struct arguments *a, const char *target, struct assay_buf *out,
			    struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	assay_auto(assay_freep) char *file = NULL;
	assay_auto(assay_freep) char *root = NULL;
	assay_auto(assay_freep) char *lists = NULL;
	assay_auto(assay_fd_closep) int fd = -1;
	assay_auto(assay_fd_closep) int spill = -1;
	assay_auto(assay_json_freep) json_t *summary = NULL;
	const char *readable[2] = { NULL, NULL };
	struct assay_jail jail = { .answer_max = ASSAY_MAX_REPORT, .readable = readable };
	struct work work;

	if (is_directory(target) && look_into_run(a, target, &file, &root, err))
		return err->code;
	if (find_lists(a, root, &lists, err) ||
	    assay_file_open(AT_FDCWD, file ? file : target, &fd, err) || assay_spill_open(&spill, err))
		return err->code;
	work = (struct work){ file ? file : target, fd, spill, lists };
	jail.what = work.what;
	readable[0] = lists;
	if (assay_jail_run(&jail, summarize, &work, &answer, err))
		return err->code;
	if (a->json) {
		assay_buf_add_span(out, assay_buf_span(&answer));
	} else {
		if (assay_json_parse(assay_buf_span(&answer), "summary", &summary, err))
			return err->code;
		print(a, work.what, summary, out);
	}
	return assay_buf_check(out, "summary", err);
}

int assay_cli_show_trace(int argc, char **argv)
{
	struct arguments a = { .verbose = false };
	const struct cli_option options[] = {
		{ "attempt", CLI_TEXT, &a.attempt },
		{ "environment", CLI_TEXT, &a.environment },
		{ "json", CLI_FLAG, &a.json },
		{ "store", CLI_TEXT, &a.store },
		{ "verbose", CLI_FLAG, &a.verbose },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("show trace", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	if (show(&a, args[0], &out, &err)) {
		/* the user's own file */
		err.code = err.code == ASSAY_ENOTFOUND ? ASSAY_EUSAGE : err.code;
		return cli_fail(&err);
	}
	if (assay_fd_write(STDOUT_FILENO, out.data, out.len, &err))
		return cli_fail(&err);
	return 0;
}
