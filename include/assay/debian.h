/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian: from a package URL to exact, verified files, and from exact files to an environment.
 *
 * The machine's apt is read, never changed: its sources and trust configuration are copied into a
 * private state directory under the store, with deb-src added.  Each step of the chain
 *   InRelease (gpgv, the distribution's keyring) -> Packages/Sources -> SHA-256 of .deb, .dsc, files
 * is checked by us, not taken from apt, and recorded as {"step", "what", "status", "detail"}.
 */
#ifndef ASSAY_DEBIAN_H
#define ASSAY_DEBIAN_H

#include "assay/arena.h"
#include "assay/digest.h"
#include "assay/error.h"
#include "assay/json.h"
#include "assay/store.h"

/* A file of the archive, in the store once verified. */
struct assay_debian_file {
	const char *name;    /* "libcjson1_1.7.15-1_amd64.deb" */
	const char *package; /* binary package, or source package for source files */
	const char *version;
	const char *architecture;
	struct assay_digest sha256;
	uint64_t size;
};

/* pkg:deb/debian/NAME[@VERSION][?arch=ARCH] */
struct assay_debian_target {
	char name[128];
	char version[128];      /* "" = what apt offers */
	char architecture[32];  /* "" = the machine's */
};

/* A resolved build: the subjects (every binary package of that source build that the archive
 * carries for the architecture and for "all"), the source files, how to build. */
struct assay_debian_build {
	struct assay_arena arena;
	const char *source, *source_version;    /* "cjson", "1.7.15-1+deb12u4" */
	const char *binary_version;             /* with +bN for a binNMU */
	bool is_binnmu;
	const char *architecture;
	const char *build_path;                 /* /build/reproducible-path/<source>-<version> */
	const char *const *variables;           /* from a .buildinfo: "NAME=value"; else NULL */
	struct assay_debian_file *subjects;     /* in the store */
	size_t subject_count;
	struct assay_debian_file *sources;      /* .dsc first; in the store */
	size_t source_count;
	json_t *chain;                          /* array of steps */
	const char *suite;                      /* "bookworm" */
};

bool assay_debian_target_parse(const char *purl, struct assay_debian_target *ret,
			       struct assay_error *err);
/* buildinfo NULL: as the archive offers.  ASSAY_ENOTFOUND: the mirror does not carry it (inputs-lost),
 * with what was looked for; ASSAY_EUNTRUSTED: a signature or digest is wrong (rejected). */
enum assay_code assay_debian_resolve(struct assay_store *store,
				     const struct assay_debian_target *target, const char *buildinfo,
				     struct assay_debian_build *ret, struct assay_error *err)
	ASSAY_CHECKED;
void assay_debian_build_release(struct assay_debian_build *build);

/* An environment lock: "assay-lock 1", suite, architecture, epoch, then one line a package:
 * name version architecture sha256 size file-name.  Sorted; its SHA-256 names it. */
struct assay_lock {
	struct assay_arena arena;
	const char *suite, *architecture;
	int64_t epoch;
	struct assay_debian_file *packages;
	size_t package_count;
	struct assay_digest digest; /* of the canonical text */
};

enum assay_code assay_lock_read(struct assay_span text, const char *path, struct assay_lock *ret,
				struct assay_error *err) ASSAY_CHECKED;
void assay_lock_write(const struct assay_lock *lock, struct assay_buf *out);
void assay_lock_release(struct assay_lock *lock);
/* Essential + build-essential + the build dependencies of this build, as apt resolves them now, or
 * exactly those of a .buildinfo. */
enum assay_code assay_lock_for_build(struct assay_store *store,
				     const struct assay_debian_build *build, const char *buildinfo,
				     struct assay_lock *ret, struct assay_error *err) ASSAY_CHECKED;
/* Essential + build-essential + named packages (for `recipe lock`). */
enum assay_code assay_lock_for_packages(struct assay_store *store, const char *suite,
					const char *const *packages, struct assay_lock *ret,
					struct assay_error *err) ASSAY_CHECKED;

/* A root file system, ready to be a box's read-only lower layer. */
struct assay_environment {
	char *root;                 /* directory in the store */
	struct assay_digest digest; /* of the tree: type, mode, owner, path, content, xattrs, mtime */
	bool cached;                /* it was there already */
	json_t *record;             /* {"kind", "lock", "digest", "packages", "tools", "cached"} */
	int lock_fd;                /* shared lock that keeps it from being removed */
};

enum assay_code assay_environment_debian(struct assay_store *store, const struct assay_lock *lock,
					 struct assay_environment *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* The host's own /usr, read-only: weaker, and says so in its record. */
enum assay_code assay_environment_host(struct assay_store *store, struct assay_environment *ret,
				       struct assay_error *err) ASSAY_CHECKED;
void assay_environment_release(struct assay_environment *environment);

#endif
