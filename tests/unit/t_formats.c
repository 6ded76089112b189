/* SPDX-License-Identifier: Apache-2.0 */
/* Each format on files that its own tool makes: found by content, laid out without a gap, structure
 * canonical; and damaged at every kind of place without a crash or a false "same". */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/file.h"
#include "assay/path.h"
#include "assay/process.h"
#include "normalizers/anatomy.h"

static const struct {
	const char *format;
	const char *command; /* leaves the sample in "out"; runs in a directory with files a and b */
} samples[] = {
	{ "text", "cat a >out" },
	{ "binary", "printf '\\001\\002\\377\\000\\000' >out" },
	{ "tar", "tar --format=ustar -cf out a b" },
	{ "tar", "tar --format=pax -cf out a b" },
	{ "tar", "tar --format=gnu -cf out a b" },
	{ "gzip", "gzip -nc a >out" },
	{ "xz", "xz -c a >out" },
	{ "zstd", "zstd -qc a >out" },
	{ "bzip2", "bzip2 -c a >out" },
	{ "ar", "ar rcD out a b" },
	{ "zip", "python3 -c 'import zipfile as z; f = z.ZipFile(\"out\", \"w\"); f.write(\"a\"); "
		 "f.write(\"b\")'" },
	{ "deb", "mkdir -p d/DEBIAN && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\n"
		 "Maintainer: m <m@x>\\nDescription: d\\n' >d/DEBIAN/control && "
		 "dpkg-deb --root-owner-group -b d out" },
	{ "alpine", "tar --format=ustar -cf - a b | gzip -nc >data.gz && printf 'pkgname = x\\ndatahash = %s\\n' "
		    "$(sha256sum <data.gz | cut -c1-64) >.PKGINFO && tar --format=ustar -cf - .PKGINFO | "
		    "head -c 1024 | gzip -nc >out && cat data.gz >>out" },
};

#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static char *directory;

static void shell(const char *command)
{
	const char *const argv[] = { "sh", "-ec", command, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;

	process.argv = argv;
	process.directory = directory;
	ck_assert_msg(assay_process_must(&process, &err) == ASSAY_OK, "%s: %s", command, err.msg);
}

static void set_up(void)
{
	const char *parent = getenv("TMPDIR");
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(assay_path_make_temp(parent ? parent : "/tmp", "assay-formats-", &directory,
					      &err),
			 ASSAY_OK);
	shell("for i in 1 2 3 4 5 6 7 8 9; do echo line $i of a text; done >a; echo other >b");
}

static void tear_down(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, directory, &err), ASSAY_OK);
	free(directory);
}

static uint64_t tile(const struct assay_node *node, uint64_t at)
{
	if (!node->first) {
		ck_assert_uint_eq(node->offset, at);
		return at + node->length;
	}
	for (const struct assay_node *child = node->first; child; child = child->next)
		at = tile(child, at);
	return at;
}

static struct assay_map make_sample(int i)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	assay_auto(assay_freep) char *path = assay_path_join(directory, "out");
	struct assay_map map;

	shell(samples[i].command);
	ck_assert_int_eq(assay_map_file(path, &map, &err), ASSAY_OK);
	return map;
}

START_TEST(is_found_and_laid_out)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_map map = make_sample(_i);
	struct assay_anatomy anatomy;

	ck_assert_int_eq(assay_anatomy_open(map.bytes, &anatomy, &err), ASSAY_OK);
	ck_assert_str_eq(anatomy.format->name, samples[_i].format);
	ck_assert_uint_eq(tile(anatomy.root, 0), map.bytes.len);
	ck_assert_msg(anatomy.structure == ASSAY_CANONICAL, "%s: %s", samples[_i].command,
		      anatomy.reason);
	assay_anatomy_release(&anatomy);
	assay_map_release(&map);
}
END_TEST

static int write_copy(struct assay_span bytes)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	int fd = -1;

	ck_assert_int_eq(assay_spill_open(&fd, &err), ASSAY_OK);
	ck_assert_int_eq(assay_fd_write(fd, bytes.data, bytes.len, &err), ASSAY_OK);
	return fd;
}

/* A file against a damaged copy: any verdict but "reproducible". */
static void compare_with(struct assay_span good, struct assay_span damaged)
{
	struct assay_compare_options options = { .spill_fd = { -1, -1 } };
	struct assay_side left = { "left", write_copy(good), NULL };
	struct assay_side right = { "right", write_copy(damaged), NULL };
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *report = NULL;

	ck_assert_msg(assay_compare(&left, &right, &options, &report, &err) == ASSAY_OK, "%s",
		      err.msg);
	ck_assert_str_ne(assay_json_text(report, "verdict", "reproducible"), "reproducible");
	json_decref(report);
	close(left.fd);
	close(right.fd);
}

START_TEST(damage_is_never_the_same)
{
	struct assay_map map = make_sample(_i);
	size_t len = map.bytes.len, step = len / 40 + 1;
	uint8_t *copy = malloc(len);

	for (size_t at = 0; at < len; at += step) {
		memcpy(copy, map.bytes.data, len);
		copy[at] ^= 0x10;
		compare_with(map.bytes, assay_span_of(copy, len));
		compare_with(map.bytes, assay_span_of(map.bytes.data, at));
	}
	free(copy);
	assay_map_release(&map);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("formats");
	TCase *tc = tcase_create("formats");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, is_found_and_laid_out, 0, SAMPLE_COUNT);
	tcase_add_loop_test(tc, damage_is_never_the_same, 0, SAMPLE_COUNT);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
