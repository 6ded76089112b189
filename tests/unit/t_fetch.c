/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from a server that behaves in every way a mirror can: a process of ours on loopback. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/store.h"

static char *top;
static struct assay_store *store;
static struct assay_error err;
static pid_t server;
static char base[64], shown_port[8];

/* path, head, body; HALF: the head promises more than comes */
static const struct {
	const char *path, *head, *body;
} pages[] = {
	{ "/good", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n", "good" },
	{ "/half", "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n", "only this" },
	{ "/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "100\r\ncut short" },
	{ "/huge", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n", "" },
	{ "/gone", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n", "not found" },
	{ "/sick", "HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n", "sick" },
	{ "/there", "HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n", "" },
	{ "/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n", "" },
	{ "/trick", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n",
	  "" },
	{ "/ftp", "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\nContent-Length: 0\r\n", "" },
};

static void answer(int client)
{
	char request[4096] = "";
	ssize_t got = read(client, request, sizeof(request) - 1);

	if (got <= 0)
		return;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		size_t len = strlen(pages[i].path);

		if (strncmp(request + 4, pages[i].path, len) == 0 && request[4 + len] == ' ')
			dprintf(client, "%sConnection: close\r\n\r\n%s", pages[i].head,
				pages[i].body);
	}
}

static void serve(int listener)
{
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		answer(client);
		close(client);
	}
}

static void set_up(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assay_log_set_level(ASSAY_LOG_ERROR);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	err = (struct assay_error)ASSAY_ERROR_INIT;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	snprintf(shown_port, sizeof(shown_port), "%u", ntohs(address.sin_port));
	snprintf(base, sizeof(base), "http://127.0.0.1:%s", shown_port);
	server = fork();
	if (server == 0)
		serve(listener);
	close(listener);
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	ck_assert_int_eq(assay_store_open(top, &store, &err), ASSAY_OK);
}

static void tear_down(void)
{
	int status;

	kill(server, SIGKILL);
	waitpid(server, &status, 0);
	assay_store_free(store);
	store = NULL;
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

static enum assay_code fetch(const char *path, const struct assay_digest *want)
{
	struct assay_digest have;
	char url[200];
	uint64_t size;

	snprintf(url, sizeof(url), "%s%s", base, path);
	return assay_fetch(store, url, want, &have, &size, &err);
}

static int stored_blobs(void)
{
	char path[600];
	DIR *dir;
	int count = 0;

	snprintf(path, sizeof(path), "%s/blobs", top);
	dir = opendir(path);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

START_TEST(whole_downloads)
{
	struct assay_digest want, wrong;

	assay_digest_span(assay_span_text("good"), &want);
	assay_digest_span(assay_span_text("else"), &wrong);
	ck_assert_int_eq(fetch("/good", &wrong), ASSAY_EUNTRUSTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "/good: want sha256"));
	ck_assert_int_eq(stored_blobs(), 0);
	ck_assert_msg(fetch("/there", &want) == ASSAY_OK, "%s", err.msg);
	ck_assert(assay_store_has(store, &want));
	kill(server, SIGKILL); /* what is here needs no server */
	ck_assert_int_eq(fetch("/good", &want), ASSAY_OK);
}
END_TEST

static const struct {
	const char *path;
	enum assay_code code;
	const char *says;
} failures[] = {
	{ "/half", ASSAY_EIO, "9 bytes came" },
	{ "/chunks", ASSAY_EIO, "/chunks: " },
	{ "/huge", ASSAY_ELIMIT, "/huge: " },
	{ "/gone", ASSAY_ENOTFOUND, "/gone: HTTP status 404" },
	{ "/sick", ASSAY_EIO, "/sick: HTTP status 503" },
	{ "/loop", ASSAY_ENOTFOUND, "/loop: " },
	{ "/trick", ASSAY_ENOTFOUND, "/trick: " },
	{ "/ftp", ASSAY_ENOTFOUND, "/ftp: " },
	{ "/empty answer", ASSAY_EUSAGE, "URL" },
	{ "/nothing", ASSAY_EIO, "/nothing: " },
};

START_TEST(bad_mirrors_leave_nothing)
{
	ck_assert_msg(fetch(failures[_i].path, NULL) == failures[_i].code, "%s: %s %s",
		      failures[_i].path, assay_code_name(err.code), err.msg);
	ck_assert_msg(strstr(err.msg, failures[_i].says), "%s", err.msg);
	ck_assert_int_eq(stored_blobs(), 0);
}
END_TEST

START_TEST(nobody_listens_and_passwords_stay_secret)
{
	char url[200];
	struct assay_digest digest;

	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	snprintf(url, sizeof(url), "http://me:hunter2@127.0.0.1:%s/x", shown_port);
	ck_assert_int_eq(assay_fetch(store, url, NULL, &digest, NULL, &err), ASSAY_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "127.0.0.1"));
	ck_assert_ptr_null(strstr(err.msg, "hunter2"));
	server = fork();
	if (server == 0)
		_exit(0);
}
END_TEST

START_TEST(files_and_schemes)
{
	struct assay_digest digest, want;
	char path[600], url[700];
	uint64_t size = 0;

	assay_digest_span(assay_span_text("file"), &want);
	snprintf(path, sizeof(path), "%s/tmp/a file", top);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, path, assay_span_text("file"), 0644, &err),
			 ASSAY_OK);
	snprintf(url, sizeof(url), "file://%s/tmp/a%%20file", top);
	ck_assert_msg(assay_fetch(store, url, NULL, &digest, &size, &err) == ASSAY_OK, "%s",
		      err.msg);
	ck_assert(assay_digest_equal(&digest, &want));
	ck_assert_uint_eq(size, 4);
	ck_assert_int_eq(assay_fetch(store, path, &want, &digest, &size, &err), ASSAY_OK);
	ck_assert_int_eq(assay_fetch(store, "file:///nonexistent", NULL, &digest, &size, &err),
			 ASSAY_ENOTFOUND);
	ck_assert_int_eq(assay_fetch(store, "/dev/zero", NULL, &digest, &size, &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_fetch(store, "ftp://127.0.0.1/", NULL, &digest, &size, &err),
			 ASSAY_EUSAGE);
	ck_assert_int_eq(assay_fetch(store, "file://elsewhere/etc/passwd", NULL, &digest, &size,
				     &err),
			 ASSAY_EUSAGE);
	ck_assert_int_eq(stored_blobs(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fetch");
	TCase *tc = tcase_create("fetch");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, whole_downloads);
	tcase_add_loop_test(tc, bad_mirrors_leave_nothing, 0,
			    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tc, nobody_listens_and_passwords_stay_secret);
	tcase_add_test(tc, files_and_schemes);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
