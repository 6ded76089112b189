/* SPDX-License-Identifier: Apache-2.0 */
/* The store on good days and bad: wrong bytes, links, dead processes, crowds, a full disk. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "assay/file.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/store.h"

static char *top;
static struct assay_store *store;
static struct assay_error err;

static char *under(const char *name)
{
	static char path[4][600];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, name);
	return path[turn];
}

static void set_up(void)
{
	assay_log_set_level(ASSAY_LOG_ERROR);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	ck_assert_msg(assay_store_open(under("s"), &store, &err) == ASSAY_OK, "%s", err.msg);
}

static void tear_down(void)
{
	assay_store_free(store);
	store = NULL;
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static char *blob_path(const struct assay_digest *digest)
{
	char hex[ASSAY_DIGEST_TEXT], name[200];

	assay_digest_hex(digest, hex);
	snprintf(name, sizeof(name), "s/blobs/%.2s/%s", hex, hex);
	return under(name);
}

static char *read_blob(const struct assay_digest *digest)
{
	static char text[100];
	int fd = -1;
	ssize_t got;

	ck_assert_msg(assay_store_get(store, digest, &fd, &err) == ASSAY_OK, "%s", err.msg);
	got = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(got, 0);
	text[got] = '\0';
	close(fd);
	return text;
}

static struct assay_digest put(const char *text)
{
	struct assay_digest digest;

	ck_assert_msg(assay_store_put_span(store, assay_span_text(text), &digest, &err) == ASSAY_OK,
		      "%s", err.msg);
	return digest;
}

START_TEST(put_has_get_copy)
{
	struct assay_digest a = put("one"), none = a;
	struct stat st;
	int fd = -1, dir = open(top, O_RDONLY | O_DIRECTORY);

	none.bytes[0] ^= 1;
	ck_assert(assay_store_has(store, &a));
	ck_assert(!assay_store_has(store, &none));
	ck_assert_str_eq(read_blob(&a), "one");
	ck_assert_int_eq(assay_store_get(store, &none, &fd, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(stat(blob_path(&a), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0444);
	ck_assert_int_eq(assay_store_copy_to(store, &a, dir, "copy", &err), ASSAY_OK);
	ck_assert_int_eq(stat(under("copy"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_uint_eq(st.st_nlink, 1);
	close(dir);
	put(""); /* the empty blob is a blob */
	ck_assert_int_eq(count_entries(under("s/tmp")), 1);
}
END_TEST

START_TEST(a_mismatch_stores_nothing)
{
	struct assay_digest want = put("wanted"), have;
	int fd = open(under("file"), O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "other", 5), 5);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(assay_store_put_fd(store, fd, &want, NULL, NULL, &err), ASSAY_EUNTRUSTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "want sha256 "));
	assay_digest_span(assay_span_text("other"), &have);
	ck_assert(!assay_store_has(store, &have));
	assay_digest_span(assay_span_text("wanted"), &want);
	ck_assert_str_eq(read_blob(&want), "wanted");
	close(fd);
}
END_TEST

enum damage { FLIPPED, TRUNCATED, LINK, DIRECTORY, FIFO, DAMAGES };

static void damage(const char *path, enum damage how)
{
	int fd;

	switch (how) {
	case FLIPPED:
	case TRUNCATED:
		ck_assert_int_eq(chmod(path, 0644), 0);
		fd = open(path, O_WRONLY | (how == TRUNCATED ? O_TRUNC : 0));
		ck_assert_int_eq(how == FLIPPED ? write(fd, "X", 1) : 1, 1);
		close(fd);
		return;
	case LINK:
		ck_assert_int_eq(rename(path, under("elsewhere")), 0);
		ck_assert_int_eq(symlink(under("elsewhere"), path), 0);
		return;
	case DIRECTORY:
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(mkdir(path, 0755), 0);
		return;
	default:
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(mkfifo(path, 0644), 0);
	}
}

START_TEST(damaged_blobs_are_moved_aside)
{
	struct assay_digest digest = put("precious");
	char aside[700];
	struct stat st;
	int fd = -1;

	snprintf(aside, sizeof(aside), "%s.corrupt", blob_path(&digest));
	for (int round = 0; round < 2; round++) { /* the second meets the first's .corrupt */
		damage(blob_path(&digest), _i);
		if (round)
			ck_assert_int_eq(assay_store_copy_to(store, &digest, AT_FDCWD,
							     under("copy"), &err),
					 ASSAY_EUNTRUSTED);
		else
			ck_assert_int_eq(assay_store_get(store, &digest, &fd, &err),
					 ASSAY_EUNTRUSTED);
		ck_assert_ptr_nonnull(strstr(err.msg, "moved aside"));
		ck_assert_int_eq(fd, -1);
		ck_assert_int_ne(access(under("copy"), F_OK), 0);
		ck_assert_int_eq(lstat(aside, &st), 0);
		ck_assert(!assay_store_has(store, &digest));
		put("precious");
		ck_assert_str_eq(read_blob(&digest), "precious");
		unlink(under("elsewhere"));
	}
	damage(blob_path(&digest), _i); /* and putting heals it without asking */
	put("precious");
	ck_assert_str_eq(read_blob(&digest), "precious");
}
END_TEST

