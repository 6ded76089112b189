/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From /proc/self/mountinfo (what is mounted where) and /proc/self/cgroup (where we are in each
 * tree).  In version 2 a group with processes cannot have children with controllers (cgroup-v2,
 * "No Internal Process Constraint"): when the group is ours alone, or delegated to us, its processes
 * step down into a leaf.
 */
#include "cgroup_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"

#define PROC_TEXT_MAX (4u << 20)
#define LEAF "assay-supervisor"

/* The next word of a line; words are separated by single spaces. */
static struct assay_span next_word(struct assay_span *rest)
{
	size_t end = assay_span_find(*rest, 0, assay_span_text(" "));
	struct assay_span word = assay_span_cut(*rest, 0, end);

	*rest = end == SIZE_MAX ? assay_span_of(NULL, 0)
				: assay_span_cut(*rest, end + 1, rest->len);
	return word;
}

static bool has_option(struct assay_span list, const char *option)
{
	while (list.len) {
		size_t end = assay_span_find(list, 0, assay_span_text(","));
		struct assay_span one = assay_span_cut(list, 0, end);

		if (assay_span_equal_text(one, option))
			return true;
		list = end == SIZE_MAX ? assay_span_of(NULL, 0)
				       : assay_span_cut(list, end + 1, list.len);
	}
	return false;
}

struct place {
	char root[512], mount[512]; /* of the tree, and where it shows */
};

/* controller NULL: the version 2 tree. */
static bool parse_mount(struct assay_span line, const char *controller, struct place *ret)
{
	struct assay_span root, mount, type, word;

	for (int i = 0; i < 3; i++)
		next_word(&line);
	root = next_word(&line);
	mount = next_word(&line);
	do
		word = next_word(&line);
	while (word.len && !assay_span_equal_text(word, "-"));
	type = next_word(&line);
	next_word(&line);
	if (!assay_span_equal_text(type, controller ? "cgroup" : "cgroup2") ||
	    (controller && !has_option(next_word(&line), controller)))
		return false;
	if (root.len >= sizeof(ret->root) || mount.len >= sizeof(ret->mount))
		return false;
	snprintf(ret->root, sizeof(ret->root), "%.*s", ASSAY_SPAN_ARGS(root));
	snprintf(ret->mount, sizeof(ret->mount), "%.*s", ASSAY_SPAN_ARGS(mount));
	return true;
}

static bool find_mount(const char *controller, struct place *ret)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(PROC_TEXT_MAX);
	struct assay_span rest, line;
	struct assay_error err;

	if (assay_file_read(AT_FDCWD, "/proc/self/mountinfo", &buf, &err))
		return false;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line))
		if (parse_mount(line, controller, ret))
			return true;
	return false;
}

/* "9:cpu,cpuacct:/path", or "0::/path" for version 2. */
static bool find_path(const char *controller, char *ret, size_t size)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(PROC_TEXT_MAX);
	struct assay_span rest, line;
	struct assay_error err;

	if (assay_file_read(AT_FDCWD, "/proc/self/cgroup", &buf, &err))
		return false;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line)) {
		size_t first = assay_span_find(line, 0, assay_span_text(":"));
		size_t second = first == SIZE_MAX ? first
						  : assay_span_find(line, first + 1,
								    assay_span_text(":"));
		struct assay_span names, path;

		if (second == SIZE_MAX)
			continue;
		names = assay_span_cut(line, first + 1, second - first - 1);
		path = assay_span_cut(line, second + 1, line.len);
		if (controller ? !has_option(names, controller) : names.len > 0)
			continue;
		if (path.len >= size)
			return false;
		snprintf(ret, size, "%.*s", ASSAY_SPAN_ARGS(path));
		return true;
	}
	return false;
}

/* Our own group in the tree that carries controller. */
static int open_own(const char *controller)
{
	struct place place;
	char path[512], whole[1100];
	const char *below = path;
	size_t root_len;

	errno = ENOENT;
	if (!find_mount(controller, &place) || !find_path(controller, path, sizeof(path)))
		return -1;
	root_len = strlen(place.root);
	if (root_len > 1 && strncmp(path, place.root, root_len) == 0)
		below = path + root_len;
	snprintf(whole, sizeof(whole), "%s/%s", place.mount, below);
	return open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool write_to(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return ok;
}

static bool lists(int dirfd, const char *file, const char *controller)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(PROC_TEXT_MAX);
	struct assay_error err;
	struct assay_span rest, word;

	if (assay_file_read(dirfd, file, &buf, &err))
		return false;
	rest = assay_span_trim(assay_buf_span(&buf));
	while (rest.len) {
		word = next_word(&rest);
		if (assay_span_equal_text(word, controller))
			return true;
	}
	return false;
}

/* Our group, or its parent when a box before this one made us step down. */
static int open_unified(void)
{
	char path[512];
	size_t len;
	int own = open_own(NULL), parent;

	if (own < 0 || !find_path(NULL, path, sizeof(path)))
		return own;
	len = strlen(path);
	if (len < sizeof(LEAF) || strcmp(path + len - strlen(LEAF), LEAF) != 0)
		return own;
	parent = openat(own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(own);
	return parent;
}

/* systemd marks what it hands over (Delegate=yes) for everyone to see. */
static bool is_delegated(int group)
{
	char value;

	return (fgetxattr(group, "trusted.delegate", &value, 1) == 1 && value == '1') ||
	       (fgetxattr(group, "user.delegate", &value, 1) == 1 && value == '1');
}

/* All members of a group that is ours to divide: other processes of ours, and whatever started us. */
static void move_members(int group, int leaf)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(PROC_TEXT_MAX);
	struct assay_error err;
	struct assay_span rest, line;
	char pid[32];

	if (assay_file_read(group, "cgroup.procs", &buf, &err))
		return;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line)) {
		snprintf(pid, sizeof(pid), "%.*s", ASSAY_SPAN_ARGS(line));
		write_to(leaf, "cgroup.procs", pid);
	}
}

static bool enable(int group, const char *controller)
{
	assay_auto(assay_fd_closep) int leaf = -1;
	char text[32], pid[16];

	if (lists(group, "cgroup.subtree_control", controller))
		return true;
	snprintf(text, sizeof(text), "+%s", controller);
	if (write_to(group, "cgroup.subtree_control", text))
		return true;
	if (errno != EBUSY || (mkdirat(group, LEAF, 0755) && errno != EEXIST))
		return false;
	leaf = openat(group, LEAF, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf < 0)
		return false;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	write_to(leaf, "cgroup.procs", pid);
	if (write_to(group, "cgroup.subtree_control", text))
		return true;
	if (!is_delegated(group))
		return false;
	move_members(group, leaf);
	return write_to(group, "cgroup.subtree_control", text);
}

int cgroup_find(const char *controller, bool *ret_v2)
{
	int fd;

	*ret_v2 = true;
	fd = open_unified();
	if (!*controller)
		return fd;
	if (fd >= 0 && lists(fd, "cgroup.controllers", controller) && enable(fd, controller))
		return fd;
	if (fd >= 0)
		close(fd);
	*ret_v2 = false;
	return open_own(controller);
}
