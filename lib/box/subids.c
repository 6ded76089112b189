/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subuid(5): lines "user:first:count", the user by name or number.  The largest range counts.  Whether
 * newuidmap(1) really maps it only shows when it does; what can be known before is looked at here.
 */
#include "subids.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"

#define TABLE_MAX (4u << 20)

/* Cuts the next field off a line. */
static struct assay_span next_field(struct assay_span *line)
{
	size_t end = assay_span_find(*line, 0, assay_span_text(":"));
	struct assay_span field = assay_span_cut(*line, 0, end);

	*line = end == SIZE_MAX ? assay_span_of(NULL, 0) : assay_span_cut(*line, end + 1, line->len);
	return field;
}

struct range {
	uint64_t first, count;
};

static bool parse_line(struct assay_span line, const char *name, const char *number, struct range *ret)
{
	struct assay_span user = next_field(&line), first = next_field(&line);

	return (assay_span_equal_text(user, name) || assay_span_equal_text(user, number)) &&
	       assay_span_parse_u64(first, &ret->first) &&
	       assay_span_parse_u64(assay_span_trim(line), &ret->count) && ret->first > 0 &&
	       ret->first < UINT32_MAX && ret->count < UINT32_MAX - ret->first;
}

static struct range find_range(const char *table, const char *name, const char *number)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(TABLE_MAX);
	struct assay_error err;
	struct assay_span rest, line;
	struct range best = { 0, 0 }, one;

	if (assay_file_read(AT_FDCWD, table, &buf, &err))
		return best;
	rest = assay_buf_span(&buf);
	while (assay_span_next_line(&rest, &line))
		if (parse_line(line, name, number, &one) && one.count > best.count)
			best = one;
	return best;
}

/* 6.3 brought idmapped mounts of a tmpfs, without which nobody but the range could read the outputs. */
static bool kernel_is_new_enough(void)
{
	struct utsname names;
	int major = 0, minor = 0;

	return uname(&names) == 0 && sscanf(names.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 3));
}

static bool holds(struct range range, uint64_t id)
{
	return id >= range.first && id - range.first < range.count;
}

void box_subids_find(uint32_t least, struct box_subids *ret, char why[BOX_SUBIDS_WHY])
{
	char number[16], text[4096];
	struct passwd entry, *user = NULL;
	struct range uids, gids;

	*ret = (struct box_subids){ 0 };
	why[0] = '\0';
	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &user) || !user) {
		snprintf(why, BOX_SUBIDS_WHY, "the user has no entry in the password database");
		return;
	}
	uids = find_range("/etc/subuid", user->pw_name, number);
	gids = find_range("/etc/subgid", user->pw_name, number);
	if (uids.count < least || gids.count < least)
		snprintf(why, BOX_SUBIDS_WHY, "no range of %u ids in %s", least,
			 uids.count < least ? "/etc/subuid" : "/etc/subgid");
	else if (holds(uids, geteuid()) || holds(gids, getegid()))
		snprintf(why, BOX_SUBIDS_WHY, "the range contains the user itself");
	else if (access("/usr/bin/newuidmap", X_OK) || access("/usr/bin/newgidmap", X_OK))
		snprintf(why, BOX_SUBIDS_WHY, "no newuidmap (Debian: uidmap)");
	else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		snprintf(why, BOX_SUBIDS_WHY, "no_new_privs is set, newuidmap would get no rights");
	else if (!kernel_is_new_enough())
		snprintf(why, BOX_SUBIDS_WHY, "Linux before 6.3 cannot map the ids of a tmpfs");
	ret->uid_first = (uint32_t)uids.first;
	ret->gid_first = (uint32_t)gids.first;
	ret->count = (uint32_t)(uids.count < gids.count ? uids.count : gids.count);
}
