/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recognisers of single tokens, tried in this order: what is known of both builds; drift of
 * compilers, tools and versions; then times, identifiers, paths and the other generic shapes.
 */
#include "cause_match.h"

#include "stamp.h"

#define DAY_S 86400
#define SHORTEST_KNOWN 3 /* a user called "a" would be found everywhere */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool is_word(uint8_t c)
{
	return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static bool is_path(uint8_t c)
{
	return is_word(c) || (c && strchr("/.+~-@%#=", c));
}

static bool is_version(uint8_t c)
{
	return is_word(c) || (c && strchr(".+~-:", c));
}

static bool is_flag(uint8_t c)
{
	return is_path(c) || c == ',' || c == ':';
}

static bool is_clock(uint8_t c)
{
	return is_digit(c) || c == '.';
}

/* A run of bytes of one kind around a position. */
struct run {
	size_t start, end;
};

static struct run run_at(struct assay_span s, size_t at, bool (*in)(uint8_t))
{
	struct run r = { at, at };

	while (r.start > 0 && in(s.data[r.start - 1]))
		r.start--;
	while (r.end < s.len && in(s.data[r.end]))
		r.end++;
	return r;
}

static struct assay_span run_span(struct assay_span s, struct run r)
{
	return assay_span_of(s.data + r.start, r.end - r.start);
}

static bool contains(struct assay_span s, const char *needle)
{
	return assay_span_find(s, 0, assay_span_text(needle)) != SIZE_MAX;
}

static bool both_contain(const struct assay_change *c, const char *needle)
{
	return contains(c->left, needle) && contains(c->right, needle);
}

/* The token of one kind on both sides, when it starts equally far before the mismatch. */
struct pair {
	struct assay_span left, right;
	size_t back;
};

static bool pair_at(const struct assay_change *c, size_t l, size_t r, bool (*in)(uint8_t),
		    struct pair *ret)
{
	struct run a = run_at(c->left, l, in), b = run_at(c->right, r, in);

	if (l - a.start != r - b.start)
		return false;
	ret->left = run_span(c->left, a);
	ret->right = run_span(c->right, b);
	ret->back = l - a.start;
	return ret->left.len > 0 && ret->right.len > 0;
}

static bool take(struct assay_token *ret, const char *cause, enum assay_confidence confidence,
		 const struct pair *p)
{
	ret->cause = cause;
	ret->confidence = confidence;
	ret->back = p->back;
	ret->left = p->left.len - p->back;
	ret->right = p->right.len - p->back;
	return ret->left + ret->right > 0;
}

/* ---- g1: what is known of both builds ---- */

static const struct {
	size_t offset;
	const char *cause;
} known[] = {
	{ offsetof(struct assay_build_context, path), "captures_build_path" },
	{ offsetof(struct assay_build_context, hostname), "captures_hostname" },
	{ offsetof(struct assay_build_context, kernel), "captures_kernel_version" },
	{ offsetof(struct assay_build_context, user), "captures_username" },
	{ offsetof(struct assay_build_context, locale), "different_due_to_locale" },
	{ offsetof(struct assay_build_context, timezone), "timezone_in_timestamps" },
};

static bool starts_at(struct assay_span s, size_t at, const char *text, size_t len)
{
	return at <= s.len && s.len - at >= len && memcmp(s.data + at, text, len) == 0;
}

static bool is_known_value(const struct assay_change *c, size_t l, size_t r,
			   struct assay_token *ret)
{
	if (!c->left_context || !c->right_context)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *a = *(const char *const *)((const char *)c->left_context +
						       known[i].offset);
		const char *b = *(const char *const *)((const char *)c->right_context +
						       known[i].offset);
		size_t a_len = a ? strlen(a) : 0, b_len = b ? strlen(b) : 0;

		if (a_len < SHORTEST_KNOWN || b_len < SHORTEST_KNOWN || strcmp(a, b) == 0)
			continue;
		for (size_t back = 0; back <= l && back <= r && back <= a_len && back <= b_len;
		     back++) {
			if (!starts_at(c->left, l - back, a, a_len) ||
			    !starts_at(c->right, r - back, b, b_len))
				continue;
			*ret = (struct assay_token){ known[i].cause, ASSAY_CERTAIN, back,
						     a_len - back, b_len - back };
			return true;
		}
	}
	return false;
}

