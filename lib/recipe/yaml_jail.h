/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml reads in a jail; out here arrives a tree whose every field was checked. */
#ifndef ASSAY_YAML_JAIL_H
#define ASSAY_YAML_JAIL_H

#include "yaml_tree.h"

/* As assay_yaml_parse(). */
enum assay_code yaml_jail_parse(struct assay_span text, const char *path, struct assay_arena *arena,
				struct assay_yaml_node **ret, struct assay_error *err) ASSAY_CHECKED;

#endif
