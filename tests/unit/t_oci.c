/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCI runtime is asked for, and which ones are asked.  Boxes made by one: tests/hostile. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/file.h"
#include "lib/box/oci_config.h"
#include "lib/box/oci_runtime.h"
#include "lib/box/wire.h"

static const struct {
	const char *runtime, *version;
	bool outdated;
} versions[] = {
	{ "runc", "1.1.5+ds1", true },	{ "runc", "1.2.9", true },
	{ "runc", "1.3.5", true },	{ "runc", "1.3.6", false },
	{ "runc", "1.4.0", true },	{ "runc", "1.4.3", false },
	{ "runc", "1.5.0-rc.2", true }, { "runc", "2.0", false },
	{ "crun", "1.8.1", true },	{ "crun", "1.27.1", true },
	{ "crun", "1.28", false },	{ "crun", "1.100", false },
	{ "runsc", "0.0~20221219.0", true }, { "runsc", "release-20250407.0", false },
	{ "runsc", "VERSION_MISSING", true },
	{ "kata-runtime", "3.28.0", true }, { "kata-runtime", "3.29.0", false },
	{ "runc", "unknown", true },
};

START_TEST(versions_with_known_holes)
{
	ck_assert_int_eq(oci_version_is_outdated(oci_kind_find(versions[_i].runtime),
						 versions[_i].version),
			 versions[_i].outdated);
}
END_TEST

/* A runtime as far as --version goes. */
static void make_runtime(char *path, size_t size, const char *name, const char *version)
{
	struct assay_error err;
	char dir[] = "/tmp/t_oci.XXXXXX", script[128];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, size, "%s/%s", dir, name);
	snprintf(script, sizeof(script), "#!/bin/sh\necho '%s'\n", version);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, path, assay_span_text(script), 0755, &err), ASSAY_OK);
}

static void remove_runtime(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

START_TEST(outdated_is_refused_unless_allowed)
{
	struct oci_runtime runtime;
	struct assay_error err;
	char path[64];

	make_runtime(path, sizeof(path), "runc", "runc version 1.1.5+ds1");
	ck_assert_int_eq(oci_runtime_find(path, 0, &runtime, &err), ASSAY_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "too old: want 1.3.6 or 1.4.3 (CVE-2025-31133"));
	ck_assert_int_eq(oci_runtime_find(path, ASSAY_BOX_ALLOW_UNTESTED, &runtime, &err),
			 ASSAY_EUNSUPPORTED);
	ck_assert_int_eq(oci_runtime_find(path, ASSAY_BOX_ALLOW_OUTDATED, &runtime, &err), ASSAY_OK);
	ck_assert_str_eq(runtime.version, "1.1.5+ds1");
	ck_assert(runtime.outdated);
	remove_runtime(path);
}
END_TEST

START_TEST(untested_is_refused_unless_allowed)
{
	struct oci_runtime runtime;
	struct assay_error err;
	char path[64];

	make_runtime(path, sizeof(path), "kata-runtime", "kata-runtime  : 3.29.0");
	ck_assert_int_eq(oci_runtime_find(path, ASSAY_BOX_ALLOW_OUTDATED, &runtime, &err),
			 ASSAY_EUNSUPPORTED);
	ck_assert_int_eq(oci_runtime_find(path, ASSAY_BOX_ALLOW_UNTESTED, &runtime, &err), ASSAY_OK);
	ck_assert_str_eq(runtime.version, "3.29.0");
	remove_runtime(path);
}
END_TEST

