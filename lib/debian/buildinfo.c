/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .buildinfo files.  They are claims: what one says decides how we build, never what we compare
 * with.  Its values end up in commands and environments, so each is checked for what it may hold.
 */
#include "buildinfo.h"

#include <fcntl.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "mirror.h"

#define MAX_VARIABLES 64

void debian_buildinfo_release(struct debian_buildinfo *info)
{
	assay_arena_release(&info->arena);
	assay_buf_release(&info->text);
}

void debian_source_field(struct assay_span value, struct assay_span *name,
			 struct assay_span *version)
{
	const uint8_t *open = value.len ? memchr(value.data, '(', value.len) : NULL;
	const uint8_t *close = value.len ? memchr(value.data, ')', value.len) : NULL;

	*name = value;
	if (!open || !close || close < open)
		return;
	*name = assay_span_trim(assay_span_of(value.data, (size_t)(open - value.data)));
	*version = assay_span_trim(assay_span_of(open + 1, (size_t)(close - open) - 1));
}

static bool is_printable(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < 0x20 || s.data[i] == 0x7f)
			return false;
	return true;
}

/* NAME="value", where \ takes away a quote's or its own meaning. */
static char *parse_variable(struct assay_arena *arena, struct assay_span line)
{
	const uint8_t *equals = memchr(line.data, '=', line.len);
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span value;
	char *text = NULL;

	if (!equals || equals == line.data || !is_printable(line))
		return NULL;
	value = assay_span_cut(line, (size_t)(equals - line.data) + 1, line.len);
	if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
		return NULL;
	value = assay_span_cut(value, 1, value.len - 2);
	assay_buf_add(&out, line.data, (size_t)(equals - line.data) + 1);
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] == '\\' && i + 1 < value.len)
			i++;
		assay_buf_add(&out, &value.data[i], 1);
	}
	if (!out.failed)
		text = assay_arena_text(arena, assay_buf_span(&out));
	assay_buf_release(&out);
	return text;
}

static enum assay_code read_variables(struct debian_buildinfo *info, struct assay_span rest,
				      struct assay_error *err)
{
	const char **list = assay_arena_alloc(&info->arena, (MAX_VARIABLES + 1) * sizeof(*list));
	struct assay_span line;
	size_t count = 0;
	char shown[80];

	if (!list)
		return assay_fail(err, ASSAY_ENOMEM, "Environment: out of memory");
	while (assay_deb822_next_line(&rest, &line)) {
		if (count == MAX_VARIABLES)
			return assay_fail(err, ASSAY_ELIMIT, "Environment: want at most %d variables",
					  MAX_VARIABLES);
		list[count] = parse_variable(&info->arena, line);
		if (!list[count++])
			return assay_fail(err, ASSAY_EINPUT,
					  "Environment: want NAME=\"value\", have \"%s\"",
					  assay_span_show(line, shown, sizeof(shown)));
	}
	info->variables = list;
	return ASSAY_OK;
}

/* Within a field each line stands behind one blank, and an empty line is a dot. */
static enum assay_code read_entry(struct debian_buildinfo *info, struct assay_span rest,
				  struct assay_error *err)
{
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_BINNMU_ENTRY);
	struct assay_span line;

	if (!rest.len)
		return ASSAY_OK;
	while (assay_span_next_line(&rest, &line)) {
		if (assay_span_starts(line, " "))
			line = assay_span_cut(line, 1, line.len);
		if (!assay_span_equal_text(line, "."))
			assay_buf_add_span(&out, line);
		assay_buf_add_text(&out, "\n");
	}
	if (!assay_buf_check(&out, "Binary-Only-Changes", err)) {
		info->binnmu_entry = assay_arena_text(&info->arena, assay_buf_span(&out));
		if (!info->binnmu_entry)
			assay_fail(err, ASSAY_ENOMEM, "Binary-Only-Changes: out of memory");
	}
	assay_buf_release(&out);
	return err->code;
}

static enum assay_code read_names(struct debian_buildinfo *info, struct assay_span stanza,
				  struct assay_error *err)
{
	struct assay_span version = assay_deb822_field(stanza, "Version"), name;
	struct assay_span source_version = debian_version_without_binnmu(version);
	struct assay_span built = assay_deb822_field(stanza, "Architecture"), word;
	struct assay_span path = assay_deb822_field(stanza, "Build-Path");
	struct assay_span taints = assay_deb822_field(stanza, "Build-Tainted-By");

