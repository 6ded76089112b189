/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One changed line: by the key it starts with, or token by token; and the rules that look at two
 * whole contents at once (the same lines in another order, other line ends).
 */
#include "cause_match.h"

#include <ctype.h>
#include <stdlib.h>

#include "assay/cleanup.h"
#include "assay/limits.h"

/* ---- lines whose key says what they are ---- */

static const struct {
	/* the end of the file's name; "deb822:NAME": a field of control data whose name ends so */
	const char *file;
	const char *key, *cause;
	enum assay_confidence confidence;
} keys[] = {
	{ "deb822:Installed-Size", "", "size_of_changed_content", ASSAY_LIKELY },
	{ "deb822:Depends", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Recommends", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Suggests", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Enhances", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Breaks", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Conflicts", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Replaces", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Provides", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Built-Using", "", "dependency_version_differs", ASSAY_LIKELY },
	{ "deb822:Version", "", "source_version_differs", ASSAY_CERTAIN },
	{ "deb822:Source", "", "source_version_differs", ASSAY_CERTAIN },
	{ "deb822:Build-Ids", "", "build_id_differences_only", ASSAY_LIKELY },
	{ "deb822:Build-Path", "", "captures_build_path", ASSAY_CERTAIN },
	{ "deb822:Build-Kernel-Version", "", "captures_kernel_version", ASSAY_CERTAIN },
	{ "deb822:Build-Architecture", "", "captures_build_arch", ASSAY_LIKELY },
	{ "deb822:Environment", "", "captures_environment_variables", ASSAY_LIKELY },
	{ ".PKGINFO", "datahash =", "checksum_of_changed_content", ASSAY_LIKELY },
	{ ".PKGINFO", "size =", "size_of_changed_content", ASSAY_LIKELY },
	{ ".PKGINFO", "pkgver =", "source_version_differs", ASSAY_CERTAIN },
	{ ".PKGINFO", "commit =", "source_commit_differs", ASSAY_LIKELY },
	{ ".PKGINFO", "depend =", "dependency_version_differs", ASSAY_LIKELY },
	{ ".BUILDINFO", "builddir =", "captures_build_path", ASSAY_LIKELY },
	{ ".BUILDINFO", "startdir =", "captures_build_path", ASSAY_LIKELY },
	{ ".BUILDINFO", "installed =", "dependency_version_differs", ASSAY_LIKELY },
	{ ".BUILDINFO", "pkgbuild_sha256sum =", "source_version_differs", ASSAY_LIKELY },
	{ "METADATA", "Requires-Dist:", "dependency_version_differs", ASSAY_LIKELY },
	{ "METADATA", "Version:", "source_version_differs", ASSAY_CERTAIN },
	{ "MANIFEST.MF", "Created-By:", "tool_version_differs", ASSAY_LIKELY },
	{ "MANIFEST.MF", "Build-Jdk", "tool_version_differs", ASSAY_LIKELY },
	{ "MANIFEST.MF", "Built-By:", "captures_username", ASSAY_LIKELY },
	{ "package.json", "\"gitHead\":", "npm_metadata_differs", ASSAY_LIKELY },
	{ "package.json", "\"_", "npm_metadata_differs", ASSAY_LIKELY },
	{ ".la", "libdir=", "libtool_captures_shell_build-flags_build-path_path-env",
	  ASSAY_LIKELY },
	{ ".la", "dependency_libs=", "libtool_captures_shell_build-flags_build-path_path-env",
	  ASSAY_LIKELY },
	{ ".pc", "prefix=", "libtool_captures_shell_build-flags_build-path_path-env",
	  ASSAY_LIKELY },
	{ ".pc", "Libs:", "libtool_captures_shell_build-flags_build-path_path-env",
	  ASSAY_GUESS },
};

static bool is_hex_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "<digest>  <name>", of md5sum, sha1sum, sha256sum and sha512sum */
static bool is_sum_line(struct assay_span line, size_t *ret_digits)
{
	size_t digits = 0;

	while (digits < line.len && is_hex_digit(line.data[digits]))
		digits++;
	*ret_digits = digits;
	return (digits == 32 || digits == 40 || digits == 64 || digits == 128) &&
	       digits + 2 < line.len && line.data[digits] == ' ';
}

static bool match_sum(const struct assay_change *c, struct assay_match *ret)
{
	size_t left, right;

	if (!is_sum_line(c->left, &left) || !is_sum_line(c->right, &right) || left != right ||
	    !assay_span_equal(assay_span_cut(c->left, left, c->left.len),
			      assay_span_cut(c->right, right, c->right.len)))
		return false;
	*ret = (struct assay_match){ "checksum_of_changed_content", ASSAY_LIKELY, c->left, c->right,
				     NULL };
	return true;
}

