/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the daemon share. */
#ifndef ASSAY_SCHEDULER_SCHEDULER_H
#define ASSAY_SCHEDULER_SCHEDULER_H

#include <pthread.h>

#include "assay/attestation.h"
#include "assay/authority.h"
#include "assay/database.h"
#include "assay/http.h"
#include "assay/store.h"
#include "metrics.h"
#include "clock.h"
#include "identity.h"

struct retention;
struct users;

struct scheduler {
	char *database; /* URL */
	struct assay_store *store;
	struct assay_http_server *server;
	struct retention *retention;
	struct assay_authority *authority;
	struct assay_key *audit_key;
	int64_t lifetime_s; /* of workers' certificates */
	struct users *users; /* NULL: only those with certificates */
	bool stopping;
	int64_t swept; /* when the queue was last swept without an error */
	int64_t uploads_swept; /* seconds */
	struct metrics_decisions decisions;
	/* the newest checkpoint of the audit log; of the sweeping thread */
	struct {
		int64_t seq, time;
	} checkpoint;
	/* refusals of nobody in particular, under the lock */
	struct {
		int64_t second, count, untold;
	} strangers;
	/* connections that nobody uses just now */
	pthread_mutex_t lock;
	struct assay_database *idle[16];
	size_t idle_count;
};

/* A connection of one's own until it is given back. */
enum assay_code scheduler_borrow(struct scheduler *scheduler, struct assay_database **ret,
				 struct assay_error *err) ASSAY_CHECKED;
void scheduler_return(struct scheduler *scheduler, struct assay_database *db);

/* What an endpoint works with.  Answers are made with assay_http_answer(); an error becomes a problem document. */
struct api_call {
	struct scheduler *scheduler;
	struct assay_database *db;
	const struct assay_http_request *request;
	struct assay_http_response *response;
	const char *argument; /* what stood for the star in the path */
	json_t *body;	      /* parsed; NULL when there is none */
	int64_t now;
	unsigned problem; /* status of an error, where its code alone does not tell; 0 else */
	struct identity identity;
	json_t *about;	 /* what the audit record says beside who and what */
	bool wake;	 /* whoever waits, once it is committed */
	bool unaudited;	 /* it changed nothing worth a record */
};

struct api_endpoint {
	const char *method, *path; /* one segment may be a star */
	enum assay_code (*run)(struct api_call *call, struct assay_error *err);
	const char *summary;
	enum identity_need need;
	/* what takes its time and changes nothing, before the transaction; or NULL */
	enum assay_code (*prepare)(struct api_call *call, struct assay_error *err);
};

/* Of api_jobs.c, api_worker.c and so on; each ends with a NULL method. */
extern const struct api_endpoint api_jobs[], api_log[], api_worker[], api_blob[], api_results[],
	api_farm[], api_rebuilderd[], api_identity[], api_schedules[];

/* Serves one request; an assay_http_handler. */
void api_serve(void *scheduler, const struct assay_http_request *request,
	       struct assay_http_response *response);
/* How long its body may be; an assay_http_limit. */
size_t api_limit(void *scheduler, const struct assay_http_request *request);

/* Something the audit record of this call should say.  Never a secret. */
void api_about(struct api_call *call, const char *key, const char *text);
void api_about_int(struct api_call *call, const char *key, int64_t number);
/* A worker speaks for itself alone: ASSAY_EUNTRUSTED when it gives another's name. */
enum assay_code api_is_worker(const struct api_call *call, const char *name, struct assay_error *err) ASSAY_CHECKED;

/* ASSAY_EUNTRUSTED when whoever asks is on none of the farm's machines, and so does not say which file is read there. */
enum assay_code api_may_name_files(const struct api_call *call, const char *what, struct assay_error *err) ASSAY_CHECKED;

/* Who a job is of: whoever asks; over the Unix socket, who it says. */
const char *api_submitter(const struct api_call *call);

/* Keys of the body: ASSAY_EUSAGE names the key when it is missing or has another type. */
enum assay_code api_text(const struct api_call *call, const char *key, const char **ret,
			 struct assay_error *err) ASSAY_CHECKED;
enum assay_code api_int(const struct api_call *call, const char *key, int64_t *ret,
			struct assay_error *err) ASSAY_CHECKED;
/* Parameters of the query: fallback when absent; ASSAY_EUSAGE when it is no UTF-8, no number, or not within the bounds. */
enum assay_code api_query(const struct api_call *call, const char *name, const char *fallback,
			  const char **ret, struct assay_error *err) ASSAY_CHECKED;
enum assay_code api_query_int(const struct api_call *call, const char *name, int64_t fallback,
			      int64_t least, int64_t most, int64_t *ret,
			      struct assay_error *err) ASSAY_CHECKED;
/* ASSAY_EUSAGE for a key that is not in the list (NULL-terminated), or whose value is of another kind: a text, or what a
 * mark before the key says, # a whole number, ? true or false, { an object, [ a list. */
enum assay_code api_only(const struct api_call *call, const char *const *keys,
			 struct assay_error *err) ASSAY_CHECKED;
/* Of a request that says all in its path. */
extern const char *const api_no_keys[];
/* The argument as the number of a job. */
enum assay_code api_job(const struct api_call *call, int64_t *ret, struct assay_error *err) ASSAY_CHECKED;
/* 404 when it does not exist, else 409 for an error that says that its state forbids it. */
enum assay_code api_conflict(struct api_call *call, int64_t job, struct assay_error *err) ASSAY_CHECKED;
/* Rows as an array of objects: names[i] is the key of column i, with a leading '#' for a number. */
json_t *api_rows(const struct assay_rows *rows, const char *const *names);

/* A list in pages, in the order of names, which are its first column: the query takes $1 and $2 from here; "after" in the
 * answer continues it. */
struct api_page {
	const char *after;
	int64_t most;
};
enum assay_code api_page_read(const struct api_call *call, struct api_page *ret,
			      struct assay_error *err) ASSAY_CHECKED;
enum assay_code api_page_answer(struct api_call *call, const struct api_page *page, const char *key,
				const struct assay_rows *rows, const char *const *names);

#endif
