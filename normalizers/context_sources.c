/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where builds leave traces: fields and attributes by name, strings of binaries by what they start
 * with, lines of texts by the words of generators.  One table each.
 */
#include <stdio.h>

#include "assay/limits.h"
#include "assay/time.h"
#include "context.h"
#include "passes.h"
#include "stamp.h"

#define HEAD (64 * ASSAY_KIB) /* of a text, and as much of its end: generators sign there */
#define LONGEST_LINE 400
#define LONGEST_PATH 200
#define SHORTEST_STRING 6

/* ---- fields and attributes -------------------------------------------------------------------- */

static const struct {
	const char *field, *kind;
} fields[] = {
	{ "gzip.mtime", "time" },	  { "gzip.name", "file_name" },
	{ "pyc.mtime", "time" },	  { "pyc.magic", "python_bytecode" },
	{ "png.text.software", "generator" }, { "png.time", "time" },
	{ "zip.creator", "archive_creator" },
};

void assay_inference_attribute(struct assay_inference *in, const struct assay_attribute *a)
{
	const char *word = assay_field_word(a->field);

	if (assay_span_equal_text(a->value, "root"))
		return; /* as every packer writes it */
	if (strcmp(word, "uname") == 0 || strcmp(word, "gname") == 0)
		assay_inference_add(in, word[0] == 'u' ? "user" : "group", a->value, a->field->name,
				    a->offset);
	else if ((strcmp(word, "uid") == 0 || strcmp(word, "gid") == 0) && a->number > 0)
		assay_inference_add(in, word, a->value, a->field->name, a->offset);
}

static void add_time(struct assay_inference *in, int64_t seconds, const char *field,
		     uint64_t offset)
{
	char text[ASSAY_TIME_TEXT];

	if (seconds > 0)
		assay_inference_add(in, "time", assay_span_text(assay_time_format(seconds, text)),
				    field, offset);
}

static void add_field(struct assay_inference *in, const struct assay_node *node, const char *kind,
		      struct assay_span bytes)
{
	struct assay_span value = node->value ? assay_span_text(node->value) : bytes;
	uint64_t seconds;

	if (strcmp(kind, "time") == 0) {
		if (assay_span_parse_u64(value, &seconds))
			add_time(in, (int64_t)seconds, node->field->name, node->offset);
		return;
	}
	if (!node->value) /* "Software\0tool 2.1" and the like */
		for (size_t i = 0; i < value.len; i++)
			if (value.data[i] < ' ')
				return;
	assay_inference_add(in, kind, value, node->field->name, node->offset);
}

/* ---- strings of binaries ---------------------------------------------------------------------- */

/* Strings that start with (or hold) a word. */
static const struct {
	const char *word, *kind;
	bool within;
} strings[] = {
	{ "GCC: (", "compiler", false },
	{ "GNU C", "compiler_command", false },
	{ "GNU Fortran", "compiler_command", false },
	{ "GNU AS ", "assembler", false },
	{ "clang version ", "compiler", true },
	{ "rustc version ", "compiler", false },
	{ "Linker: ", "linker", false },
	{ "Go cmd/compile ", "compiler", false },
	{ "OCaml", "compiler", false },
	{ "Linux version ", "kernel_banner", false },
	{ "vcs.revision=", "commit", true },
	{ "vcs.time=", "commit_time", true },
	{ "-ffile-prefix-map=", "prefix_map", true },
	{ "-fdebug-prefix-map=", "prefix_map", true },
};

/* Directories in which builds run. */
static const struct {
	const char *root, *kind;
} roots[] = {
	{ "/build/", "build_path" },	  { "/builds/", "build_path" },
	{ "/home/", "build_path" },	  { "/root/", "build_path" },
	{ "/usr/src/", "build_path" },	  { "/workspace/", "build_path" },
	{ "/Users/", "build_path" },	  { "/tmp/", "temporary_path" },
	{ "/var/tmp/", "temporary_path" }, { "/rustc/", "rust_sources" },
	{ "/buildd/", "build_path" },	  { "/<<PKGBUILDDIR>>", "build_path" },
};