static struct assay_span without_indent(struct assay_span line)
{
	while (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
		line = assay_span_cut(line, 1, line.len);
	return line;
}

static bool key_applies(const struct assay_change *c, const char *file)
{
	static const char field[] = "deb822:";

	if (!file || strncmp(file, field, sizeof(field) - 1) != 0)
		return !file || assay_span_ends(c->file, file);
	return strncmp(c->field, "deb822.", sizeof(field) - 1) == 0 &&
	       assay_span_ends(c->file, file + sizeof(field) - 1);
}

static bool match_key(const struct assay_change *c, struct assay_match *ret)
{
	struct assay_span left = without_indent(c->left), right = without_indent(c->right);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!key_applies(c, keys[i].file))
			continue;
		/* one side may lack the line */
		if (!(c->left.len == 0 || assay_span_starts(left, keys[i].key)) ||
		    !(c->right.len == 0 || assay_span_starts(right, keys[i].key)))
			continue;
		*ret = (struct assay_match){ keys[i].cause, keys[i].confidence, c->left, c->right,
					     NULL };
		return true;
	}
	return false;
}

/* ---- order within a line ---- */

#define MOST_WORDS 4096
#define FEW_LINES 4

static bool is_separator(uint8_t c)
{
	return c <= ' ' || c == ',' || c == ';' || c == '{' || c == '}' || c == '[' || c == ']' ||
	       c == '(' || c == ')' || c == '|';
}

static int compare_spans(const void *left, const void *right)
{
	return assay_span_compare(*(const struct assay_span *)left,
				  *(const struct assay_span *)right);
}

static const char *permuted_cause(const struct assay_change *c)
{
	if (assay_span_ends(c->file, "MANIFEST.MF") || strncmp(c->field, "manifest.", 9) == 0)
		return "random_order_in_java_manifest";
	if (assay_span_ends(c->file, "searchindex.js"))
		return "randomness_in_documentation_generated_by_sphinx";
	return "random_order_of_words";
}

static size_t split_words(struct assay_span line, struct assay_span *words)
{
	size_t count = 0, at = 0;

	while (at < line.len && count < MOST_WORDS) {
		size_t start;

		while (at < line.len && is_separator(line.data[at]))
			at++;
		for (start = at; at < line.len && !is_separator(line.data[at]);)
			at++;
		if (at > start)
			words[count++] = assay_span_of(line.data + start, at - start);
	}
	qsort(words, count, sizeof(*words), compare_spans);
	return count;
}

/* Three words at least: with two, "a b" against "b a", it is as likely a change of meaning. */
static bool match_permuted_words(const struct assay_change *c, struct assay_match *ret)
{
	assay_auto(assay_freep) struct assay_span *left = NULL;
	assay_auto(assay_freep) struct assay_span *right = NULL;
	size_t count;

	if (c->left.len != c->right.len || !c->is_text)
		return false;
	left = calloc(MOST_WORDS, sizeof(*left));
	right = calloc(MOST_WORDS, sizeof(*right));
	if (!left || !right)
		return false;
	count = split_words(c->left, left);
	if (count < 3 || count == MOST_WORDS || split_words(c->right, right) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!assay_span_equal(left[i], right[i]))
			return false;
	*ret = (struct assay_match){ permuted_cause(c), ASSAY_LIKELY, c->left, c->right, NULL };
	return true;
}

/* ---- lines of an environment ---- */

static const char *const variables[] = {
	"PWD=",	    "OLDPWD=",	"HOME=",     "USER=",	  "LOGNAME=",	"HOSTNAME=", "SHELL=",
	"PATH=",    "TERM=",	"LANG=",     "LANGUAGE=", "LC_",	"TZ=",	     "MAIL=",
	"DISPLAY=", "SSH_",	"XDG_",	     "SHLVL=",	  "MAKEFLAGS=", "MFLAGS=",   "MAKELEVEL=",
	"_=",	    "SUDO_",	"DEB_BUILD", "TMPDIR=",	  "CCACHE_",	"LD_PRELOAD=",
};

static bool is_variable(struct assay_span line)
{
	if (assay_span_starts(line, "export "))
		line = assay_span_cut(line, strlen("export "), line.len);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (assay_span_starts(line, variables[i]))
			return true;
	return false;
}

static bool match_variable(const struct assay_change *c, struct assay_match *ret)
{
	if (!c->is_text || c->left.len + c->right.len == 0 ||
	    !(c->left.len == 0 || is_variable(c->left)) ||
	    !(c->right.len == 0 || is_variable(c->right)))
		return false;
	*ret = (struct assay_match){ "captures_environment_variables", ASSAY_GUESS, c->left,
				     c->right, NULL };
	return true;
}

