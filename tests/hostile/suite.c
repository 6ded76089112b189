/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite [--mutants]: builds that attack the box, each with the outcome that it must have.  After each
 * of them the host must look as before, and an honest build must give the same bytes as before the
 * first.  Runs as root and once more without privileges, where what needs privileges is left out.
 *
 * --mutants runs it with one layer left out at a time: each layer must be missed by some row.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <signal.h>
#include <stddef.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "assay/buf.h"
#include "assay/file.h"
#include "lib/box/native.h"
#include "skeleton.h"

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
};

#define EXIT ASSAY_BOX_EXITED

/* rows end where their columns have nothing more to say */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct row rows[] = {
	{ 1, "fork bomb", "perl -e 'fork while 1'", STOPPED, ASSAY_BOX_PROCESSES, .needs_root = true },
	{ 2, "anonymous memory", "perl -e '$x = \"x\" x 1e9; $y = \"y\" x 1e9'", STOPPED,
	  ASSAY_BOX_MEMORY, .needs_root = true },
	{ 3, "memory by files of /dev/shm", "cat /dev/zero > /dev/shm/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 4, "a child out of memory, exit 0", "perl -e '$x = \"x\" x 1e9; $y = \"y\" x 1e9'; exit 0",
	  STOPPED, ASSAY_BOX_MEMORY, .needs_root = true },
	{ 5, "disk full", "cat /dev/zero > /build/job/x; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 6, "inodes full", "i=0; while :> f$i; do i=$((i+1)); done; exit 1", STOPPED, ASSAY_BOX_DISK },
	{ 7, "sparse file of 4 TiB", "exec truncate -s 4T x", STOPPED, ASSAY_BOX_DISK },
	{ 8, "log flood", "cat /dev/zero", STOPPED, ASSAY_BOX_LOG },
	{ 10, "deadline, SIGTERM ignored", "trap '' TERM; while :; do :; done", STOPPED, ASSAY_BOX_TIME },
	{ 11, "daemon after the end", "setsid sleep 4242.4242 & exit 0", STOPPED, EXIT },
	{ 13, "ptrace", "ptrace", REFUSED, EXIT, "ptrace" },
	{ 14, "memory and files of process 1", "memory-of-init", REFUSED, EXIT, "process_vm_writev" },
	{ 15, "kill everything", "signals", REFUSED, EXIT },
	{ 16, "keyrings", "keyrings", REFUSED, EXIT, "keyctl" },
	{ 17, "bpf, perf, userfaultfd, io_uring", "kernel-engines", REFUSED, EXIT, "io_uring_setup" },
	{ 18, "mounts", "mounts", REFUSED, EXIT, "mount" },
	{ 19, "namespaces", "namespaces", REFUSED, EXIT, "unshare" },
	{ 21, "script with #!/proc/self/exe",
	  "printf '#!/proc/self/exe\\n' > x; chmod +x x; timeout 5 ./x; exit 0", HARMLESS, EXIT },
	{ 23, "working directory in /proc/self/fd", "true", NO_BOX, EXIT, .directory = "/proc/self/fd/3" },
	{ 25, "store and root are read-only", "root", REFUSED, EXIT },
	{ 26, "sysctls and triggers", "sysctls", REFUSED, EXIT },
	{ 27, "core dump", "core", REFUSED, EXIT },
	{ 28, "priorities", "priorities", REFUSED, EXIT },
	{ 29, "control groups", "cgroup", REFUSED, EXIT },
	{ 30, "clock", "clock", REFUSED, EXIT, "clock_settime" },
	{ 31, "host name, reboot, modules", "machine", REFUSED, EXIT, "reboot" },
	{ 34, "sockets of every family", "sockets", REFUSED, EXIT, "socket", "vsock" },
	{ 35, "connections and datagrams to addresses", "decoys", REFUSED, EXIT, "connect", "inet6" },
	{ 36, "rendezvous with the host", "rendezvous", REFUSED, EXIT },
	{ 39, "inherited descriptors", "descriptors", REFUSED, EXIT },
	{ 40, "terminal", "terminal", REFUSED, EXIT, "ioctl" },
	{ 41, "devices", "devices", REFUSED, EXIT, "mknodat" },
	{ 51, "directories that cannot be removed", "mkdir -p d/e; chmod 000 d/e d", STOPPED, EXIT },
	{ 60, "identity of the host", "identity", REFUSED, EXIT },
	{ 61, "rights of the command", "rights", REFUSED, EXIT },
	{ 62, "Landlock holds", "landlock", REFUSED, EXIT },
	{ 64, "foreign system call ABIs", "foreign-abi", REFUSED, EXIT },
	{ 65, "a filter of one's own", "seccomp", REFUSED, EXIT },
	{ 66, "flooding the supervisor", "supervisor", REFUSED, EXIT, "keyctl" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct skeleton skeleton;
static char attack_path[4096];
static bool privileged;

static void keep(void *data, const char *bytes, size_t len)
{
	assay_buf_add(data, bytes, len);
}

static bool lists(const json_t *array, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (strcmp(assay_json_text(item, key, ""), value) == 0)
			return true;
	return false;
}

/* ---- the host, before and after ----------------------------------------------------------------- */

static unsigned count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned lines = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

static bool process_runs(const char *mark)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc && (entry = readdir(proc))) {
		char path[300], line[512] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = atoi(entry->d_name) > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (read(fd, line, sizeof(line) - 1) > 0)
			found |= memmem(line, sizeof(line), mark, strlen(mark)) != NULL;
		close(fd);
	}
	if (proc)
		closedir(proc);
	return found;
}

struct host {
	unsigned mounts;
	char name[65], core_pattern[256];
};

static void look(struct host *ret)
{
	struct assay_buf buf = ASSAY_BUF_INIT(4096);
	struct assay_error err;

	*ret = (struct host){ .mounts = count_lines("/proc/self/mountinfo") };
	gethostname(ret->name, sizeof(ret->name));
	if (assay_file_read(AT_FDCWD, "/proc/sys/kernel/core_pattern", &buf, &err) == ASSAY_OK)
		snprintf(ret->core_pattern, sizeof(ret->core_pattern), "%s", assay_buf_text(&buf));
	assay_buf_release(&buf);
}

static const char *what_changed(const struct host *before, pid_t canary)
{
	struct host now;

	look(&now);
	if (kill(canary, 0))
		return "a process of the host died";
	if (now.mounts != before->mounts)
		return "mounts are left";
	if (strcmp(now.name, before->name) != 0 ||
	    strcmp(now.core_pattern, before->core_pattern) != 0)
		return "the host's name or core_pattern changed";
	if (process_runs("4242.4242"))
		return "a process is left";
	return NULL;
}

/* The kernel idmaps no overlay, which a test's own root may be. */
static bool can_be_mapped(void)
{
	struct statfs fs;

	return statfs("/usr", &fs) == 0 && fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* ---- one row ------------------------------------------------------------------------------------- */

static enum assay_code run(const struct row *row, uint32_t skip, struct assay_buf *log,
			   struct assay_box_result *result, struct assay_error *err)
{
	bool script = strchr(row->attack, ' ') || strcmp(row->attack, "true") == 0;
	const char *const by_shell[] = { "/bin/sh", "-c", row->attack, NULL };
	const char *const direct[] = { "/attack", row->attack, NULL };
	const char *env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8",
			      privileged && can_be_mapped() ? "IDMAPPED=1" : NULL, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, script ? by_shell : direct);

	policy.env = env;
	policy.on_output = keep;
	policy.on_output_data = log;
	policy.processes = 48;
	policy.time_s = row->reason == ASSAY_BOX_TIME ? 1 : 60;
	if (row->directory)
		policy.directory = row->directory;
	return box_run_without(&policy, 0, skip, result, err);
}

/* NULL, or what is wrong. */
static const char *judge(const struct row *row, const struct assay_box_result *r,
			 const struct assay_buf *log)
{
	static char text[400];
	const json_t *network = json_object_get(r->isolation, "network");

	if (row->outcome != HARMLESS && r->reason != row->reason) {
		snprintf(text, sizeof(text), "ended by %s, want %s",
			 assay_box_reason_name(r->reason), assay_box_reason_name(row->reason));
		return text;
	}
	if (row->outcome == REFUSED && r->exit_code) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(assay_buf_text(log), "\n"),
			 assay_buf_text(log));
		return text;
	}
	if (row->refused && !lists(json_object_get(r->isolation, "refused"), "syscall", row->refused))
		return "the refused call was not recorded";
	if (row->family && !lists(json_object_get(network, "attempts"), "family", row->family))
		return "the network attempt was not recorded";
	return NULL;
}

