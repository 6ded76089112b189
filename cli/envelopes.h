/* SPDX-License-Identifier: Apache-2.0 */
/* The envelopes of a file: one JSON object, or one on each line (.intoto.jsonl). */
#ifndef ASSAY_CLI_ENVELOPES_H
#define ASSAY_CLI_ENVELOPES_H

#include "assay/buf.h"
#include "assay/error.h"

/* Called for each envelope; line counts from 1.  Anything but ASSAY_OK ends the walk. */
typedef enum assay_code cli_envelope_fn(void *data, const char *file, unsigned line,
					struct assay_span envelope, struct assay_error *err);

enum assay_code cli_envelopes_walk(const char *file, cli_envelope_fn *visit, void *data,
				   struct assay_error *err) ASSAY_CHECKED;

#endif
