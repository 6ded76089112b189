/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/vcs: exact commits and archives, and the hostile ones.  Repositories are made by git's own
 * plumbing: `git mktree` and `git hash-object` write the trees that `git add` refuses to make.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/vcs.h"

static char top[64], repository[80], target[80], cache[80];
static struct assay_error err;
static struct assay_checkout result;

static void setup(void)
{
	snprintf(top, sizeof(top), "/tmp/assay-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(repository, sizeof(repository), "%s/repository", top);
	snprintf(target, sizeof(target), "%s/target", top);
	snprintf(cache, sizeof(cache), "%s/cache", top);
}

static void teardown(void)
{
	struct assay_error ignored;

	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &ignored), ASSAY_OK);
}

/* Runs a script in the top directory with nothing of the user's git; returns its output's last line
 * in a buffer that lives until the next call. */
static const char *shell(const char *script)
{
	static char line[4096];
	const char *const argv[] = { "sh", "-euc", script, NULL };
	const char *const env[] = { "HOME=/nonexistent",
				    "GIT_CONFIG_NOSYSTEM=1",
				    "GIT_AUTHOR_NAME=a",
				    "GIT_AUTHOR_EMAIL=a@example.org",
				    "GIT_COMMITTER_NAME=a",
				    "GIT_COMMITTER_EMAIL=a@example.org",
				    "GIT_AUTHOR_DATE=1600000000 +0200",
				    "GIT_COMMITTER_DATE=1600000000 +0200",
				    "GIT_CONFIG_COUNT=2",
				    "GIT_CONFIG_KEY_0=protocol.file.allow",
				    "GIT_CONFIG_VALUE_0=always",
				    "GIT_CONFIG_KEY_1=init.defaultBranch",
				    "GIT_CONFIG_VALUE_1=main",
				    NULL };
	struct assay_buf out = ASSAY_BUF_INIT(sizeof(line) - 1);
	struct assay_process process = ASSAY_PROCESS_INIT;
	struct assay_span text;
	size_t start;

	process.argv = argv;
	process.env = env;
	process.directory = top;
	process.out = &out;
	process.timeout_s = 60;
	ck_assert_msg(!assay_process_must(&process, &err), "%s: %s", script, err.msg);
	text = assay_span_trim(assay_buf_span(&out));
	for (start = text.len; start > 0 && text.data[start - 1] != '\n'; start--)
		;
	text = assay_span_cut(text, start, text.len);
	snprintf(line, sizeof(line), "%.*s", ASSAY_SPAN_ARGS(text));
	assay_buf_release(&out);
	return line;
}

static enum assay_code checkout(const char *commit)
{
	return assay_vcs_checkout_git(repository, commit, NULL, cache, target, &result, &err);
}

static enum assay_code unpack(const char *name)
{
	char path[200];
	enum assay_code code;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	code = assay_vcs_unpack(fd, target, &result, &err);
	close(fd);
	return code;
}

#define GIT_INIT "git init -q repository; cd repository; "
#define COMMIT_ALL "git add -A; git commit -qm x; git rev-parse HEAD"
/* commits the tree that stands on stdin in the form of ls-tree */
#define COMMIT_TREE "git mktree --missing); git commit-tree -m x $tree"
#define BLOB "blob=$(echo hello | git hash-object -w --stdin); "

