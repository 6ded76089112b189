/* SPDX-License-Identifier: Apache-2.0 */
/* "imageconfig": times of creation fold, what a runtime runs never does.  "oci": archives of images are
 * tested whole by tests/adversarial; here only what is taken for one. */
#include "pair.h"

#define CONFIG(created, rest)                                                                      \
	"{\"created\":\"" created "\",\"config\":{" rest "},\"rootfs\":{\"type\":\"layers\","        \
	"\"diff_ids\":[\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}}"

static const struct {
	const char *right, *want;
} configs[] = {
	{ CONFIG("2021-02-03T04:05:06Z", ""), "equivalent: image-created" },
	{ CONFIG("2021-02-03T04:05:06.123456789Z", ""), "equivalent: image-created" },
	{ CONFIG("2021-02-03T04:05:06+02:00", ""), "equivalent: image-created" },
	{ CONFIG("2021-02-03", ""), "divergent" },
	{ CONFIG("2021-02-03T04:05:06Z $(reboot)", ""), "divergent" },
	{ CONFIG("2020-01-01T00:00:00Z", "\"User\":\"root\""), "divergent" },
	{ CONFIG("2020-01-01T00:00:00Z", "\"X\":\"\\\"created\\\":\\\"2021-02-03T04:05:06Z\\\"\""),
	  "divergent" },
	{ "{\"rootfs\":{\"diff_ids\":[]}}", "divergent" },
};

START_TEST(configurations)
{
	struct assay_span left = assay_span_text(CONFIG("2020-01-01T00:00:00Z", ""));
	struct assay_span right = assay_span_text(configs[_i].right);

	assert_says(structure_of(left), "imageconfig canonical");
	assert_says(pair_verdict(left, right), configs[_i].want);
	assert_says(pair_verdict(right, left), configs[_i].want);
}
END_TEST

/* A ustar header with a right checksum, and no data. */
static void add_entry(struct assay_buf *out, const char *name)
{
	char block[512] = { 0 };
	unsigned sum = 0;

	snprintf(block, 100, "%s", name);
	snprintf(block + 100, 8, "0000644");
	snprintf(block + 108, 8, "0000000");
	snprintf(block + 116, 8, "0000000");
	snprintf(block + 124, 12, "00000000000");
	snprintf(block + 136, 12, "00000000000");
	memcpy(block + 257, "ustar\0" "00", 8);
	memset(block + 148, ' ', 8);
	block[156] = '0';
	memset(block + 157, 0, 9);
	for (int i = 0; i < 512; i++)
		sum += (uint8_t)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	assay_buf_add(out, block, 512);
}

static const struct {
	const char *names[3], *want;
} archives[] = {
	{ { "oci-layout", "index.json", "repositories" }, "oci canonical" },
	{ { "manifest.json", "repositories", NULL }, "oci canonical" },
	{ { "index.json", "README", NULL }, "tar canonical" },
	{ { "oci-layout", "repositories", NULL }, "tar canonical" },
	{ { "index.json", "index.json", NULL }, "oci ambiguous: member \"index.json\" comes twice" },
	{ { "index.json",
	    "blobs/sha256/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL },
	  "the name is not the SHA-256 of the content" },
};

START_TEST(archives_of_images)
{
	assay_auto(assay_buf_release) struct assay_buf file = ASSAY_BUF_INIT(ASSAY_MIB);
	static const uint8_t end[1024];

	for (size_t i = 0; i < 3 && archives[_i].names[i]; i++)
		add_entry(&file, archives[_i].names[i]);
	assay_buf_add(&file, end, sizeof(end));
	assert_says(structure_of(assay_buf_span(&file)), archives[_i].want);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, configurations, 0, sizeof(configs) / sizeof(configs[0]));
	tcase_add_loop_test(tcase, archives_of_images, 0, sizeof(archives) / sizeof(archives[0]));
}

int main(void)
{
	return run_suite("image", add_tests);
}
