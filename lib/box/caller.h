/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be learnt of a process whose system call waits for an answer: its name, its program, what
 * its arguments point to.  It may change all of that behind our back, so this is for the record and
 * decides nothing.
 */
#ifndef ASSAY_BOX_CALLER_H
#define ASSAY_BOX_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "assay/json.h"

/* All of it, or false. */
bool box_caller_read(pid_t pid, uint64_t address, void *out, size_t len);
/* A string, cut to fit; false when it cannot be read. */
bool box_caller_text(pid_t pid, uint64_t address, char *out, size_t size);
/* A path as openat(2) takes it, made absolute by the caller's directory. */
bool box_caller_path(pid_t pid, int dirfd, uint64_t address, char *out, size_t size);
/* A vector of strings as execve(2) takes it; NULL when it cannot be read.  Cut short, its last element
 * is "...". */
json_t *box_caller_vector(pid_t pid, uint64_t address);
/* The name of its thread and the path of its program as it sees it; "" when unknown. */
void box_caller_name(pid_t pid, char *out, size_t size);
void box_caller_program(pid_t pid, char *out, size_t size);

#endif