START_TEST(the_dead_are_swept_and_the_living_are_not)
{
	struct assay_store *other = NULL;
	char *temp = NULL;
	int ready[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char *mine = NULL;

		if (assay_store_open(under("s"), &other, &err) ||
		    assay_store_make_temp(other, &mine, &err) || mkdir(under("x"), 0700) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(assay_store_make_temp(store, &temp, &err), ASSAY_OK);
	ck_assert_int_eq(assay_store_open(under("s"), &other, &err), ASSAY_OK);
	ck_assert_int_eq(count_entries(under("s/tmp")), 3); /* ours, the child's, the new one */
	assay_store_free(other);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(count_entries(under("s/tmp")), 2);
	ck_assert_int_eq(assay_store_open(under("s"), &other, &err), ASSAY_OK);
	ck_assert_int_eq(count_entries(under("s/tmp")), 2); /* ours and the new one */
	ck_assert_int_eq(access(temp, F_OK), 0);
	assay_store_free(other);
	free(temp);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(a_forked_child_does_not_tidy_its_parents_things)
{
	char *temp = NULL;
	int status;
	pid_t pid;

	ck_assert_int_eq(assay_store_make_temp(store, &temp, &err), ASSAY_OK);
	pid = fork();
	if (pid == 0) {
		assay_store_free(store);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(access(temp, F_OK), 0);
	free(temp);
}
END_TEST

static int crowd_member(unsigned seed)
{
	struct assay_store *mine = NULL;
	char text[64];

	for (unsigned i = 0; i < 40; i++) {
		struct assay_digest digest;
		int fd = -1;

		if (!mine && assay_store_open(under("s"), &mine, &err))
			return 1;
		snprintf(text, sizeof(text), "blob %u", (i * 7 + seed) % 20);
		if (assay_store_put_span(mine, assay_span_text(text), &digest, &err) ||
		    assay_store_get(mine, &digest, &fd, &err))
			return 2;
		close(fd);
		if (i % 8 == 7) {
			assay_store_free(mine);
			mine = NULL;
		}
	}
	assay_store_free(mine);
	return 0;
}

START_TEST(several_processes_at_once)
{
	pid_t pids[6];

	for (unsigned i = 0; i < 6; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(crowd_member(i));
	}
	for (unsigned i = 0; i < 6; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(count_entries(under("s/tmp")), 1);
}
END_TEST

START_TEST(a_lock_admits_one)
{
	int fd = -1, ready[2], status = -1;
	char bytes[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(assay_store_lock(store, "env/with a slash", &fd, &err), ASSAY_OK);
	pid = fork();
	if (pid == 0) {
		int second = -1;

		close(fd); /* the parent's descriptor is the same lock */
		if (write(ready[1], "w", 1) != 1 ||
		    assay_store_lock(store, "env/with a slash", &second, &err) ||
		    write(ready[1], "g", 1) != 1)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], bytes, 1), 1);
	usleep(250000);
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(what_is_no_store_is_left_alone)
{
	struct assay_store *other = NULL;

	ck_assert_int_eq(mkdir(under("home"), 0755), 0);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, under("home/letter"), assay_span_text("dear"),
					  0644, &err),
			 ASSAY_OK);
	ck_assert_int_eq(assay_store_open(under("home"), &other, &err), ASSAY_EUSAGE);
	ck_assert_int_eq(count_entries(under("home")), 1);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, under("home/VERSION"),
					  assay_span_text("assay-store 9\n"), 0644, &err),
			 ASSAY_OK);
	ck_assert_int_eq(assay_store_open(under("home"), &other, &err), ASSAY_EUNSUPPORTED);
	ck_assert_int_eq(mkdir(under("open"), 0755), 0);
	ck_assert_int_eq(chmod(under("open"), 0777), 0);
	ck_assert_int_eq(assay_store_open(under("open"), &other, &err), ASSAY_EUNTRUSTED);
	ck_assert_ptr_null(other);
}
END_TEST

#define NOT_HERE 77

/* In a mount namespace of its own: nothing stays mounted whatever happens. */
static int on_a_full_disk(void)
{
	struct assay_store *small = NULL;
	struct assay_digest digest;
	static char big[2 << 20];
	int dir;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(under("small"), 0755) || mount("none", under("small"), "tmpfs", 0, "size=1m"))
		return NOT_HERE;
	if (assay_store_open(under("small/s"), &small, &err))
		return 1;
	memset(big, 7, sizeof(big));
	if (assay_store_put_span(small, assay_span_of(big, sizeof(big)), &digest, &err) != ASSAY_EIO)
		return 2;
	if (err.sys != ENOSPC || !strstr(err.msg, "No space left on device") ||
	    !strstr(err.msg, "small/s"))
		return 3;
	if (count_entries(under("small/s/blobs")) != 0)
		return 4;
	/* the draft is gone: what fits is stored */
	if (assay_store_put_span(small, assay_span_of(big, 600 << 10), &digest, &err))
		return 5;
	dir = open(under("small"), O_RDONLY | O_DIRECTORY);
	if (assay_store_copy_to(small, &digest, dir, "copy", &err) != ASSAY_EIO ||
	    err.sys != ENOSPC || count_entries(under("small")) != 1)
		return 6;
	close(dir);
	assay_store_free(small);
	if (assay_store_open(under("small/s"), &small, &err))
		return 7;
	assay_store_free(small);
	return 0;
}

START_TEST(a_full_disk)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(on_a_full_disk());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_HERE)
		puts("a_full_disk: skipped, no right to mount a tmpfs");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	rmdir(under("small"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, put_has_get_copy);
	tcase_add_test(tc, a_mismatch_stores_nothing);
	tcase_add_loop_test(tc, damaged_blobs_are_moved_aside, 0, DAMAGES);
	tcase_add_test(tc, the_dead_are_swept_and_the_living_are_not);
	tcase_add_test(tc, a_forked_child_does_not_tidy_its_parents_things);
	tcase_add_test(tc, several_processes_at_once);
	tcase_add_test(tc, a_lock_admits_one);
	tcase_add_test(tc, what_is_no_store_is_left_alone);
	tcase_add_test(tc, a_full_disk);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
