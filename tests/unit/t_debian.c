/* SPDX-License-Identifier: Apache-2.0 */
/* lib/debian without a network: control data, names, locks, commands, sources, trees. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/deb822.h"
#include "assay/debian.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "lib/debian/buildinfo.h"
#include "lib/debian/sources.h"
#include "lib/debian/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_span(struct assay_span have, const char *want)
{
	ck_assert_msg(assay_span_equal_text(have, want), "want \"%s\", have \"%.*s\"", want,
		      ASSAY_SPAN_ARGS(have));
}

START_TEST(fields_are_found_and_folded)
{
	static const char text[] = "\n \nPackage: one\nversion:  1.0 \nX:\n a\n# no\n b\n\t\n"
				   "Package: two\nPackages: not this\n";
	struct assay_span rest = assay_span_text(text), stanza;

	ck_assert(assay_deb822_next(&rest, &stanza));
	assert_span(assay_deb822_field(stanza, "Package"), "one");
	assert_span(assay_deb822_field(stanza, "Version"), "1.0");
	assert_span(assay_deb822_field(stanza, "X"), "a\n# no\n b");
	ck_assert_ptr_null(assay_deb822_field(stanza, "Pack").data);
	ck_assert_ptr_null(assay_deb822_field(stanza, "a").data);
	ck_assert(assay_deb822_next(&rest, &stanza));
	assert_span(assay_deb822_field(stanza, "Package"), "two");
	ck_assert(!assay_deb822_next(&rest, &stanza));
}
END_TEST

START_TEST(lists_are_cut_into_parts)
{
	struct assay_span words = assay_span_text("  a\tb\n c "), part;
	struct assay_span items = assay_span_text("a (= 1),\n ,b | c , d,");
	struct assay_span lines = assay_span_text("\n x 1\n#c\n y 2");

	ck_assert(assay_deb822_next_word(&words, &part));
	assert_span(part, "a");
	ck_assert(assay_deb822_next_word(&words, &part));
	ck_assert(assay_deb822_next_word(&words, &part));
	assert_span(part, "c");
	ck_assert(!assay_deb822_next_word(&words, &part));
	ck_assert(assay_deb822_next_item(&items, &part));
	assert_span(part, "a (= 1)");
	ck_assert(assay_deb822_next_item(&items, &part));
	assert_span(part, "b | c");
	ck_assert(assay_deb822_next_item(&items, &part));
	assert_span(part, "d");
	ck_assert(!assay_deb822_next_item(&items, &part));
	ck_assert(assay_deb822_next_line(&lines, &part));
	assert_span(part, "x 1");
	ck_assert(assay_deb822_next_line(&lines, &part));
	assert_span(part, "y 2");
}
END_TEST

START_TEST(malformed_stanzas_are_refused)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ " first\n", "continues a field" }, { "A: 1\na: 2\n", "twice" },
		{ "no colon\n", "Field: value" },    { "A b: 1\n", "Field: value" },
		{ ": 1\n", "Field: value" },	     { "-A: 1\n", "Field: value" },
	};
	struct assay_error err = ASSAY_ERROR_INIT;

	for (size_t i = 0; i < COUNT(cases); i++) {
		ck_assert_int_eq(assay_deb822_check(assay_span_text(cases[i].text), &err),
				 ASSAY_EINPUT);
		ck_assert_msg(strstr(err.msg, cases[i].why), "%s", err.msg);
	}
	ck_assert_int_eq(assay_deb822_check(assay_span_of("A: \0", 4), &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_deb822_check(assay_span_text("A: 1\n b\n#c\nB:\n"), &err), ASSAY_OK);
}
END_TEST

START_TEST(signed_text_is_unwrapped)
{
	static const char wrapped[] = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
				      "A: 1\n- -----B: x\n\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
				      "-----END PGP SIGNATURE-----\nC: 3\n";
	static const char open_ended[] = "-----BEGIN PGP SIGNED MESSAGE-----\n\nA: 1\n";
	struct assay_buf out = ASSAY_BUF_INIT(1000);
	struct assay_error err = ASSAY_ERROR_INIT;
	bool is_signed;

	ck_assert_int_eq(assay_deb822_unwrap(assay_span_text(wrapped), &out, &is_signed, &err),
			 ASSAY_OK);
	ck_assert(is_signed);
	ck_assert_str_eq(assay_buf_text(&out), "A: 1\n-----B: x\n\n");
	ck_assert_int_eq(assay_deb822_unwrap(assay_span_text("A: 1\n"), &out, &is_signed, &err),
			 ASSAY_OK);
	ck_assert(!is_signed);
	ck_assert_str_eq(assay_buf_text(&out), "A: 1\n");
	ck_assert_int_eq(assay_deb822_unwrap(assay_span_text(open_ended), &out, &is_signed, &err),
			 ASSAY_EINPUT);
	assay_buf_release(&out);
}
END_TEST

START_TEST(package_urls)
{
	static const struct {
		const char *purl, *name, *version, *architecture;
	} good[] = {
		{ "pkg:deb/debian/hello", "hello", "", "" },
		{ "pkg:deb/debian/hello@2.10-3?arch=amd64", "hello", "2.10-3", "amd64" },
		{ "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1", "libstdc++6",
		  "12.2.0-14+deb12u1", "" },
		{ "pkg:deb/debian/gcc@4%3A12.2.0-3?arch=kfreebsd-amd64", "gcc", "4:12.2.0-3",
		  "kfreebsd-amd64" },
		{ "pkg:deb/debian/a0@1%7erc1", "a0", "1~rc1", "" },
	};
	static const char *const bad[] = {
		"hello", "pkg:deb/ubuntu/hello", "pkg:deb/debian/", "pkg:deb/debian/Hello",
		"pkg:deb/debian/-o", "pkg:deb/debian/a/../b", "pkg:deb/debian/hello@",
		"pkg:deb/debian/hello@-1", "pkg:deb/debian/hello@1;rm", "pkg:deb/debian/hello@1%2",
		"pkg:deb/debian/hello@1%00", "pkg:deb/debian/hello@1%zz",
		"pkg:deb/debian/hello?arch=", "pkg:deb/debian/hello?distro=sid",
		"pkg:deb/debian/hello?arch=amd64&arch=i386", "pkg:deb/debian/hello?arch=../x",
		"pkg:deb/debian/he%20llo",
	};
	struct assay_debian_target t;
	struct assay_error err = ASSAY_ERROR_INIT;

	for (size_t i = 0; i < COUNT(good); i++) {
		ck_assert_msg(assay_debian_target_parse(good[i].purl, &t, &err), "%s", err.msg);
		ck_assert_str_eq(t.name, good[i].name);
		ck_assert_str_eq(t.version, good[i].version);
		ck_assert_str_eq(t.architecture, good[i].architecture);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		ck_assert_msg(!assay_debian_target_parse(bad[i], &t, &err), "%s", bad[i]);
		ck_assert_int_eq(err.code, ASSAY_EUSAGE);
	}
}
END_TEST

START_TEST(versions)
{
	static const struct {
		const char *version, *bare, *upstream;
	} cases[] = {
		{ "2.10-3", "2.10-3", "2.10" },	      { "2.10-3+b1", "2.10-3", "2.10" },
		{ "1:2.3-4-5+b12", "1:2.3-4-5", "2.3-4" }, { "20210101", "20210101", "20210101" },
		{ "1.0+b", "1.0+b", "1.0+b" },	      { "1.0-1+deb12u4", "1.0-1+deb12u4", "1.0" },
		{ "5", "5", "5" },		      { "+b1", "+b1", "+b1" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct assay_span v = assay_span_text(cases[i].version);

		assert_span(debian_version_without_binnmu(v), cases[i].bare);
		assert_span(debian_version_upstream(debian_version_without_binnmu(v)),
			    cases[i].upstream);
	}
}
END_TEST

#define SUM "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD "assay-lock 2\nsuite bookworm\narchitecture amd64\nusr split\nepoch 1700000000\n"
#define LINE_A "0 base-files 12 amd64 " SUM " 10 pool/b/base-files_12_amd64.deb\n"
#define LINE_B "1 debhelper 13.11 all " SUM " 20 pool/d/debhelper_13.11_all.deb\n"

/* The lock with its last line. */
static const char *ended(const char *body)
{
	static char text[4096];
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_span(assay_span_text(body), &digest);
	snprintf(text, sizeof(text), "%send %s\n", body, assay_digest_hex(&digest, hex));
	return text;
}

