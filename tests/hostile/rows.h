/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile builds that are tried on a box directly, each with the outcome that it must have. */
#ifndef TESTS_HOSTILE_ROWS_H
#define TESTS_HOSTILE_ROWS_H

#include "assay/box.h"

enum outcome {
	REFUSED,   /* the attack says that nothing worked: exit status 0 */
	STOPPED,   /* ended for the reason */
	HARMLESS,  /* however it ends */
	NO_BOX,    /* the box refuses to start */
};

struct row {
	int number; /* of the list of hostile behaviours in docs/threat-model.md */
	const char *title;
	const char *attack; /* a name of attack.c, or a script when it contains a space */
	enum outcome outcome;
	enum assay_box_reason reason;
	const char *refused; /* this call must stand among the refused ones */
	const char *family;  /* and this one among the network attempts */
	const char *directory;
	bool needs_root;     /* control groups, or a map of ids */
	bool needs_core_handler;
	bool hostile_root;   /* in an environment full of links to the host */
	bool racing;         /* while somebody swaps a directory of the environment for a link, again and again */
	bool twice;          /* in two boxes at the same moment */
	const char *address; /* this one must stand among the network attempts */
	const char *output;  /* what the worker must be able to read of the file out */
	bool host_is_low;    /* as on a host that has little more memory left than it must keep */
	bool owners;         /* in two boxes, whose processes must belong to two users that are nobody else */
};

#define EXIT ASSAY_BOX_EXITED

