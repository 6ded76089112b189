/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement gave back. */
#include <stdlib.h>

#include "assay/limits.h"
#include "database_int.h"

const char **rows_add(struct assay_rows *rows, int columns, struct assay_error *err)
{
	const char **row;

	rows->columns = columns;
	if (rows->count == ASSAY_MAX_ROWS) {
		assay_fail(err, ASSAY_ELIMIT, "database: want at most %d rows", ASSAY_MAX_ROWS);
		return NULL;
	}
	if (rows->count == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 16;
		void *cells = reallocarray(rows->cells, room * (size_t)columns, sizeof(*rows->cells));

		if (!cells) {
			assay_fail(err, ASSAY_ENOMEM, "database: out of memory");
			return NULL;
		}
		rows->cells = cells;
		rows->room = room;
	}
	row = rows->cells + rows->count++ * (size_t)columns;
	for (int i = 0; i < columns; i++)
		row[i] = NULL;
	return row;
}

size_t assay_rows_count(const struct assay_rows *rows)
{
	return rows ? rows->count : 0;
}

const char *assay_rows_text(const struct assay_rows *rows, size_t row, int column)
{
	return rows->cells[row * (size_t)rows->columns + (size_t)column];
}

int64_t assay_rows_int(const struct assay_rows *rows, size_t row, int column)
{
	const char *text = assay_rows_text(rows, row, column);

	return text ? strtoll(text, NULL, 10) : 0;
}

void assay_rows_free(struct assay_rows *rows)
{
	if (!rows)
		return;
	assay_arena_release(&rows->arena);
	free(rows->cells);
	free(rows);
}

void assay_rows_freep(struct assay_rows **rows)
{
	assay_rows_free(*rows);
}
