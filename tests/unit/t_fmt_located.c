/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats of the second rank on files that their own tools made (tests/fuzz/corpus): a changed byte is
 * found in the field and part that the table says, and nothing is folded but what the table rates so.
 */
#include <fcntl.h>

#include "assay/file.h"
#include "pair.h"

static struct assay_buf load(const char *file)
{
	struct assay_buf buf = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[160];

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", file);
	ck_assert_msg(!assay_file_read(AT_FDCWD, path, &buf, &err), "%s", err.msg);
	return buf;
}

/* ---- one byte ------------------------------------------------------------------------------------- */

static const struct {
	const char *file;
	size_t at;
	const char *verdict, *field, *part; /* part: the last of the path, NULL: none wanted */
} changes[] = {
	{ "cab/stored", 54, "divergent", "cab.file.date", "in\\a.txt" },
	{ "cab/stored", 110, "divergent", "binary", "folder 0 block 0" },
	{ "erofs/small", 1048, "divergent", "erofs.build-time", NULL },
	{ "erofs/small", 1072, "divergent", "erofs.uuid", NULL },
	{ "erofs/small", 2000, "divergent", "erofs.blocks", "block 0" },
	{ "ext4/small", 1024 + 0x30, "divergent", "ext4.time", "write" },
	{ "ext4/small", 1024 + 0x68, "divergent", "ext4.uuid", NULL },
	{ "ext4/small", 36000, "divergent", "ext4.inodes", "inodes of group 0" },
	{ "ext4/small", 40000, "divergent", "ext4.blocks", "block 39" },
	{ "gif/comment", 25, "divergent", "gif.comment", NULL },
	{ "gif/comment", 66, "divergent", "gif.data", NULL },
	{ "gitbundle/bundle", 20, "divergent", "gitbundle.reference", "HEAD" },
	{ "gitbundle/bundle", 470, "divergent", "gitbundle.sum", NULL },
	{ "gitindex/two", 35, "divergent", "gitindex.stat", "inode" },
	{ "gitindex/two", 53, "divergent", "gitindex.tracked", "object" },
	{ "iso9660/rockridge", 32810, "divergent", "iso9660.identifier", "volume" },
	{ "iso9660/rockridge", 33581, "divergent", "iso9660.volume-date", "creation" },
	{ "iso9660/rockridge", 43224, "divergent", "iso9660.record.date", "B.TXT;1" },
	{ "iso9660/rockridge", 67586, "divergent", "text", "a.txt" },
	{ "iso9660/rockridge", 69700, "divergent", "text", "sub/b.txt" },
	{ "jpeg/exif", 133, "divergent", "jpeg.exif.date", NULL },
	{ "jpeg/exif", 245, "divergent", "jpeg.comment", NULL },
	{ "jpeg/exif", 860, "divergent", "jpeg.scan", NULL },
	{ "macho/dylib", 770, "divergent", "macho.uuid", "UUID" },
	{ "macho/dylib", 885, "divergent", "macho.code", "__TEXT,__text" },
	{ "macho/dylib", 8192, "divergent", "macho.data", "__DATA,__data" },
	{ "pe/dll", 128, "equivalent", "pe.time", NULL },
	{ "pe/dll", 1540, "equivalent", "pe.time", "debug directory" },
	{ "pe/dll", 1100, "divergent", "pe.code", ".text" },
	{ "pe/dll", 1570, "divergent", "pe.codeview", NULL },
	{ "ps/drawing", 80, "divergent", "ps.creation-date", "%%CreationDate" },
	{ "ps/drawing", 70, "divergent", "ps.creation-date", NULL },
	{ "ps/drawing", 203, "divergent", "ps.program", "Page: 1 1" },
	{ "sevenzip/plain", 40, "divergent", "binary", NULL },
	{ "sqlite/small", 27, "divergent", "sqlite.change-counter", "change counter" },
	{ "sqlite/small", 99, "divergent", "sqlite.library-version", NULL },
	{ "sqlite/small", 3500, "divergent", "sqlite.page", "page 7 (rows of people)" },
	{ "sqlite/small", 2000, "divergent", "sqlite.page", "page 4 (keys of by_name)" },
	{ "squashfs/gzip", 9, "equivalent", "squashfs.mkfs-time", NULL },
	{ "squashfs/gzip", 120, "divergent", "binary", NULL },
	{ "squashfs/gzip", 210, "divergent", "binary", "inode table" },
	{ "wasm/module", 100, "divergent", "wasm.function", "body 0" },
	{ "wasm/module", 200, "divergent", "wasm.function", "body 1" },
	{ "wasm/module", 390, "divergent", "wasm.producers", NULL },
	{ "woff/one", 250, "divergent", "woff.table", "head" },
	{ "woff/two", 100, "divergent", "woff.brotli", NULL },
};

