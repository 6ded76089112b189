/* SPDX-License-Identifier: Apache-2.0 */
/* The recipe parser: no input crashes it, and what it accepts has what a build needs. */
#include <stdlib.h>

#include "assay/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct assay_recipe *recipe, size_t size)
{
	if (!recipe->name || !recipe->source.location || !recipe->build[0] || !recipe->build_path)
		abort();
	for (size_t i = 0; i < recipe->pin_count; i++)
		if (recipe->pins[i].offset > size || recipe->pins[i].len > size - recipe->pins[i].offset)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int unpinned = 0; unpinned < 2; unpinned++) {
		struct assay_error err = ASSAY_ERROR_INIT;
		struct assay_recipe recipe;

		if (assay_recipe_parse_here(assay_span_of(data, size), "fuzz", unpinned, &recipe, &err))
			continue;
		check(&recipe, size);
		assay_recipe_release(&recipe);
	}
	return 0;
}