static bool is_path_byte(uint8_t c)
{
	return c > ' ' && c < 0x7f && !strchr("\"'`<>|;:,()[]{}=", c);
}

/* The file's directory: /build/x/src/a.c says /build/x/src. */
static struct assay_span directory_of(struct assay_span path)
{
	size_t end = path.len;

	while (end > 0 && path.data[end - 1] != '/')
		end--;
	if (end > 1 && memchr(path.data + end, '.', path.len - end))
		return assay_span_cut(path, 0, end - 1);
	return path;
}

static void add_home(struct assay_inference *in, struct assay_span path, const char *field,
		     uint64_t offset)
{
	size_t end = strlen("/home/");

	if (!assay_span_starts(path, "/home/"))
		return;
	while (end < path.len && path.data[end] != '/')
		end++;
	assay_inference_add(in, "user", assay_span_cut(path, strlen("/home/"), end - strlen("/home/")),
			    field, offset);
}

static void find_paths(struct assay_inference *in, struct assay_span s, const char *field,
		       uint64_t base)
{
	for (size_t at = 0; at < s.len; at++) {
		const uint8_t *slash = memchr(s.data + at, '/', s.len - at);
		struct assay_span rest, path;
		size_t end = 0;

		if (!slash)
			return;
		at = (size_t)(slash - s.data);
		rest = assay_span_cut(s, at, LONGEST_PATH);
		if (at > 0 && (is_path_byte(s.data[at - 1])))
			continue;
		for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
			if (!assay_span_starts(rest, roots[i].root))
				continue;
			while (end < rest.len && is_path_byte(rest.data[end]))
				end++;
			path = assay_span_cut(rest, 0, end);
			if (path.len > strlen(roots[i].root))
				assay_inference_add(in, roots[i].kind, directory_of(path), field,
						    base + at);
			add_home(in, path, field, base + at);
			at += end;
			break;
		}
	}
}

static bool has_digit(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] >= '0' && s.data[i] <= '9')
			return true;
	return false;
}

/* A version makes it a signature: without one, these are words of any program's data. */
static void read_string(struct assay_inference *in, struct assay_span s, const char *field,
			uint64_t base)
{
	if (!has_digit(s))
		return;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		size_t at = 0;

		if (strings[i].within)
			at = assay_span_find(s, 0, assay_span_text(strings[i].word));
		else if (!assay_span_starts(s, strings[i].word))
			continue;
		if (at == SIZE_MAX)
			continue;
		assay_inference_add(in, strings[i].kind, assay_span_cut(s, at, s.len), field,
				    base + at);
		if (!strings[i].within)
			return;
	}
}

static void read_strings(struct assay_inference *in, struct assay_span s, const char *field,
			 uint64_t base)
{
	size_t start = 0;

	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && s.data[i] >= ' ' && s.data[i] < 0x7f)
			continue;
		if (i - start >= SHORTEST_STRING)
			read_string(in, assay_span_cut(s, start, i - start), field, base + start);
		start = i + 1;
	}
}

/* ---- lines of texts --------------------------------------------------------------------------- */

static const struct {
	const char *word, *kind;
} lines[] = {
	{ "enerated by ", "generator" },     { "enerated with ", "generator" },
	{ "enerator: ", "generator" },	     { "name=\"generator\"", "generator" },
	{ "name=\"Generator\"", "generator" }, { "roduced by makeinfo", "generator" },
	{ "reated by GNU Texinfo", "generator" }, { "reated using Sphinx", "generator" },
	{ "utomatically added by dh_", "generator" }, { "riggers added by dh_", "generator" },
	{ "Generator: ", "generator" },	     { "Created-By: ", "jdk" },
	{ "Build-Jdk", "jdk" },		     { "Built-By: ", "user" },
	{ "Build-Host: ", "host" },	     { "Built-On: ", "host" },
	{ "LANG=", "locale" },		     { "LC_ALL=", "locale" },
	{ "uname -r", "kernel" },	     { "hostname = ", "host" },
	{ "uname -n = ", "host" },	     { "Packager: ", "user" },
};

