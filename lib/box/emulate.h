/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a box that its supervisor answers itself, since the kernel would tell about the host. */
#ifndef ASSAY_BOX_EMULATE_H
#define ASSAY_BOX_EMULATE_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/sysinfo.h>

/* False when the kernel had to answer after all. */
bool box_emulate_sysinfo(int listener, const struct seccomp_notif *request, const struct sysinfo *sysinfo,
			 struct seccomp_notif_resp *answer);

#endif
