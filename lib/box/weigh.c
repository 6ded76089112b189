/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From proc(5): statm for a first sum, which counts pages once for each process that they are mapped in, and
 * smaps_rollup, which divides them but costs a walk through each process, when that sum is too large.
 */
#include "weigh.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "proc.h"

#define MAX_PROCESSES 65536 /* of the host; what is beyond is not counted */
#define TEXT_MAX 4096

struct process {
	pid_t pid, parent;
	bool ours;
};

static size_t list_processes(pid_t ancestor, struct process *out)
{
	assay_auto(assay_dir_closep) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (proc && count < MAX_PROCESSES && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			out[count++] = (struct process){ pid, box_proc_parent(pid), pid == ancestor };
	}
	return count;
}

static int compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static const struct process *find(const struct process *list, size_t count, pid_t pid)
{
	const struct process key = { .pid = pid };

	return bsearch(&key, list, count, sizeof(key), compare);
}

/* The kernel lists them by number (proc_pid_readdir), and children mostly have higher ones: few rounds. */
static void mark_descendants(struct process *list, size_t count)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < count; i++) {
			const struct process *parent = list[i].ours ? NULL : find(list, count, list[i].parent);

			if (parent && parent->ours)
				list[i].ours = more = true;
		}
	}
}

static uint64_t resident(pid_t pid)
{
	char text[TEXT_MAX];
	unsigned long long all = 0, shared = 0;

	if (!box_proc_read(pid, "statm", text, sizeof(text)) || sscanf(text, "%*s %llu %llu", &all, &shared) != 2)
		return 0;
	return (all - shared) * (uint64_t)getpagesize();
}

static uint64_t proportional(pid_t pid)
{
	char text[TEXT_MAX];
	unsigned long long kib = 0;
	const char *line = box_proc_read(pid, "smaps_rollup", text, sizeof(text)) ? strstr(text, "\nPss_Anon:") : NULL;

	return line && sscanf(line + 10, "%llu", &kib) == 1 ? kib * 1024 : resident(pid);
}

static uint64_t sum(const struct process *list, size_t count, uint64_t (*weigh)(pid_t))
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].ours)
			bytes += weigh(list[i].pid);
	return bytes;
}

uint64_t box_weigh_descendants(pid_t ancestor, uint64_t limit)
{
	assay_auto(assay_freep) struct process *list = calloc(MAX_PROCESSES, sizeof(*list));
	size_t count = list ? list_processes(ancestor, list) : 0;
	uint64_t bytes;

	mark_descendants(list, count);
	bytes = sum(list, count, resident);
	return bytes > limit ? sum(list, count, proportional) : bytes;
}

bool box_weigh_host(struct box_host_memory *ret)
{
	assay_auto(assay_file_closep) FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long value;
	char line[256];

	*ret = (struct box_host_memory){ 0 };
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemTotal: %llu", &value) == 1)
			ret->total = value * 1024;
		if (sscanf(line, "MemAvailable: %llu", &value) == 1)
			ret->available = value * 1024;
	}
	return ret->total && ret->available;
}
