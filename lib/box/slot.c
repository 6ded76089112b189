/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of 65536 ids from 0x70000000 on, which systemd's table of ids ("Users, Groups, UIDs and
 * GIDs on systemd systems") leaves to nobody.  A slot is held by an abstract socket name: the kernel
 * frees it when the holder dies, and nothing stays on disk.  Inside a container that has no such ids
 * the upper part of its own range is used.
 */
#include "slot.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/cleanup.h"

#define FIRST 0x70000000u
#define SLOTS 4096u
#define RANGE 65536u

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

enum assay_code box_slot_take(struct box_slot *ret, struct assay_error *err)
{
	uint64_t ids = mapped_ids();

	*ret = (struct box_slot){ .lock = -1 };
	if (geteuid() != 0 || ids < 4096)
		return ASSAY_OK;
	if (!has_capability(CAP_SYS_ADMIN)) {
		/* root in a container: whoever else it may become has as many rights, and is not the host's root */
		ret->base = ids > FIRST ? FIRST : (uint32_t)ids - 1;
		return ASSAY_OK;
	}
	if (ids < FIRST + (uint64_t)SLOTS * RANGE) {
		/* never 0, which may be the host's root */
		ret->base = ids > 2 * (uint64_t)RANGE ? RANGE : 1000;
		ret->count = (uint32_t)(ids - ret->base < RANGE ? ids - ret->base : RANGE);
		return ASSAY_OK;
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t base = FIRST + i * RANGE;

		ret->lock = try_lock(base);
		if (ret->lock < 0)
			continue;
		ret->base = base;
		ret->count = RANGE;
		return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_EBUSY, "box: all %u ranges of ids are in use", SLOTS);
}
