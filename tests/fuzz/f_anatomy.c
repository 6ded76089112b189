/* SPDX-License-Identifier: Apache-2.0 */
/* Every format of assay_formats, found by content: no input crashes a walker, spans tile the file, and a
 * comparison of a file with a changed copy of itself ends and never calls them the same. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/compare.h"
#include "assay/limits.h"
#include "normalizers/anatomy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t tile(const struct assay_node *node, uint64_t at)
{
	if (!node->first) {
		if (node->offset != at)
			abort();
		return at + node->length;
	}
	for (const struct assay_node *child = node->first; child; child = child->next)
		at = tile(child, at);
	return at;
}

static int memory_file(const uint8_t *data, size_t size, size_t flip)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	uint8_t byte;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (flip < size) {
		byte = data[flip] ^ 0x41;
		if (pwrite(fd, &byte, 1, (off_t)flip) != 1)
			abort();
	}
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_compare_options options = { .spill_fd = { -1, -1 } };
	struct assay_side sides[2] = { { .name = "a" }, { .name = "b" } };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_anatomy anatomy;
	json_t *report = NULL;

	if (size < 4 || size > ASSAY_MIB)
		return 0;
	if (assay_anatomy_open(assay_span_of(data, size), &anatomy, &err))
		return 0;
	if (tile(anatomy.root, 0) != size)
		abort();
	assay_anatomy_release(&anatomy);
	sides[0].fd = memory_file(data, size, SIZE_MAX);
	sides[1].fd = memory_file(data, size, data[0] * 31U % size);
	if (!assay_compare(&sides[0], &sides[1], &options, &report, &err)) {
		if (strcmp(assay_json_text(report, "verdict", ""), "reproducible") == 0)
			abort();
		json_decref(report);
	}
	close(sides[0].fd);
	close(sides[1].fd);
	return 0;
}
