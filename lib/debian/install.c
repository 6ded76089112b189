/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing exactly the packages of a lock.  The first stage is made by mmdebstrap from a local
 * repository; later ones by the chroot's own apt in an overlay upon the stage before, whose tree is
 * thereby never written to.  Both run without network, under a fixed host name, with an environment
 * of our own; when unshare(1) dies, so does everything in its process namespace, and its mounts go.
 */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "tree.h"

#define INSTALL_TIMEOUT_S 3600
#define CLEAN_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* $1 work directory, $2 epoch, $3 root of the stage before.  The work directory gets a fixed name,
 * because a store's path may hold what these tools do not read.  "volatile" (Linux 5.10) spares the
 * flushes after each file: what is made here counts only once it has been flushed as a whole. */
#define WORK_SCRIPT \
	"set -eu\n" \
	"umask 022\n" \
	"hostname " ASSAY_DEBIAN_HOSTNAME "\n" \
	"mount --bind \"$3\" \"$1/base\"\n" \
	"mount --rbind \"$1\" /mnt\n" \
	"cd /mnt\n"

/* An overlay cannot have its upper layer on an overlay (a container's root often is one): then the
 * stage before is copied, and "copied" says so. */
#define OVERLAY_SCRIPT \
	WORK_SCRIPT \
	"layers=lowerdir=base,upperdir=upper,workdir=overlay,redirect_dir=off,metacopy=off\n" \
	"mount -t overlay -o \"$layers,volatile\" overlay merged 2> /dev/null || " \
	"mount -t overlay -o \"$layers\" overlay merged 2> /dev/null || " \
	"{ cp -a base/. merged/; : > copied; }\n"

/* $4 packages parted by commas, $5 "split" or nothing */
static const char bootstrap_script[] =
	WORK_SCRIPT
	"note='echo this system will not be supported in the future "
	">\"$1/etc/unsupported-skip-usrmerge-conversion\"'\n"
	"[ \"$5\" = split ] || note=true\n"
	"mount --bind upper merged\n"
	"exec env -i " CLEAN_PATH " LC_ALL=C.UTF-8 HOME=/root TMPDIR=/mnt/tmp "
	"SOURCE_DATE_EPOCH=\"$2\" "
	"mmdebstrap --mode=root --variant=custom --format=directory --include=\"$4\" "
	"--setup-hook=\"$note\" "
	"--aptopt='APT::Sandbox::User \"root\"' --dpkgopt=force-unsafe-io "
	"--skip=check/qemu,check/signed-by,download/empty,output/mknod,output/dev,"
	"cleanup/reproducible,cleanup/apt "
	"'' /mnt/merged 'deb [trusted=yes] copy:/mnt/packages ./'\n";

static const char extend_script[] =
	OVERLAY_SCRIPT
	"mount -t proc proc merged/proc\n"
	"mount -t tmpfs -o mode=755 tmpfs merged/dev\n"
	"mount -t tmpfs -o mode=755 tmpfs merged/run\n"
	"mount -t tmpfs -o mode=1777 tmpfs merged/tmp\n"
	"for node in null zero full random urandom tty; do\n"
	"	: > merged/dev/$node; mount --bind /dev/$node merged/dev/$node\n"
	"done\n"
	"mkdir -m 1777 merged/dev/shm\n"
	"ln -s /proc/self/fd merged/dev/fd\n"
	"mkdir -p merged/run/lock merged/run/assay/packages merged/run/assay/lists/partial "
	"merged/run/assay/cache/archives/partial merged/run/assay/log\n"
	"mount --bind packages merged/run/assay/packages\n"
	/* no service starts, and no index of manual pages is made that no build reads */
	"printf '#!/bin/sh\\nexit 101\\n' > merged/usr/sbin/policy-rc.d\n"
	"chmod 755 merged/usr/sbin/policy-rc.d\n"
	"mount --bind merged/bin/true merged/sbin/start-stop-daemon\n"
	"in_root() {\n"
	"	env -i " CLEAN_PATH " LC_ALL=C.UTF-8 HOME=/root SOURCE_DATE_EPOCH=\"$epoch\" "
	"DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true "
	"chroot merged \"$@\" < /dev/null\n"
	"}\n"
	"epoch=$2\n"
	"in_root sh -c 'echo man-db man-db/auto-update boolean false | debconf-set-selections'\n"
	"in_root sh -c 'exec apt-get install -y -q --no-install-recommends "
	"-o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null "
	"-o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=/run/assay/lists "
	"-o Dir::Cache=/run/assay/cache -o Dir::Log=/run/assay/log "
	"-o Dpkg::Options::=--force-unsafe-io -o Dpkg::Use-Pty=0 -o Dpkg::Lock::Timeout=60 "
	"/run/assay/packages/*.deb'\n"
	"rm merged/usr/sbin/policy-rc.d\n";

