/* SPDX-License-Identifier: Apache-2.0 */
/* Two clocks and what lies between them; see the header. */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

#include "assay/cleanup.h"

static _Atomic int64_t offset; /* from the monotonic clock to the farm's time; 0: not known yet */

static int64_t read_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t scheduler_now(void)
{
	int64_t known = atomic_load(&offset);

	return known ? read_ms(CLOCK_MONOTONIC) + known : read_ms(CLOCK_REALTIME);
}

enum assay_code scheduler_clock_look(struct assay_database *db, int64_t *ret_now,
				     struct assay_error *err)
{
	assay_auto(assay_rows_freep) struct assay_rows *rows = NULL;

	if (assay_database_run(db, "SELECT @NOW@", NULL, 0, &rows, err))
		return err->code;
	*ret_now = assay_rows_int(rows, 0, 0);
	return ASSAY_OK;
}

void scheduler_clock_set(int64_t now)
{
	atomic_store(&offset, now - read_ms(CLOCK_MONOTONIC));
}
