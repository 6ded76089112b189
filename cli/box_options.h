/* SPDX-License-Identifier: Apache-2.0 */
/* --config, --box, --runtime and --allow-runtime: what makes a box, for each verb that needs one. */
#ifndef ASSAY_CLI_BOX_OPTIONS_H
#define ASSAY_CLI_BOX_OPTIONS_H

#include "assay/box.h"
#include "assay/config.h"
#include "cli.h"

struct cli_box {
	const char *config_path, *driver, *runtime;
	struct cli_list allow;
	struct assay_config config;
	struct assay_box_choice choice; /* its strings are those of argv or of config */
};

#define CLI_BOX_INIT { .config_path = NULL }

/* Reads the configuration; options come before it.  0, or the exit status after saying what is wrong. */
int cli_box_choose(const char *verb, struct cli_box *box);
void cli_box_release(struct cli_box *box);

#endif
