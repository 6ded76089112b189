/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of 65536 ids from 0x70000000 on, which systemd's table of ids ("Users, Groups, UIDs and
 * GIDs on systemd systems") leaves to nobody.  A slot is held by an abstract socket name: the kernel
 * frees it when the holder dies, and nothing stays on disk.  Inside a container that has no such ids,
 * and for a user with a range in /etc/subuid, the parts are smaller.
 */
#include "slot.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "subids.h"

#define FIRST 0x70000000u
#define SLOTS 4096u
#define RANGE 65536u
#define PART 2048u /* where ids are few: enough for the users of a Debian system, and nobody */

/* How many ids from 0 on this user namespace has; 0 when it cannot be told. */
static uint64_t mapped_ids(void)
{
	assay_auto(assay_file_closep) FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned long long inside, outside, count, whole = 0;

	while (file && fscanf(file, "%llu %llu %llu", &inside, &outside, &count) == 3)
		if (inside == whole)
			whole += count;
	return whole;
}

static int try_lock(uint32_t base)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len;

	if (fd < 0)
		return -1;
	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "assay-box-ids-%u", base);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };

	return syscall(SYS_capget, &header, sets) == 0 &&
	       sets[capability / 32].effective >> capability % 32 & 1;
}

/* The first part of a range of ids that nobody holds. */
static enum assay_code take_part(uint32_t first, uint64_t total, uint32_t size, struct box_slot *ret,
				 struct assay_error *err)
{
	uint64_t parts = total / size < SLOTS ? total / size : SLOTS;

	for (uint32_t i = 0; i < parts; i++) {
		ret->lock = try_lock(first + i * size);
		if (ret->lock < 0)
			continue;
		ret->base = first + i * size;
		ret->count = size;
		return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_EBUSY, "box: all %llu ranges of %u ids are in use",
			  (unsigned long long)parts, size);
}

static enum assay_code take_of_root(struct box_slot *ret, struct assay_error *err)
{
	uint64_t ids = mapped_ids();

	if (ids < 2 * PART)
		return ASSAY_OK;
	if (!has_capability(CAP_SYS_ADMIN)) {
		/* root in a container: whoever else it may become has as many rights, and is not the host's root */
		ret->base = ids > FIRST ? FIRST : (uint32_t)ids - 1;
		return ASSAY_OK;
	}
	if (ids >= FIRST + (uint64_t)SLOTS * RANGE)
		return take_part(FIRST, (uint64_t)SLOTS * RANGE, RANGE, ret, err);
	/* never 0, which may be the host's root */
	if (ids > 16 * (uint64_t)RANGE)
		return take_part(RANGE, ids - RANGE, RANGE, ret, err);
	return take_part(PART, ids - PART, PART, ret, err);
}

/* ---- without rights ---------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	bool known;
	struct box_subids ids;
	char why[BOX_SUBIDS_WHY];
} ours = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool have_range(struct box_subids *ret)
{
	bool have;

	pthread_mutex_lock(&ours.lock);
	if (!ours.known)
		box_subids_find(PART, &ours.ids, ours.why);
	ours.known = true;
	have = !ours.why[0];
	*ret = ours.ids;
	pthread_mutex_unlock(&ours.lock);
	return have;
}

void box_slot_refuse(const char *why)
{
	pthread_mutex_lock(&ours.lock);
	snprintf(ours.why, sizeof(ours.why), "%s", why);
	pthread_mutex_unlock(&ours.lock);
}

void box_slot_why(char *out, size_t size)
{
	pthread_mutex_lock(&ours.lock);
	snprintf(out, size, "%s", ours.why);
	pthread_mutex_unlock(&ours.lock);
}

static enum assay_code take_of_user(struct box_slot *ret, struct assay_error *err)
{
	struct box_subids ids;

	if (!have_range(&ids))
		return ASSAY_OK;
	if (take_part(ids.uid_first, ids.count, PART, ret, err))
		return err->code;
	ret->gid_base = ids.gid_first + (ret->base - ids.uid_first);
	return ASSAY_OK;
}

enum assay_code box_slot_take(struct box_slot *ret, struct assay_error *err)
{
	*ret = (struct box_slot){ .lock = -1 };
	return geteuid() == 0 ? take_of_root(ret, err) : take_of_user(ret, err);
}
