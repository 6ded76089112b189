/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive reads, tree_tar writes; see the header. */
#include "tree_archive.h"

#include "assay/archive_late.h"
#include "assay/compare.h"
#include "assay/limits.h"

bool tree_archive_is_ready(void)
{
	return archive_late_is_loaded();
}

struct reading {
	struct archive *in;
	struct assay_sink *sink;
	struct assay_error *err;
};

static enum assay_code fail(struct reading *r)
{
	const char *text = archive_error_string(r->in);

	return assay_fail(r->err, ASSAY_EINPUT, "members: %s", text ? text : "cannot be read");
}

static struct assay_span text_of(const char *text)
{
	return text ? assay_span_text(text) : assay_span_of(NULL, 0);
}

static char type_of(unsigned mode)
{
	return mode == S_IFDIR ? '5' : mode == S_IFLNK ? '2' : '0';
}

static enum assay_code copy_member(struct reading *r, struct archive_entry *entry)
{
	struct tree_member member = {
		.path = text_of(archive_entry_pathname(entry)),
		.link = text_of(archive_entry_symlink(entry)),
		.type = type_of(archive_entry_filetype(entry)),
		.mode = (uint32_t)archive_entry_mode(entry) & 07777,
		.mtime = archive_entry_mtime(entry),
		.size = archive_entry_size_is_set(entry) ? (uint64_t)archive_entry_size(entry) : 0,
	};
	uint64_t left = member.type == '0' ? member.size : 0;
	char block[16384];

	member.size = left;
	if (!member.path.len)
		return assay_fail(r->err, ASSAY_EINPUT, "members: name is missing");
	if (tree_tar_member(r->sink, &member, r->err))
		return r->err->code;
	for (;;) {
		la_ssize_t got = archive_read_data(r->in, block, sizeof(block));

		if (got < 0 || (uint64_t)got > left)
			return fail(r);
		if (got == 0)
			break;
		left -= (uint64_t)got;
		if (assay_sink_add(r->sink, assay_span_of(block, (size_t)got), r->err))
			return r->err->code;
	}
	return left ? fail(r) : tree_tar_pad(r->sink, member.size, r->err);
}

static enum assay_code copy_members(struct reading *r)
{
	for (size_t count = 0;; count++) {
		struct archive_entry *entry;
		int status = archive_read_next_header(r->in, &entry);

		if (status == ARCHIVE_EOF)
			return tree_tar_end(r->sink, r->err);
		if (status != ARCHIVE_OK)
			return fail(r);
		if (count >= ASSAY_MAX_MEMBERS)
			return assay_fail(r->err, ASSAY_ELIMIT, "members: want at most %d", ASSAY_MAX_MEMBERS);
		if (copy_member(r, entry))
			return r->err->code;
	}
}

enum assay_code tree_archive_read(struct assay_span archive, struct assay_sink *sink, struct assay_error *err)
{
	struct reading r = { .sink = sink, .err = err };
	enum assay_code code;

	if (!tree_archive_is_ready())
		return assay_fail(err, ASSAY_EUNSUPPORTED, "members: libarchive is not loaded");
	r.in = archive_read_new();
	if (!r.in)
		return assay_fail(err, ASSAY_ENOMEM, "members: out of memory");
	if (archive_read_support_format_7zip(r.in) != ARCHIVE_OK ||
	    archive_read_support_format_cab(r.in) != ARCHIVE_OK ||
	    archive_read_open_memory(r.in, archive.data, archive.len) != ARCHIVE_OK)
		code = fail(&r);
	else
		code = copy_members(&r);
	archive_read_free(r.in);
	return code;
}
