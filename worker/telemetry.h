/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces to a collector, through a buffer on disk: <store>/telemetry holds a file for each attempt until the collector
 * has taken it, whatever dies meanwhile.  When the buffer is full the attempt's spans are dropped, and counted there
 * too; the count travels with every trace.  Several workers may share the buffer.
 */
#ifndef ASSAY_WORKER_TELEMETRY_H
#define ASSAY_WORKER_TELEMETRY_H

#include "spans.h"

struct telemetry {
	char *folder, *url; /* url NULL: no collector */
	uint64_t limit;	    /* bytes */
	int64_t retry_at;   /* seconds, monotonic; the collector was away */
};

/* endpoint NULL: $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else $OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces; without any of
 * them nothing is kept.  limit 0: the usual. */
enum assay_code telemetry_open(const char *store, const char *endpoint, uint64_t limit, struct telemetry *ret,
			       struct assay_error *err) ASSAY_CHECKED;
void telemetry_close(struct telemetry *telemetry);

/* Into the buffer. */
void telemetry_keep(struct telemetry *telemetry, struct spans_attempt *attempt);
/* What the buffer holds to the collector, oldest first, until one is not taken. */
void telemetry_send(struct telemetry *telemetry);

#endif
