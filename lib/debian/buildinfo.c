/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .buildinfo files.  They are claims: what one says decides how we build, never what we compare
 * with.  Its values end up in commands and environments, so each is checked for what it may hold.
 */
#include "buildinfo.h"

#include <fcntl.h>

#include "assay/cleanup.h"
#include "assay/jail.h"
#include "assay/limits.h"
#include "assay/message.h"
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

/* ---- across the jail's border: every field of struct debian_buildinfo that read_stanza() sets ------ */

#define TEXTS 5

/* The texts that both sides know, in one order. */
static void list_texts(struct debian_buildinfo *info, const char **ret[TEXTS])
{
	const char **const texts[TEXTS] = { &info->source, &info->source_version, &info->version,
					    &info->build_path, &info->binnmu_entry };

	memcpy(ret, texts, sizeof(texts));
}

/* In the jail: whoever wrote this file may be anyone. */
static enum assay_code read_in_jail(void *data, struct assay_buf *answer, struct assay_error *err)
{
	struct debian_buildinfo *info = data;
	const char **texts[TEXTS];
	size_t count = 0;

	if (read_stanza(info, err))
		return err->code;
	list_texts(info, texts);
	assay_message_put_u64(answer, (uint64_t)(info->usr_is_merged | info->has_any << 1 |
						 info->has_all << 2));
	for (int i = 0; i < TEXTS; i++) {
		assay_message_put_u64(answer, *texts[i] != NULL);
		assay_message_put_text(answer, *texts[i] ? *texts[i] : "");
	}
	while (info->variables[count])
		count++;
	assay_message_put_u64(answer, count);
	for (size_t i = 0; i < count; i++)
		assay_message_put_text(answer, info->variables[i]);
	assay_message_put_span(answer, info->dependencies);
	assay_message_put_span(answer, info->sums);
	return assay_buf_check(answer, "buildinfo", err);
}

/* NULL when the message is malformed or there is no memory. */
static const char *take_text(struct debian_buildinfo *info, struct assay_span *rest)
{
	struct assay_span text;

	if (!assay_message_take_span(rest, &text) ||
	    (text.len && memchr(text.data, '\0', text.len)))
		return NULL;
	return assay_arena_text(&info->arena, text);
}

static bool take_texts(struct debian_buildinfo *info, struct assay_span *rest)
{
	const char **texts[TEXTS];
	uint64_t there;

	list_texts(info, texts);
	for (int i = 0; i < TEXTS; i++) {
		const char *text;

		if (!assay_message_take_u64(rest, &there))
			return false;
		text = take_text(info, rest);
		if (!text)
			return false;
		*texts[i] = there ? text : NULL;
	}
	return info->source && info->source_version && info->version &&
	       debian_name_is_valid(info->source) && debian_version_is_valid(info->version) &&
	       debian_version_is_valid(info->source_version);
}

static bool take_variables(struct debian_buildinfo *info, struct assay_span *rest)
{
	const char **list = assay_arena_alloc(&info->arena, (MAX_VARIABLES + 1) * sizeof(*list));
	uint64_t count;

	if (!list || !assay_message_take_u64(rest, &count) || count > MAX_VARIABLES)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		list[i] = take_text(info, rest);
		if (!list[i] || !strchr(list[i], '='))
			return false;
	}
	info->variables = list;
	return true;
}

/* What the jail says is checked again; the two lists stay text, cut into words when they are used. */
static bool take_answer(struct debian_buildinfo *info, struct assay_span rest)
{
	struct assay_span dependencies, sums;
	uint64_t flags;

	if (!assay_message_take_u64(&rest, &flags) || !take_texts(info, &rest) ||
	    !take_variables(info, &rest) || !assay_message_take_span(&rest, &dependencies) ||
	    !assay_message_take_span(&rest, &sums) || rest.len)
		return false;
	info->usr_is_merged = flags & 1;
	info->has_any = flags >> 1 & 1;
	info->has_all = flags >> 2 & 1;
	assay_buf_clear(&info->text);
	assay_buf_add_span(&info->text, dependencies);
	assay_buf_add_span(&info->text, sums);
	info->dependencies = assay_span_of(info->text.data, dependencies.len);
	info->sums = assay_span_of(info->text.data + dependencies.len, sums.len);
	return !info->text.failed;
}

static enum assay_code read_stanza_jailed(struct debian_buildinfo *ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf answer = ASSAY_BUF_INIT(16 * ASSAY_MIB);
	struct assay_jail jail = { .what = "the file", .cpu_s = 60, .wall_s = 120,
				   .answer_max = 16 * ASSAY_MIB };

	if (assay_jail_run(&jail, read_in_jail, ret, &answer, err))
		return err->code;
	if (!take_answer(ret, assay_buf_span(&answer)))
		return assay_fail(err, ASSAY_EINPUT, "the jail's answer is malformed");
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
	if (read_text(claim, ret, chain, err) || read_stanza_jailed(ret, err))
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
