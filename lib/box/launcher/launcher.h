/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-box, the launcher: turns a binary policy into a box and runs one command in it.
 *
 *	main.c     reads the policy, clones the box's init, maps ids, waits, reads network counters
 *	policy.c   checks the policy
 *	ids.c      user and group maps
 *	sources.c  what is seen of the host, as detached mounts
 *	init.c     pid 1 of the box: builds it, forks the command, reaps
 *	holder.c   all that can be written, and the fixed files
 *	tree.c     the file tree: overlays and the change of root
 *	kernelfs.c /proc, /dev and /sys
 *	limits.c   resource limits
 *	command.c  the last steps before exec: capabilities, Landlock, seccomp, probes
 *	fds.c      descriptors from the launcher to the init
 *	report.c   records to the library
 *	net.c      the network namespace, interface counters
 *	oci.c      with an OCI runtime: lays the bundle out, has the runtime create and start the box
 *	inside.c   with an OCI runtime: pid 1 of its box, which probes what the runtime made
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

/* What the library said when it let us go: enum wire_flags that depend on the control groups. */
extern uint32_t go_flags;

/* Ends the process after reporting errno and what was tried. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void report(enum wire_kind kind, uint32_t id, int status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_layer(enum wire_layer layer, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends what waits: before a fork and before the end. */
void report_flush(void);
void report_fd(enum wire_kind kind, int fd, uint64_t value);
void report_usage(const struct rusage *usage);
void report_interface(const char *name, const uint64_t values[4]);

/* A packet with or without a descriptor; 0, or -1 with errno set. */
int fd_send(int sock, const void *data, size_t len, int fd);

/* Many descriptors, which are closed here; 0 or -1. */
int fds_send(int sock, const int *fds, uint32_t count);
int fds_receive(int sock, int *fds, uint32_t count);

/* From a sealed memfd. */
const struct wire_policy *policy_read(int fd);
/* From any file that nobody can write to any more. */
const struct wire_policy *policy_map(int fd);
const char *policy_text(const struct wire_policy *p, uint32_t offset);
static inline bool policy_skips(const struct wire_policy *p, enum wire_layer layer)
{
	return p->skip >> layer & 1;
}

/* Root without its rights: becomes the user that is mapped. */
void ids_become(const struct wire_policy *p);
/* The launcher's side: maps the init's ids. */
void ids_map(const struct wire_policy *p, pid_t init);
bool ids_privileged(const struct wire_policy *p);
/* A range, by right or by newuidmap(1). */
bool ids_ranged(const struct wire_policy *p);
/* The range is one of /etc/subuid: the tree is built in a user namespace that has the worker's own id too, for
 * what it may read; the command runs in a second one without it. */
bool ids_nested(const struct wire_policy *p);
/* Nested, the launcher's side: enters the first, makes the second, and a third as whom the worker sees the
 * workspace, and sends both. */
void ids_nest(const struct wire_policy *p, int userns, int sock);
/* Nested, the init's side. */
void ids_receive(int sock);
/* The command's process leaves the worker's id behind. */
void ids_leave(const struct wire_policy *p);
/* Nested: a directory as its worker sees it, who owns what the command's user owns. */
int ids_show(int dirfd, const char *name);
/* What the command's id is called where the tree is built.  An OCI runtime wants to be root there, so
 * that the only id there is gets its name in a second user namespace, made by inside.c. */
uint32_t ids_owner(const struct wire_policy *p, uint32_t id);

#define DEVICE_COUNT 5
extern const char *const device_names[DEVICE_COUNT];

extern struct sources {
	int fixed; /* -1: to be written into the holder */
	int root, inputs[WIRE_MAX_MOUNTS], devices[DEVICE_COUNT];
} sources;

bool sources_have_nodes(void);
void sources_open(const struct wire_policy *p);
/* userns -1: only read-only. */
void sources_shift(const struct wire_policy *p, int userns);
void sources_send(const struct wire_policy *p, int sock);
void sources_receive(const struct wire_policy *p, int sock);

/* The detached holder, with room for size bytes and inodes of our own beyond the policy's limits; the
 * fixed files in it, once it is mounted. */
int holder_make(const struct wire_policy *p, uint64_t size, uint64_t inodes);
int holder_fix(int holder);

/* sock: a byte comes when the ids are mapped, then the sources, and the network namespace when it is
 * made, which takes longest. */
_Noreturn void init_main(const struct wire_policy *p, int sock);
/* Until the command has ended: reports how, and ends the box. */
_Noreturn void init_reap(pid_t command);
void init_take_sources(const struct wire_policy *p, int sock);
_Noreturn void oci_main(const struct wire_policy *p, int sock);
_Noreturn void inside_main(void);

#define MOUNT_SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* What the init knows about the tree while it grows. */
struct tree {
	const struct wire_policy *policy;
	int holder;  /* see holder.c */
	int fixed;   /* in it, read-only: the files that every box shows, a blank file and directory */
	int root;    /* the box's root */
	uint64_t own_size; /* of the holder, used by ourselves beyond the policy's limits */
	unsigned bare; /* inputs that could not be hidden behind an overlay */
};

void tree_build(struct tree *t);
/* Its parts: the holder on place, with the overlay of the environment in it ... */
void tree_hold(struct tree *t, const char *place);
/* ... the i-th input as a detached mount ... */
int tree_input(struct tree *t, uint32_t i);
bool tree_is_writable_place(const struct wire_policy *p, const char *target);
/* ... a place inside the root, made when missing ... */
int tree_place(struct tree *t, const char *target, bool directory);
/* ... and the report, with the workspace. */
void tree_report(struct tree *t);
void tree_enter(struct tree *t);
/* Mounts a detached mount inside the root, at a place that is made when missing; links are followed
 * inside the root only. */
void tree_attach(struct tree *t, int mount, const char *target, bool directory);
/* Clones a directory or file into the box; the clone is as read-only as what it is cloned from. */
void tree_show(struct tree *t, int dirfd, const char *name, const char *target, bool directory);
int tree_clone(int dirfd, const char *name);

void kernelfs_show(struct tree *t);

void limits_set(const struct wire_policy *p);

_Noreturn void command_run(const struct wire_policy *p);

/* Enters the box's user namespace (unless -1) and makes its network namespace, which this process stays
 * in; returns its descriptor. */
int net_make(int userns);
/* Reports the interfaces of the network namespace that this process is in. */
void net_report(void);

#endif