/* ---- drift ---- */

static const char *const compiler_words[] = {
	"GCC: (",	 "clang version", "GNU C",	"GNU Fortran", "GNU AS ", "rustc version",
	"Go cmd/compile", "LLD ",	  "GNU GIMPLE", "GNU Ada",     "OCaml version",
};

static bool is_compiler_ident(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct pair p;

	for (size_t i = 0; i < sizeof(compiler_words) / sizeof(compiler_words[0]); i++) {
		if (!contains(c->left, compiler_words[i]) && !contains(c->right, compiler_words[i]))
			continue;
		/* behind the first option of a DW_AT_producer, flags differ and not the compiler */
		if (assay_span_find(assay_span_cut(c->left, 0, l), 0, assay_span_text(" -")) !=
		    SIZE_MAX)
			return false;
		if (pair_at(c, l, r, is_version, &p))
			return take(ret, "compiler_version_differs", ASSAY_LIKELY, &p);
	}
	return false;
}

static bool has_flags(struct assay_span s)
{
	return contains(s, " -O") || contains(s, " -m") || contains(s, " -f") ||
	       contains(s, "CFLAGS") || contains(s, "-prefix-map=") || contains(s, "LDFLAGS");
}

/* Everything from the first option that differs on: options come and go in any number. */
static bool is_flag_list(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct run a = run_at(c->left, l, is_flag), b = run_at(c->right, r, is_flag);
	struct assay_span left = run_span(c->left, a), right = run_span(c->right, b);

	if (!has_flags(c->left) || !has_flags(c->right))
		return false;
	if (!assay_span_starts(left, "-") && !assay_span_starts(right, "-"))
		return false;
	*ret = (struct assay_token){ "records_build_flags", ASSAY_LIKELY, 0, c->left.len - l,
				     c->right.len - r };
	return true;
}

static const char *const generator_words[] = {
	"enerator",   "enerated by", "enerated with", "Created-By", "Creator",	  "Producer",
	"roduced by", "reated by",   "reated with",   "Build-Jdk",  "Tool-Version", "Built with",
	"ocutils",    "ersion of ",  "powered by",    "Pod::Man",   "pod2man",	  "DO NOT MODIFY",
};

/* Digits and at least one dot, after at most two letters ("v1.2", "1.2.3-4+b1"). */
static bool looks_like_version(struct assay_span s)
{
	size_t at = 0, dots = 0;

	while (at < s.len && at < 2 && !is_digit(s.data[at]))
		at++;
	if (at >= s.len || !is_digit(s.data[at]))
		return false;
	for (size_t i = at; i < s.len; i++)
		dots += s.data[i] == '.';
	return dots > 0 && dots <= 6 && s.len <= 64;
}

static bool version_pair(const struct assay_change *c, size_t l, size_t r, struct pair *ret)
{
	return pair_at(c, l, r, is_version, ret) && looks_like_version(ret->left) &&
	       looks_like_version(ret->right);
}

static bool is_generator_version(const struct assay_change *c, size_t l, size_t r,
				 struct assay_token *ret)
{
	struct pair p;

	if (!version_pair(c, l, r, &p))
		return false;
	for (size_t i = 0; i < sizeof(generator_words) / sizeof(generator_words[0]); i++)
		if (both_contain(c, generator_words[i]))
			return take(ret, "tool_version_differs", ASSAY_LIKELY, &p);
	return false;
}

static bool is_commit(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, is_hex, &p) || p.left.len < 7 || p.right.len < 7 ||
	    p.left.len > 64 || p.right.len > 64)
		return false;
	if (both_contain(c, "commit") || both_contain(c, "evision") || both_contain(c, "git") ||
	    both_contain(c, "-g"))
		return take(ret, "source_commit_differs", ASSAY_LIKELY, &p);
	return false;
}

/* ---- g2: times ---- */

