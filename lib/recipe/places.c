/* SPDX-License-Identifier: Apache-2.0 */
/* What a recipe reads beside its own text. */
#include <string.h>

#include "assay/path.h"
#include "assay/recipe.h"

enum { OF_RECIPE = 3, OF_ARTIFACT = 3 };

static struct assay_recipe_place of_recipe(const struct assay_recipe *recipe, size_t i)
{
	const struct assay_recipe_place all[OF_RECIPE] = {
		{ "source",
		  recipe->source.kind == ASSAY_SOURCE_APT ? NULL : recipe->source.location,
		  recipe->source.kind == ASSAY_SOURCE_GIT },
		{ "environment.debian.lock", recipe->lock, false },
		{ "environment.oci.layout", recipe->oci_layout, true },
	};

	return all[i];
}

static struct assay_recipe_place of_artifact(const struct assay_recipe_artifact *artifact, size_t i)
{
	const struct assay_recipe_place all[OF_ARTIFACT] = {
		{ "artifacts: published", artifact->published, false },
		{ "artifacts: signature.file", artifact->signature_file, false },
		{ "artifacts: signature.key",
		  assay_recipe_key_is_file(artifact) ? artifact->signature_key : NULL, false },
	};

	return all[i];
}

bool assay_recipe_key_is_file(const struct assay_recipe_artifact *artifact)
{
	const char *scheme = artifact->signature_scheme;

	return scheme && (strcmp(scheme, "raw") == 0 || strcmp(scheme, "openpgp") == 0 ||
			  strchr(artifact->signature_key, '.'));
}

bool assay_recipe_place(const struct assay_recipe *recipe, size_t i, struct assay_recipe_place *ret)
{
	size_t inputs = OF_RECIPE + recipe->input_count;

	if (i < OF_RECIPE)
		*ret = of_recipe(recipe, i);
	else if (i < inputs)
		*ret = (struct assay_recipe_place){ "inputs",
						    recipe->inputs[i - OF_RECIPE].location, false };
	else if (i < inputs + OF_ARTIFACT * recipe->artifact_count)
		*ret = of_artifact(&recipe->artifacts[(i - inputs) / OF_ARTIFACT],
				   (i - inputs) % OF_ARTIFACT);
	else
		return false;
	return true;
}

static bool is_url(const char *location)
{
	return strncmp(location, "https://", 8) == 0 || strncmp(location, "http://", 7) == 0;
}

enum assay_code assay_recipe_place_check(const struct assay_recipe *recipe,
					 const struct assay_recipe_place *place, bool *ret_beside,
					 struct assay_error *err)
{
	*ret_beside = place->location && !is_url(place->location);
	if (!*ret_beside || (!place->is_tree && !strchr(place->location, ':') &&
			     assay_path_is_contained(assay_span_text(place->location))))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUSAGE,
			  "%s: %s: from afar, want an http or https URL%s, have \"%.200s\", which "
			  "is of the worker's machine",
			  recipe->path, place->what,
			  place->is_tree ? "" : " or a file beside the recipe", place->location);
}
