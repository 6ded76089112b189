/* SPDX-License-Identifier: Apache-2.0 */
/* Members as tar headers; see the header. */
#include "tree_tar.h"

#include <stdio.h>

#include "assay/limits.h"

#define BLOCK 512

enum assay_code tree_tar_zeros(struct assay_sink *sink, uint64_t size, struct assay_error *err)
{
	static const uint8_t zeros[16 * ASSAY_KIB];

	while (size) {
		uint64_t now = size < sizeof(zeros) ? size : sizeof(zeros);

		if (assay_sink_add(sink, assay_span_of(zeros, now), err))
			return err->code;
		size -= now;
	}
	return ASSAY_OK;
}

enum assay_code tree_tar_pad(struct assay_sink *sink, uint64_t size, struct assay_error *err)
{
	return tree_tar_zeros(sink, (BLOCK - size % BLOCK) % BLOCK, err);
}

enum assay_code tree_tar_end(struct assay_sink *sink, struct assay_error *err)
{
	return tree_tar_zeros(sink, 2 * BLOCK, err);
}

/* "length key=value\n", the length counting itself (POSIX.1-2017 pax). */
static void add_record(struct assay_buf *out, const char *prefix, struct assay_span key,
		       struct assay_span value)
{
	size_t rest = strlen(prefix) + key.len + value.len + 3, digits = 1;
	char number[24];

	while ((size_t)snprintf(number, sizeof(number), "%zu", rest + digits) != digits)
		digits++;
	assay_buf_printf(out, "%zu %s", rest + digits, prefix);
	assay_buf_add_span(out, key);
	assay_buf_add_text(out, "=");
	assay_buf_add_span(out, value);
	assay_buf_add_text(out, "\n");
}

void tree_tar_xattr(struct assay_buf *records, const char *prefix, struct assay_span name,
		    struct assay_span value)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "SCHILY.xattr.%s", prefix);
	add_record(records, whole, name, value);
}

static void add_number(struct assay_buf *out, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	add_record(out, key, assay_span_of(NULL, 0), assay_span_text(text));
}

static void octal(char *field, size_t width, uint64_t value)
{
	for (size_t i = width - 1; i > 0; i--, value >>= 3)
		field[i - 1] = (char)('0' + (value & 7));
}

static bool fits(uint64_t value, size_t width)
{
	return value >> 3 * (width - 1) == 0;
}

/* What a ustar header has no room for. */
static void add_records(struct assay_buf *out, const struct tree_member *m)
{
	if (m->path.len > 100)
		add_record(out, "path", assay_span_of(NULL, 0), m->path);
	if (m->link.len > 100)
		add_record(out, "linkpath", assay_span_of(NULL, 0), m->link);
	if (!fits(m->size, 12))
		add_number(out, "size", (int64_t)m->size);
	if (m->mtime < 0 || !fits((uint64_t)m->mtime, 12))
		add_number(out, "mtime", m->mtime);
	if (!fits(m->uid, 8))
		add_number(out, "uid", m->uid);
	if (!fits(m->gid, 8))
		add_number(out, "gid", m->gid);
	assay_buf_add_span(out, m->xattrs);
}

static void put_name(char *field, struct assay_span name)
{
	if (name.len)
		memcpy(field, name.data, name.len < 100 ? name.len : 100);
}

static enum assay_code write_header(struct assay_sink *sink, const struct tree_member *m, struct assay_error *err)
{
	char block[BLOCK] = { 0 };
	unsigned sum = 8 * ' ';

	put_name(block, m->path);
	octal(block + 100, 8, m->mode & 07777);
	octal(block + 108, 8, fits(m->uid, 8) ? m->uid : 0);
	octal(block + 116, 8, fits(m->gid, 8) ? m->gid : 0);
	octal(block + 124, 12, fits(m->size, 12) ? m->size : 0);
	octal(block + 136, 12, m->mtime > 0 && fits((uint64_t)m->mtime, 12) ? (uint64_t)m->mtime : 0);
	block[156] = m->type;
	put_name(block + 157, m->link);
	memcpy(block + 257, "ustar\0" "00", 8);
	octal(block + 329, 8, m->major);
	octal(block + 337, 8, m->minor);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (uint8_t)block[i];
	octal(block + 148, 7, sum);
	block[155] = ' ';
	return assay_sink_add(sink, assay_span_of(block, BLOCK), err);
}

enum assay_code tree_tar_member(struct assay_sink *sink, const struct tree_member *member,
				struct assay_error *err)
{
	struct assay_buf records = ASSAY_BUF_INIT(ASSAY_MIB);
	enum assay_code code = ASSAY_OK;

	add_records(&records, member);
	if (assay_buf_check(&records, "attributes of a member", err)) {
		code = err->code;
	} else if (records.len) {
		struct tree_member extended = { .path = assay_span_text("pax"), .type = 'x', .mode = 0644,
						.size = records.len };

		code = write_header(sink, &extended, err);
		if (!code)
			code = assay_sink_add(sink, assay_buf_span(&records), err);
		if (!code)
			code = tree_tar_pad(sink, records.len, err);
	}
	if (!code)
		code = write_header(sink, member, err);
	assay_buf_release(&records);
	return code;
}