/* Words near a stamp that name who wrote it: on the line, or in the head of the file. */
static const struct {
	const char *word, *cause;
	bool in_head;
} writers[] = {
	{ "POT-Creation-Date", "timestamps_in_gettext_mo_files", false },
	{ "PO-Revision-Date", "timestamps_in_gettext_mo_files", false },
	{ "CreationDate", "timestamps_in_pdf", false },
	{ "ModDate", "timestamps_in_pdf", false },
	{ "Bnd-LastModified", "timestamps_in_java_manifest", false },
	{ "Build-Time", "timestamps_in_java_manifest", false },
	{ "Build-Date", "timestamps_in_java_manifest", false },
	{ "Built-On", "timestamps_in_java_manifest", false },
	{ "avadoc", "timestamps_in_documentation_generated_by_javadoc", true },
	{ "dc.created", "timestamps_in_documentation_generated_by_javadoc", false },
	{ "oxygen", "timestamps_in_documentation_generated_by_doxygen", true },
	{ "qmake", "timestamps_in_qmake_makefiles", true },
	{ "help2man", "timestamps_in_manpages_generated_by_help2man", true },
	{ "Pod::Man", "timestamps_in_manpages_generated_by_pod2man", true },
	{ "pod2man", "timestamps_in_manpages_generated_by_pod2man", true },
	{ "ocbook", "timestamps_in_manpages_generated_by_docbook_utils", true },
	{ "DocBook", "timestamps_in_manpages_generated_by_docbook_utils", true },
	{ ".TH ", "timestamps_in_manpages", false },
	{ ".Dd ", "timestamps_in_manpages", false },
	{ "sphinx", "timestamps_in_documentation_generated_by_sphinx", true },
	{ "Sphinx", "timestamps_in_documentation_generated_by_sphinx", true },
	{ "sciidoc", "timestamps_in_documentation_generated_by_asciidoc", true },
	{ "AsciiDoc", "timestamps_in_documentation_generated_by_asciidoc", true },
	{ "pandoc", "timestamps_in_documentation_generated_by_pandoc", true },
	{ "texi2", "timestamps_in_documentation_generated_by_texi2html", true },
	{ "makeinfo", "timestamps_in_documentation_generated_by_texi2html", true },
	{ "Texinfo", "timestamps_in_documentation_generated_by_texi2html", true },
};

static const char *stamp_writer(const struct assay_change *c, const struct assay_stamp *s)
{
	struct assay_span before = assay_span_cut(c->left, 0, s->offset);

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (contains(c->left, writers[i].word) ||
		    (writers[i].in_head && (contains(c->left_head, writers[i].word) &&
					   contains(c->right_head, writers[i].word))))
			return writers[i].cause;
	if (strcmp(s->shape, "year") == 0)
		return "copyright_year_in_documentation";
	if (strcmp(s->shape, "ctime-zone") == 0 && assay_span_equal_text(before, "#"))
		return "timestamps_in_java_properties_files";
	if (strcmp(s->shape, "compact-date") == 0 &&
	    (assay_span_ends(before, "dev") || assay_span_ends(before, "git") ||
	     assay_span_ends(before, "svn") || assay_span_ends(before, "r")))
		return "timestamps_in_python_version";
	if (!c->is_text && (strcmp(s->shape, "cpp-date") == 0 || strcmp(s->shape, "clock") == 0 ||
			    strcmp(s->shape, "month-day-year-clock") == 0))
		return "timestamps_from_cpp_macros";
	return "timestamps_embedded_in_content";
}

bool assay_cause_in_window(const struct assay_build_context *b, int64_t seconds)
{
	if (!b)
		return false;
	if (b->source_date_epoch && seconds / DAY_S == b->source_date_epoch / DAY_S)
		return true;
	return b->started && seconds >= b->started - 2 * DAY_S &&
	       seconds <= (b->finished ? b->finished : b->started) + 2 * DAY_S;
}

/* Bare digits and years are dates only when something speaks for it. */
static enum assay_confidence stamp_confidence(const struct assay_change *c,
					      const struct assay_stamp *a,
					      const struct assay_stamp *b)
{
	static const char *const weak[] = { "year", "epoch", "epoch-milliseconds", "compact-date",
					    "compact-clock", "compact-minutes", "clock" };

	if (a->has_date && assay_cause_in_window(c->left_context, a->seconds) &&
	    assay_cause_in_window(c->right_context, b->seconds))
		return ASSAY_CERTAIN;
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
		if (strcmp(a->shape, weak[i]) == 0)
			return ASSAY_GUESS;
	return ASSAY_LIKELY;
}