/* rows end where their columns have nothing more to say */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct row rows[] = {
	{ 1, "fork bomb", "perl -e 'fork while 1'", STOPPED, ASSAY_BOX_PROCESSES, .needs_root = true },
	{ 1, "daemons that fork daemons", "daemons", STOPPED, ASSAY_BOX_PROCESSES, .needs_root = true },
	{ 1, "threads without end", "threads", STOPPED, ASSAY_BOX_PROCESSES, .needs_root = true },
	{ 2, "anonymous memory", "perl -e '$x = \"x\" x 1e9; $y = \"y\" x 1e9'", STOPPED,
	  ASSAY_BOX_MEMORY, .needs_root = true },
	{ 3, "memory by files of /dev/shm", "cat /dev/zero > /dev/shm/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 3, "memory by memfd", "memfd", STOPPED, ASSAY_BOX_MEMORY, .host_is_low = true },
	{ 3, "memory by SysV segments", "sysv", STOPPED, ASSAY_BOX_MEMORY, .host_is_low = true },
	{ 2, "anonymous memory of several processes",
	  "for i in 1 2 3 4; do perl -e '$x = \"x\" x 1.2e8; sleep 8' & done; wait; exit 1", STOPPED, ASSAY_BOX_MEMORY },
	{ 3, "buffers of sockets", "sockets-full", STOPPED, ASSAY_BOX_MEMORY, .host_is_low = true },
	{ 3, "buffers of pipes", "pipes-full", HARMLESS, EXIT, .host_is_low = true },
	{ 3, "sockets in flight that hold each other", "flight", HARMLESS, EXIT },
	{ 5, "disk full of attributes", "xattr-flood", REFUSED, EXIT },
	{ 3, "memory of the kernel's: pipes, sockets, timers, watches, maps", "kernel-memory", HARMLESS, EXIT,
	  .needs_root = true },
	{ 4, "a child out of memory, exit 0", "perl -e '$x = \"x\" x 1e9; $y = \"y\" x 1e9'; exit 0",
	  STOPPED, ASSAY_BOX_MEMORY, .needs_root = true },
	{ 5, "disk full", "cat /dev/zero > /build/job/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 5, "disk full by /tmp", "cat /dev/zero > /tmp/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 5, "disk full by /var/tmp", "cat /dev/zero > /var/tmp/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 5, "disk full of small files", "files", STOPPED, ASSAY_BOX_DISK },
	{ 6, "inodes full", "i=0; while :> f$i; do i=$((i+1)); done; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 7, "sparse file of 4 TiB", "exec truncate -s 4T x", STOPPED, ASSAY_BOX_DISK },
	{ 8, "log flood", "cat /dev/zero", STOPPED, ASSAY_BOX_LOG },
	{ 10, "deadline, SIGTERM ignored", "trap '' TERM; while :; do :; done", STOPPED, ASSAY_BOX_TIME },
	{ 10, "deadline, stopped by itself", "kill -STOP $$; exit 0", STOPPED, ASSAY_BOX_TIME },
	{ 10, "deadline, without output", "exec >&- 2>&-; while :; do sleep 1; done", STOPPED, ASSAY_BOX_TIME },
	{ 11, "daemon after the end", "setsid sleep 4242.4242 & exit 0", STOPPED, EXIT },
	{ 11, "daemons that start each other again",
	  "d() { trap '' TERM HUP; (setsid sh -c 'while :; do sleep 4242.4242 & wait; done' &) ; }; d; d; d; d; exit 0",
	  STOPPED, EXIT },
	{ 11, "survivors that are stopped, deaf or wait for a child", "survivors", REFUSED, EXIT },
	{ 12, "outputs rewritten after the end",
	  "echo good > out; (trap '' TERM HUP; setsid sh -c 'while :; do echo bad > out; done') & exit 0",
	  STOPPED, EXIT },
	{ 13, "ptrace", "ptrace", REFUSED, EXIT, "ptrace" },
	{ 14, "memory and files of process 1", "memory-of-init", REFUSED, EXIT, "process_vm_writev" },
	{ 15, "kill everything", "signals", REFUSED, EXIT },
	{ 16, "keyrings", "keyrings", REFUSED, EXIT, "keyctl" },
	{ 16, "a key of the host's session", "host-key", REFUSED, EXIT, "keyctl" },
	{ 17, "bpf, perf, userfaultfd, io_uring", "kernel-engines", REFUSED, EXIT, "io_uring_setup" },
	{ 18, "mounts", "mounts", REFUSED, EXIT, "mount" },
	{ 19, "namespaces", "namespaces", REFUSED, EXIT, "unshare" },
	{ 20, "calls that nobody builds with", "calls", REFUSED, EXIT, "kcmp" },
	{ 20, "calls of newer kernels, by number", "newer-calls", REFUSED, EXIT, "modify_ldt" },
	{ 20, "requests to file systems and namespaces", "ioctls", REFUSED, EXIT, "ioctl" },
	{ 20, "files by handle", "handles", REFUSED, EXIT, "open_by_handle_at" },
	{ 21, "script with #!/proc/self/exe",
	  "printf '#!/proc/self/exe\\n' > x; chmod +x x; timeout 5 ./x; exit 0", HARMLESS, EXIT },
	{ 21, "writing to the launcher's program", "launcher", REFUSED, EXIT },
	{ 22, "a script with #!/proc/self/exe as the command", "/entry", HARMLESS, EXIT },
	{ 23, "working directory in /proc/self/fd", "true", NO_BOX, EXIT, .directory = "/proc/self/fd/3" },
	{ 24, "an environment of links to the host", "echo here > /tmp/x; exit 0", HARMLESS, EXIT,
	  .hostile_root = true },
	{ 25, "a directory swapped for a link while the box is made", "echo here > /var/tmp/x; exit 0", HARMLESS,
	  EXIT, .needs_root = true, .racing = true },
	{ 25, "store and root are read-only", "root", REFUSED, EXIT },
	{ 26, "sysctls and triggers", "sysctls", REFUSED, EXIT },
	{ 27, "core dump", "core", REFUSED, EXIT },
	{ 27, "core dump to a handler of the host", "core", REFUSED, EXIT, .needs_core_handler = true },
	{ 28, "priorities", "priorities", REFUSED, EXIT },
	{ 28, "more processors than were given", "affinity", REFUSED, EXIT, "sched_setaffinity" },
	{ 28, "pools of the host: huge pages, asynchronous I/O", "pools", REFUSED, EXIT, "io_setup" },
	{ 28, "prctl", "prctl", REFUSED, EXIT },
	{ 29, "files of processes", "process-files", REFUSED, EXIT },
	{ 29, "control groups", "cgroup", REFUSED, EXIT },
	{ 30, "clock", "clock", REFUSED, EXIT, "clock_settime" },
	{ 31, "host name, reboot, swap, modules", "machine", REFUSED, EXIT, "reboot" },
	{ 34, "sockets of every family", "sockets", REFUSED, EXIT, "socket", "vsock" },
	{ 35, "connections and datagrams to addresses", "decoys", REFUSED, EXIT, "connect", "inet6",
	  .address = "169.254.169.254 port 80" },
	{ 35, "questions to a resolver", "decoys", REFUSED, EXIT, "sendto", "inet", .address = "8.8.8.8 port 53" },
	{ 36, "rendezvous with the host", "rendezvous", REFUSED, EXIT },
	{ 36, "rendezvous of two jobs", "meet", REFUSED, EXIT, .twice = true },
	{ 37, "sockets and pipes of the host's services", "services", REFUSED, EXIT },
	{ 38, "locks of the host", "locks", REFUSED, EXIT },
	{ 39, "inherited descriptors", "descriptors", REFUSED, EXIT },
	{ 40, "terminal", "terminal", REFUSED, EXIT, "ioctl" },
	{ 41, "devices", "devices", REFUSED, EXIT, "mknodat" },
	{ 47, "a path of 20000 characters", "deep", REFUSED, EXIT },
	{ 50, "files that cannot be removed", "file-flags", REFUSED, EXIT },
	{ 50, "attributes that give rights", "xattrs", REFUSED, EXIT },
	{ 51, "directories that cannot be removed", "mkdir -p d/e; chmod 000 d/e d", STOPPED, EXIT },
	{ 60, "identity of the host", "identity", REFUSED, EXIT },
	{ 60, "paths and kernel files of the host", "paths", REFUSED, EXIT },
	{ 61, "rights of the command", "rights", REFUSED, EXIT },
	{ 61, "two jobs as two users, neither the worker nor root", "sleep 4242.4242; exit 0", STOPPED, ASSAY_BOX_TIME,
	  .owners = true },
	{ 51, "outputs that only their owner may read", "umask 077; mkdir d; echo made > d/x; ln d/x out", STOPPED, EXIT,
	  .output = "made\n" },
	{ 61, "rights of a program in memory", "memory-program", REFUSED, EXIT },
	{ 61, "secrets of the worker and of the host", "secrets", REFUSED, EXIT },
	{ 62, "Landlock holds", "landlock", REFUSED, EXIT },
	{ 64, "foreign system call ABIs", "foreign-abi", REFUSED, EXIT },
	{ 65, "a filter of one's own", "seccomp", REFUSED, EXIT },
	{ 66, "flooding the supervisor", "supervisor", REFUSED, EXIT, "keyctl" },
	{ 73, "leaving things behind", "leftovers", REFUSED, EXIT },
	{ 73, "finding what was left behind", "traces", REFUSED, EXIT },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

#endif