static const char *try_row(const struct row *row, uint32_t skip)
{
	static char text[ASSAY_ERROR_MAX];
	struct assay_buf log = ASSAY_BUF_INIT(4 << 20);
	struct assay_box_result result = { .workspace_fd = -1 };
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *wrong;

	if (run(row, skip, &log, &result, &err)) {
		snprintf(text, sizeof(text), "%s", err.msg);
		wrong = row->outcome == NO_BOX ? NULL : text;
	} else {
		wrong = row->outcome == NO_BOX ? "the box started" : judge(row, &result, &log);
		assay_box_result_release(&result);
	}
	assay_buf_release(&log);
	return wrong;
}

/* An honest build, whose output must not depend on what ran before. */
static bool control(struct assay_buf *log)
{
	const struct row row = { 0, "control",
				 "ls -a /; ls -la /build/job /tmp /dev; id; cut -d ' ' -f 1-3 /proc/mounts | sha256sum; "
				 "find /usr/share/base-files /etc/alternatives | sort | sha256sum",
				 REFUSED, EXIT, .needs_root = false };
	struct assay_box_result result = { .workspace_fd = -1 };
	struct assay_error err;
	bool ok = run(&row, 0, log, &result, &err) == ASSAY_OK && result.reason == EXIT;

	assay_box_result_release(&result);
	return ok;
}

