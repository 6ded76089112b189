/* SPDX-License-Identifier: Apache-2.0 */
/* The OCI runtimes that are known: how each is called, since when it is free of known holes, and
 * whether our suite was run against it. */
#ifndef ASSAY_BOX_OCI_RUNTIME_H
#define ASSAY_BOX_OCI_RUNTIME_H

#include "assay/box.h"

struct oci_kind {
	const char *name;
	const char *const *options; /* before the command */
	bool own_kernel;  /* the box's processes are none of the host's: descriptors beyond 0-2 do not
			   * reach them, and the group holds the runtime with them */
	bool hide_groups; /* refuses hybrid control groups, though it is to leave them alone */
	bool untested;
	const char *minimum; /* in words */
	const char *holes;   /* of older versions */
};

struct oci_runtime {
	const struct oci_kind *kind;
	char path[4096]; /* empty when it is not installed */
	char version[64];
	bool outdated;
};

/* wanted: a known name, looked up in PATH, or an absolute path whose last part begins with one.
 * NULL is runc.  Refuses what is too old or untested unless allow says otherwise. */
enum assay_code oci_runtime_find(const char *wanted, unsigned allow, struct oci_runtime *ret,
				 struct assay_error *err) ASSAY_CHECKED;
/* As in assay_box_runtimes(). */
json_t *oci_runtime_json(const struct oci_runtime *runtime);
/* Whether a version as `NAME --version` prints it lacks fixes. */
bool oci_version_is_outdated(const struct oci_kind *kind, const char *version);
const struct oci_kind *oci_kind_find(const char *name);

#endif