/* From the word on, without the marks around it; of "Key: value" the value. */
static struct assay_span said_by(struct assay_span line, size_t at, const char *kind)
{
	struct assay_span rest = assay_span_cut(line, at, LONGEST_LINE);
	size_t skip = 0;

	if (strcmp(kind, "generator") == 0) {
		/* back to the start of the word: "Automatically generated by" */
		while (at > 0 && line.data[at - 1] > ' ' && line.data[at - 1] < 0x7f)
			at--;
		return assay_span_cut(line, at, LONGEST_LINE);
	}
	while (skip < rest.len && rest.data[skip] != ':' && rest.data[skip] != '=')
		skip++;
	return skip < rest.len ? assay_span_cut(rest, skip + 1, rest.len) : rest;
}

static void read_stamp(struct assay_inference *in, struct assay_span line, uint64_t base)
{
	struct assay_stamp stamp;
	char zone[16];

	for (size_t at = 0; at < line.len && at < LONGEST_LINE; at++) {
		if (line.data[at] < '0' || line.data[at] > '9' ||
		    !assay_stamp_find(line, at, 1, &stamp))
			continue;
		if (stamp.has_date && stamp.len >= 8) {
			add_time(in, stamp.seconds, "text", base + stamp.offset);
			if (stamp.zone_minutes) {
				snprintf(zone, sizeof(zone), "%+03d:%02d", stamp.zone_minutes / 60,
					 abs(stamp.zone_minutes) % 60);
				assay_inference_add(in, "timezone", assay_span_text(zone), "text",
						    base + stamp.offset);
			}
		}
		at = stamp.offset + stamp.len;
	}
}

/* Dates stand everywhere; those beside the name of a generator are of the build. */
static void read_line(struct assay_inference *in, struct assay_span line, uint64_t base)
{
	bool signed_by = assay_span_find(line, 0, assay_span_text("updated on")) != SIZE_MAX ||
			 assay_span_find(line, 0, assay_span_text("Creation-Date")) != SIZE_MAX ||
			 assay_span_starts(line, ".TH ");

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t at = assay_span_find(line, 0, assay_span_text(lines[i].word));

		if (at == SIZE_MAX || (strcmp(lines[i].kind, "generator") == 0 &&
				       !has_digit(assay_span_cut(line, at, LONGEST_LINE))))
			continue;
		assay_inference_add(in, lines[i].kind, said_by(line, at, lines[i].kind), "text",
				    base + at);
		signed_by = true;
		break;
	}
	if (signed_by)
		read_stamp(in, line, base);
}

static void read_lines(struct assay_inference *in, struct assay_span part, uint64_t base)
{
	struct assay_span rest = part, line;

	while (assay_span_next_line(&rest, &line))
		read_line(in, line, base + (uint64_t)(line.data - part.data));
}

static void read_text(struct assay_inference *in, struct assay_span text, uint64_t base)
{
	size_t tail = text.len > 2 * HEAD ? text.len - HEAD : text.len;

	read_lines(in, assay_span_cut(text, 0, text.len > 2 * HEAD ? HEAD : text.len), base);
	read_lines(in, assay_span_cut(text, tail, text.len), base + tail);
	if (assay_span_find(text, 0, assay_span_text("\r\n")) != SIZE_MAX)
		assay_inference_add(in, "newline", assay_span_text("CR LF"), "text", base);
}

void assay_inference_leaf(struct assay_inference *in, const struct assay_node *node,
			  struct assay_span bytes, bool is_text)
{
	const char *field = node->field->name;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(field, fields[i].field) == 0)
			add_field(in, node, fields[i].kind, bytes);
	if (is_text)
		read_text(in, bytes, node->offset);
	else if (node->field->kind == ASSAY_CONTENT || node->field->kind == ASSAY_METADATA)
		read_strings(in, bytes, field, node->offset);
	if (node->field->kind == ASSAY_CONTENT || node->field->kind == ASSAY_METADATA)
		find_paths(in, bytes, field, node->offset);
}
