/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite [--runtime=NAME] [--row=NUMBER] [--mutants]: builds that attack the box, each with the outcome that it must
 * have.  After each of them the host must look as before, and an honest build must give the same
 * bytes as before the first.  Runs as root and once more without privileges, where what needs
 * privileges is left out.  The box is the native driver's, or that of an OCI runtime.
 *
 * --mutants runs it with one layer left out at a time: each layer must be missed by some row.
 */
#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "assay/buf.h"
#include "assay/file.h"
#include "host.h"
#include "lib/box/native.h"
#include "lib/box/weigh.h"
#include "skeleton.h"

/* rows end where their columns have nothing more to say */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "rows.h"

#define BIT(layer) (1u << (layer))
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static struct skeleton skeleton;
static char place[64] = "/tmp/hostile.XXXXXX"; /* ours alone: who leaves something there is seen */
static char links_root[80]; /* an environment that leads to the canary */
static char canary[80];     /* a directory of the host, writable for all */
static char entries[80];    /* files of /etc with one line more */
static char shared[80];     /* a directory of the host with services in it */
static char entry[80];      /* a script that says that whoever runs it is its interpreter */
static char attack_path[4096];
static char boot_id[64] = "BOOT_ID=", host_path[4200] = "HOST_PATH="; /* must not show inside */
static bool privileged, ranged; /* by right, or by /etc/subuid */
static const char *runtime; /* NULL: the native driver */
static int only_row;        /* 0: all */

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

/* The kernel idmaps no overlay, which a test's own root may be. */
static bool can_be_mapped(void)
{
	struct statfs fs;

	return statfs("/usr", &fs) == 0 && fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* ---- what the library thinks that the host has -------------------------------------------------------- */

#define LITTLE_MORE (1ULL << 30)

static uint64_t missing; /* bytes that somebody else seems to use */

bool __real_box_weigh_host(struct box_host_memory *ret);
bool __wrap_box_weigh_host(struct box_host_memory *ret); /* by the linker */

bool __wrap_box_weigh_host(struct box_host_memory *ret)
{
	bool ok = __real_box_weigh_host(ret);

	ret->available -= missing < ret->available ? missing : ret->available;
	return ok;
}

static void use_up(bool most)
{
	struct box_host_memory host;

	missing = 0;
	if (most && __real_box_weigh_host(&host) && host.available > host.total / 16 + LITTLE_MORE)
		missing = host.available - host.total / 16 - LITTLE_MORE;
}

/* ---- one row ------------------------------------------------------------------------------------- */

static enum assay_code run(const struct row *row, uint32_t skip, struct assay_buf *log,
			   struct assay_box_result *result, struct assay_error *err)
{
	bool script = strchr(row->attack, ' ') || strcmp(row->attack, "true") == 0;
	const char *const by_shell[] = { "/bin/sh", "-c", row->attack, NULL };
	const char *const named[] = { "/attack", row->attack, NULL };
	const char *const alone[] = { row->attack, NULL };
	const char *const *direct = row->attack[0] == '/' ? alone : named;
	const char *env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", boot_id, host_path,
			      privileged && can_be_mapped() ? "IDMAPPED=1" : NULL, NULL };
	struct assay_box_policy policy = skeleton_policy(&skeleton, script ? by_shell : direct);

	policy.env = env;
	policy.on_output = keep;
	policy.on_output_data = log;
	policy.processes = 48;
	/* nothing but the time ends a fork bomb without a limit */
	policy.time_s = row->reason == ASSAY_BOX_TIME ? 1 : skip & BIT(LAYER_PROCESSES) ? 5 : 60;
	if (row->directory)
		policy.directory = row->directory;
	if (row->hostile_root)
		policy.root = links_root;
	if (!runtime)
		return box_run_without(&policy, 0, skip, result, err);
	/* Debian's are outdated; that is not what is tested here */
	policy.choice = (struct assay_box_choice){ &assay_box_oci, runtime, ASSAY_BOX_ALLOW_OUTDATED };
	return box_oci_run_without(&policy, 0, skip, result, err);
}

