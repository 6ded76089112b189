/* SPDX-License-Identifier: Apache-2.0 */
/* The claims of one package as a sorted list; see claimants.h. */
#include <stdlib.h>

#include "assay/limits.h"
#include "claimants.h"
#include "extract.h"

struct assay_span assay_claim_name(struct assay_span name)
{
	while (name.len && (assay_span_starts(name, "./") || name.data[0] == '/')) {
		size_t cut = name.data[0] == '/' ? 1 : 2;

		name = assay_span_of(name.data + cut, name.len - cut);
	}
	return name;
}

static int by_name(const void *a, const void *b)
{
	const struct assay_claim *x = a, *y = b;
	int order = assay_span_compare(x->name, y->name);

	return order ? order : (x->hash > y->hash) - (x->hash < y->hash);
}

const struct assay_claim *assay_claims_about(const struct assay_claims *claims, struct assay_span name,
					     size_t *ret_count)
{
	size_t low = 0, high = claims->count, end;

	*ret_count = 0;
	if (!claims->count)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (assay_span_compare(claims->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < claims->count && assay_span_equal(claims->items[end].name, name); end++)
		;
	*ret_count = end - low;
	return &claims->items[low];
}

const struct assay_claim *assay_claims_like(const struct assay_claims *claims,
					    const struct assay_claim *like)
{
	return claims->count ? bsearch(like, claims->items, claims->count, sizeof(*like), by_name) :
			       NULL;
}

static void sort_claims(struct assay_claims *claims)
{
	if (claims->count)
		qsort(claims->items, claims->count, sizeof(*claims->items), by_name);
	for (size_t i = 1; i < claims->count; i++)
		claims->odd |= by_name(&claims->items[i - 1], &claims->items[i]) == 0;
}

static enum assay_code copy_text(void *data, struct assay_span bytes, struct assay_error *err)
{
	assay_buf_add_span(data, bytes);
	return assay_buf_check(data, "claims", err);
}

void assay_claims_read(struct assay_codec_space *space, const struct assay_anatomy *package,
			const struct assay_claimant *who, struct assay_claims *ret)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;

	*ret = (struct assay_claims){ .arena = ASSAY_ARENA_INIT(8 * CLAIM_MAX),
				      .text = ASSAY_BUF_INIT(CLAIM_MAX),
				      .masked = ASSAY_BUF_INIT(4 * CLAIM_MAX) };
	if (who->read)
		who->read(package, ret);
	else if (who->parse &&
		 assay_extract_from(space, package, who->text, copy_text, &ret->text, &ignored) == ASSAY_OK)
		who->parse(ret);
	sort_claims(ret);
}

void assay_claims_release(struct assay_claims *claims)
{
	free(claims->items);
	assay_arena_release(&claims->arena);
	assay_buf_release(&claims->text);
	assay_buf_release(&claims->masked);
}

bool assay_claims_are_silent(const struct assay_claims *claims)
{
	return !claims->count && !claims->odd;
}
