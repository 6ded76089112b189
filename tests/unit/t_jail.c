/* SPDX-License-Identifier: Apache-2.0 */
/* lib/box: what happens in the jail stays in the jail. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/jail.h"
#include "assay/json.h"
#include "assay/limits.h"

static const struct assay_jail usual = {
	.what = "compare a with b", .cpu_s = 5, .wall_s = 10, .memory = 256 * ASSAY_MIB,
	.answer_max = 1 << 20,
};

static enum assay_code run(const struct assay_jail *jail, assay_jail_work *work, void *data,
			   struct assay_error *err)
{
	struct assay_buf answer = ASSAY_BUF_INIT(1);
	enum assay_code code = assay_jail_run(jail, work, data, &answer, err);

	assay_buf_release(&answer);
	return code;
}

static enum assay_code answer_text(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)err;
	assay_buf_add_text(answer, data);
	return ASSAY_OK;
}

START_TEST(an_answer_comes_back)
{
	struct assay_buf answer = ASSAY_BUF_INIT(1);
	struct assay_error err;
	char text[] = "the answer";

	ck_assert_int_eq(assay_jail_run(&usual, answer_text, text, &answer, &err), ASSAY_OK);
	ck_assert_str_eq(assay_buf_text(&answer), "the answer");
	assay_buf_release(&answer);
}
END_TEST

static enum assay_code answer_large(void *data, struct assay_buf *answer, struct assay_error *err)
{
	size_t len = *(size_t *)data;
	char block[1000] = { 0 };

	(void)err;
	for (size_t i = 0; i < len; i += sizeof(block))
		assay_buf_add(answer, block, sizeof(block));
	return ASSAY_OK;
}

START_TEST(an_answer_has_a_ceiling)
{
	struct assay_buf answer = ASSAY_BUF_INIT(1);
	struct assay_error err;
	size_t fits = 1000 * 1000, too_long = 2 * 1000 * 1000;

	ck_assert_int_eq(assay_jail_run(&usual, answer_large, &fits, &answer, &err), ASSAY_OK);
	ck_assert_uint_eq(answer.len, fits);
	ck_assert_int_eq(assay_jail_run(&usual, answer_large, &too_long, &answer, &err),
			 ASSAY_ELIMIT);
	assay_buf_release(&answer);
}
END_TEST

static enum assay_code fail_typed(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	return assay_fail(err, ASSAY_EUNTRUSTED, "signature: wrong key");
}

START_TEST(an_error_keeps_its_type)
{
	struct assay_error err;

	ck_assert_int_eq(run(&usual, fail_typed, NULL, &err), ASSAY_EUNTRUSTED);
	ck_assert_str_eq(err.msg, "signature: wrong key");
}
END_TEST

static enum assay_code do_crash(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)answer;
	(void)err;
	signal(SIGSEGV, SIG_DFL);
	*(volatile int *)((char *)data + 4096) = 1; /* the null page itself is the sanitizer's */
	return ASSAY_OK;
}

static enum assay_code do_abort(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	(void)err;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static enum assay_code do_exit(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	(void)err;
	_exit(0);
}

static enum assay_code do_execve(void *data, struct assay_buf *answer, struct assay_error *err)
{
	char *const argv[] = { NULL };

	(void)data;
	(void)answer;
	(void)err;
	execve("/bin/true", argv, argv);
	return ASSAY_OK;
}

static enum assay_code do_socket(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	(void)err;
	socket(AF_UNIX, SOCK_STREAM, 0);
	return ASSAY_OK;
}

static enum assay_code do_kill(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	(void)err;
	kill(getppid(), SIGTERM);
	return ASSAY_OK;
}

static enum assay_code do_fork(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	/* clone without CLONE_THREAD, as fork() makes it: refused, not deadly */
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0)
		return ASSAY_OK;
	return assay_fail_errno(err, "clone");
}

static enum assay_code do_signal_parent(void *data, struct assay_buf *answer,
					struct assay_error *err)
{
	(void)data;
	(void)answer;
	if (syscall(SYS_tgkill, getppid(), getppid(), SIGTERM) == 0)
		return ASSAY_OK;
	return assay_fail_errno(err, "tgkill");
}

