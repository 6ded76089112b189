/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a server that keeps parts of a blob, and against answers that are no good. */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/http.h"
#include "assay/limits.h"
#include "assay/path.h"

enum { BLOB = 40 * ASSAY_MIB };

static char directory[] = "/tmp/assay-http.XXXXXX";
static struct assay_error err;

/* What a server has of one blob. */
struct upload {
	uint64_t here;
	unsigned parts;
	bool whole;	/* it became a blob */
	bool too_large; /* an answer does not fit */
};

static size_t any_length(void *data, const struct assay_http_request *request)
{
	(void)data;
	(void)request;
	return BLOB;
}

static void serve(void *data, const struct assay_http_request *request, struct assay_http_response *response)
{
	const char *range = assay_http_header(request, "Content-Range");
	struct upload *upload = data;
	json_t *body = assay_json_object();
	unsigned status = 200;
	uint64_t first = 0;

	if (range && sscanf(range, "bytes %" SCNu64 "-", &first) == 1) {
		upload->parts++;
		if (first == upload->here)
			upload->here += request->body.len;
		upload->whole = upload->here == BLOB;
		status = upload->whole ? 201 : 202;
	}
	assay_json_set_int(body, "size", (int64_t)upload->here);
	assay_http_answer(response, status, body);
	while (upload->too_large && !response->body.failed)
		assay_buf_add(&response->body, directory, sizeof(directory));
}

static enum assay_code with_server(struct upload *upload, enum assay_code (*act)(struct assay_http_client *client))
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	assay_auto(assay_freep) char *socket = assay_path_join(directory, "socket");
	struct assay_http_server *server = NULL;
	enum assay_code code;

	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_msg(!assay_http_serve(socket, serve, any_length, upload, &server, &err), "%s", err.msg);
	ck_assert_msg(!assay_http_client_new(socket, &client, &err), "%s", err.msg);
	code = act(client);
	assay_http_stop(server);
	return code;
}

static enum assay_code upload_blob(struct assay_http_client *client)
{
	assay_auto(assay_freep) char *path = assay_path_join(directory, "blob");
	char hex[ASSAY_DIGEST_TEXT];

	return assay_http_upload(client, path, hex, &err);
}

START_TEST(test_parts)
{
	struct upload none = { .here = 0 }, begun = { .here = 8 * ASSAY_MIB };

	ck_assert_msg(!with_server(&none, upload_blob), "%s", err.msg);
	ck_assert(none.whole && none.parts == 2);
	ck_assert_msg(!with_server(&begun, upload_blob), "%s", err.msg);
	ck_assert(begun.whole && begun.parts == 1);
}
END_TEST

/* The server died, or had no room, between the last byte and the blob. */
START_TEST(test_all_bytes_are_no_blob)
{
	struct upload upload = { .here = BLOB };

	ck_assert_msg(!with_server(&upload, upload_blob), "%s", err.msg);
	ck_assert(upload.whole && upload.parts == 1);
}
END_TEST

static enum assay_code ask(struct assay_http_client *client)
{
	json_t *answer = NULL;
	enum assay_code code = assay_http_call(client, "GET", "/", NULL, &answer, &err);

	ck_assert_int_eq(assay_http_status(client), code ? 500 : 200);
	json_decref(answer);
	return code;
}

START_TEST(test_half_an_answer)
{
	struct upload good = { .here = 0 }, upload = { .too_large = true };

	ck_assert_int_eq(with_server(&good, ask), ASSAY_OK);
	ck_assert_int_eq(with_server(&upload, ask), ASSAY_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "answer: want at most"));
}
END_TEST

static void make_blob(void)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_fd_closep) int fd = -1;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	path = assay_path_join(directory, "blob");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && ftruncate(fd, BLOB) == 0);
}

static void remove_blob(void)
{
	ck_assert_msg(!assay_path_remove_tree(AT_FDCWD, directory, &err), "%s", err.msg);
}

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *tests = tcase_create("http");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_unchecked_fixture(tests, make_blob, remove_blob);
	tcase_add_test(tests, test_parts);
	tcase_add_test(tests, test_all_bytes_are_no_blob);
	tcase_add_test(tests, test_half_an_answer);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