/* The line of a tool that says what went wrong, kept while its output streams by. */
struct complaint {
	char line[400];
};

static void on_line(void *data, const char *line)
{
	struct complaint *complaint = data;

	assay_log(ASSAY_LOG_DEBUG, "%s", line);
	if (strncmp(line, "E: ", 3) == 0 || strncmp(line, "dpkg: error", 11) == 0)
		assay_span_show(assay_span_text(line), complaint->line, sizeof(complaint->line));
}

static enum assay_code run_script(const struct debian_stage *stage, const char *script,
				  const char *base, const char *names, struct assay_error *err)
{
	struct complaint complaint = { "" };
	struct assay_process process = ASSAY_PROCESS_INIT;
	char epoch[32];
	const char *const argv[] = { "unshare", "--mount", "--uts", "--ipc", "--net", "--pid",
				     "--fork", "--kill-child", "--mount-proc", "sh", "-c", script,
				     "sh", stage->work, epoch, base, names,
				     stage->lock->usr_is_split ? "split" : "", NULL };
	int status;

	snprintf(epoch, sizeof(epoch), "%" PRId64, stage->lock->epoch);
	process.argv = argv;
	process.timeout_s = INSTALL_TIMEOUT_S;
	process.on_line = on_line;
	process.on_line_data = &complaint;
	if (assay_process_run(&process, &status, err))
		return err->code;
	if (status)
		return assay_fail(err, ASSAY_EIO, "installation failed with status %d%s%s", status,
				  complaint.line[0] ? ": " : "", complaint.line);
	return ASSAY_OK;
}

static enum assay_code make_dir(const struct debian_stage *stage, const char *name,
				struct assay_error *err)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", stage->work, name);
	if (mkdir(path, 0755) && errno != EEXIST)
		return assay_fail_errno(err, "create %s", path);
	return ASSAY_OK;
}

/* A private copy of each package, hashed on its way; their names are those of the pool. */
static enum assay_code copy_packages(const struct debian_stage *stage, int dirfd,
				     struct assay_error *err)
{
	for (size_t i = stage->first; i < stage->end; i++) {
		const struct assay_debian_file *p = &stage->lock->packages[i];
		assay_auto(assay_fd_closep) int from = -1;
		assay_auto(assay_fd_closep) int to = -1;

		if (assay_store_get(stage->store, &p->sha256, &from, err))
			return assay_context(err, "%s", p->name);
		to = openat(dirfd, p->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (to < 0)
			return assay_fail_errno(err, "create %s", p->name);
		if (assay_fd_copy(from, to, NULL, err))
			return assay_context(err, "%s", p->name);
	}
	return ASSAY_OK;
}

/* The index of the local repository: each package's own control data, and its digest by the lock. */
static enum assay_code add_control(const struct debian_stage *stage,
				   const struct assay_debian_file *p, struct assay_buf *out,
				   struct assay_error *err)
{
	char path[4200], hex[ASSAY_DIGEST_TEXT];
	const char *const argv[] = { "dpkg-deb", "-f", path, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;

	snprintf(path, sizeof(path), "%s/packages/%s", stage->work, p->name);
	process.argv = argv;
	process.out = out;
	if (assay_process_must(&process, err))
		return err->code;
	assay_buf_printf(out, "Filename: ./%s\nSize: %" PRIu64 "\nSHA256: %s\n\n", p->name, p->size,
			 assay_digest_hex(&p->sha256, hex));
	return ASSAY_OK;
}

static enum assay_code write_index(const struct debian_stage *stage, int dirfd,
				   struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);

