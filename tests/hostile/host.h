/* SPDX-License-Identifier: Apache-2.0 */
/* What a box must leave of the host: everything as it was, and nothing of its own. */
#ifndef TESTS_HOSTILE_HOST_H
#define TESTS_HOSTILE_HOST_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct host {
	unsigned mounts, groups, keys, segments, queues, files, descriptors;
	char name[65], core_pattern[256], canary[256];
};

/* Lines that contain the word. */
static inline unsigned host_lines(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	unsigned lines = 0;

	while (file && fgets(line, sizeof(line), file))
		lines += strstr(line, word) != NULL;
	if (file)
		fclose(file);
	return lines;
}

static inline unsigned host_entries(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned entries = 0;

	while (dir && (entry = readdir(dir)))
		entries += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (dir)
		closedir(dir);
	return entries;
}

/* Kills what carries the mark in its command line; false when there was nothing. */
static inline bool host_kill(const char *mark)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (proc && (entry = readdir(proc))) {
		char path[300], line[512] = "";
		int fd, pid = atoi(entry->d_name);

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (read(fd, line, sizeof(line) - 1) > 0 &&
		    memmem(line, sizeof(line), mark, strlen(mark))) {
			found = true;
			kill(pid, SIGKILL);
		}
		close(fd);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Groups of boxes, wherever a hierarchy is mounted; ours are those of this process. */
static inline unsigned host_groups(void)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[1024], place[256], type[64], prefix[64];
	unsigned groups = 0;

	snprintf(prefix, sizeof(prefix), "-%d-", (int)getpid());
	while (file && fgets(line, sizeof(line), file)) {
		DIR *dir;
		const struct dirent *entry;

		if (sscanf(line, "%*s %255s %63s", place, type) != 2 || strncmp(type, "cgroup", 6) != 0)
			continue;
		dir = opendir(place);
		while (dir && (entry = readdir(dir)))
			groups += strncmp(entry->d_name, "assay-box-", 10) == 0 &&
				  strstr(entry->d_name, prefix) != NULL;
		if (dir)
			closedir(dir);
	}
	if (file)
		fclose(file);
	return groups;
}

static inline void host_look(struct host *ret, const char *canary)
{
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

	*ret = (struct host){
		.mounts = host_lines("/proc/self/mountinfo", " "),
		.groups = host_groups(),
		/* what the attacks would make */
		.keys = host_lines("/proc/keys", "assay-hostile:"),
		.segments = host_lines("/proc/sysvipc/shm", " 1818584692 ") +
			    host_lines("/proc/sysvipc/sem", " 1818584692 ") +
			    host_lines("/proc/sysvipc/msg", " 1818584692 "),
		.queues = host_entries("/dev/mqueue", "assay-hostile"),
		.files = host_entries(getenv("TMPDIR"), "") + host_entries(canary, ""),
		.descriptors = host_entries("/proc/self/fd", ""),
	};
	gethostname(ret->name, sizeof(ret->name));
	if (file && !fgets(ret->core_pattern, sizeof(ret->core_pattern), file))
		ret->core_pattern[0] = '\0';
	if (file)
		fclose(file);
}

/* NULL, or what is not as before. */
static inline const char *host_changed(const struct host *before, const char *canary, pid_t neighbour)
{
	struct host now;

	host_look(&now, canary);
	if (kill(neighbour, 0))
		return "a process of the host died";
	/* fewer is somebody else's doing: the kernel unmounts here what lay on a directory that is removed elsewhere */
	if (now.mounts > before->mounts)
		return "mounts are left";
	if (now.groups != before->groups)
		return "control groups are left";
	if (now.keys != before->keys)
		return "keys are left";
	if (now.segments != before->segments || now.queues != before->queues)
		return "shared memory, semaphores or queues are left";
	if (now.files != before->files)
		return "files are left, or came to a directory of the host";
	if (now.descriptors != before->descriptors)
		return "descriptors are left open";
	if (strcmp(now.name, before->name) != 0 ||
	    strcmp(now.core_pattern, before->core_pattern) != 0)
		return "the host's name or core_pattern changed";
	if (host_kill("4242.4242"))
		return "a process is left";
	return NULL;
}

#endif