static bool is_zone_shift(const struct assay_stamp *a, const struct assay_stamp *b)
{
	int64_t apart = a->seconds > b->seconds ? a->seconds - b->seconds
						: b->seconds - a->seconds;

	if (!a->has_clock || !a->has_date || strncmp(a->shape, "epoch", 5) == 0)
		return false;
	if (apart == 0)
		return a->zone_minutes != b->zone_minutes;
	return apart <= 14 * 3600 && apart % 1800 == 0;
}

static bool is_stamp(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct assay_stamp a, b;

	if (!assay_stamp_find(c->left, l, 1, &a) || !assay_stamp_find(c->right, r, 1, &b) ||
	    a.offset > l || b.offset > r || l - a.offset != r - b.offset)
		return false;
	if (a.shape != b.shape && (a.has_date != b.has_date || a.has_clock != b.has_clock))
		return false;
	if (strcmp(a.shape, "year") == 0 && a.seconds / DAY_S - b.seconds / DAY_S > 366 * 60)
		return false;
	ret->cause = is_zone_shift(&a, &b) ? "timezone_in_timestamps" : stamp_writer(c, &a);
	ret->confidence = stamp_confidence(c, &a, &b);
	ret->back = l - a.offset;
	ret->left = a.len - ret->back;
	ret->right = b.len - ret->back;
	return true;
}

/* ---- g3: identifiers ---- */

static bool is_uuid_at(struct assay_span s)
{
	static const uint8_t dashes[] = { 8, 13, 18, 23 };
	size_t next = 0;

	if (s.len != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = next < sizeof(dashes) && i == dashes[next];

		if (dash ? s.data[i] != '-' : !is_hex(s.data[i]))
			return false;
		next += dash;
	}
	return true;
}

static bool in_uuid(uint8_t c)
{
	return is_hex(c) || c == '-';
}

static bool is_uuid(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, in_uuid, &p) || !is_uuid_at(p.left) || !is_uuid_at(p.right))
		return false;
	return take(ret, "random_uuid",
		    p.left.data[14] == '4' && p.right.data[14] == '4' ? ASSAY_LIKELY : ASSAY_GUESS,
		    &p);
}

static bool in_pointer(uint8_t c)
{
	return is_hex(c) || c == 'x';
}

static bool looks_like_pointer(struct assay_span s)
{
	return s.len >= 10 && s.len <= 18 &&
	       (assay_span_starts(s, "0x7f") || assay_span_starts(s, "0x5"));
}

static bool is_pointer(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, in_pointer, &p) || !looks_like_pointer(p.left) ||
	    !looks_like_pointer(p.right))
		return false;
	return take(ret, "captures_memory_addresses", ASSAY_LIKELY, &p);
}

static bool is_hex_identifier(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct pair p;
	size_t digits = 0, letters = 0;

	if (!pair_at(c, l, r, is_hex, &p) || p.left.len != p.right.len || p.left.len < 8)
		return false;
	for (size_t i = 0; i < p.left.len; i++) {
		digits += is_digit(p.left.data[i]) + is_digit(p.right.data[i]);
		letters += !is_digit(p.left.data[i]) + !is_digit(p.right.data[i]);
	}
	if (digits == 0 || letters == 0)
		return false;
	if (both_contain(c, "_GLOBAL_") || both_contain(c, ".gnu.lto_") ||
	    both_contain(c, ".lto_priv"))
		return take(ret, "lto_random_symbol_suffix", ASSAY_LIKELY, &p);
	return take(ret, "random_hex_identifier", ASSAY_GUESS, &p);
}

/* ---- paths ---- */

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
static bool is_temporary_name(const struct pair *p)
{
	size_t end = component_end(p->left, p->back), differ = 0, mixed = 0;

	if (p->left.len != p->right.len || end - p->back > 16)
		return false;
	if (!contains(p->left, "tmp/") && !contains(p->left, "cc") && !contains(p->left, "tmp"))
		return false;
	for (size_t i = p->back; i < end; i++) {
		if (p->left.data[i] == p->right.data[i])
			continue;
		differ++;
		mixed += is_digit(p->left.data[i]) || (p->left.data[i] >= 'A' && p->left.data[i] <= 'Z');
	}
	return differ >= 4 && mixed > 0;
}

static bool is_home(const struct pair *p)
{
	return assay_span_starts(p->left, "/home/") && assay_span_starts(p->right, "/home/") &&
	       component_start(p->left, p->back) == 6;
}

