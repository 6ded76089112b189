/* SPDX-License-Identifier: Apache-2.0 */
/* What a single value of a recipe may look like; everything else is refused with what was wanted. */
#include "values.h"

#include "assay/limits.h"
#include "assay/path.h"
#include "assay/signature.h"

#define MAX_DURATION_S (30ULL * 24 * 3600)
#define MAX_SIZE (64ULL * 1024 * ASSAY_GIB)
#define MAX_COUNT 4000000ULL

static const char lower_hex[] = "0123456789abcdef";
static const char digits[] = "0123456789";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_letter_or_digit(uint8_t c)
{
	return c && (strchr(letters, c) || strchr(digits, c));
}

static bool is_made_of(struct assay_span s, const char *more)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter_or_digit(s.data[i]) && !strchr(more, s.data[i]))
			return false;
	return s.len > 0;
}

static enum assay_code keep(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	*(const char **)field = (const char *)value->text.data;
	return value->text.data ? ASSAY_OK : reader_refuse_memory(r);
}

static bool is_one_line(const struct assay_yaml_node *value)
{
	for (size_t i = 0; i < value->text.len; i++)
		if (value->text.data[i] < 0x20 || value->text.data[i] == 0x7f)
			return false;
	return !value->block && value->text.len <= ASSAY_MAX_FIELD;
}

enum assay_code value_text(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (!is_one_line(value))
		return reader_refuse_value(r, value, "one line of text");
	return keep(r, value, field);
}

enum assay_code value_command(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	for (size_t i = 0; i < value->text.len; i++)
		if (value->text.data[i] < 0x20 && !strchr("\t\n", value->text.data[i]))
			return reader_refuse_value(r, value, "a shell command in plain text");
	if (value->text.len > ASSAY_MAX_FIELD)
		return reader_refuse(r, value, "want a command of at most %llu bytes, have %zu",
				     ASSAY_MAX_FIELD, value->text.len);
	if (assay_span_trim(value->text).len == 0)
		return reader_refuse_value(r, value, "a shell command");
	return keep(r, value, field);
}

enum assay_code value_name(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_span s = value->text;

	if (s.len > 100 || !is_made_of(s, "._+-") || !is_letter_or_digit(s.data[0]))
		return reader_refuse_value(
			r, value, "a name of letters, digits and \"._+-\" that starts with a letter or digit");
	return keep(r, value, field);
}

static bool is_location(struct assay_span s)
{
	static const char *const schemes[] = { "https://", "http://", "file:///", NULL };
	size_t colon = assay_span_find(s, 0, assay_span_text(":"));
	size_t slash = assay_span_find(s, 0, assay_span_text("/"));

	if (s.len == 0 || s.data[0] == '-')
		return false;
	if (colon > slash || colon == SIZE_MAX)
		return true;
	/* "host:path" and "ext::command" are other people's transports */
	for (const char *const *scheme = schemes; *scheme; scheme++)
		if (assay_span_starts(s, *scheme) && s.len > strlen(*scheme))
			return true;
	return false;
}

enum assay_code value_location(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (*(const char **)field)
		return reader_refuse(r, value, "want one of url and path, have both");
	if (!is_one_line(value) || !is_location(value->text))
		return reader_refuse_value(r, value, "a path, or an https, http or file URL");
	return keep(r, value, field);
}

bool value_is_commit(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.data[i] || !strchr(lower_hex, s.data[i]))
			return false;
	return s.len == 40 || s.len == 64;
}

/* git-check-ref-format(1), as far as it matters before git itself is asked */
static bool is_ref(struct assay_span s)
{
	return s.len <= 255 && is_made_of(s, "._+-/@#~=") && s.data[0] != '-' &&
	       assay_path_is_contained(s);
}

enum assay_code value_commit(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	char shown[80];

	if (value_is_commit(value->text))
		return keep(r, value, field);
	if (!r->allow_unpinned)
		return reader_refuse(r, value,
				     "want a full commit id (40 or 64 lowercase hex digits), "
				     "have \"%s\"; `assay recipe lock` resolves a branch or tag",
				     assay_span_show(value->text, shown, sizeof(shown)));
	if (!is_ref(value->text))
		return reader_refuse_value(r, value, "a full commit id, a branch or a tag");
	return keep(r, value, field);
}

enum assay_code value_inner_path(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (!is_one_line(value) || !assay_path_is_contained(value->text))
		return reader_refuse_value(
			r, value, "a path inside the build directory (relative, without \"..\")");
	return keep(r, value, field);
}

enum assay_code value_build_path(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const char *const taken[] = { "/bin",  "/boot", "/dev", "/etc", "/lib",	"/lib32",
					     "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys",
					     "/usr",  "/var",  NULL };
	struct assay_span s = value->text;
	const char *const *t = taken;

	if (!is_one_line(value) || s.len < 2 || s.len > 1000 || s.data[0] != '/' ||
	    !assay_path_is_contained(assay_span_cut(s, 1, s.len)))
		return reader_refuse_value(r, value, "an absolute path without \"..\"");
	while (*t && !(assay_span_starts(s, *t) &&
		       (s.len == strlen(*t) || s.data[strlen(*t)] == '/')))
		t++;
	if (*t)
		return reader_refuse_value(r, value, "a path outside the system's directories");
	return keep(r, value, field);
}

