/* SPDX-License-Identifier: Apache-2.0 */
/* An environment for tests of the box: empty but for the host's /usr and /etc, shown read-only. */
#ifndef TESTS_HOSTILE_SKELETON_H
#define TESTS_HOSTILE_SKELETON_H

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/box.h"

#define SKELETON_MOUNTS 16

struct skeleton {
	char root[256];
	struct assay_box_mount mounts[SKELETON_MOUNTS];
	int mount_count;
};

static inline void skeleton_mount(struct skeleton *s, const char *source, const char *target)
{
	s->mounts[s->mount_count++] = (struct assay_box_mount){ source, target };
	s->mounts[s->mount_count] = (struct assay_box_mount){ NULL, NULL };
}

/* /bin and the like are links into /usr, or directories of their own, as on the host. */
static inline bool skeleton_make(struct skeleton *s)
{
	static const char *const places[] = { "/bin", "/sbin", "/lib", "/lib64" };
	const char *tmp = getenv("TMPDIR");

	/* what every environment has to mount on */
	static const char *const directories[] = { "dev", "etc", "proc", "sys", "tmp", "usr", "var",
						   "var/tmp" };

	*s = (struct skeleton){ .mount_count = 0 };
	snprintf(s->root, sizeof(s->root), "%s/assay-skeleton.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(s->root) || chmod(s->root, 0755))
		return false;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/%s", s->root, directories[i]);
		if (mkdir(path, 0755) || chmod(path, 0755))
			return false;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char target[256], path[300];
		ssize_t len = readlink(places[i], target, sizeof(target) - 1);

		snprintf(path, sizeof(path), "%s%s", s->root, places[i]);
		if (len > 0) {
			target[len] = '\0';
			if (symlink(target, path))
				return false;
		} else if (access(places[i], F_OK) == 0) {
			skeleton_mount(s, places[i], places[i]);
		}
	}
	skeleton_mount(s, "/usr", "/usr");
	skeleton_mount(s, "/etc", "/etc");
	return true;
}

static inline int skeleton_remove_one(const char *path, const struct stat *st, int type,
				      struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void skeleton_remove(struct skeleton *s)
{
	nftw(s->root, skeleton_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A policy with small limits that runs sh -c script. */
static const char *const skeleton_env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8",
					    "HOME=/nonexistent", NULL };

static inline struct assay_box_policy skeleton_policy(const struct skeleton *s,
						      const char *const *argv)
{
	return (struct assay_box_policy){
		.root = s->root, .mounts = s->mounts, .workspace = "/build/job",
		.directory = "/build/job", .argv = argv, .env = skeleton_env,
		.hostname = "assay", .uid = 1000, .gid = 1000, .umask = 022, .cpus = 1,
		.time_s = 300, .memory = 256 << 20, .disk = 64 << 20, .inodes = 4000,
		.processes = 64, .log = 1 << 20, .log_fd = -1,
	};
}

#endif
