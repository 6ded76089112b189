/* SPDX-License-Identifier: Apache-2.0 */
/* lib/recipe: what a recipe says, and the exact sentence for each thing it may not say. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/recipe.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD "recipe: 1\nname: x\n"
#define SOURCE "source: {git: /s, commit: " COMMIT "}\n"
#define BUILD "build: [make]\n"
#define ARTIFACTS "artifacts: [{built: a, sha256: " SHA "}]\n"
#define REST SOURCE BUILD ARTIFACTS

static const char full[] =
	"# a comment\n"
	"recipe: 1\n"
	"name: xxhash\n"
	"source:\n"
	"  git: https://example.org/xxhash\n"
	"  commit: " COMMIT "\n"
	"inputs:\n"
	"  - {url: https://example.org/foo.tar.gz, sha256: " SHA ", to: vendor/foo.tar.gz}\n"
	"environment:\n"
	"  debian: {suite: bookworm, lock: xxhash.lock, packages: [cmake, libfoo-dev]}\n"
	"  path: /build/there\n"
	"  variables: {CFLAGS: -O2, EMPTY: \"\", N: 1}\n"
	"  umask: \"027\"\n"
	"  cpus: 3\n"
	"build:\n"
	"  - make\n"
	"  - |\n"
	"    for i in 1 2; do\n"
	"      make dist\n"
	"    done\n"
	"artifacts:\n"
	"  - built: dist/x.tar.gz\n"
	"    published: ./x.tar.gz\n"
	"    sha256: " SHA "\n"
	"    signature: {scheme: minisign, file: ./x.minisig, key: RWabc}\n"
	"accept: equivalent\n"
	"limits: {time: 20min, memory: 4GiB, disk: 8GiB, processes: 512, log: 64MiB}\n";

START_TEST(everything_arrives)
{
	struct assay_recipe recipe;
	struct assay_error err = ASSAY_ERROR_INIT;
	char *where;

	ck_assert_msg(!assay_recipe_parse(assay_span_text(full), "dir/x.yaml", false, &recipe, &err),
		      "%s", err.msg);
	ck_assert_str_eq(recipe.name, "xxhash");
	ck_assert_str_eq(recipe.directory, "dir");
	ck_assert_int_eq(recipe.source.kind, ASSAY_SOURCE_GIT);
	ck_assert_str_eq(recipe.source.commit, COMMIT);
	ck_assert_uint_eq(recipe.input_count, 1);
	ck_assert_str_eq(recipe.inputs[0].to, "vendor/foo.tar.gz");
	ck_assert_int_eq(recipe.base, ASSAY_BASE_DEBIAN);
	ck_assert_str_eq(recipe.lock, "xxhash.lock");
	ck_assert_str_eq(recipe.packages[1], "libfoo-dev");
	ck_assert_ptr_null(recipe.packages[2]);
	ck_assert_str_eq(recipe.build_path, "/build/there");
	ck_assert_str_eq(recipe.variables[0], "CFLAGS=-O2");
	ck_assert_str_eq(recipe.variables[1], "EMPTY=");
	ck_assert_str_eq(recipe.variables[2], "N=1");
	ck_assert_ptr_null(recipe.variables[3]);
	ck_assert_str_eq(recipe.hostname, "assay");
	ck_assert_uint_eq(recipe.umask, 027);
	ck_assert_uint_eq(recipe.cpus, 3);
	ck_assert_str_eq(recipe.build[1], "for i in 1 2; do\n  make dist\ndone\n");
	ck_assert_ptr_null(recipe.build[2]);
	ck_assert(recipe.artifacts[0].has_sha256);
	ck_assert_str_eq(recipe.artifacts[0].signature_key, "RWabc");
	ck_assert_str_eq(recipe.accept, "equivalent");
	ck_assert_uint_eq(recipe.limits.time_s, 1200);
	ck_assert_uint_eq(recipe.limits.memory, 4 * ASSAY_GIB);
	ck_assert_uint_eq(recipe.limits.processes, 512);
	where = assay_recipe_locate(&recipe, recipe.artifacts[0].published);
	ck_assert_str_eq(where, "dir/./x.tar.gz");
	free(where);
	where = assay_recipe_locate(&recipe, recipe.source.location);
	ck_assert_str_eq(where, "https://example.org/xxhash");
	free(where);
	assay_recipe_release(&recipe);
}
END_TEST

START_TEST(defaults)
{
	struct assay_recipe recipe;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_msg(!assay_recipe_parse(assay_span_text(HEAD REST), "x.yaml", false, &recipe, &err),
		      "%s", err.msg);
	ck_assert_str_eq(recipe.directory, ".");
	ck_assert_str_eq(recipe.build_path, "/build/x");
	ck_assert_int_eq(recipe.base, ASSAY_BASE_HOST);
	ck_assert_str_eq(recipe.accept, "reproducible");
	ck_assert_ptr_null(recipe.variables[0]);
	assay_recipe_release(&recipe);
}
END_TEST

static const struct {
	const char *text, *want;
} refused[] = {
	/* the form of YAML */
	{ "", "r:1:1: want a recipe, have an empty file" },
	{ "# nothing\n", "r:1:1: want a recipe, have an empty file" },
	{ "\xff", "r:1:1: want UTF-8 text without byte order mark" },
	{ "\xef\xbb\xbf" HEAD REST, "r:1:1: want UTF-8 text without byte order mark" },
	{ "a: [", "r:2:1: not YAML: did not find expected node content" },
	{ "a: \x01", "r:1:4: not YAML: control characters are not allowed" },
	{ "just text", "r:1:1: want a mapping with the keys of a recipe, have \"just text\"" },
	{ "- a\n", "r:1:1: want a mapping with the keys of a recipe, have a list" },
	{ HEAD REST "---\n" HEAD, "r:6:1: want one document, have a second" },
	{ "recipe: &a 1\n", "r:1:9: want a plain value, have an anchor" },
	{ "recipe: 1\nname: *a\n", "r:2:7: want a plain value, have an alias" },
	{ "recipe: !!int 1\n", "r:1:9: want a plain value, have a tag" },
	{ "build: &a [x]\n", "r:1:8: want a plain value, have an anchor" },
	{ "? [a]\n: b\n", "r:1:3: want text as key, have a list or mapping" },
	{ HEAD "name: y\n", "r:3:1: want each key once, have \"name\" a second time (first on line 2)" },
	{ "recipe: 1\nname: \"a\\0b\"\n", "r:2:7: want text, have a NUL byte in it" },
	{ "a: [[[[[[[[[1]]]]]]]]]\n", "r:1:11: want a recipe of less depth" },
	/* keys */
	{ "recipe: 1\n", "r:1:1: name: want a name, have nothing" },
	{ "recipe: 2\n", "r:1:9: recipe: want version 1, have \"2\"" },
	{ "recipe: 1\nnmae: x\n", "r:2:1: unknown key \"nmae\"; did you mean \"name\"?" },
	{ "recipe: 1\nnothing-like-it: x\n",
	  "r:2:1: unknown key \"nothing-like-it\"; want recipe, name, source, inputs, environment, "
	  "build, artifacts, accept or limits" },
	{ HEAD "source: {git: /s, comit: " COMMIT "}\n",
	  "r:3:19: source: unknown key \"comit\"; did you mean \"commit\"?" },
	{ "recipe: 1\nname: [x]\n", "r:2:7: name: want a name, have a list" },
	{ "recipe: 1\nname:\n", "r:2:6: name: want a name, have nothing" },
	{ "recipe: 1\nname: ../x\n",
	  "r:2:7: name: want a name of letters, digits and \"._+-\" that starts with a letter or "
	  "digit, have \"../x\"" },
	/* source */
	{ HEAD "source: here\n",
	  "r:3:9: source: want a mapping with git, archive or apt-source, have \"here\"" },
	{ HEAD "source: {}\n",
	  "r:3:9: source: want git, archive or apt-source, have none of them" },
	{ HEAD "source: {git: /s}\n",
	  "r:3:9: source.commit: want a full commit id, have nothing; `assay recipe lock` computes it" },
	{ HEAD "source: {git: /s, commit: main}\n",
	  "r:3:27: source.commit: want a full commit id (40 or 64 lowercase hex digits), have "
	  "\"main\"; `assay recipe lock` resolves a branch or tag" },
	{ HEAD "source: {git: \"ext::sh -c id\", commit: " COMMIT "}\n",
	  "r:3:15: source.git: want a path, or an https, http or file URL, have \"ext::sh -c id\"" },
	{ HEAD "source: {git: \"git@example.org:x\", commit: " COMMIT "}\n",
	  "r:3:15: source.git: want a path, or an https, http or file URL, have \"git@example.org:x\"" },
	{ HEAD "source: {git: --upload-pack=id, commit: " COMMIT "}\n",
	  "r:3:15: source.git: want a path, or an https, http or file URL, have \"--upload-pack=id\"" },
	{ HEAD "source: {git: /s, apt-source: a=1, commit: " COMMIT "}\n",
	  "r:3:31: source.apt-source: want one source (git, archive or apt-source), have two" },
	{ HEAD "source: {apt-source: hello}\n",
	  "r:3:22: source.apt-source: want a source package as name=version, have \"hello\"" },
	{ HEAD "source: {apt-source: hello=1 -o x}\n",
	  "r:3:22: source.apt-source: want a source package as name=version, have \"hello=1 -o x\"" },
	{ HEAD "source: {apt-source: a=1, commit: " COMMIT "}\n",
	  "r:3:35: source: want a commit for git only" },
	{ HEAD "source: {archive: {url: https://e.org/a.tgz}}\n",
	  "r:3:19: source.archive.sha256: want a SHA-256 (64 hex digits), have nothing; "
	  "`assay recipe lock` computes it" },
	{ HEAD "source: {archive: {url: https://e.org/a, path: a, sha256: " SHA "}}\n",
	  "r:3:48: source.archive.path: want one of url and path, have both" },
	{ HEAD "source: {archive: {sha256: abc, path: a}}\n",
	  "r:3:28: source.archive.sha256: want a SHA-256 (64 hex digits), have \"abc\"" },
	/* inputs */
	{ HEAD "inputs: [{path: a, sha256: " SHA "}]\n",
	  "r:3:10: inputs[0].to: want a path inside the build directory, have nothing" },
	{ HEAD "inputs: [{path: a, sha256: " SHA ", to: ../../etc}]\n",
	  "r:3:98: inputs[0].to: want a path inside the build directory (relative, without \"..\"), "
	  "have \"../../etc\"" },
	{ HEAD "inputs: [{path: a, sha256: " SHA ", to: /etc/passwd}]\n",
	  "r:3:98: inputs[0].to: want a path inside the build directory (relative, without \"..\"), "
	  "have \"/etc/passwd\"" },
	{ HEAD "inputs: [{path: a, sha256: " SHA ", to: a}, b]\n",
	  "r:3:102: inputs[1]: want a mapping of url or path, sha256 and to, have \"b\"" },
	/* environment */
	{ HEAD "environment: {base: debian}\n",
	  "r:3:21: environment.base: want \"host\" (for others write debian: or oci: instead of "
	  "base:), have \"debian\"" },
	{ HEAD "environment: {base: host, oci: {layout: l, digest: sha256:" SHA "}}\n",
	  "r:3:14: environment: want one of base, debian and oci, have 2" },
	{ HEAD "environment: {debian: {suite: bookworm}}\n",
	  "r:3:23: environment.debian.lock: want the path of a lock, have nothing; `assay recipe "
	  "lock` computes it" },
	{ HEAD "environment: {debian: {suite: b, lock: l, packages: [\"-o\"]}}\n",
	  "r:3:54: environment.debian.packages[0]: want the name of a Debian package, have \"-o\"" },
	{ HEAD "environment: {path: build}\n",
	  "r:3:21: environment.path: want an absolute path without \"..\", have \"build\"" },
	{ HEAD "environment: {path: /b/../etc}\n",
	  "r:3:21: environment.path: want an absolute path without \"..\", have \"/b/../etc\"" },
	{ HEAD "environment: {path: /usr/src}\n",
	  "r:3:21: environment.path: want a path outside the system's directories, have \"/usr/src\"" },
	{ HEAD "environment: {variables: {A B: 1}}\n",
	  "r:3:27: environment.variables: want a variable's name (letters, digits and \"_\", no digit "
	  "first), have \"A B\"" },
	{ HEAD "environment: {variables: {\"A=B\": 1}}\n",
	  "r:3:27: environment.variables: want a variable's name (letters, digits and \"_\", no digit "
	  "first), have \"A=B\"" },
	{ HEAD "environment: {variables: {A: [1]}}\n",
	  "r:3:30: environment.variables.A: want text, have a list" },
	{ HEAD "environment: {variables: {SOURCE_DATE_EPOCH: today}}\n",
	  "r:3:46: environment.variables.SOURCE_DATE_EPOCH: want seconds since 1970, have \"today\"" },
	{ HEAD "environment: {umask: \"08\"}\n",
	  "r:3:22: environment.umask: want three octal digits, like \"022\", have \"08\"" },
	{ HEAD "environment: {cpus: 0}\n",
	  "r:3:21: environment.cpus: want a number from 1 to 1024, have \"0\"" },
	{ HEAD "environment: {hostname: \"a b\"}\n",
	  "r:3:25: environment.hostname: want a host name of letters, digits, \".\" and \"-\", have "
	  "\"a b\"" },
	/* build and artifacts */
	{ HEAD SOURCE "build: {make: all}\n",
	  "r:4:8: build: want a list of commands, have a mapping" },
	{ HEAD SOURCE "build: []\n", "r:4:8: build: want a list of commands, have an empty list" },
	{ HEAD SOURCE "build:\n  - make\n  - {a: b}\n",
	  "r:6:5: build[1]: want a shell command, have a mapping" },
	{ HEAD SOURCE "build: [~]\n", "r:4:9: build[0]: want a shell command, have nothing" },
	{ HEAD SOURCE "build: [\" \"]\n", "r:4:9: build[0]: want a shell command, have \" \"" },
	{ HEAD SOURCE BUILD, "r:1:1: artifacts: want a list of artifacts, have nothing" },
	{ HEAD SOURCE BUILD "artifacts: [{built: a}]\n",
	  "r:5:13: artifacts[0]: want published or sha256, have neither" },
	{ HEAD SOURCE BUILD "artifacts: [{built: a, published: b}]\n",
	  "r:5:13: artifacts[0].sha256: want a SHA-256 (64 hex digits) or a signature, have nothing; "
	  "`assay recipe lock` computes it" },
	{ HEAD SOURCE BUILD "artifacts: [{built: a/../../b, sha256: " SHA "}]\n",
	  "r:5:21: artifacts[0].built: want a path inside the build directory (relative, without "
	  "\"..\"), have \"a/../../b\"" },
	{ HEAD SOURCE BUILD "artifacts: [{built: a, published: b, signature: {scheme: pgp}}]\n",
	  "r:5:58: artifacts[0].signature.scheme: want minisign, signify, raw or openpgp, have "
	  "\"pgp\"" },
	{ HEAD SOURCE BUILD "artifacts: [{built: a, published: b, signature: {scheme: raw, file: s}}]\n",
	  "r:5:49: artifacts[0].signature.key: want a public key or its path, have nothing" },
	{ HEAD REST "accept: maybe\n",
	  "r:6:9: accept: want reproducible, equivalent, encoding, container or code, have \"maybe\"" },
	/* limits */
	{ HEAD REST "limits: {time: 20}\n",
	  "r:6:16: limits.time: want a duration of 1s to 720h, like \"90s\", \"20min\" or \"2h\", "
	  "have \"20\"" },
	{ HEAD REST "limits: {time: -1s}\n",
	  "r:6:16: limits.time: want a duration of 1s to 720h, like \"90s\", \"20min\" or \"2h\", "
	  "have \"-1s\"" },
	{ HEAD REST "limits: {time: 5124095576030432h}\n",
	  "r:6:16: limits.time: want a duration of 1s to 720h, like \"90s\", \"20min\" or \"2h\", "
	  "have \"5124095576030432h\"" },
	{ HEAD REST "limits: {memory: 4GB}\n",
	  "r:6:18: limits.memory: want a size of 1KiB to 65536GiB, like \"512KiB\", \"64MiB\" or "
	  "\"4GiB\", have \"4GB\"" },
	{ HEAD REST "limits: {memory: 18446744073709551617GiB}\n",
	  "r:6:18: limits.memory: want a size of 1KiB to 65536GiB, like \"512KiB\", \"64MiB\" or "
	  "\"4GiB\", have \"18446744073709551617GiB\"" },
	{ HEAD REST "limits: {processes: 0}\n",
	  "r:6:21: limits.processes: want a number from 1 to 4000000, have \"0\"" },
	/* columns count characters, not bytes; control characters never reach the message */
	{ "recipe: 1\nname: \xc3\xa4\xc3\xa4\n",
	  "r:2:7: name: want a name of letters, digits and \"._+-\" that starts with a letter or "
	  "digit, have \"\xc3\xa4\xc3\xa4\"" },
	{ "{\"\xc3\xa4\": 1}",
	  "r:1:2: unknown key \"\xc3\xa4\"; want recipe, name, source, inputs, environment, build, "
	  "artifacts, accept or limits" },
	{ "recipe: \"\\e[31m\"\n", "r:1:9: recipe: want version 1, have \"\\x1b[31m\"" },
};