	for (size_t i = stage->first; i < stage->end; i++)
		if (add_control(stage, &stage->lock->packages[i], &text, err))
			return assay_context(err, "index of the packages");
	if (assay_buf_check(&text, "index of the packages", err))
		return err->code;
	return assay_file_write(dirfd, "Packages", assay_buf_span(&text), 0644, err);
}

/* The list of packages for mmdebstrap, which resolves nothing: the index has one version of each. */
static enum assay_code bootstrap(const struct debian_stage *stage, int packages, const char *base,
				 struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf names = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);

	for (size_t i = stage->first; i < stage->end; i++)
		assay_buf_printf(&names, "%s%s", names.len ? "," : "",
				 stage->lock->packages[i].package);
	if (assay_buf_check(&names, "list of the packages", err) ||
	    write_index(stage, packages, err))
		return err->code;
	return run_script(stage, bootstrap_script, base, assay_buf_text(&names), err);
}

static enum assay_code open_dir(const char *parent, const char *name, int *ret,
				struct assay_error *err)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s%s%s", parent, name ? "/" : "", name ? name : "");
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret < 0 ? assay_fail_errno(err, "%s", path) : ASSAY_OK;
}

/* The tree: the stage before, and what the installation changed in it. */
static enum assay_code assemble_layers(const struct debian_stage *stage, const char *base_path,
				       struct assay_error *err)
{
	assay_auto(assay_fd_closep) int base = -1;
	assay_auto(assay_fd_closep) int upper = -1;
	assay_auto(assay_fd_closep) int root = -1;

	if (open_dir(base_path, NULL, &base, err) || open_dir(stage->work, "upper", &upper, err) ||
	    open_dir(stage->work, "root", &root, err) || debian_tree_clone(base, root, err) ||
	    debian_tree_merge(upper, root, err) ||
	    debian_tree_finish(root, !stage->base, stage->lock->epoch, err))
		return assay_context(err, "%s", stage->root);
	return ASSAY_OK;
}

/* The same tree where it was made upon a copy: it lies in "merged" as a whole. */
static enum assay_code assemble_copy(const struct debian_stage *stage, int work,
				     struct assay_error *err)
{
	assay_auto(assay_fd_closep) int root = -1;

	if (unlinkat(work, "root", AT_REMOVEDIR) || renameat(work, "merged", work, "root"))
		return assay_fail_errno(err, "%s", stage->root);
	if (open_dir(stage->work, "root", &root, err) ||
	    debian_tree_finish(root, !stage->base, stage->lock->epoch, err))
		return assay_context(err, "%s", stage->root);
	return ASSAY_OK;
}

static enum assay_code assemble(const struct debian_stage *stage, const char *base_path,
				struct assay_error *err)
{
	assay_auto(assay_fd_closep) int work = -1;

	if (open_dir(stage->work, NULL, &work, err))
		return err->code;
	if (faccessat(work, "copied", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return assemble_copy(stage, work, err);
	return assemble_layers(stage, base_path, err);
}

enum assay_code debian_stage_install(const struct debian_stage *stage, struct assay_error *err)
{
	static const char *const directories[] = { "packages", "empty", "base", "upper",
						   "overlay", "merged", "root", "tmp" };
	assay_auto(assay_freep) char *empty = assay_path_join(stage->work, "empty");
	const char *base = stage->base ? stage->base : empty;
	assay_auto(assay_fd_closep) int packages = -1;
	enum assay_code code;

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (make_dir(stage, directories[i], err))
			return err->code;
	if (!empty)
		return assay_fail(err, ASSAY_ENOMEM, "installation: out of memory");
	if (open_dir(stage->work, "packages", &packages, err) ||
	    copy_packages(stage, packages, err))
		return err->code;
	code = stage->base ? run_script(stage, extend_script, base, NULL, err)
			   : bootstrap(stage, packages, base, err);
	return code ? code : assemble(stage, base, err);
}
