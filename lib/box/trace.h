/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a box, see struct assay_box_trace: files as the kernel opened them (fanotify on the
 * box's mounts, from outside of it), programs with their arguments, addresses.
 */
#ifndef ASSAY_BOX_TRACE_H
#define ASSAY_BOX_TRACE_H

#include <sys/types.h>

#include "assay/box.h"

struct box_trace;

/* *ret NULL when out is NULL; every function here takes that. */
enum assay_code box_trace_open(struct assay_box_trace *out, struct box_trace **ret,
			       struct assay_error *err) ASSAY_CHECKED;
/* Writes the last line and fills in what out says of the whole. */
enum assay_code box_trace_close(struct box_trace *trace, struct assay_error *err) ASSAY_CHECKED;
/* Whether files are watched by the kernel; else the filter must show the calls that open them. */
bool box_trace_watches(const struct box_trace *trace);
/* Watches every mount that pid sees, before the command runs. */
void box_trace_watch(struct box_trace *trace, pid_t pid);
/* To be polled, -1 when there is none; box_trace_take() when it is readable. */
int box_trace_fd(const struct box_trace *trace);
void box_trace_take(struct box_trace *trace);

/* Lines.  argv (stolen, may be NULL): of the program that pid is about to become. */
void box_trace_exec(struct box_trace *trace, pid_t pid, const char *path, json_t *argv);
void box_trace_asked(struct box_trace *trace, pid_t pid, const char *path);
void box_trace_network(struct box_trace *trace, pid_t pid, const char *call, const char *address);

#endif