static enum assay_code do_exec_memory(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0) != MAP_FAILED)
		return ASSAY_OK;
	return assay_fail_errno(err, "mmap");
}

START_TEST(what_a_parser_must_not_do_is_a_typed_error)
{
	static const struct {
		assay_jail_work *work;
		enum assay_code want;
		const char *says;
	} cases[] = {
		{ do_crash, ASSAY_EINPUT, "compare a with b crashed the parser: signal 11" },
		{ do_abort, ASSAY_EINPUT, "crashed the parser: signal 6" },
		{ do_exit, ASSAY_EINPUT, "crashed the parser: exit status 0" },
		{ do_execve, ASSAY_EINPUT, "forbidden system call" },
		{ do_socket, ASSAY_EINPUT, "forbidden system call" },
		{ do_kill, ASSAY_EINPUT, "forbidden system call" },
		{ do_fork, ASSAY_EIO, "clone" },
		{ do_signal_parent, ASSAY_EIO, "tgkill" },
		{ do_exec_memory, ASSAY_EIO, "mmap" },
	};
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(run(&usual, cases[_i].work, NULL, &err), cases[_i].want);
	ck_assert_msg(strstr(err.msg, cases[_i].says) != NULL, "%s", err.msg);
}
END_TEST

static enum assay_code do_open(void *data, struct assay_buf *answer, struct assay_error *err)
{
	int fd = open(data, O_RDONLY);

	(void)answer;
	if (fd >= 0)
		return ASSAY_OK;
	return assay_fail_errno(err, "open");
}

static enum assay_code do_create(void *data, struct assay_buf *answer, struct assay_error *err)
{
	int fd = open(data, O_WRONLY | O_CREAT, 0600);

	(void)answer;
	if (fd >= 0)
		return ASSAY_OK;
	return assay_fail_errno(err, "create");
}

START_TEST(no_file_is_opened_but_those_that_were_named)
{
	static const char *const readable[] = { "/etc", "/usr/share", NULL };
	struct assay_jail reader = usual;
	struct assay_error err;
	char inside[] = "/etc/passwd", outside[] = "/proc/version";

	ck_assert_int_eq(run(&usual, do_open, inside, &err), ASSAY_EIO);
	ck_assert(err.sys == EACCES || err.sys == EPERM);
	reader.readable = readable;
	ck_assert_int_eq(run(&reader, do_open, inside, &err), ASSAY_OK);
	ck_assert_int_eq(run(&reader, do_open, outside, &err), ASSAY_EIO);
	ck_assert(err.sys == EACCES || err.sys == EPERM);
	ck_assert_int_eq(run(&reader, do_create, inside, &err), ASSAY_EIO);
	ck_assert(err.sys == EACCES || err.sys == EPERM);
}
END_TEST

static void *spin(void *data)
{
	volatile int *go = data;

	while (*go)
		;
	return NULL;
}

static enum assay_code do_loop(void *data, struct assay_buf *answer, struct assay_error *err)
{
	int go = 1;

	(void)data;
	(void)answer;
	(void)err;
	spin(&go);
	return ASSAY_OK;
}

static enum assay_code do_sleep(void *data, struct assay_buf *answer, struct assay_error *err)
{
	(void)data;
	(void)answer;
	(void)err;
	sleep(60);
	return ASSAY_OK;
}

START_TEST(time_is_limited)
{
	struct assay_jail jail = usual;
	struct assay_error err;

	jail.cpu_s = 1;
	ck_assert_int_eq(run(&jail, do_loop, NULL, &err), ASSAY_ETIMEOUT);
	jail.wall_s = 1;
	ck_assert_int_eq(run(&jail, do_sleep, NULL, &err), ASSAY_ETIMEOUT);
}
END_TEST

static enum assay_code do_allocate(void *data, struct assay_buf *answer, struct assay_error *err)
{
	char *block = malloc((size_t)(10 * ASSAY_GIB));

	(void)data;
	(void)answer;
	if (!block)
		return assay_fail(err, ASSAY_ENOMEM, "block");
	memset(block, 1, (size_t)(10 * ASSAY_GIB));
	free(block);
	return ASSAY_OK;
}

