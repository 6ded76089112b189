/* SPDX-License-Identifier: Apache-2.0 */
/* "fdt", "ogg", "rds", "ico": small files made here byte by byte; which part is said to differ. */
#include "pair.h"

#define BUF(name) assay_auto(assay_buf_release) struct assay_buf name = ASSAY_BUF_INIT(ASSAY_MIB)

static void add_big(struct assay_buf *out, uint32_t n)
{
	uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	assay_buf_add(out, bytes, 4);
}

static void add_little(struct assay_buf *out, uint32_t n)
{
	assay_buf_add(out, &n, 4);
}

/* The divergences of a pair as one text; the verdict is never anything but divergent. */
static void assert_differ(const struct assay_buf *left, const struct assay_buf *right, const char *says)
{
	json_t *report = pair_compare(assay_buf_span(left), assay_buf_span(right));
	char *text = json_dumps(json_object_get(report, "divergences"), 0);

	ck_assert_str_eq(json_string_value(json_object_get(report, "verdict")), "divergent");
	assert_says(text, says);
	free(text);
	json_decref(report);
}

/* ---- fdt --------------------------------------------------------------------------------------------- */

struct device {
	const char *status, *node;
	bool is_coherent; /* a property without a value, and one more name */
	uint32_t boot;
};

static void add_words(struct assay_buf *out, const char *text, size_t len)
{
	assay_buf_add(out, text, len);
	while (out->len % 4)
		assay_buf_add(out, "", 1);
}