static bool is_usrmerge(const struct pair *p)
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

static bool is_source_name(struct assay_span s)
{
	static const char *const ends[] = { ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (assay_span_ends(s, ends[i]))
			return true;
	return false;
}

static bool in_search_path(uint8_t c)
{
	return is_path(c) || c == ':';
}

static bool is_path_variable(const struct assay_change *c, size_t l, size_t r,
			     struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, in_search_path, &p) || !contains(p.left, "/bin:") ||
	    !contains(p.right, "/bin:"))
		return false;
	return take(ret, "leaks_path_environment_variable", ASSAY_LIKELY, &p);
}

static bool is_path_token(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;
	struct run a = run_at(c->left, l, is_path), b = run_at(c->right, r, is_path);
	struct assay_span left = run_span(c->left, a), right = run_span(c->right, b);
	size_t slash;

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
	if (!assay_span_starts(p.left, "/") || !assay_span_starts(p.right, "/") ||
	    p.left.len < 2 || p.right.len < 2 || p.left.data[1] == '/' || p.right.data[1] == '/')
		return false;
	if (is_shell(p.left) && is_shell(p.right))
		return take(ret, "captures_shell_variable_in_autofoo_script", ASSAY_LIKELY, &p);
	if (is_usrmerge(&p))
		return take(ret, "paths_vary_due_to_usrmerge", ASSAY_LIKELY, &p);
	if (is_home(&p))
		return take(ret, "captures_home_dir", ASSAY_LIKELY, &p);
	if (is_temporary_name(&p))
		return take(ret, "captures_temporary_path", ASSAY_LIKELY, &p);
	if (!c->is_text && is_source_name(p.left) && is_source_name(p.right))
		return take(ret, "captures_build_path_via_assert",
			    share_an_end(p.left, p.right) ? ASSAY_LIKELY : ASSAY_GUESS, &p);
	return take(ret, "captures_build_path",
		    share_an_end(p.left, p.right) ? ASSAY_LIKELY : ASSAY_GUESS, &p);
}

/* ---- the builder's surroundings ---- */

static bool is_kernel(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!version_pair(c, l, r, &p) || !(both_contain(c, "inux") || both_contain(c, "uname") ||
					    both_contain(c, "ernel")))
		return false;
	return take(ret, "captures_kernel_version", ASSAY_LIKELY, &p);
}

/* Words of which both sides hold one, one table for each cause. */
static const struct {
	const char *cause;
	const char *words[16];
} word_sets[] = {
	{ "captures_build_arch",
	  { "x86_64", "i686", "i586", "i386", "amd64", "aarch64", "arm64", "armv7l", "armv8l",
	    "ppc64le", "s390x", "riscv64", "mips64", "linux-gnu", "armhf", "armv6l" } },
	{ "different_encoding",
	  { "utf-8", "UTF-8", "us-ascii", "US-ASCII", "ASCII", "ascii", "iso-8859-1", "ISO-8859-1",
	    "ANSI_X3.4-1968", "utf8", "latin1", "ISO-8859-15" } },
};

static bool in_set(struct assay_span s, size_t set)
{
	for (size_t i = 0; i < 16 && word_sets[set].words[i]; i++)
		if (assay_span_equal_text(s, word_sets[set].words[i]))
			return true;
	return false;
}

static bool in_charset(uint8_t c)
{
	return is_word(c) || c == '-' || c == '.';
}

static bool is_word_of_set(const struct assay_change *c, size_t l, size_t r,
			   struct assay_token *ret)
{
	struct pair word, name;
	bool has_word = pair_at(c, l, r, is_word, &word);
	bool has_name = pair_at(c, l, r, in_charset, &name);

	for (size_t i = 0; i < sizeof(word_sets) / sizeof(word_sets[0]); i++) {
		if (has_word && in_set(word.left, i) && in_set(word.right, i))
			return take(ret, word_sets[i].cause, ASSAY_LIKELY, &word);
		if (has_name && in_set(name.left, i) && in_set(name.right, i))
			return take(ret, word_sets[i].cause, ASSAY_LIKELY, &name);
	}
	return false;
}