/* What the build leaves is what it left: nobody writes to it any more. */
static bool output_moves(const struct assay_box_result *r)
{
	struct assay_buf first = ASSAY_BUF_INIT(4096), second = ASSAY_BUF_INIT(4096);
	struct assay_error err;
	bool moves = false;

	if (assay_file_read(r->workspace_fd, "out", &first, &err) == ASSAY_OK) {
		for (int i = 0; i < 20 && !moves; i++) {
			usleep(2000);
			assay_buf_clear(&second);
			moves = assay_file_read(r->workspace_fd, "out", &second, &err) != ASSAY_OK ||
				second.len != first.len ||
				memcmp(second.data, first.data, first.len) != 0;
		}
	}
	assay_buf_release(&first);
	assay_buf_release(&second);
	return moves;
}

static bool has_output(const struct row *row, const struct assay_box_result *r)
{
	struct assay_buf have = ASSAY_BUF_INIT(4096);
	struct assay_error err;
	bool ok = assay_file_read(r->workspace_fd, "out", &have, &err) == ASSAY_OK &&
		  have.len == strlen(row->output) && memcmp(have.data, row->output, have.len) == 0;

	assay_buf_release(&have);
	return ok;
}

/* NULL, or what is wrong. */
static const char *judge(const struct row *row, const struct assay_box_result *r, uint32_t skip,
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
	if (output_moves(r))
		return "an output changes after the end";
	if (row->output && !has_output(row, r))
		return "the worker cannot read the output";
	if (skip & BIT(LAYER_SECCOMP))
		return NULL;
	if (row->refused && !lists(json_object_get(r->isolation, "refused"), "syscall", row->refused))
		return "the refused call was not recorded";
	if (row->family && !lists(json_object_get(network, "attempts"), "family", row->family))
		return "the network attempt was not recorded";
	if (row->address && !lists(json_object_get(network, "attempts"), "address", row->address))
		return "the network attempt was not recorded with its address";
	return NULL;
}

static const char *try_row(const struct row *row, uint32_t skip)
{
	static char text[ASSAY_ERROR_MAX];
	struct assay_buf log = ASSAY_BUF_INIT(4 << 20);
	struct assay_box_result result = { .workspace_fd = -1 };
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *wrong;

	use_up(row->host_is_low);
	if (run(row, skip, &log, &result, &err)) {
		snprintf(text, sizeof(text), "%s", err.msg);
		/* a box without processes in /proc cannot run what names one there */
		wrong = row->outcome == NO_BOX || row->hostile_root || row->racing || row->attack[0] == '/' ?
				NULL :
				text;
	} else {
		wrong = row->outcome == NO_BOX ? "the box started" : judge(row, &result, skip, &log);
		assay_box_result_release(&result);
	}
	assay_buf_release(&log);
	return wrong;
}

/* ---- a handler of cores, as crash reporters install it -------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The kernel starts it as root of the host, whatever limit of cores is 0. */
static const char *try_with_handler(const struct row *row)
{
	char before[256] = "", handler[300], pattern[310], script[256], mark[128];
	FILE *file = fopen(CORE_PATTERN, "re");
	const char *wrong;

	if (file && !fgets(before, sizeof(before), file))
		before[0] = '\0';
	if (file)
		fclose(file);
	snprintf(mark, sizeof(mark), "%s/ran", canary);
	snprintf(handler, sizeof(handler), "%s/handler", skeleton.root);
	/* others may crash as well meanwhile */
	snprintf(pattern, sizeof(pattern), "|%s %%e", handler);
	snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$1\" != attack ] || cat > %s\n", mark);
	if (!write_text(handler, script) || !write_text(CORE_PATTERN, pattern))
		return "no handler of cores could be installed";
	wrong = try_row(row, 0);
	usleep(100000);
	write_text(CORE_PATTERN, before);
	unlink(handler);
	if (access(mark, F_OK) == 0 && !wrong)
		wrong = "the host's handler of cores was started";
	unlink(mark);
	return wrong;
}

/* ---- rows that need somebody beside the build ------------------------------------------------------ */

