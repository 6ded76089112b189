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
#include "assay/box.h"
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
	const char *pool;    /* path below the mirror's root: "pool/main/c/cjson/..." */
	const char *url;     /* of a subject; else NULL */
	unsigned stage;      /* in a lock: 0 = the bare build chroot, 1 = debhelper, 2 = the rest */
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
	const char *build_path;                 /* /build/reproducible-path/<source>-<upstream> */
	const char *kind;                       /* what dpkg-buildpackage builds: "any", "all" or
	                                         * "any,all", after the subjects */
	bool in_one;                            /* both at once, as a .buildinfo says; Debian's
	                                         * builders build them apart */
	/* from a .buildinfo, else NULL: */
	const char *binnmu_entry;
	const char *const *variables;           /* "NAME=value" */
	const char *installed;                  /* "name (= version), ..." */
	bool usr_was_merged;                    /* where it was built */
	struct assay_debian_file *subjects;     /* in the store */
	size_t subject_count;
	struct assay_debian_file *sources;      /* .dsc first; in the store */
	size_t source_count;
	json_t *chain;                          /* array of steps, in order */
	struct assay_digest basis;              /* of the indices and apt's configuration */
	const char *suite;                      /* "bookworm" */
};

/* False: err says what was wanted and what was found (exit status 2). */
bool assay_debian_target_parse(const char *purl, struct assay_debian_target *ret,
			       struct assay_error *err);
/* A .buildinfo: what to rebuild with, as someone claims.  A signature that does not match is never
 * accepted; none, or one by a key that is not at hand, only when nobody insists. */
struct assay_debian_claim {
	const char *path;
	const char *keyring;   /* wanted: a signature by one of its keys; NULL: the developers' are asked */
	bool must_be_signed;
};

/* claim NULL: as the archive offers.  ASSAY_ENOTFOUND: the mirror does not carry it (inputs-lost),
 * with what was looked for; ASSAY_EUNTRUSTED: a signature or digest is wrong (rejected).  On failure
 * *ret holds the chain as far as it came and nothing else; release it either way. */
