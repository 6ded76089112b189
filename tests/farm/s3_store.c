/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in a real S3 service (tests/farm/s3 starts it): what is put on one machine is had on another, large blobs in
 * parts, wrong keys, wrong bytes, uploads that die, a service that says "later".
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/retention.h"
#include "lib/store/s3_request.h"

#define URL "s3://assay-test/pre/fix"
#define LARGE (40 * ASSAY_MIB + 12345)

static char *top;
static struct assay_error err;

/* A machine: a directory of its own before the same bucket. */
static struct assay_store *open_at(const char *machine, const char *url)
{
	struct assay_store *store = NULL;
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", top, machine);
	setenv("ASSAY_STORE", path, 1);
	ck_assert_msg(assay_store_open(url, &store, &err) == ASSAY_OK, "%s", err.msg);
	return store;
}

static enum assay_code request(const char *method, const char *key, const char *query, const char *body)
{
	struct s3 s3 = { .pid = getpid(), .lock = PTHREAD_MUTEX_INITIALIZER };
	struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request r =
		S3_REQUEST(.method = method, .key = key, .query = query, .body = assay_span_text(body));
	enum assay_code code;

	ck_assert_int_eq(curl_late_load(&err), ASSAY_OK);
	ck_assert_msg(s3_configure(URL, &s3, &err) == ASSAY_OK, "%s", err.msg);
	code = s3_call(&s3, &r, &answer, &err);
	if (!code && query && strstr(assay_buf_text(&answer.body), "<UploadId>"))
		code = ASSAY_END; /* there are unfinished uploads */
	assay_buf_release(&answer.body);
	s3_release(&s3);
	return code;
}

static void set_up(void)
{
	assay_log_set_level(ASSAY_LOG_ERROR);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	if (request("PUT", NULL, NULL, ""))
		ck_assert_msg(strstr(err.msg, "BucketAlreadyOwnedByYou"), "%s", err.msg);
	err = (struct assay_error)ASSAY_ERROR_INIT;
}

