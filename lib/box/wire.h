/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What library and launcher say to each other.  The policy is one fixed struct with an area of
 * bytes behind it, in a sealed memfd; the launcher checks every offset and parses no text.  Reports
 * come back as records of one size over a SOCK_SEQPACKET socket.  Both sides are built together:
 * the version is checked and never negotiated.
 */
#ifndef ASSAY_BOX_WIRE_H
#define ASSAY_BOX_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC 0x59415341u
#define WIRE_VERSION 1

#define WIRE_MAX_ARGS 1024
#define WIRE_MAX_MOUNTS 512
#define WIRE_MAX_DATA (2u << 20)
#define WIRE_MAX_FILTER 4096 /* instructions: the kernel's own limit */

/* A sixth argument of sendmsg(2), which the kernel does not look at: the filter lets the launcher's own
 * messages pass by it.  The listener itself travels in one, when nobody could answer yet. */
#define WIRE_COOKIE 0x9d41c6a27b5e8f03ull

/* Descriptors of the launcher besides 0 (empty), 1 and 2 (the log). */
#define WIRE_POLICY_FD 3
#define WIRE_REPORT_FD 4

enum wire_flags {
	WIRE_ROOT_INSIDE = 1 << 0,
	WIRE_ASLR_OFF = 1 << 1,
	WIRE_PROBE_ONLY = 1 << 2,    /* exit 0 instead of running a command */
	WIRE_LIMIT_MEMORY = 1 << 3,  /* no memory controller: limit the address space instead */
	WIRE_LIMIT_PROCESSES = 1 << 4, /* no pids controller: RLIMIT_NPROC instead */
	WIRE_OCI = 1 << 5,         /* an OCI runtime makes the box: see launcher/oci.c */
	WIRE_STDIO = 1 << 6,       /* it passes no descriptors but 0-2: reports come over 2 */
	WIRE_HIDE_GROUPS = 1 << 7, /* from it, as it would not start if it saw them */
	WIRE_SUBIDS = 1 << 8,      /* map_base is of /etc/subuid, gid_base of /etc/subgid: newuidmap(1) maps them */
};

/* Of /proc/self/ns, in this order in the policy. */
#define WIRE_NAMESPACES 5
#define WIRE_NAMESPACE_NAMES { "pid", "ipc", "net", "cgroup", "uts" }

/* Where an OCI runtime finds what the launcher made for it, in the launcher's mount namespace. */
#define WIRE_OCI_SCRATCH "/run"
#define WIRE_OCI_BOX WIRE_OCI_SCRATCH "/box"       /* the holder, see tree.c */
#define WIRE_OCI_BUNDLE WIRE_OCI_SCRATCH "/bundle" /* config.json and rootfs */
#define WIRE_OCI_STATE WIRE_OCI_SCRATCH "/state"
#define WIRE_OCI_LOG WIRE_OCI_SCRATCH "/log"
#define WIRE_OCI_PID WIRE_OCI_SCRATCH "/pid"
/* Process 1 of the box, a copy of the launcher; gone before the command starts. */
#define WIRE_INSIDE "/tmp/.assay-box"

/* Inside, a range of fewer than 65536 ids still has nobody (65534): the last of the range on the host.  The
 * worker's own id is mapped where the tree is built, never where the command runs. */
#define WIRE_NOBODY 65534u
#define WIRE_WORKER 65535u

/* The message that lets the launcher go, with descriptors: first `tasks` files of version 1 groups, to
 * write oneself into (which, unlike a write by another process, takes no lock of the whole machine);
 * then, when into is set, a version 2 group for the init to be born in; then, when fixed is set, the
 * detached mount of the fixed files. */
#define WIRE_MAX_TASKS 4
#define WIRE_MAX_GO (WIRE_MAX_TASKS + 2)

/* In the tree of fixed files: what covers an entry of /proc that is not shown. */
#define WIRE_BLANK_FILE "blank"
#define WIRE_BLANK_DIRECTORY "empty"
/* The nodes of /dev. */
#define WIRE_DEVICES "null", "zero", "full", "random", "urandom"

struct wire_go {
	uint32_t magic, version;
	uint32_t flags; /* WIRE_LIMIT_...: what the groups cannot hold */
	uint32_t tasks, into, fixed;
	uint32_t into_layers; /* what is missing when that fails: a bit a layer */
};

/* A directory; or, with a name, the file of that name in it. */
struct wire_mount {
	uint32_t source, name, target;
};

