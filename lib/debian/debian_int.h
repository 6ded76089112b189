/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/debian share: names and versions, the mirror, and the archive's index. */
#ifndef DEBIAN_INT_H
#define DEBIAN_INT_H

#include "assay/debian.h"
#include "assay/file.h"
#include "assay/process.h"

#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"
#define DEBIAN_FIELDS_MAX 256

/* Names as policy 5.6.1 and 5.6.12 have them, and nothing that could be an option or a path. */
bool debian_name_is_valid(const char *name);
bool debian_version_is_valid(const char *version);
bool debian_architecture_is_valid(const char *architecture);
/* "1.2-3" of "1.2-3+b4" */
struct assay_span debian_version_without_binnmu(struct assay_span version);
/* "1.2" of "1:1.2-3" */
struct assay_span debian_version_upstream(struct assay_span version);

/* By stage, name, version, architecture: the order of a lock. */
int debian_file_compare(const void *a, const void *b);
/* The canonical text's digest into lock->digest. */
enum assay_code debian_lock_seal(struct assay_lock *lock, struct assay_error *err) ASSAY_CHECKED;

/* A made environment, with a shared lock on its directory; ASSAY_ENOTFOUND when there is none. */
enum assay_code debian_environment_take(const char *directory, struct assay_environment *ret,
					struct assay_error *err) ASSAY_CHECKED;
/* Whether this process may make one. */
enum assay_code debian_environment_rights(struct assay_error *err) ASSAY_CHECKED;

#endif
