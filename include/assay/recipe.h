/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe: how to build an artifact, as data (DESIGN.md section 6, version 1).  Parsed by libyaml, in a jail,
 * into this struct; everything a build needs is checked here, with file, line and column, what was
 * wanted and what was found.  Strings live in the recipe's arena.  Absent optional strings are NULL.
 */
#ifndef ASSAY_RECIPE_H
#define ASSAY_RECIPE_H

#include "assay/arena.h"
#include "assay/digest.h"
#include "assay/error.h"

enum assay_source_kind { ASSAY_SOURCE_GIT, ASSAY_SOURCE_ARCHIVE, ASSAY_SOURCE_APT };
enum assay_base_kind { ASSAY_BASE_HOST, ASSAY_BASE_DEBIAN, ASSAY_BASE_OCI };

struct assay_recipe_source {
	enum assay_source_kind kind;
	const char *location;       /* git: url or path; archive: url or path; apt: source package */
	const char *commit;         /* git: 40 or 64 hex digits */
	const char *version;        /* apt */
	struct assay_digest sha256; /* archive */
};

struct assay_recipe_input {
	const char *location; /* url or path */
	struct assay_digest sha256;
	const char *to; /* path inside the build directory */
};

struct assay_recipe_artifact {
	const char *built;     /* path inside the build directory */
	const char *published; /* path or url; NULL when only a digest is known */
	bool has_sha256;
	struct assay_digest sha256;
	const char *signature_scheme; /* NULL: unsigned */
	const char *signature_file;
	const char *signature_key;
};

struct assay_recipe_limits {
	uint64_t time_s, memory, disk, processes, log; /* bytes; 0 = default of limits.h */
};

/* A value that `recipe lock` writes: what is there, and where in the text the pinned value goes. */
enum assay_pin_kind {
	ASSAY_PIN_COMMIT,   /* source.commit */
	ASSAY_PIN_SOURCE,   /* source.archive.sha256 */
	ASSAY_PIN_INPUT,    /* inputs[index].sha256 */
	ASSAY_PIN_ARTIFACT, /* artifacts[index].sha256, when it has a published file */
	ASSAY_PIN_LOCK,     /* environment.debian.lock */
};

struct assay_recipe_pin {
	enum assay_pin_kind kind;
	size_t index;
	const char *location; /* what is pinned: a url or path; the suite of a lock */
	const char *have;     /* NULL when the recipe gives none */
	bool pinned;          /* have is a pin already (a lock: a path is given) */
	size_t offset, len;   /* replace these bytes of the recipe's text... */
	const char *before;   /* ...by this and the value: "" or "\n    sha256: " */
};

struct assay_recipe {
	struct assay_arena arena;
	const char *path;      /* of the recipe file, for messages */
	const char *directory; /* relative paths in the recipe start here */
	const char *name;
	struct assay_recipe_source source;
	struct assay_recipe_input *inputs;
	size_t input_count;
	enum assay_base_kind base;
	const char *suite;     /* debian */
	const char *lock;      /* debian: path of the lock file, relative to directory */
	const char *oci_layout, *oci_digest;
	const char *const *packages; /* debian: what `recipe lock` resolves beside build-essential; NULL-terminated */
	const char *build_path;      /* absolute, default "/build/<name>" */
	const char *const *variables; /* "NAME=value", NULL-terminated */
	const char *hostname, *locale, *timezone;
	unsigned umask;
	unsigned cpus;
	const char *const *build; /* shell commands, NULL-terminated */
	struct assay_recipe_artifact *artifacts;
	size_t artifact_count;
	const char *accept; /* "reproducible", "equivalent", "encoding", "container", "code" */
	struct assay_recipe_limits limits;
	struct assay_digest digest; /* of the file's bytes */
	struct assay_recipe_pin *pins; /* in the order of the text */
	size_t pin_count;
};

/* Parses and checks.  On failure err names "<path>:<line>:<column>: ...: want ..., have ...", and
 * *ret is empty.  Relative paths in the recipe start at its own directory. */
enum assay_code assay_recipe_load(const char *path, struct assay_recipe *ret,
				  struct assay_error *err) ASSAY_CHECKED;
/* The same from memory; path is for messages and for the directory.  With allow_unpinned a branch or
 * tag may stand for a commit and digests and the lock may be absent: see pins. */
enum assay_code assay_recipe_parse(struct assay_span text, const char *path, bool allow_unpinned,
				   struct assay_recipe *ret, struct assay_error *err) ASSAY_CHECKED;
/* The same without a jail around libyaml: for fuzzing. */
enum assay_code assay_recipe_parse_here(struct assay_span text, const char *path,
					bool allow_unpinned, struct assay_recipe *ret,
					struct assay_error *err) ASSAY_CHECKED;
/* Where a location of the recipe is: a URL as it stands, a path joined to the recipe's directory.
 * malloc'ed; NULL when out of memory. */
char *assay_recipe_locate(const struct assay_recipe *recipe, const char *location);
void assay_recipe_release(struct assay_recipe *recipe);

/* A place that a recipe reads from: source, lock, image, inputs, artifacts and their signatures. */
struct assay_recipe_place {
	const char *what;     /* the key it stands at */
	const char *location; /* NULL: nothing is read there */
	bool is_tree;	      /* when it is no URL, a directory */
};

/* The i-th of them; false behind the last. */
bool assay_recipe_place(const struct assay_recipe *recipe, size_t i,
			struct assay_recipe_place *ret);
/* Whether a recipe that comes from another machine may name it: ASSAY_EUSAGE unless it is a URL or, *ret_beside, a file
 * that can be brought with the recipe, at the same path below it. */
enum assay_code assay_recipe_place_check(const struct assay_recipe *recipe,
					 const struct assay_recipe_place *place, bool *ret_beside,
					 struct assay_error *err) ASSAY_CHECKED;
/* Else its signature's key is the text itself. */
bool assay_recipe_key_is_file(const struct assay_recipe_artifact *artifact);

#endif