struct wire_policy {
	uint32_t magic, version;
	uint32_t data_size;
	uint32_t flags;
	uint32_t uid, gid, umask, cpus;
	/* count 0: only uid and gid are mapped, to our own, or to base, which the launcher becomes */
	uint32_t map_base, map_count;
	uint32_t gid_base; /* with WIRE_SUBIDS; else groups are mapped as users are */
	uint32_t skip;                /* layers left out, for mutation tests: a bit a layer */
	uint32_t filter, filter_count;
	uint32_t silent, silent_count; /* with WIRE_OCI: the same without notification */
	uint32_t config, config_size;  /* with WIRE_OCI: the bundle's config.json */
	/* with WIRE_OCI: the runtime's command lines; texts one after the other, an empty one ends */
	uint32_t create, start, remove;
	uint64_t namespaces[WIRE_NAMESPACES]; /* with WIRE_OCI: the host's, as inode numbers */
	uint64_t disk, inodes, memory, processes;
	int64_t epoch;                /* mtime of what the launcher makes */
	/* offsets into data; strings end in NUL within it */
	uint32_t root, workspace, directory, hostname;
	uint32_t argv_count, env_count, mount_count;
	uint32_t argv[WIRE_MAX_ARGS], env[WIRE_MAX_ARGS];
	struct wire_mount mounts[WIRE_MAX_MOUNTS];
	_Alignas(8) char data[];
};

/* Entries of /proc that stay as they are, beside processes: of the box's namespaces, or what uname(2)
 * says as well.  With an OCI runtime sys is read-only, and fs holds nothing that is open to us. */
#define WIRE_PROC_SHOWN { ".", "..", "sysvipc", "version", "sys" }

/* Layers, in the order in which they come up: id, name in reports. */
#define WIRE_LAYERS(X)                                                                             \
	X(LAYER_USERNS, "user-namespace")                                                          \
	X(LAYER_PIDNS, "pid-namespace")                                                            \
	X(LAYER_IPCNS, "ipc-namespace")                                                            \
	X(LAYER_NETNS, "network-namespace")                                                        \
	X(LAYER_CGROUPNS, "cgroup-namespace")                                                      \
	X(LAYER_UTSNS, "uts-namespace")                                                            \
	X(LAYER_IDMAP, "idmapped-root")                                                            \
	X(LAYER_ROOT, "read-only-root")                                                            \
	X(LAYER_INPUTS, "inputs")                                                                  \
	X(LAYER_WORKSPACE, "workspace")                                                            \
	X(LAYER_PROC, "proc-masked")                                                               \
	X(LAYER_DEV, "minimal-dev")                                                                \
	X(LAYER_SYS, "synthetic-sys")                                                              \
	X(LAYER_KEYRING, "fresh-keyring")                                                          \
	X(LAYER_RLIMITS, "rlimits")                                                                \
	X(LAYER_AFFINITY, "cpu-affinity")                                                          \
	X(LAYER_CAPS, "no-capabilities")                                                           \
	X(LAYER_NNP, "no-new-privileges")                                                          \
	X(LAYER_LANDLOCK, "landlock")                                                              \
	X(LAYER_SECCOMP, "seccomp")                                                                \
	X(LAYER_FAMILIES, "socket-families")                                                       \
	X(LAYER_DESCRIPTORS, "descriptors")                                                        \
	X(LAYER_MEMORY, "memory-limit")                                                            \
	X(LAYER_PROCESSES, "process-limit")                                                        \
	X(LAYER_ACCOUNTING, "cpu-accounting")                                                      \
	X(LAYER_TEARDOWN, "teardown")

enum wire_layer {
#define X(id, name) id,
	WIRE_LAYERS(X)
#undef X
	LAYER_COUNT
};

/* Records travel in packets of several; a descriptor belongs to the last one. */
#define WIRE_MAX_PACKET 32

enum wire_kind {
	WIRE_LAYER = 1, /* id: enum wire_layer; status: 0 applied, else errno; detail */
	WIRE_PID,       /* id: pid of the box's init, as the launcher sees it */
	WIRE_WORKSPACE, /* carries a directory descriptor; values: bytes that we use there ourselves */
	WIRE_LISTENER,  /* carries the seccomp listener */
	WIRE_DECOY,     /* carries a unix socket of the box: a stream, then a datagram one */
	WIRE_FIXED,     /* carries a directory to write the fixed files to; a byte says that it is done */
	WIRE_READY,     /* the command is about to be executed */
	WIRE_STARTED,   /* the OCI runtime's own processes are gone */
	WIRE_EXIT,      /* the command's end; status: wait status */
	WIRE_USAGE,     /* of the whole box; values: user us, system us, max rss KiB,
			 * blocks of 512 bytes read and written */
	WIRE_INTERFACE, /* detail: name; values: rx packets, tx packets, rx bytes, tx bytes */
	WIRE_ERROR,     /* could not be set up; status: errno; detail: at what */
	WIRE_NO_RANGE,  /* newuidmap(1) did not map it; detail: why */
};

struct wire_record {
	uint32_t magic;
	uint16_t version, kind;
	uint32_t id;
	int32_t status;
	uint64_t values[5];
	char detail[160];
};

#endif
