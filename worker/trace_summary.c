/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "assay/cleanup.h"
#include "assay/debian.h"
#include "assay/trace.h"

#define LINE_MAX_BYTES (256 * 1024)

/* Maps are JSON objects: they keep the order in which keys came. */
struct summary {
	const struct assay_packages *packages;
	json_t *result;
	json_t *processes; /* pid -> program, else name */
	json_t *programs;  /* path -> runs */
	json_t *seen;      /* path -> true: already in a list */
	json_t *written;   /* path -> true */
	json_t *by_package; /* name -> [path] */
	json_t *inputs, *others, *network;
	bool ended;
};

/* A name as text: bytes that are no text stand as hex. */
static const char *text_of(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	return json_is_object(value) ? assay_json_text(value, "bytes", "") :
				       assay_json_text(line, key, "");
}

static const char *pid_key(const json_t *line, char out[24])
{
	snprintf(out, 24, "%lld", (long long)assay_json_int(line, "pid", 0));
	return out;
}

static void bump(json_t *counts, const char *key)
{
	assay_json_set_int(counts, key, assay_json_int(counts, key, 0) + 1);
}

static void note_program(struct summary *s, const json_t *line)
{
	const char *path = text_of(line, "path");
	json_t *program = json_object_get(s->programs, path);
	json_t *argv = json_object_get(line, "argv");
	char pid[24];

	if (!program) {
		program = assay_json_object();
		assay_json_set_text(program, "path", path);
		if (assay_packages_find(s->packages, path))
			assay_json_set_text(program, "package",
					    assay_packages_find(s->packages, path));
		assay_json_set(s->programs, path, program);
	}
	bump(program, "runs");
	if (argv && !json_object_get(program, "first"))
		assay_json_set(program, "first", json_incref(argv));
	/* behind the program come its interpreter and its loader */
	if (argv || !json_object_get(s->processes, pid_key(line, pid)))
		assay_json_set_text(s->processes, pid_key(line, pid), path);
}

static bool is_below(const char *path, const char *top)
{
	return strncmp(path, top, strlen(top)) == 0 && path[strlen(top)] == '/';
}

static void note_file(struct summary *s, const json_t *line)
{
	const char *path = text_of(line, "path"), *package;
	json_t *list = s->others;

	if (json_object_get(s->seen, path))
		return;
	assay_json_set_bool(s->seen, path, true);
	package = assay_packages_find(s->packages, path);
	if (package) {
		list = json_object_get(s->by_package, package);
		if (!list) {
			list = assay_json_array();
			assay_json_set(s->by_package, package, list);
		}
	} else if (is_below(path, ASSAY_DEBIAN_INPUTS)) {
		list = s->inputs;
	}
	assay_json_append(list, json_string(path));
}

static void note_written(struct summary *s, const json_t *line)
{
	assay_json_set_bool(s->written, text_of(line, "path"), true);
}

static void note_process(struct summary *s, const json_t *line)
{
	char pid[24];

	assay_json_set_text(s->processes, pid_key(line, pid), text_of(line, "name"));
}

static void note_network(struct summary *s, const json_t *line)
{
	const char *call = assay_json_text(line, "call", ""), *address = assay_json_text(line, "address", "");
	char pid[24], key[1024];
	const char *program = assay_json_text(s->processes, pid_key(line, pid), "?");
	json_t *entry;

	snprintf(key, sizeof(key), "%s %s %s", program, call, address);
	entry = json_object_get(s->network, key);
	if (!entry) {
		entry = assay_json_object();
		assay_json_set_text(entry, "program", program);
		assay_json_set_text(entry, "call", call);
		assay_json_set_text(entry, "address", address);
		assay_json_set(s->network, key, entry);
	}
	bump(entry, "count");
}

static void note_end(struct summary *s, const json_t *line)
{
	s->ended = true;
	assay_json_set_int(s->result, "events", assay_json_int(line, "events", 0));
	assay_json_set_int(s->result, "unwatched", assay_json_int(line, "unwatched", 0));
	assay_json_set_bool(s->result, "lost", assay_json_bool(line, "lost"));
	assay_json_set_bool(s->result, "truncated", assay_json_bool(line, "truncated"));
}