static bool is_part(const json_t *divergence, const char *part)
{
	const json_t *path = json_object_get(divergence, "path"), *item;
	size_t i;

	json_array_foreach(path, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), part) == 0)
			return true;
	return false;
}

START_TEST(a_changed_byte_is_located)
{
	struct assay_buf left = load(changes[_i].file), right = load(changes[_i].file);
	json_t *report, *list, *d;
	bool found = false;
	char *text;
	size_t i;

	ck_assert_uint_lt(changes[_i].at, right.len);
	right.data[changes[_i].at] ^= 1;
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	text = json_dumps(report, JSON_INDENT(1));
	list = json_object_get(report, "divergences");
	ck_assert_msg(strcmp(assay_json_text(report, "verdict", ""), changes[_i].verdict) == 0,
		      "%s at %zu: want %s: %s", changes[_i].file, changes[_i].at, changes[_i].verdict,
		      text);
	json_array_foreach(list, i, d)
		found |= strcmp(assay_json_text(d, "field", ""), changes[_i].field) == 0 &&
			 (!changes[_i].part || is_part(d, changes[_i].part));
	ck_assert_msg(found, "%s at %zu: want %s in %s: %s", changes[_i].file, changes[_i].at,
		      changes[_i].field, changes[_i].part ? changes[_i].part : "the file", text);
	free(text);
	json_decref(report);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* ---- every byte ----------------------------------------------------------------------------------- */

static const char *const files[] = {
	"cab/mszip",	 "cab/stored",	   "erofs/small",  "ext4/small",	  "gif/comment",
	"gitbundle/pack", "gitbundle/bundle", "gitindex/two", "iso9660/rockridge", "jpeg/exif",
	"jpeg/progressive", "lz4/plain",   "lz4/size",	   "lzip/plain",	  "macho/dylib",
	"macho/object",	 "pe/dll",	   "ps/drawing",   "sevenzip/plain",	  "sfnt/truetype",
	"sqlite/small",	 "squashfs/gzip",  "squashfs/padded", "wasm/module",	  "wasm/object",
	"woff/one",	 "woff/two",
};

static const struct assay_node *leaf_at(const struct assay_node *node, uint64_t at)
{
	const struct assay_node *child = node->first;

	while (child && at >= child->offset + child->length)
		child = child->next;
	return child ? leaf_at(child, at) : node;
}

/* Equivalent is said only of bytes whose field the table rates so. */
START_TEST(nothing_else_is_folded)
{
	struct assay_buf left = load(files[_i]), right = load(files[_i]);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy anatomy;
	size_t step = right.len / 150 + 1;

	ck_assert(!assay_anatomy_open(assay_buf_span(&left), &anatomy, &err));
	ck_assert_msg(!anatomy.malformed, "%s: %s", files[_i], anatomy.malformed);
	ck_assert_msg(anatomy.structure == ASSAY_CANONICAL, "%s: %s", files[_i], anatomy.reason);
	ck_assert_int_eq(strncmp(anatomy.format->name, files[_i], strlen(anatomy.format->name)), 0);
	for (size_t at = 0; at < right.len; at += step) {
		const struct assay_node *leaf = leaf_at(anatomy.root, at);
		const char *verdict;

		right.data[at] ^= 0x21;
		verdict = pair_verdict_bufs(&left, &right);
		right.data[at] ^= 0x21;
		ck_assert_msg(strcmp(verdict, "reproducible") != 0, "%s at %zu", files[_i], at);
		ck_assert_msg(strncmp(verdict, "equivalent", 10) != 0 ||
				      leaf->field->rating != ASSAY_RATE_NEVER,
			      "%s at %zu (%s): %s", files[_i], at, leaf->field->name, verdict);
	}
	assay_anatomy_release(&anatomy);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* ---- pairs ---------------------------------------------------------------------------------------- */

static const struct {
	const char *left, *right, *want;
} pairs[] = {
	{ "lz4/plain", "lz4/size", "equivalent: lz4-recompress" },
	{ "lz4/plain", "lz4/two", "divergent" },
	{ "lzip/plain", "lzip/fast", "equivalent: lzip-recompress" },
	{ "lzip/plain", "lzip/two", "divergent" },
	{ "sfnt/truetype", "sfnt/later", "equivalent: sfnt-time" },
	{ "woff/one", "woff/two", "divergent" },
};

START_TEST(pairs_of_two_tools)
{
	struct assay_buf left = load(pairs[_i].left), right = load(pairs[_i].right);

	assert_says(pair_verdict_bufs(&left, &right), pairs[_i].want);
	assert_says(pair_verdict_bufs(&right, &left), pairs[_i].want);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* ---- what is ambiguous ----------------------------------------------------------------------------- */

static const struct {
	const char *file, *behind, *want;
} tails[] = {
	{ "cab/stored", "MSCF", "bytes behind the cabinet" },
	{ "erofs/small", "more", "bytes behind the image" },
	{ "gif/comment", "PK", "bytes behind the trailer" },
	{ "gitbundle/pack", "more", "bytes behind the pack" },
	{ "jpeg/exif", "PK", "bytes behind the end of the image" },
	{ "lz4/plain", "more", "bytes behind the last frame" },
	{ "sevenzip/plain", "7z", "bytes behind the header" },
	{ "sqlite/small", "more", "bytes behind the last page" },
	{ "squashfs/gzip", "sqsh", "bytes behind the image" },
	{ "wasm/module", "\377\377", "bytes that are no section" },
	{ "woff/one", "more", "the header counts" },
};

START_TEST(what_stands_behind_is_ambiguous)
{
	struct assay_buf file = load(tails[_i].file);

	assay_buf_add_text(&file, tails[_i].behind);
	assert_says(structure_of(assay_buf_span(&file)), tails[_i].want);
	assay_buf_release(&file);
}
END_TEST

/* The time of a signed image is part of what was signed. */
START_TEST(signed_image_keeps_its_time)
{
	struct assay_buf left = load("pe/dll"), right = load("pe/dll");
	size_t security = 256 + 8 * 4;

	for (size_t i = 0; i < 2; i++) {
		struct assay_buf *file = i ? &right : &left;
		uint32_t place = (uint32_t)file->len, size = 8;

		assay_buf_add(file, "\10\0\0\0\0\2\2\0", 8);
		memcpy(file->data + security, &place, 4);
		memcpy(file->data + security + 4, &size, 4);
	}
	assert_says(structure_of(assay_buf_span(&left)), "pe canonical");
	right.data[128] ^= 1;
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	right.data[128] ^= 1;
	right.data[right.len - 1] ^= 1;
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* What a directory calls a time may be instructions, where the section is run or shares its bytes with one. */
START_TEST(time_in_code_is_code)
{
	enum { RDATA = 424, DATA = 464, RIGHTS = 36, TIME = 1540 };
	struct assay_buf left = load("pe/dll"), right = load("pe/dll");

	for (size_t i = 0; i < 2; i++)
		(i ? &right : &left)->data[RDATA + RIGHTS + 3] |= 0x20;
	right.data[TIME] ^= 1;
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	for (size_t i = 0; i < 2; i++) {
		struct assay_buf *file = i ? &right : &left;

		file->data[RDATA + RIGHTS + 3] ^= 0x20;
		memcpy(file->data + DATA + 16, file->data + RDATA + 16, 8);
		file->data[DATA + RIGHTS + 3] |= 0x20;
	}
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* What descriptors beyond the last that is read lead to is said to be missing. */
START_TEST(volume_of_too_many_descriptors)
{
	static const char head[7] = "\1CD001\1", rest[2048 - sizeof(head)];
	struct assay_buf file = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy anatomy;

	for (size_t i = 0; i < 16 + 65; i++) {
		assay_buf_add(&file, i < 16 ? rest : head, sizeof(head));
		assay_buf_add(&file, rest, sizeof(rest));
	}
	ck_assert_int_eq(assay_anatomy_open(assay_buf_span(&file), &anatomy, &err), ASSAY_OK);
	ck_assert_str_eq(anatomy.format->name, "iso9660");
	ck_assert(anatomy.truncated);
	assay_anatomy_release(&anatomy);
	assay_buf_release(&file);
}
END_TEST

/* A font whose sums do not follow its new time is not the same font. */
START_TEST(font_with_wrong_sums_is_not_folded)
{
	struct assay_buf left = load("sfnt/truetype"), right = load("sfnt/truetype");

	right.data[207] ^= 1;
	assert_says(pair_verdict_bufs(&left, &right), "divergent");
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_changed_byte_is_located, 0, COUNT(changes));
	tcase_add_loop_test(tc, nothing_else_is_folded, 0, COUNT(files));
	tcase_add_loop_test(tc, pairs_of_two_tools, 0, COUNT(pairs));
	tcase_add_loop_test(tc, what_stands_behind_is_ambiguous, 0, COUNT(tails));
	tcase_add_test(tc, signed_image_keeps_its_time);
	tcase_add_test(tc, time_in_code_is_code);
	tcase_add_test(tc, volume_of_too_many_descriptors);
	tcase_add_test(tc, font_with_wrong_sums_is_not_folded);
}

int main(void)
{
	return run_suite("fmt_located", add_tests);
}
