/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are paths: whose directory it is, and who wrote it down. */
#include "cause_run.h"

/* The end of the path component that holds the byte at. */
static size_t component_end(struct assay_span s, size_t at)
{
	while (at < s.len && s.data[at] != '/')
		at++;
	return at;
}

static size_t component_start(struct assay_span s, size_t at)
{
	while (at > 0 && s.data[at - 1] != '/')
		at--;
	return at;
}

/* mkstemp: six or more letters and digits of which nearly all differ, in a path of equal length */
static bool is_temporary_name(const struct cause_pair *p)
{
	size_t end = component_end(p->left, p->back), differ = 0, mixed = 0;

	if (p->left.len != p->right.len || end - p->back > 16)
		return false;
	if (!cause_has(p->left, "tmp/") && !cause_has(p->left, "cc") && !cause_has(p->left, "tmp"))
		return false;
	for (size_t i = p->back; i < end; i++) {
		if (p->left.data[i] == p->right.data[i])
			continue;
		differ++;
		mixed += cause_is_digit(p->left.data[i]) || (p->left.data[i] >= 'A' && p->left.data[i] <= 'Z');
	}
	return differ >= 4 && mixed > 0;
}

static bool is_home(const struct cause_pair *p)
{
	return assay_span_starts(p->left, "/home/") && assay_span_starts(p->right, "/home/") &&
	       component_start(p->left, p->back) == 6;
}

static bool is_usrmerge(const struct cause_pair *p)
{
	struct assay_span a = p->left, b = p->right;

	if (assay_span_starts(b, "/usr/")) {
		a = p->right;
		b = p->left;
	}
	a = assay_span_cut(a, 4, a.len);
	return assay_span_starts(p->left.len > p->right.len ? p->left : p->right, "/usr/") &&
	       assay_span_equal(a, b) &&
	       (assay_span_starts(b, "/bin/") || assay_span_starts(b, "/sbin/") ||
		assay_span_starts(b, "/lib"));
}

static bool is_shell(struct assay_span s)
{
	static const char *const shells[] = { "/bin/sh", "/bin/bash", "/bin/dash", "/bin/zsh",
					      "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/dash" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (assay_span_equal_text(s, shells[i]))
			return true;
	return false;
}

/* Two directories of which one tree hangs below: a common end, at a component's border. */
static bool share_an_end(struct assay_span a, struct assay_span b)
{
	size_t same = 0, border = 0;

	while (same < a.len && same < b.len &&
	       a.data[a.len - 1 - same] == b.data[b.len - 1 - same]) {
		same++;
		if (a.data[a.len - same] == '/')
			border = same;
	}
	return border > 1;
}

/* Where programs are installed and the system keeps its state: nobody builds there. */
static bool is_system_path(struct assay_span s)
{
	static const char *const roots[] = { "/usr/", "/bin/", "/sbin/", "/lib", "/etc/", "/dev/",
					     "/proc/", "/sys/", "/run/", "/boot/" };

	if (assay_span_starts(s, "/usr/src/"))
		return false;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (assay_span_starts(s, roots[i]))
			return true;
	return false;
}

static bool is_source_name(struct assay_span s)
{
	static const char *const ends[] = { ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (assay_span_ends(s, ends[i]))
			return true;
	return false;
}

/* Whose path it is, by the end of the file's name, the end of the path, or what stands in it. */
static const struct {
	const char *file, *end, *within, *cause;
} writers[] = {
	{ .end = ".rs", .cause = "rust_captures_build_path" },
	{ .within = "/.cargo/", .cause = "rust_captures_build_path" },
	{ .end = ".go", .cause = "golang_compiler_captures_build_path_in_binary" },
	{ .within = "/pkg/mod/", .cause = "golang_compiler_captures_build_path_in_binary" },
	{ .file = ".cmt", .cause = "ocaml_captures_build_path" },
	{ .file = ".cma", .cause = "ocaml_captures_build_path" },
	{ .file = ".cmo", .cause = "ocaml_captures_build_path" },
	{ .file = ".cmxa", .cause = "ocaml_captures_build_path" },
	{ .end = ".ml", .cause = "ocaml_captures_build_path" },
	{ .file = ".hi", .cause = "ghc_captures_build_path" },
	{ .end = ".hs", .cause = "ghc_captures_build_path" },
	{ .file = ".rdb", .cause = "captured_build_path_in_r_rdb_rds_databases" },
	{ .file = ".rds", .cause = "captured_build_path_in_r_rdb_rds_databases" },
	{ .file = ".la", .cause = "libtool_captures_shell_build-flags_build-path_path-env" },
	{ .file = ".pc", .cause = "libtool_captures_shell_build-flags_build-path_path-env" },
};

static const char *writer_of(const struct assay_change *c, const struct cause_pair *p)
{
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		const char *end = writers[i].end, *within = writers[i].within;

		if (writers[i].file && !assay_span_ends(c->file, writers[i].file))
			continue;
		if (end && !(assay_span_ends(p->left, end) && assay_span_ends(p->right, end)))
			continue;
		if (within && !(cause_has(p->left, within) && cause_has(p->right, within)))
			continue;
		return writers[i].cause;
	}
	if (assay_span_starts(c->left, "#line ") && assay_span_starts(c->right, "#line "))
		return "bison_captures_build_path";
	if (!c->is_text && is_source_name(p->left) && is_source_name(p->right))
		return "captures_build_path_via_assert";
	return "captures_build_path";
}

static size_t climb(struct assay_span *path)
{
	size_t levels = 0;

	while (assay_span_starts(*path, "../")) {
		*path = assay_span_cut(*path, 3, path->len);
		levels++;
	}
	return levels;
}

/* ../../a and ../../../a */
static bool differ_in_depth(struct assay_span left, struct assay_span right)
{
	size_t l = climb(&left), r = climb(&right);

	return l > 0 && r > 0 && l != r && assay_span_equal(left, right);
}

static bool in_search_path(uint8_t c)
{
	return cause_is_path(c) || c == ':';
}

bool cause_path_variable(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, in_search_path, &p) || !cause_has(p.left, "/bin:") ||
	    !cause_has(p.right, "/bin:"))
		return false;
	return cause_take(ret, "leaks_path_environment_variable", ASSAY_LIKELY, &p);
}