START_TEST(refusals_say_where_and_what)
{
	struct assay_recipe recipe;
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_ne(assay_recipe_parse(assay_span_text(refused[_i].text), "r", false, &recipe,
					    &err),
			 ASSAY_OK);
	ck_assert_int_eq(err.code, ASSAY_EINPUT);
	ck_assert_str_eq(err.msg, refused[_i].want);
	ck_assert_ptr_null(recipe.name);
}
END_TEST

START_TEST(every_cut_of_a_recipe_is_survived)
{
	struct assay_error err;
	struct assay_recipe recipe;
	size_t good = 0;

	for (size_t len = 0; len < sizeof(full); len++) {
		if (assay_recipe_parse(assay_span_of(full, len), "r", true, &recipe, &err) ==
		    ASSAY_OK) {
			good++;
			assay_recipe_release(&recipe);
		}
	}
	ck_assert_uint_gt(good, 0);
}
END_TEST

START_TEST(hostile_sizes)
{
	static const char *const starts[] = { "[", "{", "- ", "? ", "!", "&a ", "\"", "a: ", "\t",
					      "[[a,", "{a: {", "- - ", ",", "%", "|\n" };
	struct assay_buf text = ASSAY_BUF_INIT(2 * ASSAY_MAX_RECIPE);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_recipe recipe;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		assay_buf_clear(&text);
		while (text.len + 8 < ASSAY_MAX_RECIPE)
			assay_buf_add_text(&text, starts[i]);
		ck_assert_msg(assay_recipe_parse(assay_buf_span(&text), "r", true, &recipe, &err) !=
				      ASSAY_OK,
			      "%s", starts[i]);
	}
	assay_buf_clear(&text);
	assay_buf_add_text(&text, "build: [");
	for (int i = 0; i < 20000; i++)
		assay_buf_add_text(&text, "a,");
	ck_assert_int_ne(assay_recipe_parse(assay_buf_span(&text), "r", true, &recipe, &err), 0);
	ck_assert_str_eq(err.msg, "r:1:20003: want at most 10000 values in a recipe");
	while (text.len <= ASSAY_MAX_RECIPE)
		assay_buf_add_text(&text, "          ");
	ck_assert_int_ne(assay_recipe_parse(assay_buf_span(&text), "r", true, &recipe, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "r: want a recipe of at most 1048576 bytes"));
	assay_buf_release(&text);
}
END_TEST