/* The dates of directories made for each box differ. */
static void drop_dates(struct assay_buf *buf)
{
	for (size_t i = 0; i + 5 < buf->len; i++)
		if (buf->data[i + 2] == ':' && buf->data[i] >= '0' && buf->data[i] <= '9')
			memset(buf->data + i, '0', 5);
}

static const char *control_differs(const struct assay_buf *want)
{
	struct assay_buf have = ASSAY_BUF_INIT(1 << 20);
	bool same;

	if (!control(&have))
		return "an honest build does not run any more";
	drop_dates(&have);
	same = have.len == want->len && memcmp(have.data, want->data, want->len) == 0;
	assay_buf_release(&have);
	return same ? NULL : "an honest build gives other bytes";
}

static int run_all(const char *who)
{
	struct assay_buf want = ASSAY_BUF_INIT(1 << 20);
	pid_t canary = fork();
	struct host before;
	int failed = 0;

	if (canary == 0)
		for (;;)
			pause();
	look(&before);
	if (!control(&want)) {
		printf("not ok - %s: the honest build\n", who);
		failed++;
	}
	drop_dates(&want);
	for (size_t i = 0; i < ROWS; i++) {
		const char *wrong;

		if (rows[i].needs_root && !privileged) {
			printf("ok - %s %d %s # skipped: needs control groups\n", who, rows[i].number,
			       rows[i].title);
			continue;
		}
		wrong = try_row(&rows[i], 0);
		if (!wrong)
			wrong = what_changed(&before, canary);
		if (!wrong)
			wrong = control_differs(&want);
		printf("%sok - %s %d %s%s%s\n", wrong ? "not " : "", who, rows[i].number,
		       rows[i].title, wrong ? ": " : "", wrong ? wrong : "");
		fflush(stdout);
		failed += wrong != NULL;
	}
	kill(canary, SIGKILL);
	waitpid(canary, NULL, 0);
	assay_buf_release(&want);
	return failed;
}

