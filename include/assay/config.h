/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a site: assay(5).  One YAML file, read as strictly as a recipe: what is not
 * known is an error with its place.  Strings live in the configuration's arena; absent ones are NULL.
 */
#ifndef ASSAY_CONFIG_H
#define ASSAY_CONFIG_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

struct assay_config {
	struct assay_arena arena;
	const char *path; /* NULL when there is none */
	struct {
		const char *driver;  /* "native", "oci" */
		const char *runtime; /* a name or an absolute path */
		const char **allow;  /* "outdated", "untested"; NULL-terminated */
	} box;
	/* each key is the option of that name, which comes before it */
	struct {
		const char *store, *database, *socket, *listen, *name, *users, *authority_key;
		const char *collect_every, *grace;
		const char **keep_for; /* "class=age"; NULL-terminated */
	} scheduler;
	struct {
		const char *store, *scheduler, *socket, *pool, *labels, *name, *identity, *telemetry;
	} worker;
};

/* path NULL: $ASSAY_CONFIG, else /etc/assay/assay.yaml; that one may be absent. */
enum assay_code assay_config_load(const char *path, struct assay_config *ret,
				  struct assay_error *err) ASSAY_CHECKED;
/* Errors begin "<path>:<line>:<column>: ". */
enum assay_code assay_config_parse(struct assay_span text, const char *path, struct assay_config *ret,
				   struct assay_error *err) ASSAY_CHECKED;
void assay_config_release(struct assay_config *config);

#endif
