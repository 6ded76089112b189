/* SPDX-License-Identifier: Apache-2.0 */
/* The list of digests by inode that lies beside an environment: for this machine's eyes only. */
#include "contents.h"

#include "assay/cleanup.h"
#include "assay/limits.h"

void debian_contents_release(struct debian_contents *contents)
{
	free(contents->list);
	*contents = (struct debian_contents){ 0 };
}

static int by_inode(const void *a, const void *b)
{
	const struct debian_content *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

const struct assay_digest *debian_contents_find(const struct debian_contents *contents,
						uint64_t inode)
{
	struct debian_content key = { .inode = inode }, *at = NULL;

	if (contents && contents->count)
		at = bsearch(&key, contents->list, contents->count, sizeof(key), by_inode);
	return at ? &at->digest : NULL;
}

enum assay_code debian_contents_add(struct debian_contents *contents, uint64_t inode,
				    const struct assay_digest *digest, struct assay_error *err)
{
	if (!contents)
		return ASSAY_OK;
	if (contents->count == contents->capacity) {
		size_t capacity = contents->capacity ? 2 * contents->capacity : 16384;
		void *list = capacity > ASSAY_MAX_MEMBERS
				     ? NULL
				     : realloc(contents->list, capacity * sizeof(*contents->list));

		if (!list)
			return assay_fail(err, ASSAY_ENOMEM, "digests of a tree: out of memory");
		contents->list = list;
		contents->capacity = capacity;
	}
	contents->list[contents->count++] = (struct debian_content){ inode, *digest };
	return ASSAY_OK;
}

enum assay_code debian_contents_read(int dirfd, const char *name, struct debian_contents *ret,
				     struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_MEMBERS * sizeof(*ret->list));

	if (assay_file_read(dirfd, name, &text, err) || assay_buf_check(&text, name, err)) {
		assay_buf_release(&text);
		return err->code;
	}
	ret->count = ret->capacity = text.len / sizeof(*ret->list);
	ret->list = (struct debian_content *)assay_buf_take(&text);
	return ASSAY_OK;
}

enum assay_code debian_contents_write(int dirfd, const char *name,
				      struct debian_contents *contents, struct assay_error *err)
{
	if (contents->count)
		qsort(contents->list, contents->count, sizeof(*contents->list), by_inode);
	return assay_file_write(
		dirfd, name,
		assay_span_of(contents->list, contents->count * sizeof(*contents->list)), 0644, err);
}