START_TEST(commit_arrives_exactly)
{
	char commit[65];

	snprintf(commit, sizeof(commit), "%s",
		 shell(GIT_INIT "mkdir -p d/e; echo one >one; echo two >d/e/two; chmod 755 d/e/two;"
				"chmod 600 one; ln -s ../one d/link; : >empty;"
				"printf '* text eol=crlf\\n*.id ident\\n' >.gitattributes;"
				"printf '$Id$' >x.id; printf 'exit 1' >.git/hooks/post-checkout;"
				"chmod +x .git/hooks/post-checkout;" COMMIT_ALL));
	ck_assert_msg(!checkout(commit), "%s", err.msg);
	ck_assert_str_eq(result.commit, commit);
	ck_assert_int_eq(result.commit_time, 1600000000);
	ck_assert_uint_eq(result.files, 6);
	ck_assert_str_eq(shell("cd target; find . -mindepth 1 ! -type d -printf '%P %m %T@ %l\\n' |"
			       "sort | tr '\\n' ';'"),
			 ".gitattributes 644 1600000000.0000000000 ;d/e/two 755 "
			 "1600000000.0000000000 ;d/link 777 1600000000.0000000000 ../one;empty 644 "
			 "1600000000.0000000000 ;one 644 1600000000.0000000000 ;x.id 644 "
			 "1600000000.0000000000 ;");
	ck_assert_str_eq(shell("find target -type d ! -newermt @1600000000 ! -newermt @1599999999 |"
			       "wc -l; find target -type d -printf '%T@\\n' | sort -u"),
			 "1600000000.0000000000");
	/* as git itself sees the tree: no line ending, no keyword was touched */
	ck_assert_str_eq(shell("cd repository; printf >.git/info/attributes '* -text -ident\\n';"
			       "git --work-tree=../target diff --stat HEAD | wc -l"),
			 "0");
	ck_assert_str_eq(shell("cat target/x.id"), "$Id$");
}
END_TEST

START_TEST(digest_follows_the_tree)
{
	struct assay_digest first;
	char commit[65];

	snprintf(commit, sizeof(commit), "%s", shell(GIT_INIT "echo 1 >a; mkdir b; echo 2 >b/c;" COMMIT_ALL));
	ck_assert_msg(!checkout(commit), "%s", err.msg);
	first = result.tree;
	shell("rm -r target; tar -C repository --exclude=.git -cf x.tar .");
	ck_assert_msg(!unpack("x.tar"), "%s", err.msg);
	ck_assert(assay_digest_equal(&first, &result.tree));
	shell("rm -r target; chmod +x repository/a; tar -C repository --exclude=.git -cf x.tar .");
	ck_assert_msg(!unpack("x.tar"), "%s", err.msg);
	ck_assert(!assay_digest_equal(&first, &result.tree));
}
END_TEST

static const struct {
	const char *name, *script, *want;
} hostile[] = {
	{ "dot git", "printf '100644 blob %s\\t.git\\n' $blob", "\".git\": its name is \".git\"" },
	{ "case", "printf '100644 blob %s\\t.GiT\\n' $blob", "\".GiT\": its name is \".git\"" },
	{ "ntfs short", "printf '100644 blob %s\\tGIT~1\\n' $blob", "\"GIT~1\": its name is \".git\"" },
	{ "ntfs dots", "printf '100644 blob %s\\t.git. .\\n' $blob", "its name is \".git\"" },
	{ "ntfs stream", "printf '100644 blob %s\\t.git::$INDEX_ALLOCATION\\n' $blob",
	  "its name is \".git\"" },
	{ "hfs", "printf '100644 blob %s\\t.g\\342\\200\\214it\\n' $blob", "its name is \".git\"" },
	{ "backslash", "printf '100644 blob %s\\t\"a\\\\\\\\.git\\\\\\\\hooks\"\\n' $blob",
	  "its name is \".git\"" },
	{ "backslash up", "printf '100644 blob %s\\t\"..\\\\\\\\x\"\\n' $blob",
	  "its name is \".\" or \"..\"" },
	{ "dot dot", "printf '100644 blob %s\\t..\\n' $blob", "is \".\" or \"..\"" },
	{ "twins", "printf '100644 blob %s\\tREADME\\n100644 blob %s\\treadme\\n' $blob $blob",
	  "hostile paths \"README\" and \"readme\": they differ in case only" },
	{ "absolute link",
	  "l=$(printf /etc/passwd | git hash-object -w --stdin); printf '120000 blob %s\\tl\\n' $l",
	  "hostile link \"l\": it points to an absolute path" },
	{ "link out",
	  "l=$(printf ../x | git hash-object -w --stdin); printf '120000 blob %s\\tl\\n' $l",
	  "hostile link \"l\": it points out of the tree" },
	{ "link down and up",
	  "l=$(printf a/../../x | git hash-object -w --stdin); printf '120000 blob %s\\tl\\n' $l",
	  "hostile link \"l\": it goes down and up again" },
	{ "empty link",
	  "l=$(git hash-object -w --stdin </dev/null); printf '120000 blob %s\\tl\\n' $l",
	  "hostile link \"l\": it has no usable target" },
	{ "gitmodules link", "printf '120000 blob %s\\t.gitmodules\\n' $blob",
	  "it stands where git reads its configuration" },
};