START_TEST(a_usable_one_is_taken)
{
	struct oci_runtime runtime;
	struct assay_error err;
	char path[64];

	make_runtime(path, sizeof(path), "crun-1.29", "crun version 1.29");
	ck_assert_int_eq(oci_runtime_find(path, 0, &runtime, &err), ASSAY_OK);
	ck_assert_str_eq(runtime.kind->name, "crun");
	remove_runtime(path);
	ck_assert_int_eq(oci_runtime_find(path, 0, &runtime, &err), ASSAY_EINPUT);
	ck_assert_int_eq(oci_runtime_find("/nonexistent/crun", 0, &runtime, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(oci_runtime_find("docker", 0, &runtime, &err), ASSAY_EINPUT);
}
END_TEST

static json_t *config(uint32_t skip, uint32_t map_count)
{
	static const struct assay_box_mount mounts[] = { { "/usr", "/usr" }, { NULL, NULL } };
	const struct assay_box_policy policy = { .workspace = "/build/x", .mounts = mounts, .uid = 1000,
						 .gid = 1000, .hostname = "assay" };
	const struct box_settings settings = { .skip = skip, .map_count = map_count };
	struct assay_buf out = ASSAY_BUF_INIT(1 << 20);
	struct assay_error err;
	json_t *json;

	ck_assert_int_eq(oci_config_write(&policy, &settings, &out, &err), ASSAY_OK);
	ck_assert_int_eq(assay_json_parse(assay_buf_span(&out), "config.json", &json, &err), ASSAY_OK);
	assay_buf_release(&out);
	return json;
}

static bool holds(const json_t *array, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

START_TEST(the_bundle_gives_nothing_away)
{
	json_t *whole = config(0, 65536);
	const json_t *process = json_object_get(whole, "process");
	const json_t *os = json_object_get(whole, "linux"), *mounts = json_object_get(whole, "mounts");
	json_t *item;
	const char *key;
	size_t i;

	ck_assert(assay_json_bool(process, "noNewPrivileges"));
	ck_assert(!assay_json_bool(process, "terminal"));
	ck_assert_int_eq(assay_json_int(json_object_get(process, "user"), "uid", -1), 1000);
	json_object_foreach (json_object_get(process, "capabilities"), key, item)
		ck_assert_uint_eq(json_array_size(item), 0);
	ck_assert(assay_json_bool(json_object_get(whole, "root"), "readonly"));
	ck_assert_uint_eq(json_array_size(json_object_get(os, "namespaces")), 6);
	ck_assert(holds(json_object_get(os, "maskedPaths"), "/proc/interrupts"));
	/* runc would refuse to mount on it */
	ck_assert(holds(json_object_get(os, "maskedPaths"), "/proc/cmdline"));
	ck_assert(holds(json_object_get(os, "maskedPaths"), "/proc/sys/kernel/random/boot_id"));
	ck_assert(!holds(json_object_get(os, "maskedPaths"), "/proc/cpuinfo"));
	ck_assert(!holds(json_object_get(os, "maskedPaths"), "/proc/1"));
	ck_assert(holds(json_object_get(os, "readonlyPaths"), "/proc/sys"));
	json_array_foreach (mounts, i, item) {
		const char *target = assay_json_text(item, "destination", "");

		ck_assert(holds(json_object_get(item, "options"), "nosuid"));
		if (strcmp(target, "/usr") == 0)
			ck_assert(holds(json_object_get(item, "options"), "ro"));
	}
	json_decref(whole);
}
END_TEST

START_TEST(a_single_id_is_root_s_at_first)
{
	json_t *whole = config(0, 0);
	const json_t *process = json_object_get(whole, "process");
	const json_t *sets = json_object_get(process, "capabilities");

	ck_assert_int_eq(assay_json_int(json_object_get(process, "user"), "uid", -1), 0);
	ck_assert(holds(json_object_get(sets, "effective"), "CAP_SETFCAP"));
	ck_assert_uint_eq(json_array_size(json_object_get(sets, "effective")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(sets, "ambient")), 0);
	json_decref(whole);
}
END_TEST

START_TEST(a_layer_left_out_is_not_asked_for)
{
	json_t *whole = config(1u << LAYER_NETNS | 1u << LAYER_ROOT, 65536);

	ck_assert(!assay_json_bool(json_object_get(whole, "root"), "readonly"));
	ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(whole, "linux"),
							  "namespaces")), 5);
	json_decref(whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci");
	TCase *cases = tcase_create("oci");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, versions_with_known_holes, 0, sizeof(versions) / sizeof(versions[0]));
	tcase_add_test(cases, outdated_is_refused_unless_allowed);
	tcase_add_test(cases, untested_is_refused_unless_allowed);
	tcase_add_test(cases, a_usable_one_is_taken);
	tcase_add_test(cases, the_bundle_gives_nothing_away);
	tcase_add_test(cases, a_single_id_is_root_s_at_first);
	tcase_add_test(cases, a_layer_left_out_is_not_asked_for);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