/* C, POSIX, C.UTF-8, de_DE, de_DE.UTF-8, de_DE@euro */
static bool looks_like_locale(struct assay_span s)
{
	if (assay_span_equal_text(s, "C") || assay_span_equal_text(s, "POSIX") ||
	    assay_span_starts(s, "C.UTF") || assay_span_starts(s, "C.utf"))
		return true;
	return s.len >= 5 && s.len <= 20 && s.data[2] == '_' && s.data[0] >= 'a' &&
	       s.data[0] <= 'z' && s.data[1] >= 'a' && s.data[1] <= 'z' && s.data[3] >= 'A' &&
	       s.data[3] <= 'Z' && s.data[4] >= 'A' && s.data[4] <= 'Z';
}

static bool in_locale(uint8_t c)
{
	return in_charset(c) || c == '@';
}

static bool is_locale(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, in_locale, &p) || !looks_like_locale(p.left) ||
	    !looks_like_locale(p.right))
		return false;
	return take(ret, "different_due_to_locale", ASSAY_LIKELY, &p);
}

/* A number after or before certain words. */
static const struct {
	const char *before, *after, *cause;
} numbers[] = {
	{ "-j", NULL, "captures_cpu_count" },
	{ "parallel=", NULL, "captures_cpu_count" },
	{ "jobs=", NULL, "captures_cpu_count" },
	{ "cpus=", NULL, "captures_cpu_count" },
	{ "nproc=", NULL, "captures_cpu_count" },
	{ "threads=", NULL, "captures_cpu_count" },
	{ "pid=", NULL, "captures_process_id" },
	{ "pid ", NULL, "captures_process_id" },
	{ "PID ", NULL, "captures_process_id" },
	{ "pid: ", NULL, "captures_process_id" },
	{ NULL, "s", "captures_execution_time" },
	{ NULL, " s", "captures_execution_time" },
	{ NULL, "ms", "captures_execution_time" },
	{ NULL, " ms", "captures_execution_time" },
	{ NULL, " sec", "captures_execution_time" },
};

static bool number_fits(struct assay_span line, struct assay_span number, size_t row)
{
	size_t start = (size_t)(number.data - line.data), end = start + number.len;
	struct assay_span before = assay_span_cut(line, 0, start);
	struct assay_span after = assay_span_cut(line, end, line.len);

	if (numbers[row].before && !assay_span_ends(before, numbers[row].before))
		return false;
	if (numbers[row].after) {
		size_t len = strlen(numbers[row].after);

		return assay_span_starts(after, numbers[row].after) &&
		       (after.len == len || !is_word(after.data[len]) || len == 4);
	}
	return true;
}

static bool is_number(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct pair p;

	if (!pair_at(c, l, r, is_clock, &p))
		return false;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (number_fits(c->left, p.left, i) && number_fits(c->right, p.right, i))
			return take(ret, numbers[i].cause, ASSAY_LIKELY, &p);
	return false;
}

/* ---- the weak ones ---- */

static bool is_version_number(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct pair p;

	return version_pair(c, l, r, &p) && take(ret, "version_string_differs", ASSAY_GUESS, &p);
}

static bool is_text_byte(uint8_t c)
{
	return c > ' ';
}

/* "ä" against "?", "&#228;" or "a": one side is beyond ASCII where the other is not */
static bool is_other_encoding(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct pair p;
	bool left_high = l < c->left.len && c->left.data[l] >= 0x80;
	bool right_high = r < c->right.len && c->right.data[r] >= 0x80;

	if (!c->is_text || left_high == right_high || !pair_at(c, l, r, is_text_byte, &p))
		return false;
	return take(ret, "different_encoding", ASSAY_GUESS, &p);
}

typedef bool (*recogniser)(const struct assay_change *, size_t, size_t, struct assay_token *);

static const recogniser recognisers[] = {
	is_known_value,
	/* drift first */
	is_compiler_ident, is_flag_list, is_generator_version, is_commit,
	/* then what varies from run to run */
	is_stamp, is_uuid, is_pointer, is_hex_identifier, is_path_variable, is_path_token,
	is_kernel, is_word_of_set, is_locale, is_number,
	/* then what is only probable */
	is_version_number, is_other_encoding,
};

bool assay_cause_token(const struct assay_change *change, size_t l, size_t r,
		       struct assay_token *ret)
{
	for (size_t i = 0; i < sizeof(recognisers) / sizeof(recognisers[0]); i++)
		if (recognisers[i](change, l, r, ret))
			return true;
	return false;
}
