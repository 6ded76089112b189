/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: the archive offers one version of a tool, today's, and a package was built with that of its
 * own day.  A .deb tells when it was made: dpkg-deb writes SOURCE_DATE_EPOCH, the date of the
 * newest changelog entry, as the time of its ar members.
 */
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/time.h"
#include "debian_int.h"

#define AR_MAGIC "!<arch>\n"
#define AR_DATE 16 /* of the member header: twelve decimal digits */

bool assay_debian_package_date(struct assay_store *store, const struct assay_digest *deb,
			       int64_t *ret)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	assay_auto(assay_fd_closep) int fd = -1;
	char head[8 + 60];
	uint64_t date;

	if (!assay_store_has(store, deb) || assay_store_get(store, deb, &fd, &ignored) ||
	    assay_fd_read_exact(fd, head, sizeof(head), &ignored) ||
	    memcmp(head, AR_MAGIC, 8) != 0 ||
	    !assay_span_parse_u64(assay_span_trim(assay_span_of(head + 8 + AR_DATE, 12)), &date) ||
	    date > UINT32_MAX)
		return false;
	*ret = (int64_t)date;
	return true;
}

json_t *assay_debian_newer(struct assay_store *store, const struct assay_lock *lock, int64_t since)
{
	json_t *newer = assay_json_object(), *packages = assay_json_array();
	char when[ASSAY_TIME_TEXT];
	int64_t unknown = 0;

	for (size_t i = 0; i < lock->package_count; i++) {
		const struct assay_debian_file *p = &lock->packages[i];
		json_t *entry;
		int64_t date;

		if (!assay_debian_package_date(store, &p->sha256, &date)) {
			unknown++;
			continue;
		}
		if (date <= since)
			continue;
		entry = assay_json_object();
		assay_json_set_text(entry, "name", p->package);
		assay_json_set_text(entry, "version", p->version);
		assay_json_set_text(entry, "date", assay_time_format(date, when));
		assay_json_append(packages, entry);
	}
	assay_json_set_text(newer, "than", assay_time_format(since, when));
	assay_json_set(newer, "packages", packages);
	if (unknown)
		assay_json_set_int(newer, "unknown", unknown);
	return newer;
}
