/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists that dpkg keeps: one file a package, one path a line.  In a merged /usr the kernel knows
 * /usr/bin/sh where a list says /bin/sh: both are kept without the /usr.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/trace.h"

#define LISTS_MAX ASSAY_MAX_LOCK_PACKAGES
#define PATHS_MAX 5000000

struct assay_packages {
	json_t *owners; /* path -> package */
};

static const char *merged(const char *path)
{
	static const char *const tops[] = { "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/" };

	if (strncmp(path, "/usr/", 5) == 0)
		for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
			if (strncmp(path + 4, tops[i], strlen(tops[i])) == 0)
				return path + 4;
	return path;
}

/* "libc6" of "libc6:amd64.list" */
static void read_list(struct assay_packages *packages, const char *name, struct assay_span list)
{
	size_t len = strcspn(name, ":");
	json_t *owner;
	struct assay_span line;

	if (len == strlen(name))
		len -= strlen(".list");
	owner = json_stringn(name, len);
	while (owner && assay_span_next_line(&list, &line) &&
	       json_object_size(packages->owners) < PATHS_MAX) {
		char path[4096];

		if (line.len >= sizeof(path) || !assay_span_is_utf8(line))
			continue;
		memcpy(path, line.data, line.len);
		path[line.len] = '\0';
		json_object_set(packages->owners, merged(path), owner);
	}
	json_decref(owner);
}

static enum assay_code read_lists(struct assay_packages *packages, DIR *dir, struct assay_error *err)
{
	const struct dirent *entry;
	int lists = 0;

	while ((entry = readdir(dir)) && lists < LISTS_MAX) {
		struct assay_buf list = ASSAY_BUF_INIT(ASSAY_MAX_TOOL_OUTPUT);
		enum assay_code code;

		if (!assay_span_ends(assay_span_text(entry->d_name), ".list"))
			continue;
		lists++;
		code = assay_file_read(dirfd(dir), entry->d_name, &list, err);
		if (!code)
			read_list(packages, entry->d_name, assay_buf_span(&list));
		assay_buf_release(&list);
		if (code)
			return code;
	}
	return ASSAY_OK;
}

enum assay_code assay_packages_read(const char *directory, struct assay_packages **ret,
				    struct assay_error *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct assay_packages *packages;
	enum assay_code code;

	*ret = NULL;
	if (!dir)
		return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, "%s", directory);
	packages = calloc(1, sizeof(*packages));
	if (packages)
		packages->owners = json_object();
	code = packages && packages->owners ? read_lists(packages, dir, err) :
					      assay_fail(err, ASSAY_ENOMEM, "out of memory");
	closedir(dir);
	if (code)
		assay_packages_free(packages);
	else
		*ret = packages;
	return code;
}

const char *assay_packages_find(const struct assay_packages *packages, const char *path)
{
	return packages ? json_string_value(json_object_get(packages->owners, merged(path))) : NULL;
}

void assay_packages_free(struct assay_packages *packages)
{
	if (packages)
		json_decref(packages->owners);
	free(packages);
}
