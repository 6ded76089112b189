/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The box: one command, isolated.  The policy is a plain struct handed to a small launcher
 * (assay-box, a separate executable that parses no text); the drivers implement it with kernel
 * namespaces (native) or an OCI runtime.  What the kernel did comes back: which layers were applied
 * (each probed before the command ran), why the command ended, what it used, what it was refused.
 */
#ifndef ASSAY_BOX_H
#define ASSAY_BOX_H

#include "assay/error.h"
#include "assay/json.h"

/* A directory shown inside the box, read-only. */
struct assay_box_mount {
	const char *source; /* host path */
	const char *target; /* absolute path inside */
};

/* What a build did, recorded while it runs: one JSON object a line, as docs/schema/trace-1.json has it.
 * Files are what the kernel opened, as it says itself (fanotify, as root): a lookup that failed, a stat
 * and a rename are not in it.  Without privileges they are what processes asked to open (seccomp), which a
 * hostile build can falsify; files tells which. */
struct assay_box_trace {
	int fd;            /* lines are appended here */
	const char *files; /* set by the driver: "fanotify" or "seccomp"; NULL: it cannot trace */
	uint64_t events, bytes;
	bool lost;         /* the kernel had to drop events */
	bool truncated;    /* ASSAY_MAX_TRACE was reached */
	unsigned unwatched; /* mounts that could not be watched */
};

/* What a site may say to an OCI runtime that would be refused; the isolation object repeats it. */
enum assay_box_allow {
	ASSAY_BOX_ALLOW_OUTDATED = 1, /* a version with known holes */
	ASSAY_BOX_ALLOW_UNTESTED = 2, /* a runtime that our suite was never run against */
};

/* Which driver makes the box.  All zero is the native one. */
struct assay_box_choice {
	const struct assay_box_ops *driver; /* NULL: native */
	const char *runtime; /* of the oci driver: runc, crun, runsc, kata-runtime, or a path to one */
	unsigned allow;      /* enum assay_box_allow */
};

struct assay_box_policy {
	const char *root;                     /* the environment: a directory, never written to */
	const struct assay_box_mount *mounts; /* read-only; terminated by source NULL */
	const char *workspace;  /* absolute path inside: a fresh, empty, writable, size-capped place */
	const char *const *argv;              /* absolute argv[0] inside; no shell is added */
	const char *const *env;               /* complete: nothing is inherited */
	const char *directory;                /* working directory inside */
	const char *hostname;
	unsigned uid, gid;                    /* inside; never 0 unless root_inside */
	bool root_inside;                     /* uid 0 in the box's own user namespace */
	unsigned umask;
	unsigned cpus;                        /* 0 = all */
	bool aslr_off;
	uint64_t time_s, memory, disk, inodes, processes, log; /* limits; 0 = default of limits.h */
	int log_fd;                           /* stdout and stderr of the command, as they come */
	void (*on_output)(void *data, const char *bytes, size_t len); /* live copy, or NULL */
	void *on_output_data;
	int64_t epoch;                        /* mtime of the files that the box itself makes */
	struct assay_box_trace *trace;        /* NULL: none */
	struct assay_box_choice choice;
};

enum assay_box_reason {
	ASSAY_BOX_EXITED,      /* exit_code */
	ASSAY_BOX_SIGNALED,    /* signal */
	ASSAY_BOX_TIME,        /* wall clock limit */
	ASSAY_BOX_MEMORY,      /* out of memory, also inside a command that then exited 0 */
	ASSAY_BOX_HOST_MEMORY, /* for want of memory on the host, while the limit was not reached */
	ASSAY_BOX_PROCESSES,
	ASSAY_BOX_DISK,
	ASSAY_BOX_LOG,
	ASSAY_BOX_INTERRUPTED, /* we were asked to stop */
};

struct assay_box_result {
	enum assay_box_reason reason;
	int exit_code;
	int signal;
	double wall_s, cpu_user_s, cpu_system_s;
	uint64_t memory_peak, processes_peak, log_bytes; /* log_bytes: produced, even when cut */
	uint64_t disk_peak; /* of workspace, /tmp, /dev/shm and what was changed below /, as seen now and then and at the end */
	uint64_t io_read_bytes, io_write_bytes; /* of block devices, as the kernel charged them */
	bool log_truncated;
	/* Open on the workspace after everything in the box is dead; the caller collects from it with
	 * O_NOFOLLOW and closes it, and the workspace is gone.  -1 when there is none. */
	int workspace_fd;
	/* {"class": "full"|"reduced", "driver": "native"|"oci", "runtime"?: one of
	 *  assay_box_runtimes(), "layers": [{"name", "applied", "detail"}],
	 *  "missing": [...], "refused": [{"syscall", "count"}], "network": {"attempts": [{"time",
	 *  "process", "program", "pid", "call", "family", "type"+"protocol" or "address"}],
	 *  "attempt_count", "interfaces": [{"name", "rx_packets", "tx_packets", "rx_bytes",
	 *  "tx_bytes"}]}} -- part of every report and provenance. */
	json_t *isolation;
};

/* A driver.  It gets a policy that was checked and has no gaps (limits, directory, hostname), and a
 * result that is empty but for workspace_fd -1.  When run returns, nothing of the box lives any more. */
struct assay_box_ops {
	const char *name; /* as in isolation.driver */
	enum assay_code (*run)(const struct assay_box_policy *policy, struct assay_box_result *ret,
			       struct assay_error *err);
	/* Everything is set up and probed, and nothing is run: what this machine can do. */
	enum assay_code (*check)(const struct assay_box_policy *policy, json_t **ret_isolation,
				 struct assay_error *err);
};

extern const struct assay_box_ops assay_box_native, assay_box_oci;

enum assay_code assay_box_run(const struct assay_box_policy *policy, struct assay_box_result *ret,
			      struct assay_error *err) ASSAY_CHECKED;
/* Sets a box up, probes every layer and runs nothing: what this machine can do, as in isolation.
 * choice NULL: the native driver. */
enum assay_code assay_box_check(const struct assay_box_choice *choice, json_t **ret_isolation,
				struct assay_error *err) ASSAY_CHECKED;
/* The OCI runtimes that assay knows: [{"name", "path", "version", "minimum", "state", "detail"}] with a
 * state of "usable", "outdated", "untested" or "absent". */
json_t *assay_box_runtimes(void);
/* By its name ("native", "oci"); NULL when there is none of that name. */
const struct assay_box_ops *assay_box_driver(const char *name);
void assay_box_result_release(struct assay_box_result *result);
const char *assay_box_reason_name(enum assay_box_reason reason);

#endif
