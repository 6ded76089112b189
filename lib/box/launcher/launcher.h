/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-box, the launcher: turns a binary policy into a box and runs one command in it.
 *
 *	main.c     reads the policy, clones the box's init, maps ids, waits, reads network counters
 *	policy.c   checks the policy
 *	ids.c      user and group maps; idmapped detached mounts, handed to the init
 *	init.c     pid 1 of the box: builds it, forks the command, reaps
 *	tree.c     the file tree: overlay, workspace, /tmp, inputs, the change of root
 *	kernelfs.c /proc, /dev and /sys
 *	command.c  the last steps before exec: limits, capabilities, Landlock, seccomp, probes
 *	report.c   records to the library
 *	net.c      interface counters
 *
 * Nothing is allocated; whatever fails is reported and ends the launcher.
 */
#ifndef ASSAY_BOX_LAUNCHER_H
#define ASSAY_BOX_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "../wire.h"

/* Ends the process after reporting errno and what was tried. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void report(enum wire_kind kind, uint32_t id, int status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_layer(enum wire_layer layer, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends what waits: before a fork and before the end. */
void report_flush(void);
void report_fd(enum wire_kind kind, int fd);
void report_usage(const struct rusage *usage);
void report_interface(const char *name, const uint64_t values[4]);

/* One descriptor over a socket; fd_receive gives -1 with errno set. */
int fd_send(int sock, const void *data, size_t len, int fd);
int fd_receive(int sock);

const struct wire_policy *policy_read(int fd);
const char *policy_text(const struct wire_policy *p, uint32_t offset);
static inline bool policy_skips(const struct wire_policy *p, enum wire_layer layer)
{
	return p->skip >> layer & 1;
}

/* The launcher's side: maps the init's ids. */
void ids_map(const struct wire_policy *p, pid_t init);
/* Opens root, inputs and device nodes as detached mounts and sends them, in the fixed order in
 * which tree_receive() and kernelfs_dev() take them. */
void ids_send_trees(const struct wire_policy *p, pid_t init, int sock);
bool ids_privileged(const struct wire_policy *p);

extern const char *const device_names[];
#define DEVICE_COUNT 5

_Noreturn void init_main(const struct wire_policy *p, int sock);

/* What the init knows about the tree while it grows. */
struct tree {
	const struct wire_policy *policy;
	int holder;  /* the capped tmpfs: workspace, /tmp, upper layer */
	int root;    /* the box's root */
	int trees[1 + WIRE_MAX_MOUNTS];
	int devices[DEVICE_COUNT];
};

void tree_build(struct tree *t, int sock);
void tree_enter(struct tree *t);
/* A place for a mount inside the root, made when missing; links are followed inside the root only. */
int tree_place(struct tree *t, const char *target, bool directory);
/* Clones a directory or file of the holder into the box. */
void tree_show(struct tree *t, const char *held, const char *target, uint64_t attributes);
int tree_clone(int dirfd, const char *path, uint64_t attributes);
void tree_attach(int mount, int place, const char *target);

void kernelfs_mount(struct tree *t);
void kernelfs_dev(struct tree *t);
void kernelfs_close_sys(struct tree *t);

_Noreturn void command_run(const struct wire_policy *p);

/* Reports the interfaces of the network namespace fd. */
void net_report(const struct wire_policy *p, int userns, int netns);

#endif