START_TEST(hostile_trees_are_refused)
{
	char script[2000], commit[65];

	snprintf(script, sizeof(script), GIT_INIT BLOB "tree=$({ %s; } | " COMMIT_TREE,
		 hostile[_i].script);
	snprintf(commit, sizeof(commit), "%s", shell(script));
	ck_assert_msg(checkout(commit) == ASSAY_EUNTRUSTED, "%s: %d %s", hostile[_i].name, err.code,
		      err.msg);
	ck_assert_msg(strstr(err.msg, hostile[_i].want) != NULL, "%s: %s", hostile[_i].name, err.msg);
}
END_TEST

START_TEST(hostile_raw_trees_are_refused)
{
	static const struct {
		const char *tree, *want;
	} trees[] = {
		{ "printf '100644 ../x\\0'; printf '$id'", "its name has a slash in it" },
		{ "printf '120000 a\\0'; printf '$id'; printf '40000 a\\0'; printf '$sub'",
		  "it occurs twice" },
		{ "printf '100644 a\\0'; printf '$id'; printf '100644 a\\0'; printf '$id'",
		  "it occurs twice" },
		{ "printf '20000 a\\0'; printf '$id'", "have mode 20000" },
	};
	char script[2000], commit[65];

	snprintf(script, sizeof(script),
		 GIT_INIT "id=$(printf b | git hash-object -w --stdin | sed 's/../\\\\x&/g');"
			  "sub=$(printf '100644 blob %%s\\tc\\n' $(printf b | git hash-object --stdin) |"
			  "git mktree | sed 's/../\\\\x&/g'); export id sub;"
			  "bash -euc \"{ %s; }\" | git hash-object -t tree --literally -w --stdin"
			  " >../tree; git commit-tree -m x $(cat ../tree)",
		 trees[_i].tree);
	snprintf(commit, sizeof(commit), "%s", shell(script));
	ck_assert_msg(checkout(commit) == ASSAY_EUNTRUSTED, "%s: %s", trees[_i].want, err.msg);
	ck_assert_msg(strstr(err.msg, trees[_i].want) != NULL, "%s: %s", trees[_i].want, err.msg);
}
END_TEST

START_TEST(links_inside_are_kept)
{
	char commit[65];

	snprintf(commit, sizeof(commit), "%s",
		 shell(GIT_INIT "mkdir -p a/b; echo x >x; ln -s ../../x a/b/up; ln -s a/b down;"
				"ln -s missing dangling; ln -s . self; echo 'a\\x2db' >'a\\x2db';" COMMIT_ALL));
	ck_assert_msg(!checkout(commit), "%s", err.msg);
	ck_assert_str_eq(shell("cat target/down/up"), "x");
}
END_TEST

START_TEST(what_is_not_a_commit_id)
{
	char id[65];

	snprintf(id, sizeof(id), "%s", shell(GIT_INIT "echo 1 >a;" COMMIT_ALL));
	ck_assert_int_eq(checkout("main"), ASSAY_EUSAGE);
	ck_assert_int_eq(checkout("0123456789abcdef0123456789abcdef01234567"), ASSAY_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "has no commit 0123456789abcdef"));
	shell("rm -rf target");
	snprintf(id, sizeof(id), "%s", shell("cd repository; git tag -a -m t t; git rev-parse t"));
	ck_assert_int_eq(checkout(id), ASSAY_EINPUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "is a tag"));
	ck_assert_int_eq(assay_vcs_checkout_git("/nonexistent", id, NULL, cache, target, &result, &err),
			 ASSAY_ENOTFOUND);
	ck_assert_int_eq(assay_vcs_checkout_git("ssh://h/x", id, NULL, cache, target, &result, &err),
			 ASSAY_EUSAGE);
	shell("mkdir -p target; : >target/there");
	ck_assert_int_eq(checkout(id), ASSAY_EUSAGE);
}
END_TEST