enum assay_code value_hostname(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_span s = value->text;

	if (s.len > 63 || !is_made_of(s, ".-") || s.data[0] == '-' || s.data[0] == '.')
		return reader_refuse_value(r, value, "a host name of letters, digits, \".\" and \"-\"");
	return keep(r, value, field);
}

enum assay_code value_word(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (value->text.len > 64 || !is_made_of(value->text, "._@/+-"))
		return reader_refuse_value(r, value, "one word, like \"C.UTF-8\" or \"Europe/Berlin\"");
	return keep(r, value, field);
}

enum assay_code value_oci_digest(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	struct assay_digest digest;

	if (!assay_span_starts(value->text, "sha256:") ||
	    !assay_digest_parse(assay_span_cut(value->text, 7, value->text.len), &digest))
		return reader_refuse_value(r, value, "\"sha256:\" and 64 hex digits");
	return keep(r, value, field);
}

static enum assay_code one_of(struct reader *r, const struct assay_yaml_node *value, void *field,
			      const char *const *words, const char *want)
{
	for (; *words; words++)
		if (assay_span_equal_text(value->text, *words))
			return keep(r, value, field);
	return reader_refuse_value(r, value, want);
}

enum assay_code value_accept(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const char *const words[] = { "reproducible", "equivalent", "encoding",
					     "container",    "code",	   NULL };

	return one_of(r, value, field, words,
		      "reproducible, equivalent, encoding, container or code");
}

enum assay_code value_scheme(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const char *const words[] = { "minisign", "signify", "raw", "openpgp", NULL };

	return one_of(r, value, field, words, "minisign, signify, raw or openpgp");
}

enum assay_code value_sha256(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	if (!assay_digest_parse(value->text, field))
		return reader_refuse_value(r, value, "a SHA-256 (64 hex digits)");
	return ASSAY_OK;
}

enum assay_code value_umask(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	unsigned mask = 0;

	if (value->text.len < 3 || value->text.len > 4)
		return reader_refuse_value(r, value, "three octal digits, like \"022\"");
	for (size_t i = 0; i < value->text.len; i++) {
		if (value->text.data[i] < '0' || value->text.data[i] > '7')
			return reader_refuse_value(r, value, "three octal digits, like \"022\"");
		mask = mask * 8 + (unsigned)(value->text.data[i] - '0');
	}
	if (mask > 0777)
		return reader_refuse_value(r, value, "an umask of at most 0777");
	*(unsigned *)field = mask;
	return ASSAY_OK;
}

enum assay_code value_cpus(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	uint64_t count;

	if (!assay_span_parse_u64(value->text, &count) || count == 0 ||
	    count > ASSAY_MAX_RECIPE_CPUS)
		return reader_refuse_value(r, value, "a number from 1 to 1024");
	*(unsigned *)field = (unsigned)count;
	return ASSAY_OK;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* "<decimal><unit>", at least 1 and at most max, exact */
static bool parse_quantity(struct assay_span s, const struct unit *units, uint64_t max,
			   uint64_t *ret)
{
	size_t len = 0;
	uint64_t number;

	while (len < s.len && s.data[len] >= '0' && s.data[len] <= '9')
		len++;
	if (!assay_span_parse_u64(assay_span_cut(s, 0, len), &number) || number == 0)
		return false;
	for (; units->name; units++)
		if (assay_span_equal_text(assay_span_cut(s, len, s.len), units->name))
			break;
	if (!units->name || number > max / units->factor)
		return false;
	*ret = number * units->factor;
	return true;
}

enum assay_code value_duration(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const struct unit units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { NULL, 0 } };

	if (!parse_quantity(value->text, units, MAX_DURATION_S, field))
		return reader_refuse_value(
			r, value, "a duration of 1s to 720h, like \"90s\", \"20min\" or \"2h\"");
	return ASSAY_OK;
}

enum assay_code value_size(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const struct unit units[] = { { "KiB", ASSAY_KIB },
					     { "MiB", ASSAY_MIB },
					     { "GiB", ASSAY_GIB },
					     { NULL, 0 } };

	if (!parse_quantity(value->text, units, MAX_SIZE, field))
		return reader_refuse_value(
			r, value, "a size of 1KiB to 65536GiB, like \"512KiB\", \"64MiB\" or \"4GiB\"");
	return ASSAY_OK;
}

enum assay_code value_count(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };

	if (!parse_quantity(value->text, units, MAX_COUNT, field))
		return reader_refuse_value(r, value, "a number from 1 to 4000000");
	return ASSAY_OK;
}

bool value_is_variable(struct assay_span s)
{
	return s.len <= 256 && is_made_of(s, "_") && !strchr(digits, s.data[0]);
}
