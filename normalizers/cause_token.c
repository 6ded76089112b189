/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recognisers of single tokens, tried in this order: what is known of both builds; drift of
 * compilers, tools and versions; then times, identifiers, paths and the other generic shapes.
 */
#include "cause_run.h"

#include <ctype.h>
#include <strings.h>

#define SHORTEST_KNOWN 3 /* a user called "a" would be found everywhere */

static bool is_flag(uint8_t c)
{
	return cause_is_path(c) || c == ',' || c == ':';
}

static bool is_clock(uint8_t c)
{
	return cause_is_digit(c) || c == '.';
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

static const char *known_value(const struct assay_build_context *build, size_t row)
{
	return build ? *(const char *const *)((const char *)build + known[row].offset) : NULL;
}

static bool is_known_value(const struct assay_change *c, size_t l, size_t r,
			   struct assay_token *ret)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *a = known_value(c->left_context, i);
		const char *b = known_value(c->right_context, i);
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

static bool in_name(uint8_t c)
{
	return cause_is_word(c) || c == '-' || c == '.';
}

/* How far before at the value starts in the line, and what kind of run stands for it on the other
 * side; 0 bytes when it does not stand there.  Names of hosts and users are words of any text: they
 * count beside an "@" only. */
static size_t other_of_known(struct assay_span line, size_t at, const char *value,
			     struct assay_span other, size_t other_at, size_t *ret_back)
{
	size_t len = strlen(value);
	bool (*in)(uint8_t) = value[0] == '/' ? cause_is_path : in_name;

	for (size_t back = 0; back <= at && back <= other_at && back <= len; back++) {
		struct assay_span before = assay_span_cut(line, 0, at - back);
		struct assay_span behind = assay_span_cut(line, at - back + len, line.len);
		struct cause_run run;

		if (!starts_at(line, at - back, value, len))
			continue;
		if (in == in_name && !assay_span_ends(before, "@") && !assay_span_starts(behind, "@"))
			continue;
		run = cause_run_at(other, other_at - back, in);
		if (run.start > other_at - back || run.end <= other_at - back)
			continue;
		if (in == cause_is_path && !assay_span_starts(cause_run_span(other, run), "/"))
			continue;
		*ret_back = back;
		return run.end - (other_at - back);
	}
	return 0;
}

/* Of one build only: its value stands on its side, a value of the same kind on the other.  A path goes
 * on behind the directory of the build: what is equal there is left to the walk. */
static bool is_half_known(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *a = known_value(c->left_context, i);
		const char *b = known_value(c->right_context, i);
		const char *value = a ? a : b;
		size_t back = 0, other, own;

		if (!value || (a && b) || strlen(value) < SHORTEST_KNOWN)
			continue;
		other = a ? other_of_known(c->left, l, value, c->right, r, &back)
			  : other_of_known(c->right, r, value, c->left, l, &back);
		if (!other)
			continue;
		own = strlen(value);
		if (value[0] == '/') {
			struct cause_run run = cause_run_at(a ? c->left : c->right,
							    (a ? l : r) - back, cause_is_path);

			own = run.end - ((a ? l : r) - back);
		}
		*ret = (struct assay_token){ known[i].cause, ASSAY_LIKELY, back,
					     (a ? own : other) - back, (a ? other : own) - back };
		return true;
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
	struct cause_pair p;

	for (size_t i = 0; i < sizeof(compiler_words) / sizeof(compiler_words[0]); i++) {
		if (!cause_has(c->left, compiler_words[i]) && !cause_has(c->right, compiler_words[i]))
			continue;
		/* behind the first option of a DW_AT_producer, flags differ and not the compiler */
		if (assay_span_find(assay_span_cut(c->left, 0, l), 0, assay_span_text(" -")) !=
		    SIZE_MAX)
			return false;
		if (cause_pair_at(c, l, r, cause_is_version, &p))
			return cause_take(ret, "compiler_version_differs", ASSAY_LIKELY, &p);
	}
	return false;
}

static bool has_flags(struct assay_span s)
{
	return cause_has(s, " -O") || cause_has(s, " -m") || cause_has(s, " -f") ||
	       cause_has(s, "CFLAGS") || cause_has(s, "-prefix-map=") || cause_has(s, "LDFLAGS");
}

/* Everything from the first option that differs on: options come and go in any number. */
static bool is_flag_list(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_run a = cause_run_at(c->left, l, is_flag), b = cause_run_at(c->right, r, is_flag);
	struct assay_span left = cause_run_span(c->left, a), right = cause_run_span(c->right, b);

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
	"dded by dh_", "cmake_policy", "CMake ",      "perl v",	    "\"perl ",	  "Stylesheets",
	"phinx</a>",  "oxygen</a>",
};

/* Digits and at least one dot, after at most two letters ("v1.2", "1.2.3-4+b1"). */
static bool looks_like_version(struct assay_span s)
{
	size_t at = 0, dots = 0;

	while (at < s.len && at < 2 && !cause_is_digit(s.data[at]))
		at++;
	if (at >= s.len || !cause_is_digit(s.data[at]))
		return false;
	for (size_t i = at; i < s.len; i++)
		dots += s.data[i] == '.';
	return dots > 0 && dots <= 6 && s.len <= 64;
}

/* "Debian-2.4.7-4": a name before a version, the same on both sides, is no part of it. */
static void cut_name(struct cause_pair *p)
{
	size_t name = 0;

	while (name < p->left.len && isalpha(p->left.data[name]))
		name++;
	if (name == 0 || name >= p->back || p->left.data[name] != '-')
		return;
	name++;
	p->left = assay_span_cut(p->left, name, SIZE_MAX);
	p->right = assay_span_cut(p->right, name, SIZE_MAX);
	p->back -= name;
}

static bool version_pair(const struct assay_change *c, size_t l, size_t r, struct cause_pair *ret)
{
	if (!cause_pair_at(c, l, r, cause_is_version, ret))
		return false;
	cut_name(ret);
	return looks_like_version(ret->left) && looks_like_version(ret->right);
}

static bool is_generator_version(const struct assay_change *c, size_t l, size_t r,
				 struct assay_token *ret)
{
	struct cause_pair p;

	if (!version_pair(c, l, r, &p))
		return false;
	for (size_t i = 0; i < sizeof(generator_words) / sizeof(generator_words[0]); i++)
		if (cause_both_have(c, generator_words[i]))
			return cause_take(ret, "tool_version_differs", ASSAY_LIKELY, &p);
	return false;
}

static bool is_commit(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, cause_is_hex, &p) || p.left.len < 7 || p.right.len < 7 ||
	    p.left.len > 64 || p.right.len > 64)
		return false;
	if (cause_both_have(c, "commit") || cause_both_have(c, "evision") || cause_both_have(c, "git") ||
	    cause_both_have(c, "-g"))
		return cause_take(ret, "source_commit_differs", ASSAY_LIKELY, &p);
	return false;
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

		if (dash ? s.data[i] != '-' : !cause_is_hex(s.data[i]))
			return false;
		next += dash;
	}
	return true;
}

