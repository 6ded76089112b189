/* SPDX-License-Identifier: Apache-2.0 */
/* Another job that runs at the same moment, services of the host, and what only the worker may know. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mqueue.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

#define MARK "assay-hostile-meet"
#define KEY 0x6d656574

static unsigned processes_seen(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	while (proc && (entry = readdir(proc)))
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
	if (proc)
		closedir(proc);
	return count;
}

/* Two jobs run this at the same moment, and each makes what the other would find. */
void attack_meet(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0" MARK };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(MARK);

	note(bind(fd, (struct sockaddr *)&address, len) && errno == EADDRINUSE, "another job's abstract socket");
	listen(fd, 1);
	note(shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0666) < 0 && errno == EEXIST, "another job's segment");
	note(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0666) < 0 && errno == EEXIST, "another job's semaphores");
	note(mq_open("/" MARK, O_CREAT | O_EXCL | O_RDWR, 0666, NULL) < 0 && errno == EEXIST,
	     "another job's message queue");
	note(open("/tmp/" MARK, O_CREAT | O_EXCL | O_WRONLY, 0666) < 0 && errno == EEXIST, "another job's /tmp");
	note(open("/dev/shm/" MARK, O_CREAT | O_EXCL | O_WRONLY, 0666) < 0 && errno == EEXIST,
	     "another job's /dev/shm");
	fd = open("/entry", O_RDONLY);
	note(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK, "another job's lock on an input");
	usleep(1500000);
	note(processes_seen() > 3, "another job's processes");
}

static void try_socket(const char *path)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int fd = socket(AF_UNIX, types[i], 0);

		note(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, path);
		close(fd);
	}
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)type;
	(void)walk;
	if (S_ISSOCK(st->st_mode))
		try_socket(path);
	/* a reader on the host would let us open it */
	if (S_ISFIFO(st->st_mode))
		note(open(path, O_WRONLY | O_NONBLOCK) >= 0, path);
	return 0;
}

/* Services by their usual names, and every socket and FIFO that can be seen outside of /usr; the harness
 * serves some in a directory that is an input. */
void attack_services(void)
{
	static const char *const names[] = {
		"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock",
		"/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify",
		"/run/udev/control", "/run/nscd/socket", "/dev/log", "/tmp/.X11-unix/X0",
	};
	static const char *const places[] = { "/shared", "/etc", "/run", "/var", "/dev", "/tmp", "/home", "/opt" };

	note(access("/shared/stream", F_OK) != 0, "no socket to look for");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		try_socket(names[i]);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		nftw(places[i], visit, 16, FTW_PHYS);
}

/* Whole words of memory at once: such files have NULs in them. */
static bool holds(const char *path, const char *secret)
{
	char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return got > 0 && memmem(text, (size_t)got, secret, strlen(secret)) != NULL;
}

/* The harness has a variable of that value, as a worker has its token. */
void attack_secrets(void)
{
	static const char *const files[] = {
		"/etc/shadow", "/etc/gshadow", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key",
		"/root/.ssh/id_ed25519", "/root/.bash_history", "/dev/tpm0", "/dev/tpmrm0",
		"/etc/ssl/private/ssl-cert-snakeoil.key", "/var/lib/assay", "/run/user",
	};
	static const char *const variables[] = { "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
						 "SUDO_USER", "ASSAY_STORE", "ASSAY_TOKEN", "TMPDIR" };
	char path[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		try_call(files[i], open(files[i], O_RDONLY));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		note(getenv(variables[i]) != NULL, variables[i]);
	for (int pid = 1; pid < 100; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/environ", pid);
		note(holds(path, "assay-hostile-token"), path);
		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		note(pid != getpid() && holds(path, "--runtime"), path);
	}
}

/* CVE-2019-5736: whoever runs next would run what was written there. */
void attack_launcher(void)
{
	static const char *const names[] = { "exe", "root/proc/self/exe", "cwd/../proc/self/exe" };
	char path[64];

	for (int pid = 0; pid < 100; pid++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid ? pid : (int)getpid(), names[i]);
			try_call(path, open(path, O_WRONLY));
			try_call(path, open(path, O_RDWR | O_TRUNC));
		}
	try_call("process 1's program", open("/proc/1/exe", O_PATH));
	note(access("/tmp/.assay-box", F_OK) == 0, "the copy of process 1's program");
}

/* A program that no file system has: its rights are no more than ours, whatever its mode says. */
void attack_memory_program(void)
{
	static char name[] = "/proc/self/fd/9", rights[] = "rights";
	char *const argv[] = { name, rights, NULL }, *const env[] = { NULL };
	int self = open("/attack", O_RDONLY), memory = memfd_create("x", 0), status = 0;
	char block[65536];
	ssize_t got;
	pid_t pid;

	while ((got = read(self, block, sizeof(block))) > 0)
		if (write(memory, block, (size_t)got) != got)
			return;
	fchmod(memory, 06777);
	note(fchown(memory, 0, 0) == 0, "a program of root's");
	if (dup2(memory, 9) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		execve(name, argv, env);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	note(status != 0, "more rights for a program in memory");
}
