/* SPDX-License-Identifier: Apache-2.0 */
#include "caller.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proc.h"

#define PAGE 4096u
#define ARGUMENTS_MAX 256
#define ARGUMENT_MAX 1024
#define ARGUMENTS_BYTES 16384

/* One page at a time: a transfer is all or nothing. */
static size_t read_some(pid_t pid, uint64_t address, void *out, size_t len)
{
	size_t room = PAGE - address % PAGE;
	struct iovec ours = { out, len < room ? len : room };
	struct iovec theirs = { (void *)(uintptr_t)address, ours.iov_len };
	ssize_t got = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);

	return got > 0 ? (size_t)got : 0;
}

bool box_caller_read(pid_t pid, uint64_t address, void *out, size_t len)
{
	while (len) {
		size_t got = read_some(pid, address, out, len);

		if (!got)
			return false;
		out = (char *)out + got;
		address += got;
		len -= got;
	}
	return true;
}

bool box_caller_text(pid_t pid, uint64_t address, char *out, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		size_t got = read_some(pid, address + len, out + len, size - 1 - len);

		if (!got)
			return false;
		if (memchr(out + len, '\0', got))
			return true;
		len += got;
	}
	out[len] = '\0';
	return true;
}

/* "" when the link cannot be read. */
static size_t read_link(const char *path, char *out, size_t size)
{
	ssize_t len = readlink(path, out, size - 1);

	out[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

bool box_caller_path(pid_t pid, int dirfd, uint64_t address, char *out, size_t size)
{
	char text[PATH_MAX], link[64];
	size_t len = 0;

	if (!box_caller_text(pid, address, text, sizeof(text)))
		return false;
	if (text[0] != '/') {
		if (dirfd == AT_FDCWD)
			snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
		else
			snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, dirfd);
		len = read_link(link, out, size);
		if (!len)
			return false;
	}
	snprintf(out + len, size - len, "%s%s", len && text[0] ? "/" : "", text);
	return true;
}

json_t *box_caller_vector(pid_t pid, uint64_t address)
{
	json_t *vector = assay_json_array();
	char text[ARGUMENT_MAX];
	size_t bytes = 0;
	uint64_t item;

	for (int i = 0; address; i++, address += sizeof(item)) {
		if (!box_caller_read(pid, address, &item, sizeof(item)) ||
		    (item && !box_caller_text(pid, item, text, sizeof(text)))) {
			json_decref(vector);
			return NULL;
		}
		if (!item)
			break;
		bytes += strlen(text);
		if (i == ARGUMENTS_MAX || bytes > ARGUMENTS_BYTES) {
			assay_json_append(vector, json_string("..."));
			break;
		}
		assay_json_append(vector, assay_json_name(assay_span_text(text)));
	}
	return vector;
}

void box_caller_name(pid_t pid, char *out, size_t size)
{
	size_t len = box_proc_read(pid, "comm", out, size);

	while (len && out[len - 1] == '\n')
		out[--len] = '\0';
}

void box_caller_program(pid_t pid, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	read_link(path, out, size);
}
