/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound cleanup.  A variable marked assay_auto(fn) is released by fn(&variable) when it goes
 * out of scope; declare and initialise it on one line so that the order of release is the reverse
 * of the order of acquisition.  assay_steal() hands ownership to the caller.
 *
 * Data that must reach the disk is closed explicitly and checked; cleanup is for abandoning.
 */
#ifndef ASSAY_CLEANUP_H
#define ASSAY_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* unused: clang does not take the release for a use. */
#define assay_auto(fn) __attribute__((cleanup(fn), unused))

/* Reads pointer variable p and leaves NULL in it. */
#define assay_steal(p) ((__typeof__(p))assay_steal_pointer(&(p)))

static inline void *assay_steal_pointer(void *slot)
{
	void **p = slot;
	void *value = *p;

	*p = NULL;
	return value;
}

static inline void assay_freep(void *slot)
{
	free(*(void **)slot);
}

static inline void assay_fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void assay_dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void assay_file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
