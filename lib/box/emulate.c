/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysinfo(2) has no file that could be covered, and compilers size their heaps by it.  The answer is
 * written into the caller's memory through a descriptor of it that was opened while the caller
 * was known to wait: a process that took its number over is never written to.  What the caller's
 * other threads do to that memory meanwhile is their own loss; nothing is read from it.  On hosts that
 * let nobody attach to a process (Yama) the kernel answers, and the isolation report says so.
 */
#include "emulate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* 0 or a negative errno. */
static int write_to_caller(int listener, const struct seccomp_notif *request, int memory,
			   const void *data, size_t size)
{
	off_t address = (off_t)request->data.args[0];

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id))
		return -ESRCH;
	return pwrite(memory, data, size, address) == (ssize_t)size ? 0 : -EFAULT;
}

bool box_emulate_sysinfo(int listener, const struct seccomp_notif *request, const struct sysinfo *sysinfo,
			 struct seccomp_notif_resp *answer)
{
	char path[64];
	int memory;

	snprintf(path, sizeof(path), "/proc/%u/mem", request->pid);
	memory = open(path, O_WRONLY | O_CLOEXEC);
	if (memory < 0) {
		answer->error = 0;
		answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return errno == ENOENT || errno == ESRCH; /* nobody is there to be answered */
	}
	answer->error = write_to_caller(listener, request, memory, sysinfo, sizeof(*sysinfo));
	close(memory);
	return true;
}