static void tear_down(void)
{
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

static struct assay_digest put(struct assay_store *store, const char *text)
{
	struct assay_digest digest;

	ck_assert_msg(assay_store_put_span(store, assay_span_text(text), &digest, &err) == ASSAY_OK, "%s", err.msg);
	return digest;
}

static void key_of(const struct assay_digest *digest, const char *more, char out[200])
{
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_hex(digest, hex);
	snprintf(out, 200, "pre/fix/blobs/%.2s/%s%s", hex, hex, more);
}

START_TEST(what_one_machine_puts_another_has)
{
	struct assay_store *one = open_at("one", URL), *two = open_at("two", URL);
	struct assay_digest digest = put(one, "from one"), none = digest;
	char text[20] = "";
	int fd = -1;

	none.bytes[3] ^= 1;
	ck_assert(assay_store_has(two, &digest));
	ck_assert(!assay_store_has(two, &none));
	ck_assert_int_eq(assay_store_get(two, &none, &fd, &err), ASSAY_ENOTFOUND);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_msg(assay_store_get(two, &digest, &fd, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 8);
	ck_assert_str_eq(text, "from one");
	close(fd);
	put(one, "from one"); /* again is nothing new */
	put(one, "");
	ck_assert_str_eq(assay_store_name(two), URL);
	assay_store_free(one);
	assay_store_free(two);
}
END_TEST

static int large_file(unsigned seed)
{
	int fd = open(top, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	static uint32_t block[1 << 18];

	for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++)
		block[i] = seed = seed * 1664525 + 1013904223;
	for (uint64_t done = 0; done < LARGE; done += sizeof(block)) {
		block[0] = (uint32_t)done;
		ck_assert_int_eq(assay_fd_write(fd, block, sizeof(block) < LARGE - done ? sizeof(block) : LARGE - done, &err),
				 ASSAY_OK);
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

START_TEST(a_large_blob_goes_in_parts)
{
	struct assay_store *one = open_at("one", URL), *two = open_at("two", URL);
	struct assay_digest digest;
	uint64_t size = 0;
	struct stat st;
	int from = large_file(1), fd = -1;

	ck_assert_msg(assay_store_put_fd(one, from, NULL, &digest, &size, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_uint_eq(size, LARGE);
	ck_assert_msg(assay_store_get(two, &digest, &fd, &err) == ASSAY_OK, "%s", err.msg); /* hashed on the way */
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, LARGE);
	ck_assert_int_eq(request("GET", NULL, "uploads=", ""), ASSAY_OK);
	close(from);
	close(fd);
	assay_store_free(one);
	assay_store_free(two);
}
END_TEST

START_TEST(a_wrong_secret_is_refused)
{
	struct assay_store *store = open_at("one", URL);
	struct assay_digest digest = put(store, "secret");

	assay_store_free(store);
	setenv("AWS_SECRET_ACCESS_KEY", "another_secret", 1);
	store = open_at("two", URL);
	ck_assert(!assay_store_has(store, &digest));
	ck_assert_int_eq(assay_store_put_span(store, assay_span_text("x"), &digest, &err), ASSAY_EUNTRUSTED);
	ck_assert_msg(strstr(err.msg, "403") && !strstr(err.msg, "another_secret"), "%s", err.msg);
	assay_store_free(store);
}
END_TEST

START_TEST(keys_come_from_a_file_too)
{
	char path[300], text[300];
	struct assay_store *store;

	snprintf(path, sizeof(path), "%s/credentials", top);
	snprintf(text, sizeof(text), "# keys\n[other]\naws_access_key_id = x\naws_secret_access_key = y\n[default]\n"
				     "aws_access_key_id = %s\naws_secret_access_key=%s\n",
		 getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"));
	ck_assert_int_eq(assay_file_write(AT_FDCWD, path, assay_span_text(text), 0600, &err), ASSAY_OK);
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	store = open_at("one", URL);
	put(store, "by file");
	assay_store_free(store);
	setenv("AWS_PROFILE", "none", 1);
	ck_assert_int_eq(assay_store_open(URL, &store, &err), ASSAY_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "[none]"));
}
END_TEST

START_TEST(wrong_bytes_are_found_and_moved_aside)
{
	struct assay_store *store = open_at("one", URL);
	struct assay_store_checked checked;
	struct assay_digest digest;
	char key[200], aside[200];
	int fd = -1;

	assay_digest_span(assay_span_text("right"), &digest);
	key_of(&digest, "", key);
	key_of(&digest, ".corrupt", aside);
	ck_assert_msg(request("PUT", key, NULL, "wrong") == ASSAY_OK, "%s", err.msg);
	ck_assert_int_eq(assay_store_get(store, &digest, &fd, &err), ASSAY_EUNTRUSTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "moved aside"));
	ck_assert_int_eq(request("HEAD", key, NULL, ""), ASSAY_ENOTFOUND);
	ck_assert_int_eq(request("HEAD", aside, NULL, ""), ASSAY_OK);
	ck_assert_int_eq(request("PUT", key, NULL, "wrong"), ASSAY_OK);
	put(store, "good");
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_msg(assay_store_check(store, &checked, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_uint_eq(checked.bad, 1);
	ck_assert_uint_ge(checked.blobs, 2);
	json_decref(checked.problems);
	ck_assert_int_eq(request("HEAD", key, NULL, ""), ASSAY_ENOTFOUND);
	assay_store_free(store);
}
END_TEST

START_TEST(a_killed_upload_leaves_nothing_to_see)
{
	struct assay_store *store = open_at("one", URL);
	struct store_remote_entry entry;
	struct assay_digest digest;
	int from = large_file(7), tries = 0;
	pid_t pid;

	ck_assert_int_eq(assay_digest_fd(from, &digest, NULL, &err), ASSAY_OK);
	ck_assert_int_eq(lseek(from, 0, SEEK_SET), 0);
	pid = fork();
	if (pid == 0) {
		struct assay_store *own = open_at("two", URL);

		_exit(assay_store_put_fd(own, from, NULL, NULL, NULL, &err) == ASSAY_OK);
	}
	while (request("GET", NULL, "uploads=", "") != ASSAY_END && tries++ < 1000)
		usleep(2000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(request("GET", NULL, "uploads=", ""), ASSAY_END);
	ck_assert_int_eq(store->remote->ops->look(store->remote, &digest, &entry, &err), ASSAY_ENOTFOUND);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_msg(store->remote->ops->tidy(store->remote, time(NULL) - 3600, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_int_eq(request("GET", NULL, "uploads=", ""), ASSAY_END); /* it may still be under way */
	ck_assert_msg(store->remote->ops->tidy(store->remote, time(NULL) + 10, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_int_eq(request("GET", NULL, "uploads=", ""), ASSAY_OK);
	close(from);
	assay_store_free(store);
}
END_TEST

struct listed {
	size_t count;
	uint64_t bytes;
};

static enum assay_code count(const struct store_remote_entry *entry, void *data, struct assay_error *ignored)
{
	struct listed *listed = data;

	(void)ignored;
	ck_assert_int_gt(entry->time, time(NULL) - 3600);
	listed->count++;
	listed->bytes += entry->bytes;
	return ASSAY_OK;
}

/* More than one page, and what is no blob of ours beside it. */
START_TEST(a_long_list_is_whole)
{
	struct assay_store *store = open_at("one", "s3://assay-test/long");
	struct listed listed = { 0 };
	char text[20];

	for (int i = 0; i < 1010; i++) {
		struct assay_digest digest;
		struct assay_span bytes;
		int fd = open(top, O_RDWR | O_TMPFILE, 0600);

		snprintf(text, sizeof(text), "%04d", i);
		bytes = assay_span_text(text);
		ck_assert_int_eq(write(fd, text, 4), 4);
		assay_digest_span(bytes, &digest);
		ck_assert_msg(store->remote->ops->put(store->remote, &digest, fd, 4, &err) == ASSAY_OK, "%s", err.msg);
		close(fd);
	}
	ck_assert_int_eq(request("PUT", "long/blobs/stranger", NULL, "x"), ASSAY_OK);
	ck_assert_msg(store->remote->ops->each(store->remote, count, &listed, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_uint_eq(listed.count, 1010);
	ck_assert_uint_eq(listed.bytes, 4040);
	assay_store_free(store);
}
END_TEST

/* Answers so many requests with 503, then one with a body; returns its port. */
static pid_t moody_service(int refusals, const char *body, int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	pid = fork();
	for (int i = 0; pid == 0; i++) {
		int client = accept(fd, NULL, NULL);
		char request_text[4096];

		if (read(client, request_text, sizeof(request_text)) < 0)
			_exit(1);
		dprintf(client, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			i < refusals ? "503 Slow Down" : "200 OK", i < refusals ? (size_t)0 : strlen(body),
			i < refusals ? "" : body);
		close(client);
	}
	close(fd);
	return pid;
}

START_TEST(later_is_tried_again)
{
	struct assay_digest digest;
	struct assay_store *store;
	char url[100];
	int port, fd = -1;
	pid_t pid = moody_service(3, "late", &port);

	snprintf(url, sizeof(url), URL "?endpoint=http://127.0.0.1:%d", port);
	assay_digest_span(assay_span_text("late"), &digest);
	store = open_at("one", url);
	ck_assert_msg(assay_store_get(store, &digest, &fd, &err) == ASSAY_OK, "%s", err.msg);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	digest.bytes[0] ^= 1;
	ck_assert_int_eq(assay_store_get(store, &digest, &fd, &err), ASSAY_EBUSY); /* nobody there any more */
	ck_assert_ptr_nonnull(strstr(err.msg, "127.0.0.1"));
	assay_store_free(store);
}
END_TEST

START_TEST(wrong_names_are_refused)
{
	static const char *const wrong[] = { "s3://", "s3:///x", "s3://b/../x", "s3://b/a b", "s3://b//x",
					     "s3://b/x?endpoint=ftp://h", "s3://b/x?nothing=1", "s3://b/x?endpoint=http://u:p@h" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct assay_store *store = NULL;

		ck_assert_msg(assay_store_open(wrong[i], &store, &err) == ASSAY_EUSAGE, "%s: %s", wrong[i], err.msg);
	}
	ck_assert_ptr_null(strstr(err.msg, "u:p"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("s3");
	TCase *tests = tcase_create("s3");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_one_machine_puts_another_has);
	tcase_add_test(tests, a_large_blob_goes_in_parts);
	tcase_add_test(tests, a_wrong_secret_is_refused);
	tcase_add_test(tests, keys_come_from_a_file_too);
	tcase_add_test(tests, wrong_bytes_are_found_and_moved_aside);
	tcase_add_test(tests, a_killed_upload_leaves_nothing_to_see);
	tcase_add_test(tests, a_long_list_is_whole);
	tcase_add_test(tests, later_is_tried_again);
	tcase_add_test(tests, wrong_names_are_refused);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
