/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file tree of the box.  One tmpfs, the holder, capped in bytes and inodes, carries everything
 * that can be written: the workspace, /tmp, /var/tmp, /dev/shm and the overlay's upper layer, so
 * that one number is the disk limit.  The environment is the read-only lower layer; the upper layer
 * exists to make mount points in and is made read-only before the command runs.
 *
 * Places are resolved with openat2(RESOLVE_IN_ROOT) and mounts are moved onto descriptors: a link
 * in the environment never leads outside, and nothing can be swapped between check and use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "launcher.h"

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int open_inside(int root, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Makes every missing directory of path, the last component included. */
static int make_directories(struct tree *t, const char *path)
{
	int dir = open_inside(t->root, "/", O_PATH | O_DIRECTORY), next;
	char part[256];

	if (dir < 0)
		fail("open the box's root");
	while (*path) {
		size_t prefix = strspn(path, "/"), len = strcspn(path + prefix, "/");
		size_t whole;

		if (len == 0)
			break;
		if (len >= sizeof(part)) {
			errno = ENAMETOOLONG;
			fail("place in the box");
		}
		memcpy(part, path + prefix, len);
		part[len] = '\0';
		whole = prefix + len;
		next = openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT) {
			if (mkdirat(dir, part, 0755))
				fail("make directory %.100s in the box", part);
			next = openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		if (next < 0)
			fail("directory %.100s in the box", part);
		close(dir);
		dir = next;
		path += whole;
	}
	return dir;
}

int tree_place(struct tree *t, const char *target, bool directory)
{
	int fd = open_inside(t->root, target, O_PATH | (directory ? O_DIRECTORY : 0));
	const char *slash = strrchr(target, '/');
	char parent[4096];

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		fail("place %.120s in the box", target);
	if (directory)
		return make_directories(t, target);
	if ((size_t)(slash - target) >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		fail("place %.120s in the box", target);
	}
	memcpy(parent, target, (size_t)(slash - target));
	parent[slash - target] = '\0';
	fd = tree_place(t, parent[0] ? parent : "/", true);
	if (mknodat(fd, slash + 1, S_IFREG | 0644, 0))
		fail("make file %.120s in the box", target);
	close(fd);
	fd = open_inside(t->root, target, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		fail("place %.120s in the box", target);
	return fd;
}

void tree_attach(int mount, int place, const char *target)
{
	if (move_mount(mount, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		fail("mount on %.120s in the box", target);
	close(mount);
	close(place);
}

int tree_clone(int dirfd, const char *path, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = attributes };
	int fd = open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
						(*path ? 0 : AT_EMPTY_PATH));

	if (fd < 0)
		fail("open tree %.120s", path);
	if (attributes && mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)))
		fail("make %.120s read-only", path);
	return fd;
}

void tree_show(struct tree *t, const char *held, const char *target, uint64_t attributes)
{
	struct stat st;

	if (fstatat(t->holder, held, &st, AT_SYMLINK_NOFOLLOW))
		fail("holder: %s", held);
	tree_attach(tree_clone(t->holder, held, attributes),
		    tree_place(t, target, S_ISDIR(st.st_mode)), target);
}

static void make_holder(struct tree *t)
{
	static const struct {
		const char *name;
		mode_t mode;
	} parts[] = {
		{ "lower", 0755 }, { "upper", 0755 },  { "work", 0755 },	{ "root", 0755 },
		{ "tmp", 01777 },  { "vartmp", 01777 }, { "shm", 01777 },	{ "files", 0755 },
		{ "dev", 0755 },   { "sys", 0755 },	{ "empty", 0555 }, { "workspace", 0755 },
	};
	const struct wire_policy *p = t->policy;
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char size[32], inodes[32];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)p->disk);
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)p->inodes);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fail("make a tmpfs of %s bytes and %s inodes", size, inodes);
	t->holder = fsmount(fs, FSMOUNT_CLOEXEC, SAFE);
	close(fs);
	if (t->holder < 0 || move_mount(t->holder, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ||
	    fchdir(t->holder))
		fail("mount the holder");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		/* the umask is 0 until the command's own is set */
		if (mkdirat(t->holder, parts[i].name, parts[i].mode))
			fail("holder: %s", parts[i].name);
	}
	if (fchownat(t->holder, "workspace", p->uid, p->gid, 0))
		fail("holder: owner of the workspace");
}

static void mount_root(struct tree *t)
{
	int place = openat(t->holder, "lower", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (place < 0)
		fail("holder: lower");
	tree_attach(t->trees[0], place, "lower");
	/* relative names: no path of the host shows in mountinfo */
	if (mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV,
		  "lowerdir=lower,upperdir=upper,workdir=work,userxattr"))
		fail("mount the overlay");
	t->root = openat(t->holder, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0)
		fail("open the overlay");
}

