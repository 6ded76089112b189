/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of files made in memory, compared by the call that users reach; and the structure of one. */
#ifndef ASSAY_TESTS_UNIT_PAIR_H
#define ASSAY_TESTS_UNIT_PAIR_H

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/compare.h"
#include "assay/limits.h"
#include "normalizers/anatomy.h"

static inline int pair_file(struct assay_span bytes)
{
	int fd = memfd_create("side", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
	return fd;
}

/* What is found without a jail is what is found in it, and only for equal bytes. */
static inline void pair_check_identical(const struct assay_side *a, const struct assay_side *b,
					const json_t *report, bool equal)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *early = NULL;

	ck_assert_msg(!assay_compare_identical(a, b, &early, &err), "%s", err.msg);
	ck_assert(equal ? json_equal(early, report) : !early);
	json_decref(early);
}

/* The report; the caller drops it. */
static inline json_t *pair_compare(struct assay_span left, struct assay_span right)
{
	struct assay_compare_options options = { .spill_fd = { -1, -1 } };
	struct assay_side a = { .name = "a", .fd = pair_file(left) };
	struct assay_side b = { .name = "b", .fd = pair_file(right) };
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *report = NULL;

	ck_assert_msg(!assay_compare(&a, &b, &options, &report, &err), "%s", err.msg);
	pair_check_identical(&a, &b, report,
			     assay_span_equal(left, right) && left.len <= ASSAY_MAX_SMALL);
	close(a.fd);
	close(b.fd);
	return report;
}

/* "verdict" or "verdict: pass pass ..." */
static inline const char *pair_verdict(struct assay_span left, struct assay_span right)
{
	static char text[512];
	json_t *report = pair_compare(left, right), *pass;
	size_t i, used;

	used = (size_t)snprintf(text, sizeof(text), "%s",
				json_string_value(json_object_get(report, "verdict")));
	json_array_foreach(json_object_get(report, "passes"), i, pass)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s", i ? "" : ":",
					 json_string_value(json_object_get(pass, "name")));
	json_decref(report);
	return text;
}

static inline const char *pair_verdict_bufs(const struct assay_buf *left, const struct assay_buf *right)
{
	return pair_verdict(assay_buf_span(left), assay_buf_span(right));
}

/* "tar canonical", "tar ambiguous: reason", "tar malformed: reason" as the format that bids most. */
static inline const char *structure_of(struct assay_span file)
{
	static char text[512];
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy a;
	const char *format = assay_format_detect(file)->name;

	ck_assert_msg(!assay_anatomy_open(file, &a, &err), "%s", err.msg);
	if (a.malformed)
		snprintf(text, sizeof(text), "%s", a.malformed);
	else if (a.structure == ASSAY_AMBIGUOUS)
		snprintf(text, sizeof(text), "%s ambiguous: %s", format, a.reason);
	else
		snprintf(text, sizeof(text), "%s canonical", format);
	assay_anatomy_release(&a);
	return text;
}

#define assert_says(text, part)                                                                    \
	do {                                                                                       \
		const char *says_ = (text);                                                        \
		ck_assert_msg(strstr(says_, (part)) != NULL, "want \"%s\", have \"%s\"", (part),    \
			      says_);                                                              \
	} while (0)

static inline int run_suite(const char *name, void (*add)(TCase *tcase))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	add(tcase);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
