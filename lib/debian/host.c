/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment "host": the machine's own /usr, read-only, upon a small tree of our own with an
 * /etc that names nobody.  It is weaker than a locked one and its record says so: packages are known
 * by name and version, not by content, and what lies in /usr/local is not known at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "debian_int.h"

#define MOUNTS_MAX 64

static const char *const directories[] = {
	"usr", "etc", "etc/ld.so.conf.d", "proc", "sys", "dev", "run", "tmp", "var", "var/tmp",
	"var/lib", "var/lib/dpkg", "var/cache", "build", "root", "mnt", "opt", "home", "srv",
};

static const struct {
	const char *path, *text;
} written[] = {
	{ "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			"build:x:1000:1000:build:/nonexistent:/bin/sh\n"
			"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
	{ "etc/group", "root:x:0:\ntty:x:5:\nbuild:x:1000:\nnogroup:x:65534:\n" },
	{ "etc/hostname", ASSAY_DEBIAN_HOSTNAME "\n" },
	{ "etc/hosts", "127.0.0.1 localhost " ASSAY_DEBIAN_HOSTNAME "\n::1 localhost\n" },
	{ "etc/resolv.conf", "" },
	{ "etc/machine-id", "" },
	{ "etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n" },
};

/* What programs in /usr read in /etc and that holds no secret; globs of a leading name. */
static const char *const shown[] = { "alternatives", "dpkg",  "perl", "python",	   "java-",
				     "fonts",	     "xml",   "sgml", "texmf",	   "ImageMagick-",
				     "emacs",	     "ghc",   "ocaml", "R",	   "lisp" };

static bool is_shown(const char *name)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strncmp(name, shown[i], strlen(shown[i])) == 0)
			return true;
	return false;
}

static enum assay_code add_mount(struct assay_box_mount *mounts, size_t *count, const char *path,
				 struct assay_error *err)
{
	char *copy;

	if (*count + 1 >= MOUNTS_MAX)
		return assay_fail(err, ASSAY_ELIMIT, "host: want at most %d mounts", MOUNTS_MAX);
	copy = strdup(path);
	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "host: out of memory");
	mounts[(*count)++] = (struct assay_box_mount){ copy, copy };
	return ASSAY_OK;
}

/* /bin is a link into /usr, or a directory of its own on a machine that was never merged. */
static enum assay_code add_top(int root, const char *name, struct assay_box_mount *mounts,
			       size_t *count, struct assay_error *err)
{
	char path[64], target[256];
	struct stat st;
	ssize_t len;

	snprintf(path, sizeof(path), "/%s", name);
	if (lstat(path, &st))
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(root, name, 0755) && errno != EEXIST)
			return assay_fail_errno(err, "create %s", path);
		return add_mount(mounts, count, path, err);
	}
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return assay_fail_errno(err, "%s", path);
	target[len] = '\0';
	if (symlinkat(target, root, name))
		return assay_fail_errno(err, "create %s", path);
	return ASSAY_OK;
}

static enum assay_code add_etc(int root, struct assay_box_mount *mounts, size_t *count,
			       struct assay_error *err)
{
	assay_auto(assay_dir_closep) DIR *dir = opendir("/etc");
	struct dirent *entry;
	struct stat st;
	char path[300];

	if (!dir)
		return assay_fail_errno(err, "/etc");
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/etc/%s", entry->d_name);
		if (!is_shown(entry->d_name) || lstat(path, &st) || !S_ISDIR(st.st_mode))
			continue;
		if (mkdirat(root, path + 1, 0755))
			return assay_fail_errno(err, "create %s", path);
		if (add_mount(mounts, count, path, err))
			return err->code;
	}
	return ASSAY_OK;
}

/* The loader's cache names the directories of /usr that hold libraries. */
static enum assay_code copy_loader_cache(int root, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(16 * ASSAY_MIB);

	if (access("/etc/ld.so.cache", R_OK))
		return ASSAY_OK;
	if (assay_file_read(AT_FDCWD, "/etc/ld.so.cache", &text, err))
		return err->code;
	return assay_file_write(root, "etc/ld.so.cache", assay_buf_span(&text), 0644, err);
}

static enum assay_code fill(int root, struct assay_box_mount *mounts, struct assay_error *err)
{
	static const char *const tops[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
	size_t count = 0;

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (mkdirat(root, directories[i], 0755))
			return assay_fail_errno(err, "create %s", directories[i]);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (assay_file_write(root, written[i].path, assay_span_text(written[i].text), 0644,
				     err))
			return err->code;
	if (add_mount(mounts, &count, "/usr", err))
		return err->code;
	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (add_top(root, tops[i], mounts, &count, err))
			return err->code;
	if (access("/var/lib/dpkg", R_OK) == 0 && add_mount(mounts, &count, "/var/lib/dpkg", err))
		return err->code;
	if (add_etc(root, mounts, &count, err))
		return err->code;
	return copy_loader_cache(root, err);
}

static size_t count_lines(struct assay_span text)
{
	struct assay_span line;
	size_t count = 0;

	while (assay_span_next_line(&text, &line))
		count++;
	return count;
}

/* dpkg-query sorts by name already. */
static enum assay_code record_host(struct assay_environment *environment, struct assay_error *err)
{
	static const char *const argv[] = { "dpkg-query", "-W", "-f",
					    "${Package} ${Version} ${Architecture}\\n", NULL };
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);
	struct assay_process process = ASSAY_PROCESS_INIT;
	json_t *record = assay_json_object(), *list = assay_json_array();
	struct assay_span rest, line;
	char hex[ASSAY_DIGEST_TEXT];

	environment->record = record;
	assay_json_set(record, "list", list);
	process.argv = argv;
	process.out = &out;
	if (assay_process_must(&process, err) || assay_buf_check(&out, "package list", err))
		return assay_context(err, "host's packages");
	rest = assay_buf_span(&out);
	assay_digest_span(rest, &environment->digest);
	assay_json_set_text(record, "kind", "host");
	assay_json_set_int(record, "packages", (int64_t)count_lines(rest));
	assay_json_set_text(record, "digest", assay_digest_hex(&environment->digest, hex));
	assay_json_set_text(record, "digest_of", "the list of the host's packages and versions");
	assay_json_set_text(record, "weakness",
			    "the host's own /usr: its files are not verified, and what did not come "
			    "from a package is not listed");
	while (assay_span_next_line(&rest, &line))
		assay_json_append(list, assay_json_name(line));
	return ASSAY_OK;
}

static enum assay_code make_host(struct assay_environment *environment, struct assay_error *err)
{
	struct assay_box_mount *mounts = calloc(MOUNTS_MAX, sizeof(*mounts));
	assay_auto(assay_fd_closep) int root = -1;

	environment->mounts = mounts;
	root = open(environment->root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!mounts)
		return assay_fail(err, ASSAY_ENOMEM, "host: out of memory");
	/* mkdtemp's mode would shut out the user that builds */
	if (root < 0 || fchmod(root, 0755))
		return assay_fail_errno(err, "%s", environment->root);
	if (fill(root, mounts, err))
		return err->code;
	return record_host(environment, err);
}

enum assay_code assay_environment_host(struct assay_store *store, struct assay_environment *ret,
				       struct assay_error *err)
{
	struct assay_environment made = { .lock_fd = -1 };

	if (assay_store_make_temp(store, &made.root, err))
		return err->code;
	if (make_host(&made, err)) {
		assay_environment_release(&made);
		return assay_context(err, "environment host");
	}
	*ret = made;
	return ASSAY_OK;
}
