/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a process in /proc (proc(5)). */
#ifndef ASSAY_BOX_PROC_H
#define ASSAY_BOX_PROC_H

#include <stddef.h>
#include <sys/types.h>

/* The beginning of /proc/PID/NAME, as a text of less than size bytes; its length, 0 when there is none. */
size_t box_proc_read(pid_t pid, const char *name, char *out, size_t size);
/* Its parent, 0 when it is gone. */
pid_t box_proc_parent(pid_t pid);

#endif