START_TEST(lock_round_trip)
{
	static const char body[] = HEAD LINE_A LINE_B;
	const char *text = ended(body);
	struct assay_buf out = ASSAY_BUF_INIT(4096);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_digest want;
	struct assay_lock lock;

	ck_assert_msg(!assay_lock_read(assay_span_text(text), "x", &lock, &err), "%s", err.msg);
	ck_assert_uint_eq(lock.package_count, 2);
	ck_assert_str_eq(lock.packages[1].name, "debhelper_13.11_all.deb");
	ck_assert_uint_eq(lock.packages[1].stage, 1);
	ck_assert_int_eq(lock.epoch, 1700000000);
	assay_lock_write(&lock, &out);
	ck_assert_str_eq(assay_buf_text(&out), text);
	assay_digest_span(assay_span_text(body), &want);
	ck_assert(assay_digest_equal(&want, &lock.digest));
	assay_lock_release(&lock);
	assay_buf_release(&out);
}
END_TEST

START_TEST(hostile_locks_are_refused)
{
	static const char *const bad[] = {
		"", "assay-lock 1\n", "assay-lock 2\nsuite bookworm\n",
		"assay-lock 2\nsuite bookworm\narchitecture amd64\nusr both\nepoch 5\n", HEAD "junk\n",
		HEAD LINE_B LINE_A, HEAD LINE_A LINE_A, HEAD LINE_A "\n",
		HEAD "0 a-b 1 amd64 " SUM " 10 ../../etc/a-b_1_amd64.deb\n",
		HEAD "0 a-b 1 amd64 " SUM " 10 /pool/a-b_1_amd64.deb\n",
		HEAD "0 --opt 1 amd64 " SUM " 10 pool/a.deb\n",
		HEAD "0 a-b -1 amd64 " SUM " 10 pool/a.deb\n",
		HEAD "0 a-b 1 amd64 " SUM " 010 pool/a.deb\n",
		HEAD "99 a-b 1 amd64 " SUM " 10 pool/a.deb\n",
		HEAD "0  a-b 1 amd64 " SUM " 10 pool/a.deb\n",
		HEAD "0 a-b 1 amd64 " SUM " 10 pool/a.deb extra\n",
		HEAD "0 a-b 1 amd64 AAAA 10 pool/a.deb\n",
		HEAD "0 a-b 1 amd64 " SUM " 10 pool/a.deb",
		"assay-lock 2\nsuite bookworm\narchitecture amd64\nusr split\nepoch -5\n",
		"assay-lock 2\nsuite ../x\narchitecture amd64\nusr split\nepoch 5\n",
	};
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_lock lock;

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(assay_lock_read(assay_span_text(ended(bad[i])), "x", &lock, &err) ==
				      ASSAY_EINPUT,
			      "accepted or other error: %s", bad[i]);
}
END_TEST