static const char *try_twice(const struct row *row)
{
	const char *wrong;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		wrong = try_row(row, 0);
		if (wrong)
			printf("# the other one: %s\n", wrong);
		fflush(stdout);
		_exit(wrong != NULL);
	}
	wrong = try_row(row, 0);
	waitpid(pid, &status, 0);
	return wrong ? wrong : status ? "not so for the other of the two" : NULL;
}

/* Users of the processes with that command line, ours and our children's apart; at most two. */
static int users_of(const char *line, uid_t users[2])
{
	DIR *proc = opendir("/proc");
	const struct dirent *process;
	char path[300], have[64];
	int count = 0;

	while (proc && (process = readdir(proc))) {
		struct stat st;
		int fd, got = 0;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", process->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			got = (int)read(fd, have, sizeof(have));
		if (got > 5 && memcmp(have, "sleep", 6) == 0 && memmem(have, (size_t)got, line, strlen(line)) &&
		    fstat(fd, &st) == 0 && count < 2)
			users[count++] = st.st_uid;
		if (fd >= 0)
			close(fd);
	}
	if (proc)
		closedir(proc);
	return count;
}

static const char *try_owners(const struct row *row)
{
	uid_t users[2] = { 0, 0 };
	int seen = 0;
	pid_t pids[2];

	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(try_row(row, 0) != NULL);
	}
	for (int i = 0; i < 300 && seen < 2; i++) {
		usleep(10000);
		seen = users_of("4242.4242", users);
	}
	for (int i = 0; i < 2; i++)
		waitpid(pids[i], NULL, 0);
	return seen < 2				  ? "two boxes were not seen" :
	       users[0] == 0 || users[1] == 0	  ? "a process of root's" :
	       users[0] == getuid() || users[1] == getuid() ? "a process of the worker's user" :
	       users[0] == users[1]		  ? "one user for two jobs" :
						    NULL;
}