/* Applies the pins with a visible value each, as `recipe lock` does. */
static void check_pins(const char *text, const char *want)
{
	struct assay_buf out = ASSAY_BUF_INIT(100000);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_recipe recipe;
	size_t at = 0;

	ck_assert_msg(!assay_recipe_parse(assay_span_text(text), "r", true, &recipe, &err), "%s",
		      err.msg);
	for (size_t i = 0; i < recipe.pin_count; i++) {
		const struct assay_recipe_pin *pin = &recipe.pins[i];

		if (pin->pinned)
			continue;
		ck_assert_uint_ge(pin->offset, at);
		assay_buf_add(&out, text + at, pin->offset - at);
		assay_buf_printf(&out, "%s<%d.%zu %s>", pin->before, pin->kind, pin->index,
				 pin->location);
		at = pin->offset + pin->len;
	}
	assay_buf_add_text(&out, text + at);
	ck_assert_str_eq(assay_buf_text(&out), want);
	assay_buf_release(&out);
	assay_recipe_release(&recipe);
}

START_TEST(pins_know_their_place)
{
	check_pins(HEAD REST, HEAD REST);
	check_pins("# \xc3\xa4\n" HEAD "source:\n  git: /s   # where\n  commit: 'v1.0' # tag\n" BUILD
		   "artifacts:\n- published: p # here\n  built: b\n- built: c\n  sha256:\n"
		   "  published: q\n",
		   "# \xc3\xa4\n" HEAD "source:\n  git: /s   # where\n  commit: <0.0 /s> # tag\n" BUILD
		   "artifacts:\n- published: p # here\n  sha256: <3.0 p>\n  built: b\n- built: c\n"
		   "  sha256: <3.1 q>\n  published: q\n");
	check_pins(HEAD "source: {archive: {path: \"a\xc3\xa4\"}}\n"
			"inputs: [{to: a, url: https://e.org/b}]\n"
			"environment: {debian: {suite: bookworm}}\n" BUILD ARTIFACTS,
		   HEAD "source: {archive: {path: \"a\xc3\xa4\", sha256: <1.0 a\xc3\xa4>}}\n"
			"inputs: [{to: a, url: https://e.org/b, sha256: <2.0 https://e.org/b>}]\n"
			"environment: {debian: {suite: bookworm, lock: <4.0 bookworm>}}\n" BUILD
			ARTIFACTS);
}
END_TEST

START_TEST(files)
{
	char dir[] = "/tmp/assay-test-XXXXXX", path[64];
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_recipe recipe;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(assay_recipe_load(dir, &recipe, &err), ASSAY_EINPUT);
	snprintf(path, sizeof(path), "%s/r.yaml", dir);
	ck_assert_int_eq(assay_recipe_load(path, &recipe, &err), ASSAY_EUSAGE);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(ftruncate(fd, ASSAY_MAX_RECIPE + 100), 0);
	ck_assert_int_eq(assay_recipe_load(path, &recipe, &err), ASSAY_EINPUT);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_gt(write(fd, full, sizeof(full) - 1), 0);
	close(fd);
	ck_assert_msg(!assay_recipe_load(path, &recipe, &err), "%s", err.msg);
	ck_assert_str_eq(recipe.directory, dir);
	assay_recipe_release(&recipe);
	unlink(path);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tc = tcase_create("recipe");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, everything_arrives);
	tcase_add_test(tc, defaults);
	tcase_add_loop_test(tc, refusals_say_where_and_what, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, every_cut_of_a_recipe_is_survived);
	tcase_add_test(tc, hostile_sizes);
	tcase_add_test(tc, pins_know_their_place);
	tcase_add_test(tc, files);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
