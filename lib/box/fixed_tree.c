/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed files as a file tree: a detached tmpfs that the launcher idmaps and the init shows parts
 * of.  It is the same for every box of a policy; where the kernel clones detached mounts (from
 * 6.15 on) one is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "fixed.h"
#include "wire.h"

struct writer {
	int dir;
	bool nodes; /* devices may be made */
	struct timespec times[2];
	struct assay_error *err;
	enum assay_code code;
};

static void write_one(void *to, const char *path, struct assay_span content)
{
	struct writer *w = to;
	const char *below = path + 1;
	int fd;

	if (w->code)
		return;
	if (path[strlen(path) - 1] == '/') {
		/* whatever the umask is */
		if (mkdirat(w->dir, below, 0755) || fchmodat(w->dir, below, 0755, 0))
			w->code = assay_fail_errno(w->err, "box: fixed directory %s", path);
		return;
	}
	fd = openat(w->dir, below, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0) {
		w->code = assay_fail_errno(w->err, "box: fixed file %s", path);
		return;
	}
	w->code = assay_fd_write(fd, content.data, content.len, w->err);
	if (!w->code && (fchmod(fd, 0444) || futimens(fd, w->times)))
		w->code = assay_fail_errno(w->err, "box: fixed file %s", path);
	close(fd);
}

static const struct {
	const char *path;
	unsigned minor;
} nodes[] = {
	{ "/dev/null", 3 }, { "/dev/zero", 5 }, { "/dev/full", 7 }, { "/dev/random", 8 },
	{ "/dev/urandom", 9 },
};

/* The node itself or, where it may not be made, a place to mount it on. */
static void write_node(struct writer *w, const char *path, unsigned minor)
{
	const char *below = path + 1;

	if (w->nodes && mknodat(w->dir, below, S_IFCHR | 0666, makedev(1, minor)) == 0) {
		if (fchmodat(w->dir, below, 0666, 0) || utimensat(w->dir, below, w->times, 0))
			w->code = assay_fail_errno(w->err, "box: %s", path);
		return;
	}
	w->nodes = false;
	write_one(w, path, assay_span_text(""));
}

static void write_dev(struct writer *w)
{
	static const char *const links[][2] = {
		{ "dev/fd", "/proc/self/fd" },
		{ "dev/stdin", "/proc/self/fd/0" },
		{ "dev/stdout", "/proc/self/fd/1" },
		{ "dev/stderr", "/proc/self/fd/2" },
	};

	write_one(w, "/dev/", assay_span_text(""));
	write_one(w, "/dev/shm/", assay_span_text(""));
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		write_node(w, nodes[i].path, nodes[i].minor);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !w->code; i++)
		if (symlinkat(links[i][1], w->dir, links[i][0]))
			w->code = assay_fail_errno(w->err, "box: /%s", links[i][0]);
}

/* Directories change when something is put into them: their times come last. */
static void set_directory_times(void *to, const char *path, struct assay_span content)
{
	struct writer *w = to;

	(void)content;
	if (path[strlen(path) - 1] == '/' && !w->code && utimensat(w->dir, path + 1, w->times, 0))
		w->code = assay_fail_errno(w->err, "box: times of %s", path);
}

static enum assay_code fill(const struct assay_box_policy *policy, int dir, bool with_nodes,
			    struct assay_error *err)
{
	const struct timespec time = { .tv_sec = policy->epoch };
	struct writer writer = { .dir = dir, .nodes = with_nodes, .times = { time, time }, .err = err };

	write_one(&writer, "/" WIRE_BLANK_DIRECTORY "/", assay_span_text(""));
	write_one(&writer, "/" WIRE_BLANK_FILE, assay_span_text(""));
	write_dev(&writer);
	box_fixed_files(policy, box_fixed_cpus(policy), write_one, &writer);
	box_fixed_files(policy, box_fixed_cpus(policy), set_directory_times, &writer);
	set_directory_times(&writer, "/" WIRE_BLANK_DIRECTORY "/", assay_span_text(""));
	set_directory_times(&writer, "/dev/", assay_span_text(""));
	return writer.code;
}

enum assay_code box_fixed_fill(const struct assay_box_policy *policy, int dir, struct assay_error *err)
{
	return fill(policy, dir, false, err);
}

static int mount_tree(const struct assay_box_policy *policy)
{
	assay_auto(assay_fd_closep) int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	struct assay_error err;
	int tree;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "4m", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	tree = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (tree >= 0 && fill(policy, tree, true, &err)) {
		close(tree);
		return -1;
	}
	return tree;
}

/* What the content depends on. */
struct key {
	char hostname[65];
	uint64_t memory;
	int64_t epoch;
	unsigned cpus;
	bool aslr_off;
};

static struct {
	pthread_mutex_t lock;
	struct key key;
	int tree;
} kept = { PTHREAD_MUTEX_INITIALIZER, { .cpus = 0 }, -1 };

static int clone_kept(const struct assay_box_policy *policy)
{
	struct key key = { .memory = policy->memory, .epoch = policy->epoch,
			   .cpus = box_fixed_cpus(policy), .aslr_off = policy->aslr_off };

	snprintf(key.hostname, sizeof(key.hostname), "%s", policy->hostname);
	if (kept.tree < 0 || key.cpus != kept.key.cpus || key.memory != kept.key.memory ||
	    key.epoch != kept.key.epoch || key.aslr_off != kept.key.aslr_off ||
	    strcmp(key.hostname, kept.key.hostname) != 0) {
		if (kept.tree >= 0)
			close(kept.tree);
		kept.tree = mount_tree(policy);
		kept.key = key;
	}
	return kept.tree < 0 ? -1
			     : open_tree(kept.tree, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

int box_fixed_open(const struct assay_box_policy *policy)
{
	int tree;

	if (geteuid() != 0)
		return -1;
	pthread_mutex_lock(&kept.lock);
	tree = clone_kept(policy);
	pthread_mutex_unlock(&kept.lock);
	return tree >= 0 ? tree : mount_tree(policy);
}