static bool in_uuid(uint8_t c)
{
	return cause_is_hex(c) || c == '-';
}

static bool is_uuid(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, in_uuid, &p) || !is_uuid_at(p.left) || !is_uuid_at(p.right))
		return false;
	if (cause_both_have(c, "xmpMM:") || cause_both_have(c, "xapMM:"))
		return cause_take(ret, "random_id_in_pdf", ASSAY_LIKELY, &p);
	return cause_take(ret, "random_uuid",
		    p.left.data[14] == '4' && p.right.data[14] == '4' ? ASSAY_LIKELY : ASSAY_GUESS,
		    &p);
}

static bool in_pointer(uint8_t c)
{
	return cause_is_hex(c) || c == 'x';
}

static bool looks_like_pointer(struct assay_span s)
{
	return s.len >= 10 && s.len <= 18 &&
	       (assay_span_starts(s, "0x7f") || assay_span_starts(s, "0x5"));
}

static bool is_pointer(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, in_pointer, &p) || !looks_like_pointer(p.left) ||
	    !looks_like_pointer(p.right))
		return false;
	return cause_take(ret, "captures_memory_addresses", ASSAY_LIKELY, &p);
}

static bool is_hex_identifier(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct cause_pair p;
	size_t digits = 0, letters = 0;

	if (!cause_pair_at(c, l, r, cause_is_hex, &p) || p.left.len != p.right.len || p.left.len < 8)
		return false;
	for (size_t i = 0; i < p.left.len; i++) {
		digits += cause_is_digit(p.left.data[i]) + cause_is_digit(p.right.data[i]);
		letters += !cause_is_digit(p.left.data[i]) + !cause_is_digit(p.right.data[i]);
	}
	if (digits == 0 || letters == 0)
		return false;
	if (cause_both_have(c, "_GLOBAL_") || cause_both_have(c, ".gnu.lto_") ||
	    cause_both_have(c, ".lto_priv"))
		return cause_take(ret, "lto_random_symbol_suffix", ASSAY_LIKELY, &p);
	if (cause_both_have(c, "/ID") && p.left.len == 32)
		return cause_take(ret, "random_id_in_pdf", ASSAY_LIKELY, &p);
	return cause_take(ret, "random_hex_identifier", ASSAY_GUESS, &p);
}

