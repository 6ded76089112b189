/* SPDX-License-Identifier: Apache-2.0 */
/* See the header.  The worker reads the file with care, in its jail; here only three fields are looked at. */
#include "buildinfo.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/deb822.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/store.h"

/* A URL's bytes lie in the store, under a name that is known then. */
static enum assay_code fetch(const char *root, const char *url, char **ret_path, struct assay_error *err)
{
	assay_auto(assay_store_freep) struct assay_store *store = NULL;
	struct assay_digest digest;
	char hex[ASSAY_DIGEST_TEXT];
	uint64_t size;

	if (assay_store_open(root, &store, err) || assay_fetch(store, url, NULL, &digest, &size, err))
		return err->code;
	assay_digest_hex(&digest, hex);
	if (asprintf(ret_path, "%s/blobs/%.2s/%s", assay_store_root(store), hex, hex) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return ASSAY_OK;
}

/* The first line of Checksums-Sha256 that ends in ".deb" has "name_version_architecture.deb". */
static bool first_package(struct assay_span sums, struct assay_span *name, struct assay_span *architecture)
{
	struct assay_span line;

	while (assay_deb822_next_line(&sums, &line)) {
		size_t space = line.len, first, last;
		struct assay_span file;

		while (space && line.data[space - 1] != ' ')
			space--;
		file = assay_span_cut(line, space, line.len);
		first = assay_span_find(file, 0, assay_span_text("_"));
		last = file.len;
		while (last && file.data[last - 1] != '_')
			last--;
		if (!assay_span_ends(file, ".deb") || first == SIZE_MAX || !last)
			continue;
		*name = assay_span_cut(file, 0, first);
		*architecture = assay_span_cut(file, last, file.len - last - 4);
		return true;
	}
	return false;
}

static enum assay_code target_of(struct assay_span stanza, char **ret, struct assay_error *err)
{
	struct assay_span version = assay_deb822_field(stanza, "Version"), name, architecture;
	char shown[300];

	if (assay_deb822_check(stanza, err))
		return err->code;
	if (!version.len || !first_package(assay_deb822_field(stanza, "Checksums-Sha256"), &name, &architecture))
		return assay_fail(err, ASSAY_EINPUT, "want a Version, and a .deb in Checksums-Sha256");
	if (asprintf(ret, "pkg:deb/debian/%.*s@%.*s?arch=%.*s", ASSAY_SPAN_ARGS(name), ASSAY_SPAN_ARGS(version),
		     ASSAY_SPAN_ARGS(architecture)) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (strlen(assay_span_show(assay_span_text(*ret), shown, sizeof(shown))) != strlen(*ret))
		return assay_fail(err, ASSAY_EINPUT, "its package is called %s", shown);
	return ASSAY_OK;
}

enum assay_code cli_buildinfo_read(const char *store, const char *location, char **ret_path,
				   char **ret_target, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	assay_auto(assay_buf_release) struct assay_buf inner = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	bool url = strncmp(location, "http://", 7) == 0 || strncmp(location, "https://", 8) == 0, is_signed;
	struct assay_span rest, stanza;

	*ret_path = *ret_target = NULL;
	if (url && fetch(store, location, ret_path, err))
		return err->code;
	if (!url)
		*ret_path = realpath(location, NULL);
	if (!*ret_path)
		return assay_fail_errno(err, "%s", location);
	if (assay_file_read(AT_FDCWD, *ret_path, &text, err) ||
	    assay_deb822_unwrap(assay_buf_span(&text), &inner, &is_signed, err))
		return assay_context(err, "%s", location);
	rest = assay_buf_span(&inner);
	if (!assay_deb822_next(&rest, &stanza))
		return assay_fail(err, ASSAY_EINPUT, "%s: want a .buildinfo, have nothing", location);
	return target_of(stanza, ret_target, err) ? assay_context(err, "%s", location) : ASSAY_OK;
}
