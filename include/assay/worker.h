/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: asks a scheduler for one job after the other, runs each as `assay verify` in a process of its own, and
 * keeps the lease alive meanwhile.  A job whose lease is lost or cancelled is killed, box and all.
 */
#ifndef ASSAY_WORKER_H
#define ASSAY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/box.h"
#include "assay/error.h"

struct assay_worker_options {
	const char *socket; /* of the scheduler; or https://host:port */
	const char *identity; /* directory of assay/enrolment.h, for https; NULL: "worker" in the store */
	const char *secrets;  /* file of values that no log may show (assay/job.h); or NULL */
	const char *token;    /* to enrol with first; NULL: it did before */
	const char *store;  /* directory; NULL = default */
	const char *name;   /* NULL: host name and process; over https the certificate says it */
	const char *pool;   /* NULL: "default" */
	const char *labels; /* sorted words beside those that it finds out itself; NULL: none */
	const struct assay_box_choice *box; /* what its jobs run in: tried at the start, for the labels */
	const char *telemetry; /* URL of an OTLP collector; NULL: what OpenTelemetry's variables say, else none */
	uint64_t telemetry_limit; /* bytes that may wait for it; 0: the usual */
	const char *retention; /* how its store is kept small (assay/retention.h); NULL: the usual */
	bool once;	    /* one job, then the end; ASSAY_ENOTFOUND when there is none for a minute */
};

/* Runs until SIGINT or SIGTERM; the job at hand is given back then. */
enum assay_code assay_worker_run(const struct assay_worker_options *options, struct assay_error *err)
	ASSAY_CHECKED;

#endif
