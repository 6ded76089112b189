/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mirror: a private apt state under <store>/apt/, and the indices in it, verified by us from the
 * signed InRelease down and mapped.
 */
#ifndef DEBIAN_MIRROR_H
#define DEBIAN_MIRROR_H

#include "assay/deb822.h"
#include "debian_int.h"
#include "sources.h"

#define DEBIAN_INDICES_MAX 128

/* One Packages or Sources file. */
struct debian_index {
	bool sources;
	const char *repository; /* "http://deb.example.org/debian/" */
	const char *base;       /* repository + "dists/<suite>/" */
	const char *suite, *codename;
	const char *key;  /* its name in InRelease: "main/binary-amd64/Packages" */
	const char *path; /* the file in the state directory */
	struct assay_digest sha256; /* as InRelease says and the file has */
	struct assay_map map;
};

struct debian_stanza {
	struct assay_span name, text;
	const struct debian_index *index;
};

struct debian_stanzas {
	struct debian_stanza *list; /* by name */
	size_t count, capacity;
};

struct debian_mirror {
	struct assay_arena arena;
	struct assay_store *store;
	char *root;          /* of the apt state */
	char *config;        /* its apt.conf */
	char architecture[32];
	struct debian_index indices[DEBIAN_INDICES_MAX];
	size_t index_count;
	struct debian_stanzas packages, sources;
	struct assay_buf policy;     /* apt's configuration and preferences */
	struct assay_digest basis;   /* of indices and policy: all that a resolution depends on */
	int64_t newest;      /* date of the newest Release file */
	const char *suite;   /* codename of the first Release file */
	json_t *chain;
	int lock_fd;
	bool impatient; /* refresh lists of some minutes too */
};

#define DEBIAN_MIRROR_INIT                                                                         \
	{ .arena = ASSAY_ARENA_INIT(64 * ASSAY_MIB), .policy = ASSAY_BUF_INIT(16 * ASSAY_MIB),     \
	  .lock_fd = -1 }

/* Refreshes the state when it is older than an hour, verifies and maps.  Holds the store's lock
 * "apt" until released. */
enum assay_code debian_mirror_open(struct assay_store *store, struct debian_mirror *ret,
				   struct assay_error *err) ASSAY_CHECKED;
void debian_mirror_release(struct debian_mirror *mirror);

/* The first stanza of that name; the others follow it.  NULL when there is none. */
const struct debian_stanza *debian_stanzas_find(const struct debian_stanzas *stanzas,
						struct assay_span name);
/* architecture NULL: any */
const struct debian_stanza *debian_mirror_package(const struct debian_mirror *mirror,
						  struct assay_span name, struct assay_span version,
						  const char *architecture);
/* "bookworm, bookworm-updates, bookworm-security": where was looked */
const char *debian_mirror_describe(struct debian_mirror *mirror);

/* "there is 1.2-3 for amd64, ...", or "no version is". */
void debian_list_versions(const struct debian_stanzas *all, struct assay_span name,
			  struct assay_buf *out);
/* The first few packages that provide a virtual one; nothing when none does. */
void debian_list_providers(const struct debian_mirror *mirror, const char *name,
			   struct assay_buf *out);

/* Runs a tool of apt on the private state; out may be NULL.  The error is apt's own first one. */
enum assay_code debian_apt_run(const struct debian_mirror *mirror, const char *const *argv,
			       struct assay_buf *out, struct assay_error *err) ASSAY_CHECKED;
/* The state alone: configuration read, sources chosen, lists refreshed. */
enum assay_code debian_apt_refresh(struct debian_mirror *mirror, struct assay_error *err)
	ASSAY_CHECKED;
/* Appends {"step", "what", "status", "detail"} to a chain. */
void debian_chain_add(json_t *chain, const char *step, const char *what, const char *status,
		      const char *fmt, ...) ASSAY_PRINTF(5, 6);

/* The file a Packages stanza describes. */
enum assay_code debian_file_of_stanza(struct assay_arena *arena,
				      const struct debian_stanza *stanza,
				      struct assay_debian_file *ret, struct assay_error *err)
	ASSAY_CHECKED;
/* The URL as apt writes it: "+" and "~" encoded, which some servers would read as something else.
 * NULL when out of memory. */
char *debian_file_url(struct assay_arena *arena, const char *repository, const char *pool);
/* Brings files into the store, unless they are there; each is the repository's URL and a file with
 * its pool path and digest. */
struct debian_download {
	const char *repository;
	const struct assay_debian_file *file;
};
enum assay_code debian_download_all(const struct debian_mirror *mirror,
				    const struct debian_download *list, size_t count,
				    struct assay_error *err) ASSAY_CHECKED;

#endif