START_TEST(damaged_objects_are_noticed)
{
	char commit[65];

	snprintf(commit, sizeof(commit), "%s", shell(GIT_INIT "echo 1 >a;" COMMIT_ALL));
	/* a well-formed blob under another's name */
	shell("cd repository; echo 2 >b; git hash-object -w b;"
	      "good=.git/objects/$(git hash-object a | sed 's,..,&/,');"
	      "bad=.git/objects/$(git hash-object b | sed 's,..,&/,'); chmod +w $good; cp $bad $good");
	ck_assert_int_ne(checkout(commit), ASSAY_OK);
	ck_assert_ptr_nonnull(strstr(err.msg, "mismatch"));
}
END_TEST

START_TEST(lfs_pointers_are_named)
{
	char commit[65];

	snprintf(commit, sizeof(commit), "%s",
		 shell(GIT_INIT "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:00\\n"
				"size 5\\n' >big.bin; echo x >small;" COMMIT_ALL));
	ck_assert_msg(!checkout(commit), "%s", err.msg);
	ck_assert_uint_eq(result.lfs_pointers, 1);
	ck_assert_str_eq(result.lfs_first, "big.bin");
}
END_TEST

START_TEST(submodules_by_recorded_commit)
{
	char commit[65], script[1000];

	shell("git init -q below; cd below; echo old >f;" COMMIT_ALL);
	snprintf(script, sizeof(script),
		 GIT_INIT "git submodule -q add ../below vendor/below; " COMMIT_ALL "; cd ../below;"
			  "echo new >f; git commit -qam y; cd ../repository; git rev-parse HEAD");
	snprintf(commit, sizeof(commit), "%s", shell(script));
	ck_assert_msg(!checkout(commit), "%s", err.msg);
	ck_assert_str_eq(shell("cat target/vendor/below/f"), "old");
	/* through a mirror of the place above: the relative url follows the location, not the mirror */
	{
		char map[200];
		const char *const mirrors[] = { "https://example.org/other=/nonexistent", map, NULL };

		snprintf(map, sizeof(map), "https://example.org/=%s/", top);
		shell("rm -r target");
		ck_assert_msg(!assay_vcs_checkout_git("https://example.org/repository.git", commit,
						      mirrors, cache, target, &result, &err),
			      "%s", err.msg);
		ck_assert_str_eq(shell("cat target/vendor/below/f"), "old");
	}
}
END_TEST

START_TEST(hostile_submodules_are_refused)
{
	static const char *const urls[] = { "ext::sh -c id", "--upload-pack=id", "ssh://h/x",
					    "file:///etc",  "git@h:x",		"/etc",
					    "../../../../x" };
	char script[1000], map[200], commit[65];
	const char *const mirrors[] = { map, NULL };

	snprintf(map, sizeof(map), "https://example.org/=%s/", top);
	snprintf(script, sizeof(script),
		 GIT_INIT "printf '[submodule \"m\"]\\n\\tpath = m\\n\\turl = %%s\\n' '%s' >.gitmodules;"
			  "git add .gitmodules; git update-index --add --cacheinfo "
			  "160000,0123456789abcdef0123456789abcdef01234567,m; git commit -qm x;"
			  "git rev-parse HEAD",
		 urls[_i]);
	snprintf(commit, sizeof(commit), "%s", shell(script));
	ck_assert_int_eq(assay_vcs_checkout_git("https://example.org/repository", commit, mirrors,
						cache, target, &result, &err),
			 ASSAY_EUNTRUSTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "hostile submodule"));
}
END_TEST

