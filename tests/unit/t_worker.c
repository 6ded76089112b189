/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's loop against a scheduler that answers as it likes. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "assay/http.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/store.h"
#include "assay/worker.h"

static char *top, *socket_path, *store_path;
static struct assay_error err;
static struct assay_http_server *server;
/* what the scheduler was asked */
static int leases, outcomes;
static char outcome[4096];

static void set_up(void)
{
	assay_log_set_level(ASSAY_LOG_ERROR);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	socket_path = assay_path_join(top, "socket");
	store_path = assay_path_join(top, "store");
	leases = outcomes = 0;
	assay_interrupted = 0;
}

static void tear_down(void)
{
	assay_interrupted = 0;
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
	free(socket_path);
	free(store_path);
}

static size_t limit(void *data, const struct assay_http_request *request)
{
	(void)data;
	(void)request;
	return ASSAY_MIB;
}

static json_t *job(int number)
{
	return json_pack("{s:i, s:i, s:s, s:s, s:{s:s}}", "job", number, "fence", 1, "token", "t", "target",
			 "pkg:deb/debian/hello", "options", "buildinfo", "no digest");
}

/* A job with options that no worker can follow; whoever asks for another is to end. */
static void one_wrong_job(void *data, const struct assay_http_request *request, struct assay_http_response *response)
{
	(void)data;
	if (strcmp(request->path, "/v1/lease") == 0 && leases++) {
		assay_interrupted = SIGTERM;
		response->status = 204;
	} else if (strcmp(request->path, "/v1/lease") == 0) {
		assay_http_answer(response, 200, job(1));
	} else if (strstr(request->path, "/outcome")) {
		snprintf(outcome, sizeof(outcome), "%.*s", (int)request->body.len, (const char *)request->body.data);
		outcomes++;
		assay_http_answer(response, 200, json_pack("{s:s}", "state", "waiting"));
	} else {
		assay_http_problem(response, 404, &(struct assay_error){ .code = ASSAY_ENOTFOUND, .msg = "" });
	}
}

START_TEST(a_wrong_job_does_not_end_the_worker)
{
	struct assay_worker_options options = { .socket = socket_path, .store = store_path, .name = "w" };

	ck_assert_int_eq(assay_http_serve(socket_path, one_wrong_job, limit, NULL, &server, &err), ASSAY_OK);
	ck_assert_msg(assay_worker_run(&options, &err) == ASSAY_OK, "%s", err.msg);
	assay_http_stop(server);
	ck_assert_int_eq(leases, 2);
	ck_assert_int_eq(outcomes, 1);
	ck_assert_ptr_nonnull(strstr(outcome, "farm-error"));
	ck_assert_ptr_nonnull(strstr(outcome, "buildinfo: want a SHA-256"));
}
END_TEST

static void refuse(void *data, const struct assay_http_request *request, struct assay_http_response *response)
{
	(void)data;
	(void)request;
	leases++;
	assay_http_problem(response, 403, &(struct assay_error){ .code = ASSAY_EUNTRUSTED, .msg = "worker w is revoked" });
}

START_TEST(a_worker_that_may_not_ask_ends)
{
	struct assay_worker_options options = { .socket = socket_path, .store = store_path, .name = "w" };

	ck_assert_int_eq(assay_http_serve(socket_path, refuse, limit, NULL, &server, &err), ASSAY_OK);
	ck_assert_int_eq(assay_worker_run(&options, &err), ASSAY_EUNTRUSTED);
	assay_http_stop(server);
	ck_assert_int_eq(leases, 1);
}
END_TEST

START_TEST(a_name_is_not_cut)
{
	char name[300];
	struct assay_worker_options options = { .socket = socket_path, .store = store_path, .name = name };

	memset(name, 'w', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(assay_worker_run(&options, &err), ASSAY_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "--name"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tests = tcase_create("worker");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_wrong_job_does_not_end_the_worker);
	tcase_add_test(tests, a_worker_that_may_not_ask_ends);
	tcase_add_test(tests, a_name_is_not_cut);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
