/* SPDX-License-Identifier: Apache-2.0 */
/* What lib/debian keeps in the store between runs, and what packages in it tell: locks once resolved,
 * and how old a package is. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/log.h"
#include "assay/path.h"
#include "lib/debian/resolved.h"

#define SUM "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LOCK "assay-lock 2\nsuite bookworm\narchitecture amd64\nusr split\nepoch 1700000000\n"          \
	     "0 base-files 12 amd64 " SUM " 10 pool/b/base-files_12_amd64.deb\n"

static char top[] = "/tmp/t_resolved_XXXXXX";
static struct assay_store *store;

static void setup(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_msg(!assay_store_open(top, &store, &err), "%s", err.msg);
	assay_log_set_level(ASSAY_LOG_ERROR);
}

static void teardown(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	assay_store_free(store);
	ck_assert(!assay_path_remove_tree(AT_FDCWD, top, &err));
}

static void overwrite(const char *name, const char *text)
{
	assay_auto(assay_freep) char *path = assay_path_join(top, name);
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_msg(!assay_file_write(AT_FDCWD, path, assay_span_text(text), 0644, &err), "%s",
		      err.msg);
}

static bool is_found(const struct assay_digest *key)
{
	struct assay_lock lock;

	if (!debian_resolved_get(store, key, &lock))
		return false;
	ck_assert_uint_eq(lock.package_count, 1);
	assay_lock_release(&lock);
	return true;
}

static const char *lock_text(void)
{
	static char text[1024];
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_span(assay_span_text(LOCK), &digest);
	snprintf(text, sizeof(text), LOCK "end %s\n", assay_digest_hex(&digest, hex));
	return text;
}

START_TEST(answers_are_kept_and_checked)
{
	struct assay_digest key, other, content;
	struct assay_error err = ASSAY_ERROR_INIT;
	char name[128], hex[ASSAY_DIGEST_TEXT];
	struct assay_lock lock;
	const char *text;

	assay_digest_span(assay_span_text("key"), &key);
	assay_digest_span(assay_span_text("other"), &other);
	text = lock_text();
	assay_digest_span(assay_span_text(text), &content);
	ck_assert_msg(!assay_lock_read(assay_span_text(text), "x", &lock, &err), "%s", err.msg);
	ck_assert(!is_found(&key));
	debian_resolved_put(store, &key, &lock);
	ck_assert(is_found(&key));
	ck_assert(!is_found(&other));

	snprintf(name, sizeof(name), "resolved/%s", assay_digest_hex(&key, hex));
	overwrite(name, "not a digest\n");
	ck_assert(!is_found(&key));
	overwrite(name, SUM "\n");
	ck_assert(!is_found(&key));

	debian_resolved_put(store, &key, &lock);
	ck_assert(is_found(&key));
	assay_digest_hex(&content, hex);
	snprintf(name, sizeof(name), "blobs/%.2s/%s", hex, hex);
	overwrite(name, "assay-lock 1\n");
	ck_assert(!is_found(&key));
	debian_resolved_put(store, &key, &lock);
	ck_assert(is_found(&key));
	assay_lock_release(&lock);
}
END_TEST

START_TEST(keys_tell_apart_what_differs)
{
	struct assay_debian_file dsc = { .name = "a.dsc" };
	struct assay_debian_build build = { .sources = &dsc, .source_count = 1, .kind = "any" };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_digest keys[5];

	ck_assert(!debian_resolved_key(&build, &keys[0], &err));
	build.kind = "any,all";
	ck_assert(!debian_resolved_key(&build, &keys[1], &err));
	build.basis.bytes[0] = 1;
	ck_assert(!debian_resolved_key(&build, &keys[2], &err));
	dsc.sha256.bytes[0] = 1;
	ck_assert(!debian_resolved_key(&build, &keys[3], &err));
	build.installed = "a (= 1)";
	ck_assert(!debian_resolved_key(&build, &keys[4], &err));
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert(!assay_digest_equal(&keys[i], &keys[k]));
}
END_TEST

static struct assay_digest put_deb(const char *date)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_digest digest;
	char text[200];

	snprintf(text, sizeof(text), "!<arch>\ndebian-binary   %-12s0     0     100644  4         `\n2.0\n",
		 date);
	ck_assert(!assay_store_put_span(store, assay_span_text(text), &digest, &err));
	return digest;
}

START_TEST(younger_packages_are_named)
{
	struct assay_debian_file packages[] = {
		{ .package = "old", .version = "1", .sha256 = put_deb("1600000000") },
		{ .package = "gcc-12", .version = "12.2", .sha256 = put_deb("1700000001") },
		{ .package = "same", .version = "1", .sha256 = put_deb("1700000000") },
		{ .package = "absent", .version = "1", .sha256 = { { 7 } } },
		{ .package = "odd", .version = "1", .sha256 = put_deb("soon") },
	};
	struct assay_lock lock = { .packages = packages, .package_count = 5 };
	json_t *newer = assay_debian_newer(store, &lock, 1700000000);
	const json_t *list = json_object_get(newer, "packages");
	int64_t date;

	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(assay_json_text(json_array_get(list, 0), "name", ""), "gcc-12");
	ck_assert_str_eq(assay_json_text(json_array_get(list, 0), "date", ""),
			 "2023-11-14T22:13:21Z");
	ck_assert_str_eq(assay_json_text(newer, "than", ""), "2023-11-14T22:13:20Z");
	ck_assert_int_eq(assay_json_int(newer, "unknown", 0), 2);
	json_decref(newer);
	ck_assert(assay_debian_package_date(store, &packages[0].sha256, &date));
	ck_assert_int_eq(date, 1600000000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("resolved");
	TCase *c = tcase_create("resolved");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, answers_are_kept_and_checked);
	tcase_add_test(c, keys_tell_apart_what_differs);
	tcase_add_test(c, younger_packages_are_named);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