	debian_source_field(assay_deb822_field(stanza, "Source"), &name, &source_version);
	info->source = assay_arena_text(&info->arena, name);
	info->version = assay_arena_text(&info->arena, version);
	info->source_version = assay_arena_text(&info->arena, source_version);
	if (!info->source || !info->version || !info->source_version ||
	    !debian_name_is_valid(info->source) || !debian_version_is_valid(info->version) ||
	    !debian_version_is_valid(info->source_version))
		return assay_fail(err, ASSAY_EINPUT, "want Source and Version by Debian's rules");
	while (assay_deb822_next_word(&built, &word)) {
		info->has_all = info->has_all || assay_span_equal_text(word, "all");
		info->has_any = info->has_any || (!assay_span_equal_text(word, "all") &&
						  !assay_span_equal_text(word, "source"));
	}
	if (!info->has_all && !info->has_any)
		return assay_fail(err, ASSAY_EINPUT, "want Architecture to name what was built");
	while (assay_deb822_next_word(&taints, &word))
		info->usr_is_merged = info->usr_is_merged ||
				      assay_span_starts(word, "merged-usr-via-");
	if (path.len && !is_printable(path))
		return assay_fail(err, ASSAY_EINPUT, "want a Build-Path on one line");
	info->build_path = path.len ? assay_arena_text(&info->arena, path) : NULL;
	return ASSAY_OK;
}

static enum assay_code read_stanza(struct debian_buildinfo *info, struct assay_error *err)
{
	struct assay_span rest = assay_buf_span(&info->text), stanza, extra;

	if (!assay_deb822_next(&rest, &stanza) || assay_deb822_next(&rest, &extra))
		return assay_fail(err, ASSAY_EINPUT, "want one stanza");
	if (assay_deb822_check(stanza, err) || read_names(info, stanza, err) ||
	    read_variables(info, assay_deb822_field(stanza, "Environment"), err) ||
	    read_entry(info, assay_deb822_field(stanza, "Binary-Only-Changes"), err))
		return err->code;
	info->dependencies = assay_deb822_field(stanza, "Installed-Build-Depends");
	info->sums = assay_deb822_field(stanza, "Checksums-Sha256");
	if (!info->dependencies.len)
		return assay_fail(err, ASSAY_EINPUT, "want Installed-Build-Depends, have none");
	return ASSAY_OK;
}

static enum assay_code read_text(const struct assay_debian_claim *claim,
				 struct debian_buildinfo *ret, json_t *chain,
				 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf file = ASSAY_BUF_INIT(4 * ASSAY_MIB);
	struct debian_witness witness = {
		.path = claim->path,
		.step = "buildinfo",
		.what = claim->path,
		.keyring = claim->keyring,
		.is_wanted = claim->keyring || claim->must_be_signed,
		.without = "what it says is a claim; only files of the archive are compared",
	};
	bool is_signed;

	if (assay_file_read(AT_FDCWD, claim->path, &file, err)) {
		/* the user's own file, not an input that got lost */
		err->code = err->code == ASSAY_ENOTFOUND ? ASSAY_EUSAGE : err->code;
		return err->code;
	}
	if (assay_deb822_unwrap(assay_buf_span(&file), &ret->text, &is_signed, err))
		return err->code;
	if (is_signed)
		return debian_witness_ask(&witness, chain, &ret->text, err);
	if (witness.is_wanted)
		return assay_fail(err, ASSAY_EUNTRUSTED, "want a signature, have none");
	debian_chain_add(chain, witness.step, witness.what, "unsigned", "%s", witness.without);
	return ASSAY_OK;
}

enum assay_code debian_buildinfo_read(const struct assay_debian_claim *claim,
				      struct debian_buildinfo *ret, json_t *chain,
				      struct assay_error *err)
{
	ret->path = claim->path;
	if (read_text(claim, ret, chain, err) || read_stanza(ret, err))
		return assay_context(err, "--buildinfo=%s", claim->path);
	return ASSAY_OK;
}

enum assay_code debian_buildinfo_next(struct assay_span *rest, struct assay_span *ret_name,
				      struct assay_span *ret_version, struct assay_error *err)
{
	struct assay_span item, version = { NULL, 0 };
	const uint8_t *colon;
	char shown[80];

	if (!assay_deb822_next_item(rest, &item))
		return ASSAY_END;
	debian_source_field(item, ret_name, &version);
	if (!assay_span_starts(version, "="))
		return assay_fail(err, ASSAY_EINPUT,
				  "Installed-Build-Depends: want \"name (= version)\", have \"%s\"",
				  assay_span_show(item, shown, sizeof(shown)));
	*ret_version = assay_span_trim(assay_span_cut(version, 1, version.len));
	colon = memchr(ret_name->data, ':', ret_name->len);
	if (colon)
		ret_name->len = (size_t)(colon - ret_name->data);
	return ASSAY_OK;
}

bool debian_buildinfo_has(const struct debian_buildinfo *info, const char *name,
			  struct assay_digest *ret)
{
	struct assay_span rest = info->sums, line, sum, size, file;

	while (assay_deb822_next_line(&rest, &line))
		if (assay_deb822_next_word(&line, &sum) && assay_deb822_next_word(&line, &size) &&
		    assay_deb822_next_word(&line, &file) && assay_span_equal_text(file, name))
			return assay_digest_parse(sum, ret);
	return false;
}