START_TEST(edited_locks_are_refused)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_lock lock;
	char *text = strdup(ended(HEAD LINE_A LINE_B));

	ck_assert(!assay_lock_read(assay_span_text(text), "x", &lock, &err));
	assay_lock_release(&lock);
	*strstr(text, "12 amd64") = '9';
	ck_assert_int_eq(assay_lock_read(assay_span_text(text), "x", &lock, &err), ASSAY_EINPUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "it was edited"));
	text[strlen(text) - 1] = '\0';
	ck_assert_int_eq(assay_lock_read(assay_span_text(text), "x", &lock, &err), ASSAY_EINPUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "last line"));
	ck_assert_int_eq(assay_lock_read(assay_span_text(HEAD), "x", &lock, &err), ASSAY_EINPUT);
	free(text);
}
END_TEST

static struct assay_debian_file dsc = { .name = "hello_2.10-3.dsc" };

static struct assay_debian_build a_build(void)
{
	return (struct assay_debian_build){
		.source = "hello",
		.source_version = "2.10-3",
		.binary_version = "2.10-3",
		.build_path = "/build/reproducible-path/hello-2.10",
		.kind = "any",
		.sources = &dsc,
		.source_count = 1,
	};
}

static bool has(const char *const *list, const char *want)
{
	for (; *list; list++)
		if (strcmp(*list, want) == 0)
			return true;
	return false;
}

