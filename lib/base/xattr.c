/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes; see the header. */
#include "assay/xattr.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "assay/cleanup.h"
#include "assay/span.h"

void assay_xattrs_release(struct assay_xattrs *list)
{
	free(list->text);
	free(list->names);
	*list = (struct assay_xattrs){ .text = NULL };
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each of the names ends with a NUL. */
static enum assay_code split(struct assay_xattrs *list, size_t length, struct assay_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += !list->text[i];
	list->names = calloc(count + 1, sizeof(*list->names));
	if (!list->names)
		return assay_fail(err, ASSAY_ENOMEM, "extended attributes: out of memory");
	for (const char *name = list->text; list->count < count; name += strlen(name) + 1)
		list->names[list->count++] = name;
	qsort(list->names, list->count, sizeof(*list->names), by_text);
	return ASSAY_OK;
}

enum assay_code assay_xattrs_list(int fd, struct assay_xattrs *ret, struct assay_error *err)
{
	ssize_t length = flistxattr(fd, NULL, 0);

	*ret = (struct assay_xattrs){ .text = NULL };
	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return ASSAY_OK;
	if (length < 0)
		return assay_fail_errno(err, "extended attributes");
	ret->text = malloc((size_t)length);
	if (!ret->text)
		return assay_fail(err, ASSAY_ENOMEM, "extended attributes: out of memory");
	length = flistxattr(fd, ret->text, (size_t)length);
	if (length < 0)
		return assay_fail_errno(err, "extended attributes");
	return split(ret, (size_t)length, err);
}

enum assay_code assay_xattr_read(int fd, const char *name, struct assay_buf *buf, struct assay_error *err)
{
	assay_auto(assay_freep) char *value = malloc(XATTR_SIZE_MAX);
	ssize_t length;

	if (!value)
		return assay_fail(err, ASSAY_ENOMEM, "extended attribute %s: out of memory", name);
	length = fgetxattr(fd, name, value, XATTR_SIZE_MAX);
	if (length < 0)
		return assay_fail_errno(err, "extended attribute %s", name);
	assay_buf_add(buf, value, (size_t)length);
	return assay_buf_check(buf, name, err);
}

static bool has_value(int fd, const char *name, struct assay_span value)
{
	char here[256];
	ssize_t length = fgetxattr(fd, name, here, sizeof(here));

	return length >= 0 && assay_span_equal(value, assay_span_of(here, (size_t)length));
}

enum assay_code assay_xattrs_copy(int from, int to, const char *except, struct assay_error *err)
{
	assay_auto(assay_xattrs_release) struct assay_xattrs list;

	if (assay_xattrs_list(from, &list, err))
		return err->code;
	for (size_t i = 0; i < list.count; i++) {
		assay_auto(assay_buf_release) struct assay_buf value = ASSAY_BUF_INIT(XATTR_SIZE_MAX);

		if (except && strncmp(list.names[i], except, strlen(except)) == 0)
			continue;
		if (assay_xattr_read(from, list.names[i], &value, err))
			return err->code;
		if (!has_value(to, list.names[i], assay_buf_span(&value)) &&
		    fsetxattr(to, list.names[i], assay_buf_text(&value), value.len, 0))
			return assay_fail_errno(err, "extended attribute %s", list.names[i]);
	}
	return ASSAY_OK;
}