bool cause_path(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;
	struct cause_run a = cause_run_at(c->left, l, cause_is_path);
	struct cause_run b = cause_run_at(c->right, r, cause_is_path);
	struct assay_span left = cause_run_span(c->left, a), right = cause_run_span(c->right, b);
	size_t slash, systems;
	bool shared;

	if (l - a.start != r - b.start)
		return false;
	/* a path may follow an option or a key: -I/build/x, prefix=/build/x */
	for (slash = l - a.start; slash > 0 && left.data[slash - 1] != '='; slash--)
		if (slash >= 2 && left.data[slash] == '/' && left.data[slash - 1] != '/' &&
		    (left.data[0] == '-' && slash == 2))
			break;
	p.left = assay_span_cut(left, slash, left.len);
	p.right = assay_span_cut(right, slash, right.len);
	p.back = l - a.start - slash;
	if (differ_in_depth(p.left, p.right))
		return cause_take(ret, "relative_path_depth_differs", ASSAY_LIKELY, &p);
	if (!assay_span_starts(p.left, "/") || !assay_span_starts(p.right, "/") ||
	    p.left.len < 2 || p.right.len < 2 || p.left.data[1] == '/' || p.right.data[1] == '/')
		return false;
	if (is_shell(p.left) && is_shell(p.right))
		return cause_take(ret, "captures_shell_variable_in_autofoo_script", ASSAY_LIKELY, &p);
	if (is_usrmerge(&p))
		return cause_take(ret, "paths_vary_due_to_usrmerge", ASSAY_LIKELY, &p);
	if (is_home(&p))
		return cause_take(ret, "captures_home_dir", ASSAY_LIKELY, &p);
	if (is_temporary_name(&p))
		return cause_take(ret, "captures_temporary_path", ASSAY_LIKELY, &p);
	systems = (size_t)is_system_path(p.left) + (size_t)is_system_path(p.right);
	shared = share_an_end(p.left, p.right);
	/* another place in the system is another meaning */
	if (systems == 2 || (systems == 1 && !shared))
		return false;
	return cause_take(ret, writer_of(c, &p), shared ? ASSAY_LIKELY : ASSAY_GUESS, &p);
}