START_TEST(commands_of_a_build)
{
	static const char *const variables[] = { "DEB_BUILD_OPTIONS=parallel=7", "LD_PRELOAD=/x",
						 "LC_ALL=POSIX", NULL };
	struct assay_debian_command_options options = { .cpus = 3, .run_tests = true };
	struct assay_debian_build build = a_build();
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_debian_commands c;

	ck_assert_int_eq(assay_debian_build_commands(&build, &options, &c, &err), ASSAY_OK);
	ck_assert_str_eq(c.outputs, "reproducible-path");
	ck_assert(has(c.commands, "dpkg-buildpackage -us -uc --build=any"));
	ck_assert(has(c.env, "DEB_BUILD_OPTIONS=parallel=3"));
	ck_assert(!has(c.commands, "cd .. && chmod -R u+w hello-2.10 && rm -rf hello-2.10"));
	assay_debian_commands_release(&c);
	build.kind = "any,all";
	ck_assert_int_eq(assay_debian_build_commands(&build, &options, &c, &err), ASSAY_OK);
	ck_assert(has(c.commands, "dpkg-buildpackage -us -uc --build=any"));
	ck_assert(has(c.commands, "cd .. && chmod -R u+w hello-2.10 && rm -rf hello-2.10"));
	ck_assert(has(c.commands, "dpkg-buildpackage -us -uc --build=all"));
	assay_debian_commands_release(&c);
	build.in_one = true;
	ck_assert_int_eq(assay_debian_build_commands(&build, &options, &c, &err), ASSAY_OK);
	ck_assert(has(c.commands, "dpkg-buildpackage -us -uc --build=any,all"));
	assay_debian_commands_release(&c);
	build.variables = variables;
	ck_assert_int_eq(assay_debian_build_commands(&build, &options, &c, &err), ASSAY_OK);
	ck_assert(has(c.env, "DEB_BUILD_OPTIONS=parallel=7"));
	ck_assert(has(c.env, "LC_ALL=POSIX"));
	ck_assert(!has(c.env, "LC_ALL=C.UTF-8"));
	ck_assert(!has(c.env, "LD_PRELOAD=/x"));
	assay_debian_commands_release(&c);
}
END_TEST

START_TEST(build_paths_stay_in_the_workspace)
{
	static const char *const bad[] = { "/", "/etc/x", "/build", "/build/", "/build/a/-b",
					   "/build/../etc/x", "/build/a/b;id", "/build/a//b",
					   "/build/a/b c", "build/a/b", "/buildx/a/b", "/build/a/" };
	struct assay_debian_command_options options = { .cpus = 1 };
	struct assay_debian_build build = a_build();
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_debian_commands c;

	for (size_t i = 0; i < COUNT(bad); i++) {
		build.build_path = bad[i];
		ck_assert_msg(assay_debian_build_commands(&build, &options, &c, &err), "%s", bad[i]);
	}
	build.build_path = "/build/x";
	ck_assert(!assay_debian_build_commands(&build, &options, &c, &err));
	ck_assert_str_eq(c.outputs, ".");
	ck_assert(has(c.commands, "mkdir -p /build && cd /build"));
	assay_debian_commands_release(&c);
}
END_TEST

