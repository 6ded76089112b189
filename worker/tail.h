/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a running job, sent to the scheduler part by part while somebody reads it there. */
#ifndef ASSAY_WORKER_TAIL_H
#define ASSAY_WORKER_TAIL_H

#include "assay/http.h"

struct tail {
	const char *path, *worker;
	int64_t job, fence, sent;
};

/* The next part, when there is one. */
enum assay_code tail_send(struct assay_http_client *client, struct tail *tail,
			  struct assay_error *err) ASSAY_CHECKED;

#endif
