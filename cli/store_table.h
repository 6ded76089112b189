/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of the store print. */
#ifndef ASSAY_CLI_STORE_TABLE_H
#define ASSAY_CLI_STORE_TABLE_H

#include "assay/retention.h"

/* "1.5 MiB" into out[CLI_BYTES_TEXT]; returns out. */
#define CLI_BYTES_TEXT 32
const char *cli_bytes(uint64_t bytes, char *out);
json_t *cli_store_count(const struct assay_store_count *count);
/* Prints a JSON object, with the schema's name and the store's root; returns an exit status. */
int cli_store_json(const struct assay_store *store, json_t *object);

#endif