START_TEST(binnmu_entry_is_data)
{
	static const char entry[] = "hello (2.10-3+b1) sid; urgency=low, binary-only=yes\n\n"
				    "  * it's $(id) `id` \\ \"x\"\n\n -- buildd  <b@x>  Mon\n\nmore (1)\n";
	static const char *const bad[] = { "", "hello (2.10-3) sid; x\n\n -- a\n",
					   "other (2.10-3+b1) sid; x\n\n -- a\n",
					   "hello (2.10-3+b1) sid; x\n" };
	struct assay_debian_command_options options = { .binnmu_entry = entry, .cpus = 1 };
	struct assay_debian_build build = a_build();
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_debian_commands c;

	build.is_binnmu = true;
	build.binary_version = "2.10-3+b1";
	ck_assert_msg(!assay_debian_build_commands(&build, &options, &c, &err), "%s", err.msg);
	ck_assert_ptr_nonnull(strstr(c.commands[3], "it'\\''s $(id) `id` \\ \"x\""));
	ck_assert_ptr_null(strstr(c.commands[3], "more (1)"));
	assay_debian_commands_release(&c);
	for (size_t i = 0; i < COUNT(bad); i++) {
		options.binnmu_entry = bad[i];
		ck_assert_int_eq(assay_debian_build_commands(&build, &options, &c, &err),
				 ASSAY_EINPUT);
	}
}
END_TEST

static enum assay_code read_info(const char *text, struct debian_buildinfo *info,
				 struct assay_error *err)
{
	char path[] = "/tmp/t_debian_XXXXXX";
	json_t *chain = assay_json_array();
	int fd = mkstemp(path);
	enum assay_code code;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	code = debian_buildinfo_read(&(struct assay_debian_claim){ .path = path }, info, chain, err);
	json_decref(chain);
	unlink(path);
	return code;
}

START_TEST(buildinfo_is_read)
{
	static const char text[] =
		"Format: 1.0\nSource: hello (2.10-3)\nBinary: hello\nArchitecture: amd64\n"
		"Version: 2.10-3+b1\nBinary-Only-Changes:\n hello (2.10-3+b1) sid; urgency=low\n .\n"
		"   * x\n .\n  -- buildd  <b@x>  Mon\n"
		"Checksums-Sha256:\n " SUM " 5 hello_2.10-3+b1_amd64.deb\n"
		"Build-Path: /build/reproducible-path/hello-2.10\n"
		"Installed-Build-Depends:\n autoconf (= 2.71-3),\n libc6:amd64 (= 2.36-9)\n"
		"Environment:\n A=\"b\\\"c\"\n LANG=\"C.UTF-8\"\n";
	struct debian_buildinfo info = DEBIAN_BUILDINFO_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_span rest, name, version;
	struct assay_digest digest;

	ck_assert_msg(!read_info(text, &info, &err), "%s", err.msg);
	ck_assert_str_eq(info.source_version, "2.10-3");
	ck_assert_str_eq(info.version, "2.10-3+b1");
	ck_assert(info.has_any && !info.has_all);
	ck_assert_str_eq(info.variables[0], "A=b\"c");
	ck_assert_str_eq(info.binnmu_entry,
			 "hello (2.10-3+b1) sid; urgency=low\n\n  * x\n\n -- buildd  <b@x>  Mon\n");
	ck_assert(debian_buildinfo_has(&info, "hello_2.10-3+b1_amd64.deb", &digest));
	ck_assert(!debian_buildinfo_has(&info, "other.deb", &digest));
	rest = info.dependencies;
	ck_assert_int_eq(debian_buildinfo_next(&rest, &name, &version, &err), ASSAY_OK);
	ck_assert_int_eq(debian_buildinfo_next(&rest, &name, &version, &err), ASSAY_OK);
	assert_span(name, "libc6");
	assert_span(version, "2.36-9");
	ck_assert_int_eq(debian_buildinfo_next(&rest, &name, &version, &err), ASSAY_END);
	debian_buildinfo_release(&info);
}
END_TEST

START_TEST(hostile_buildinfo_is_refused)
{
#define REST "Architecture: amd64\nInstalled-Build-Depends: a (= 1)\n"
	static const char *const bad[] = {
		"", "Source: a\n", "Source: ../x\nVersion: 1\n" REST, "Source: hello\nVersion: x y\n" REST,
		"Source: hello\nVersion: 1\nEnvironment:\n A=b\n" REST,
		"Source: hello\nVersion: 1\nEnvironment:\n =\"b\"\n" REST,
		"Source: hello\nVersion: 1\nArchitecture: source\nInstalled-Build-Depends: a (= 1)\n",
		"Source: hello\nVersion: 1\nArchitecture: amd64\n",
		"Source: hello\nVersion: 1\nVersion: 2\n" REST,
		"Source: hello\nVersion: 1\n" REST "\nSource: other\n",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct debian_buildinfo info = DEBIAN_BUILDINFO_INIT;
		struct assay_error err = ASSAY_ERROR_INIT;

		ck_assert_msg(read_info(bad[i], &info, &err) == ASSAY_EINPUT, "%zu: %s", i, bad[i]);
		debian_buildinfo_release(&info);
	}
}
END_TEST