static void make_fdt(struct assay_buf *out, const struct device *d)
{
	static const char names[] = "status\0reg\0dma";
	uint32_t names_len = d->is_coherent ? sizeof(names) : 11;
	BUF(tree);

	add_big(&tree, 1);
	add_words(&tree, "", 1);
	add_big(&tree, 1);
	add_words(&tree, d->node, strlen(d->node) + 1);
	add_big(&tree, 3);
	add_big(&tree, (uint32_t)strlen(d->status) + 1);
	add_big(&tree, 0);
	add_words(&tree, d->status, strlen(d->status) + 1);
	add_big(&tree, 3);
	add_big(&tree, 8);
	add_big(&tree, 7);
	add_big(&tree, 0x1000);
	add_big(&tree, 16);
	if (d->is_coherent) {
		add_big(&tree, 3);
		add_big(&tree, 0);
		add_big(&tree, 11);
	}
	add_big(&tree, 2);
	add_big(&tree, 2);
	add_big(&tree, 9);
	for (size_t i = 0; i < 10; i++) {
		const uint32_t head[] = { 0xd00dfeed, 56 + (uint32_t)tree.len + names_len, 56, 56 + (uint32_t)tree.len, 40, 17,
					  16,	      d->boot, names_len, (uint32_t)tree.len };

		add_big(out, head[i]);
	}
	assay_buf_add(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assay_buf_add(out, tree.data, tree.len);
	assay_buf_add(out, names, names_len);
}

static const struct {
	struct device other;
	const char *says;
} devices[] = {
	{ { "disabled", "uart@1000", false, 0 }, "\"/uart@1000\", \"status\"" },
	{ { "disabled", "uart@1000", false, 0 }, "\"right\": \"disabled\"" },
	{ { "okay", "uart@2000", false, 0 }, "/uart@2000" },
	{ { "okay", "uart@1000", true, 0 }, "\"/uart@1000\", \"dma\"" },
	{ { "okay", "uart@1000", false, 1 }, "processor" },
};

START_TEST(device_trees)
{
	BUF(left);
	BUF(right);

	make_fdt(&left, &(struct device){ "okay", "uart@1000", false, 0 });
	make_fdt(&right, &devices[_i].other);
	ck_assert_str_eq(structure_of(assay_buf_span(&left)), "fdt canonical");
	assert_differ(&left, &right, devices[_i].says);
}
END_TEST

START_TEST(broken_device_trees)
{
	BUF(tree);

	make_fdt(&tree, &(struct device){ "okay", "uart@1000", false, 0 });
	tree.data[56 + 3] = 7;
	assert_says(structure_of(assay_buf_span(&tree)), "malformed fdt: offset 56: token");
	tree.data[56 + 3] = 1;
	tree.data[15] = 1;
	assert_says(structure_of(assay_buf_span(&tree)), "blocks");
}
END_TEST

/* ---- ogg --------------------------------------------------------------------------------------------- */

static void add_page(struct assay_buf *out, uint32_t serial, uint32_t number, const char *data)
{
	size_t start = out->len;
	uint32_t sum = 0;
	uint8_t len = (uint8_t)strlen(data);

	assay_buf_add(out, number ? "OggS\0\0\0\0\0\0\0\0\0\0" : "OggS\0\2\0\0\0\0\0\0\0\0", 14);
	add_little(out, serial);
	add_little(out, number);
	add_little(out, 0);
	assay_buf_add(out, "\1", 1);
	assay_buf_add(out, &len, 1);
	assay_buf_add_text(out, data);
	for (size_t i = start; i < out->len; i++) {
		sum ^= (uint32_t)(uint8_t)out->data[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7 : 0);
	}
	memcpy(out->data + start + 22, &sum, 4);
}

static void make_ogg(struct assay_buf *out, uint32_t serial, const char *encoder, const char *sound)
{
	add_page(out, serial, 0, "vorbis");
	add_page(out, serial, 1, encoder);
	add_page(out, serial, 2, sound);
}

static const struct {
	uint32_t serial;
	const char *encoder, *sound, *says;
} sounds[] = {
	{ 9, "encoder 1", "tone", "random_hex_identifier" },
	{ 8, "encoder 2", "tone", "stream 0, page 1" },
	{ 8, "encoder 1", "tune", "ogg.data" },
	{ 8, "encoder 1", "tone and more", "ogg.data" },
};

START_TEST(ogg_streams)
{
	BUF(left);
	BUF(right);

	make_ogg(&left, 8, "encoder 1", "tone");
	make_ogg(&right, sounds[_i].serial, sounds[_i].encoder, sounds[_i].sound);
	ck_assert_str_eq(structure_of(assay_buf_span(&left)), "ogg canonical");
	assert_differ(&left, &right, sounds[_i].says);
	left.data[left.len - 1] ^= 1;
	make_ogg(&right, 8, "", "");
	assert_differ(&left, &right, "ogg.sum.wrong");
	assay_buf_add_text(&left, "x");
	assert_says(structure_of(assay_buf_span(&left)), "bytes that are no page");
}
END_TEST

/* ---- rds --------------------------------------------------------------------------------------------- */

#define RDS(writer, encoding, object) "X\n\0\0\0\3\0\4\5" writer "\0\3\5\0\0\0\0\5" encoding object

static const struct {
	const char *bytes, *cause;
} objects[] = {
	{ RDS("\0", "UTF-8", "\0\0\0\20code"), NULL },
	{ RDS("\1", "UTF-8", "\0\0\0\20code"), "R 4.5.1" },
	{ RDS("\1", "UTF-8", "\0\0\0\20code"), "tool_version_differs" },
	{ RDS("\0", "ASCII", "\0\0\0\20code"), "different_due_to_locale" },
	{ RDS("\0", "UTF-8", "\0\0\0\20kode"), "unexplained_code_change" },
};

START_TEST(objects_of_r)
{
	const size_t size = sizeof(RDS("\0", "UTF-8", "\0\0\0\20code"));
	BUF(left);
	BUF(right);

	assay_buf_add(&left, objects[0].bytes, size);
	assay_buf_add(&right, objects[_i].bytes, size);
	ck_assert_str_eq(structure_of(assay_buf_span(&left)), "rds canonical");
	assert_differ(&left, &right, objects[_i].cause);
}
END_TEST

/* ---- ico --------------------------------------------------------------------------------------------- */

static void make_ico(struct assay_buf *out, char width, const char *pixels)
{
	uint32_t length = 40 + (uint32_t)strlen(pixels);

	assay_buf_add(out, "\0\0\1\0\1\0", 6);
	assay_buf_add(out, &width, 1);
	assay_buf_add(out, "\x10\0\0\1\0\x20\0", 7);
	add_little(out, length);
	add_little(out, 22);
	add_little(out, 40);
	assay_buf_add(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36);
	assay_buf_add_text(out, pixels);
}

START_TEST(icons)
{
	BUF(left);
	BUF(size);
	BUF(image);

	make_ico(&left, 16, "pixels");
	make_ico(&size, 32, "pixels");
	make_ico(&image, 16, "other pixels");
	ck_assert_str_eq(structure_of(assay_buf_span(&left)), "ico canonical");
	assert_differ(&left, &size, "\"width\"");
	assert_differ(&left, &image, "\"image 0\"");
	assay_buf_add_text(&left, "x");
	assert_differ(&left, &image, "ico.gap");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, device_trees, 0, sizeof(devices) / sizeof(devices[0]));
	tcase_add_test(tcase, broken_device_trees);
	tcase_add_loop_test(tcase, ogg_streams, 0, sizeof(sounds) / sizeof(sounds[0]));
	tcase_add_loop_test(tcase, objects_of_r, 1, sizeof(objects) / sizeof(objects[0]));
	tcase_add_test(tcase, icons);
}

int main(void)
{
	return run_suite("fmt_chunks", add_tests);
}
