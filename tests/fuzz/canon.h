/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of canonical forms, for every format and every input: assay_normalize() proves its
 * result equivalent, or says in other words why there is none; a canonical form is its own canonical
 * form.
 */
#ifndef ASSAY_TESTS_FUZZ_CANON_H
#define ASSAY_TESTS_FUZZ_CANON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assay/normalize.h"

static inline int canon_file(const void *data, size_t size)
{
	int fd = memfd_create("canon", MFD_CLOEXEC);

	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	return fd;
}

/* The result, or NULL when a limit was reached; *ret_out is the canonical form (of no bytes when the file
 * was left alone), which the caller closes. */
static inline json_t *canon_normalize(int file, const struct assay_normalize_options *base, int *ret_out)
{
	struct assay_normalize_options options = base ? *base : (struct assay_normalize_options){ 0 };
	struct assay_side side = { .name = "input", .fd = file };
	struct assay_error err = ASSAY_ERROR_INIT;
	json_t *result = NULL;

	options.spill_fd = canon_file(NULL, 0);
	options.scratch_fd = canon_file(NULL, 0);
	*ret_out = canon_file(NULL, 0);
	if (assay_normalize(&side, *ret_out, &options, &result, &err)) {
		if (err.code != ASSAY_ELIMIT && err.code != ASSAY_ENOMEM) {
			fprintf(stderr, "normalize: %s\n", err.msg);
			abort();
		}
		result = NULL;
	}
	close(options.spill_fd);
	close(options.scratch_fd);
	return result;
}

static inline void canon_dump(const char *what, const json_t *result)
{
	char *text = json_dumps(result, JSON_INDENT(1));

	fprintf(stderr, "%s: %s\n", what, text ? text : "");
	free(text);
	abort();
}

static inline void canon_fuzz(const uint8_t *data, size_t size)
{
	int file = canon_file(data, size), out, again;
	json_t *first = canon_normalize(file, NULL, &out), *second = NULL;
	const char *state = first ? assay_json_text(first, "state", "") : "";

	if (strcmp(state, "kept") == 0 &&
	    strstr(assay_json_text(first, "reason", ""), "would not be equivalent"))
		canon_dump("not equivalent", first);
	if (first && strcmp(state, "kept") != 0) {
		second = canon_normalize(out, NULL, &again);
		if (second && strcmp(assay_json_text(second, "state", ""), "canonical") != 0)
			canon_dump("a canonical form that is not canonical", second);
		close(again);
	}
	json_decref(first);
	json_decref(second);
	close(out);
	close(file);
}

#endif