START_TEST(sources_of_both_styles)
{
	static const char lines[] =
		"# deb http://no x main\n"
		"deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
		"http://m/debian bookworm main contrib # c\n"
		"deb-src http://m/debian bookworm main\ndeb http://flat/ ./\n"
		"deb [trusted=yes] http://third/ stable main\n";
	static const char stanzas[] =
		"Types: deb deb-src\nURIs: http://m/debian\nSuites: a a-updates\nComponents: main\n"
		"Signed-By: /usr/share/keyrings/debian-archive-bookworm-stable.gpg\nTrusted: yes\n\n"
		"Types: deb\nURIs: http://t/\nSuites: x\nComponents: main\n"
		"Signed-By: /etc/apt/keyrings/t.gpg\n\n"
		"Enabled: no\nTypes: deb\nURIs: http://off/\nSuites: x\nComponents: main\n\n"
		"Types: deb-src\nURIs: http://src/\nSuites: x\nComponents: main\n";
	struct debian_sources s = { .arena = ASSAY_ARENA_INIT(ASSAY_MIB) };
	struct assay_buf out = ASSAY_BUF_INIT(4096);
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert(!debian_sources_read_text(&s, assay_span_text(lines), false, &err));
	ck_assert_uint_eq(s.count, 2);
	ck_assert_int_eq(s.list[0].signed_by, DEBIAN_SIGNED_BY_DISTRIBUTION);
	ck_assert_str_eq(s.list[0].components, "main contrib");
	ck_assert_int_eq(s.list[1].signed_by, DEBIAN_SIGNED_BY_NOTHING);
	s.list[1].skipped = true;
	ck_assert(!debian_sources_read_text(&s, assay_span_text(stanzas), true, &err));
	ck_assert_uint_eq(s.count, 4);
	ck_assert_int_eq(s.list[3].signed_by, DEBIAN_SIGNED_BY_OTHER);
	s.list[3].skipped = true;
	debian_sources_write(&s, &out);
	ck_assert_ptr_null(strstr(assay_buf_text(&out), "rusted"));
	ck_assert_ptr_null(strstr(assay_buf_text(&out), "third"));
	ck_assert_ptr_null(strstr(assay_buf_text(&out), "http://t/"));
	ck_assert_ptr_nonnull(strstr(assay_buf_text(&out), "debian-archive-bookworm-stable.gpg"));
	assay_arena_release(&s.arena);
	assay_buf_release(&out);
}
END_TEST

static int make_dir(int at, const char *name)
{
	int fd;

	ck_assert_int_eq(mkdirat(at, name, 0755), 0);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void put(int at, const char *name, const char *text)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_msg(!assay_file_write(at, name, assay_span_text(text), 0644, &err), "%s", err.msg);
}

static bool there(int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct assay_digest digest_of(int root)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_digest digest;

	ck_assert_msg(!debian_tree_digest(root, NULL, NULL, &digest, &err), "%s", err.msg);
	return digest;
}

static void fill_tree(int root)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	close(make_dir(root, "etc"));
	close(make_dir(root, "var"));
	close(make_dir(root, "var/log"));
	put(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	put(root, "etc/group", "root:x:0:\n");
	put(root, "etc/hostname", "this-machine\n");
	put(root, "var/log/dpkg.log", "now\n");
	put(root, "file", "content\n");
	ck_assert_int_eq(symlinkat("file", root, "link"), 0);
	ck_assert_msg(!debian_tree_finish(root, true, 1000, &err), "%s", err.msg);
}