/* ---- mutants ------------------------------------------------------------------------------------- */

static const struct {
	enum wire_layer layer;
	const char *name;
} mutants[] = {
	{ LAYER_IPCNS, "ipc-namespace" },     { LAYER_NETNS, "network-namespace" },
	{ LAYER_CGROUPNS, "cgroup-namespace" }, { LAYER_UTSNS, "uts-namespace" },
	{ LAYER_IDMAP, "idmapped-root" },     { LAYER_ROOT, "read-only-root" },
	{ LAYER_PROC, "proc-masked" },	      { LAYER_RLIMITS, "rlimits" },
	{ LAYER_AFFINITY, "cpu-affinity" },   { LAYER_CAPS, "no-capabilities" },
	{ LAYER_NNP, "no-new-privileges" },   { LAYER_LANDLOCK, "landlock" },
	{ LAYER_SECCOMP, "seccomp" },	      { LAYER_FAMILIES, "socket-families" },
	{ LAYER_DESCRIPTORS, "descriptors" }, { LAYER_MEMORY, "memory-limit" },
	{ LAYER_PROCESSES, "process-limit" },
};

/* Rows that could harm the host without a layer stay out when it is missing. */
static bool is_safe(const struct row *row, enum wire_layer layer)
{
	if (layer == LAYER_MEMORY)
		return row->number == 2;
	if (layer == LAYER_PROCESSES)
		return row->number == 1;
	return row->number > 10;
}

static int run_mutants(void)
{
	int unnoticed = 0;

	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
		char red[300] = "";
		size_t len = 0;

		for (size_t k = 0; k < ROWS; k++)
			if (is_safe(&rows[k], mutants[i].layer) &&
			    try_row(&rows[k], 1u << mutants[i].layer) && len < sizeof(red) - 8)
				len += (size_t)snprintf(red + len, sizeof(red) - len, " %d",
							rows[k].number);
		printf("%sok - without %s: red rows%s\n", len ? "" : "not ", mutants[i].name,
		       len ? red : ": none");
		fflush(stdout);
		unnoticed += len == 0;
	}
	return unnoticed;
}

/* What the rendezvous attack looks for. */
static int listen_on_host(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;

	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "assay-hostile");
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) ||
	    listen(fd, 4))
		perror("listen");
	return shmget(0x61737361, 4096, IPC_CREAT | 0666);
}

static int run_unprivileged(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		privileged = false;
		if (setgroups(0, NULL) || setresgid(12345, 12345, 12345) ||
		    setresuid(12345, 12345, 12345))
			_exit(99);
		_exit(run_all("user") ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

int main(int argc, char **argv)
{
	ssize_t len = readlink("/proc/self/exe", attack_path, sizeof(attack_path) - 10);
	int failed, segment;

	if (len < 0 || !skeleton_make(&skeleton))
		return 1;
	attack_path[len] = '\0';
	snprintf(strrchr(attack_path, '/') + 1, 10, "attack");
	skeleton_mount(&skeleton, attack_path, "/attack");
	privileged = geteuid() == 0;
	segment = listen_on_host();
	if (argc > 1 && strcmp(argv[1], "--mutants") == 0)
		failed = run_mutants();
	else
		failed = run_all(privileged ? "root" : "user") + (privileged ? run_unprivileged() : 0);
	shmctl(segment, IPC_RMID, NULL);
	skeleton_remove(&skeleton);
	return failed ? 1 : 0;
}
