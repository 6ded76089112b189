/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: mapped read-only from a sealed memfd, every count and offset checked once. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "launcher.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

const char *policy_text(const struct wire_policy *p, uint32_t offset)
{
	return p->data + offset;
}

static void check_text(const struct wire_policy *p, uint32_t offset, bool path)
{
	errno = EINVAL;
	if (offset >= p->data_size || !memchr(p->data + offset, 0, p->data_size - offset))
		fail("policy: text outside of its data");
	if (path && p->data[offset] != '/')
		fail("policy: path is not absolute");
}

static void check_area(const struct wire_policy *p, uint32_t offset, uint64_t size)
{
	errno = EINVAL;
	if (offset > p->data_size || size > p->data_size - offset)
		fail("policy: area outside of its data");
}

static void check_list(const struct wire_policy *p, uint32_t offset)
{
	check_text(p, offset, true);
	for (uint32_t count = 0; p->data[offset]; count++) {
		if (count == WIRE_MAX_ARGS)
			fail("policy: count out of range");
		offset += (uint32_t)strlen(p->data + offset) + 1;
		check_text(p, offset, false);
	}
}

static void check_oci(const struct wire_policy *p)
{
	if (p->silent_count > WIRE_MAX_FILTER || p->silent % 8)
		fail("policy: count out of range");
	check_area(p, p->silent, p->silent_count * sizeof(struct sock_filter));
	check_area(p, p->config, p->config_size);
	check_list(p, p->create);
	check_list(p, p->start);
	check_list(p, p->remove);
}

static void check(const struct wire_policy *p, uint64_t size)
{
	errno = EINVAL;
	if (p->magic != WIRE_MAGIC || p->version != WIRE_VERSION)
		fail("policy: library and launcher are of different versions");
	if (p->data_size > WIRE_MAX_DATA || sizeof(*p) + p->data_size != size)
		fail("policy: wrong size");
	if (p->argv_count < 1 || p->argv_count >= WIRE_MAX_ARGS || p->env_count >= WIRE_MAX_ARGS ||
	    p->mount_count > WIRE_MAX_MOUNTS ||
	    p->filter_count > WIRE_MAX_FILTER || p->filter % 8)
		fail("policy: count out of range");
	if (p->map_count && (p->map_base == 0 || p->map_base + p->map_count < p->map_base ||
			     (p->flags & WIRE_SUBIDS && (p->gid_base == 0 || p->map_count > WIRE_NOBODY ||
							 p->gid_base + p->map_count < p->gid_base))))
		fail("policy: id map would contain the host's root");
	if (p->map_count && p->map_count <= WIRE_NOBODY &&
	    ((p->uid >= p->map_count - 1 && p->uid != WIRE_NOBODY) ||
	     (p->gid >= p->map_count - 1 && p->gid != WIRE_NOBODY)))
		fail("policy: the command's ids are not among the %u that are mapped", p->map_count);
	if ((p->uid == 0 || p->gid == 0) && !(p->flags & WIRE_ROOT_INSIDE))
		fail("policy: uid 0 inside was not asked for");
	check_text(p, p->root, true);
	check_text(p, p->workspace, true);
	check_text(p, p->directory, true);
	check_text(p, p->hostname, false);
	check_area(p, p->filter, p->filter_count * sizeof(struct sock_filter));
	for (uint32_t i = 0; i < p->argv_count; i++)
		check_text(p, p->argv[i], i == 0);
	for (uint32_t i = 0; i < p->env_count; i++)
		check_text(p, p->env[i], false);
	for (uint32_t i = 0; i < p->mount_count; i++) {
		check_text(p, p->mounts[i].source, true);
		check_text(p, p->mounts[i].target, true);
		check_text(p, p->mounts[i].name, false);
		if (strchr(policy_text(p, p->mounts[i].name), '/'))
			fail("policy: name of an input is a path");
	}
	if (p->flags & WIRE_OCI)
		check_oci(p);
}

const struct wire_policy *policy_map(int fd)
{
	const struct wire_policy *p;
	struct stat st;

	if (fstat(fd, &st))
		fail("policy: look at it");
	errno = EINVAL;
	if (st.st_size < (off_t)sizeof(*p))
		fail("policy: too short");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fail("policy: map");
	check(p, (uint64_t)st.st_size);
	return p;
}

const struct wire_policy *policy_read(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		fail("policy: not a sealed memfd");
	return policy_map(fd);
}
