/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a submission names, looked at before it is one.  A recipe comes from afar as a blob, and what it reads beside
 * itself as blobs too: target "recipe:NAME", in the options "recipe", its SHA-256, and "files", an object of path and SHA-256.
 * It names nothing of the worker's machine, and every blob is here.
 */
#ifndef ASSAY_SCHEDULER_ADMISSION_H
#define ASSAY_SCHEDULER_ADMISSION_H

#include "assay/error.h"
#include "assay/json.h"
#include "assay/store.h"

#define ADMISSION_RECIPE "recipe:"

/* options may be NULL.  Parses the recipe in a jail: not within a transaction. */
enum assay_code admission_check(struct assay_store *store, const char *target,
				const json_t *options, struct assay_error *err) ASSAY_CHECKED;

/* "agent=x arch=amd64": words of name=value, or name~value for a wish, one space between them. */
enum assay_code admission_check_needs(const char *needs, struct assay_error *err) ASSAY_CHECKED;

#endif