/* ---- token by token ---- */

static void add_token(struct assay_match *match, const struct assay_change *c, size_t l, size_t r,
		      const struct assay_token *token)
{
	if (!match->cause) {
		match->cause = token->cause;
		match->confidence = token->confidence;
		match->left = assay_span_cut(c->left, l - token->back, token->back + token->left);
		match->right =
			assay_span_cut(c->right, r - token->back, token->back + token->right);
		return;
	}
	if (token->confidence < match->confidence)
		match->confidence = token->confidence;
	if (!match->also && strcmp(token->cause, match->cause) != 0)
		match->also = token->cause;
}

static bool match_tokens(const struct assay_change *c, struct assay_match *ret)
{
	struct assay_match match = { .cause = NULL };
	size_t l = 0, r = 0;

	for (;;) {
		struct assay_token token;

		while (l < c->left.len && r < c->right.len && c->left.data[l] == c->right.data[r]) {
			l++;
			r++;
		}
		if (l == c->left.len && r == c->right.len)
			break;
		/* a token that ends where the other goes on: ask about the byte before */
		if ((l == c->left.len || r == c->right.len) && l > 0 && r > 0) {
			l--;
			r--;
			if (!assay_cause_token(c, l, r, &token) || token.left + token.right <= 2)
				return false;
		} else if (l >= c->left.len || r >= c->right.len ||
			   !assay_cause_token(c, l, r, &token)) {
			return false;
		}
		if (token.left > c->left.len - l || token.right > c->right.len - r ||
		    token.left + token.right == 0)
			return false;
		add_token(&match, c, l, r, &token);
		l += token.left;
		r += token.right;
	}
	if (match.cause)
		*ret = match;
	return match.cause != NULL;
}

bool assay_cause_change(const struct assay_change *change, struct assay_match *ret)
{
	return match_key(change, ret) || match_sum(change, ret) || match_tokens(change, ret) ||
	       match_permuted_words(change, ret) || match_variable(change, ret);
}

/* ---- whole contents ---- */

static size_t count_lines(struct assay_span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == '\n';
	return count + (text.len > 0 && text.data[text.len - 1] != '\n');
}

static void split_lines(struct assay_span text, struct assay_span *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!assay_span_next_line(&text, &lines[i]))
			lines[i] = assay_span_of("", 0);
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* As collations of locales do at first: letters and digits only, without case. */
static int compare_folded(const void *left, const void *right)
{
	const struct assay_span *a = left, *b = right;
	size_t i = 0, k = 0;

	for (;;) {
		int x, y;

		while (i < a->len && !is_alphanumeric(a->data[i]))
			i++;
		while (k < b->len && !is_alphanumeric(b->data[k]))
			k++;
		if (i == a->len || k == b->len)
			return (i < a->len) - (k < b->len);
		x = tolower(a->data[i++]);
		y = tolower(b->data[k++]);
		if (x != y)
			return x < y ? -1 : 1;
	}
}

static bool is_sorted(const struct assay_span *lines, size_t count,
		      int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < count; i++)
		if (compare(&lines[i - 1], &lines[i]) > 0)
			return false;
	return true;
}

enum permutation {
	NOT_PERMUTED,
	PERMUTED,
	PERMUTED_BY_COLLATION, /* one side sorted by bytes, the other as a locale does */
};

static enum permutation permutation_of(struct assay_span left, struct assay_span right)
{
	assay_auto(assay_freep) struct assay_span *a = NULL;
	assay_auto(assay_freep) struct assay_span *b = NULL;
	size_t count = count_lines(left);
	bool collated;

	if (count < 2 || count != count_lines(right) || left.len != right.len)
		return NOT_PERMUTED;
	a = calloc(count, sizeof(*a));
	b = calloc(count, sizeof(*b));
	if (!a || !b)
		return NOT_PERMUTED;
	split_lines(left, a, count);
	split_lines(right, b, count);
	collated = (is_sorted(a, count, compare_spans) && is_sorted(b, count, compare_folded)) ||
		   (is_sorted(b, count, compare_spans) && is_sorted(a, count, compare_folded));
	qsort(a, count, sizeof(*a), compare_spans);
	qsort(b, count, sizeof(*b), compare_spans);
	for (size_t i = 0; i < count; i++)
		if (!assay_span_equal(a[i], b[i]))
			return NOT_PERMUTED;
	return collated ? PERMUTED_BY_COLLATION : PERMUTED;
}

