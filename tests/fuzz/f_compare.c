/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on hostile pairs.  A file is compared with itself, and with a copy in which one place
 * differs.  What must hold: the same file gives no difference; another file is never reproducible;
 * the accounting adds up; swapping the sides gives the same verdict and the same sums.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	char verdict[32];
	int64_t different, explained, unexplained;
	size_t divergences;
};

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("side", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static struct outcome compare(int left, int right)
{
	struct assay_side l = { .name = "left", .fd = left }, r = { .name = "right", .fd = right };
	struct assay_compare_options options = { .spill_fd = { -1, -1 }, .threads = 1 };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct outcome out = { .different = 0 };
	const json_t *accounting;
	json_t *report = NULL;

	if (assay_compare(&l, &r, &options, &report, &err)) {
		if (err.code == ASSAY_EBUG)
			abort();
		return out;
	}
	snprintf(out.verdict, sizeof(out.verdict), "%s", assay_json_text(report, "verdict", ""));
	accounting = json_object_get(report, "accounting");
	out.different = assay_json_int(accounting, "bytes_different", -1);
	out.explained = assay_json_int(accounting, "bytes_explained", -1);
	out.unexplained = assay_json_int(accounting, "bytes_unexplained", -1);
	out.divergences = json_array_size(json_object_get(report, "divergences"));
	json_decref(report);
	return out;
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_same(int fd)
{
	struct outcome same = compare(fd, fd);

	must(strcmp(same.verdict, "reproducible") == 0 && same.divergences == 0 &&
	     same.different == 0);
}

static void check_other(int left, int right)
{
	struct outcome there = compare(left, right), back = compare(right, left);

	must(there.verdict[0] == back.verdict[0] && strcmp(there.verdict, back.verdict) == 0);
	if (!there.verdict[0])
		return; /* a limit of ours, said as an error, both ways */
	must(strcmp(there.verdict, "reproducible") != 0);
	must(there.divergences > 0 && there.different >= 0 && there.explained >= 0 &&
	     there.unexplained >= 0);
	must(there.different == there.explained + there.unexplained);
	must(there.different == back.different && there.explained == back.explained &&
	     there.divergences == back.divergences);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	size_t at;
	int left, right;

	if (size < 4)
		return 0;
	/* where and how they differ is a part of the input */
	at = ((size_t)data[size - 1] << 8 | data[size - 2]) % size;
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	copy[at] ^= data[size - 3] ? data[size - 3] : 1;
	left = file_of(data, size);
	right = file_of(copy, size);
	check_same(left);
	check_other(left, right);
	close(left);
	close(right);
	free(copy);
	return 0;
}