/* CVE-2021-30465's way: what was looked at is something else when it is mounted on. */
static const char *try_racing(const struct row *row)
{
	char place_of[300], link_to[300];
	const char *wrong = NULL;
	struct stat st;
	pid_t pid;

	snprintf(place_of, sizeof(place_of), "%s/var/tmp", skeleton.root);
	snprintf(link_to, sizeof(link_to), "%s/var/swapped", skeleton.root);
	if (symlink(canary, link_to))
		return "no link to swap with";
	fflush(stdout);
	pid = fork();
	while (pid == 0)
		renameat2(AT_FDCWD, place_of, AT_FDCWD, link_to, RENAME_EXCHANGE);
	for (int i = 0; i < 20 && !wrong; i++)
		wrong = try_row(row, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (lstat(place_of, &st) || S_ISLNK(st.st_mode))
		renameat2(AT_FDCWD, place_of, AT_FDCWD, link_to, RENAME_EXCHANGE);
	unlink(link_to);
	return wrong;
}

/* ---- all rows ------------------------------------------------------------------------------------ */

/* An honest build, whose output must not depend on what ran before. */
static bool control(struct assay_buf *log)
{
	const struct row row = { 0, "control",
				 "ls -a /; ls -la /build/job /tmp /var/tmp /dev/shm /dev; id; "
				 "cat /proc/sysvipc/*; cut -d ' ' -f 1-3 /proc/mounts | sha256sum; "
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

/* NULL, or why the row is left out here. */
static const char *reason_to_skip(const struct row *row)
{
	if (row->needs_root && !privileged)
		return "needs control groups";
	/* it is a setting of the whole machine */
	if (row->needs_core_handler && (!privileged || !getenv("CI")))
		return "changes core_pattern for a moment: only in CI";
	if (row->owners && !privileged && !ranged)
		return "needs a range of ids";
	return NULL;
}

static const char *try_in_its_way(const struct row *row)
{
	return row->needs_core_handler ? try_with_handler(row) :
	       row->racing	       ? try_racing(row) :
	       row->twice	       ? try_twice(row) :
	       row->owners	       ? try_owners(row) :
					 try_row(row, 0);
}

static int run_all(const char *who)
{
	struct assay_buf want = ASSAY_BUF_INIT(1 << 20);
	pid_t neighbour = fork();
	struct host before;
	int failed = 0;

	if (neighbour == 0)
		for (;;)
			pause();
	if (!control(&want)) {
		printf("not ok - %s: the honest build\n", who);
		failed++;
	}
	drop_dates(&want);
	host_look(&before, canary);
	for (size_t i = 0; i < ROWS; i++) {
		const char *wrong = reason_to_skip(&rows[i]);

		if (only_row && rows[i].number != only_row)
			continue;
		if (wrong) {
			printf("ok - %s %d %s # skip %s\n", who, rows[i].number, rows[i].title, wrong);
			continue;
		}
		wrong = try_in_its_way(&rows[i]);
		if (!wrong)
			wrong = host_changed(&before, canary, neighbour);
		if (!wrong)
			wrong = control_differs(&want);
		printf("%sok - %s %d %s%s%s\n", wrong ? "not " : "", who, rows[i].number,
		       rows[i].title, wrong ? ": " : "", wrong ? wrong : "");
		fflush(stdout);
		failed += wrong != NULL;
	}
	kill(neighbour, SIGKILL);
	waitpid(neighbour, NULL, 0);
	assay_buf_release(&want);
	return failed;
}

static bool as_user(void)
{
	return setgroups(0, NULL) == 0 && setresgid(12345, 12345, 12345) == 0 &&
	       setresuid(12345, 12345, 12345) == 0;
}

/* A file of the host's with one more line, for us and our children. */
static bool with_line(const char *path, const char *line)
{
	struct assay_buf buf = ASSAY_BUF_INIT(4 << 20);
	struct assay_error err;
	char copy[128];
	bool ok;

	snprintf(copy, sizeof(copy), "%s/%s", entries, strrchr(path, '/') + 1);
	/* one that is not there is as good as an empty one, and can be mounted on */
	close(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
	ok = assay_file_read(AT_FDCWD, path, &buf, &err) == ASSAY_OK;
	assay_buf_add_text(&buf, line);
	ok = ok && write_text(copy, assay_buf_text(&buf)) && chmod(copy, 0644) == 0 &&
	     mount(copy, path, NULL, MS_BIND, NULL) == 0;
	assay_buf_release(&buf);
	return ok;
}

/* As whom useradd(8) made: with ranges of ids. */
static bool as_user_with_range(void)
{
	ranged = true;
	return unshare(CLONE_NEWNS) == 0 && with_line("/etc/passwd", "assay-hostile:x:12345:12345::/nonexistent:/bin/sh\n") &&
	       with_line("/etc/group", "assay-hostile:x:12345:\n") &&
	       with_line("/etc/subuid", "assay-hostile:1610612736:65536\n") &&
	       with_line("/etc/subgid", "assay-hostile:1610678272:65536\n") && as_user();
}

/* As in a container without privileges: one id, and something mounted over entries of /proc. */
static bool in_container(void)
{
	return as_user() && prctl(PR_SET_DUMPABLE, 1) == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", "0 12345 1") &&
	       write_text("/proc/self/gid_map", "0 12345 1") &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("/dev/null", "/proc/keys", NULL, MS_BIND, NULL) == 0 &&
	       mount("/dev/null", "/proc/timer_list", NULL, MS_BIND, NULL) == 0;
}

static int run_with_less(const char *how, bool (*enter)(void))
{
	char who[64];
	int status = 0;
	pid_t pid;

	snprintf(who, sizeof(who), "%s %s", runtime ? runtime : "native", how);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		privileged = false;
		_exit(!enter() ? 99 : run_all(who) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

/* ---- mutants ------------------------------------------------------------------------------------- */

/* also: layers that stand behind this one and would hide that it is gone; they are left out of the run
 * that must be green as well.  only: the rows, where others could harm the host.  native_only: the
 * layer is not the runtime's to leave out. */
static const struct mutant {
	enum wire_layer layer;
	const char *name;
	uint32_t also;
	int only;
	bool native_only;
} mutants[] = {
	{ LAYER_USERNS, "user-namespace", .only = 60, .native_only = true },
	{ LAYER_PIDNS, "pid-namespace", .only = 11, .native_only = true },
	{ LAYER_IPCNS, "ipc-namespace" },
	{ LAYER_NETNS, "network-namespace" },
	{ LAYER_CGROUPNS, "cgroup-namespace" },
	{ LAYER_UTSNS, "uts-namespace" },
	{ LAYER_IDMAP, "idmapped-root" },
	{ LAYER_ROOT, "read-only-root" },
	{ LAYER_INPUTS, "inputs" },
	{ LAYER_WORKSPACE, "workspace", .only = 5 },
	{ LAYER_PROC, "proc-masked" },
	{ LAYER_DEV, "minimal-dev", .native_only = true },
	{ LAYER_SYS, "synthetic-sys", .native_only = true },
	{ LAYER_KEYRING, "fresh-keyring", BIT(LAYER_SECCOMP), .only = 16, .native_only = true },
	{ LAYER_RLIMITS, "rlimits" },
	{ LAYER_AFFINITY, "cpu-affinity" },
	{ LAYER_CAPS, "no-capabilities" },
	{ LAYER_NNP, "no-new-privileges" },
	{ LAYER_LANDLOCK, "landlock" },
	{ LAYER_SECCOMP, "seccomp" },
	{ LAYER_FAMILIES, "socket-families" },
	{ LAYER_DESCRIPTORS, "descriptors" },
	{ LAYER_MEMORY, "memory-limit", .only = 2 },
	{ LAYER_PROCESSES, "process-limit", .only = 1 },
};

/* Rows that could harm the host without a layer stay out when it is missing. */
static bool is_safe(const struct row *row, const struct mutant *m)
{
	if (row->needs_core_handler || row->racing || row->twice || (only_row && row->number != only_row))
		return false;
	return m->only ? row->number == m->only : row->number > 10 && row->number != 73;
}

static bool notices(const struct row *row, const struct mutant *m)
{
	/* what is red anyhow says nothing about the layer */
	if (m->also && try_row(row, m->also))
		return false;
	return try_row(row, m->also | BIT(m->layer)) != NULL;
}

static int run_mutants(void)
{
	int unnoticed = 0;

	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
		char red[300] = "";
		size_t len = 0;

		if (runtime && mutants[i].native_only)
			continue;
		for (size_t k = 0; k < ROWS; k++)
			if (is_safe(&rows[k], &mutants[i]) && notices(&rows[k], &mutants[i]) &&
			    len < sizeof(red) - 8)
				len += (size_t)snprintf(red + len, sizeof(red) - len, " %d",
							rows[k].number);
		host_kill("4242.4242");
		printf("%sok - without %-18s noticed by rows%s\n", len ? "" : "not ", mutants[i].name,
		       len ? red : ": none");
		fflush(stdout);
		unnoticed += len == 0;
	}
	return unnoticed;
}

/* ---- what the attacks look for -------------------------------------------------------------------- */

static int listen_on_host(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;

	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "assay-hostile");
	/* the name is also the lock: two suites on one machine would take each other's marks for leaks */
	while (bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
		usleep(500000);
	if (listen(fd, 4))
		perror("listen");
	return shmget(0x61737361, 4096, IPC_CREAT | 0666);
}

/* Services of the host in a directory that is an input: sockets that anybody may write to, and a FIFO whose
 * reader is there. */
static bool serve_in(const char *directory)
{
	static const struct {
		const char *name;
		int type;
	} sockets[] = { { "stream", SOCK_STREAM }, { "datagram", SOCK_DGRAM }, { "packets", SOCK_SEQPACKET } };
	char path[128];

	if (mkdir(directory, 0755))
		return false;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, sockets[i].type | SOCK_CLOEXEC, 0);

		snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, sockets[i].name);
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(address.sun_path, 0777))
			return false;
		if (sockets[i].type != SOCK_DGRAM && listen(fd, 4))
			return false;
	}
	snprintf(path, sizeof(path), "%s/pipe", directory);
	return mkfifo(path, 0666) == 0 && chmod(path, 0666) == 0 && open(path, O_RDWR | O_CLOEXEC) >= 0;
}

/* A session keyring of our own, that no other process of the host gets to see, with a key in it. */
static bool hold_key(void)
{
	return syscall(SYS_keyctl, 1, "assay-hostile-session") >= 0 &&
	       syscall(SYS_add_key, "user", "assay-hostile-secret", "secret", 6, -3) >= 0;
}

/* The attack itself is an input, and locked by us. */
static bool hold_lock(void)
{
	int fd = open(attack_path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX) == 0;
}

static bool make_links(void)
{
	static const char *const names[] = { "tmp", "var", "dev", "proc", "sys", "build" };
	static const char *const plain[] = { "bin", "lib", "lib64", "usr", "etc" };
	char path[128], target[64];

	snprintf(links_root, sizeof(links_root), "%s/links", place);
	snprintf(canary, sizeof(canary), "%s/canary", place);
	if (mkdir(links_root, 0755) || mkdir(canary, 0777) || chmod(canary, 0777))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", links_root, names[i]);
		if (symlink(canary, path))
			return false;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", links_root, plain[i]);
		snprintf(target, sizeof(target), "usr/%s", plain[i]);
		if (i < 3 ? symlink(target, path) : mkdir(path, 0755))
			return false;
	}
	return true;
}