START_TEST(memory_is_limited)
{
#ifdef __SANITIZE_ADDRESS__
	/* no limit holds beside shadow memory, see jail.c */
	(void)do_allocate;
#else
	struct assay_error err;

	ck_assert_int_eq(run(&usual, do_allocate, NULL, &err), ASSAY_ELIMIT);
#endif
}
END_TEST

static void *add_one(void *data)
{
	void *block = malloc(100000);

	free(block);
	__atomic_add_fetch((int *)data, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static enum assay_code do_honest_work(void *data, struct assay_buf *answer, struct assay_error *err)
{
	int fd = *(int *)data, spill, count = 0;
	char bytes[5] = "";
	pthread_t threads[4];
	void *map;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, add_one, &count))
			return assay_fail(err, ASSAY_EBUG, "thread");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	spill = memfd_create("spill", MFD_CLOEXEC);
	if (spill < 0 || ftruncate(spill, 1 << 20))
		return assay_fail_errno(err, "spill");
	map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, spill, 0);
	if (map == MAP_FAILED || pread(fd, bytes, 4, 0) != 4)
		return assay_fail_errno(err, "map");
	assay_buf_printf(answer, "%s %d", bytes, count);
	return ASSAY_OK;
}

START_TEST(threads_maps_and_passed_files_work)
{
	struct assay_buf answer = ASSAY_BUF_INIT(1);
	struct assay_error err = ASSAY_ERROR_INIT;
	int fd = memfd_create("input", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, "data", 4), 4);
	ck_assert_msg(assay_jail_run(&usual, do_honest_work, &fd, &answer, &err) == ASSAY_OK, "%s",
		      err.msg);
	ck_assert_str_eq(assay_buf_text(&answer), "data 4");
	assay_buf_release(&answer);
	close(fd);
}
END_TEST

static enum assay_code do_make(void *data, struct assay_buf *answer, struct assay_error *err)
{
	int dir = *(int *)data, fd;

	fd = openat(dir, "made", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1 || mkdirat(dir, "below", 0755) ||
	    symlinkat("made", dir, "link"))
		return assay_fail_errno(err, "make");
	/* beyond making: another's file, names, modes, times, what is there already */
	if (unlinkat(dir, "made", 0) == 0 || renameat(dir, "made", dir, "other") == 0 ||
	    fchmod(fd, 0777) == 0 || fchmodat(dir, "made", 0777, 0) == 0 ||
	    futimens(fd, NULL) == 0 || mkdir("/tmp/assay-escaped", 0755) == 0 ||
	    symlink("x", "/tmp/assay-escaped") == 0 ||
	    open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ||
	    openat(dir, "../escaped", O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0)
		return assay_fail(err, ASSAY_EBUG, "more than making was possible");
	assay_buf_add_text(answer, "made");
	return ASSAY_OK;
}

START_TEST(a_writer_makes_things_in_one_directory_and_nothing_else)
{
	struct assay_buf answer = ASSAY_BUF_INIT(1);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_jail writer = usual;
	char top[] = "/tmp/assay-writer.XXXXXX";
	struct stat st;
	int dir;

	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	writer.writable_fd = dir;
	umask(077);
	ck_assert_msg(assay_jail_run(&writer, do_make, &dir, &answer, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_str_eq(assay_buf_text(&answer), "made");
	ck_assert_int_eq(fstatat(dir, "made", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(unlinkat(dir, "made", 0) | unlinkat(dir, "link", 0) |
				 unlinkat(dir, "below", AT_REMOVEDIR) | rmdir(top),
			 0);
	assay_buf_release(&answer);
	close(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, an_answer_comes_back);
	tcase_add_test(all, an_answer_has_a_ceiling);
	tcase_add_test(all, an_error_keeps_its_type);
	tcase_add_loop_test(all, what_a_parser_must_not_do_is_a_typed_error, 0, 9);
	tcase_add_test(all, no_file_is_opened_but_those_that_were_named);
	tcase_add_test(all, time_is_limited);
	tcase_add_test(all, memory_is_limited);
	tcase_add_test(all, threads_maps_and_passed_files_work);
	tcase_add_test(all, a_writer_makes_things_in_one_directory_and_nothing_else);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
