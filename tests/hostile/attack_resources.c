/* SPDX-License-Identifier: Apache-2.0 */
/* Running out of things on purpose, in ways that a shell has no words for. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

#define MIB (1u << 20)
#define MARK "assay-hostile-left"

/* Memory that belongs to no process and no file system. */
void attack_memfd(void)
{
	char *block = malloc(MIB);
	int fd = memfd_create("x", 0);

	memset(block, 'x', MIB);
	/* the largest file is as large as the disk: several */
	for (int i = 0; i < 4096; i++) {
		if (i % 32 == 31)
			fd = memfd_create("x", 0);
		if (write(fd, block, MIB) != MIB)
			break;
	}
	sleep(2);
	free(block);
}

void attack_sysv(void)
{
	for (int i = 0; i < 256; i++) {
		int id = shmget(IPC_PRIVATE, 16 * MIB, IPC_CREAT | 0600);
		char *at = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

		if (at == (void *)-1)
			continue;
		memset(at, 'x', 16 * MIB);
		/* it stays, and our address space has room for the next one */
		shmdt(at);
	}
	sleep(2);
}

/* Buffers of pipes and sockets, one as large as allowed after the other. */
static void fill_buffers(const char *block)
{
	int pair[2], size = 64 * (int)MIB;

	while (pipe2(pair, O_NONBLOCK) == 0) {
		fcntl(pair[1], F_SETPIPE_SZ, MIB);
		while (write(pair[1], block, MIB) > 0)
			;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			return;
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while (write(pair[0], block, MIB) > 0)
			;
	}
}

/* As many as there may be, by each of several processes, which live on with them. */
static void fill_many(bool (*make)(int pair[2]))
{
	const char *block = calloc(1, MIB);
	struct rlimit files;
	int pair[2];

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < 40; i++) {
		if (fork())
			continue;
		while (make(pair))
			for (size_t size = MIB; size; size /= 2)
				while (write(pair[1], block, size) > 0)
					;
		sleep(3);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

static bool make_sockets(int pair[2])
{
	int size = 64 * (int)MIB;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		return false;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	note(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0, "buffers beyond the limit");
	return true;
}

void attack_sockets_full(void)
{
	fill_many(make_sockets);
}

static bool make_pipe(int pair[2])
{
	if (pipe2(pair, O_NONBLOCK))
		return false;
	fcntl(pair[1], F_SETPIPE_SZ, MIB);
	return true;
}

void attack_pipes_full(void)
{
	fill_many(make_pipe);
}

/* Memory that the kernel uses for us, by each of several processes. */
void attack_kernel_memory(void)
{
	const char *block = calloc(1, MIB);
	struct sigevent silent = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	for (int i = 0; i < 20; i++) {
		if (fork())
			continue;
		while (timer_create(CLOCK_MONOTONIC, &silent, &timer) == 0)
			;
		for (int k = 0; k < 100; k++)
			if (inotify_add_watch(inotify_init1(0), "/", IN_ALL_EVENTS) < 0 || epoll_create1(0) < 0)
				break;
		for (int k = 0; k < 20000; k++)
			if (mmap(NULL, 4096, k % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			    MAP_FAILED)
				break;
		fill_buffers(block);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

/* Each child leaves its session, its group and its parent, and does the same. */
void attack_daemons(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			setsid();
			if (fork())
				_exit(0);
		}
		if (pid < 0)
			usleep(1000);
	}
}

static void *sleep_on(void *data)
{
	pause();
	return data;
}

void attack_threads(void)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < 100000; i++)
		if (pthread_create(&thread, &small, sleep_on, NULL))
			usleep(1000);
}

/* More than the disk in files that are each smaller than the largest allowed. */
void attack_files(void)
{
	char *block = calloc(1, MIB), name[32];

	for (int i = 0; i < 10; i++) {
		int fd;

		snprintf(name, sizeof(name), "file%d", i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		for (int k = 0; k < 16; k++)
			if (write(fd, block, MIB) != MIB) {
				note(true, "no space left, as it should be");
				return;
			}
		close(fd);
	}
}

void attack_leftovers(void)
{
	static const char *const files[] = { "/tmp/" MARK, "/var/tmp/" MARK, "/dev/shm/" MARK,
					     "/build/job/" MARK };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		close(open(files[i], O_CREAT | O_WRONLY, 0666));
	shmget(0x6c656674, 4096, IPC_CREAT | 0666);
	semget(0x6c656674, 1, IPC_CREAT | 0666);
	msgget(0x6c656674, IPC_CREAT | 0666);
	mq_open("/" MARK, O_CREAT | O_RDWR, 0666, NULL);
}

/* What the job before left. */
void attack_traces(void)
{
	static const char *const files[] = { "/tmp/" MARK, "/var/tmp/" MARK, "/dev/shm/" MARK,
					     "/build/job/" MARK };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		note(access(files[i], F_OK) == 0, files[i]);
	try_call("shared memory of another job", shmget(0x6c656674, 0, 0));
	try_call("semaphores of another job", semget(0x6c656674, 0, 0));
	try_call("messages of another job", msgget(0x6c656674, 0));
	try_call("message queue of another job", mq_open("/" MARK, O_RDWR));
}

/* A path of 20000 characters, which no name for it can reach. */
void attack_deep(void)
{
	char name[201];

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		if (mkdir(name, 0700) || chdir(name))
			return;
}