static void read_boot_id(void)
{
	struct assay_buf buf = ASSAY_BUF_INIT(4096);
	struct assay_error err;

	if (assay_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &buf, &err) == ASSAY_OK)
		snprintf(boot_id, sizeof(boot_id), "BOOT_ID=%.36s", assay_buf_text(&buf));
	assay_buf_release(&buf);
}

static bool prepare(void)
{
	ssize_t len = readlink("/proc/self/exe", attack_path, sizeof(attack_path) - 10);

	if (len < 0)
		return false;
	attack_path[len] = '\0';
	snprintf(strrchr(attack_path, '/') + 1, 10, "attack");
	snprintf(host_path, sizeof(host_path), "HOST_PATH=%.*s",
		 (int)(strrchr(attack_path, '/') - attack_path), attack_path);
	privileged = geteuid() == 0;
	/* what others mount meanwhile is not ours */
	if (privileged &&
	    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return false;
	read_boot_id();
	if (!mkdtemp(place) || chmod(place, 0777) || setenv("TMPDIR", place, 1))
		return false;
	if (!skeleton_make(&skeleton) || !make_links() || !hold_key() || !hold_lock())
		return false;
	snprintf(shared, sizeof(shared), "%s/shared", place);
	snprintf(entry, sizeof(entry), "%s/entry", place);
	snprintf(entries, sizeof(entries), "%s/entries", place);
	if (mkdir(entries, 0755) || !serve_in(shared) || !write_text(entry, "#!/proc/self/exe\n") ||
	    setenv("ASSAY_TOKEN", "assay-hostile-token", 1))
		return false;
	skeleton_mount(&skeleton, attack_path, "/attack");
	skeleton_mount(&skeleton, shared, "/shared");
	skeleton_mount(&skeleton, entry, "/entry");
	return true;
}

static void tidy(void)
{
	struct skeleton all = { .mount_count = 0 };

	snprintf(all.root, sizeof(all.root), "%s", place);
	skeleton_remove(&all);
}

int main(int argc, char **argv)
{
	bool mutate = false;
	char who[64];
	int failed, segment;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--runtime=", 10) == 0)
			runtime = argv[i] + 10;
		if (strncmp(argv[i], "--row=", 6) == 0)
			only_row = atoi(argv[i] + 6);
		mutate |= strcmp(argv[i], "--mutants") == 0;
	}
	if (!prepare()) {
		perror("suite");
		return 1;
	}
	segment = listen_on_host();
	if (mutate) {
		failed = run_mutants();
	} else {
		snprintf(who, sizeof(who), "%s %s", runtime ? runtime : "native", privileged ? "root" : "user");
		failed = run_all(who);
		if (privileged)
			failed += run_with_less("user", as_user) + run_with_less("user with subuids", as_user_with_range);
		/* an OCI runtime needs a /proc of its own, which the kernel grants to nobody in there */
		if (privileged && !runtime)
			failed += run_with_less("container", in_container);
	}
	shmctl(segment, IPC_RMID, NULL);
	tidy();
	return failed ? 1 : 0;
}