/* Without privileges nobody can clone the trees for us: in our own namespaces we may. */
static void take_trees(struct tree *t, int sock)
{
	const struct wire_policy *p = t->policy;
	uint64_t attributes = MOUNT_ATTR_RDONLY | SAFE;

	for (uint32_t i = 0; i <= p->mount_count; i++) {
		uint32_t source = i ? p->mounts[i - 1].source : p->root;

		t->trees[i] = ids_privileged(p) ? fd_receive(sock)
						: tree_clone(AT_FDCWD, policy_text(p, source), attributes);
		if (t->trees[i] < 0)
			fail("receive tree %.120s", policy_text(p, source));
	}
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
		t->devices[i] = ids_privileged(p) ? fd_receive(sock) : tree_clone(AT_FDCWD, path, 0);
		if (t->devices[i] < 0)
			fail("receive %s", path);
	}
}

static bool is_beneath(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_writable_place(const struct wire_policy *p, const char *target)
{
	return is_beneath(target, policy_text(p, p->workspace)) || is_beneath(target, "/tmp") ||
	       is_beneath(target, "/var/tmp");
}

/* Inputs outside of the writable places come first, those inside them last: whatever is mounted
 * over something else never hides a place that was already prepared. */
static void mount_inputs(struct tree *t, bool writable_places)
{
	const struct wire_policy *p = t->policy;

	for (uint32_t i = 0; i < p->mount_count; i++) {
		const char *target = policy_text(p, p->mounts[i].target);
		struct stat st;

		if (is_writable_place(p, target) != writable_places)
			continue;
		if (fstat(t->trees[i + 1], &st))
			fail("input for %.120s", target);
		tree_attach(t->trees[i + 1], tree_place(t, target, S_ISDIR(st.st_mode)), target);
	}
}

static void show_files(struct tree *t)
{
	const struct wire_policy *p = t->policy;

	for (uint32_t i = 0; i < p->file_count; i++) {
		const struct wire_file *file = &p->files[i];
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "files/%u", i);
		fd = openat(t->holder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
		if (fd < 0 || write(fd, p->data + file->content, file->size) != (ssize_t)file->size)
			fail("file for %.120s", policy_text(p, file->target));
		close(fd);
		tree_show(t, name, policy_text(p, file->target), MOUNT_ATTR_RDONLY | SAFE);
	}
}

static void report_tree(struct tree *t)
{
	int workspace = openat(t->holder, "workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (workspace < 0 || fstatfs(workspace, &fs))
		fail("open the workspace");
	report_layer(LAYER_WORKSPACE, 0, "tmpfs of %llu bytes and %llu inodes, nosuid, nodev",
		     (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize,
		     (unsigned long long)fs.f_files);
	report_fd(WIRE_WORKSPACE, workspace);
	close(workspace);
}

void tree_build(struct tree *t, int sock)
{
	const struct wire_policy *p = t->policy;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("make mounts private");
	take_trees(t, sock);
	make_holder(t);
	mount_root(t);
	mount_inputs(t, false);
	tree_show(t, "tmp", "/tmp", SAFE);
	tree_show(t, "vartmp", "/var/tmp", SAFE);
	tree_show(t, "workspace", policy_text(p, p->workspace), SAFE);
	mount_inputs(t, true);
	kernelfs_mount(t);
	kernelfs_dev(t);
	show_files(t);
	kernelfs_close_sys(t);
	report_tree(t);
}

/* Both names of the root lead to the overlay: nothing of the host lies above or below it. */
static void check_root(const struct tree *t)
{
	struct stat want, root, above;

	if (fstat(t->root, &want) || stat("/", &root) || stat("/..", &above))
		fail("look at the root");
	errno = EPERM;
	if (root.st_dev != want.st_dev || root.st_ino != want.st_ino ||
	    above.st_dev != want.st_dev || above.st_ino != want.st_ino)
		fail("the old root is still there");
}

void tree_enter(struct tree *t)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	bool writable = t->policy->flags & WIRE_ROOT_INSIDE || policy_skips(t->policy, LAYER_ROOT);
	struct statfs fs;

	/* the old root now lies over the new one, and the holder over the old root: both go */
	if (fchdir(t->root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    umount2(".", MNT_DETACH) || chdir("/"))
		fail("change the root");
	check_root(t);
	if (!writable && mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)))
		fail("make the root read-only");
	if (statfs("/", &fs))
		fail("look at the root's flags");
	/* probe: an open that would create */
	if (writable || open("/.assay-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ||
	    errno != EROFS)
		report_layer(LAYER_ROOT, t->policy->flags & WIRE_ROOT_INSIDE ? 0 : EPERM,
			     "writes go to a layer that is thrown away");
	else
		report_layer(LAYER_ROOT, 0, "overlay, read-only (flags 0x%lx), old root unmounted",
			     (unsigned long)fs.f_flags);
	close(t->root);
	close(t->holder);
}