static bool is_capital(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

/* /ABCDEF+Name */
static bool is_font_tag(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, is_capital, &p) || p.left.len != 6 || p.right.len != 6 ||
	    !assay_span_starts(assay_span_cut(c->left, l - p.back + 6, c->left.len), "+") ||
	    !assay_span_starts(assay_span_cut(c->right, r - p.back + 6, c->right.len), "+") ||
	    !assay_span_ends(assay_span_cut(c->left, 0, l - p.back), "/"))
		return false;
	return cause_take(ret, "random_font_subset_tag_in_pdf", ASSAY_LIKELY, &p);
}

/* ---- the builder's surroundings ---- */

/* "Host: x", "built by x", "LANG=x": the word before a value says what it is. */
static const struct {
	const char *word, *cause;
} labels[] = {
	{ "hostname", "captures_hostname" },
	{ "host", "captures_hostname" },
	{ "nodename", "captures_hostname" },
	{ "build machine", "captures_hostname" },
	{ "username", "captures_username" },
	{ "user", "captures_username" },
	{ "logname", "captures_username" },
	{ "builder", "captures_username" },
	{ "built by", "captures_username" },
	{ "built-by", "captures_username" },
	{ "compiled by", "captures_username" },
	{ "uname -r", "captures_kernel_version" },
	{ "kernel", "captures_kernel_version" },
	{ "uname -m", "captures_build_arch" },
	{ "machine", "captures_build_arch" },
	{ "lang", "different_due_to_locale" },
	{ "language", "different_due_to_locale" },
	{ "lc_all", "different_due_to_locale" },
	{ "locale", "different_due_to_locale" },
	{ "charset", "different_encoding" },
	{ "encoding", "different_encoding" },
	{ "tz", "timezone_in_timestamps" },
	{ "timezone", "timezone_in_timestamps" },
	{ "time zone", "timezone_in_timestamps" },
	{ "nproc", "captures_cpu_count" },
	{ "ncpu", "captures_cpu_count" },
	{ "cpus", "captures_cpu_count" },
	{ "processors", "captures_cpu_count" },
	{ "numberofjobs", "captures_cpu_count" },
	{ "umask", "different_due_to_umask" },
	{ "pid", "captures_process_id" },
	{ "process id", "captures_process_id" },
	{ "build id", "random_hex_identifier" },
};

static bool ends_with_word(struct assay_span s, const char *word)
{
	size_t len = strlen(word);

	if (s.len < len || strncasecmp((const char *)s.data + s.len - len, word, len) != 0)
		return false;
	return s.len == len || !cause_is_word(s.data[s.len - len - 1]);
}

static struct assay_span without_separators(struct assay_span s)
{
	while (s.len > 0 && s.data[s.len - 1] && strchr(" \t:=\"'([<>", s.data[s.len - 1]))
		s.len--;
	return s;
}

static bool in_label_value(uint8_t c)
{
	return in_name(c) || c == '@' || c == '+';
}

static bool is_labelled_value(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct cause_pair p;
	struct assay_span before, label;

	if (!cause_pair_at(c, l, r, in_label_value, &p) || p.left.len > 64 || p.right.len > 64)
		return false;
	before = assay_span_cut(c->left, 0, l - p.back);
	label = without_separators(before);
	if (label.len == before.len)
		return false;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (ends_with_word(label, labels[i].word))
			return cause_take(ret, labels[i].cause, ASSAY_LIKELY, &p);
	return false;
}