START_TEST(names_resolve_to_commits)
{
	char commit[65], have[65];

	snprintf(commit, sizeof(commit), "%s", shell(GIT_INIT "echo 1 >a;" COMMIT_ALL));
	shell("cd repository; git tag -a -m t v1; git branch both; git commit -q --allow-empty -m y;"
	      "git tag both");
	ck_assert_msg(!assay_vcs_resolve(repository, "v1", NULL, NULL, have, &err), "%s", err.msg);
	ck_assert_str_eq(have, commit);
	ck_assert_msg(!assay_vcs_resolve(repository, commit, NULL, NULL, have, &err), "%s", err.msg);
	ck_assert_msg(!assay_vcs_resolve(repository, "refs/heads/both", NULL, NULL, have, &err), "%s",
		      err.msg);
	ck_assert_str_eq(have, commit);
	ck_assert_msg(!assay_vcs_resolve(repository, "HEAD", NULL, NULL, have, &err), "%s", err.msg);
	ck_assert_str_ne(have, commit);
	ck_assert_int_eq(assay_vcs_resolve(repository, "both", NULL, NULL, have, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(assay_vcs_resolve(repository, "no", NULL, NULL, have, &err), ASSAY_ENOTFOUND);
}
END_TEST

START_TEST(mirrors)
{
	static const struct {
		const char *prefix, *location;
		enum assay_code want;
	} cases[] = {
		{ "https://h/o/repository=%s/repository", "https://h/o/repository", ASSAY_OK },
		{ "https://h/o/repository=%s/repository", "https://h/o/repository.git", ASSAY_OK },
		{ "https://h/=%s/", "https://h/repository.git", ASSAY_OK },
		{ "https://h=%s", "https://h/repository", ASSAY_OK },
		{ "https://h/=%s/", "https://h/missing", ASSAY_ENOTFOUND },
		{ "nonsense", "https://h/missing", ASSAY_EUSAGE },
	};
	char commit[65], map[200];
	const char *const list[] = { "https://=/nonexistent/", map, NULL };

	snprintf(commit, sizeof(commit), "%s", shell(GIT_INIT "echo 1 >a;" COMMIT_ALL));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *mark = strstr(cases[i].prefix, "%s");

		snprintf(map, sizeof(map), "%.*s%s%s",
			 (int)(mark ? mark - cases[i].prefix : (ptrdiff_t)strlen(cases[i].prefix)),
			 cases[i].prefix, mark ? top : "", mark ? mark + 2 : "");
		shell("rm -rf target");
		ck_assert_msg(assay_vcs_checkout_git(cases[i].location, commit, list, cache, target,
						     &result, &err) == cases[i].want,
			      "%s: %s", map, err.msg);
	}
}
END_TEST

/* A real server: git's own, behind python's CGI server, on loopback. */
START_TEST(fetches_over_http)
{
	char commit[65], later[65], have[65], url[100];

	snprintf(commit, sizeof(commit), "%s", shell(GIT_INIT "echo 1 >a;" COMMIT_ALL));
	shell("mkdir -p www/cgi-bin; cat >www/cgi-bin/git <<'EOF'\n#!/bin/sh\n"
	      "export GIT_HTTP_EXPORT_ALL=1\nexec git http-backend\nEOF\n"
	      "chmod +x www/cgi-bin/git; cat >serve.py <<'EOF'\n"
	      "import http.server, os\n"
	      "http.server.CGIHTTPRequestHandler.have_fork = False\n"
	      "os.environ['GIT_PROJECT_ROOT'] = os.getcwd() + '/..'\n"
	      "s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), "
	      "http.server.CGIHTTPRequestHandler)\n"
	      "open('../port.new', 'w').write(str(s.server_address[1]))\n"
	      "os.rename('../port.new', '../port')\ns.serve_forever()\nEOF\n"
	      "cd www; GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' "
	      "timeout 50 python3 ../serve.py >../log 2>&1 & echo $! >../pid; cd ..;"
	      "for i in $(seq 100); do [ -e port ] && break; sleep 0.1; done");
	snprintf(url, sizeof(url), "http://127.0.0.1:%s/cgi-bin/git/repository", shell("cat port"));
	ck_assert_msg(!assay_vcs_checkout_git(url, commit, NULL, cache, target, &result, &err), "%s",
		      err.msg);
	ck_assert_str_eq(shell("cat target/a"), "1");
	snprintf(later, sizeof(later), "%s",
		 shell("cd repository; echo 2 >a; git commit -qam y; git rev-parse HEAD"));
	ck_assert_msg(!assay_vcs_resolve(url, "main", NULL, cache, have, &err), "%s", err.msg);
	ck_assert_str_eq(have, later);
	ck_assert_msg(!assay_vcs_resolve(url, "HEAD", NULL, cache, have, &err), "%s", err.msg);
	ck_assert_str_eq(have, later);
	shell("kill $(cat pid); rm -r target");
	/* what was fetched needs no server */
	ck_assert_msg(!assay_vcs_checkout_git(url, later, NULL, cache, target, &result, &err), "%s",
		      err.msg);
	shell("rm -r target");
	ck_assert_int_eq(assay_vcs_checkout_git(url, "0123456789abcdef0123456789abcdef01234567", NULL,
						cache, target, &result, &err),
			 ASSAY_EIO);
}
END_TEST

START_TEST(archives_arrive)
{
	static const char *const makers[] = {
		"tar -C in -cf x .",		"tar -C in -czf x .",
		"tar -C in -cJf x .",		"tar -C in -cjf x .",
		"tar -C in --zstd -cf x .",	"tar -C in --format=v7 -cf x .",
		"cd in; tar --format=pax -cf ../x *",
		"cd in; python3 -c \"import shutil; shutil.make_archive('../y', 'zip', '.')\"; mv ../y.zip ../x",
	};
	char script[500];

	snprintf(script, sizeof(script),
		 "mkdir -p in/d; echo 1 >in/d/a; echo 2 >in/run; chmod 700 in/run; touch -d @1500000000 "
		 "in/d/a in/run in/d in; %s",
		 makers[_i]);
	shell(script);
	ck_assert_msg(!unpack("x"), "%s: %s", makers[_i], err.msg);
	ck_assert_str_eq(shell("cd target; find . -type f -printf '%P %m;' | tr ';' '\\n' | sort | tr '\\n' ';'"),
			 "d/a 644;run 755;");
	ck_assert_int_eq(result.commit_time, 1500000000);
	ck_assert_str_eq(shell("stat -c %Y target/d/a"), "1500000000");
}
END_TEST

START_TEST(archive_names_and_hard_links)
{
	shell("mkdir in; echo 1 >in/\xc3\xa4; printf 2 >\"$(printf 'in/b\\377')\"; ln in/\xc3\xa4 in/hard;"
	      "tar -C in --format=pax -cf x .");
	ck_assert_msg(!unpack("x"), "%s", err.msg);
	ck_assert_str_eq(shell("cat target/hard target/\xc3\xa4 | tr '\\n' ' '; cat target/b*"), "1 1 2");
	ck_assert_str_eq(shell("stat -c %h target/hard"), "1");
}
END_TEST

#define PY_TAR                                                                                     \
	"python3 - <<'EOF'\nimport tarfile, io\nt = tarfile.open('x', 'w')\n"                      \
	"def f(name, data=b'x', **k):\n i = tarfile.TarInfo(name); i.size = len(data)\n"           \
	" for a in k: setattr(i, a, k[a])\n t.addfile(i, io.BytesIO(data))\n"                      \
	"def l(name, to, kind=tarfile.SYMTYPE): f(name, b'', type=kind, linkname=to)\n"

static const struct {
	const char *script, *want;
	enum assay_code code;
} archives[] = {
	{ "f('../x')", "hostile member \"../x\": is \".\" or \"..\"", ASSAY_EUNTRUSTED },
	{ "f('a/../../x')", "is \".\" or \"..\"", ASSAY_EUNTRUSTED },
	{ "f('/tmp/x')", "its path is absolute", ASSAY_EUNTRUSTED },
	{ "f('a'); f('a')", "it occurs twice", ASSAY_EUNTRUSTED },
	{ "f('a'); f('./a')", "it occurs twice", ASSAY_EUNTRUSTED },
	{ "f('a'); f('A')", "they differ in case only", ASSAY_EUNTRUSTED },
	{ "f('.git/hooks/x')", "is \".git\"", ASSAY_EUNTRUSTED },
	{ "l('a', '/etc')", "it points to an absolute path", ASSAY_EUNTRUSTED },
	{ "l('a', '../x')", "it points out of the tree", ASSAY_EUNTRUSTED },
	{ "f('d/x'); l('a', 'd'); f('a/y')", "it is used as a directory and is none",
	  ASSAY_EUNTRUSTED },
	{ "f('d/e/x'); l('a', 'd'); f('a/e/y')", "it is used as a directory and is none",
	  ASSAY_EUNTRUSTED },
	{ "f('a'); f('a/b')", "it is used as a directory and is none", ASSAY_EUNTRUSTED },
	{ "l('a', 'b'); f('a')", "it occurs twice", ASSAY_EUNTRUSTED },
	{ "l('a', '../../etc/passwd', tarfile.LNKTYPE)", "is \".\" or \"..\"", ASSAY_EUNTRUSTED },
	{ "l('a', 'missing', tarfile.LNKTYPE)", "it is a hard link to no file of the archive",
	  ASSAY_EUNTRUSTED },
	{ "l('s', 'missing'); l('a', 's', tarfile.LNKTYPE)",
	  "it is a hard link to no file of the archive", ASSAY_EUNTRUSTED },
	{ "f('a', b'', type=tarfile.FIFOTYPE)", "have a device, FIFO or socket", ASSAY_EUNTRUSTED },
	{ "f('a', b'', type=tarfile.CHRTYPE)", "have a device, FIFO or socket", ASSAY_EUNTRUSTED },
	{ "f('/'.join(['d'] * 200))", "lies too deep", ASSAY_EUNTRUSTED },
	{ "f('d' * 300)", "is longer than 255 bytes", ASSAY_EUNTRUSTED },
	{ "pass", "want members, have none", ASSAY_EINPUT },
};

START_TEST(hostile_archives_are_refused)
{
	char script[1500];

	snprintf(script, sizeof(script), PY_TAR "%s\nt.close()\nEOF", archives[_i].script);
	shell(script);
	ck_assert_msg(unpack("x") == archives[_i].code, "%s: %d %s", archives[_i].script, err.code,
		      err.msg);
	ck_assert_msg(strstr(err.msg, archives[_i].want) != NULL, "%s: %s", archives[_i].script,
		      err.msg);
}
END_TEST

START_TEST(broken_archives_are_refused)
{
	static const char *const makers[] = {
		": >x",
		"echo no archive at all >x",
		"head -c 100000 /dev/urandom >y; tar -czf z y; head -c 50000 z >x",
		"head -c 100000 /dev/urandom >y; tar -cf z y; head -c 50000 z >x",
	};

	shell(makers[_i]);
	ck_assert_msg(unpack("x") == ASSAY_EINPUT, "%s: %s", makers[_i], err.msg);
}
END_TEST

START_TEST(bombs_are_refused)
{
	/* zstd passes deflate's ratio by far */
	shell("truncate -s 300M y; tar --zstd -cf x y; rm y");
	ck_assert_msg(unpack("x") == ASSAY_ELIMIT, "%s", err.msg);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
	Suite *suite = suite_create("vcs");
	TCase *tc = tcase_create("vcs");
	SRunner *runner;
	int failed;

	umask(077);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, commit_arrives_exactly);
	tcase_add_test(tc, digest_follows_the_tree);
	tcase_add_loop_test(tc, hostile_trees_are_refused, 0, COUNT(hostile));
	tcase_add_loop_test(tc, hostile_raw_trees_are_refused, 0, 4);
	tcase_add_test(tc, links_inside_are_kept);
	tcase_add_test(tc, what_is_not_a_commit_id);
	tcase_add_test(tc, damaged_objects_are_noticed);
	tcase_add_test(tc, lfs_pointers_are_named);
	tcase_add_test(tc, submodules_by_recorded_commit);
	tcase_add_loop_test(tc, hostile_submodules_are_refused, 0, 7);
	tcase_add_test(tc, names_resolve_to_commits);
	tcase_add_test(tc, mirrors);
	tcase_add_test(tc, fetches_over_http);
	tcase_add_loop_test(tc, archives_arrive, 0, 8);
	tcase_add_test(tc, archive_names_and_hard_links);
	tcase_add_loop_test(tc, hostile_archives_are_refused, 0, COUNT(archives));
	tcase_add_loop_test(tc, broken_archives_are_refused, 0, 4);
	tcase_add_test(tc, bombs_are_refused);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
