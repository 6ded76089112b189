/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file tree of the box.  The environment is the read-only lower layer of an overlay; the upper
 * layer exists to make mount points in and is made read-only before the command runs.  Inputs are
 * shown through overlays as well: no path, inode lock or file system of the host shows.
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

void tree_attach(struct tree *t, int mount, const char *target, bool directory)
{
	int place = tree_place(t, target, directory);

	if (move_mount(mount, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		fail("mount on %.120s in the box", target);
	close(mount);
	close(place);
}

int tree_clone(int dirfd, const char *name)
{
	int fd = open_tree(dirfd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (fd < 0)
		fail("clone %.120s", name);
	return fd;
}

void tree_show(struct tree *t, int dirfd, const char *name, const char *target, bool directory)
{
	tree_attach(t, tree_clone(dirfd, name), target, directory);
}

static void mount_root(struct tree *t)
{
	/* relative names: no path of the host shows in mountinfo */
	if (move_mount(sources.root, "", t->holder, "lower", MOVE_MOUNT_F_EMPTY_PATH) ||
	    mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV,
		  "lowerdir=lower,upperdir=upper,workdir=work,userxattr"))
		fail("mount the overlay");
	close(sources.root);
	t->root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0)
		fail("open the overlay");
}

/* A read-only overlay of one directory; -1 where the kernel stacks no further.  The place of the lower
 * layer is used again and again: an overlay holds on to what it was made of. */
static int overlay_input(struct tree *t, int tree)
{
	int fs, overlay = -1;

	if (move_mount(tree, "", t->holder, "lower", MOVE_MOUNT_F_EMPTY_PATH))
		fail("mount an input");
	fs = policy_skips(t->policy, LAYER_INPUTS) ? -1 : (int)fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs >= 0 && fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", "lower:blank", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		overlay = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_SAFE);
	if (fs >= 0)
		close(fs);
	return overlay;
}

int tree_input(struct tree *t, uint32_t i)
{
	/* the file in it that is the input, or "" */
	const char *name = policy_text(t->policy, t->policy->mounts[i].name);
	int tree = sources.inputs[i], overlay = overlay_input(t, tree), fd;

	if (overlay < 0) {
		t->bare++;
		overlay = open_tree(t->holder, "lower",
				    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	}
	if (overlay < 0)
		fail("clone an input");
	close(tree);
	if (!*name)
		return overlay;
	if (move_mount(overlay, "", t->holder, "lower", MOVE_MOUNT_F_EMPTY_PATH))
		fail("mount an input");
	fd = tree_clone(overlay, name);
	close(overlay);
	return fd;
}

static bool is_beneath(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool tree_is_writable_place(const struct wire_policy *p, const char *target)
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
		const char *name = policy_text(p, p->mounts[i].name);

		if (tree_is_writable_place(p, target) == writable_places)
			tree_attach(t, tree_input(t, i), target, !*name);
	}
}

void tree_report(struct tree *t)
{
	int workspace = ids_nested(t->policy)
				? ids_show(t->holder, "workspace")
				: openat(t->holder, "workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (workspace < 0 || fstatfs(workspace, &fs))
		fail("open the workspace");
	report_layer(LAYER_INPUTS, t->bare ? EINVAL : 0,
		     "%u, read-only, behind overlays; with their path on the host showing: %u",
		     t->policy->mount_count, t->bare);
	report_layer(LAYER_WORKSPACE, policy_skips(t->policy, LAYER_WORKSPACE) ? ECANCELED : 0,
		     "tmpfs of %llu bytes and %llu inodes, nosuid, nodev",
		     (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize,
		     (unsigned long long)fs.f_files);
	report_fd(WIRE_WORKSPACE, workspace, t->own_size);
	close(workspace);
}

void tree_hold(struct tree *t, const char *place)
{
	if (move_mount(t->holder, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) || fchdir(t->holder))
		fail("mount the holder");
	t->fixed = holder_fix(t->holder);
	mount_root(t);
}

void tree_build(struct tree *t)
{
	const struct wire_policy *p = t->policy;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("make mounts private");
	/* over the host's /proc, so that one unmount of the old root takes both */
	tree_hold(t, "/proc");
	mount_inputs(t, false);
	tree_show(t, t->holder, "tmp", "/tmp", true);
	tree_show(t, t->holder, "vartmp", "/var/tmp", true);
	tree_show(t, t->holder, "workspace", policy_text(p, p->workspace), true);
	mount_inputs(t, true);
	kernelfs_show(t);
	tree_report(t);
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

	/* the old root now lies over the new one, with the holder in it: both go */
	if (fchdir(t->root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
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
	close(t->fixed);
}