static size_t skip_returns(struct assay_span s, size_t at)
{
	while (at + 1 < s.len && s.data[at] == '\r' && s.data[at + 1] == '\n')
		at++;
	return at;
}

static bool differs_in_line_ends(struct assay_span left, struct assay_span right)
{
	size_t l = 0, r = 0;

	for (;;) {
		l = skip_returns(left, l);
		r = skip_returns(right, r);
		if (l == left.len || r == right.len)
			return l == left.len && r == right.len;
		if (left.data[l++] != right.data[r++])
			return false;
	}
}

/* Who writes the lines of a file, by its name and what stands in its head. */
static const struct {
	const char *file, *word, *cause;
} line_writers[] = {
	{ "RECORD", NULL, "random_order_in_md5sums" },
	{ "SUMS", NULL, "random_order_in_md5sums" },
	{ "searchindex.js", NULL, "randomness_in_documentation_generated_by_sphinx" },
	{ "objects.inv", NULL, "randomness_in_documentation_generated_by_sphinx" },
	{ "MANIFEST.MF", NULL, "random_order_in_java_manifest" },
	{ "plugin.xml", NULL, "random_order_in_maven_plugin_xml" },
	{ "components.xml", NULL, "random_order_in_maven_plugin_xml" },
	{ ".html", "avadoc", "random_order_in_documentation_generated_by_javadoc" },
};

static const char *permuted_lines_cause(struct assay_span left, struct assay_span file,
					enum permutation permutation)
{
	size_t digits;

	if (is_sum_line(left, &digits))
		return "random_order_in_md5sums";
	for (size_t i = 0; i < sizeof(line_writers) / sizeof(line_writers[0]); i++)
		if (assay_span_ends(file, line_writers[i].file) &&
		    (!line_writers[i].word ||
		     assay_span_find(assay_span_cut(left, 0, 4096), 0,
				     assay_span_text(line_writers[i].word)) != SIZE_MAX))
			return line_writers[i].cause;
	return permutation == PERMUTED_BY_COLLATION ? "sort_order_differs_by_locale"
						    : "random_order_of_lines";
}

static bool is_signature(struct assay_span left, struct assay_span right, struct assay_span file)
{
	static const char *const names[] = { ".RSA", ".DSA", ".EC", ".p7s", ".p7c", ".sig",
					     ".minisig" };
	static const char *const heads[] = { "-----BEGIN PGP SIGNATURE-----",
					     "-----BEGIN PKCS7-----", "untrusted comment: " };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (assay_span_starts(left, heads[i]) && assay_span_starts(right, heads[i]))
			return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (assay_span_ends(file, names[i]))
			return true;
	return false;
}

static const struct {
	bool (*holds)(struct assay_span left, struct assay_span right);
	const char *cause;
	enum assay_confidence confidence;
} whole_rules[] = {
	{ cause_class_debug, "debug_flags_differ", ASSAY_LIKELY },
	{ cause_changelog_trimmed, "changelog_trimmed_by_debhelper", ASSAY_CERTAIN },
	{ cause_changelog_continued, "source_version_differs", ASSAY_LIKELY },
};

bool assay_cause_whole(const struct assay_evidence *evidence, struct assay_span file,
		       struct assay_match *ret)
{
	struct assay_span left = evidence->left, right = evidence->right;
	enum permutation permutation;

	*ret = (struct assay_match){ .confidence = ASSAY_CERTAIN };
	if (left.len > ASSAY_MAX_DIFF_INPUT || right.len > ASSAY_MAX_DIFF_INPUT)
		return false;
	if (is_signature(left, right, file)) {
		ret->cause = "cryptographic_signature_differs";
		ret->confidence = ASSAY_LIKELY;
		return true;
	}
	if (!evidence->is_text)
		return false;
	if (left.len != right.len && differs_in_line_ends(left, right)) {
		ret->cause = "line_endings_differ";
		return true;
	}
	for (size_t i = 0; i < sizeof(whole_rules) / sizeof(whole_rules[0]); i++)
		if (whole_rules[i].holds(left, right)) {
			ret->cause = whole_rules[i].cause;
			ret->confidence = whole_rules[i].confidence;
			return true;
		}
	permutation = permutation_of(left, right);
	if (permutation == NOT_PERMUTED)
		return false;
	ret->cause = permuted_lines_cause(left, file, permutation);
	/* the order of commands, and of very few lines, may well be meant */
	if (assay_span_starts(left, "#!"))
		ret->confidence = ASSAY_GUESS;
	else if (count_lines(left) < FEW_LINES)
		ret->confidence = ASSAY_LIKELY;
	return true;
}