static bool is_kernel(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!version_pair(c, l, r, &p) || !(cause_both_have(c, "inux") || cause_both_have(c, "uname") ||
					    cause_both_have(c, "ernel")))
		return false;
	return cause_take(ret, "captures_kernel_version", ASSAY_LIKELY, &p);
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
	return cause_is_word(c) || c == '-' || c == '.';
}

static bool is_word_of_set(const struct assay_change *c, size_t l, size_t r,
			   struct assay_token *ret)
{
	struct cause_pair word, name;
	bool has_word = cause_pair_at(c, l, r, cause_is_word, &word);
	bool has_name = cause_pair_at(c, l, r, in_charset, &name);

	for (size_t i = 0; i < sizeof(word_sets) / sizeof(word_sets[0]); i++) {
		if (has_word && in_set(word.left, i) && in_set(word.right, i))
			return cause_take(ret, word_sets[i].cause, ASSAY_LIKELY, &word);
		if (has_name && in_set(name.left, i) && in_set(name.right, i))
			return cause_take(ret, word_sets[i].cause, ASSAY_LIKELY, &name);
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
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, in_locale, &p) || !looks_like_locale(p.left) ||
	    !looks_like_locale(p.right))
		return false;
	return cause_take(ret, "different_due_to_locale", ASSAY_LIKELY, &p);
}

/* A number after or before certain words. */
static const struct {
	const char *before, *after, *cause;
} numbers[] = {
	{ "-j", NULL, "captures_cpu_count" },
	{ "parallel=", NULL, "captures_cpu_count" },
	{ "jobs=", NULL, "captures_cpu_count" },
	{ "threads=", NULL, "captures_cpu_count" },
	{ ".lto_priv", NULL, "lto_partition_differs" },
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
		       (after.len == len || !cause_is_word(after.data[len]) || len == 4);
	}
	return true;
}

static bool is_number(const struct assay_change *c, size_t l, size_t r, struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_pair_at(c, l, r, is_clock, &p))
		return false;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (number_fits(c->left, p.left, i) && number_fits(c->right, p.right, i))
			return cause_take(ret, numbers[i].cause, ASSAY_LIKELY, &p);
	return false;
}

/* ---- the weak ones ---- */

static bool in_coordinate(uint8_t c)
{
	return cause_is_digit(c) || c == '.' || c == '-';
}

static bool is_drawn_number(const struct assay_change *c, size_t l, size_t r,
			    struct assay_token *ret)
{
	struct cause_pair p;

	if (!cause_near(c, "raphviz") || !cause_pair_at(c, l, r, in_coordinate, &p))
		return false;
	return cause_take(ret, "random_layout_by_graphviz", ASSAY_GUESS, &p);
}

static bool is_version_number(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct cause_pair p;

	return version_pair(c, l, r, &p) && cause_take(ret, "version_string_differs", ASSAY_GUESS, &p);
}

static bool is_text_byte(uint8_t c)
{
	return c > ' ';
}

/* "ä" against "?", "&#228;" or "a": one side is beyond ASCII where the other is not */
static bool is_other_encoding(const struct assay_change *c, size_t l, size_t r,
			      struct assay_token *ret)
{
	struct cause_pair p;
	bool left_high = l < c->left.len && c->left.data[l] >= 0x80;
	bool right_high = r < c->right.len && c->right.data[r] >= 0x80;

	if (!c->is_text || left_high == right_high || !cause_pair_at(c, l, r, is_text_byte, &p))
		return false;
	return cause_take(ret, "different_encoding", ASSAY_GUESS, &p);
}

typedef bool (*recogniser)(const struct assay_change *, size_t, size_t, struct assay_token *);

static const recogniser recognisers[] = {
	is_known_value, is_half_known,
	/* drift first */
	is_compiler_ident, is_flag_list, is_generator_version, is_commit,
	/* then what varies from run to run */
	cause_stamp, is_uuid, is_pointer, is_font_tag, is_hex_identifier, cause_path_variable, cause_path,
	is_kernel, is_word_of_set, is_locale, is_number,
	is_labelled_value,
	/* then what is only probable */
	is_drawn_number, is_version_number, is_other_encoding,
};

bool assay_cause_token(const struct assay_change *change, size_t l, size_t r,
		       struct assay_token *ret)
{
	for (size_t i = 0; i < sizeof(recognisers) / sizeof(recognisers[0]); i++)
		if (recognisers[i](change, l, r, ret))
			return true;
	return false;
}