enum assay_code assay_debian_resolve(struct assay_store *store,
				     const struct assay_debian_target *target,
				     const struct assay_debian_claim *claim,
				     struct assay_debian_build *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* Only a source package: chain and sources of *ret, nothing else. */
enum assay_code assay_debian_resolve_source(struct assay_store *store, const char *name,
					    const char *version, struct assay_debian_build *ret,
					    struct assay_error *err) ASSAY_CHECKED;
void assay_debian_build_release(struct assay_debian_build *build);

/* What there is to verify, as package URLs with versions, one a line: every source once, by its first package.  Of the
 * archive, those with a package whose name fits a pattern (fnmatch); or what dpkg has installed here. */
enum assay_code assay_debian_list_archive(struct assay_store *store, const char *glob,
					  struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
enum assay_code assay_debian_list_installed(struct assay_buf *out, struct assay_error *err)
	ASSAY_CHECKED;

/* How a build runs in a box: the sources at ASSAY_DEBIAN_INPUTS, read-only; the workspace
 * ASSAY_DEBIAN_WORKSPACE fresh and writable; uid and gid ASSAY_DEBIAN_UID; umask 022. */
#define ASSAY_DEBIAN_INPUTS "/mnt" /* there in every environment: nothing has to be made */
#define ASSAY_DEBIAN_WORKSPACE "/build"
#define ASSAY_DEBIAN_UID 1000
#define ASSAY_DEBIAN_HOSTNAME "assay"

struct assay_debian_commands {
	struct assay_arena arena;
	const char *const *commands; /* for one shell, in order, stopping at the first failure */
	const char *const *env;      /* complete */
	const char *directory;       /* working directory: ASSAY_DEBIAN_WORKSPACE */
	const char *outputs;         /* where the .deb files end up, below the workspace:
	                              * "reproducible-path" */
};

struct assay_debian_command_options {
	/* The changelog entry of a binNMU, as its packages carry it in
	 * usr/share/doc/<package>/changelog.Debian.<arch>.gz; wanted when build->is_binnmu. */
	const char *binnmu_entry;
	unsigned cpus;  /* DEB_BUILD_OPTIONS=parallel=N; 0 = 1 */
	bool run_tests; /* false: DEB_BUILD_OPTIONS=nocheck (the outputs must not depend on it) */
};

enum assay_code assay_debian_build_commands(const struct assay_debian_build *build,
					    const struct assay_debian_command_options *options,
					    struct assay_debian_commands *ret,
					    struct assay_error *err) ASSAY_CHECKED;
void assay_debian_commands_release(struct assay_debian_commands *commands);
/* Copies the source files into a directory (to be mounted at ASSAY_DEBIAN_INPUTS). */
enum assay_code assay_debian_build_inputs(struct assay_store *store,
					  const struct assay_debian_build *build, int dirfd,
					  struct assay_error *err) ASSAY_CHECKED;

/* An environment lock, one canonical text:
 *
 *	assay-lock 2
 *	suite bookworm
 *	architecture amd64
 *	usr split
 *	epoch 1700000000
 *	<stage> <name> <version> <architecture> <sha256> <size> <pool path>
 *	...
 *	end <sha256>
 *
 * The last line has the SHA-256 of what is before it, which names the lock; a text that was edited by
 * hand is refused.  "usr" is "merged" when /bin, /lib and /sbin are links into /usr, as on every installed system, and
 * "split" when they are directories, as on the machines that built Debian 12 and older: the paths of
 * tools end up in what is built.
 *
 * Sorted by stage, name, version, architecture.  The stages are installed
 * one upon the other, so that locks with a common beginning share the work; they are part of what
 * the environment is, not a hint. */
struct assay_lock {
	struct assay_arena arena;
	const char *suite, *architecture;
	bool usr_is_split;
	int64_t epoch;
	struct assay_debian_file *packages;
	size_t package_count;
	struct assay_digest digest; /* of the text without its last line */
};

enum assay_code assay_lock_read(struct assay_span text, const char *path, struct assay_lock *ret,
				struct assay_error *err) ASSAY_CHECKED;
void assay_lock_write(const struct assay_lock *lock, struct assay_buf *out);
void assay_lock_release(struct assay_lock *lock);
/* Essential + build-essential + the build dependencies of this build, as apt resolves them now, or
 * exactly what build->installed says; each package that is not carried is then a step of the chain. */
enum assay_code assay_lock_for_build(struct assay_store *store,
				     const struct assay_debian_build *build, struct assay_lock *ret,
				     struct assay_error *err) ASSAY_CHECKED;
/* Essential + build-essential + named packages (for `recipe lock`).  suite NULL: the machine's. */
enum assay_code assay_lock_for_packages(struct assay_store *store, const char *suite,
					const char *const *packages, struct assay_lock *ret,
					struct assay_error *err) ASSAY_CHECKED;

/* When a package of the store was made, by its changelog; false when it is not there or does not say. */
bool assay_debian_package_date(struct assay_store *store, const struct assay_digest *deb,
			       int64_t *ret);
/* The packages of a lock that are younger than a build: what it was built with was older.
 * {"than": date, "packages": [{"name", "version", "date"}], "unknown"?: n} */
json_t *assay_debian_newer(struct assay_store *store, const struct assay_lock *lock, int64_t since);

/* A root file system, ready to be a box's read-only lower layer. */
struct assay_environment {
	char *root;                 /* directory in the store */
	struct assay_digest digest; /* of the tree: type, mode, owner, path, content, xattrs, mtime */
	bool cached;                /* it was there already */
	json_t *record;             /* {"kind", "lock", "digest", "packages", "tools", "cached"} */
	int lock_fd;                /* shared lock that keeps it from being removed */
	/* What the box must mount read-only upon root, beside what the job itself mounts;
	 * terminated by source NULL.  NULL: nothing (environment debian). */
	const struct assay_box_mount *mounts;
};

enum assay_code assay_environment_debian(struct assay_store *store, const struct assay_lock *lock,
					 struct assay_environment *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* An image of an OCI image layout (a directory), by the digest of its manifest or index, "sha256:...".
 * Every blob is checked by its digest; layers are unpacked in the jail. */
enum assay_code assay_environment_oci(struct assay_store *store, const char *layout,
				      const char *digest, struct assay_environment *ret,
				      struct assay_error *err) ASSAY_CHECKED;
/* The host's own /usr, read-only: weaker, and says so in its record. */
enum assay_code assay_environment_host(struct assay_store *store, struct assay_environment *ret,
				       struct assay_error *err) ASSAY_CHECKED;
void assay_environment_release(struct assay_environment *environment);

#endif