static const struct {
	const char *op;
	void (*note)(struct summary *s, const json_t *line);
} ops[] = {
	{ "open", note_file },	     { "exec", note_program },	 { "process", note_process },
	{ "write", note_written },   { "network", note_network }, { "ask", note_file },
	{ "end", note_end },
};

static enum assay_code note_head(struct summary *s, const json_t *line, const char *what,
				 struct assay_error *err)
{
	if (strcmp(assay_json_text(line, "schema", ""), "assay.trace/1") != 0)
		return assay_fail(err, ASSAY_EINPUT, "%s: want a trace (assay.trace/1), have no such head",
				  what);
	assay_json_set_text(s->result, "files", assay_json_text(line, "files", ""));
	assay_json_set_text(s->result, "started", assay_json_text(line, "started", ""));
	return ASSAY_OK;
}

static enum assay_code read_lines(struct summary *s, struct assay_span lines, const char *what,
				  struct assay_error *err)
{
	struct assay_span line;

	for (size_t number = 1; assay_span_next_line(&lines, &line); number++) {
		assay_auto(assay_json_freep) json_t *object = NULL;
		const char *op;

		if (line.len > LINE_MAX_BYTES)
			return assay_fail(err, ASSAY_EINPUT, "%s:%zu: want at most %d bytes in a line",
					  what, number, LINE_MAX_BYTES);
		if (assay_json_parse(line, "line", &object, err))
			return assay_context(err, "%s:%zu", what, number);
		if (number == 1 && note_head(s, object, what, err))
			return err->code;
		op = assay_json_text(object, "op", "");
		for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
			if (strcmp(op, ops[i].op) == 0)
				ops[i].note(s, object);
	}
	return ASSAY_OK;
}

static json_t *values(const json_t *object)
{
	json_t *list = assay_json_array(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		assay_json_append(list, json_incref(value));
	return list;
}

static json_t *keys(const json_t *object)
{
	json_t *list = assay_json_array(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		assay_json_append(list, json_string(key));
	return list;
}

static json_t *packages_of(const json_t *by_package)
{
	json_t *list = assay_json_array(), *files;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)by_package, name, files) {
		json_t *package = assay_json_object();

		assay_json_set_text(package, "name", name);
		assay_json_set(package, "files", json_incref(files));
		assay_json_append(list, package);
	}
	return list;
}

/* Opened for writing is opened too: that it was written is known when it is closed. */
static json_t *unwritten(const struct summary *s)
{
	json_t *list = assay_json_array(), *path;
	size_t i;

	json_array_foreach(s->others, i, path)
		if (!json_object_get(s->written, json_string_value(path)))
			assay_json_append(list, json_incref(path));
	return list;
}

static void conclude(struct summary *s)
{
	assay_json_set_text(s->result, "schema", "assay.trace-summary/1");
	assay_json_set_bool(s->result, "complete", s->ended);
	assay_json_set(s->result, "programs", values(s->programs));
	assay_json_set(s->result, "packages", packages_of(s->by_package));
	assay_json_set(s->result, "inputs", json_incref(s->inputs));
	assay_json_set(s->result, "others", unwritten(s));
	assay_json_set(s->result, "written", keys(s->written));
	assay_json_set(s->result, "network", values(s->network));
}

enum assay_code assay_trace_summarize(struct assay_span lines, const char *what,
				      const struct assay_packages *packages, json_t **ret,
				      struct assay_error *err)
{
	struct summary s = {
		.packages = packages,
		.result = assay_json_object(),
		.processes = assay_json_object(),
		.programs = assay_json_object(),
		.seen = assay_json_object(),
		.written = assay_json_object(),
		.by_package = assay_json_object(),
		.inputs = assay_json_array(),
		.others = assay_json_array(),
		.network = assay_json_object(),
	};
	json_t *const parts[] = { s.processes, s.programs, s.seen,   s.written,
				  s.by_package, s.inputs,  s.others, s.network };
	enum assay_code code = read_lines(&s, lines, what, err);

	if (!code)
		conclude(&s);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		json_decref(parts[i]);
	if (code)
		json_decref(s.result);
	else
		*ret = s.result;
	return code;
}
