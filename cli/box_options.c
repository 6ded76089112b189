/* SPDX-License-Identifier: Apache-2.0 */
/* An option, else the configuration, else the native driver. */
#include "box_options.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	unsigned bit;
} words[] = {
	{ "outdated", ASSAY_BOX_ALLOW_OUTDATED },
	{ "untested", ASSAY_BOX_ALLOW_UNTESTED },
};

static bool allow(struct assay_box_choice *choice, const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0) {
			choice->allow |= words[i].bit;
			return true;
		}
	return false;
}

int cli_box_choose(const char *verb, struct cli_box *box)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_box_choice *choice = &box->choice;
	const char *driver;

	if (assay_config_load(box->config_path, &box->config, &err))
		return cli_fail(&err);
	driver = box->driver ? box->driver : box->config.box.driver;
	choice->driver = driver ? assay_box_driver(driver) : NULL;
	if (driver && !choice->driver)
		return cli_usage(verb, "--box: want native or oci, have \"%s\"", driver);
	choice->runtime = box->runtime ? box->runtime : box->config.box.runtime;
	for (const char **word = box->config.box.allow; word && *word; word++)
		allow(choice, *word);
	for (size_t i = 0; i < box->allow.count; i++)
		if (!allow(choice, box->allow.items[i]))
			return cli_usage(verb, "--allow-runtime: want outdated or untested, have \"%s\"",
					 box->allow.items[i]);
	if (box->runtime && choice->driver != &assay_box_oci)
		return cli_usage(verb, "--runtime: want --box=oci with it");
	return 0;
}

void cli_box_release(struct cli_box *box)
{
	free(box->allow.items);
	assay_config_release(&box->config);
}