START_TEST(finished_trees_are_equal_and_digests_see_all)
{
	char top[] = "/tmp/t_debian_XXXXXX";
	struct assay_error err = ASSAY_ERROR_INIT;
	const struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	struct assay_digest a, b;
	int at, one, two, copy;

	ck_assert_ptr_nonnull(mkdtemp(top));
	at = open(top, O_RDONLY | O_DIRECTORY);
	one = make_dir(at, "one");
	two = make_dir(at, "two");
	fill_tree(one);
	fill_tree(two);
	ck_assert(!there(one, "var/log/dpkg.log") && there(one, "etc/hostname"));
	a = digest_of(one);
	b = digest_of(two);
	ck_assert(assay_digest_equal(&a, &b));
	copy = make_dir(at, "copy");
	ck_assert_msg(!debian_tree_clone(one, copy, &err), "%s", err.msg);
	b = digest_of(copy);
	ck_assert(assay_digest_equal(&a, &b));
	ck_assert_int_eq(utimensat(two, "file", times, 0), 0);
	b = digest_of(two);
	ck_assert(!assay_digest_equal(&a, &b));
	put(copy, "file", "Content\n");
	b = digest_of(copy);
	ck_assert(!assay_digest_equal(&a, &b));
	b = digest_of(one);
	ck_assert(assay_digest_equal(&a, &b));
	ck_assert(!assay_path_remove_tree(AT_FDCWD, top, &err));
	close(at), close(one), close(two), close(copy);
}
END_TEST

/* What overlayfs leaves in an upper layer: whiteouts, opaque directories, replaced files. */
START_TEST(upper_layers_are_merged)
{
	char top[] = "/tmp/t_debian_XXXXXX";
	struct assay_error err = ASSAY_ERROR_INIT;
	int at, root, upper, dir;

	ck_assert_ptr_nonnull(mkdtemp(top));
	at = open(top, O_RDONLY | O_DIRECTORY);
	root = make_dir(at, "root");
	upper = make_dir(at, "upper");
	put(root, "gone", "x");
	put(root, "kept", "x");
	put(root, "changed", "old");
	close(make_dir(root, "dir"));
	put(root, "dir/old", "x");
	put(upper, "changed", "new");
	if (mknodat(upper, "gone", S_IFCHR, makedev(0, 0))) {
		ck_assert(!assay_path_remove_tree(AT_FDCWD, top, &err));
		return; /* without the right to make one there is no upper layer to merge */
	}
	dir = make_dir(upper, "dir");
	put(upper, "dir/fresh", "x");
	ck_assert_int_eq(fchmod(dir, 0700), 0);
	if (fsetxattr(dir, "trusted.overlay.opaque", "y", 1, 0) == 0) {
		ck_assert_msg(!debian_tree_merge(upper, root, &err), "%s", err.msg);
		ck_assert(!there(root, "dir/old") && there(root, "dir/fresh"));
	} else {
		ck_assert_msg(!debian_tree_merge(upper, root, &err), "%s", err.msg);
		ck_assert(there(root, "dir/old") && there(root, "dir/fresh"));
	}
	ck_assert(!there(root, "gone") && there(root, "kept"));
	ck_assert(!assay_path_remove_tree(AT_FDCWD, top, &err));
	close(at), close(root), close(upper), close(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("debian");
	TCase *c = tcase_create("debian");
	SRunner *r;
	int failed;

	tcase_add_test(c, fields_are_found_and_folded);
	tcase_add_test(c, lists_are_cut_into_parts);
	tcase_add_test(c, malformed_stanzas_are_refused);
	tcase_add_test(c, signed_text_is_unwrapped);
	tcase_add_test(c, package_urls);
	tcase_add_test(c, versions);
	tcase_add_test(c, lock_round_trip);
	tcase_add_test(c, hostile_locks_are_refused);
	tcase_add_test(c, edited_locks_are_refused);
	tcase_add_test(c, commands_of_a_build);
	tcase_add_test(c, build_paths_stay_in_the_workspace);
	tcase_add_test(c, binnmu_entry_is_data);
	tcase_add_test(c, buildinfo_is_read);
	tcase_add_test(c, hostile_buildinfo_is_refused);
	tcase_add_test(c, sources_of_both_styles);
	tcase_add_test(c, finished_trees_are_equal_and_digests_see_all);
	tcase_add_test(c, upper_layers_are_merged);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
