/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the calls that a box's filter does not let through. */
#ifndef ASSAY_BOX_NOTIFY_H
#define ASSAY_BOX_NOTIFY_H

#include "isolation.h"

/* Takes one notification; counted false while the launcher itself probes the filter. */
void box_notify_answer(int listener, struct box_isolation *isolation, bool counted);

#endif
