/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of files on disk; see the header. */
#include "xattr.h"

#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/xattr.h"

static const struct assay_field field_xattr = {
	.name = "directory.xattr",
	.kind = ASSAY_METADATA,
	.cause = "extended_attributes_differ",
	.severity = ASSAY_SEVERITY_CODE,
	.rule = "file capabilities and ACLs are among the extended attributes",
};

static const char *const of_the_host[] = { "security.selinux", "security.ima", "security.evm" };

static bool is_of_the_host(const char *name)
{
	for (size_t i = 0; i < sizeof(of_the_host) / sizeof(of_the_host[0]); i++)
		if (strcmp(name, of_the_host[i]) == 0)
			return true;
	return false;
}

static enum assay_code record(struct assay_walk *walk, const char *name, const struct assay_span *left,
			      const struct assay_span *right, struct assay_error *err)
{
	const struct assay_span none = assay_span_of(NULL, 0);
	const char *of = left && right ? "differs" : left ? "is on the left only" : "is on the right only";
	char text[XATTR_NAME_MAX + 200];
	struct assay_difference d = {
		.field = &field_xattr,
		.left_present = left,
		.right_present = right,
		.values = { { left ? *left : none, right ? *right : none }, left, right },
		.bytes = left && right ? assay_bytes_differing(*left, *right) :
					 strlen(name) + (left ? left : right)->len,
		.confidence = ASSAY_CERTAIN,
		.severity = field_xattr.severity,
		.explanation = text,
	};

	snprintf(text, sizeof(text), "the extended attribute %s %s: %s", name, of, field_xattr.rule);
	return assay_walk_record(walk, NULL, &d, NULL, err);
}

/* The two sides of one comparison. */
struct pair {
	struct assay_walk *walk; /* NULL: nothing is recorded */
	int fd[2];
	struct assay_xattrs lists[2];
	bool differ;
};

/* A name that order says one side has (-1 left, 1 right), or both (0). */
static enum assay_code compare_one(struct pair *pair, const char *name, int order, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf l = ASSAY_BUF_INIT(XATTR_SIZE_MAX);
	assay_auto(assay_buf_release) struct assay_buf r = ASSAY_BUF_INIT(XATTR_SIZE_MAX);
	struct assay_span left, right;

	if ((order <= 0 && assay_xattr_read(pair->fd[0], name, &l, err)) ||
	    (order >= 0 && assay_xattr_read(pair->fd[1], name, &r, err)))
		return err->code;
	left = assay_buf_span(&l);
	right = assay_buf_span(&r);
	if (order == 0 && assay_span_equal(left, right))
		return ASSAY_OK;
	pair->differ = true;
	return pair->walk ? record(pair->walk, name, order <= 0 ? &left : NULL, order >= 0 ? &right : NULL, err) :
			    ASSAY_OK;
}

static enum assay_code merge(struct pair *pair, struct assay_error *err)
{
	const struct assay_xattrs *l = &pair->lists[0], *r = &pair->lists[1];

	for (size_t i = 0, k = 0; i < l->count || k < r->count; ) {
		int order = i == l->count ? 1 : k == r->count ? -1 : strcmp(l->names[i], r->names[k]);

		const char *name = order <= 0 ? l->names[i] : r->names[k];

		if (!is_of_the_host(name) && compare_one(pair, name, order, err))
			return err->code;
		i += order <= 0;
		k += order >= 0;
	}
	return ASSAY_OK;
}

static enum assay_code compare(struct pair *pair, struct assay_error *err)
{
	enum assay_code code = assay_xattrs_list(pair->fd[0], &pair->lists[0], err);

	if (!code)
		code = assay_xattrs_list(pair->fd[1], &pair->lists[1], err);
	if (!code)
		code = merge(pair, err);
	assay_xattrs_release(&pair->lists[0]);
	assay_xattrs_release(&pair->lists[1]);
	return code;
}

enum assay_code assay_xattrs_compare(struct assay_walk *walk, int left_fd, int right_fd,
				     struct assay_error *err)
{
	struct pair pair = { .walk = walk, .fd = { left_fd, right_fd } };

	return compare(&pair, err);
}

enum assay_code assay_xattrs_equal(int left_fd, int right_fd, bool *ret, struct assay_error *err)
{
	struct pair pair = { .fd = { left_fd, right_fd } };
	enum assay_code code = compare(&pair, err);

	*ret = !code && !pair.differ;
	return code;
}
