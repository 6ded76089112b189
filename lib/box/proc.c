/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t box_proc_read(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, out, size - 1);
		close(fd);
	}
	out[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* "pid (name) state ppid"; the name may hold anything, parentheses too. */
pid_t box_proc_parent(pid_t pid)
{
	char text[512];
	const char *end;

	if (!box_proc_read(pid, "stat", text, sizeof(text)))
		return 0;
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}
